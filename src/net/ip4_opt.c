/*
 * Options of IPv4 headers: RFC 791 3.1, RFC 1122 3.2.1.8 and 3.3.5, RFC 7126.  They are checked as they come, handed up to
 * whoever asks (IP_RECVOPTS), and go out as a program wants them (IP_OPTIONS, IP_RETOPTS).
 *
 *	a program's source route	h1 h2 ... hk		on the wire	dst h1, option >> h2 ... hk D
 *	as it arrives at D		dst D, option h1' ... hk' >>	reversed	hk' ... h1', to its source
 *
 * Record Route and Timestamp are filled in by whoever sends, forwards or receives; the receiver does it in the copy that it
 * hands up, since an ICMP error must quote the datagram as it came.  We have no time of day: timestamps are of the caller's
 * clock and say so by their highest bit (RFC 791, "any time may be inserted").  Source-routed datagrams are dropped, even
 * such as have arrived, unless `accept_source_route` says otherwise (RFC 7126 4.3.5, 4.4.5); with it a router sends them on,
 * to its own wires and others (RFC 1122 3.3.5).
 * Options nobody knows, the stream identifier among them, are passed over; programs may not send any but those above,
 * Router Alert, NOP and END (Linux: without CAP_NET_RAW).
 */
#include "net/ip4_opt.h"
#include <errno.h>
#include <string.h>

enum { PTR = 2, LIST = 3, TS_FLAGS = 3, TS_LIST = 4 };		/* offsets in an option, from its type */
enum { TS_ONLY = 0, TS_ADDR = 1, TS_PRESPEC = 3 };

static bool is_source_route(uint8_t type) { return type == IP4_OPT_LSRR || type == IP4_OPT_SSRR; }

/* The pointer counts from 1, at the type: the octet it names, and whether there is room for n bytes; `full`: none at all. */
static bool room_at(const uint8_t *p, size_t len, size_t n, bool *full)
{
	*full = p[PTR] > len;
	return *full || p[PTR] - 1u + n <= len;
}

static bool well_formed(const uint8_t *p, size_t len)
{
	bool full;
	switch (p[0]) {
	case IP4_OPT_LSRR: case IP4_OPT_SSRR: case IP4_OPT_RR:
		return len >= LIST && p[PTR] >= LIST + 1 && room_at(p, len, 4, &full);
	case IP4_OPT_TS:
		if (len < TS_LIST || p[PTR] < TS_LIST + 1)
			return false;
		if (p[PTR] > len)
			return p[TS_FLAGS] >> 4 < 15;		/* RFC 791: nor may the overflow count overflow */
		return room_at(p, len, (p[TS_FLAGS] & 15) == TS_ONLY ? 4 : 8, &full);
	case IP4_OPT_RA:
		return len == 4;				/* RFC 2113 2.1 */
	default:
		return true;
	}
}

/* ---- what comes ---------------------------------------------------------------------------------------- */

enum ol_fate ip4_opts_check(struct net *net, int ifi, bool to_many, const struct ip4_hdr *h, const struct ol_pkt *pkt, bool ours,
			    ol_time now)
{
	struct ip4_opt o;
	bool routed = false;
	for (size_t at = 0; ip4_opt_next(h, &at, &o); ) {
		size_t where = (size_t)(o.p - h->opt) + IP4_HLEN;
		bool again = routed && is_source_route(o.type);
		if (!o.len || again || !well_formed(o.p, o.len)) {
			icmp4_error(net, pkt->data, pkt->len, ifi, to_many, ICMP4_PARAM, 0, (uint32_t)where << 24, now);
			return OL_DROP_IP_OPTIONS;
		}
		if (!is_source_route(o.type))
			continue;
		routed = true;
		if (!net->cfg.accept_source_route)
			return OL_DROP_IP_SOURCE_ROUTE;
		bool passing = !ours && o.type == IP4_OPT_LSRR, arrived = ours && o.p[PTR] > o.len;
		if (!passing && !arrived && !(ours && net->cfg.forward4)) {
			icmp4_error(net, pkt->data, pkt->len, ifi, to_many, ICMP4_UNREACH, ICMP4_SRC_ROUTE, 0, now);
			return OL_DROP_IP_SOURCE_ROUTE;
		}
	}
	return OL_PASS;
}

bool ip4_opts_leads_on(const struct ip4_hdr *h)
{
	struct ip4_opt o;
	for (size_t at = 0; ip4_opt_next(h, &at, &o) && o.len; )
		if (is_source_route(o.type))
			return o.p[PTR] <= o.len;
	return false;
}

/* Where it leaves from takes the place of where it goes. */
enum ol_fate ip4_opts_lead_on(struct net *net, int ifi, struct ol_pkt *pkt, struct ip4_hdr *h, ol_time now)
{
	struct ip4_opt o = { 0 };
	struct hop hop;
	for (size_t at = 0; ip4_opt_next(h, &at, &o) && !is_source_route(o.type); )
		;
	uint8_t *p = pkt->data + (o.p - pkt->data), *slot = p + p[PTR] - 1;
	struct ol_addr next = ol_addr_from(4, slot);
	bool found = path_find(net, &next, NULL, 0, &hop) == OL_OK && hop.src.ver;
	if (!found || (o.type == IP4_OPT_SSRR && !ol_addr_eq(&hop.next, &next))) {
		icmp4_error(net, pkt->data, pkt->len, ifi, false, ICMP4_UNREACH, ICMP4_SRC_ROUTE, 0, now);
		return OL_DROP_IP_SOURCE_ROUTE;
	}
	h->dst = next;
	memcpy(slot, hop.src.b, 4);
	p[PTR] = (uint8_t)(p[PTR] + 4);
	wire_ip4_build(pkt->data, h);
	return OL_PASS;
}

static void record_route(uint8_t *p, size_t len, const struct ol_addr *self)
{
	bool full;
	if (room_at(p, len, 4, &full) && !full) {
		memcpy(p + p[PTR] - 1, self->b, 4);
		p[PTR] = (uint8_t)(p[PTR] + 4);
	}
}

static void record_time(uint8_t *p, size_t len, const struct net *net, const struct ol_addr *self, ol_time now)
{
	bool full, pair = (p[TS_FLAGS] & 15) != TS_ONLY;
	if (!room_at(p, len, pair ? 8 : 4, &full))
		return;
	uint8_t *slot = p + p[PTR] - 1;
	if (full) {
		if (p[TS_FLAGS] >> 4 < 15)
			p[TS_FLAGS] = (uint8_t)(p[TS_FLAGS] + 0x10);
		return;
	}
	if ((p[TS_FLAGS] & 15) == TS_PRESPEC) {
		struct ol_addr named = ol_addr_from(4, slot);
		if (!net_is_local(net, &named, 0))
			return;
	} else if (pair) {
		memcpy(slot, self->b, 4);
	}
	be32_put(slot + (pair ? 4 : 0), (uint32_t)(now / OL_MS) | UINT32_C(0x80000000));
	p[PTR] = (uint8_t)(p[PTR] + (pair ? 8 : 4));
}

bool ip4_opts_record(uint8_t *opt, size_t len, const struct net *net, const struct ol_addr *self, ol_time now)
{
	struct ip4_hdr h = { .hlen = (uint8_t)(IP4_HLEN + len), .opt = opt };
	struct ip4_opt o;
	bool any = false;
	for (size_t at = 0; ip4_opt_next(&h, &at, &o) && o.len; ) {
		uint8_t *p = opt + (o.p - opt);
		if (!well_formed(p, o.len))
			break;
		if (o.type == IP4_OPT_RR)
			record_route(p, o.len, self);
		else if (o.type == IP4_OPT_TS)
			record_time(p, o.len, net, self, now);
		any |= o.type == IP4_OPT_RR || o.type == IP4_OPT_TS;
	}
	return any;
}

void net_ip4_opts_of(const struct net *net, const uint8_t *ip, const struct net_rx *rx, struct net_ip4_opts *out, ol_time now)
{
	out->len = (uint8_t)(rx->ip_len - IP4_HLEN);
	memcpy(out->b, ip + IP4_HLEN, out->len);
	struct ol_addr self = net_is_local(net, &rx->dst, 0) ? rx->dst : addr_choose_source(net, &rx->src, &rx->src, rx->ifi);
	if (self.ver)
		ip4_opts_record(out->b, out->len, net, &self, now);
}

/* ---- what is answered ---------------------------------------------------------------------------------- */

/* RFC 1122 3.2.1.8 (c): the gateways in reverse; a source that listed itself first (case B) is not gone to twice. */
static size_t reversed(uint8_t *to, const uint8_t *p, size_t len, const struct ol_addr *source)
{
	size_t end = MIN((size_t)p[PTR] - 1, len), n = 0;
	for (size_t at = end; at >= LIST + 4; at -= 4, n += 4)
		memcpy(to + LIST + n, p + at - 4, 4);
	if (n && !memcmp(to + LIST + n - 4, source->b, 4))
		n -= 4;
	if (!n)
		return 0;
	to[0] = p[0];
	to[1] = (uint8_t)(LIST + n);
	to[PTR] = LIST + 1;
	return LIST + n;
}

void net_ip4_opts_echo(const struct net_ip4_opts *in, const struct ol_addr *source, struct net_ip4_opts *out)
{
	struct ip4_hdr h = { .hlen = (uint8_t)(IP4_HLEN + in->len), .opt = in->b };
	struct ip4_opt o;
	*out = (struct net_ip4_opts){ 0 };
	for (size_t at = 0; ip4_opt_next(&h, &at, &o) && o.len && well_formed(o.p, o.len); ) {
		if (is_source_route(o.type)) {
			out->len = (uint8_t)(out->len + reversed(out->b + out->len, o.p, o.len, source));
		} else if (o.type == IP4_OPT_RR || o.type == IP4_OPT_TS) {
			memcpy(out->b + out->len, o.p, o.len);
			out->len = (uint8_t)(out->len + o.len);
		}
	}
	while (out->len % 4)
		out->b[out->len++] = IP4_OPT_END;
}

/* ---- what is sent -------------------------------------------------------------------------------------- */

/* What a program may say of an option; RFC 1122 3.2.1.8 (c): one source route and no more. */
static bool may_send(const struct ip4_opt *o, unsigned *seen)
{
	unsigned bit = is_source_route(o->type) ? 1 : o->type == IP4_OPT_RR ? 2 : o->type == IP4_OPT_TS ? 4 : 0;
	if (!o->len || !well_formed(o->p, o->len) || *seen & bit || (!bit && o->type != IP4_OPT_RA))
		return false;
	*seen |= bit;
	if (bit == 1)
		return o->len >= LIST + 4 && (o->len - LIST) % 4 == 0 && o->p[PTR] == LIST + 1;
	return bit != 4 || (o->p[TS_FLAGS] & 15) == TS_ONLY || (o->p[TS_FLAGS] & 15) == TS_ADDR || (o->p[TS_FLAGS] & 15) == TS_PRESPEC;
}

int net_ip4_opts_read(struct net_ip4_opts *out, const void *p, size_t len)
{
	struct net_ip4_opts got = { 0 };
	unsigned seen = 0;
	if (len > IP4_OPT_MAX)
		return -EINVAL;
	if (len)
		memcpy(got.b, p, len);
	got.len = (uint8_t)((len + 3) / 4 * 4);
	struct ip4_hdr h = { .hlen = (uint8_t)(IP4_HLEN + got.len), .opt = got.b };
	struct ip4_opt o;
	size_t at = 0;
	while (ip4_opt_next(&h, &at, &o))
		if (!may_send(&o, &seen))
			return -EINVAL;
	memset(got.b + at, IP4_OPT_END, got.len - at);		/* nothing lies behind the end of the list */
	*out = got;
	return 0;
}

static uint8_t *source_route_of(struct net_ip4_opts *o)
{
	struct ip4_hdr h = { .hlen = (uint8_t)(IP4_HLEN + o->len), .opt = o->b };
	struct ip4_opt it;
	for (size_t at = 0; ip4_opt_next(&h, &at, &it) && it.len; )
		if (is_source_route(it.type))
			return o->b + (it.p - o->b);
	return NULL;
}

bool net_ip4_opts_via(const struct net_ip4_opts *o, struct ol_addr *via)
{
	struct net_ip4_opts copy = *o;
	const uint8_t *p = o->len ? source_route_of(&copy) : NULL;
	if (p)
		*via = ol_addr_from(4, p + LIST);
	return p;
}

uint8_t ip4_opts_put(uint8_t *out, const struct net_ip4_opts *o, const struct net *net, const struct ol_addr *self,
		     const struct ol_addr *final, ol_time now)
{
	struct net_ip4_opts copy = *o;
	uint8_t *p = source_route_of(&copy);
	if (p) {
		memmove(p + LIST, p + LIST + 4, p[1] - LIST - 4u);
		memcpy(p + p[1] - 4, final->b, 4);
	}
	ip4_opts_record(copy.b, copy.len, net, self, now);
	memcpy(out, copy.b, copy.len);
	return copy.len;
}
