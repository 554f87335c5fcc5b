/*
 * What a network file says of IPv6 on an interface beyond its addresses: `autoconf`, `dad`, and `advertise`, which makes a
 * router tell the hosts of its wire who they are (RFC 4861 6.2.1 has the numbers and their limits).
 */
#include "host/netfile_int.h"
#include "base/check.h"
#include <string.h>

enum { VALID_S = 2592000, PREFERRED_S = 604800, INTERVAL_S = 600 };	/* RFC 4861 6.2.1: 30 and 7 days; and its MaxRtrAdvInterval */

bool nf_autoconf(struct nf_parser *p, nf_node *v, struct nf_nic *nic)
{
	bool on = false;
	if (!nf_boolean(p, v, "autoconf", &on))
		return false;
	nic->autoconf = on ? NF_YES : NF_NO;
	return true;
}

bool nf_dad(struct nf_parser *p, nf_node *v, struct nf_nic *nic)
{
	bool on = false;
	if (!nf_boolean(p, v, "dad", &on))
		return false;
	nic->dad = on ? NF_YES : NF_NO;
	return true;
}

/* ---- advertise ----------------------------------------------------------------------------------------------------- */
/* Lifetimes are of all its prefixes. */
struct adv_here { struct nf_adv *a; uint32_t valid, preferred; };

static bool seconds(struct nf_parser *p, nf_node *v, const char *what, uint64_t lo, uint64_t hi, uint64_t *out)
{
	if (v->type == YAML_SCALAR_NODE && !strcmp((const char *)v->data.scalar.value, "forever") && hi == UINT32_MAX) {
		*out = UINT32_MAX;
		return true;
	}
	return nf_number(p, v, what, lo, hi, out);
}

#define SECONDS(key, field, lo, hi) \
	static bool adv_##key(struct nf_parser *p, nf_node *v, void *into) \
	{ \
		struct adv_here *h = into; \
		uint64_t n = 0; \
		if (!seconds(p, v, #key, lo, hi, &n)) \
			return false; \
		h->field = (__typeof__(h->field))n; \
		return true; \
	}
SECONDS(interval, a->ra.interval_s, 4, 1800)
SECONDS(lifetime, a->ra.lifetime_s, 0, 9000)
SECONDS(valid, valid, 0, UINT32_MAX)
SECONDS(preferred, preferred, 0, UINT32_MAX)
SECONDS(mtu, a->ra.mtu, 1280, 65535)

static bool adv_preference(struct nf_parser *p, nf_node *v, void *into)
{
	static const char *const words[] = { "low", "medium", "high" };
	const char *s = nf_text(p, v, "preference");
	for (int i = 0; s && i < 3; i++)
		if (!strcmp(s, words[i])) {
			((struct adv_here *)into)->a->ra.pref = (int8_t)(i - 1);
			return true;
		}
	return s && nf_wrong(p, nf_line_of(v), "preference is low, medium or high, not %s", s);
}

static bool adv_prefix_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct ol_ra_config *ra = &((struct adv_here *)into)->a->ra;
	struct nf_prefix x;
	char s[OL_ADDR_STRLEN];
	if (!nf_read_prefix(p, v, "prefix", true, &x))
		return false;
	if (x.addr.ver != 6 || nf_has_host_bits(&x) || ol_addr_is_linklocal(&x.addr) || ol_addr_is_multicast(&x.addr))
		return nf_wrong(p, nf_line_of(v), "%s/%u cannot be advertised; write an IPv6 prefix like fd01::/64",
				ol_addr_str(&x.addr, s), x.plen);
	if (ra->n_prefixes == OL_RA_PREFIXES_MAX)
		return nf_wrong(p, nf_line_of(v), "an advertisement has no more than %d prefixes", OL_RA_PREFIXES_MAX);
	ra->prefix[ra->n_prefixes++] = (struct ol_ra_prefix){ x.addr, x.plen, true, true, 0, 0 };
	return true;
}
static bool adv_prefix(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, adv_prefix_one, into); }

static bool adv_dns_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct ol_ra_config *ra = &((struct adv_here *)into)->a->ra;
	const char *s = nf_text(p, v, "dns");
	struct ol_addr a;
	if (!s)
		return false;
	if (!ol_addr_parse(s, &a) || a.ver != 6)
		return nf_wrong(p, nf_line_of(v), "%s is no IPv6 address of a name server", s);
	if (ra->n_servers == OL_RA_SERVERS_MAX)
		return nf_wrong(p, nf_line_of(v), "an advertisement has no more than %d name servers", OL_RA_SERVERS_MAX);
	ra->server[ra->n_servers++] = a;
	return true;
}
static bool adv_dns(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, adv_dns_one, into); }

static const struct nf_key adv_keys[] = {
	{ "prefix", adv_prefix },	  { "interval", adv_interval }, { "lifetime", adv_lifetime }, { "preference", adv_preference },
	{ "valid", adv_valid }, { "preferred", adv_preferred },	{ "dns", adv_dns }, { "mtu", adv_mtu },
};

bool nf_advertise(struct nf_parser *p, nf_node *v, struct nf_nic *nic)
{
	struct adv_here here = { .a = &nic->adv, .valid = VALID_S, .preferred = PREFERRED_S };
	struct ol_ra_config *ra = &nic->adv.ra;
	const uint16_t unsaid = UINT16_MAX;
	nic->adv.line = nf_line_of(v);
	*ra = (struct ol_ra_config){ .interval_s = INTERVAL_S, .lifetime_s = unsaid, .hop_limit = 64 };
	nic->adv.on = true;
	nic->adv.valid_s = VALID_S;
	nic->adv.preferred_s = PREFERRED_S;
	if (v->type != YAML_MAPPING_NODE)
		return nf_boolean(p, v, "advertise", &nic->adv.on) && ((ra->lifetime_s = 3 * INTERVAL_S), true);
	if (!NF_READ_MAP(p, v, "an advertisement", adv_keys, &here))
		return false;
	if (ra->lifetime_s == unsaid)
		ra->lifetime_s = (uint16_t)(3 * ra->interval_s);
	if (ra->lifetime_s && ra->lifetime_s < ra->interval_s)
		return nf_wrong(p, nic->adv.line, "a router that is to be used for %u s must be heard of every %u s; shorten `interval`",
				ra->lifetime_s, ra->interval_s);
	if (here.preferred > here.valid)
		return nf_wrong(p, nic->adv.line, "addresses cannot be preferred for longer (%u s) than they are valid (%u s)",
				here.preferred, here.valid);
	nic->adv.valid_s = here.valid;
	nic->adv.preferred_s = here.preferred;
	return true;
}

bool nf_check_ip6(struct nf_parser *p, const struct nf_host *h, const struct nf_nic *nic)
{
	const struct nf_wire *w = &p->nf->wire[nic->wire];
	uint32_t mtu = nic->mtu ? nic->mtu : w->mtu ? w->mtu : 1500;
	if ((nic->autoconf == NF_YES || nic->adv.on) && mtu < 1280)
		return nf_wrong(p, nic->line, "IPv6 needs an mtu of 1280 at least (RFC 8200)");
	if (nic->adv.on && !h->forwarding)
		return nf_wrong(p, nic->adv.line, "%s is no router and cannot advertise itself; add `forwarding: yes`, or list it under "
				"`routers:`", h->name);
	if (nic->adv.on && nic->autoconf == NF_YES)
		return nf_wrong(p, nic->adv.line, "%s cannot take its addresses from advertisements and send them on one interface", h->name);
	return true;
}
