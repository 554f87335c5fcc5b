/*
 * Serial lines.  The first byte says what: the decoders on any bytes, which must say the same of them in any pieces; headers
 * compressed and restored, which must come out as they went in, and restored from any bytes; a host on a line of each kind,
 * which is told any frames and any bytes, and time.  It may not spin, and what it believes must hold.
 */
#include <outlet/ol_serial.h>
#include <outlet/ol_stack.h>
#include <string.h>
#include "base/be.h"
#include "must.h"

static size_t decode(bool hdlc, struct ol_line_rx *rx, const uint8_t *p, size_t n, enum ol_line *what)
{
	return hdlc ? ol_hdlc_decode(rx, p, n, what) : ol_slip_decode(rx, p, n, what);
}

/* A digest of all that was said of these bytes, `step` at a time. */
static uint64_t hear(bool hdlc, uint32_t accm, const uint8_t *p, size_t n, size_t step)
{
	uint8_t buf[64], line[OL_HDLC_ENCODED_MAX(64)], back[64];
	struct ol_line_rx rx, again;
	enum ol_line what;
	uint64_t sum = 14695981039346656037u;
	ol_line_rx_init(&rx, buf, sizeof buf, accm);
	for (size_t at = 0; at < n; ) {
		size_t took = decode(hdlc, &rx, p + at, n - at < step ? n - at : step, &what);
		must(took > 0 && rx.len <= sizeof buf);
		at += took;
		if (what == OL_LINE_MORE)
			continue;
		sum = (sum ^ what) * 1099511628211u;
		for (size_t i = 0; what == OL_LINE_FRAME && i < rx.len; i++)
			sum = (sum ^ buf[i]) * 1099511628211u;
		if (what != OL_LINE_FRAME || (hdlc && rx.len > sizeof buf - 2))
			continue;
		size_t len = hdlc ? ol_hdlc_encode(line, buf, rx.len, accm) : ol_slip_encode(line, buf, rx.len);
		ol_line_rx_init(&again, back, sizeof back, accm);
		must(decode(hdlc, &again, line, len, &what) == len && what == OL_LINE_FRAME && again.len == rx.len &&
		     !memcmp(back, buf, rx.len));
	}
	return sum;
}

/* Pieces of the input, each with its length before it. */
static bool piece(const uint8_t **p, size_t *n, const uint8_t **out, size_t *len)
{
	if (*n < 1)
		return false;
	*len = **p < *n - 1 ? **p : *n - 1;
	*out = *p + 1;
	*p += 1 + *len;
	*n -= 1 + *len;
	return true;
}

static void headers(const uint8_t *p, size_t n, unsigned slots, bool cid)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_vj_tx *tx = ol_vj_tx_new(slots, cid);
	struct ol_vj_rx *rx = ol_vj_rx_new(slots), *wild = ol_vj_rx_new(slots);
	const uint8_t *b;
	must(pool && tx && rx && wild);
	for (size_t len; piece(&p, &n, &b, &len); ) {
		struct ol_pkt *pkt = ol_pkt_from(pool, b, len), *was = ol_pkt_from(pool, b, len), *any;
		enum ol_vj types[] = { OL_VJ_COMPRESSED, OL_VJ_UNCOMPRESSED, OL_VJ_IP };
		/* An IP header says its length and its checksum itself; only such packets come to a compressor. */
		if (len >= 20 && b[0] == 0x45) {
			be16_put(pkt->data + 2, (uint16_t)len);
			be16_put(pkt->data + 10, 0);
			uint32_t sum = 0;
			for (int i = 0; i < 20; i += 2)
				sum += be16_at(pkt->data + i);
			sum = (sum & 0xffff) + (sum >> 16);
			be16_put(pkt->data + 10, (uint16_t)~(sum + (sum >> 16)));
			memcpy(was->data, pkt->data, 20);
			enum ol_vj type = ol_vj_compress(tx, pkt);
			must(pkt->len <= len);
			must(ol_vj_restore(rx, type, pkt));
			must(pkt->len == len && !memcmp(pkt->data, was->data, len));
		}
		any = ol_pkt_from(pool, b, len);
		if (len && b[0] == 0xfe)
			ol_vj_error(wild);
		if (ol_vj_restore(wild, types[len % 3], any) && len % 3 == 0)
			must(any->len >= 40 && any->data[0] >> 4 == 4 && be16_at(any->data + 2) == any->len);
		ol_pkt_free(any);
		ol_pkt_free(was);
		ol_pkt_free(pkt);
	}
	ol_vj_tx_free(tx);
	ol_vj_rx_free(rx);
	ol_vj_rx_free(wild);
	ol_pool_free(pool);
}

static void drain(struct ol_stack *stk, int ifi, ol_time now, unsigned *sent)
{
	for (struct ol_pkt *p; (p = ol_stack_output(stk, ifi, now)); ol_pkt_free(p))
		must(p->len >= 2 && ++*sent < 100000);
	must(ol_stack_deadline(stk) > now);
	ol_stack_check(stk);
}

/* Commands: a frame (HDLC's FCS is put right), bytes as they are, time, the administrator, the carrier. */
static void host(const uint8_t *p, size_t n, uint8_t link)
{
	ol_time now = OL_SEC;
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_config *cfg = ol_config_new();
	ol_config_seed(cfg, (const uint8_t *)"a line and a host");
	must(ol_config_set(cfg, "ppp_echo_interval", "20") == 0);
	struct ol_stack *stk = ol_stack_new(cfg, pool, now);
	ol_config_free(cfg);
	struct ol_iface_config ic = { .name = "ser0", .link = link };
	struct ol_addr a;
	int ifi = ol_iface_add(stk, &ic);
	must(ifi > 0 && ol_addr_parse("10.9.0.2", &a));
	if (link == OL_LINK_PPP)
		must(ol_ppp_peer(stk, ifi, &a) == 0);
	const uint8_t *b;
	unsigned sent = 0;
	for (size_t len; piece(&p, &n, &b, &len); ) {
		uint8_t line[OL_HDLC_ENCODED_MAX(256)];
		struct ol_pkt *pkt = NULL;
		if (len && b[0] == 0xf0) {
			now += len > 1 ? (ol_time)b[1] * 200 * OL_MS : OL_MS;
		} else if (len && b[0] == 0xf1) {
			if (link == OL_LINK_PPP)
				must((len & 1 ? ol_ppp_close(stk, ifi) : ol_ppp_open(stk, ifi)) == 0);
		} else if (len && b[0] == 0xf2) {
			must(ol_iface_up(stk, ifi, len & 1) == 0);
		} else if (len && b[0] == 0xf3) {
			pkt = ol_pkt_from(pool, b + 1, len - 1);
		} else {
			size_t m = link == OL_LINK_PPP ? ol_hdlc_encode(line, b, len, 0xffffffff) : ol_slip_encode(line, b, len);
			pkt = ol_pkt_from(pool, line, m);
		}
		if (pkt)
			ol_stack_input(stk, ifi, pkt, now);
		ol_stack_expire(stk, now);
		drain(stk, ifi, now, &sent);
	}
	ol_stack_free(stk);
	must(ol_pool_used(pool) == 0);
	ol_pool_free(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 4096)
		return 0;
	uint8_t how = data[0], more = data[1];
	data += 2;
	size -= 2;
	switch (how % 4) {
	case 0:
		must(hear(how & 4, more * 0x01010101u, data, size, size ? size : 1) == hear(how & 4, more * 0x01010101u, data, size, 1 + more % 7));
		break;
	case 1:
		headers(data, size, 1u + more, how & 4);
		break;
	case 2:
		host(data, size, OL_LINK_PPP);
		break;
	case 3:
		host(data, size, how & 4 ? OL_LINK_SLIP : OL_LINK_CSLIP);
		break;
	}
	return 0;
}
