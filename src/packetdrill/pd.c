/*
 * The entry: a stack with a bare-IP interface for each family, on which every address is ours, set up from "key=value,key=value" with the
 * leaf names of Linux's sysctls and `mtu`; then the table of calls.  Several scripts may run in one process, so free leaves
 * nothing behind.
 */
#include "pd.h"
#include "pd_if.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

struct pd *pd_current;

ssize_t pd_ret(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

struct pd_fd *pd_entry(struct pd *pd, int fd)
{
	if (fd >= 0 && fd < PD_MAX_FDS && pd->fds[fd].kind != PD_NONE)
		return &pd->fds[fd];
	errno = EBADF;
	return NULL;
}

/* The interpreter closes every number with libc's close at the end, so each must be a descriptor of its process. */
int pd_fd_new(struct pd *pd, enum pd_kind kind)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fd >= PD_MAX_FDS) {
		errno = EMFILE;
		return -1;
	}
	free(pd->fds[fd].watch);
	pd->fds[fd] = (struct pd_fd){ .kind = kind, .sock = -1 };
	return fd;
}

static void die(const char *what)
{
	fprintf(stderr, "outlet-packetdrill: %s\n", what);
	exit(1);
}

static void pd_free(void *u)
{
	struct pd *pd = u;
	while (pd->out) {
		struct pd_out *o = pd->out;
		pd->out = o->next;
		ol_pkt_free(o->pkt);
		free(o);
	}
	for (int i = 0; i < PD_MAX_FDS; i++)
		free(pd->fds[i].watch);
	ol_stack_free(pd->stk);
	ol_pool_free(pd->pool);
	pthread_mutex_destroy(&pd->lock);
	pd_current = NULL;
	free(pd);
}

static void apply(struct ol_config *cfg, uint32_t *mtu, const char *flags)
{
	char *copy = strdup(flags ? flags : ""), *save = NULL;
	if (!copy)
		die("out of memory");
	for (char *item = strtok_r(copy, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		char *value = strchr(item, '=');
		if (!value) {
			fprintf(stderr, "outlet-packetdrill: \"%s\" is not key=value; ignored\n", item);
			continue;
		}
		*value++ = 0;
		if (!strcmp(item, "mtu"))
			*mtu = (uint32_t)strtoul(value, NULL, 10);
		else if (ol_config_set(cfg, item, value))
			fprintf(stderr, "outlet-packetdrill: %s=%s is no setting of ours; ignored\n", item, value);
	}
	free(copy);
}

/* An interface for each family: scripts presume an MSS of 1460 in both, so IPv6's MTU is 20 bytes larger unless set. */
static bool interface_up(struct pd *pd, int i, uint32_t mtu)
{
	static const char *const name[] = { "tun4", "tun6" }, *const any[] = { "0.0.0.0/0", "::/0" };
	static const char *const address[] = { "192.168.0.1/16", "fd3d:a0b:17d6::1/64" };
	struct ol_iface_config ic = { .name = name[i], .link = OL_LINK_IP, .mtu = mtu ? mtu : i ? 1520 : 1500 };
	pd->ifi[i] = ol_iface_add(pd->stk, &ic);
	struct ol_addr a;
	unsigned plen;
	struct ol_route r = { .ifi = pd->ifi[i] };
	return ol_prefix_parse(address[i], &a, &plen) && !ol_addr_add(pd->stk, pd->ifi[i], &a, plen) &&
	       ol_prefix_parse(any[i], &r.dst, &r.plen) && !ol_route_add(pd->stk, &r);
}

const char *pd_init(const char *flags, struct packetdrill_interface *ifc)
{
	static const uint8_t seed[16] = "packetdrill seed";
	struct pd *pd = calloc(1, sizeof *pd);
	struct ol_config *cfg = ol_config_new();
	if (!pd || !cfg) {
		free(pd);
		ol_config_free(cfg);
		return "out of memory";
	}
	uint32_t mtu = 0;
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "ip_any_local", "1");
	ol_config_set(cfg, "tcp_mtu_probing", "0");	/* scripts presume Linux's profile */
	apply(cfg, &mtu, flags);
	pthread_mutex_init(&pd->lock, NULL);
	pthread_cond_init(&pd->wake, NULL);
	pthread_cond_init(&pd->left, NULL);
	pd->main = pthread_self();
	pd->now = PD_START;
	pd->out_tail = &pd->out;
	pd->pool = ol_pool_new(0);
	pd->stk = ol_stack_new(cfg, pd->pool, pd->now);
	ol_config_free(cfg);
	if (!pd->stk || !interface_up(pd, 0, mtu) || !interface_up(pd, 1, mtu)) {
		pd_free(pd);
		return "no stack with an interface could be made of these settings";
	}
	*ifc = (struct packetdrill_interface){
		.userdata = pd, .free = pd_free, .netdev_send = pd_netdev_send, .netdev_receive = pd_netdev_receive,
		.usleep = pd_usleep, .gettimeofday = pd_gettimeofday,
	};
	pd_sock_calls(ifc);
	pd_poll_calls(ifc);
	pd_current = pd;
	return NULL;
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	const char *why = pd_init(flags, ifc);
	if (why)
		die(why);
}
