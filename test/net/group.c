/*
 * What a host tells of its groups by IGMP and MLD when they change: RFC 3376 3.2, 5.1 and RFC 3810 4.2, 6.1, which groups are
 * spoken of at all, and that every message has the form of its protocol.
 */
#include "listener.h"
#include "base/be.h"
#include "base/rng.h"

/* ---- changes ------------------------------------------------------------------------------------------------------- */

/* What all messages must be is in listener.c, which looks at every one.
 * req: 3376-4-a, 3376-4.2.10-a, 3376-4.2.14-a, 2236-2.3-a, 3810-5-a, 3810-5.2.10-a, 3810-5.2.13-a, 2236-9-a */
TEST(group_messages_have_the_form_of_their_protocol)
{
	start();
	joins("239.1.2.3");
	struct ol_pkt *p = frame(&w, 0, ETH);
	static const uint8_t mac[6] = { 1, 0, 0x5e, 0, 0, 22 }, mac6[6] = { 0x33, 0x33, 0, 0, 0, 0x16 }, none[16];
	eq_mem(p->data, mac, 6);
	eq_mem(p->data + 14 + 12, none, 4);		/* no address yet */
	ol_pkt_free(p);
	joins("ff05::77");
	p = frame(&w, 0, ETH);
	eq_mem(p->data, mac6, 6);
	eq_mem(p->data + 14 + 8, none, 16);
	ol_pkt_free(p);
	settle();
	addr(&w, 0, ETH, "10.0.0.1/24");
	addr(&w, 0, ETH, "fd00::1/64");
	settle();
	leaves("239.1.2.3");
	p = frame(&w, 0, ETH);
	eq_mem(p->data + 14 + 12, ip("10.0.0.1").b, 4);
	ol_pkt_free(p);
	leaves("ff05::77");
	p = frame(&w, 0, ETH);
	struct ol_addr src = ol_addr_from(6, p->data + 14 + 8);
	ok(ol_addr_is_linklocal(&src));			/* though the other address would reach farther */
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 3376-5.1-a, 3810-6.1-a, 1112-7.1-a */
TEST(group_changes_are_said_at_once_and_again_within_a_second)
{
	for EACH_FAMILY(f)
		for (unsigned seed = 0; seed < 40; seed++) {
			ol_time first, gap, least = OL_SEC, most = 0;
			start_with(silent_config(), seed);
			joins(f->group);
			eq_str(said(), text("TO_EX %s", f->group));
			first = w.now;
			eq_str(says_within(OL_SEC), text("TO_EX %s", f->group));
			gap = w.now - first;
			least = gap < least ? gap : least;
			most = gap > most ? gap : most;
			ok(gap > 0);
			silent_for(100 * OL_SEC);
			eq(change(f->group, "", "-"), 0);	/* a second listener is no news */
			leaves(f->group);
			silent_for(100 * OL_SEC);
			leaves(f->group);
			eq_str(said(), text("TO_IN %s", f->group));
			eq_str(says_within(OL_SEC), text("TO_IN %s", f->group));
			silent_for(100 * OL_SEC);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
			world_end(&w);
		}
}

/* The chance is the seed's: other hosts, other moments.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_repetitions_are_spread)
{
	for EACH_FAMILY(f) {
		ol_time least = OL_SEC, most = 0;
		for (unsigned seed = 0; seed < 50; seed++) {
			start_with(silent_config(), seed);
			joins(f->group);
			said();
			ol_time first = w.now;
			says_within(OL_SEC);
			least = w.now - first < least ? w.now - first : least;
			most = w.now - first > most ? w.now - first : most;
			world_end(&w);
		}
		ok(least < 200 * OL_MS && most > 800 * OL_MS);
	}
}

/* RFC 3376 8.1: as often as the Robustness Variable, ours or the querier's; one that says 0 says nothing. */
TEST(group_robustness_is_how_often_a_change_is_said)
{
	for EACH_FAMILY(f) {
		struct net_config cfg = silent_config();
		cfg.igmp_qrv = cfg.mld_qrv = 3;
		start_with(cfg, 0);
		static const struct { int qrv, times; } rows[] = { { -1, 3 }, { 5, 5 }, { 0, 3 }, { 1, 1 } };
		for (size_t i = 0; i < 4; i++) {
			if (rows[i].qrv >= 0)
				QUERY(f->ver, .code = f->one_s, .qrv = (uint8_t)rows[i].qrv);
			joins(f->group);
			int n = 0;
			while (*says_within(OL_SEC)) {
				eq_str(words, text("TO_EX %s", f->group));
				n++;
			}
			eq(n, rows[i].times);
			leaves(f->group);
			settle();
		}
		world_end(&w);
	}
}

/* req: 3376-5-a, 3810-6-a */
TEST(group_of_all_hosts_and_of_one_host_are_never_reported)
{
	static const char *const quiet[] = { "224.0.0.1", "ff02::1", "ff01::1", "ff01::99", "ff00::99", "ff11::99" };
	start();
	for (size_t i = 0; i < 6; i++) {
		joins(quiet[i]);
		silent_for(10 * OL_SEC);
	}
	QUERY(4, .code = 100);
	QUERY(6, .code = 10000);
	QUERY(4, .code = 100, .group = "224.0.0.1");
	silent_for(60 * OL_SEC);
	QUERY(4, .version = 1);
	QUERY(6, .version = 1, .code = 10000);
	silent_for(60 * OL_SEC);
	for (size_t i = 0; i < 6; i++)
		leaves(quiet[i]);
	silent_for(60 * OL_SEC);
	joins("224.0.0.2");				/* its neighbour is */
	eq_str(said(), "v1 224.0.0.2");
	joins("ff02::2");
	eq_str(said(), "v1 ff02::2");
	world_end(&w);
}

/* RFC 3810 6, RFC 2710 4: solicited-node groups are groups; RFC 4862 5.4.2: the first word waits, and takes all along.  req: 4861-7.2.1-a */
TEST(group_of_solicited_node_is_reported_after_a_moment)
{
	ol_time least = OL_SEC, most = 0;
	for (unsigned seed = 0; seed < 50; seed++) {
		start_with(silent_config(), seed);
		addr(&w, 0, ETH, "fd00::101/64");
		eq_str(said(), "");
		ol_time t = w.now;
		static const char both[] = "TO_EX ff02::1:ff00:101; TO_EX ff02::1:ff00:1";	/* and the link-local one's */
		eq_str(says_within(OL_SEC), both);
		least = w.now - t < least ? w.now - t : least;
		most = w.now - t > most ? w.now - t : most;
		eq_str(says_within(OL_SEC), both);
		silent_for(100 * OL_SEC);
		addr(&w, 0, ETH, "fd00::2/64");
		eq_str(said(), "TO_EX ff02::1:ff00:2");	/* it is long up: at once */
		settle();
		struct ol_addr a = ip("fd00::2");
		eq(net_addr_del(w.h[0].net, ETH, &a, w.now), 0);
		eq_str(said(), "TO_IN ff02::1:ff00:2");
		world_end(&w);
	}
	ok(least < 200 * OL_MS && most > 800 * OL_MS);
}

/* RFC 3590 4, RFC 3810 5.2.13: what was said from :: is said again once there is an address to say it from. */
TEST(group_is_said_again_from_a_link_local_address)
{
	start();
	joins("ff05::77");
	settle();
	addr(&w, 0, ETH, "fd00::1/64");
	bool again = false;
	while (*says_within(3 * OL_SEC))
		again = again || strstr(words, "TO_EX ff05::77");
	ok(again);
	world_end(&w);
}

TEST(group_reports_only_go_to_an_ethernet_that_is_up)
{
	static const char *const group[] = { "239.1.2.3", "ff05::77" };
	for (int i = 0; i < 2; i++) {
		start();
		int tun = iface_new(&w, 0, OL_LINK_IP, 1500, 0);
		struct ol_addr g = ip(group[i]);
		for (int ifi = 1; ifi <= tun; ifi += tun - 1) {		/* lo and the tunnel */
			eq(net_group_join(w.h[0].net, ifi, &g, w.now), 0);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
			ok(!frame(&w, 0, ifi));
			eq(net_group_leave(w.h[0].net, ifi, &g, w.now), 0);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		}
		joins(group[i]);
		eq_str(said(), text("TO_EX %s", group[i]));
		link_iface_up(w.h[0].link, ETH, false, w.now);
		net_iface_up(w.h[0].net, ETH, false, w.now);
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);		/* the second half of that is forgotten */
		silent_for(10 * OL_SEC);
		leaves(group[i]);
		joins(group[i]);
		eq(change(group[i], "", i ? "+ fd00::a" : "+ 192.0.2.1"), 0);
		eq(change(group[i], "-", ""), 0);
		silent_for(10 * OL_SEC);
		link_iface_up(w.h[0].link, ETH, true, w.now);
		net_iface_up(w.h[0].net, ETH, true, w.now);
		net_iface_up(w.h[0].net, ETH, true, w.now);		/* twice is once */
		eq_str(said(), "");
		for (int n = 0; n < 2; n++)
			eq_str(says_within(OL_SEC), text("ALLOW %s %s", group[i], i ? "fd00::a" : "192.0.2.1"));
		silent_for(10 * OL_SEC);
		world_end(&w);
	}
}

/* ---- filters ------------------------------------------------------------------------------------------------------- */

/* What is reported of the interface now. */
static const char *state(const struct family *f)
{
	settle();
	QUERY(f->ver, .code = f->one_s);
	return says_within(OL_SEC);
}

/* The examples of RFC 3376 3.2 and RFC 3810 4.2.  req: 3376-3.2-a, 3376-3.2-b, 3810-4.2-a */
TEST(group_filters_of_listeners_are_merged)
{
	struct step { const char *was, *is, *then; };
	static const struct step ex[] = {
		{ "", "- 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4", "IS_EX 239.1.2.3 192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4" },
		{ "", "- 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3,192.0.2.4" },
		{ "", "+ 192.0.2.4 192.0.2.5 192.0.2.6", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3" },
		{ "", "-", "IS_EX 239.1.2.3" },
		{ "-", "", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3" },
		{ "- 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5", "", "IS_EX 239.1.2.3 192.0.2.1,192.0.2.2,192.0.2.3" },
		{ "- 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4", "", "IS_IN 239.1.2.3 192.0.2.4,192.0.2.5,192.0.2.6" },
		{ "+ 192.0.2.4 192.0.2.5 192.0.2.6", "", "" },
	}, in[] = {
		{ "", "+ fd00::a fd00::b fd00::c", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c" },
		{ "", "+ fd00::b fd00::c fd00::d", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d" },
		{ "", "+ fd00::e fd00::f", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f" },
		{ "+ fd00::a fd00::b fd00::c", "+ fd00::a", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f" },
		{ "+ fd00::b fd00::c fd00::d", "", "IS_IN ff05::77 fd00::a,fd00::e,fd00::f" },
		{ "+ fd00::e fd00::f", "- fd00::a", "IS_EX ff05::77" },
		{ "+ fd00::a", "", "IS_EX ff05::77 fd00::a" },
		{ "- fd00::a", "", "" },
	};
	for EACH_FAMILY(f) {
		start();
		for (size_t i = 0; i < 8; i++) {
			const struct step *s = f->ver == 4 ? &ex[i] : &in[i];
			eq(change(f->group, s->was, s->is), 0);
			eq_str(state(f), s->then);
		}
		settle();
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		world_end(&w);
	}
}

/* The table of RFC 3376 5.1 and RFC 3810 6.1, row by row.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_filter_changes_are_said_as_the_table_has_them)
{
	static const struct { const char *was, *is, *says; } rows[] = {
		{ "", "+ 192.0.2.1", "ALLOW 239.1.2.3 192.0.2.1" },
		{ "+ 192.0.2.1", "+ 192.0.2.1 192.0.2.2", "ALLOW 239.1.2.3 192.0.2.2" },
		{ "+ 192.0.2.1 192.0.2.2", "+ 192.0.2.2 192.0.2.3", "ALLOW 239.1.2.3 192.0.2.3; BLOCK 239.1.2.3 192.0.2.1" },
		{ "+ 192.0.2.2 192.0.2.3", "- 192.0.2.4", "TO_EX 239.1.2.3 192.0.2.4" },
		{ "- 192.0.2.4", "- 192.0.2.4 192.0.2.5", "BLOCK 239.1.2.3 192.0.2.5" },
		{ "- 192.0.2.4 192.0.2.5", "- 192.0.2.5 192.0.2.6", "ALLOW 239.1.2.3 192.0.2.4; BLOCK 239.1.2.3 192.0.2.6" },
		{ "- 192.0.2.5 192.0.2.6", "+ 192.0.2.6", "TO_IN 239.1.2.3 192.0.2.6" },
		{ "+ 192.0.2.6", "", "BLOCK 239.1.2.3 192.0.2.6" },
		{ "", "-", "TO_EX 239.1.2.3" },
		{ "-", "", "TO_IN 239.1.2.3" },
	};
	start();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		eq(change("239.1.2.3", rows[i].was, rows[i].is), 0);
		eq_str(said(), rows[i].says);
		eq_str(says_within(OL_SEC), rows[i].says);
		silent_for(20 * OL_SEC);
	}
	world_end(&w);
}

/* A change while another is still being repeated is said at once, together with what of that is left.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_changes_in_a_row_are_merged)
{
	start();
	eq(change("ff05::77", "", "+ fd00::a"), 0);
	eq_str(said(), "ALLOW ff05::77 fd00::a");
	eq(change("ff05::77", "+ fd00::a", "+ fd00::a fd00::b"), 0);
	eq_str(said(), "ALLOW ff05::77 fd00::a,fd00::b");	/* a's second time, b's first */
	eq(change("ff05::77", "+ fd00::a fd00::b", "+ fd00::a"), 0);
	eq_str(said(), "BLOCK ff05::77 fd00::b");
	eq_str(says_within(OL_SEC), "BLOCK ff05::77 fd00::b");
	silent_for(20 * OL_SEC);
	/* a change of mode goes on to be said, with what the list has become */
	eq(change("ff05::77", "+ fd00::a", "-"), 0);
	eq_str(said(), "TO_EX ff05::77");
	eq(change("ff05::77", "-", "- fd00::c"), 0);
	eq_str(said(), "TO_EX ff05::77 fd00::c");
	eq_str(says_within(OL_SEC), "BLOCK ff05::77 fd00::c");	/* the mode was said twice, c once */
	silent_for(20 * OL_SEC);
	eq(change("ff05::77", "- fd00::c", ""), 0);
	eq_str(said(), "TO_IN ff05::77");
	eq(change("ff05::77", "", "-"), 0);
	eq_str(said(), "TO_EX ff05::77");
	eq_str(says_within(OL_SEC), "TO_EX ff05::77");
	silent_for(20 * OL_SEC);
	world_end(&w);
}

/* RFC 3376 4.2.16: as many reports as it takes, none longer than the MTU; but one list of exclusions is cut. */
TEST(group_reports_fit_the_wire)
{
	enum { N = 500 };
	static struct ol_addr src[N];
	for EACH_FAMILY(f) {
		start();
		struct ol_addr g = ip(f->group);
		for (int i = 0; i < N; i++) {
			src[i] = ip(f->a);
			src[i].b[f->ver == 4 ? 2 : 14] = (uint8_t)(i >> 8);
			src[i].b[f->ver == 4 ? 3 : 15] = (uint8_t)i;
		}
		struct net_filter in = { .n = N, .src = src }, ex = { .exclude = true, .n = N, .src = src };
		eq(net_group_change(w.h[0].net, ETH, &g, NULL, &in, w.now), 0);
		size_t alen = f->ver == 4 ? 4 : 16, ip_len = f->ver == 4 ? 24 : 48, total = 0, frames = 0;
		for (struct ol_pkt *p; (p = frame(&w, 0, ETH)); frames++) {
			ok(p->len <= 14 + 1500);
			total += be16_at(p->data + 14 + ip_len + 8 + 2);
			ol_pkt_free(p);
		}
		eq(total, N);
		eq(frames, (N * alen + 1500 - ip_len - 8 - 4 - alen - 1) / (1500 - ip_len - 8 - 4 - alen));
		eq(net_group_change(w.h[0].net, ETH, &g, &in, &ex, w.now), 0);
		struct ol_pkt *p = frame(&w, 0, ETH);
		eq(be16_at(p->data + 14 + ip_len + 8 + 2), (1500 - ip_len - 8 - 4 - alen) / alen);
		ol_pkt_free(p);
		ok(!frame(&w, 0, ETH));
		eq(net_group_change(w.h[0].net, ETH, &g, &ex, NULL, w.now), 0);
		world_end(&w);
	}
}

/* A thousand groups are told in a few reports; too many are refused, and those only remembered make room.  req: 3376-2-b */
TEST(group_tables_are_bounded)
{
	static struct ol_addr src[1025];
	start();
	struct ol_addr g = ip("239.0.0.0");
	int n = 0, err;
	for (;; n++) {
		g.b[2] = (uint8_t)(n >> 8);
		g.b[3] = (uint8_t)n;
		if ((err = net_group_join(w.h[0].net, ETH, &g, w.now)))
			break;
		if (n == 500)				/* this one is left again, and yet has to be spoken of */
			eq(net_group_leave(w.h[0].net, ETH, &g, w.now), 0);
		ol_pkt_free(frame(&w, 0, ETH));
		ol_pkt_free(frame(&w, 0, ETH));
	}
	eq(err, -ENOBUFS);
	ok(n >= 1024 + 1);
	settle();
	QUERY(4, .code = 10);
	size_t frames = 0;
	ol_time until = w.now + OL_SEC;
	for (; wheel_deadline(&w.h[0].wheel) <= until; )
		for (struct timer *t; (t = wheel_expire(&w.h[0].wheel, w.now = wheel_deadline(&w.h[0].wheel))); )
			net_expire(w.h[0].net, t, w.now);
	for (struct ol_pkt *p; (p = frame(&w, 0, ETH)); frames++)
		ol_pkt_free(p);
	eq(frames, 6);					/* 1024 records of 8 bytes */
	world_end(&w);
	start();
	for (int i = 0; i < 1025; i++)
		src[i] = ol_addr_ip4(0x0a000000u + (uint32_t)i);
	struct net_filter most = { .n = 1024, .src = src }, more = { .n = 1025, .src = src };
	g = ip("232.1.1.1");
	eq(net_group_change(w.h[0].net, ETH, &g, NULL, &more, w.now), -ENOBUFS);
	eq_str(said(), "");
	eq(net_group_change(w.h[0].net, ETH, &g, NULL, &most, w.now), 0);
	world_end(&w);
}

/* ---- at random ----------------------------------------------------------------------------------------------------- */

/* Joins, leaves, filters and messages good and bad, in any order: what it says keeps its form, its timers lie ahead, and in
 * the end it says no more and holds nothing. */
TEST(group_survives_anything)
{
	static const char *const sources[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "fd00::a", "fd00::b", "fd00::c" };
	static const char *const groups[] = { "239.1.2.3", "239.1.2.4", "ff05::77", "ff02::78" };
	struct rng r;
	rng_init(&r, 0x6702);
	for (unsigned round = 0; round < 60; round++) {
		char held[4][4][64] = { { { 0 } } };
		start_with(silent_config(), round);
		addr(&w, 0, ETH, "10.0.0.1/24");
		for (int step = 0; step < 150; step++) {
			unsigned what = rng_below(&r, 10), g = rng_below(&r, 4), who = rng_below(&r, 4);
			if (what < 4) {
				char is[64] = "";
				if (rng_below(&r, 4)) {
					strcpy(is, rng_below(&r, 2) ? "-" : "+");
					for (unsigned i = 0; i < 3; i++)
						if (rng_below(&r, 2)) {
							strcat(is, " ");
							strcat(is, sources[(g / 2) * 3 + i]);
						}
				}
				if (!strcmp(is, "+"))
					*is = 0;
				eq(change(groups[g], held[g][who], is), 0);
				strcpy(held[g][who], is);
			} else if (what < 8) {
				struct asked q = { .code = (uint16_t)rng_below(&r, 400), .version = (int)rng_below(&r, 4),
					.qrv = (uint8_t)rng_u64(&r), .qqic = (uint8_t)rng_below(&r, 140), .len = (int)rng_below(&r, 5) ? 0 : 8 + (int)rng_below(&r, 40),
					.type = (uint8_t)(rng_below(&r, 4) ? 0 : g < 2 ? 0x16 : 131),
					.group = rng_below(&r, 2) ? groups[g] : NULL };
				if (q.group && rng_below(&r, 2))
					q.sources[0] = sources[(g / 2) * 3];
				hears(g < 2 ? 4 : 6, q);
			} else if (what == 8) {
				bool is_up = rng_below(&r, 4);
				link_iface_up(w.h[0].link, ETH, is_up, w.now);
				net_iface_up(w.h[0].net, ETH, is_up, w.now);
			}
			ol_time until = w.now + (ol_time)rng_below(&r, 3000) * OL_MS;
			while (w.now < until)
				says_within(until - w.now);
		}
		for (int g = 0; g < 4; g++)
			for (int who = 0; who < 4; who++)
				eq(change(groups[g], held[g][who], ""), 0);
		while (*says_within(4000 * OL_SEC)) { }		/* longer than any answer may wait */
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		world_end(&w);
	}
}
