/*
 * The reader of captures: pcapng (draft-ietf-opsawg-pcapng 3 and 4) and the classic format (draft-ietf-opsawg-pcap), either byte
 * order.  It is fed bytes and gives frames; what is not whole yet waits.  A file comes from anybody, so every length is held against
 * the block it stands in and against a bound, and unknown blocks and options are passed over.
 * Left out: the obsolete packet block, custom blocks, name resolution, decryption secrets.
 * Always: buf[used .. len) is what was fed and not yet read; a block is looked at only when all of it is there.
 */
#include <outlet/ol_capture.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "driver/driver.h"
#include "driver/pcapng.h"

enum { BLOCK_MAX = 16 << 20, IFACES_MAX = 65536, COMMENT_MAX = 64 * 1024, NAME_MAX_ = 64 };
#define PCAP_USEC 0xa1b2c3d4u
#define PCAP_NSEC 0xa1b23c4du
enum { PCAP_HEAD = 24, PCAP_RECORD = 16, SHB_MIN = 28, IDB_MIN = 20, EPB_MIN = 32, SPB_MIN = 16 };

enum format { UNKNOWN, PCAPNG, PCAP, DAMAGED };

struct iface {
	char name[NAME_MAX_];
	uint16_t linktype;
	uint32_t snaplen;
	uint8_t tsresol;		/* if_tsresol as it stands: high bit: power of 2 */
	int64_t tsoffset;		/* seconds */
};

struct ol_capture_reader {
	enum format format;
	bool swap;			/* the section's byte order is not ours */
	uint8_t *buf;
	size_t used, len, cap;
	struct iface *ifaces;
	unsigned n_ifaces, cap_ifaces;
	unsigned section;		/* number of the section's first interface */
	char comment[COMMENT_MAX];
	const char *why;
};

struct ol_capture_reader *ol_capture_reader_new(void) { return calloc(1, sizeof(struct ol_capture_reader)); }

void ol_capture_reader_free(struct ol_capture_reader *r)
{
	if (!r)
		return;
	free(r->buf);
	free(r->ifaces);
	free(r);
}

int ol_capture_reader_feed(struct ol_capture_reader *r, const void *bytes, size_t len)
{
	if (r->format == DAMAGED || !len)
		return 0;
	if (r->used) {
		memmove(r->buf, r->buf + r->used, r->len - r->used);
		r->len -= r->used;
		r->used = 0;
	}
	if (r->len + len > r->cap) {
		size_t cap = MAX(r->len + len, 2 * r->cap);
		uint8_t *buf = realloc(r->buf, cap);
		if (!buf)
			return -ENOMEM;
		r->buf = buf;
		r->cap = cap;
	}
	memcpy(r->buf + r->len, bytes, len);
	r->len += len;
	return 0;
}

size_t ol_capture_reader_left(const struct ol_capture_reader *r) { return r->len - r->used; }
const char *ol_capture_reader_why(const struct ol_capture_reader *r) { return r->why ? r->why : ""; }

const char *ol_capture_reader_iface(const struct ol_capture_reader *r, unsigned iface)
{
	return iface < r->n_ifaces ? r->ifaces[iface].name : NULL;
}

static int damaged(struct ol_capture_reader *r, const char *why)
{
	r->format = DAMAGED;
	r->why = why;
	return -EBADMSG;
}

static uint32_t u32(const struct ol_capture_reader *r, const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return r->swap ? __builtin_bswap32(v) : v;
}

static uint16_t u16(const struct ol_capture_reader *r, const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return r->swap ? __builtin_bswap16(v) : v;
}

/* ---- options, 3.5 ------------------------------------------------------------------------------------------------- */
struct option { uint16_t code, len; const uint8_t *value; };

/* The next option in [*p, end); false at their end, or where one does not fit. */
static bool next_option(const struct ol_capture_reader *r, const uint8_t **p, const uint8_t *end, struct option *o)
{
	if (end - *p < OPTION_HEAD)
		return false;
	*o = (struct option){ u16(r, *p), u16(r, *p + 2), *p + OPTION_HEAD };
	if (o->code == PCAPNG_OPT_END || end - o->value < o->len)
		return false;
	*p = o->value + MIN((size_t)pad4(o->len), (size_t)(end - o->value));
	return true;
}

static void add_comment(struct ol_capture_reader *r, size_t *len, const struct option *o)
{
	size_t n = MIN((size_t)o->len, (size_t)COMMENT_MAX - 2 - *len);
	if (*len && n)
		r->comment[(*len)++] = '\n';
	n = MIN(n, (size_t)COMMENT_MAX - 1 - *len);
	memcpy(r->comment + *len, o->value, n);
	for (size_t i = 0; i < n; i++)
		if (!r->comment[*len + i])
			r->comment[*len + i] = ' ';
	*len += n;
}

/* ---- time --------------------------------------------------------------------------------------------------------- */
/* Ticks since 1970 in nanoseconds; what does not fit into 64 bits ends at their ends. */
static int64_t to_ns(uint64_t ticks, uint8_t resol, int64_t offset_s)
{
	unsigned exp = resol & 0x7f;
	__int128 ns;
	if (resol & 0x80) {
		ns = exp > 63 ? 0 : (__int128)((unsigned __int128)ticks * 1000000000u >> exp);
	} else {
		ns = (__int128)ticks;
		for (unsigned i = exp; i < 9; i++)
			ns *= 10;
		for (unsigned i = 9; i < exp && ns; i++)
			ns /= 10;
	}
	ns += (__int128)offset_s * 1000000000;
	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

/* ---- interfaces --------------------------------------------------------------------------------------------------- */
static struct iface *add_iface(struct ol_capture_reader *r)
{
	if (r->n_ifaces == IFACES_MAX)
		return NULL;
	if (r->n_ifaces == r->cap_ifaces) {
		unsigned cap = r->cap_ifaces ? 2 * r->cap_ifaces : 8;
		struct iface *p = realloc(r->ifaces, cap * sizeof *p);
		if (!p)
			return NULL;
		r->ifaces = p;
		r->cap_ifaces = cap;
	}
	struct iface *i = &r->ifaces[r->n_ifaces++];
	*i = (struct iface){ .tsresol = 6 };		/* microseconds, where nothing is said */
	return i;
}

static int read_idb(struct ol_capture_reader *r, const uint8_t *b, uint32_t len)
{
	if (len < IDB_MIN)
		return damaged(r, "an interface description is too short");
	struct iface *i = add_iface(r);
	if (!i)
		return damaged(r, "it describes more interfaces than can be (65536)");
	i->linktype = u16(r, b + 8);
	i->snaplen = u32(r, b + 12);
	const uint8_t *p = b + 16, *end = b + len - 4;
	for (struct option o; next_option(r, &p, end, &o); ) {
		if (o.code == PCAPNG_IF_NAME) {
			size_t n = MIN((size_t)o.len, sizeof i->name - 1);
			for (size_t k = 0; k < n; k++)
				i->name[k] = o.value[k] >= 0x20 && o.value[k] < 0x7f ? (char)o.value[k] : '?';
			i->name[n] = '\0';
		} else if (o.code == PCAPNG_IF_TSRESOL && o.len == 1) {
			i->tsresol = o.value[0];
		} else if (o.code == PCAPNG_IF_TSOFFSET && o.len == 8) {
			uint32_t a = u32(r, o.value), c = u32(r, o.value + 4);	/* halves in the section's order */
			bool big = r->swap == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
			i->tsoffset = (int64_t)(big ? (uint64_t)a << 32 | c : (uint64_t)c << 32 | a);
		}
	}
	return 0;
}

/* ---- frames ------------------------------------------------------------------------------------------------------- */
static int read_epb(struct ol_capture_reader *r, const uint8_t *b, uint32_t len, struct ol_capture_frame *f)
{
	if (len < EPB_MIN)
		return damaged(r, "a packet block is too short");
	uint32_t n = u32(r, b + 8), kept = u32(r, b + 20);
	if (n >= r->n_ifaces - r->section)
		return damaged(r, "a frame names an interface that was not described");
	if (kept > len - EPB_MIN)
		return damaged(r, "a frame is longer than its block");
	const struct iface *i = &r->ifaces[r->section + n];
	uint64_t ticks = (uint64_t)u32(r, b + 12) << 32 | u32(r, b + 16);
	*f = (struct ol_capture_frame){ .iface = r->section + n, .linktype = i->linktype, .data = b + 28, .len = kept,
		.orig_len = u32(r, b + 24), .time_ns = to_ns(ticks, i->tsresol, i->tsoffset), .comment = r->comment };
	const uint8_t *end = b + len - 4, *p = f->data + MIN((size_t)pad4(kept), (size_t)(end - f->data));
	size_t comment = 0;
	for (struct option o; next_option(r, &p, end, &o); ) {
		if (o.code == PCAPNG_OPT_COMMENT)
			add_comment(r, &comment, &o);
		else if (o.code == PCAPNG_EPB_FLAGS && o.len == 4)
			f->dir = (u32(r, o.value) & 3) == 1 ? OL_CAPTURE_INBOUND
			       : (u32(r, o.value) & 3) == 2 ? OL_CAPTURE_OUTBOUND : OL_CAPTURE_UNKNOWN;
	}
	r->comment[comment] = '\0';
	return 1;
}

/* 4.4: the section's first interface, no time, no options. */
static int read_spb(struct ol_capture_reader *r, const uint8_t *b, uint32_t len, struct ol_capture_frame *f)
{
	if (len < SPB_MIN || r->n_ifaces == r->section)
		return damaged(r, "a simple packet block is too short or has no interface");
	const struct iface *i = &r->ifaces[r->section];
	uint32_t orig = u32(r, b + 8), kept = MIN(orig, len - SPB_MIN);
	if (i->snaplen)
		kept = MIN(kept, i->snaplen);
	r->comment[0] = '\0';
	*f = (struct ol_capture_frame){ .iface = r->section, .linktype = i->linktype, .data = b + 12, .len = kept, .orig_len = orig,
		.comment = r->comment };
	return 1;
}

/* ---- pcapng's blocks, 3.1 ----------------------------------------------------------------------------------------- */
/* A section header says in which byte order it, and what follows, is written. */
static int begin_section(struct ol_capture_reader *r, const uint8_t *b)
{
	uint32_t magic;
	memcpy(&magic, b + 8, sizeof magic);
	if (magic != PCAPNG_BYTE_ORDER && magic != __builtin_bswap32(PCAPNG_BYTE_ORDER))
		return damaged(r, "a section's byte order mark is none");
	r->swap = magic != PCAPNG_BYTE_ORDER;
	r->section = r->n_ifaces;
	return 0;
}

static int read_block(struct ol_capture_reader *r, const uint8_t *b, uint32_t len, struct ol_capture_frame *f)
{
	switch (u32(r, b)) {
	case PCAPNG_SHB:
		return len < SHB_MIN ? damaged(r, "a section header is too short")
		     : u16(r, b + 12) != 1 ? damaged(r, "the file is of a version that is not known (not 1.x)") : 0;
	case PCAPNG_IDB:
		return read_idb(r, b, len);
	case PCAPNG_EPB:
		return read_epb(r, b, len, f);
	case PCAPNG_SPB:
		return read_spb(r, b, len, f);
	default:
		return 0;
	}
}

static int next_pcapng(struct ol_capture_reader *r, struct ol_capture_frame *f)
{
	for (;;) {
		const uint8_t *b = r->buf + r->used;
		size_t left = r->len - r->used;
		if (left < BLOCK_FRAME)
			return 0;
		if (u32(r, b) == PCAPNG_SHB && begin_section(r, b))	/* it reads the same in both orders */
			return -EBADMSG;
		uint32_t len = u32(r, b + 4);
		if (len < BLOCK_FRAME || len % 4 || len > BLOCK_MAX)
			return damaged(r, "a block's length is none");
		if (left < len)
			return 0;
		if (u32(r, b + len - 4) != len)
			return damaged(r, "a block's two lengths differ");
		int rc = read_block(r, b, len, f);
		if (rc >= 0)
			r->used += len;
		if (rc)
			return rc;
	}
}

/* ---- the classic format ------------------------------------------------------------------------------------------- */
static int begin_pcap(struct ol_capture_reader *r, uint32_t magic)
{
	const uint8_t *b = r->buf + r->used;
	if (r->len - r->used < PCAP_HEAD)
		return 0;
	r->swap = magic != PCAP_USEC && magic != PCAP_NSEC;
	struct iface *i = add_iface(r);
	if (!i)
		return damaged(r, "memory is short");
	i->linktype = (uint16_t)u32(r, b + 20);			/* the high bits are about the FCS */
	i->tsresol = magic == PCAP_NSEC || magic == __builtin_bswap32(PCAP_NSEC) ? 9 : 6;
	r->format = PCAP;
	r->used += PCAP_HEAD;
	return 1;
}

static int next_pcap(struct ol_capture_reader *r, struct ol_capture_frame *f)
{
	const uint8_t *b = r->buf + r->used;
	const struct iface *i = &r->ifaces[0];
	size_t left = r->len - r->used;
	if (left < PCAP_RECORD)
		return 0;
	uint32_t kept = u32(r, b + 8);
	if (kept > BLOCK_MAX)
		return damaged(r, "a frame's length is none");
	if (left < PCAP_RECORD + (size_t)kept)
		return 0;
	r->comment[0] = '\0';
	*f = (struct ol_capture_frame){ .linktype = i->linktype, .data = b + PCAP_RECORD, .len = kept, .orig_len = u32(r, b + 12),
		.time_ns = to_ns(u32(r, b), 0, 0) + to_ns(u32(r, b + 4), i->tsresol, 0), .comment = r->comment };
	r->used += PCAP_RECORD + (size_t)kept;
	return 1;
}

int ol_capture_reader_next(struct ol_capture_reader *r, struct ol_capture_frame *f)
{
	uint32_t magic;
	if (r->format == UNKNOWN) {
		if (r->len - r->used < BLOCK_FRAME)
			return 0;
		memcpy(&magic, r->buf + r->used, sizeof magic);
		if (magic == PCAPNG_SHB)
			r->format = PCAPNG;
		else if (magic == PCAP_USEC || magic == PCAP_NSEC || __builtin_bswap32(magic) == PCAP_USEC ||
			 __builtin_bswap32(magic) == PCAP_NSEC)
			begin_pcap(r, magic);
		else
			damaged(r, "the file is neither pcapng nor pcap");
	}
	switch (r->format) {
	case PCAPNG:
		return next_pcapng(r, f);
	case PCAP:
		return next_pcap(r, f);
	case DAMAGED:
		return -EBADMSG;
	default:
		return 0;
	}
}
