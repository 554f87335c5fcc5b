/* Captures as the tools read them: written by Outlet's own writer, read back, and drawn. */
#include "unit.h"
#include "frames.h"
#include "tool/capread.h"
#include <stdlib.h>

struct file { uint8_t bytes[65536]; size_t len; };

static int sink(void *ctx, const void *p, size_t len)
{
	struct file *f = ctx;
	ok(f->len + len <= sizeof f->bytes);
	memcpy(f->bytes + f->len, p, len);
	f->len += len;
	return 0;
}

static void write_seg(struct ol_capture *c, struct ol_pool *pool, int iface, const struct seg *s, double ms, bool out, const char *comment)
{
	static uint8_t p[2000];
	size_t len = seg_bytes(s, p);
	struct ol_pkt *pkt = ol_pkt_from(pool, p, len);
	pkt->link = OL_LINK_IP;
	eq(ol_capture_frame(c, (unsigned)iface, pkt, (ol_time)(ms * OL_MS), out ? OL_CAPTURE_OUTBOUND : OL_CAPTURE_INBOUND, comment), 0);
	ol_pkt_free(pkt);
}

static void write_file(struct file *f)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_capture_config cfg = { .sink = sink, .ctx = f, .epoch_ns = 1000 * OL_SEC };
	struct ol_capture *c = ol_capture_new(&cfg);
	int a = ol_capture_iface(c, "a:eth0", "interface eth0 of host a", OL_LINK_IP);
	int b = ol_capture_iface(c, "b:eth0", "interface eth0 of host b", OL_LINK_IP);
	write_seg(c, pool, a, &handshake[0], 0, true, "host: a\nsock: 3\nstate: SYN-SENT\ncall: connect");
	write_seg(c, pool, b, &handshake[0], 5, false, "host: b\nsock: 4\nstate: LISTEN");
	write_seg(c, pool, b, &handshake[1], 6, true, "state: SYN-RECEIVED\ncause: answer to a segment\nwire: lost (loss)");
	write_seg(c, pool, b, &handshake[0], 900, false, "fate: DROP_TCP_CHECKSUM (the TCP checksum is wrong)");
	ol_capture_free(c);
	ol_pool_free(pool);
}

TEST(capread_hosts_comments_and_directions)
{
	static struct file f;
	struct capread r;
	struct capread_frame fr;
	const char *why;
	char call[112];
	f.len = 0;
	write_file(&f);
	ok(capread_open(&r));
	/* In pieces of seven bytes: frames end anywhere. */
	size_t at = 0, n = 0;
	struct ladder *l = ladder_new();
	while (at < f.len || n < 4) {
		size_t len = f.len - at < 7 ? f.len - at : 7;
		eq(ol_capture_reader_feed(r.reader, f.bytes + at, len), 0);
		at += len;
		while (capread_next(&r, &fr, &why) == 1) {
			struct lad_frame lf = capread_lad(&fr, call);
			ladder_add(l, &lf);
			ok(fr.readable);
			eq_str(fr.iface, "eth0");
			eq_str(fr.host, n == 0 ? "a" : "b");	/* of the comment, or of the interface's name */
			if (n == 0)
				eq_str(lf.call, "connect()");
			eq(lf.sock, n == 0 ? 3 : n == 1 ? 4 : -1);
			eq(lf.lost, n == 2);
			eq_str(lf.fate, n == 3 ? "the TCP checksum is wrong" : "");
			n++;
		}
		ok(at < f.len || n == 4);
	}
	eq(r.frames, 4);
	struct lad_view *v = ladder_view(l, 0);
	eq_str(v->rows[0].state[0], "SYN-SENT");
	eq_str(v->rows[0].call[0], "connect()");
	eq(v->rows[1].end, LAD_DROPPED);		/* the SYN's second coming; both left at once */
	eq_str(v->rows[1].note, "a second copy, made by the wire; dropped: the TCP checksum is wrong");
	eq(v->rows[2].end, LAD_LOST);
	eq_str(v->rows[2].note, "lost (loss)");
	lad_view_free(v);
	ladder_free(l);
	capread_close(&r);
}

TEST(capread_what_is_no_capture_is_refused)
{
	struct capread r;
	struct capread_frame fr;
	const char *why = NULL;
	ok(capread_open(&r));
	eq(ol_capture_reader_feed(r.reader, "root:x:0:0:root:/root:/bin/bash\n root again and again", 50), 0);
	eq(capread_next(&r, &fr, &why), -1);
	ok(why && *why);
	capread_close(&r);
}
