/*
 * A listener on a serial line.  It knows as little of what was negotiated as a recorder between the two would: it takes every
 * form of PPP's header and all slots that can be.  Characters below 32 are taken as they are, since our own ends escape
 * those that are mapped.
 */
#include "host/line.h"
#include <outlet/ol_serial.h>
#include <outlet/ol_stack.h>
#include <stdlib.h>
#include <string.h>
#include "base/be.h"

enum { FRAME_MAX = 16384 + 16, PPP_VJ = 0x002d, PPP_VJ_WHOLE = 0x002f, PPP_IP = 0x0021 };

struct line {
	uint8_t link;
	struct ol_line_rx rx;
	struct ol_vj_rx *vj;
	uint8_t buf[FRAME_MAX];
};

struct line *line_new(uint8_t link)
{
	struct line *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->link = link;
	l->vj = ol_vj_rx_new(OL_VJ_SLOTS_MAX);
	ol_line_rx_init(&l->rx, l->buf, sizeof l->buf, 0);
	if (l->vj)
		return l;
	free(l);
	return NULL;
}

void line_free(struct line *l)
{
	if (l)
		ol_vj_rx_free(l->vj);
	free(l);
}

static bool whole_slip(struct line *l, struct ol_pkt *p)
{
	p->link = OL_LINK_IP;
	if (l->link == OL_LINK_SLIP || p->data[0] < OL_VJ_UNCOMPRESSED)
		return true;
	enum ol_vj type = p->data[0] & OL_VJ_COMPRESSED ? OL_VJ_COMPRESSED : OL_VJ_UNCOMPRESSED;
	p->data[0] &= type == OL_VJ_COMPRESSED ? 0x7f : 0x4f;
	return ol_vj_restore(l->vj, type, p);
}

static bool whole_ppp(struct line *l, struct ol_pkt *p)
{
	p->link = OL_LINK_PPP;
	if (p->len >= 2 && p->data[0] == 0xff && p->data[1] == 3)
		ol_pkt_pull(p, 2);
	if (p->len < 2)
		return false;
	bool brief = p->data[0] & 1;
	uint16_t protocol = brief ? p->data[0] : be16_at(p->data);
	ol_pkt_pull(p, brief ? 1 : 2);
	if (protocol == PPP_VJ || protocol == PPP_VJ_WHOLE) {
		if (!ol_vj_restore(l->vj, protocol == PPP_VJ ? OL_VJ_COMPRESSED : OL_VJ_UNCOMPRESSED, p))
			return false;
		protocol = PPP_IP;
	}
	uint8_t *head = ol_pkt_push(p, 4);
	head[0] = 0xff;
	head[1] = 3;
	be16_put(head + 2, protocol);
	return true;
}

void line_hear(struct line *l, const struct ol_pkt *bytes, line_seen *seen, void *ctx)
{
	bool ppp = l->link == OL_LINK_PPP;
	for (size_t at = 0; at < bytes->len; ) {
		enum ol_line what;
		at += (ppp ? ol_hdlc_decode : ol_slip_decode)(&l->rx, bytes->data + at, bytes->len - at, &what);
		if (what == OL_LINE_MORE)
			continue;
		struct ol_pkt *p = what == OL_LINE_FRAME ? ol_pkt_from(bytes->pool, l->buf, l->rx.len) : NULL;
		if (!p) {
			ol_vj_error(l->vj);
			continue;
		}
		p->note = bytes->note;
		p->time = bytes->time;
		if (ppp ? whole_ppp(l, p) : whole_slip(l, p))
			seen(ctx, p);
		ol_pkt_free(p);
	}
}
