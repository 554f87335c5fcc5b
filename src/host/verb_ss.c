/* ss: every socket of the network, with the program that owns it. */
#include "host/events.h"
#include "host/verb.h"
#include <netinet/in.h>

static const char *timer_name(unsigned timer)
{
	static const char *const names[] = { "off",    "on",	"keepalive", "timewait", "persist",
					     "delack", "probe", "reorder",   "pacing" };
	return timer < ARRAY_LEN(names) ? names[timer] : "?";
}

static json_t *endpoint(const struct ol_endpoint *e, int domain)
{
	char text[OL_ADDR_STRLEN + 8];
	struct ol_endpoint shown = *e;
	if (!shown.addr.ver && domain == AF_INET)
		shown.addr.ver = 4;
	if (!shown.addr.ver && !shown.port)
		return json_string("*:*");
	return json_string(ol_endpoint_str(&shown, text));
}

static void tcp_facts(json_t *j, const struct ol_sock_info *i)
{
	json_object_set_new(j, "cwnd", json_integer(i->cwnd));
	json_object_set_new(j, "ssthresh", json_integer(i->ssthresh));
	json_object_set_new(j, "mss", json_integer(i->mss));
	json_object_set_new(j, "snd_wnd", json_integer(i->snd_wnd));
	json_object_set_new(j, "rcv_wnd", json_integer(i->rcv_wnd));
	json_object_set_new(j, "srtt_us", json_integer(i->srtt_ns / OL_US));
	json_object_set_new(j, "rttvar_us", json_integer(i->rttvar_ns / OL_US));
	json_object_set_new(j, "rto_us", json_integer(i->rto_ns / OL_US));
	json_object_set_new(j, "bytes_sent", json_integer((json_int_t)i->bytes_sent));
	json_object_set_new(j, "bytes_acked", json_integer((json_int_t)i->bytes_acked));
	json_object_set_new(j, "bytes_received", json_integer((json_int_t)i->bytes_received));
	json_object_set_new(j, "retransmits", json_integer((json_int_t)i->retransmits));
	json_object_set_new(j, "congestion", json_string(i->congestion));
}

static json_t *row(struct vhost *h, const struct ol_sock_info *i, struct gsock *gs)
{
	bool stream = i->type == SOCK_STREAM;
	json_t *j = json_pack("{ss ss ss si ss}", "host", h->name, "domain", i->domain == AF_INET6 ? "inet6" : "inet",
			      "type",
			      stream		    ? "stream"
			      : i->type == SOCK_RAW ? "raw"
						    : "dgram",
			      "protocol", i->protocol, "state",
			      stream	       ? ol_tcp_state_name(i->state)
			      : i->remote.port ? "ESTABLISHED"
					       : "UNCONN");
	json_object_set_new(j, "sock", json_integer(gs ? (json_int_t)gs->num : -1));
	json_object_set_new(j, "local", endpoint(&i->local, i->domain));
	json_object_set_new(j, "remote", endpoint(&i->remote, i->domain));
	/* Bytes in a guest's pair have not reached the stack's queue, but the program believes them sent. */
	json_object_set_new(j, "recv_q", json_integer((json_int_t)i->recv_q));
	json_object_set_new(j, "send_q",
			    json_integer((json_int_t)(i->send_q +
						      (gs && i->state != OL_TCP_LISTEN ? gsock_unread(gs) : 0))));
	json_object_set_new(j, "timer", json_string(timer_name(i->timer)));
	json_object_set_new(j, "timer_ms", i->timer_at == OL_NEVER ? json_null()
			    : json_integer(MAX(i->timer_at - h->svc->loop.now, 0) / OL_MS));
	if (gs) {
		char program[64];
		json_object_set_new(j, "pid", json_integer(gs->pid));
		json_t *name = json_string(events_program(gs, program, sizeof program));
		json_object_set_new(j, "program", name ? name : json_string("?"));
	}
	if (stream && i->state != OL_TCP_LISTEN)
		tcp_facts(j, i);
	return j;
}

void verb_ss(const struct ask *a)
{
	struct vhost *only;
	if (!verb_host(a, &only))
		return;
	json_t *list = json_array();
	list_for(n, &a->svc->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		uint64_t cursor = 0;
		struct ol_sock_info i;
		struct gsock *gs;
		while ((!only || h == only) && vhost_sock_next(h, &cursor, &i, &gs))
			json_array_append_new(list, row(h, &i, gs));
	}
	verb_answer(a, json_pack("{so}", "sockets", list));
}
