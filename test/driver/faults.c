/* The text of faults: every word, what it prints back as, and what is refused with which sentence. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <outlet/ol_wire.h>

static struct ol_faults parsed(const char *text)
{
	struct ol_faults f = { 0 };
	char why[256] = "";
	int rc = ol_faults_parse(&f, text, why, sizeof why);
	if (rc)
		print_error("%s\n", why);
	eq(rc, 0);
	return f;
}

static void prints(const char *text, const char *back)
{
	char buf[OL_FAULTS_STRLEN];
	struct ol_faults f = parsed(text);
	eq_str(ol_faults_str(&f, buf), back);
	struct ol_faults again = parsed(buf);
	eq_mem(&f, &again, sizeof f);
}

TEST(faults_read_what_the_words_say)
{
	struct ol_faults f = parsed("loss=1% delay=20ms jitter=5ms,reorder=2%/10ms  dup=0.5% corrupt=0.1% rate=10mbit queue=100 queue=64KiB cut");
	eq(f.loss_ppb, OL_PERCENT(1));
	eq(f.delay_ns, 20 * OL_MS);
	eq(f.jitter_ns, 5 * OL_MS);
	eq(f.reorder_ppb, OL_PERCENT(2));
	eq(f.reorder_ns, 10 * OL_MS);
	eq(f.dup_ppb, OL_PERCENT(0.5));
	eq(f.corrupt_ppb, OL_PERCENT(0.1));
	eq(f.rate_bps, 10000000);
	eq(f.queue_packets, 100);
	eq(f.queue_bytes, 65536);
	ok(f.cut && !f.unordered && !f.codel);
	f = parsed("burst=1%/30%");
	eq(f.burst.start_ppb, OL_PERCENT(1));
	eq(f.burst.stop_ppb, OL_PERCENT(30));
	eq(f.burst.bad_ppb, OL_ALWAYS_PPB);
	eq(f.burst.good_ppb, 0);
	f = parsed("delay=0.000001ms loss=0.0000001%");
	eq(f.delay_ns, 1);
	eq(f.loss_ppb, 1);
}

TEST(faults_print_reads_back_to_the_same)
{
	prints("", "none");
	prints("none", "none");
	prints("loss=100%", "loss=100%");
	prints("loss=0.0000001%", "loss=0.0000001%");
	prints("delay=1500us", "delay=1.5ms");
	prints("delay=3600s jitter=1ns unordered", "delay=3600s jitter=1ns unordered");
	prints("rate=1500kbit queue=64kb codel", "rate=1.5mbit queue=64000b codel");
	prints("codel=5ms/100ms rate=8bit", "rate=8bit codel=5ms/100ms");
	prints("burst=1%/30%/90%/0.1%", "burst=1%/30%/90%/0.1%");
	prints("burst=0%/0%/0%/3%", "burst=0%/0%/0%/3%");
	prints("cut loss=3% reorder=2%/10ms dup=1% corrupt=1%", "cut loss=3% corrupt=1% dup=1% reorder=2%/10ms");
}

TEST(faults_change_only_what_is_named)
{
	struct ol_faults f = parsed("loss=1% delay=20ms cut");
	char why[256];
	eq(ol_faults_parse(&f, "loss=2% cut=no", why, sizeof why), 0);
	eq(f.loss_ppb, OL_PERCENT(2));
	eq(f.delay_ns, 20 * OL_MS);
	ok(!f.cut);
	eq(ol_faults_parse(&f, "loss=0 delay=0", why, sizeof why), 0);
	struct ol_faults none = { 0 };
	eq_mem(&f, &none, sizeof f);
	eq(ol_faults_parse(&f, "loss=9% none dup=1%", why, sizeof why), 0);
	eq(f.loss_ppb, 0);
	eq(f.dup_ppb, OL_PERCENT(1));
}

TEST(faults_refuse_with_a_sentence_and_change_nothing)
{
	static const struct { const char *text, *says; } t[] = {
		{ "loss=101%", "too large" }, { "loss=1", "0.5%" }, { "loss=-1%", "0.5%" }, { "loss=", "0.5%" }, { "loss=1%%", "0.5%" },
		{ "loss=1.%", "0.5%" }, { "loss", "no such fault" }, { "lost=1%", "no such fault" }, { "delay=20", "20ms" },
		{ "delay=1e9s", "20ms" }, { "delay=3601s", "too large" }, { "delay=99999999999999999999999s", "too large" },
		{ "reorder=2%", "how often and how late" }, { "reorder=2%/", "20ms" }, { "rate=7bit", "cut stops everything" },
		{ "rate=10mbps", "10mbit" }, { "queue=x", "packets" }, { "queue=99999999999", "too large" }, { "queue=10.5", "packets" },
		{ "cut=maybe", "=yes or =no" }, { "cuts", "no such fault" }, { "codel=5ms", "target and interval" },
		{ "codel=0ms/1ms", "longer than 0" }, { "burst=1%", "start/stop" }, { "none=1", "left over" },
		{ "\x1b[31m=1", "?[31m=1: " }, { "loss=1%/2%", "left over" },
		{ "delay=1111111111111111111111111111111111111111111111111111111111111111111111111s", "too long" },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct ol_faults f = { .loss_ppb = 77 }, was = f;
		char text[256], why[256] = "";
		snprintf(text, sizeof text, "dup=1%% %s", t[i].text);
		eq(ol_faults_parse(&f, text, why, sizeof why), -EINVAL);
		if (!strstr(why, t[i].says))
			print_error("%s -> %s\n", t[i].text, why);
		ok(strstr(why, t[i].says) != NULL);
		eq_mem(&f, &was, sizeof f);
	}
	struct ol_faults f = { 0 };
	char many[1024] = "";
	for (int i = 0; i < 100; i++)
		strcat(many, "cut ");
	eq(ol_faults_parse(&f, many, NULL, 0), -EINVAL);
	char tiny[8];
	eq(ol_faults_parse(&f, "loss=x", tiny, sizeof tiny), -EINVAL);
	eq(strlen(tiny), 7);
}

/* Any bytes: refused or taken, never more; and what is taken prints and reads back. */
TEST(faults_survive_random_text)
{
	static const char *const bits[] = { "loss", "=", "1", "0", "%", "/", "ms", ".", "rate", "mbit", " ", "cut", "burst", "9", "codel", "5",
					    "queue", "kb", "reorder", "s", "none", ",", "delay", "\xff", "no", "yes" };
	srand(5);
	for (int i = 0; i < 20000; i++) {
		char text[256] = "";
		for (int k = rand() % 14; k > 0; k--)
			strcat(text, bits[(size_t)rand() % (sizeof bits / sizeof *bits)]);
		struct ol_faults f = { 0 };
		if (ol_faults_parse(&f, text, NULL, 0) == 0) {
			char buf[OL_FAULTS_STRLEN], buf2[OL_FAULTS_STRLEN];
			struct ol_faults again = parsed(ol_faults_str(&f, buf));
			eq_str(buf, ol_faults_str(&again, buf2));
		}
	}
}

TEST(faults_of_a_program_are_put_in_bounds)
{
	struct ol_faults f;
	memset(&f, 0x7f, sizeof f);
	f.cut = f.codel = f.unordered = false;
	f.jitter_ns = -5;
	f.rate_bps = 1;
	ol_faults_clamp(&f);
	eq(f.loss_ppb, OL_ALWAYS_PPB);
	eq(f.jitter_ns, 0);
	eq(f.delay_ns, 3600 * OL_SEC);
	eq(f.rate_bps, 8);
}

TEST(faults_longest_text_fits)
{
	struct ol_faults f;
	char buf[OL_FAULTS_STRLEN];
	memset(&f, 0x7f, sizeof f);
	f.cut = f.codel = f.unordered = true;
	f.loss_ppb = f.burst.start_ppb = f.burst.stop_ppb = f.burst.bad_ppb = f.burst.good_ppb = f.corrupt_ppb = f.dup_ppb = f.reorder_ppb = 999999999;
	f.delay_ns = f.jitter_ns = f.reorder_ns = f.codel_target_ns = f.codel_interval_ns = 3599999999999;
	struct ol_faults again = parsed(ol_faults_str(&f, buf));
	ol_faults_clamp(&f);
	eq(again.reorder_ns, f.reorder_ns);
	ok(strlen(buf) < sizeof buf - 64);
}

TEST(what_befell_reads_as_words)
{
	char buf[OL_WIRE_BEFELL_STRLEN];
	eq_str(ol_wire_befell_str(0, buf), "");
	eq_str(ol_wire_befell_str(OL_WIRE_LOSS, buf), "lost (loss)");
	eq_str(ol_wire_befell_str(OL_WIRE_CORRUPT | OL_WIRE_DUP, buf), "corrupted, duplicated");
	ol_wire_befell_str(~0u, buf);
	ok(strstr(buf, "lost (memory)") != NULL);
}
