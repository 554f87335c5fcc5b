/* Hosts and routers of a network file, doc/NETWORK-FILE.md: where they send what is not for a neighbour, and their settings. */
#include "host/netfile_int.h"
#include "base/check.h"
#include <string.h>

static bool host_interface(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_read_nic(p, v, ((struct nf_host_here *)into)->h);
}
static bool host_interfaces(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, host_interface, into); }

static bool host_gateway_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_host *h = ((struct nf_host_here *)into)->h;
	const char *s = nf_text(p, v, "gateway");
	struct nf_route *r = s ? nf_grow(p, v, &h->route, &h->n_routes, sizeof *r, NF_MAX_ROUTES, "routes") : NULL;
	if (!r)
		return false;
	r->line = nf_line_of(v);
	if (!ol_addr_parse(s, &r->via))
		return nf_wrong(p, r->line, "%s is no address of a gateway; write it as 10.0.0.1 or fd00::1", s);
	r->to.addr.ver = r->via.ver;
	return true;
}
static bool host_gateway(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, host_gateway_one, into); }

static bool route_to(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_read_prefix(p, v, "prefix", true, &((struct nf_route *)into)->to);
}
static bool route_via(struct nf_parser *p, nf_node *v, void *into)
{
	const char *s = nf_text(p, v, "via");
	return s && (ol_addr_parse(s, &((struct nf_route *)into)->via) ||
		     nf_wrong(p, nf_line_of(v), "%s is no address of a gateway", s));
}
static bool route_metric(struct nf_parser *p, nf_node *v, void *into)
{
	uint64_t n = 0;
	if (!nf_number(p, v, "metric", 0, UINT32_MAX, &n))
		return false;
	((struct nf_route *)into)->metric = (uint32_t)n;
	return true;
}
static const struct nf_key route_keys[] = { { "to", route_to }, { "via", route_via }, { "metric", route_metric } };

static bool host_route(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_host *h = ((struct nf_host_here *)into)->h;
	struct nf_route *r = nf_grow(p, v, &h->route, &h->n_routes, sizeof *r, NF_MAX_ROUTES, "routes");
	if (!r || !NF_READ_MAP(p, v, "a route", route_keys, r))
		return false;
	r->line = nf_line_of(v);
	if (!r->to.addr.ver || !r->via.ver || r->to.addr.ver != r->via.ver)
		return nf_wrong(p, r->line, "a route needs `to:` and `via:`, both of one family");
	return !nf_has_host_bits(&r->to) ||
	       nf_wrong(p, r->line, "the bits behind /%u of the prefix must be zero", r->to.plen);
}
static bool host_routes(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, host_route, into); }

static bool host_forwarding(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_boolean(p, v, "forwarding", &((struct nf_host_here *)into)->h->forwarding);
}

static bool host_settings(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_host *h = ((struct nf_host_here *)into)->h;
	if (v->type != YAML_MAPPING_NODE)
		return nf_wrong(p, nf_line_of(v), "settings must be written as `name: value` lines");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		const char *key = nf_text(p, nf_at(p, i->key), "a setting"),
			   *value = key ? nf_text(p, nf_at(p, i->value), key) : NULL;
		struct nf_setting *s = value ? nf_grow(p, v, &h->setting, &h->n_settings, sizeof *s, NF_MAX_SETTINGS,
						    "settings")
					     : NULL;
		if (!s)
			return false;
		s->line = nf_line_of(nf_at(p, i->key));
		s->key = strdup(key);
		s->value = strdup(value);
		if (!s->key || !s->value)
			return nf_wrong(p, s->line, "not enough memory");
	}
	return true;
}

static const struct nf_key host_keys[] = {
	{ "interfaces", host_interfaces }, { "gateway", host_gateway }, { "routes", host_routes },
	{ "forwarding", host_forwarding }, { "settings", host_settings },
};

static bool read_host(struct nf_parser *p, nf_node *v, struct nf_host_here *here)
{
	struct nf_key keys[ARRAY_LEN(host_keys) + NF_SHORT_KEYS];
	memcpy(keys, host_keys, sizeof host_keys);
	memcpy(keys + ARRAY_LEN(host_keys), nf_short_keys, sizeof nf_short_keys);
	return NF_READ_MAP(p, v, "a host", keys, here);
}

bool nf_read_hosts(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	if (v->type != YAML_MAPPING_NODE)
		return nf_wrong(p, nf_line_of(v), "%s must be written as `name:` lines, each with its keys below",
			     p->routers ? "routers" : "hosts");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		char s[NF_NAME_MAX + 1];
		nf_node *k = nf_at(p, i->key);
		if (!nf_name(p, k, "a host", s))
			return false;
		if (nf_find_host(p->nf, s) >= 0)
			return nf_wrong(p, nf_line_of(k), "the host %s is there twice (first in line %d)", s,
				     p->nf->host[nf_find_host(p->nf, s)].line);
		if (!strcmp(s, "localhost") || !strcmp(s, "outlet"))
			return nf_wrong(p, nf_line_of(k), "no host can be called %s: the name means something else already",
				     s);
		struct nf_host *h = nf_grow(p, k, &p->nf->host, &p->nf->n_hosts, sizeof *h, NF_MAX_HOSTS, "hosts");
		if (!h)
			return false;
		memcpy(h->name, s, sizeof s);
		h->line = nf_line_of(k);
		h->forwarding = p->routers;
		struct nf_host_here here = { .h = h };
		if (!read_host(p, nf_at(p, i->value), &here))
			return false;
		if (here.short_form && h->n_nics > 1)
			return nf_wrong(p, here.short_line, "%s has interfaces listed; write this into one of them",
				     h->name);
		for (unsigned n = 0; n < h->n_nics; n++)
			if (!nf_check_nic(p, h, &h->nic[n]))
				return false;
		if (!h->n_nics)
			return nf_wrong(p, h->line, "%s is on no wire; give it one with `wire: NAME`", h->name);
		if (!nf_check_routes(p, h))
			return false;
	}
	return true;
}
