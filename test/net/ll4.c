/*
 * IPv4 link-local addresses, RFC 3927: taken when nobody else has them, given way to, and never sent by way of a router.
 * All of it is met where an interface is told to take such an address; where it is not, 2.6.2, 2.7 and 2.8 hold all the same.
 */
#include "world.h"
#include "base/be.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include <errno.h>

enum { FIRST, OTHER, ETH = 2 };
static struct world w;

static void start(void)
{
	world_new(&w);
	for (int i = 0; i < 2; i++) {
		host_new(&w, NULL);
		iface_new(&w, i, OL_LINK_ETHER, 1500, 0);
	}
	join(&w, FIRST, ETH, OTHER, ETH);
}

/* The host's link-local address, be it under probing, in host order; 0: none.  *other: it has another one, too. */
static uint32_t has(int host, bool *other)
{
	struct ol_addr a;
	struct acd_row r;
	unsigned plen;
	uint32_t ll = 0;
	if (other)
		*other = false;
	for (unsigned i = 0; net_addr_get(w.h[host].net, ETH, i, &a, &plen) == 0; i++)
		if (a.ver == 4 && ol_addr_is_linklocal(&a)) {
			eq(plen, 16);
			ll = be32_at(a.b);
		} else if (other && a.ver == 4) {
			*other = true;
		}
	for (unsigned i = 0; acd_get(w.h[host].link, i, &r); i++)
		if (r.state == ACD_PROBING)
			ll = be32_at(r.addr.b);
	return ll;
}

static bool uses(int host, uint32_t a)
{
	struct ol_addr addr = ol_addr_ip4(a);
	return net_is_local(w.h[host].net, &addr, 0);
}

/* What another station says in ARP about an address. */
static enum ol_fate said(int host, uint16_t op, uint32_t spa)
{
	struct arp_pkt a = { .op = op, .sha = { { 2, 0, 0, 0, 7, 7 } }, .spa = ol_addr_ip4(spa), .tpa = ol_addr_ip4(spa) };
	struct ol_pkt *p = ol_pkt_new(w.pool, 60);
	bool many;
	uint8_t *f = ol_pkt_put(p, 60);
	memset(f, 0, 60);
	wire_eth_build(f, &mac_broadcast, &a.sha, ETH_ARP);
	wire_arp_build(f + 14, &a);
	enum ol_fate fate = link_input(w.h[host].link, ETH, &p, &many, w.now);
	struct ol_addr gone;
	int ifi;
	while (net_lost_next(w.h[host].net, &ifi, &gone))
		eq(net_addr_del(w.h[host].net, ifi, &gone, w.now), 0);
	return fate;
}

static int n_probes, n_announced;
static ol_time announced_at[8];
static bool count_arp(struct ol_pkt *pkt)
{
	struct arp_pkt a;
	if (pkt->data[12] == 8 && pkt->data[13] == 6 && wire_arp_parse(&a, pkt->data + 14, pkt->len - 14) == OL_PASS) {
		if (ol_addr_is_any(&a.spa))
			n_probes++;
		else if (ol_addr_eq(&a.spa, &a.tpa) && n_announced < 8)
			announced_at[n_announced++] = w.now;
	}
	return true;
}

/* req: 3927-2.1-a, 3927-2.2-a, 3927-2.2.1-a, 3927-2.4-a */
TEST(an_address_is_drawn_probed_and_announced)
{
	start();
	n_probes = n_announced = 0;
	w.w[0].tap = count_arp;
	eq(net_linklocal4(w.h[FIRST].net, ETH, true, w.now), 0);
	uint32_t a = has(FIRST, NULL);
	ok(a >= 0xa9fe0100 && a <= 0xa9fefeff);
	ok(!uses(FIRST, a));
	pass(&w, 3900 * OL_MS);
	ok(!uses(FIRST, a));
	pass(&w, 10 * OL_SEC);
	ok(uses(FIRST, a));
	eq(n_probes, 3);
	eq(n_announced, 2);
	eq(announced_at[1] - announced_at[0], 2 * OL_SEC);
	eq(net_linklocal4(w.h[OTHER].net, ETH, true, w.now), 0);
	pass(&w, 10 * OL_SEC);
	uint32_t b = has(OTHER, NULL);
	ok(b && b != a);
	struct ol_addr to = ol_addr_ip4(b);
	char text[OL_ADDR_STRLEN];
	eq(send_to(&w, FIRST, NULL, ol_addr_str(&to, text), 17, 40, 0, false), OL_DONE);
	pump(&w);
	eq(w.h[OTHER].n_up, 1);
	eq(net_linklocal4(w.h[FIRST].net, 1, true, w.now), -EINVAL);		/* lo is no Ethernet */
	eq(net_linklocal4(w.h[FIRST].net, 9, true, w.now), -ENODEV);
	world_end(&w);
}

/* req: 3927-2.1-a candidates lie all over the range, differ by host, and are the same for the same host again */
TEST(candidates_are_spread_over_the_whole_range)
{
	uint32_t lo = UINT32_MAX, hi = 0, again[2];
	unsigned same = 0;
	for (int run = 0; run < 2; run++) {
		start();
		uint32_t last = 0;
		net_linklocal4(w.h[FIRST].net, ETH, true, w.now);
		again[run] = has(FIRST, NULL);
		for (int i = 0; i < 2000; i++) {
			uint32_t a = has(FIRST, NULL);
			ok(a >= 0xa9fe0100 && a <= 0xa9fefeff);
			same += a == last;
			last = a;
			lo = a < lo ? a : lo;
			hi = a > hi ? a : hi;
			said(FIRST, ARP_REPLY, a);		/* taken: the next */
		}
		world_end(&w);
	}
	eq(again[0], again[1]);
	ok(lo < 0xa9fe0200 && hi >= 0xa9fefe00);
	ok(same < 4);
}

/* req: 3927-2.5-a, 3927-2.5-b */
TEST(a_conflict_is_defended_once_then_another_address_is_taken)
{
	start();
	link_iface_acd(w.h[FIRST].link, ETH, OL_ACD_OFF, OL_DEFEND_ALWAYS);	/* which link-local addresses do not have */
	net_linklocal4(w.h[FIRST].net, ETH, true, w.now);
	pass(&w, 20 * OL_SEC);
	uint32_t a = has(FIRST, NULL);
	eq(said(FIRST, ARP_REPLY, a), OL_DROP_ARP_DEFENDED);
	pass(&w, 9 * OL_SEC);
	ok(uses(FIRST, a));
	eq(said(FIRST, ARP_REQUEST, a), OL_DROP_ARP_LOST);
	ok(!uses(FIRST, a));
	uint32_t b = has(FIRST, NULL);
	ok(b && b != a);
	pass(&w, 8 * OL_SEC);
	ok(uses(FIRST, b));
	world_end(&w);
}

static struct { struct ol_addr asked; int n; } seen;
static bool see_question(struct ol_pkt *pkt)
{
	struct arp_pkt a;
	if (pkt->data[12] == 8 && pkt->data[13] == 6 && wire_arp_parse(&a, pkt->data + 14, pkt->len - 14) == OL_PASS &&
	    a.op == ARP_REQUEST && !ol_addr_is_any(&a.spa) && !ol_addr_eq(&a.spa, &a.tpa)) {
		seen.asked = a.tpa;
		seen.n++;
	}
	return true;
}

static void asks_for(const char *src, const char *dst, const char *who)
{
	struct ol_addr want = ip(who);
	seen.n = 0;
	send_to(&w, FIRST, src, dst, 17, 40, 0, false);
	pump(&w);
	eq(seen.n, 1);
	ok(ol_addr_eq(&seen.asked, &want));
}

/* req: 3927-2.6.2-a, 3927-2.7-a, 3927-1.9-b */
TEST(link_local_addresses_are_asked_for_on_the_wire_and_never_sent_by_a_router)
{
	start();
	bool other;
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	route(&w, FIRST, "0.0.0.0/0", "10.0.0.9", 0);
	w.w[0].tap = see_question;
	asks_for(NULL, "169.254.7.7", "169.254.7.7");		/* without such an address of our own */
	asks_for(NULL, "8.8.8.8", "10.0.0.9");
	addr(&w, FIRST, ETH, "169.254.3.3/16");
	has(FIRST, &other);
	ok(other);
	asks_for("169.254.3.3", "8.8.8.7", "8.8.8.7");		/* from one: on the wire, or not at all */
	struct net_path path;
	struct ol_addr dst = ip("8.8.8.8"), own = ip("10.0.0.1"), ll = ip("169.254.7.8"), mine = ip("169.254.3.3");
	eq(net_route(w.h[FIRST].net, &dst, NULL, 0, &path), OL_OK);
	ok(ol_addr_eq(&path.src, &own));			/* new communication is from the routable one */
	dst = ip("10.0.0.77");
	eq(net_route(w.h[FIRST].net, &dst, NULL, 0, &path), OL_OK);
	ok(ol_addr_eq(&path.src, &own));
	eq(net_route(w.h[FIRST].net, &ll, NULL, 0, &path), OL_OK);
	ok(ol_addr_eq(&path.src, &mine));
	world_end(&w);
}

/* req: 3927-2.7-a */
TEST(a_router_does_not_send_link_local_datagrams_on)
{
	static const struct { const char *src, *dst; } rows[] = {
		{ "169.254.1.1", "10.0.3.2" }, { "10.0.1.2", "169.254.1.1" }, { "169.254.1.1", "224.0.1.1" },
	};
	chain_new(&w, NULL, 1500, OL_LINK_IP, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t p[28] = { 0 };
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip(rows[i].src), .dst = ip(rows[i].dst), .len = 28, .hlen = 20, .ttl = 9, .proto = 17 });
		eq(give(&w, R, 2, p, sizeof p, false), OL_DROP_IP_NOT_OURS);
	}
	world_end(&w);
}

/* req: 3927-1.9-a, 3927-1.9-b it is taken only without another, and stays for what is under way */
TEST(another_address_comes_and_goes)
{
	start();
	bool other;
	struct ol_addr own = ip("10.0.0.1");
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	net_linklocal4(w.h[FIRST].net, ETH, true, w.now);
	pass(&w, 10 * OL_SEC);
	eq(has(FIRST, NULL), 0);
	eq(net_addr_del(w.h[FIRST].net, ETH, &own, w.now), 0);
	pass(&w, 10 * OL_SEC);
	uint32_t a = has(FIRST, NULL);
	ok(a && uses(FIRST, a));
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	eq(has(FIRST, &other), a);
	ok(other && uses(FIRST, a));
	route(&w, FIRST, "10.5.0.0/16", NULL, ETH);
	struct ol_addr far = ip("10.5.0.1");
	struct net_path path;
	eq(net_route(w.h[FIRST].net, &far, NULL, 0, &path), OL_OK);
	ok(ol_addr_eq(&path.src, &own));			/* of neither net, and still not from the link-local one */
	said(FIRST, ARP_REPLY, a);
	said(FIRST, ARP_REPLY, a);				/* lost: there is another now */
	eq(has(FIRST, NULL), 0);
	world_end(&w);
}

/* req: 3927-2.8-a */
TEST(link_local_addresses_are_of_one_subnet)
{
	struct ol_addr a = ip("169.254.1.5");
	start();
	eq(net_addr_add(w.h[FIRST].net, ETH, &a, 24, w.now), -EINVAL);
	eq(net_addr_add(w.h[FIRST].net, ETH, &a, 32, w.now), -EINVAL);
	eq(net_addr_add(w.h[FIRST].net, ETH, &a, 16, w.now), 0);
	world_end(&w);
}
