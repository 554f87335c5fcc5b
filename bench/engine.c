/*
 * The engine alone: two hosts in one process and one thread, a memory wire, virtual addresses, real work.
 *	bench/engine stream [-m MTU] [-o] [-g] [-w WRITE] [-s SECONDS] [-b BYTES]	bulk one way; -o: super-segments, no checksums;
 *										-g: no trains (setting gro=0)
 *	bench/engine pp [-w BYTES] [-n COUNT]					round trips
 *	bench/engine conn [-n COUNT]						connect, accept, close both ends
 *	bench/engine idle [-n COUNT]						memory of idle connections
 * -b: SO_RCVBUF and SO_SNDBUF of both ends, 256 KiB unless given; 0: the stack tunes them.
 * Beside what the clock on the wall said stands what the processor's did: on a shared machine only the latter repeats.
 * Without -o every segment is cut to the MTU, summed by the sender and verified by the receiver.
 */
#include <outlet/ol_sock.h>
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct end { struct ol_stack *stk; int ifi; };
static struct ol_pool *pool;
static struct end a, b;
static int mtu = 1500, offload, no_gro, write_size = 65536, count, buffers;
static double seconds = 2;

static ol_time now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * OL_SEC + t.tv_nsec;
}

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static struct end host(const char *address, uint8_t mac)
{
	static uint8_t seed[16] = "bench";
	struct end e;
	seed[15] = mac;
	struct ol_config *cfg = ol_config_new();
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "tcp_max_tw_buckets", "4096");
	ol_config_set(cfg, "gro", no_gro ? "0" : "1");
	e.stk = ol_stack_new(cfg, pool, now());
	ol_config_free(cfg);
	struct ol_iface_config ic = { .name = "eth0", .link = OL_LINK_IP, .mtu = (uint32_t)mtu,
		.features = offload ? OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6 : 0 };
	struct ol_addr addr;
	if (!e.stk || (e.ifi = ol_iface_add(e.stk, &ic)) < 0 || !ol_addr_parse(address, &addr) || ol_addr_add(e.stk, e.ifi, &addr, 24))
		die("a host could not be set up");
	return e;
}

/* What one has to send, as a batch for the other. */
static bool hand_over(struct end *from, struct end *to, ol_time t)
{
	struct ol_pktq q;
	ol_pktq_init(&q);
	for (struct ol_pkt *p; q.count < 64 && (p = ol_stack_output(from->stk, from->ifi, t)); )
		ol_pktq_put(&q, p);
	if (!q.count)
		return false;
	ol_stack_input_batch(to->stk, to->ifi, &q, t);
	return true;
}

/* Carries frames both ways until both are quiet. */
static void carry(ol_time t)
{
	for (bool moved = true; moved; ) {
		moved = hand_over(&a, &b, t);
		moved |= hand_over(&b, &a, t);
	}
}

static void tick(ol_time t)
{
	if (ol_stack_deadline(a.stk) <= t)
		ol_stack_expire(a.stk, t);
	if (ol_stack_deadline(b.stk) <= t)
		ol_stack_expire(b.stk, t);
	for (struct ol_event ev; ol_event_next(a.stk, &ev) || ol_event_next(b.stk, &ev); )
		;
	carry(t);
}

static void buffer_sizes(struct ol_stack *stk, ol_sock s)
{
	if (buffers && (ol_setsockopt(stk, s, SOL_SOCKET, SO_RCVBUF, &buffers, sizeof buffers, now()) ||
			ol_setsockopt(stk, s, SOL_SOCKET, SO_SNDBUF, &buffers, sizeof buffers, now())))
		die("a buffer's size");
}

static ol_sock listener(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(5001) };
	ol_sock l = ol_socket(b.stk, AF_INET, SOCK_STREAM, 0, now());
	buffer_sizes(b.stk, l);
	if (ol_bind(b.stk, l, (void *)&any, sizeof any, now()) || ol_listen(b.stk, l, 4096, now()))
		die("listen");
	return l;
}

static void pair(ol_sock l, ol_sock *c, ol_sock *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5001) };
	inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
	ol_time t = now();
	*c = ol_socket(a.stk, AF_INET, SOCK_STREAM, 0, t);
	buffer_sizes(a.stk, *c);
	int r = ol_connect(a.stk, *c, (void *)&to, sizeof to, t);
	carry(t);
	*s = ol_accept(b.stk, l, NULL, NULL, t);
	if ((r && r != -EINPROGRESS) || *s < 0)
		die("a connection could not be made");
}

static void stream(void)
{
	static char out[1 << 20], in[1 << 20];
	ol_sock c, s, l = listener();
	pair(l, &c, &s);
	ol_time start = now(), end = start + (ol_time)(seconds * 1e9), t = start;
	uint64_t bytes = 0;
	double busy = cpu();
	while (t < end) {
		while (ol_send(a.stk, c, out, (size_t)write_size, 0, t) > 0)
			;
		carry(t);
		for (ssize_t n; (n = ol_recv(b.stk, s, in, sizeof in, 0, t)) > 0; )
			bytes += (uint64_t)n;
		t = now();
		tick(t);
	}
	double dt = (double)(t - start) / 1e9;
	busy = cpu() - busy;
	struct tcp_info ti;
	socklen_t len = sizeof ti;
	ol_getsockopt(a.stk, c, IPPROTO_TCP, TCP_INFO, &ti, &len, t);
	printf("stream mtu %d%s: %.2f Gbit/s; of CPU time %.2f Gbit/s, %.0f ns for %u bytes; %u retransmits\n", mtu,
	       offload ? " offload" : "", (double)bytes * 8 / dt / 1e9, (double)bytes * 8 / busy / 1e9,
	       busy * 1e9 / ((double)bytes / ti.tcpi_snd_mss), ti.tcpi_snd_mss, ti.tcpi_total_retrans);
}

static void pp(void)
{
	static char buf[65536];
	int size = write_size == 65536 ? 1 : write_size, n = count ? count : 300000;
	ol_sock c, s, l = listener();
	pair(l, &c, &s);
	ol_time start = now(), t = start;
	double busy = cpu();
	for (int i = 0; i < n; i++) {
		ol_send(a.stk, c, buf, (size_t)size, 0, t);
		carry(t);
		for (int got = 0; got < size; )
			got += (int)ol_recv(b.stk, s, buf, sizeof buf, 0, t);
		ol_send(b.stk, s, buf, (size_t)size, 0, t);
		carry(t);
		for (int got = 0; got < size; )
			got += (int)ol_recv(a.stk, c, buf, sizeof buf, 0, t);
		if (!(i & 15))
			tick(t = now());
	}
	printf("round trip %d B: %.0f ns; of CPU time %.0f ns\n", size, (double)(now() - start) / n, (cpu() - busy) * 1e9 / n);
}

static void conn(void)
{
	int n = count ? count : 200000;
	ol_sock c, s, l = listener();
	ol_time start = now();
	double busy = cpu();
	for (int i = 0; i < n; i++) {
		pair(l, &c, &s);
		ol_time t = now();
		ol_close(a.stk, c, t);
		carry(t);
		ol_close(b.stk, s, t);
		carry(t);
		tick(t);
	}
	printf("connections with orderly close: %.0f /s; of CPU time %.0f /s\n", n / ((double)(now() - start) / 1e9),
	       n / (cpu() - busy));
}

static void idle(void)
{
	int pairs = count ? count : 10000;
	ol_sock c, s, l = listener();
	pair(l, &c, &s);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < pairs; i++)
		pair(l, &c, &s);
	tick(now() + OL_SEC);
	printf("idle: %.0f bytes a socket\n", (double)(mallinfo2().uordblks - before) / pairs / 2);
	ol_time start = now();
	int n = 1000;
	for (int i = 0; i < n; i++)
		tick(now());
	printf("idle: %.0f ns a turn with %d connections\n", (double)(now() - start) / n, pairs);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "stream"))
		buffers = 256 << 10;
	for (int o; (o = getopt(argc - 1, argv + 1, "m:ogw:s:n:b:")) != -1; )
		switch (o) {
		case 'm': mtu = atoi(optarg); break;
		case 'o': offload = 1; break;
		case 'g': no_gro = 1; break;
		case 'w': write_size = atoi(optarg); break;
		case 's': seconds = atof(optarg); break;
		case 'b': buffers = atoi(optarg); break;
		case 'n': count = atoi(optarg); break;
		default: return 2;
		}
	if (write_size < 1 || write_size > 1 << 20)
		die("-w: 1 to 1048576");
	pool = ol_pool_new(0);
	a = host("10.0.0.1", 1);
	b = host("10.0.0.2", 2);
	if (!strcmp(what, "stream"))
		stream();
	else if (!strcmp(what, "pp"))
		pp();
	else if (!strcmp(what, "conn"))
		conn();
	else if (!strcmp(what, "idle"))
		idle();
	else {
		fprintf(stderr, "usage: engine stream|pp|conn|idle [-m MTU] [-o] [-g] [-w BYTES] [-s SECONDS] [-b BYTES] [-n COUNT]\n");
		return 2;
	}
	return 0;
}
