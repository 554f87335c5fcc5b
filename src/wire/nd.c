/* RFC 4861 4.1 to 4.6, RFC 4191 2.1 to 2.3, RFC 8106 5.1 and 5.2, RFC 7527 4. */
#include "wire/nd.h"
#include "base/be.h"
#include "wire/icmp6.h"
#include <string.h>

/* ---- options ----------------------------------------------------------------------------------------------------- */

bool wire_nd_opts(struct nd_opts *o, const uint8_t *p, size_t len)
{
	for (size_t at = 0; at < len; at += p[at + 1] * 8u)
		if (len - at < 2 || !p[at + 1] || p[at + 1] * 8u > len - at)
			return false;		/* req: 4861-4.6-a */
	*o = (struct nd_opts){ p, len };
	return true;
}

bool wire_nd_opt_next(struct nd_opts *o, struct nd_opt *opt)
{
	if (!o->left)
		return false;
	*opt = (struct nd_opt){ o->p[0], o->p, o->p[1] * 8u };
	o->p += opt->len;
	o->left -= opt->len;
	return true;
}

bool wire_nd_opt_mac(const struct nd_opt *opt, struct ol_mac *mac)
{
	if (opt->len != ND_OPT_LEN)
		return false;
	memcpy(mac->b, opt->p + 2, OL_MAC_LEN);
	return true;
}

static uint8_t *put_mac(uint8_t *p, uint8_t type, const struct ol_mac *mac)
{
	p[0] = type;
	p[1] = 1;
	memcpy(p + 2, mac->b, OL_MAC_LEN);
	return p + ND_OPT_LEN;
}

/* ---- neighbour solicitation and advertisement -------------------------------------------------------------------- */

bool wire_nd_parse(struct nd_msg *m, uint8_t type, const uint8_t *p, size_t len)
{
	struct nd_opts o;
	struct nd_opt opt;
	if (len < ND_LEN || !wire_nd_opts(&o, p + ND_LEN, len - ND_LEN))
		return false;
	struct nd_msg r = { .flags = p[4], .target = ol_addr_from(6, p + 8) };
	uint8_t want = type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA;
	while (wire_nd_opt_next(&o, &opt)) {
		if (opt.type == want && wire_nd_opt_mac(&opt, &r.mac))
			r.has_mac = true;
		if (opt.type == ND_OPT_NONCE && opt.len == ND_OPT_LEN) {
			r.has_nonce = true;
			memcpy(r.nonce, opt.p + 2, ND_NONCE_LEN);
		}
	}
	*m = r;
	return true;
}

size_t wire_nd_build(uint8_t *p, uint8_t type, const struct nd_msg *m)
{
	uint8_t *at = p + ND_LEN;
	memcpy(p + 8, m->target.b, 16);
	if (m->has_mac)
		at = put_mac(at, type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA, &m->mac);
	if (m->has_nonce) {
		at[0] = ND_OPT_NONCE;
		at[1] = 1;
		memcpy(at + 2, m->nonce, ND_NONCE_LEN);
		at += ND_OPT_LEN;
	}
	return (size_t)(at - p);
}

/* ---- router advertisement ---------------------------------------------------------------------------------------- */

/* RFC 4191 2.1: two bits, as a signed number; 10 means nothing. */
static int8_t pref_of(uint8_t flags)
{
	switch (flags >> 3 & 3) {
	case 1: return 1;
	case 3: return -1;
	default: return 0;
	}
}

static bool pref_reserved(uint8_t flags) { return (flags >> 3 & 3) == 2; }

bool wire_ra_parse(struct nd_ra *ra, const uint8_t *p, size_t len)
{
	struct nd_opts o;
	if (len < RA_LEN || !wire_nd_opts(&o, p + RA_LEN, len - RA_LEN))
		return false;
	*ra = (struct nd_ra){ .hop_limit = p[4], .flags = p[5], .pref = pref_of(p[5]), .lifetime_s = be16_at(p + 6),
		.reachable_ms = be32_at(p + 8), .retrans_ms = be32_at(p + 12), .opts = o };
	return true;
}

void wire_ra_build(uint8_t *p, const struct nd_ra *ra)
{
	p[4] = ra->hop_limit;
	p[5] = (uint8_t)((ra->flags & (RA_MANAGED | RA_OTHER)) | (ra->pref & 3) << 3);
	be16_put(p + 6, ra->lifetime_s);
	be32_put(p + 8, ra->reachable_ms);
	be32_put(p + 12, ra->retrans_ms);
}

bool wire_nd_prefix_parse(struct nd_prefix_info *pi, const struct nd_opt *opt)
{
	const uint8_t *p = opt->p;
	if (opt->len != PREFIX_OPT_LEN || p[2] > 128)
		return false;
	*pi = (struct nd_prefix_info){ .plen = p[2], .flags = p[3], .valid_s = be32_at(p + 4), .preferred_s = be32_at(p + 8),
		.prefix = ol_addr_from(6, p + 16) };
	return true;
}

void wire_nd_prefix_build(uint8_t *p, const struct nd_prefix_info *pi)
{
	memset(p, 0, PREFIX_OPT_LEN);
	p[0] = ND_OPT_PREFIX;
	p[1] = PREFIX_OPT_LEN / 8;
	p[2] = pi->plen;
	p[3] = pi->flags;
	be32_put(p + 4, pi->valid_s);
	be32_put(p + 8, pi->preferred_s);
	memcpy(p + 16, pi->prefix.b, 16);
}

bool wire_nd_mtu_parse(uint32_t *mtu, const struct nd_opt *opt)
{
	if (opt->len != MTU_OPT_LEN)
		return false;
	*mtu = be32_at(opt->p + 4);
	return true;
}

void wire_nd_mtu_build(uint8_t *p, uint32_t mtu)
{
	memset(p, 0, MTU_OPT_LEN);
	p[0] = ND_OPT_MTU;
	p[1] = MTU_OPT_LEN / 8;
	be32_put(p + 4, mtu);
}

/* RFC 4191 2.3: the prefix takes 0, 8 or 16 bytes, enough for its length. */
bool wire_nd_route_parse(struct nd_route_info *ri, const struct nd_opt *opt)
{
	const uint8_t *p = opt->p;
	size_t have = opt->len - 8;
	if (have > 16 || p[2] > 128 || p[2] > have * 8 || pref_reserved(p[3]))
		return false;
	*ri = (struct nd_route_info){ .plen = p[2], .pref = pref_of(p[3]), .lifetime_s = be32_at(p + 4), .prefix.ver = 6 };
	memcpy(ri->prefix.b, p + 8, have);
	return true;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

bool wire_nd_rdnss_parse(struct nd_rdnss *r, const struct nd_opt *opt)
{
	if (opt->len < 24 || (opt->len - 8) % 16)
		return false;			/* RFC 8106 5.3.1: at least one address, and whole ones */
	*r = (struct nd_rdnss){ be32_at(opt->p + 4), opt->p + 8, (unsigned)((opt->len - 8) / 16) };
	return true;
}

uint32_t wire_nd_dnssl_lifetime(const struct nd_opt *opt) { return be32_at(opt->p + 4); }

bool wire_nd_dnssl_next(const struct nd_opt *opt, size_t *at, char name[256])
{
	const uint8_t *p = opt->p + 8 + *at;
	size_t left = opt->len - 8 - *at, n = 0, i = 0;
	while (i < left && p[i]) {
		size_t label = p[i];
		if (label > 63 || left - i - 1 <= label || n + label + 1 > 255)
			return false;
		if (n)
			name[n++] = '.';
		for (size_t k = 1; k <= label; k++) {
			if (p[i + k] <= ' ' || p[i + k] >= 0x7f || p[i + k] == '.')
				return false;	/* what no program could read back as text */
			name[n++] = (char)p[i + k];
		}
		i += label + 1;
	}
	if (i >= left || !n)
		return false;			/* no end, or padding */
	name[n] = 0;
	*at += i + 1;
	return true;
}

/* ---- redirect ---------------------------------------------------------------------------------------------------- */

bool wire_redirect_parse(struct nd_redirect *r, const uint8_t *p, size_t len)
{
	struct nd_opts o;
	struct nd_opt opt;
	if (len < REDIRECT_LEN || !wire_nd_opts(&o, p + REDIRECT_LEN, len - REDIRECT_LEN))
		return false;
	*r = (struct nd_redirect){ .target = ol_addr_from(6, p + 8), .dst = ol_addr_from(6, p + 24) };
	while (wire_nd_opt_next(&o, &opt))
		if (opt.type == ND_OPT_TLLA && wire_nd_opt_mac(&opt, &r->mac))
			r->has_mac = true;
	return true;
}
