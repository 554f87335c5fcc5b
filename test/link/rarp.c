/* RARP, RFC 903: asking, being answered, answering. */
#include <errno.h>
#include "bench.h"

enum { REQUEST = 3, REPLY = 4 };
static const struct ol_mac stranger = { { 2, 9, 9, 9, 9, 9 } };

static enum ol_fate rarp_in(struct bench *b, const struct ol_mac *to, const struct arp_pkt *a)
{
	struct ol_pkt *p = ol_pkt_new(b->pool, 60);
	bool many;
	uint8_t *f = ol_pkt_put(p, 60);
	memset(f, 0, 60);
	wire_eth_build(f, to, &a->sha, ETH_RARP);
	wire_arp_build(f + 14, a);
	return link_input(b->link, 1, &p, &many, b->now);
}

static enum ol_fate reply(struct bench *b, struct ol_mac about, uint32_t address)
{
	return rarp_in(b, &bench_mac, &(struct arp_pkt){ .op = REPLY, .sha = peer_mac, .tha = about, .spa = ol_addr_ip4(PEER_IP),
							  .tpa = ol_addr_ip4(address) });
}

/* The next frame, which must be RARP; false: there is none. */
static bool sent(struct bench *b, struct eth_hdr *h, struct arp_pkt *a)
{
	struct ol_pkt *p = link_dequeue(b->link, 1);
	if (!p)
		return false;
	eq(wire_eth_parse(h, p->data, p->len), OL_PASS);
	eq(h->type, 0x8035);
	eq(wire_arp_parse(a, p->data + 14, p->len - 14), OL_PASS);
	ol_pkt_free(p);
	return true;
}

/* req: 903-packet-a, 903-packet-b */
TEST(rarp_asks_all_for_its_own_hardware_address_and_takes_the_answer)
{
	struct bench b;
	struct eth_hdr h;
	struct arp_pkt a;
	struct ol_addr found;
	struct link_event ev;
	bench_new(&b, NULL);
	eq(link_rarp_state(b.link, 1, &found), -ENOENT);
	eq(link_rarp_ask(b.link, 1, b.now), 0);
	ok(sent(&b, &h, &a));
	ok(mac_is_broadcast(&h.dst));
	eq(a.op, REQUEST);
	ok(mac_eq(&a.sha, &bench_mac) && mac_eq(&a.tha, &bench_mac));
	eq(link_rarp_state(b.link, 1, &found), -EINPROGRESS);
	eq(reply(&b, stranger, OUR_IP), OL_DROP_LINK_NOT_OURS);		/* about another */
	eq(reply(&b, bench_mac, 0), OL_DROP_ARP_BAD);			/* no address at all */
	eq(reply(&b, bench_mac, 0xe0000001), OL_DROP_ARP_BAD);
	ok(!link_event_waits(b.link));
	eq(reply(&b, bench_mac, OUR_IP), OL_DONE);
	ok(link_event_next(b.link, &ev));
	ok(ev.up && ev.given && ev.ifi == 1);
	eq(ev.plen, 8);							/* class A */
	eq(link_rarp_state(b.link, 1, &found), 0);
	eq_mem(found.b, "\x0a\0\0\1", 4);
	eq(reply(&b, bench_mac, PEER_IP), OL_DROP_LINK_NOT_OURS);	/* it asks no longer */
	ok(!link_event_waits(b.link));
	bench_end(&b);
}

/* req: 903-packet-c */
TEST(rarp_asks_again_and_gives_up)
{
	struct bench b;
	struct eth_hdr h;
	struct arp_pkt a;
	struct ol_addr found;
	struct link_config c = link_config_default();
	c.rarp_wait_ns = OL_SEC;
	c.rarp_tries = 3;
	bench_new(&b, &c);
	eq(link_rarp_ask(b.link, 1, b.now), 0);
	for (int i = 0; i < 3; i++) {
		ok(sent(&b, &h, &a));
		bench_pass(&b, (OL_SEC << i) - 1);
		ok(!sent(&b, &h, &a));
		eq(link_rarp_state(b.link, 1, &found), -EINPROGRESS);
		bench_pass(&b, 1);
	}
	ok(!sent(&b, &h, &a));
	eq(link_rarp_state(b.link, 1, &found), -ETIMEDOUT);
	eq(link_rarp_ask(b.link, 1, b.now), 0);				/* and may be asked to ask again */
	ok(sent(&b, &h, &a));
	eq(reply(&b, bench_mac, 0xc0000201), OL_DONE);
	struct link_event ev;
	ok(link_event_next(b.link, &ev));
	eq(ev.plen, 24);						/* class C */
	bench_end(&b);
}

/* req: 903-packet-a, 903-server-a */
TEST(rarp_server_answers_for_whom_it_knows_and_is_silent_about_others)
{
	struct bench b;
	struct eth_hdr h;
	struct arp_pkt a, ask = { .op = REQUEST, .sha = other_mac, .tha = peer_mac, .spa = { .ver = 4 }, .tpa = { .ver = 4 } };
	struct ol_addr own = ol_addr_ip4(OUR_IP), theirs = ol_addr_ip4(PEER_IP);
	bench_new(&b, NULL);
	eq(rarp_in(&b, &mac_broadcast, &ask), OL_DROP_LINK_TYPE);	/* no server here */
	eq(link_rarp_serve(b.link, 1, &peer_mac, &theirs, &own), 0);
	eq(rarp_in(&b, &mac_broadcast, &ask), OL_DONE);
	ok(sent(&b, &h, &a));
	ok(mac_eq(&h.dst, &other_mac));
	eq(a.op, REPLY);
	ok(mac_eq(&a.sha, &bench_mac) && mac_eq(&a.tha, &peer_mac));
	ok(ol_addr_eq(&a.spa, &own) && ol_addr_eq(&a.tpa, &theirs));
	ask.tha = stranger;
	eq(rarp_in(&b, &mac_broadcast, &ask), OL_DROP_LINK_NOT_OURS);
	ask.op = 1;
	eq(rarp_in(&b, &mac_broadcast, &ask), OL_DROP_ARP_BAD);
	ask.op = 9;
	eq(rarp_in(&b, &mac_broadcast, &ask), OL_DROP_ARP_BAD);
	ok(!sent(&b, &h, &a));
	eq(link_rarp_serve(b.link, 2, &peer_mac, &theirs, &own), -ENODEV);
	bench_end(&b);
}
