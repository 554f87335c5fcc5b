/* IPv6 itself, where no other file has it: what is cut, labelled, and sent on. */
#include "lan.h"
#include "base/be.h"
#include "base/cksum.h"

#define US "fd00::1"
#define PEER "fd00::9"

static void start(bool forwards)
{
	struct net_config c = silent_config();
	c.forward6 = forwards;
	lan_settled(c);
	addr(&w, 0, LAN, US "/64");
	struct ol_addr peer = ip(PEER);
	eq(link_neigh_add(w.h[0].link, LAN, &peer, &lan_mac, w.now), 0);
}

/* A datagram that came, around `len` bytes of a protocol. */
static enum ol_fate come(const char *src, const char *dst, uint8_t next, uint32_t flow, uint8_t hop, const uint8_t *p, size_t len)
{
	static uint8_t b[40 + 2000];
	struct ip6_hdr h = { .src = ip(src), .dst = ip(dst), .len = (uint16_t)len, .next = next, .hop = hop, .flow = flow };
	wire_ip6_build(b, &h);
	memcpy(b + 40, p, len);
	return give(&w, 0, LAN, b, 40 + len, false);
}

/* req: 8200-4.5-b, 8200-4.5-d, 8200-4.5-e, 5722-4-a, 7112-5-a, 7739-1-a */
TEST(ip6_fragments_of_ours_meet_and_are_numbered)
{
	uint32_t ids[3];
	start(false);
	for (int i = 0; i < 3; i++) {
		size_t at = 0, n = 0;
		bool more = true;
		eq(send_to(&w, 0, NULL, i == 2 ? "fd00::8" : PEER, 17, 4000, 0, false), OL_DONE);
		if (i == 2) {
			says("NS " US " > ff02::1:ff00:8 fd00::8 slla");
			eq(hear_na("fd00::8", US, "fd00::8", ND_SOLICITED, true), OL_PASS);
		}
		for (struct ol_pkt *p; (p = frame(&w, 0, LAN)); ol_pkt_free(p)) {
			struct ip6_frag f;
			ok(more);
			eq(p->data[14 + 6], IP6_FRAGMENT);
			ok(wire_ip6_frag_parse(&f, p->data + 54, p->len - 54));
			eq(f.next, 17);
			eq(f.off, at);				/* neither gap nor overlap */
			ok(!n || f.id == ids[i]);
			ids[i] = f.id;
			more = f.mf;
			at += p->len - 62;
			ok(n || p->len - 62 >= 8);		/* the first has the whole UDP header */
			n++;
		}
		eq(at, 4000);
		ok(!more && n == 3);
	}
	ok(ids[0] != ids[1]);
	ok(ids[2] - ids[1] > 1000);				/* another destination's say nothing of these */
	world_end(&w);
}

/* A program's extension headers that do not fit a first fragment: it is not sent.  req: 7112-5-a, 8200-4.5-d */
TEST(ip6_headers_that_no_first_fragment_holds_are_not_sent)
{
	for (int units = 100; units <= 255; units += 155) {	/* 808 bytes of destination options, and 2048 */
		start(false);
		struct ol_pkt *pkt = ol_pkt_new(w.pool, 4000);
		uint8_t *p = ol_pkt_put(pkt, 4000);
		memset(p, 0, 4000);				/* options: Pad1 all over */
		p[0] = 17;
		p[1] = (uint8_t)units;
		struct net_tx tx = { .dst = ip(PEER), .proto = IP6_DSTOPT };
		eq(net_output(w.h[0].net, &tx, pkt, w.now), units == 100 ? OL_DONE : OL_DROP_IP_TOO_BIG);
		struct ol_pkt *f = frame(&w, 0, LAN);
		ok(!f == (units != 100));
		if (f)
			ol_pkt_free(f);
		world_end(&w);
	}
}

/* req: 8200-4.5-a, 6437-2-b, 6437-2-a */
TEST(ip6_router_neither_cuts_nor_relabels)
{
	static const uint8_t text[1500] = { 1 };
	start(true);
	int plain = iface_new(&w, 0, OL_LINK_IP, 1300, 0);
	addr(&w, 0, plain, "fd01::1/64");
	for (uint32_t flow = 0; flow <= 0xfffff; flow += 0xfffff) {
		eq(come(PEER, "fd01::9", 17, flow, 64, text, 1200), OL_FORWARDED);
		struct ol_pkt *p = frame(&w, 0, plain);
		eq(be32_at(p->data) & 0xfffff, flow);
		eq(p->len, 1240);
		ol_pkt_free(p);
	}
	eq(come(PEER, "fd01::9", 17, 0, 64, text, 1261), OL_DROP_IP_TOO_BIG);
	ok(!frame(&w, 0, plain));
	says("58 " US " > " PEER " to 02:09:09:09:09:09");		/* that says so */
	world_end(&w);
}

/* What comes is taken whatever its label, and though no router could send it on.  req: 6437-2-a, 8200-3-b */
TEST(ip6_destination_asks_for_no_label_and_no_hops)
{
	static const uint8_t text[8] = { 1 };
	start(false);
	for (uint32_t flow = 0; flow <= 0xfffff; flow += 0xfffff)
		for (uint8_t hop = 0; hop < 2; hop++)
			eq(come(PEER, US, 17, flow, hop, text, sizeof text), OL_PASS);
	eq(up(&w, 0, 3)->rx.flow, 0xfffff);
	forget(&w, 0);
	world_end(&w);
}

/* Behind a routing header that is used up the destination is the final one, for the checksum, too, and no answer goes back by it. */
/* req: 8200-8.1-b, 8200-8.4-a */
TEST(ip6_echo_behind_a_routing_header)
{
	uint8_t b[24 + 16] = { 58, 2, 3, 0 };			/* of some type, no segments left, one address */
	struct ol_addr s = ip(PEER), d = ip(US), via = ip("fd00::77");
	memcpy(b + 8, via.b, 16);
	wire_icmp6_build(b + 24, &(struct icmp_hdr){ ICMP6_ECHO, 0, 7 }, 16, &s, &via);
	start(false);
	eq(come(PEER, US, IP6_ROUTING, 0, 64, b, sizeof b), OL_DROP_ICMP_CHECKSUM);	/* not that one's */
	wire_icmp6_build(b + 24, &(struct icmp_hdr){ ICMP6_ECHO, 0, 7 }, 16, &s, &d);
	eq(come(PEER, US, IP6_ROUTING, 0, 64, b, sizeof b), OL_PASS);
	forget(&w, 0);
	struct ol_pkt *p = frame(&w, 0, LAN);
	eq(p->data[14 + 6], 58);
	eq(p->len, 14 + 40 + 16);
	eq_mem(p->data + 14 + 24, s.b, 16);
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 8201-4-e, 8201-5.3-a */
TEST(ip6_path_mtu_is_not_tried_higher_for_minutes)
{
	struct ol_addr d = ip(PEER);
	start(false);
	net_pmtu_update(w.h[0].net, &d, 1300, w.now);
	later(5 * 60 * 1000);
	eq(send_to(&w, 0, NULL, PEER, 17, 1400, 0, false), OL_DONE);
	for (struct ol_pkt *p; (p = frame(&w, 0, LAN)); ol_pkt_free(p))
		ok(p->len <= 14 + 1300);
	later(5 * 60 * 1000);
	eq(send_to(&w, 0, NULL, PEER, 17, 1400, 0, false), OL_DONE);
	struct ol_pkt *p = frame(&w, 0, LAN);
	eq(p->len, 14 + 40 + 1400);				/* after ten minutes it is */
	ol_pkt_free(p);
	world_end(&w);
}
