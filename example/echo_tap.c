/*
 * The echo server for the whole machine: a host of our own behind a TAP device, the kernel its neighbour.  As root, or in a
 * namespace of one's own (unshare -rn):
 *
 *	ip tuntap add tap0 mode tap && ip addr add 10.9.0.1/24 dev tap0 && ip link set tap0 up
 *	echo_tap tap0 10.9.0.2/24 &
 *	nc 10.9.0.2 7
 */
#include "echo.h"
#include <errno.h>
#include <outlet/ol_tap.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static ol_time clock_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * OL_SEC + ts.tv_nsec;
}

static struct ol_stack *host(struct ol_pool *pool, struct ol_tap *tap, const struct ol_addr *addr, unsigned plen)
{
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16];
	if (getrandom(seed, sizeof seed, 0) != sizeof seed)
		return NULL;
	ol_config_seed(cfg, seed);
	struct ol_stack *stk = ol_stack_new(cfg, pool, clock_now());
	ol_config_free(cfg);
	const struct ol_iface_config eth = {
		.name = "eth0", .link = OL_LINK_ETHER, .mac = { { 2, 0, 0, seed[0], seed[1], seed[2] } }, .features = ol_tap_features(tap),
	};
	int ifi = ol_iface_add(stk, &eth);
	ol_iface_up(stk, ifi, true);
	int err = ol_addr_add(stk, ifi, addr, plen);
	if (!err)
		return stk;
	ol_stack_free(stk);
	return NULL;
}

/* Sleeps until a frame comes, the kernel takes frames again, or the stack's deadline. */
static void wait_for(struct ol_tap *tap, ol_time deadline)
{
	struct pollfd fd = { .fd = ol_tap_fd(tap), .events = (short)(POLLIN | (ol_tap_pending(tap) ? POLLOUT : 0)) };
	ol_time left = deadline - clock_now();
	struct timespec ts = { left > 0 ? left / OL_SEC : 0, left > 0 ? left % OL_SEC : 0 };
	ppoll(&fd, 1, deadline == OL_NEVER ? NULL : &ts, NULL);
	if (fd.revents & POLLOUT)
		ol_tap_flush(tap);
}

static void serve(struct ol_stack *stk, struct ol_tap *tap, ol_sock listener)
{
	for (;;) {
		struct ol_event ev;
		struct ol_pkt *pkt;
		struct ol_pktq together;
		ol_time now = clock_now();
		ol_pktq_init(&together);
		while ((pkt = ol_tap_receive(tap, now)))
			ol_pktq_put(&together, pkt);
		ol_stack_input_batch(stk, 1, &together, now);
		ol_stack_expire(stk, now);
		while (ol_event_next(stk, &ev))
			echo_server_event(stk, listener, &ev, now);
		while ((pkt = ol_stack_output(stk, 1, now)))
			ol_tap_send(tap, pkt);
		wait_for(tap, ol_stack_deadline(stk));
	}
}

int main(int argc, char **argv)
{
	struct ol_addr addr;
	unsigned plen;
	char why[256];
	if (argc != 3 || !ol_prefix_parse(argv[2], &addr, &plen)) {
		fprintf(stderr, "usage: %s DEVICE ADDRESS/LENGTH\n", argv[0]);
		return 2;
	}
	struct ol_pool *pool = ol_pool_new(0);
	const struct ol_tap_config cfg = { .name = argv[1], .link = OL_LINK_ETHER, .pool = pool };
	struct ol_tap *tap;
	if (ol_tap_open(&tap, &cfg, why, sizeof why)) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	struct ol_stack *stk = host(pool, tap, &addr, plen);
	ol_sock listener = stk ? echo_server_start(stk, 7, clock_now()) : -ENOMEM;
	if (listener < 0) {
		fprintf(stderr, "echo: %s\n", strerror(-listener));
		return 1;
	}
	printf("echo on %s port 7, device %s\n", argv[2], ol_tap_name(tap));
	fflush(stdout);
	serve(stk, tap, listener);
}
