/* The same scenario from the same seed is the same run: its capture is byte for byte the same. */
#include "unit.h"
#include <stdlib.h>
#include "scenario.h"

struct bytes { uint8_t *p; size_t len, cap; };

static int keep(void *ctx, const void *p, size_t len)
{
	struct bytes *b = ctx;
	if (b->len + len > b->cap) {
		b->cap = 2 * (b->len + len);
		b->p = realloc(b->p, b->cap);
	}
	memcpy(b->p + b->len, p, len);
	b->len += len;
	return 0;
}

static void twice(const char *name, uint64_t seed)
{
	struct bytes a = { 0 }, b = { 0 }, c = { 0 };
	const struct scenario *sc = scenario_find(name);
	ok(sc != NULL);
	scenario_run(sc, seed, keep, &a);
	scenario_run(sc, seed, keep, &b);
	scenario_run(sc, seed + 1, keep, &c);
	ok(a.len > 10000);
	eq(a.len, b.len);
	ok(memcmp(a.p, b.p, a.len) == 0);
	ok(a.len != c.len || memcmp(a.p, c.p, a.len) != 0);
	free(a.p);
	free(b.p);
	free(c.p);
}

TEST(same_seed_same_capture_of_a_transfer_under_every_fault) { twice("tcp_storm", 7); }
TEST(same_seed_same_capture_of_many_connections) { twice("tcp_mix", 7); }
TEST(same_seed_same_capture_of_fast_opens) { twice("tcp_fast", 7); }
TEST(same_seed_same_capture_across_routers) { twice("tcp_routers", 7); }
TEST(same_seed_same_capture_of_datagrams) { twice("udp", 7); }

/* A capture must not change what it watches. */
TEST(watching_changes_nothing)
{
	struct bytes a = { 0 };
	const struct scenario *sc = scenario_find("tcp_bulk");
	struct scenario_result seen = scenario_run(sc, 5, keep, &a), unseen = scenario_run(sc, 5, NULL, NULL);
	eq(seen.took, unseen.took);
	eq(seen.bytes, unseen.bytes);
	free(a.p);
}

/* Lost frames are in the sender's capture with what became of them, and nowhere else. */
TEST(captures_say_which_frames_were_lost)
{
	struct bytes a = { 0 };
	struct ol_capture_frame f;
	unsigned sent = 0, got = 0, lost = 0, twins = 0;
	scenario_run(scenario_find("tcp_loss"), 3, keep, &a);
	struct ol_capture_reader *r = ol_capture_reader_new();
	ol_capture_reader_feed(r, a.p, a.len);
	while (ol_capture_reader_next(r, &f) == 1) {
		struct ol_capture_note n;
		ol_capture_note_parse(f.comment, strlen(f.comment), &n);
		ok(strcmp(n.host, "a") == 0 || strcmp(n.host, "b") == 0);
		sent += f.dir == OL_CAPTURE_OUTBOUND;
		got += f.dir == OL_CAPTURE_INBOUND;
		lost += strcmp(n.wire, "lost (loss)") == 0;
		twins += strstr(n.wire, "duplicated") != NULL;
	}
	ok(lost > 0 && twins > 0);
	eq(got, sent - lost + twins);
	ol_capture_reader_free(r);
	free(a.p);
}
