/* ICMP redirects, RFC 1122 3.2.2.2: who is believed, about what, and for how long. */
#include "world.h"
#include "base/be.h"

enum { ETH = 2 };
static struct world w;
static const struct ol_mac old_mac = { { 2, 0, 0, 0, 9, 8 } }, new_mac = { { 2, 0, 0, 0, 9, 9 } };

static void neighbour(const char *a, const struct ol_mac *mac)
{
	struct ol_addr addr = ip(a);
	eq(link_neigh_add(w.h[0].link, ETH, &addr, mac, w.now), 0);
}

/* A host whose default gateway is 10.0.0.8; 10.0.0.9 is there, too. */
static void start(const struct net_config *cfg)
{
	world_new(&w);
	host_new(&w, cfg);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	addr(&w, 0, ETH, "10.0.0.1/24");
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	addr(&w, 0, 3, "10.3.0.1/24");
	route(&w, 0, "0.0.0.0/0", "10.0.0.8", 0);
	neighbour("10.0.0.8", &old_mac);
	neighbour("10.0.0.9", &new_mac);
}

/* The last byte of the station that the next datagram to dst leaves for. */
static int leaves_for(const char *dst)
{
	eq(send_to(&w, 0, NULL, dst, 17, 40, 0, false), OL_DONE);
	struct ol_pkt *p = frame(&w, 0, ETH);
	assert_non_null(p);
	int to = p->data[5];
	ol_pkt_free(p);
	return to;
}

struct says { const char *from, *dst, *gateway, *quoted_src; uint8_t code; int ifi; bool many; };

static enum ol_fate redirect(struct says s)
{
	uint8_t p[20 + 8 + 28] = { 0 }, *m = p + 20;
	struct ol_addr gw = ip(s.gateway);
	wire_ip4_build(m + 8, &(struct ip4_hdr){ .src = ip(s.quoted_src ? s.quoted_src : "10.0.0.1"), .dst = ip(s.dst), .len = 60, .hlen = 20,
		.ttl = 63, .proto = 17 });
	wire_icmp4_build(m, &(struct icmp_hdr){ ICMP4_REDIRECT, s.code, be32_at(gw.b) }, sizeof p - 20);
	wire_ip4_build(p, &(struct ip4_hdr){ .src = ip(s.from), .dst = ip("10.0.0.1"), .len = sizeof p, .hlen = 20, .ttl = 255, .proto = 1 });
	return give(&w, 0, s.ifi ? s.ifi : ETH, p, sizeof p, s.many);
}

/* req: 1122-3.2.2.2-b, 1122-3.2.2.2-c, 1122-3.3.1.2-a, 1122-3.3.1.2-b, 1122-3.3.1.2-c, 1122-3.3.1.3-a */
TEST(a_redirect_of_host_or_net_moves_that_destination)
{
	for (uint8_t code = 0; code < 4; code++) {
		start(NULL);
		eq(leaves_for("8.8.8.8"), 8);
		eq(redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.9", .code = code }), OL_PASS);
		ok(up(&w, 0, 0)->rx.local_done);		/* raw sockets see it, too */
		eq(leaves_for("8.8.8.8"), 9);
		eq(leaves_for("8.8.8.9"), 8);			/* also of a net: that one alone */
		eq(redirect((struct says){ "10.0.0.9", "8.8.8.8", "10.0.0.8" }), OL_PASS);	/* and back, by the one in use */
		eq(leaves_for("8.8.8.8"), 8);
		world_end(&w);
	}
}

/* req: 1122-3.2.2.2-d */
TEST(a_redirect_is_believed_of_the_gateway_in_use_about_its_own_net)
{
	static const struct { struct says s; bool counted; } rows[] = {
		{ { "10.0.0.9", "8.8.8.8", "10.0.0.9" }, true },		/* not the gateway */
		{ { "10.0.0.8", "8.8.8.8", "10.3.0.9" }, true },		/* of another net of ours */
		{ { "10.0.0.8", "8.8.8.8", "192.0.2.1" }, true },
		{ { "10.0.0.8", "8.8.8.8", "10.0.0.1" }, true },		/* ourselves */
		{ { "10.0.0.8", "8.8.8.8", "10.0.0.255" }, true },
		{ { "10.0.0.8", "8.8.8.8", "224.0.0.1" }, true },
		{ { "10.0.0.8", "8.8.8.8", "0.0.0.0" }, true },
		{ { "10.0.0.8", "8.8.8.8", "127.0.0.1" }, true },
		{ { "10.0.0.8", "8.8.8.8", "10.0.0.9", .quoted_src = "10.0.0.3" }, true },	/* not about ours */
		{ { "10.0.0.8", "10.0.0.77", "10.0.0.9" }, true },		/* on the net already */
		{ { "10.0.0.8", "8.8.8.8", "10.0.0.9", .code = 4 }, true },
		{ { "10.0.0.8", "8.8.8.8", "10.0.0.9", .ifi = 3 }, true },	/* by another wire */
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t was = net_count(w.h[0].net, OL_DROP_ICMP_REDIRECT);
		redirect(rows[i].s);
		if ((net_count(w.h[0].net, OL_DROP_ICMP_REDIRECT) != was) != rows[i].counted)
			fail_msg("row %zu", i);
		eq(leaves_for("8.8.8.8"), 8);
	}
	forget(&w, 0);
	redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.9", .many = true });	/* unicast in a frame to all */
	eq(leaves_for("8.8.8.8"), 8);
	world_end(&w);
}

TEST(a_router_and_who_does_not_want_them_heed_no_redirects)
{
	for (int i = 0; i < 2; i++) {
		struct net_config c = net_config_default();
		c.forward4 = i == 0;
		c.accept_redirects4 = i == 0;
		start(&c);
		redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.9" });
		eq(leaves_for("8.8.8.8"), 8);
		world_end(&w);
	}
}

TEST(a_redirect_is_forgotten_after_five_minutes)
{
	start(NULL);
	redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.9" });
	pass(&w, 150 * OL_SEC);
	redirect((struct says){ "10.0.0.8", "8.8.4.4", "10.0.0.9" });
	pass(&w, 149 * OL_SEC);
	eq(leaves_for("8.8.8.8"), 9);
	pass(&w, 2 * OL_SEC);
	eq(leaves_for("8.8.8.8"), 8);
	eq(leaves_for("8.8.4.4"), 9);
	world_end(&w);
}

TEST(a_redirect_ends_with_the_route_it_corrects)
{
	start(NULL);
	redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.9" });
	eq(leaves_for("8.8.8.8"), 9);
	struct ol_route r = { .dst = ip("8.0.0.0"), .plen = 8, .gateway = ip("10.0.0.7") };
	neighbour("10.0.0.7", &(struct ol_mac){ { 2, 0, 0, 0, 9, 7 } });
	eq(net_route_add(w.h[0].net, &r), 0);			/* who set this route meant it */
	eq(leaves_for("8.8.8.8"), 7);
	world_end(&w);
}

/* req: 1122-3.3.1.4-a a gateway that redirects led to is found dead like any other */
TEST(a_redirect_to_a_silent_gateway_is_undone)
{
	start(NULL);
	redirect((struct says){ "10.0.0.8", "8.8.8.8", "10.0.0.50" });
	eq(send_to(&w, 0, NULL, "8.8.8.8", 17, 40, 0, false), OL_DONE);
	pass(&w, 4 * OL_SEC);					/* three questions, no answer */
	eq(leaves_for("8.8.8.8"), 8);
	world_end(&w);
}

/* req: 1122-3.2.2.2-a nor does our router send one */
TEST(nobody_here_sends_a_redirect)
{
	for (int forwards = 0; forwards < 2; forwards++) {
		struct net_config c = net_config_default();
		uint8_t p[40] = { 0 };
		c.forward4 = forwards;
		start(&c);
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.9"), .dst = ip("8.8.8.8"), .len = 40, .hlen = 20, .ttl = 9, .proto = 17 });
		eq(give(&w, 0, ETH, p, sizeof p, false), forwards ? OL_FORWARDED : OL_DROP_IP_NOT_OURS);
		struct ol_pkt *f = frame(&w, 0, ETH);
		eq(f ? f->data[5] : 0, forwards ? 8 : 0);	/* back out by the wire it came by, and nothing is said of that */
		ol_pkt_free(f);
		ok(!frame(&w, 0, ETH));
		world_end(&w);
	}
}

TEST(redirects_are_bounded)
{
	char dst[32];
	start(NULL);
	for (int i = 0; i < 300; i++) {
		snprintf(dst, sizeof dst, "9.9.%d.%d", i / 250, i % 250);
		redirect((struct says){ "10.0.0.8", dst, "10.0.0.9" });
		forget(&w, 0);
	}
	eq(leaves_for("9.9.0.43"), 8);				/* the oldest went */
	eq(leaves_for("9.9.0.44"), 9);
	eq(leaves_for("9.9.1.49"), 9);
	world_end(&w);
}
