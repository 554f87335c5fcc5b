/* RFC 8289: when a queue is left alone and when it is thinned, and how often. */
#include "unit.h"
#include <stdlib.h>
#include "driver/wire_int.h"

static const struct codel_params params = { 5 * OL_MS, 100 * OL_MS, 1514 };

TEST(codel_leaves_short_waits_alone)
{
	struct codel c = { 0 };
	for (ol_time now = 0; now < 10 * OL_SEC; now += OL_MS)
		ok(!codel_drop(&c, &params, 5 * OL_MS - 1, 100000, now));
}

TEST(codel_leaves_a_last_packet_alone_however_long_it_waited)
{
	struct codel c = { 0 };
	for (ol_time now = 0; now < 10 * OL_SEC; now += OL_MS)
		ok(!codel_drop(&c, &params, OL_SEC, 1514, now));
}

/* 5.3: the first after a whole interval above target, then after interval / sqrt(count). */
TEST(codel_drops_after_an_interval_and_then_ever_more_often)
{
	struct codel c = { 0 };
	ol_time drop[6], now = OL_SEC;
	unsigned n = 0;
	for (; n < 6; now += OL_US)
		if (codel_drop(&c, &params, 6 * OL_MS, 100000, now))
			drop[n++] = now;
	eq(drop[0] - OL_SEC, 100 * OL_MS);
	ok(llabs(drop[1] - drop[0] - 100 * OL_MS) < 10 * OL_US);
	ok(llabs(drop[2] - drop[1] - 70710 * OL_US) < 10 * OL_US);	/* 100 ms / sqrt 2 */
	ok(llabs(drop[3] - drop[2] - 57735 * OL_US) < 10 * OL_US);
	ok(llabs(drop[4] - drop[3] - 50000 * OL_US) < 10 * OL_US);
	ok(!codel_drop(&c, &params, OL_MS, 100000, now));	/* below target: it stops at once */
	ok(!codel_drop(&c, &params, 6 * OL_MS, 100000, now + OL_SEC));
}

/* A wire offered twice its rate: with drop-tail the queue stands full, with CoDel the wait sinks. */
static ol_time worst_late_wait(const char *faults)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_wire *w = ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2 });
	struct ol_faults f = { 0 };
	uint8_t bytes[1250] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	ol_time worst = 0;
	unsigned port;
	eq(ol_faults_parse(&f, faults, NULL, 0), 0);
	ol_wire_set_faults(w, 0, OL_WIRE_IN, &f, 0);
	for (ol_time now = 0; now < 60 * OL_SEC; now += 990 * OL_US) {		/* one per 1 ms fits; each carries when it was sent */
		memcpy(bytes + 14, &now, sizeof now);
		ol_wire_send(w, 0, ol_pkt_from(pool, bytes, sizeof bytes), now);
		for (struct ol_pkt *p; (p = ol_wire_receive(w, now, &port)); ol_pkt_free(p)) {
			ol_time sent;
			memcpy(&sent, p->data + 14, sizeof sent);
			if (now > 55 * OL_SEC && p->time - sent > worst)
				worst = p->time - sent;
		}
	}
	ol_wire_free(w);
	ol_pool_free(pool);
	return worst;
}

TEST(codel_keeps_a_standing_queue_short)
{
	ok(worst_late_wait("rate=10mbit queue=300") > 290 * OL_MS);
	ok(worst_late_wait("rate=10mbit queue=300 codel") < 60 * OL_MS);
}
