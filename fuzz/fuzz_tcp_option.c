/*
 * TCP's options: what is read from any bytes is what a reader made otherwise finds, which first lists the options and then asks the
 * list for each; what is built reads back to the same, in whole words and within 40 bytes.
 */
#include <string.h>
#include "transport/tcp/tcp_option.h"
#include "base/be.h"
#include "base/check.h"
#include "must.h"

enum { MOST = 60 };

struct found { unsigned n; struct { uint8_t kind, len, at; } o[MOST]; };

static void list_options(struct found *f, const uint8_t *p, size_t len)
{
	f->n = 0;
	for (size_t at = 0; at < len && p[at] != 0; ) {
		if (p[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 == len || p[at + 1] < 2 || at + p[at + 1] > len)
			return;
		f->o[f->n].kind = p[at];
		f->o[f->n].len = p[at + 1];
		f->o[f->n++].at = (uint8_t)at;
		at += p[at + 1];
	}
}

/* The last of that kind and length (0: any that `fits` likes), or -1. */
static int last(const struct found *f, uint8_t kind, uint8_t len, bool (*fits)(uint8_t))
{
	for (unsigned i = f->n; i-- > 0; )
		if (f->o[i].kind == kind && (len ? f->o[i].len == len : fits(f->o[i].len)))
			return (int)i;
	return -1;
}

static bool whole_blocks(uint8_t len) { return len % 8 == 2; }
static bool cookie_len(unsigned len) { return len == 0 || (len >= 4 && len <= 16 && len % 2 == 0); }

static void read_back(const uint8_t *p, size_t len)
{
	struct tcp_opt o;
	struct found f;
	tcp_opt_parse(&o, p, len);
	list_options(&f, p, len);
	int mss = last(&f, 2, 4, NULL), ws = last(&f, 3, 3, NULL), ok = last(&f, 4, 2, NULL), ts = last(&f, 8, 10, NULL);
	int sack = last(&f, 5, 0, whole_blocks);
	must(o.mss_ok == (mss >= 0) && (mss < 0 || o.mss == be16_at(p + f.o[mss].at + 2)));
	must(o.ws_ok == (ws >= 0) && (ws < 0 || o.ws == MIN(p[f.o[ws].at + 2], 14)));
	must(o.sack_permitted == (ok >= 0));
	must(o.ts_ok == (ts >= 0) && (ts < 0 || o.tsval == be32_at(p + f.o[ts].at + 2)));
	must(ts < 0 || o.tsecr == be32_at(p + f.o[ts].at + 6));
	must(o.n_sack == (sack < 0 ? 0 : MIN((f.o[sack].len - 2) / 8, TCP_MAX_SACK)));
	for (int i = 0; i < o.n_sack; i++)
		must(o.sack[i].left.v == be32_at(p + f.o[sack].at + 2 + 8 * i) && o.sack[i].right.v == be32_at(p + f.o[sack].at + 6 + 8 * i));
	bool fo = false;
	for (unsigned i = 0; i < f.n; i++) {
		bool exp = f.o[i].kind == 254 && f.o[i].len >= 4 && be16_at(p + f.o[i].at + 2) == 0xf989;
		if (f.o[i].kind == 34 || exp)
			fo |= cookie_len(f.o[i].len - (exp ? 4u : 2u));
	}
	must(o.fo.present == fo && o.fo.len <= 16);
	const uint8_t *accecn = NULL;
	for (unsigned i = 0; i < f.n; i++)
		if (f.o[i].kind == 172 || f.o[i].kind == 174)
			accecn = p + f.o[i].at;
	must(o.accecn == accecn);
}

static void build(const uint8_t *p, size_t len)
{
	uint8_t b[16] = { 0 }, out[40];
	struct tcp_opt_out o = { 0 };
	struct tcp_opt r;
	memcpy(b, p, MIN(len, sizeof b));
	bool syn = b[0] & 1;
	o.ts_ok = b[0] & 2;
	o.tsval = be32_at(b + 1);
	o.tsecr = be32_at(b + 5);
	if (syn) {
		o.mss = be16_at(b + 9);
		o.ws_ok = b[0] & 4;
		o.ws = b[11] % 15;
		o.sack_permitted = b[0] & 8;
	} else {
		o.n_sack = b[9] % (o.ts_ok ? 4 : 5);
		for (int i = 0; i < o.n_sack; i++)
			o.sack[i] = (struct tcp_sack_block){ seq_from(be32_at(b + i)), seq_from(be32_at(b + 4 + i)) };
	}
	size_t n = tcp_opt_build(out, &o);
	if (b[0] & 16 && n + tcp_accecn_opt_len(b[12] % 4) <= sizeof out) {
		o.accecn = (struct tcp_accecn_opt){ b[0] & 32 ? 174 : 172, b[12] % 4, { be32_at(b), be32_at(b + 4), be32_at(b + 8) } };
		n = tcp_opt_build(out, &o);
	}
	must(n <= sizeof out && n % 4 == 0);
	tcp_opt_parse(&r, out, n);
	must(r.mss_ok == (o.mss != 0) && r.mss == o.mss && r.ws_ok == o.ws_ok && (!o.ws_ok || r.ws == o.ws));
	must(r.sack_permitted == o.sack_permitted && r.ts_ok == o.ts_ok && r.n_sack == o.n_sack);
	must(!o.ts_ok || (r.tsval == o.tsval && r.tsecr == o.tsecr));
	must((r.accecn != NULL) == (o.accecn.kind != 0) && (!r.accecn || (r.accecn[0] == o.accecn.kind && r.accecn[1] == 2 + 3 * o.accecn.n)));
	for (unsigned i = 0; r.accecn && i < o.accecn.n; i++)
		must((be32_at(r.accecn + 1 + 3 * i) & 0xffffff) == (o.accecn.field[i] & 0xffffff));
	must(memcmp(r.sack, o.sack, (size_t)o.n_sack * sizeof *o.sack) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = MIN(size, (size_t)MOST);
	uint8_t *exact = malloc(len ? len : 1);		/* so that a byte read beyond is seen */
	must(exact);
	memcpy(exact, data, len);
	read_back(exact, len);
	build(exact, len);
	free(exact);
	return 0;
}
