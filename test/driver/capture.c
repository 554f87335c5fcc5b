/* pcapng written and read back, files of other writers and of liars, and the comments' lines. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <outlet/ol_capture.h>
#include <outlet/ol_stack.h>
#include "driver/driver.h"

struct bytes { uint8_t *p; size_t len; };

static int keep(void *ctx, const void *p, size_t len)
{
	struct bytes *b = ctx;
	b->p = realloc(b->p, b->len + len);
	memcpy(b->p + b->len, p, len);
	b->len += len;
	return 0;
}

static struct ol_pool *pool;

static struct ol_pkt *packet(size_t len)
{
	struct ol_pkt *p = ol_pkt_new(pool, len);
	uint8_t *b = ol_pkt_put(p, len);
	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(i + len);
	return p;
}

/* Two interfaces, frames of 0 to 19 bytes and one super-segment. */
static struct bytes sample(void)
{
	struct bytes b = { 0 };
	pool = ol_pool_new(0);
	struct ol_capture *c = ol_capture_new(&(struct ol_capture_config){ .sink = keep, .ctx = &b, .epoch_ns = 1700000000 * OL_SEC });
	eq(ol_capture_frame(c, 0, &(struct ol_pkt){ 0 }, 0, 0, NULL), -EINVAL);
	eq(ol_capture_iface(c, "eth0", "host web", OL_LINK_ETHER), 0);
	eq(ol_capture_iface(c, "lo", NULL, OL_LINK_LOOP), 1);
	eq(ol_capture_iface(c, "x", NULL, 77), -EINVAL);
	for (size_t i = 0; i <= 20; i++) {
		struct ol_pkt *p = packet(i == 20 ? 65550 : i);
		eq(ol_capture_frame(c, i % 2, p, (ol_time)i * 1001, i % 3, i % 2 ? "host: web\nsock: 3" : NULL), 0);
		ol_pkt_free(p);
	}
	ol_capture_free(c);
	ol_pool_free(pool);
	return b;
}

static unsigned check_sample(struct ol_capture_reader *r, unsigned i)
{
	struct ol_capture_frame f;
	int rc;
	while ((rc = ol_capture_reader_next(r, &f)) == 1) {
		size_t len = i == 20 ? 65550 : i;
		eq(f.len, len);
		eq(f.orig_len, len);
		for (size_t k = 0; k < len; k++)
			eq(f.data[k], (uint8_t)(k + len));
		eq(f.iface, i % 2);
		eq(f.linktype, i % 2 ? 101 : 1);
		eq(f.time_ns, 1700000000 * OL_SEC + i * 1001);
		eq(f.dir, i % 3);
		eq_str(f.comment, i % 2 ? "host: web\nsock: 3" : "");
		i++;
	}
	eq(rc, 0);
	return i;
}

TEST(capture_reads_back_what_was_written)
{
	struct bytes b = sample();
	struct ol_capture_reader *r = ol_capture_reader_new();
	eq(ol_capture_reader_feed(r, b.p, b.len), 0);
	eq(check_sample(r, 0), 21);
	eq(ol_capture_reader_left(r), 0);
	eq_str(ol_capture_reader_iface(r, 0), "eth0");
	eq_str(ol_capture_reader_iface(r, 1), "lo");
	ok(!ol_capture_reader_iface(r, 2));
	ol_capture_reader_free(r);
	free(b.p);
}

TEST(capture_may_be_fed_byte_by_byte)
{
	struct bytes b = sample();
	struct ol_capture_reader *r = ol_capture_reader_new();
	unsigned n = 0;
	for (size_t i = 0; i < b.len; i++) {
		ol_capture_reader_feed(r, b.p + i, 1);
		n = check_sample(r, n);
	}
	eq(n, 21);
	ol_capture_reader_free(r);
	free(b.p);
}

/* A second section begins anew: its interface 0 is another. */
TEST(capture_sections_follow_each_other)
{
	struct bytes b = sample(), two = { 0 };
	keep(&two, b.p, b.len);
	keep(&two, b.p, b.len);
	struct ol_capture_reader *r = ol_capture_reader_new();
	struct ol_capture_frame f;
	unsigned n = 0, last = 0;
	ol_capture_reader_feed(r, two.p, two.len);
	while (ol_capture_reader_next(r, &f) == 1)
		n++, last = f.iface;
	eq(n, 42);
	eq(last, 2);
	ol_capture_reader_free(r);
	free(b.p);
	free(two.p);
}

TEST(capture_completes_owed_checksums_in_the_copy_only)
{
	struct bytes b = { 0 };
	struct ol_capture_frame f;
	pool = ol_pool_new(0);
	struct ol_capture *c = ol_capture_new(&(struct ol_capture_config){ .sink = keep, .ctx = &b });
	ol_capture_iface(c, "eth0", NULL, OL_LINK_IP);
	struct ol_pkt *p = packet(101), *was = ol_pkt_copy(pool, p);
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = 20;
	p->csum_offset = 16;
	ol_capture_frame(c, 0, p, 0, OL_CAPTURE_OUTBOUND, NULL);
	eq_mem(p->data, was->data, 101);
	struct ol_capture_reader *r = ol_capture_reader_new();
	ol_capture_reader_feed(r, b.p, b.len);
	eq(ol_capture_reader_next(r, &f), 1);
	uint64_t owed = driver_cksum_add(0, was->data + 20, 81);	/* with the pseudo-header's sum in its field */
	eq(get16(f.data + 36), (uint16_t)~driver_cksum_fold(owed));
	eq_mem(f.data, was->data, 36);
	eq_mem(f.data + 38, was->data + 38, 63);
	ol_capture_reader_free(r);
	ol_capture_free(c);
	ol_pkt_free(p);
	ol_pkt_free(was);
	ol_pool_free(pool);
	free(b.p);
}

TEST(capture_keeps_only_snaplen)
{
	struct bytes b = { 0 };
	struct ol_capture_frame f;
	pool = ol_pool_new(0);
	struct ol_capture *c = ol_capture_new(&(struct ol_capture_config){ .sink = keep, .ctx = &b, .snaplen = 30 });
	ol_capture_iface(c, "eth0", NULL, OL_LINK_ETHER);
	struct ol_pkt *p = packet(100);
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = 20;
	p->csum_offset = 16;			/* beyond what is kept */
	ol_capture_frame(c, 0, p, 0, 0, NULL);
	struct ol_capture_reader *r = ol_capture_reader_new();
	ol_capture_reader_feed(r, b.p, b.len);
	eq(ol_capture_reader_next(r, &f), 1);
	ok(f.len == 30 && f.orig_len == 100);
	eq_mem(f.data, p->data, 30);
	ol_capture_reader_free(r);
	ol_capture_free(c);
	ol_pkt_free(p);
	ol_pool_free(pool);
	free(b.p);
}

static int refuse(void *ctx, const void *p, size_t len)
{
	(void)p, (void)len;
	return (*(int *)ctx)-- > 0 ? 0 : -ENOSPC;
}

TEST(capture_ends_when_its_sink_refuses)
{
	int left = 3;
	struct ol_pkt p = { 0 };
	struct ol_capture *c = ol_capture_new(&(struct ol_capture_config){ .sink = refuse, .ctx = &left });
	eq(ol_capture_iface(c, "a", NULL, OL_LINK_ETHER), 0);
	eq(ol_capture_frame(c, 0, &p, 0, 0, NULL), 0);
	eq(ol_capture_frame(c, 0, &p, 0, 0, NULL), -ENOSPC);
	left = 5;
	eq(ol_capture_frame(c, 0, &p, 0, 0, NULL), -ENOSPC);
	ol_capture_free(c);
	left = 0;
	ok(!ol_capture_new(&(struct ol_capture_config){ .sink = refuse, .ctx = &left }));
}

static void w32(struct bytes *b, uint32_t v, bool swap)
{
	v = swap ? __builtin_bswap32(v) : v;
	keep(b, &v, 4);
}

TEST(classic_captures_of_either_byte_order_are_read)
{
	for (int k = 0; k < 4; k++) {
		bool swap = k & 1, nano = k & 2;
		struct bytes b = { 0 };
		struct ol_capture_frame f;
		const uint32_t head[] = { nano ? 0xa1b23c4d : 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101, 1700000000, 5, 4, 9 };
		for (size_t i = 0; i < 10; i++)
			w32(&b, head[i], swap);
		keep(&b, "abcd", 4);
		struct ol_capture_reader *r = ol_capture_reader_new();
		ol_capture_reader_feed(r, b.p, b.len);
		eq(ol_capture_reader_next(r, &f), 1);
		eq(f.linktype, 101);
		eq(f.time_ns, 1700000000 * OL_SEC + (nano ? 5 : 5000));
		ok(f.len == 4 && f.orig_len == 9 && memcmp(f.data, "abcd", 4) == 0);
		eq(ol_capture_reader_next(r, &f), 0);
		ol_capture_reader_free(r);
		free(b.p);
	}
}

/* The other byte order, microseconds by default, an offset, two comments, a simple packet block, an unknown block. */
TEST(pcapng_of_the_other_byte_order_is_read)
{
	struct bytes b = { 0 };
	struct ol_capture_frame f;
	const uint32_t words[] = {
		0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00010000, ~0u, ~0u, 28,
		1, 40, 0x00010000, 0, 0x000e0008, 0, 100, 0, 0, 40,
		0x99, 16, 0xabcdef, 16,
		6, 56, 0, 0, 7, 1, 1, 0x41000000, 0x00010002, 0x68690000, 0x00010001, 0x78000000, 0, 56,
		3, 20, 2, 0x42430000, 20,
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		uint8_t be[4];
		put32(be, words[i]);
		keep(&b, be, 4);
	}
	struct ol_capture_reader *r = ol_capture_reader_new();
	ol_capture_reader_feed(r, b.p, b.len);
	int rc = ol_capture_reader_next(r, &f);
	if (rc != 1)
		print_error("%s\n", ol_capture_reader_why(r));
	eq(rc, 1);
	eq(f.time_ns, 100 * OL_SEC + 7000);
	eq_str(f.comment, "hi\nx");
	ok(f.len == 1 && f.data[0] == 'A');
	eq(ol_capture_reader_next(r, &f), 1);
	ok(f.len == 2 && f.data[0] == 'B' && f.time_ns == 0);
	eq_str(f.comment, "");
	eq(ol_capture_reader_next(r, &f), 0);
	ol_capture_reader_free(r);
	free(b.p);
}

/* Bytes changed anywhere, cut anywhere: frames or a sentence, and nothing outside the buffer (the sanitizer looks on). */
TEST(capture_reader_survives_damage)
{
	struct bytes b = sample();
	srand(11);
	unsigned sentences = 0;
	for (int i = 0; i < 20000; i++) {
		size_t len = i % 5 ? MIN(b.len, (size_t)3000) : (size_t)rand() % 3000;
		uint8_t *copy = malloc(len + 1);
		memcpy(copy, b.p, len);
		for (int k = rand() % 4; k > 0 && len; k--)
			copy[(size_t)rand() % len] = (uint8_t)(rand() % 2 ? rand() : 0xff);
		struct ol_capture_reader *r = ol_capture_reader_new();
		struct ol_capture_frame f;
		int rc = 0;
		for (size_t at = 0; at < len && rc >= 0; ) {
			size_t n = MIN(len - at, (size_t)1 + (size_t)rand() % 1000);
			ol_capture_reader_feed(r, copy + at, n);
			at += n;
			while ((rc = ol_capture_reader_next(r, &f)) == 1) {
				volatile uint8_t sum = 0;
				for (uint32_t k = 0; k < f.len; k++)
					sum = (uint8_t)(sum + f.data[k]);
				ok(ol_capture_reader_iface(r, f.iface) != NULL);
			}
		}
		if (rc < 0) {
			eq(rc, -EBADMSG);
			ok(*ol_capture_reader_why(r));
			sentences++;
		}
		ol_capture_reader_free(r);
		free(copy);
	}
	ok(sentences > 1000);
	free(b.p);
}

TEST(capture_file_holds_what_was_written)
{
	char dir[] = "/tmp/ol-capture-XXXXXX", path[64], why[200] = "";
	struct ol_capture_file *file;
	ok(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/no/where.pcapng", dir);
	eq(ol_capture_file_open(&file, path, 0, why, sizeof why), -ENOENT);
	ok(strstr(why, "no/where.pcapng: No such file") != NULL);
	snprintf(path, sizeof path, "%s/a.pcapng", dir);
	eq(ol_capture_file_open(&file, path, 0, why, sizeof why), 0);
	eq(ol_capture_iface(ol_capture_file_writer(file), "eth0", NULL, OL_LINK_ETHER), 0);
	pool = ol_pool_new(0);
	for (unsigned i = 0; i < 1000; i++) {
		struct ol_pkt *p = packet(1000);
		eq(ol_capture_frame(ol_capture_file_writer(file), 0, p, i, 0, NULL), 0);
		ol_pkt_free(p);
	}
	ol_pool_free(pool);
	eq(ol_capture_file_close(file), 0);
	FILE *in = fopen(path, "rb");
	struct ol_capture_reader *r = ol_capture_reader_new();
	struct ol_capture_frame f;
	uint8_t buf[5000];
	unsigned n = 0;
	for (size_t len; (len = fread(buf, 1, sizeof buf, in)) > 0; ) {
		ol_capture_reader_feed(r, buf, len);
		while (ol_capture_reader_next(r, &f) == 1)
			eq(f.time_ns, n++);
	}
	eq(n, 1000);
	fclose(in);
	unlink(path);
	rmdir(dir);
	ol_capture_reader_free(r);
}

TEST(notes_print_and_read_back)
{
	char buf[OL_CAPTURE_COMMENT_MAX];
	struct ol_capture_note n = { .host = "web", .sock = 3, .state = "SYN-SENT -> ESTABLISHED", .call = "connect(10.0.0.2:80)",
		.cause = "retransmission timeout", .fate = "DROP_TCP_CHECKSUM", .fate_text = "the TCP checksum is wrong",
		.wire = "lost (loss)" }, back;
	size_t len = ol_capture_note_print(&n, buf);
	eq_str(buf, "host: web\nsock: 3\nstate: SYN-SENT -> ESTABLISHED\ncall: connect(10.0.0.2:80)\ncause: retransmission timeout\n"
	       "fate: DROP_TCP_CHECKSUM (the TCP checksum is wrong)\nwire: lost (loss)");
	eq(len, strlen(buf));
	ol_capture_note_parse(buf, len, &back);
	eq_mem(&n, &back, sizeof n);
	struct ol_capture_note nothing = OL_CAPTURE_NOTE_INIT;
	eq(ol_capture_note_print(&nothing, buf), 0);
	eq_str(buf, "");
	ol_capture_note_parse("", 0, &back);
	eq_mem(&nothing, &back, sizeof back);
}

TEST(notes_cannot_be_forged_by_a_name)
{
	char buf[OL_CAPTURE_COMMENT_MAX];
	struct ol_capture_note n = { .host = "a\nsock: 9\x1b[31m\xc3", .sock = -1 }, back;
	ol_capture_note_print(&n, buf);
	eq_str(buf, "host: a?sock: 9?[31m?");
	memset(&n, 'x', sizeof n);		/* no field ends in a 0: still only its own bytes */
	n.sock = INT32_MAX;
	size_t len = ol_capture_note_print(&n, buf);
	ok(len < OL_CAPTURE_COMMENT_MAX && strlen(buf) == len);
	static const char strange[] = "sock: 99999999999\nsock: x\nnonsense\nfate: X (\nhost:\nwire: \n: \n";
	ol_capture_note_parse(strange, sizeof strange - 1, &back);
	eq(back.sock, -1);
	eq_str(back.fate, "X");
	eq_str(back.host, "");
	memset(buf, 'y', sizeof buf);
	memcpy(buf, "host: ", 6);
	ol_capture_note_parse(buf, sizeof buf, &back);
	eq(strlen(back.host), sizeof back.host - 1);
}

TEST(every_cause_has_a_text)
{
	for (unsigned i = 1; i < OL_CAUSE_MAX; i++)
		ok(*ol_cause_text(i));
	eq_str(ol_cause_text(OL_CAUSE_NONE), "");
	eq_str(ol_cause_text(OL_CAUSE_MAX), "");
}
