/*
 * The pcapng writer, draft-ietf-opsawg-pcapng: a section header (4.1), a description per interface with its name and a
 * resolution of nanoseconds (4.2), an enhanced packet block per frame with direction and comment (4.3).  The format leaves
 * the byte order to the writer: it is little-endian on every machine, so that the same run is the same file everywhere.
 * Left out: name resolution and statistics blocks.
 */
#include <outlet/ol_capture.h>
#include <outlet/ol_stack.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "driver/driver.h"
#include "driver/pcapng.h"

enum { IFACES_MAX = 65536, TEXT_MAX = 1024, BLOCK_MAX = 128 * 1024 };

struct ol_capture {
	struct ol_capture_config cfg;
	uint32_t ifaces;
	int err;			/* what the sink said once, for good */
	size_t len;			/* of the block that is being made */
	_Alignas(8) uint8_t block[BLOCK_MAX];
};
static_assert(BLOCK_MAX > OL_PKT_MAX + OL_CAPTURE_COMMENT_MAX + 256, "every frame fits");

/* ---- a block's parts ---------------------------------------------------------------------------------------------- */
static void put_u32(struct ol_capture *c, uint32_t v)
{
	v = htole32(v);
	memcpy(c->block + c->len, &v, sizeof v);
	c->len += sizeof v;
}

static void put_u16s(struct ol_capture *c, uint16_t a, uint16_t b)
{
	uint16_t v[2] = { htole16(a), htole16(b) };
	memcpy(c->block + c->len, v, sizeof v);
	c->len += 4;
}

static void put_padded(struct ol_capture *c, const void *p, uint32_t len)
{
	if (len)
		memcpy(c->block + c->len, p, len);
	memset(c->block + c->len + len, 0, pad4(len) - len);
	c->len += pad4(len);
}

static void put_option(struct ol_capture *c, uint16_t code, const void *p, size_t len)
{
	put_u16s(c, code, (uint16_t)len);
	put_padded(c, p, (uint32_t)len);
}

static void put_text(struct ol_capture *c, uint16_t code, const char *s, size_t max)
{
	if (s && *s)
		put_option(c, code, s, MIN(strlen(s), max));
}

static void begin(struct ol_capture *c, uint32_t type)
{
	c->len = 0;
	put_u32(c, type);
	put_u32(c, 0);			/* its length, known at the end */
}

static int end(struct ol_capture *c)
{
	put_u16s(c, PCAPNG_OPT_END, 0);
	put_u32(c, (uint32_t)c->len + 4);
	memcpy(c->block + 4, c->block + c->len - 4, 4);
	if (!c->err)
		c->err = c->cfg.sink(c->cfg.ctx, c->block, c->len);
	return c->err;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------- */
struct ol_capture *ol_capture_new(const struct ol_capture_config *cfg)
{
	struct ol_capture *c = malloc(sizeof *c);
	if (!c)
		return NULL;
	c->cfg = *cfg;
	c->ifaces = 0;
	c->err = 0;
	begin(c, PCAPNG_SHB);
	put_u32(c, PCAPNG_BYTE_ORDER);
	put_u16s(c, 1, 0);		/* version 1.0 */
	put_u32(c, UINT32_MAX);		/* section length: not known */
	put_u32(c, UINT32_MAX);
	put_text(c, PCAPNG_SHB_USERAPPL, cfg->application ? cfg->application : "outlet", TEXT_MAX);
	if (end(c) == 0)
		return c;
	free(c);
	return NULL;
}

void ol_capture_free(struct ol_capture *c) { free(c); }

int ol_capture_iface(struct ol_capture *c, const char *name, const char *description, uint8_t link)
{
	static const uint8_t nanoseconds = 9;		/* 10^-9 */
	if (link != OL_LINK_ETHER && link != OL_LINK_IP && link != OL_LINK_LOOP && link != OL_LINK_PPP)
		return -EINVAL;
	if (c->ifaces == IFACES_MAX)
		return -ENOSPC;
	begin(c, PCAPNG_IDB);
	put_u16s(c, link == OL_LINK_ETHER ? LINKTYPE_ETHERNET_ : link == OL_LINK_PPP ? LINKTYPE_PPP_ : LINKTYPE_RAW_, 0);
	put_u32(c, c->cfg.snaplen);
	put_text(c, PCAPNG_IF_NAME, name, TEXT_MAX);
	put_text(c, PCAPNG_IF_DESCRIPTION, description, TEXT_MAX);
	put_option(c, PCAPNG_IF_TSRESOL, &nanoseconds, 1);
	int err = end(c);
	return err ? err : (int)c->ifaces++;
}

/* In the written copy, which may be cut short: the field is there only if it was kept. */
static void complete_checksum(uint8_t *copy, uint32_t kept, const struct ol_pkt *pkt)
{
	size_t field = (size_t)pkt->csum_start + pkt->csum_offset;
	if (pkt->csum != OL_CSUM_PARTIAL || pkt->csum_start >= pkt->len || field + 2 > kept)
		return;
	uint16_t v = (uint16_t)~driver_cksum_fold(driver_cksum_add(0, pkt->data + pkt->csum_start, pkt->len - pkt->csum_start));
	put16(copy + field, v == 0 && pkt->csum_offset == 6 ? 0xffff : v);	/* 6: UDP, RFC 768 */
}

int ol_capture_frame(struct ol_capture *c, unsigned iface, const struct ol_pkt *pkt, ol_time time, enum ol_capture_dir dir,
		     const char *comment)
{
	if (iface >= c->ifaces || pkt->len > OL_PKT_MAX)
		return -EINVAL;
	if (c->err)
		return c->err;
	uint32_t kept = c->cfg.snaplen ? MIN(pkt->len, c->cfg.snaplen) : pkt->len, flags = htole32((uint32_t)dir);
	uint64_t ns = (uint64_t)(time + c->cfg.epoch_ns);
	begin(c, PCAPNG_EPB);
	put_u32(c, iface);
	put_u32(c, (uint32_t)(ns >> 32));
	put_u32(c, (uint32_t)ns);
	put_u32(c, kept);
	put_u32(c, pkt->len);
	uint8_t *copy = c->block + c->len;
	put_padded(c, pkt->data, kept);
	complete_checksum(copy, kept, pkt);
	put_text(c, PCAPNG_OPT_COMMENT, comment, OL_CAPTURE_COMMENT_MAX);
	if (dir != OL_CAPTURE_UNKNOWN)
		put_option(c, PCAPNG_EPB_FLAGS, &flags, sizeof flags);
	return end(c);
}
