/*
 * What a host answers to IGMP and MLD queries: RFC 3376 5.2, 7 and RFC 3810 6.2, 8; those it had better not believe; and the
 * older versions, RFC 2236, RFC 1112 and RFC 2710.
 */
#include "listener.h"
#include "base/be.h"

/* ---- queries ------------------------------------------------------------------------------------------------------- */

/* req: 3376-5.2-a, 3376-5.2-b, 3810-6.2-a, 3810-6.3-a */
TEST(group_general_query_is_answered_after_a_random_delay)
{
	for EACH_FAMILY(f) {
		ol_time least = 10 * OL_SEC, most = 0;
		for (unsigned seed = 0; seed < 50; seed++) {
			start_with(silent_config(), seed);
			QUERY(f->ver, .code = f->ten_s);
			silent_for(20 * OL_SEC);		/* nothing to say */
			joins(f->group);
			joins(f->other);
			settle();
			QUERY(f->ver, .code = f->ten_s);
			eq_str(said(), "");
			ol_time t = w.now;
			eq_str(says_within(10 * OL_SEC), text("IS_EX %s; IS_EX %s", f->group, f->other));
			least = w.now - t < least ? w.now - t : least;
			most = w.now - t > most ? w.now - t : most;
			ok(w.now > t);
			silent_for(100 * OL_SEC);
			world_end(&w);
		}
		ok(least < 2 * OL_SEC && most > 8 * OL_SEC);
	}
}

/* A Max Resp Code of 0 is no licence to answer at once.  req: 3376-5.2-b, 3810-6.3-a */
TEST(group_query_without_time_is_not_answered_at_once)
{
	for EACH_FAMILY(f) {
		start();
		joins(f->group);
		settle();
		QUERY(f->ver, .code = 0);
		eq_str(said(), "");
		eq_str(says_within(OL_SEC), text("IS_EX %s", f->group));
		world_end(&w);
	}
}

/* RFC 3376 4.1.1, RFC 3810 5.1.3: large times are floats. */
TEST(group_query_times_may_be_floats)
{
	struct group_query q;
	uint8_t p[28] = { 0 };
	p[1] = 0x80;
	ok(wire_igmp_query_parse(&q, p, 12));
	eq(q.max_ns, 128 * 100 * OL_MS);
	p[1] = 0xff;
	ok(wire_igmp_query_parse(&q, p, 12));
	eq(q.max_ns, (31 << 10) * 100 * OL_MS);
	ok(wire_igmp_query_parse(&q, p, 8));
	eq(q.version, 2);
	eq(q.max_ns, 255 * 100 * OL_MS);		/* an older querier's are not */
	p[1] = 0;
	be16_put(p + 4, 0x8000);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, 32768 * OL_MS);
	be16_put(p + 4, 0xffff);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, (ol_time)(0x1fff << 10) * OL_MS);
	ok(wire_mld_query_parse(&q, p, 24));
	eq(q.max_ns, 65535 * OL_MS);
	p[25] = 0x9f;					/* QQIC */
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.qqi_ns, (31 << 4) * OL_SEC);
	be16_put(p + 4, 0x7fff);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, 0x7fff * OL_MS);
}

/* RFC 3376 5.2's rules 1 to 5, RFC 3810 6.2's.  req: 3376-5.2-a, 3810-6.2-a */
TEST(group_pending_answers_are_merged)
{
	int sooner = 0;
	for EACH_FAMILY(f)
		for (unsigned seed = 0; seed < 20; seed++) {
			start_with(silent_config(), seed);
			joins(f->group);
			joins(f->other);
			settle();
			/* rule 2: the second general query replaces the first; rule 1: or is answered by it */
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s);
			eq_str(says_within(10 * OL_SEC), text("IS_EX %s; IS_EX %s", f->group, f->other));
			silent_for(20 * OL_SEC);
			/* rule 3, 4: one answer to two specific queries, about this group alone */
			QUERY(f->ver, .code = f->ten_s, .group = f->group);
			QUERY(f->ver, .code = f->one_s, .group = f->group);
			eq_str(says_within(OL_SEC), text("IS_EX %s", f->group));
			silent_for(20 * OL_SEC);
			/* rule 1: a general answer that comes sooner is answer enough, to a general question too */
			QUERY(f->ver, .code = f->ver == 4 ? 1 : 100);
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s, .group = f->group);
			while (strcmp(says_within(100 * OL_MS), text("IS_EX %s; IS_EX %s", f->group, f->other))) {
				eq_str(words, text("IS_EX %s", f->group));	/* unless chance had that one sooner still */
				ok(++sooner < 3);
			}
			silent_for(20 * OL_SEC);
			QUERY(f->ver, .code = f->one_s, .group = f->ver == 4 ? "239.7.7.7" : "ff05::7777");
			silent_for(20 * OL_SEC);				/* not ours */
			world_end(&w);
		}
}

/* The table of RFC 3376 5.2, third case, and of RFC 3810 6.3.  req: 3376-5.2-a, 3810-6.2-a */
TEST(group_and_source_query_is_answered_for_its_sources)
{
	for EACH_FAMILY(f) {
		char in_ab[100], ex_ab[100];
		snprintf(in_ab, sizeof in_ab, "+ %s %s", f->a, f->b);
		snprintf(ex_ab, sizeof ex_ab, "- %s %s", f->a, f->b);
		start();
		eq(change(f->group, "", in_ab), 0);
		settle();
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->b, f->c });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s", f->group, f->b));
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		silent_for(20 * OL_SEC);				/* INCLUDE (A), and A*B is empty */
		eq(change(f->group, in_ab, ex_ab), 0);
		settle();
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->b, f->c });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s", f->group, f->c));
		/* rule 5: the lists add up; rule 4: a query without one wants all */
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->ver == 4 ? "192.0.2.9" : "fd00::9" });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s,%s", f->group, f->c, f->ver == 4 ? "192.0.2.9" : "fd00::9"));
		silent_for(20 * OL_SEC);
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		QUERY(f->ver, .code = f->one_s, .group = f->group);
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->a });
		eq_str(says_within(OL_SEC), text("IS_EX %s %s,%s", f->group, f->a, f->b));
		silent_for(20 * OL_SEC);
		world_end(&w);
	}
}

/* Messages that mean nothing to a host: raw sockets get them, and nobody gets an answer. */
static void passed_on_in_silence(enum ol_fate (*hears_it)(const struct asked *), const uint8_t *types, size_t n, const char *dst)
{
	for (size_t i = 0; i < n; i++) {
		struct asked q = { .type = types[i], .dst = dst };
		eq(hears_it(&q), OL_PASS);
		ok(up(&w, 0, 0)->rx.local_done);
		forget(&w, 0);
		silent_for(OL_SEC);
	}
}

/* req: 3376-4.1.2-a, 3376-7.1-a, 3376-4-c, 3376-4.1.12-a, 2236-2.3-a */
TEST(group_igmp_queries_are_not_believed_blindly)
{
	static const struct { struct asked q; bool good; } rows[] = {
		{ { .code = 10 }, true },
		{ { .code = 10, .sum = 1 }, false },
		{ { .code = 10, .len = 9 }, false }, { { .code = 10, .len = 10 }, false }, { { .code = 10, .len = 11 }, false },
		{ { .code = 10, .len = 7 }, false },
		{ { .code = 10, .len = 20 }, true },				/* RFC 3376 4.1.10: what follows counts for the sum alone */
		{ { .code = 10, .group = "239.1.2.3", .sources = { "1.2.3.4", "1.2.3.5" }, .len = 16 }, false },
		{ { .code = 10, .group = "10.0.0.1" }, false },
		{ { .code = 10, .sources = { "1.2.3.4" } }, false },		/* sources of no group */
		{ { .code = 10, .ttl = 2 }, false },
		{ { .code = 10, .no_alert = true }, false },			/* RFC 3376 9.1 */
		{ { .code = 10, .no_alert = true, .version = 2 }, false },
		{ { .code = 10, .dst = "239.1.2.3" }, false },			/* general, but not to all */
		{ { .code = 10, .dst = "239.1.2.3", .group = "239.1.2.3" }, true },
		{ { .code = 10, .dst = "239.1.2.3", .group = "239.1.2.3", .src = "0.0.0.0" }, true },
		{ { .code = 10, .dst = "10.0.0.1" }, true },			/* any address of the interface */
		{ { .code = 10, .dst = "10.0.0.1", .group = "239.1.2.3" }, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start();
		addr(&w, 0, ETH, "10.0.0.1/24");
		joins("239.1.2.3");
		settle();
		uint64_t bad = net_count(w.h[0].net, OL_DROP_IGMP_BAD);
		enum ol_fate fate = hears(4, rows[i].q);
		eq(fate, rows[i].good ? OL_PASS : OL_DROP_IGMP_BAD);
		eq(net_count(w.h[0].net, OL_DROP_IGMP_BAD), bad + !rows[i].good);
		if (strcmp(says_within(20 * OL_SEC), rows[i].good ? "IS_EX 239.1.2.3" : ""))
			fail_msg("row %zu: %s", i, words);
		world_end(&w);
	}
	start();						/* a type nobody knows: no word of it, to its sender neither */
	addr(&w, 0, ETH, "10.0.0.1/24");
	static const uint8_t types[] = { 0x13, 0x14, 0x17, 0x1e, 0x1f, 0x22, 0x30, 0xff };
	passed_on_in_silence(hears4, types, sizeof types, "10.0.0.1");
	world_end(&w);
}

/* req: 3810-5.1.2-a, 3810-5.1.14-a, 3810-5.1.15-a, 3810-8.1-a, 3810-5-b */
TEST(group_mld_queries_are_not_believed_blindly)
{
	static const struct { struct asked q; enum ol_fate fate; } rows[] = {
		{ { .code = 1000 }, OL_PASS },
		{ { .code = 1000, .sum = 1 }, OL_DROP_ICMP_CHECKSUM },
		{ { .code = 1000, .src = "::" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .src = "fd00::9" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .ttl = 2 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .ttl = 255 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .no_alert = true }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 20 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 25 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 26 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 27 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 40 }, OL_PASS },
		{ { .code = 1000, .group = "ff05::77", .sources = { "fd00::a", "fd00::b" }, .len = 44 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .group = "fd00::1" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .dst = "ff05::77", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "fe80::ff:fe00:1", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "ff02::1:ff00:101", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "fd00::101", .group = "ff05::77" }, OL_PASS },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start();
		addr(&w, 0, ETH, "fd00::101/64");
		joins("ff05::77");
		settle();
		eq(hears(6, rows[i].q), rows[i].fate);
		says_within(20 * OL_SEC);
		if (!strstr(words, "IS_EX ff05::77") != (rows[i].fate != OL_PASS))
			fail_msg("row %zu: %s", i, words);
		world_end(&w);
	}
	start();						/* what is for routers, and what nobody knows */
	addr(&w, 0, ETH, "fd00::101/64");
	settle();
	static const uint8_t types[] = { 132, 143, 151, 200 };
	passed_on_in_silence(hears6, types, sizeof types, "ff02::1:ff00:101");
	world_end(&w);
}

/* ---- older versions ------------------------------------------------------------------------------------------------ */

/* req: 3376-7.2.1-a, 3376-4-b, 2236-3-a, 2236-3-b, 2236-3-c, 2236-9-a */
TEST(group_v2_querier_is_spoken_to_in_v2)
{
	ol_time least = 10 * OL_SEC, most = 0;
	for (unsigned seed = 0; seed < 30; seed++) {
		start_with(silent_config(), seed);
		joins("239.1.2.3");
		eq_str(said(), "TO_EX 239.1.2.3");
		QUERY(4, .version = 2, .code = 100, .group = "239.5.5.5");	/* specific: who sends it is not the question */
		eq_str(says_within(OL_SEC), "TO_EX 239.1.2.3");
		QUERY(4, .version = 2, .code = 100);
		joins("239.9.9.9");
		eq_str(said(), "v2 239.9.9.9");
		ol_time t = w.now;
		int a = 0, b = 0;
		while (w.now - t < 10 * OL_SEC && *says_within(t + 10 * OL_SEC - w.now)) {
			ok(!strcmp(words, "v2 239.1.2.3") || !strcmp(words, "v2 239.9.9.9"));
			if (words[strlen(words) - 1] == '3') {
				a++;
				least = w.now - t < least ? w.now - t : least;
				most = w.now - t > most ? w.now - t : most;
			} else
				b++;
		}
		eq(a, 1);				/* asked */
		eq(b, 1);				/* the repetition of its joining */
		eq(change("239.1.2.3", "", "+ 192.0.2.1"), 0);	/* sources are nothing that v2 knows */
		silent_for(10 * OL_SEC);
		leaves("239.9.9.9");
		eq_str(said(), "leave 239.9.9.9");
		silent_for(10 * OL_SEC);
		world_end(&w);
	}
	ok(least < 2 * OL_SEC && most > 8 * OL_SEC);
}

/* RFC 3376 8.12: robustness times the query interval, and the response time.  req: 3376-7.2.1-a, 2236-4-a, 3810-8.2.1-a */
TEST(group_old_querier_is_forgotten_after_its_time)
{
	start();
	QUERY(4, .code = 10, .qrv = 3, .qqic = 20);
	QUERY(4, .version = 2, .code = 100);
	ol_time t = w.now;
	w.now = t + 70 * OL_SEC - 1;
	joins("239.1.2.3");
	eq_str(said(), "v2 239.1.2.3");
	w.now = t + 70 * OL_SEC;
	joins("239.9.9.9");
	eq_str(said(), "TO_EX 239.9.9.9");
	eq_str(says_within(OL_SEC), "TO_EX 239.9.9.9");
	eq_str(says_within(OL_SEC), "TO_EX 239.9.9.9");
	silent_for(100 * OL_SEC);			/* the old version's repetition went with it */
	world_end(&w);
	start();
	QUERY(6, .version = 1, .code = 10000);
	t = w.now;
	w.now = t + 260 * OL_SEC - 1;
	joins("ff05::77");
	eq_str(said(), "v1 ff05::77");
	w.now = t + 260 * OL_SEC;
	silent_for(100 * OL_SEC);
	joins("ff08::99");
	eq_str(said(), "TO_EX ff08::99");
	world_end(&w);
	start();					/* v1, then v2, then v3, as each is not heard any more */
	QUERY(4, .version = 1);
	w.now += 200 * OL_SEC;
	QUERY(4, .version = 2, .code = 100);
	joins("239.1.2.3");
	eq_str(said(), "v1 239.1.2.3");
	w.now += 61 * OL_SEC;
	joins("239.9.9.9");
	eq_str(said(), "v2 239.9.9.9");
	w.now += 200 * OL_SEC;
	joins("239.8.8.8");
	eq_str(said(), "TO_EX 239.8.8.8");
	world_end(&w);
}

/* Whatever was under way ends when the version changes.  req: 3376-7.2.1-a, 3810-8.2.1-a */
TEST(group_change_of_version_cancels_what_is_due)
{
	for EACH_FAMILY(f) {
		start();
		joins(f->group);
		said();
		leaves(f->group);
		said();
		joins(f->other);
		said();
		QUERY(f->ver, .version = f->ver == 4 ? 2 : 1, .code = f->ver == 4 ? 10 : 1000);
		eq_str(says_within(OL_SEC), text("%s %s", f->ver == 4 ? "v2" : "v1", f->other));
		silent_for(100 * OL_SEC);
		world_end(&w);
	}
}

/* req: 3376-7.2.1-b, 2236-4-a, 3376-4-b */
TEST(group_v1_querier_has_ten_seconds_and_hears_no_leave)
{
	ol_time most = 0;
	for (unsigned seed = 0; seed < 30; seed++) {
		start_with(silent_config(), seed);
		joins("239.1.2.3");
		settle();
		QUERY(4, .version = 1);
		ol_time t = w.now;
		eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
		most = w.now - t > most ? w.now - t : most;
		QUERY(4, .code = 100);				/* a v3 query that comes between is answered in v1 */
		eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
		leaves("239.1.2.3");
		silent_for(100 * OL_SEC);
		world_end(&w);
	}
	ok(most > 8 * OL_SEC);
}

/* req: 2236-3-a, 2236-5-a, 2236-3-c */
TEST(group_reports_of_others_make_ours_needless)
{
	static const uint8_t types[] = { 0x12, 0x16 };
	for (int i = 0; i < 2; i++) {
		start();
		joins("239.1.2.3");
		joins("239.9.9.9");
		settle();
		QUERY(4, .version = 2, .code = 100);
		QUERY(4, .type = types[i], .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7", .len = 12);
		eq_str(says_within(10 * OL_SEC), "v2 239.9.9.9");
		silent_for(100 * OL_SEC);
		QUERY(4, .version = 2, .code = 100);		/* and only for that once */
		ok(*says_within(10 * OL_SEC) && *says_within(10 * OL_SEC));
		QUERY(4, .version = 2, .code = 100);
		QUERY(4, .type = types[i], .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7");
		settle();
		leaves("239.1.2.3");				/* another is there: it need not be said */
		eq_str(said(), "");
		leaves("239.9.9.9");
		eq_str(said(), "leave 239.9.9.9");
		world_end(&w);
	}
	start();						/* version 3 speaks for itself */
	joins("239.1.2.3");
	settle();
	QUERY(4, .code = 100);
	QUERY(4, .type = 0x16, .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7");
	eq_str(says_within(10 * OL_SEC), "IS_EX 239.1.2.3");
	world_end(&w);
}

/* req: 3810-8.2.1-a */
TEST(group_mld_v1_querier_is_spoken_to_in_v1)
{
	start();
	addr(&w, 0, ETH, "fd00::101/64");
	settle();
	QUERY(6, .version = 1, .code = 10000);
	joins("ff05::77");
	eq_str(said(), "v1 ff05::77");
	int own = 0, again = 0;
	while (*says_within(10 * OL_SEC)) {
		own += !strcmp(words, "v1 ff02::1:ff00:101");
		again += !strcmp(words, "v1 ff05::77");
	}
	eq(own, 1);
	eq(again, 1);
	QUERY(6, .version = 1, .code = 10000, .group = "ff05::77");
	eq(hears(6, (struct asked){ .type = 131, .group = "ff05::77", .dst = "ff05::77", .src = "fd00::7", .len = 24 }), OL_DROP_MLD_BAD);
	eq_str(says_within(10 * OL_SEC), "v1 ff05::77");	/* nobody's report: it was not believed */
	QUERY(6, .version = 1, .code = 10000, .group = "ff05::77");
	QUERY(6, .type = 131, .group = "ff05::77", .dst = "ff05::77", .src = "fe80::7", .len = 24);
	silent_for(20 * OL_SEC);
	leaves("ff05::77");
	eq_str(said(), "");
	joins("ff05::77");
	settle();
	leaves("ff05::77");
	eq_str(said(), "done ff05::77");
	world_end(&w);
}

/* force_igmp_version, force_mld_version.  req: 2236-2.5-a */
TEST(group_version_can_be_forced)
{
	struct net_config cfg = silent_config();
	cfg.force_igmp_version = 2;
	cfg.force_mld_version = 1;
	start_with(cfg, 0);
	joins("239.1.2.3");
	joins("ff05::77");
	eq_str(said(), "v2 239.1.2.3");
	eq_str(said(), "v1 ff05::77");
	settle();
	for (int len = 8; len < 20; len++) {			/* what follows the eighth octet is nothing to version 2 */
		QUERY(4, .code = 10, .len = len);
		eq_str(says_within(OL_SEC), "v2 239.1.2.3");
	}
	QUERY(6, .code = 1000, .len = 44);
	eq_str(says_within(OL_SEC), "v1 ff05::77");
	QUERY(4, .version = 1);					/* RFC 2236 4 */
	eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
	world_end(&w);
	cfg.force_igmp_version = 3;
	cfg.force_mld_version = 2;
	start_with(cfg, 0);
	joins("239.1.2.3");
	joins("ff05::77");
	settle();
	QUERY(4, .version = 1);
	QUERY(4, .version = 2, .code = 10);
	QUERY(6, .version = 1, .code = 1000);
	silent_for(20 * OL_SEC);
	QUERY(4, .code = 10);
	eq_str(says_within(OL_SEC), "IS_EX 239.1.2.3");
	world_end(&w);
}
