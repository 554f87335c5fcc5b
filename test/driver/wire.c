/* Wires in virtual time: who gets a frame, when, how often and in what shape, and that the seed decides. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_wire.h>

static struct ol_pool *pool;
static struct ol_wire *wire;

static void begin(const struct ol_wire_config *cfg)
{
	pool = ol_pool_new(0);
	wire = ol_wire_new(cfg);
	ok(wire != NULL);
}

static void end(void)
{
	ol_wire_free(wire);
	ol_pool_free(pool);		/* asserts that nothing leaked */
}

static void set(int port, enum ol_wire_dir dir, const char *text, ol_time now)
{
	struct ol_faults f = { 0 };
	char why[200];
	eq(ol_faults_parse(&f, text, why, sizeof why), 0);
	eq(ol_wire_set_faults(wire, port, dir, &f, now), 0);
}

/* An Ethernet frame of `len` bytes from station `src` to station `dst` (255: everybody) that carries a number. */
static struct ol_pkt *frame(unsigned src, unsigned dst, uint32_t number, size_t len)
{
	uint8_t b[2000] = { 2, 0, 0, 0, 0, (uint8_t)dst, 2, 0, 0, 0, 0, (uint8_t)src, 0x88, 0xb5 };
	if (dst == 255)
		memset(b, 0xff, 6);
	memcpy(b + 14, &number, sizeof number);
	return ol_pkt_from(pool, b, len);
}

static uint32_t number(const struct ol_pkt *p)
{
	uint32_t n;
	memcpy(&n, p->data + 14, sizeof n);
	return n;
}

static unsigned send(unsigned port, unsigned src, unsigned dst, uint32_t n, ol_time now)
{
	return ol_wire_send(wire, port, frame(src, dst, n, 100), now);
}

/* The next frame: its port and number; -1: none. */
static int64_t got(ol_time now, unsigned *port)
{
	unsigned at;
	struct ol_pkt *p = ol_wire_receive(wire, now, &at);
	if (!p)
		return -1;
	int64_t n = number(p);
	*port = at;
	ol_pkt_free(p);
	return n;
}

static uint64_t befell(unsigned port, enum ol_wire_dir dir, unsigned bit)
{
	struct ol_wire_stats s;
	eq(ol_wire_get_stats(wire, port, dir, &s), 0);
	return s.befell[__builtin_ctz(bit)];
}

TEST(cable_hands_over_at_once_and_in_order)
{
	unsigned port = 9;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	eq(ol_wire_deadline(wire), OL_NEVER);
	for (uint32_t i = 0; i < 200; i++)
		eq(send(0, 1, 2, i, 5), 0);
	eq(ol_wire_deadline(wire), 5);
	for (uint32_t i = 0; i < 200; i++) {
		eq(got(5, &port), i);
		eq(port, 1);
	}
	eq(got(5, &port), -1);
	eq(ol_wire_deadline(wire), OL_NEVER);
	end();
}

TEST(wire_refuses_what_is_no_frame)
{
	uint8_t group[20] = { 2, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 9 };
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	eq(ol_wire_send(wire, 0, ol_pkt_from(pool, group, 13), 0), OL_WIRE_BAD);
	eq(ol_wire_send(wire, 0, ol_pkt_from(pool, group, 20), 0), OL_WIRE_BAD);
	eq(ol_wire_send(wire, 7, frame(1, 2, 0, 60), 0), OL_WIRE_BAD);
	eq(ol_wire_send(wire, 0, frame(1, 2, 0, 1515), 0), OL_WIRE_TOO_LONG);
	eq(ol_wire_send(wire, 0, frame(1, 2, 0, 1514), 0), 0);
	struct ol_pkt *p = frame(1, 2, 0, 60);
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = 50;
	p->csum_offset = 16;
	eq(ol_wire_send(wire, 0, p, 0), OL_WIRE_BAD);
	end();
}

TEST(switch_floods_the_unknown_and_learns)
{
	unsigned port = 0, hit[4] = { 0 };
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 4 });
	send(0, 1, 2, 7, 0);			/* nobody knows 2 */
	while (got(0, &port) >= 0)
		hit[port]++;
	ok(!hit[0] && hit[1] == 1 && hit[2] == 1 && hit[3] == 1);
	send(1, 2, 1, 8, 0);			/* but 1 is known, and now 2 is */
	eq(got(0, &port), 8);
	eq(port, 0);
	eq(got(0, &port), -1);
	send(0, 1, 2, 9, 0);
	eq(got(0, &port), 9);
	eq(port, 1);
	eq(got(0, &port), -1);
	send(3, 4, 255, 10, 0);			/* everybody */
	memset(hit, 0, sizeof hit);
	while (got(0, &port) >= 0)
		hit[port]++;
	ok(hit[0] == 1 && hit[1] == 1 && hit[2] == 1 && !hit[3]);
	send(2, 2, 1, 11, 0);			/* station 2 has moved to port 2 */
	got(0, &port);
	send(0, 1, 2, 12, 0);
	eq(got(0, &port), 12);
	eq(port, 2);
	send(0, 3, 1, 13, 0);			/* 1 and 3 are behind the same port: not back out of it */
	eq(got(0, &port), -1);
	end();
}

TEST(switch_forgets_after_300_s)
{
	unsigned port, n = 0;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 3 });
	send(0, 1, 2, 0, 0);
	while (got(0, &port) >= 0)
		;
	send(1, 2, 1, 0, 301 * OL_SEC);
	while (got(301 * OL_SEC, &port) >= 0)
		n++;
	eq(n, 2);
	end();
}

/* A flood of made-up senders costs no more memory than the table has, and frames still find their way by flooding. */
TEST(switch_table_is_bounded)
{
	unsigned port, n = 0;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 3, .macs = 16 });
	for (uint32_t i = 0; i < 10000; i++) {
		struct ol_pkt *p = frame(0, 1, i, 60);
		memcpy(p->data + 7, &i, 4);
		ol_wire_send(wire, 2, p, i);
		while (got(i, &port) >= 0)
			;
	}
	send(0, 1, 9, 1, 20000);
	while (got(20000, &port) >= 0)
		n++;
	eq(n, 2);
	end();
}

TEST(ports_come_and_go)
{
	unsigned port = 0;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER });
	eq(ol_wire_port_add(wire), 0);
	send(0, 1, 2, 1, 0);			/* nobody is there */
	eq(got(0, &port), -1);
	set(OL_WIRE_ALL_PORTS, OL_WIRE_OUT, "delay=5ms", 0);
	eq(ol_wire_port_add(wire), 1);
	eq(ol_wire_port_add(wire), 2);
	send(0, 1, 255, 2, 0);
	eq(ol_wire_deadline(wire), 5 * OL_MS);	/* new ports have the wire's faults */
	ol_wire_port_del(wire, 1);		/* what was on the way to it is gone */
	eq(got(5 * OL_MS, &port), 2);
	eq(port, 2);
	eq(got(9 * OL_MS, &port), -1);
	send(0, 1, 255, 3, 10 * OL_MS);
	eq(ol_wire_port_add(wire), 1);		/* its number returns, without what was its */
	eq(got(20 * OL_MS, &port), 3);
	eq(port, 2);
	eq(got(20 * OL_MS, &port), -1);
	eq(ol_wire_set_faults(wire, 3, OL_WIRE_IN, &(struct ol_faults){ 0 }, 20 * OL_MS), -EINVAL);
	end();
	begin(&(struct ol_wire_config){ .link = OL_LINK_IP, .ports = 2 });
	eq(ol_wire_port_add(wire), -EINVAL);
	end();
	ok(!ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_IP, .ports = 3 }));
	ok(!ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 5000 }));
}

TEST(bare_ip_crosses_to_the_other_end)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_IP, .ports = 2 });
	uint8_t b[28] = { 0x45 };
	eq(ol_wire_send(wire, 1, ol_pkt_from(pool, b, sizeof b), 3), 0);
	struct ol_pkt *p = ol_wire_receive(wire, 3, &port);
	ok(p && p->len == sizeof b && p->link == OL_LINK_IP);
	eq(port, 0);
	ol_pkt_free(p);
	end();
}

TEST(delay_is_exact)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	set(0, OL_WIRE_IN, "delay=20ms", 0);
	send(0, 1, 2, 1, 1000);
	eq(ol_wire_deadline(wire), 20 * OL_MS + 1000);
	eq(got(20 * OL_MS + 999, &port), -1);
	struct ol_pkt *p = ol_wire_receive(wire, 50 * OL_MS, &port);
	eq(p->time, 20 * OL_MS + 1000);		/* looked late, but it arrived when it did */
	ol_pkt_free(p);
	send(1, 2, 1, 1, 50 * OL_MS);		/* the other direction has none */
	eq(got(50 * OL_MS, &port), 1);
	end();
}

/* in and out of the wire both count, in the order of their time */
TEST(faults_of_both_ends_add_up)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	set(0, OL_WIRE_IN, "delay=20ms", 0);
	set(1, OL_WIRE_OUT, "delay=7ms", 0);
	send(0, 1, 2, 1, 0);
	eq(ol_wire_deadline(wire), 20 * OL_MS);	/* may be early ... */
	eq(got(20 * OL_MS, &port), -1);
	eq(ol_wire_deadline(wire), 27 * OL_MS);
	eq(got(27 * OL_MS, &port), 1);
	end();
}

/* Frames of 1250 bytes at 10 Mbit/s leave every millisecond; 3 may wait, and the rest is dropped at the tail. */
TEST(rate_spaces_and_queue_drops_the_tail)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	set(0, OL_WIRE_IN, "rate=10mbit queue=3", 0);
	for (uint32_t i = 0; i < 6; i++)
		eq(ol_wire_send(wire, 0, frame(1, 2, i, 1250), 0), i < 4 ? 0 : OL_WIRE_QUEUE);
	for (uint32_t i = 0; i < 4; i++) {
		eq(ol_wire_deadline(wire), (i + 1) * OL_MS);
		eq(got((i + 1) * OL_MS - 1, &port), -1);
		eq(got((i + 1) * OL_MS, &port), i);
	}
	eq(ol_wire_deadline(wire), OL_NEVER);
	eq(befell(0, OL_WIRE_IN, OL_WIRE_QUEUE), 2);
	set(0, OL_WIRE_IN, "rate=10mbit queue=2500b", 5 * OL_MS);
	for (uint32_t i = 0; i < 5; i++)
		eq(ol_wire_send(wire, 0, frame(1, 2, i, 1250), 5 * OL_MS), i < 3 ? 0 : OL_WIRE_QUEUE);
	set(0, OL_WIRE_IN, "none", 5 * OL_MS + 1);	/* those that waited wait no more; one is on the transmitter */
	eq(got(5 * OL_MS + 1, &port), -1);
	eq(got(6 * OL_MS, &port), 0);
	eq(got(6 * OL_MS, &port), 1);
	eq(got(6 * OL_MS, &port), 2);
	end();
}

TEST(cut_loses_what_is_sent_and_what_is_under_way)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	set(0, OL_WIRE_IN, "delay=10ms", 0);
	send(0, 1, 2, 1, 0);
	set(0, OL_WIRE_IN, "delay=10ms cut", 5 * OL_MS);
	eq(send(0, 1, 2, 2, 6 * OL_MS), OL_WIRE_CUT);
	eq(got(20 * OL_MS, &port), -1);
	eq(befell(0, OL_WIRE_IN, OL_WIRE_CUT), 2);
	set(0, OL_WIRE_IN, "none", 20 * OL_MS);
	eq(send(0, 1, 2, 3, 20 * OL_MS), 0);
	eq(got(20 * OL_MS, &port), 3);
	end();
}

TEST(chances_come_as_often_as_they_say)
{
	unsigned port, lost = 0, twice = 0, late = 0, damaged = 0, arrived = 0;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = 3 });
	set(0, OL_WIRE_IN, "loss=5% dup=2% corrupt=1% reorder=3%/1ms", 0);
	ol_time now = 0;
	for (uint32_t i = 0; i < 100000; i++, now += 100 * OL_US) {
		unsigned b = send(0, 1, 2, i, now);
		lost += !!(b & OL_WIRE_LOSS);
		twice += !!(b & OL_WIRE_DUP);
		late += !!(b & OL_WIRE_REORDER);
		damaged += !!(b & OL_WIRE_CORRUPT);
		while (got(now, &port) >= 0)
			arrived++;
	}
	while (got(now + OL_SEC, &port) >= 0)
		arrived++;
	ok(lost > 4700 && lost < 5300);
	ok(twice > 1700 && twice < 2100);		/* 2 % of the 95 % */
	ok(late > 2650 && late < 3050);
	ok(damaged > 820 && damaged < 1080);
	eq(arrived, 100000 - lost + twice);
	eq(befell(0, OL_WIRE_IN, OL_WIRE_LOSS), lost);
	eq(befell(0, OL_WIRE_IN, OL_WIRE_DUP), twice);
	end();
}

/* Gilbert-Elliott: 1 % to start and 25 % to stop is bursts of 4 on average, 1/26 of the packets. */
TEST(burst_losses_come_together)
{
	unsigned port, lost = 0, runs = 0;
	bool before = false;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = 4 });
	set(0, OL_WIRE_IN, "burst=1%/25%", 0);
	for (uint32_t i = 0; i < 100000; i++) {
		bool now = send(0, 1, 2, i, i) & OL_WIRE_BURST;
		lost += now;
		runs += now && !before;
		before = now;
		got(i, &port);
	}
	ok(lost > 3300 && lost < 4400);
	ok(lost > 3 * runs && lost < 5 * runs);
	end();
}

TEST(corruption_turns_exactly_one_bit)
{
	unsigned port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = 5 });
	set(0, OL_WIRE_IN, "corrupt=100%", 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct ol_pkt *a = frame(1, 2, i, 100), *was = ol_pkt_copy(pool, a);
		eq(ol_wire_send(wire, 0, a, i), OL_WIRE_CORRUPT);
		struct ol_pkt *b = ol_wire_receive(wire, i, &port);
		unsigned bits = 0;
		for (size_t k = 0; k < 100; k++)
			bits += (unsigned)__builtin_popcount(was->data[k] ^ b->data[k]);
		eq(bits, 1);
		eq(b->csum, OL_CSUM_NONE);
		ol_pkt_free(was);
		ol_pkt_free(b);
	}
	end();
}

static bool overtaken(const char *faults)
{
	unsigned port;
	int64_t last = -1;
	bool seen = false;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = 6 });
	set(0, OL_WIRE_IN, faults, 0);
	for (uint32_t i = 0; i < 1000; i++)
		send(0, 1, 2, i, i * 100 * OL_US);
	for (int64_t n; (n = got(10 * OL_SEC, &port)) >= 0; last = n)
		seen |= n < last;
	end();
	return seen;
}

TEST(jitter_keeps_the_order_unless_told_otherwise)
{
	ok(!overtaken("delay=20ms jitter=5ms"));
	ok(overtaken("delay=20ms jitter=5ms unordered"));
	ok(overtaken("delay=20ms reorder=2%/10ms"));
	ok(!overtaken("delay=20ms"));
}

/* Whether the k-th packet is lost must not change when other faults are set beside the loss. */
static void losses(const char *faults, uint64_t seed, uint8_t out[1000])
{
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = seed });
	set(0, OL_WIRE_IN, faults, 0);
	for (uint32_t i = 0; i < 1000; i++)
		out[i] = send(0, 1, 2, i, i * OL_MS) & OL_WIRE_LOSS;
	end();
}

TEST(the_seed_decides_and_nothing_else)
{
	uint8_t a[1000], b[1000], c[1000], d[1000];
	losses("loss=10%", 1, a);
	losses("loss=10%", 1, b);
	losses("loss=10% delay=3ms jitter=1ms dup=50% corrupt=10% reorder=10%/5ms burst=1%/50%/0%", 1, c);
	losses("loss=10%", 2, d);
	eq_mem(a, b, sizeof a);
	eq_mem(a, c, sizeof a);
	ok(memcmp(a, d, sizeof a) != 0);
}

static struct { unsigned in, out, late, lost_in, lost_out; } seen;
static void watch(void *ctx, const struct ol_wire_seen *s)
{
	eq(ctx, &seen);
	ok(s->pkt->len == 100 && s->port < 2);
	if (s->late)
		seen.late++;
	else if (s->dir == OL_WIRE_IN)
		seen.in++, seen.lost_in += !!(s->befell & OL_WIRE_LOST);
	else
		seen.out++, seen.lost_out += !!(s->befell & OL_WIRE_LOST);
}

TEST(observer_sees_each_frame_enter_and_arrive_or_not)
{
	unsigned port, n = 0;
	memset(&seen, 0, sizeof seen);
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	ol_wire_observe(wire, watch, &seen);
	set(0, OL_WIRE_IN, "loss=20%", 0);
	set(1, OL_WIRE_OUT, "loss=20%", 0);
	for (uint32_t i = 0; i < 1000; i++)
		send(0, 1, 2, i, i);
	while (got(1000, &port) >= 0)
		n++;
	eq(seen.in, 1000);
	eq(seen.out, 1000 - seen.lost_in);
	eq(n, seen.out - seen.lost_out);
	ok(seen.lost_in > 100 && seen.lost_out > 100 && !seen.late);
	set(0, OL_WIRE_IN, "delay=1ms", 1000);
	send(0, 1, 2, 1, 1000);
	set(0, OL_WIRE_IN, "cut", 1000);
	eq(got(OL_SEC, &port), -1);
	eq(seen.late, 1);
	end();
}

TEST(a_direction_holds_no_more_than_its_bound)
{
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .max_bytes = 100000 });
	set(0, OL_WIRE_IN, "delay=1s", 0);
	unsigned in = 0;
	for (uint32_t i = 0; i < 1000; i++)
		in += send(0, 1, 2, i, 0) == 0;
	ok(in > 30 && in < 60);			/* of 2 KiB buffers */
	ok(ol_pool_used(pool) <= 100000);
	set(0, OL_WIRE_IN, "none", 2 * OL_SEC);
	unsigned more = 0;
	for (uint32_t i = 0; i < 1000; i++)		/* a host that never fetches */
		more += send(0, 1, 2, i, 2 * OL_SEC) == 0;
	ok(ol_pool_used(pool) <= 200000);
	ok(befell(1, OL_WIRE_OUT, OL_WIRE_MEMORY) > 900 && more > 0);
	end();
}

TEST(dry_pool_loses_copies_but_nothing_else)
{
	unsigned port, n = 0;
	pool = ol_pool_new(3 * 2048);
	wire = ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 8 });
	send(0, 1, 255, 1, 0);
	while (got(0, &port) >= 0)
		n++;
	ok(n >= 1 && n < 7);
	end();
}

/* What CoDel drops was not repeated first: what came in and was doubled, less what was lost, comes out. */
TEST(books_balance_where_codel_drops_what_was_to_be_doubled)
{
	struct ol_wire_stats st;
	unsigned port, out = 0;
	begin(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = 3 });
	set(0, OL_WIRE_IN, "rate=1mbit codel=5ms/20ms dup=50% loss=5%", 0);
	for (uint32_t i = 0; i < 300; i++)
		ol_wire_send(wire, 0, frame(1, 2, i, 1500), 0);
	while (got(100 * OL_SEC, &port) >= 0)
		out++;
	eq(ol_wire_get_stats(wire, 0, OL_WIRE_IN, &st), 0);
	uint64_t *n = st.befell, lost = n[0] + n[__builtin_ctz(OL_WIRE_CODEL)];
	ok(n[__builtin_ctz(OL_WIRE_CODEL)] > 10);
	eq(out, st.frames + n[__builtin_ctz(OL_WIRE_DUP)] - lost);
	end();
}

/* Bytes of a serial line are lost, not whole frames unless all are; what arrives is a beginning and an end of what was sent. */
TEST(a_serial_line_loses_bytes)
{
	unsigned arrived = 0, port;
	begin(&(struct ol_wire_config){ .link = OL_LINK_PPP, .ports = 2, .seed = 3 });
	set(OL_WIRE_ALL_PORTS, OL_WIRE_IN, "loss=100%", 0);
	for (unsigned i = 0; i < 200; i++) {
		uint8_t bytes[100];
		for (unsigned k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)k;
		eq(ol_wire_send(wire, 0, ol_pkt_from(pool, bytes, sizeof bytes), 0), OL_WIRE_LOSS);
		struct ol_pkt *p = ol_wire_receive(wire, 0, &port);
		if (!p)
			continue;
		arrived++;
		eq(port, 1);
		ok(p->len >= 1 && p->len < sizeof bytes);
		unsigned gaps = p->data[0] != 0;
		for (unsigned k = 1; k < p->len; k++)
			gaps += p->data[k] != p->data[k - 1] + 1;
		gaps += p->data[p->len - 1] != sizeof bytes - 1;
		eq(gaps, 1);
		ol_pkt_free(p);
	}
	ok(arrived > 150);
	struct ol_wire_stats s;
	eq(ol_wire_get_stats(wire, 0, OL_WIRE_IN, &s), 0);
	eq(s.held_bytes, 0);
	eq(s.befell[0], 200);
	end();
}
