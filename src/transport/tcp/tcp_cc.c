/* The congestion controls there are, by the names TCP_CONGESTION takes. */
#include <string.h>
#include "base/check.h"
#include "transport/tcp/tcp_int.h"

static const struct tcp_cc_ops *const all[] = { &tcp_cc_cubic, &tcp_cc_reno, &tcp_cc_bbr };

const struct tcp_cc_ops *tcp_cc_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

const char *tcp_cc_name(unsigned i)
{
	return i < ARRAY_LEN(all) ? all[i]->name : NULL;
}

void tcp_cc_tell(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now)
{
	if (tcb->loss.cc->event)
		tcb->loss.cc->event(tcb, what, now);
}
