/*
 * Frames for the eye: Ethernet II (one VLAN tag is stepped over), ARP (RFC 826), IPv4 (RFC 791), IPv6 with hop-by-hop,
 * routing, destination and fragment headers (RFC 8200 4), TCP (RFC 9293 3.1) with its common options, UDP (RFC 768),
 * ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861); IGMP and MLD are dissect_group.c's.  Lengths come from the headers where they are plausible, from the
 * frame where not: a super-segment longer than 65535 bytes has no IP length.  Every read is checked against what was
 * captured; a header that is cut short ends the walk and leaves `bad`.
 */
#include "tool/dissect.h"
#include "base/be.h"
#include "base/check.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GROUP_WORDS = 320 };		/* of a report with all that is told of it */
enum { MAX_EXT_HEADERS = 8 };		/* of IPv6; a longer chain is nobody's honest packet */
struct rest { const uint8_t *p; size_t cap, len; };	/* captured and real length of what is still to be read */

static void step(struct rest *r, size_t n)
{
	r->p += n;
	r->cap -= n;
	r->len = r->len > n ? r->len - n : 0;
}

static void tcp_option(struct dis_tcp *t, uint8_t kind, const uint8_t *v, size_t len)
{
	switch (kind) {
	case 2: if (len == 2) t->mss = be16_at(v); break;
	case 3: if (len == 1) t->ws = (int8_t)MIN(v[0], 14); break;
	case 4: t->sack_ok = true; break;
	case 5:
		for (; len >= 8 && t->n_sack < DIS_MAX_SACK; v += 8, len -= 8) {
			t->sack[t->n_sack].from = be32_at(v);
			t->sack[t->n_sack++].to = be32_at(v + 4);
		}
		break;
	case 8:
		if (len == 8) {
			t->has_ts = true;
			t->tsval = be32_at(v);
			t->tsecr = be32_at(v + 4);
		}
		break;
	case 34: t->cookie = (int8_t)len; break;
	case 254:				/* its form before it had a number of its own */
		if (len >= 2 && be16_at(v) == 0xf989)
			t->cookie = (int8_t)(len - 2);
		break;
	}
}

static void read_tcp(struct dis *d, struct rest r)
{
	struct dis_tcp *t = &d->tcp;
	t->ws = t->cookie = -1;
	if (r.cap < 20) {
		d->bad = "the TCP header is cut short";
		return;
	}
	d->sport = be16_at(r.p);
	d->dport = be16_at(r.p + 2);
	t->seq = be32_at(r.p + 4);
	t->ack = be32_at(r.p + 8);
	t->flags = (uint16_t)(r.p[13] | (r.p[12] & 1) << 8);
	t->wnd = be16_at(r.p + 14);
	size_t hlen = (r.p[12] >> 4) * 4u;
	if (hlen < 20 || hlen > r.len) {
		d->bad = "the TCP data offset points outside the segment";
		return;
	}
	size_t end = MIN(hlen, r.cap);
	for (size_t i = 20; i < end && r.p[i] != 0; ) {
		if (r.p[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= end || r.p[i + 1] < 2 || i + r.p[i + 1] > end)
			break;
		tcp_option(t, r.p[i], r.p + i + 2, r.p[i + 1] - 2u);
		i += r.p[i + 1];
	}
	d->text_len = (uint32_t)(r.len - hlen);
	step(&r, end);
	d->text = r.p;
	d->text_cap = MIN(r.cap, d->text_len);
}

static void read_udp(struct dis *d, struct rest r)
{
	if (r.cap < 8) {
		d->bad = "the UDP header is cut short";
		return;
	}
	d->sport = be16_at(r.p);
	d->dport = be16_at(r.p + 2);
	uint16_t ulen = be16_at(r.p + 4);
	if (ulen != 0 && (ulen < 8 || (ulen > r.len && !d->fragment)))
		d->bad = "UDP's length field contradicts the packet";
	size_t len = ulen >= 8 ? ulen - 8u : r.len - MIN(r.len, 8u);
	step(&r, 8);
	d->text = r.p;
	d->text_len = (uint32_t)len;
	d->text_cap = MIN(r.cap, len);
}

static bool icmp_is_error(const struct dis *d)
{
	if (d->proto == DIS_ICMP6)
		return d->icmp_type < 128;
	return d->icmp_type == 3 || d->icmp_type == 4 || d->icmp_type == 5 || d->icmp_type == 11 || d->icmp_type == 12;
}

static void read_group(struct dis *d, struct rest r)
{
	d->group = r.p;
	d->group_cap = r.cap;
	d->group_len = r.len;
}

static bool is_mld(uint8_t type) { return (type >= 130 && type <= 132) || type == 143; }

static void read_icmp(struct dis *d, struct rest r)
{
	if (r.cap < 8) {
		d->bad = "the ICMP message is cut short";
		return;
	}
	d->icmp_type = r.p[0];
	d->icmp_code = r.p[1];
	d->icmp_id = be16_at(r.p + 4);
	d->icmp_seq = be16_at(r.p + 6);
	d->icmp_value = be32_at(r.p + 4);
	d->text_len = (uint32_t)(r.len - MIN(r.len, 8u));
	if (d->proto == DIS_ICMP6 && is_mld(d->icmp_type))
		read_group(d, r);
	step(&r, 8);
	if (icmp_is_error(d)) {
		d->inner = r.p;
		d->inner_len = r.cap;
	}
	if (d->proto == DIS_ICMP6 && (d->icmp_type == 135 || d->icmp_type == 136) && r.cap >= 16) {
		d->inner = r.p;			/* the target of neighbour discovery */
		d->inner_len = 16;
	}
}

static void read_igmp(struct dis *d, struct rest r)
{
	d->text_len = (uint32_t)r.len;
	if (r.cap < 8)
		d->bad = "the IGMP message is cut short";
	else
		read_group(d, r);
}

static void read_transport(struct dis *d, struct rest r)
{
	if (d->fragment && d->frag_off) {
		d->text_len = (uint32_t)r.len;
		return;
	}
	switch (d->proto) {
	case DIS_TCP: read_tcp(d, r); break;
	case DIS_UDP: read_udp(d, r); break;
	case DIS_ICMP: case DIS_ICMP6: read_icmp(d, r); break;
	case DIS_IGMP: read_igmp(d, r); break;
	default: d->text_len = (uint32_t)r.len;
	}
}

static void read_ip4(struct dis *d, struct rest r)
{
	d->net = DIS_IP4;
	if (r.cap < 20) {
		d->bad = "the IPv4 header is cut short";
		return;
	}
	size_t hlen = (r.p[0] & 15) * 4u, total = be16_at(r.p + 2);
	uint16_t frag = be16_at(r.p + 6);
	d->id = be16_at(r.p + 4);
	d->ttl = r.p[8];
	d->proto = r.p[9];
	d->src = ol_addr_from(4, r.p + 12);
	d->dst = ol_addr_from(4, r.p + 16);
	d->fragment = (frag & 0x3fff) != 0;
	d->frag_off = (frag & 0x1fffu) * 8u;
	if (hlen < 20 || hlen > r.cap) {
		d->bad = "the IPv4 header length points outside the datagram";
		d->proto = 0;
		return;
	}
	if (total >= hlen && total <= r.len && r.len <= 65535)
		r.len = total;			/* without Ethernet's padding */
	else if (r.len <= 65535)
		d->bad = "IPv4's length field contradicts the packet";
	r.cap = MIN(r.cap, r.len);
	step(&r, hlen);
	read_transport(d, r);
}

static void read_ip6(struct dis *d, struct rest r)
{
	d->net = DIS_IP6;
	if (r.cap < 40) {
		d->bad = "the IPv6 header is cut short";
		return;
	}
	size_t payload = be16_at(r.p + 4);
	uint8_t next = r.p[6];
	d->ttl = r.p[7];
	d->src = ol_addr_from(6, r.p + 8);
	d->dst = ol_addr_from(6, r.p + 24);
	step(&r, 40);
	if (payload && payload <= r.len)
		r.len = payload;
	else if (payload || r.len <= 65535)
		d->bad = payload || r.len ? "IPv6's length field contradicts the packet" : NULL;
	r.cap = MIN(r.cap, r.len);
	for (int i = 0; i < MAX_EXT_HEADERS; i++) {
		bool is_frag = next == 44;
		if (next != 0 && next != 43 && next != 60 && !is_frag)
			break;
		size_t hlen = r.cap >= 8 ? (is_frag ? 8u : (r.p[1] + 1u) * 8u) : SIZE_MAX;
		if (hlen > r.cap) {
			d->bad = "an IPv6 extension header is cut short";
			return;
		}
		if (is_frag) {
			d->fragment = true;
			d->frag_off = be16_at(r.p + 2) & 0xfff8u;
			d->id = be32_at(r.p + 4);
		}
		next = r.p[0];
		step(&r, hlen);
	}
	d->proto = next;
	read_transport(d, r);
}

static void read_arp(struct dis *d, struct rest r)
{
	d->net = DIS_ARP;
	if (r.cap < 28 || be16_at(r.p + 2) != 0x0800 || r.p[4] != 6 || r.p[5] != 4) {
		d->bad = "the ARP packet is not one for IPv4 on Ethernet";
		return;
	}
	d->arp_op = be16_at(r.p + 6);
	memcpy(d->arp_sender.b, r.p + 8, 6);
	d->src = ol_addr_from(4, r.p + 14);
	memcpy(d->arp_target.b, r.p + 18, 6);
	d->dst = ol_addr_from(4, r.p + 24);
}

/* RFC 1661 2: Address and Control and two octets of Protocol, or one, where they were compressed. */
static void read_ppp(struct dis *d, struct rest *r)
{
	if (r->cap >= 2 && r->p[0] == 0xff && r->p[1] == 3)
		step(r, 2);
	size_t n = r->cap && r->p[0] & 1 ? 1 : 2;
	if (r->cap < n) {
		d->bad = "the frame ends before its PPP header does";
		return;
	}
	d->ppp = n == 1 ? r->p[0] : be16_at(r->p);
	step(r, n);
	d->ethertype = d->ppp == 0x0021 ? 0x0800 : d->ppp == 0x0057 ? 0x86dd : 0;
	if (d->ppp >> 8 >= 0x80 && r->cap)
		d->ppp_code = r->p[0];
}

void dissect(struct dis *d, enum ol_link link, const uint8_t *p, size_t cap, size_t orig)
{
	*d = (struct dis){ .frame_len = (uint32_t)MAX(orig, cap), .tcp = { .ws = -1, .cookie = -1 } };
	struct rest r = { p, cap, MAX(orig, cap) };
	if (link == OL_LINK_ETHER) {
		if (cap < 14) {
			d->bad = "the frame ends before its Ethernet header does";
			return;
		}
		memcpy(d->mac_dst.b, p, 6);
		memcpy(d->mac_src.b, p + 6, 6);
		d->ethertype = be16_at(p + 12);
		step(&r, 14);
		if (d->ethertype == 0x8100 && r.cap >= 4) {
			d->ethertype = be16_at(r.p + 2);
			step(&r, 4);
		}
	} else if (link == OL_LINK_PPP) {
		read_ppp(d, &r);
	} else if (cap) {
		d->ethertype = p[0] >> 4 == 6 ? 0x86dd : p[0] >> 4 == 4 ? 0x0800 : 0;
	}
	if (d->ethertype == 0x0800)
		read_ip4(d, r);
	else if (d->ethertype == 0x86dd)
		read_ip6(d, r);
	else if (d->ethertype == 0x0806)
		read_arp(d, r);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */
struct line { char *buf; size_t len, at; };

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(l->buf + l->at, l->len - l->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->at = MIN(l->at + (size_t)n, l->len - 1);
}

char *dissect_flags(uint16_t flags, char *buf, size_t len)
{
	static const struct { uint16_t bit; const char *name; } names[] = { { DIS_SYN, "SYN" }, { DIS_FIN, "FIN" },
		{ DIS_RST, "RST" }, { DIS_URG, "URG" }, { DIS_PSH, "PSH" }, { DIS_ACK, "ACK" }, { DIS_ECE, "ECE" },
		{ DIS_CWR, "CWR" }, { DIS_AE, "AE" } };
	struct line l = { buf, len, 0 };
	*buf = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (flags & names[i].bit)
			put(&l, "%s%s", l.at ? " " : "", names[i].name);
	if (!l.at)
		put(&l, "no flags");
	return buf;
}

static const char *icmp4_name(uint8_t type, uint8_t code)
{
	static const char *const unreach[] = { "network unreachable", "host unreachable", "protocol unreachable",
		"port unreachable", "fragmentation needed", "source route failed", "network unknown", "host unknown", NULL,
		"network prohibited", "host prohibited", NULL, NULL, "administratively prohibited" };
	switch (type) {
	case 0: return "echo reply";
	case 3: return code < ARRAY_LEN(unreach) && unreach[code] ? unreach[code] : "unreachable";
	case 4: return "source quench";
	case 5: return "redirect";
	case 8: return "echo request";
	case 9: return "router advertisement";
	case 10: return "router solicitation";
	case 11: return code ? "fragments timed out" : "time exceeded";
	case 12: return "parameter problem";
	case 13: return "timestamp request";
	case 14: return "timestamp reply";
	}
	return NULL;
}

static const char *icmp6_name(uint8_t type, uint8_t code)
{
	static const char *const unreach[] = { "no route", "administratively prohibited", "beyond scope", "address unreachable",
		"port unreachable", "source address refused", "route rejected" };
	switch (type) {
	case 1: return code < ARRAY_LEN(unreach) ? unreach[code] : "unreachable";
	case 2: return "packet too big";
	case 3: return code ? "fragments timed out" : "time exceeded";
	case 4: return "parameter problem";
	case 128: return "echo request";
	case 129: return "echo reply";
	case 133: return "router solicitation";
	case 134: return "router advertisement";
	case 135: return "neighbour solicitation";
	case 136: return "neighbour advertisement";
	case 137: return "redirect";
	}
	return NULL;
}

char *dissect_icmp(const struct dis *d, char *buf, size_t len)
{
	bool v6 = d->proto == DIS_ICMP6;
	const char *name = v6 ? icmp6_name(d->icmp_type, d->icmp_code) : icmp4_name(d->icmp_type, d->icmp_code);
	struct line l = { buf, len, 0 };
	char addr[OL_ADDR_STRLEN], group[GROUP_WORDS];
	if (d->group)
		put(&l, "multicast listener %s", dissect_group(d, group, sizeof group));
	else if (name)
		put(&l, "%s", name);
	else
		put(&l, "type %u code %u", d->icmp_type, d->icmp_code);
	if (name && strncmp(name, "echo", 4) == 0)
		put(&l, " id %u seq %u", d->icmp_id, d->icmp_seq);
	if (v6 && d->icmp_type == 2)
		put(&l, ", mtu %u", d->icmp_value);
	if (!v6 && d->icmp_type == 3 && d->icmp_code == 4)
		put(&l, ", mtu %u", d->icmp_value & 0xffff);
	if (v6 && (d->icmp_type == 135 || d->icmp_type == 136) && d->inner_len == 16) {
		struct ol_addr target = ol_addr_from(6, d->inner);
		put(&l, " for %s", ol_addr_str(&target, addr));
	}
	return buf;
}

static void put_tcp(struct line *l, const struct dis *d)
{
	const struct dis_tcp *t = &d->tcp;
	char flags[40];
	put(l, "TCP %s seq %u", dissect_flags(t->flags, flags, sizeof flags), t->seq);
	if (t->flags & DIS_ACK)
		put(l, " ack %u", t->ack);
	put(l, " win %u", t->wnd);
	if (d->text_len)
		put(l, " len %u", d->text_len);
	if (t->mss)
		put(l, " mss %u", t->mss);
	if (t->ws >= 0)
		put(l, " ws %d", t->ws);
	if (t->cookie >= 0)
		put(l, t->cookie ? " cookie" : " cookie?");
	for (unsigned i = 0; i < t->n_sack; i++)
		put(l, " sack %u-%u", t->sack[i].from, t->sack[i].to);
}

static void put_inner(struct line *l, const struct dis *d)
{
	struct dis in;
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN];
	dissect(&in, OL_LINK_IP, d->inner, d->inner_len, d->inner_len);
	if (in.net != DIS_IP4 && in.net != DIS_IP6)
		return;
	/* An error quotes at least eight bytes: the ports of both TCP and UDP. */
	size_t hlen = in.net == DIS_IP4 ? (d->inner[0] & 15) * 4u : 40u;
	bool ports = (in.proto == DIS_TCP || in.proto == DIS_UDP) && d->inner_len >= hlen + 4;
	put(l, " (for %s%s > %s", in.proto == DIS_TCP ? "TCP " : in.proto == DIS_UDP ? "UDP " : "", ol_addr_str(&in.src, a),
	    ol_addr_str(&in.dst, b));
	put(l, ports ? " port %u)" : ")", ports ? be16_at(d->inner + hlen + 2) : 0u);
}

static void put_arp(struct line *l, const struct dis *d)
{
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN], mac[OL_MAC_STRLEN];
	if (d->arp_op == 1)
		put(l, "ARP who has %s? tell %s", ol_addr_str(&d->dst, a), ol_addr_str(&d->src, b));
	else if (d->arp_op == 2)
		put(l, "ARP %s is at %s", ol_addr_str(&d->src, a), ol_mac_str(&d->arp_sender, mac));
	else
		put(l, "ARP operation %u", d->arp_op);
}

static void put_ip(struct line *l, const struct dis *d)
{
	struct ol_endpoint src = { d->src, d->sport }, dst = { d->dst, d->dport };
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN], icmp[GROUP_WORDS + 32];
	if ((d->proto == DIS_TCP || d->proto == DIS_UDP) && !d->frag_off)
		put(l, "%s > %s ", ol_endpoint_str(&src, a), ol_endpoint_str(&dst, b));
	else
		put(l, "%s > %s ", ol_addr_str(&d->src, a), ol_addr_str(&d->dst, b));
	if (d->frag_off) {
		put(l, "fragment of protocol %u", d->proto);
	} else if (d->proto == DIS_TCP) {
		put_tcp(l, d);
	} else if (d->proto == DIS_UDP) {
		put(l, "UDP len %u", d->text_len);
	} else if (d->proto == DIS_ICMP || d->proto == DIS_ICMP6) {
		put(l, "%s %s", d->proto == DIS_ICMP ? "ICMP" : "ICMPv6", dissect_icmp(d, icmp, sizeof icmp));
		if (d->inner && d->inner_len != 16)
			put_inner(l, d);
	} else if (d->group) {
		put(l, "IGMP %s", dissect_group(d, icmp, sizeof icmp));
	} else {
		put(l, "protocol %u len %u", d->proto, d->text_len);
	}
	if (d->fragment)
		put(l, " (id %u, offset %u)", d->id, d->frag_off);
}

static void put_ppp(struct line *l, const struct dis *d)
{
	static const struct { uint16_t number; const char *name; } names[] = {
		{ 0xc021, "LCP" }, { 0x8021, "IPCP" }, { 0x8057, "IPV6CP" }, { 0x002d, "VJ compressed" }, { 0x002f, "VJ uncompressed" },
	};
	static const char *const codes[] = { NULL, "Configure-Request", "Configure-Ack", "Configure-Nak", "Configure-Reject",
		"Terminate-Request", "Terminate-Ack", "Code-Reject", "Protocol-Reject", "Echo-Request", "Echo-Reply", "Discard-Request" };
	put(l, "PPP ");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].number == d->ppp)
			put(l, "%s", names[i].name);
	if (!l->at || l->buf[l->at - 1] == ' ')
		put(l, "protocol 0x%04x", d->ppp);
	if (d->ppp_code && d->ppp_code < ARRAY_LEN(codes))
		put(l, " %s", codes[d->ppp_code]);
	else if (d->ppp_code)
		put(l, " code %u", d->ppp_code);
	put(l, ", %u bytes", d->frame_len);
}

char *dissect_line(const struct dis *d, char *buf, size_t len)
{
	struct line l = { buf, len, 0 };
	char a[OL_MAC_STRLEN], b[OL_MAC_STRLEN];
	*buf = 0;
	if (d->net == DIS_ARP)
		put_arp(&l, d);
	else if (d->net == DIS_IP4 || d->net == DIS_IP6)
		put_ip(&l, d);
	else if (d->ppp)
		put_ppp(&l, d);
	else
		put(&l, "%s > %s type 0x%04x, %u bytes", ol_mac_str(&d->mac_src, a), ol_mac_str(&d->mac_dst, b), d->ethertype,
		    d->frame_len);
	if (d->bad)
		put(&l, " [%s]", d->bad);
	return buf;
}
