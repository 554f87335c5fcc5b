/* Wires of a network file, doc/NETWORK-FILE.md: their keys, and what refers to them. */
#include "host/netfile_int.h"
#include "base/check.h"
#include <string.h>

bool nf_wire_ref(struct nf_parser *p, const nf_node *v, int *out)
{
	const char *s = nf_text(p, v, "a wire's name");
	if (!s)
		return false;
	*out = nf_find_wire(p->nf, s);
	return *out >= 0 || nf_wrong(p, nf_line_of(v), "there is no wire %s; wires are listed under `wires:`", s);
}

static bool wire_mode(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_wire *w = into;
	const char *s = nf_text(p, v, "mode");
	if (!s)
		return false;
	w->strict = !strcmp(s, "strict");
	w->fast = !strcmp(s, "fast");
	return w->strict || w->fast || nf_wrong(p, nf_line_of(v), "a wire's mode is fast or strict, not %s", s);
}

static bool wire_kind(struct nf_parser *p, nf_node *v, void *into)
{
	static const struct { const char *name; enum ol_link link; } kinds[] = {
		{ "ethernet", OL_LINK_ETHER }, { "slip", OL_LINK_SLIP }, { "cslip", OL_LINK_CSLIP }, { "ppp", OL_LINK_PPP },
	};
	struct nf_wire *w = into;
	const char *s = nf_text(p, v, "kind");
	for (size_t i = 0; s && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(s, kinds[i].name)) {
			w->link = (uint8_t)kinds[i].link;
			return true;
		}
	return s && nf_wrong(p, nf_line_of(v), "a wire's kind is ethernet, slip, cslip or ppp, not %s", s);
}

static bool wire_mtu(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_mtu(p, v, &((struct nf_wire *)into)->mtu);
}

static bool wire_subnet_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_wire *w = into;
	struct nf_prefix x;
	if (!nf_read_prefix(p, v, "subnet", true, &x))
		return false;
	char s[OL_ADDR_STRLEN];
	if (nf_has_host_bits(&x))
		return nf_wrong(p, nf_line_of(v), "%s/%u is a host's address, not a subnet: the bits behind /%u must be zero",
			     ol_addr_str(&x.addr, s), x.plen, x.plen);
	if (x.plen > (x.addr.ver == 4 ? 30u : 126u))
		return nf_wrong(p, nf_line_of(v), "a subnet of /%u has no room for two hosts", x.plen);
	struct nf_prefix *slot = &w->subnet[x.addr.ver == 6];
	if (slot->addr.ver)
		return nf_wrong(p, nf_line_of(v), "the wire %s has an IPv%d subnet already", w->name, x.addr.ver);
	*slot = x;
	return nf_check_subnet(p, nf_line_of(v), w, &x);
}
static bool wire_subnet(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, wire_subnet_one, into); }
static bool wire_faults(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_faults(p, v, &((struct nf_wire *)into)->faults);
}
static bool wire_tap(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_interface_name(p, v, ((struct nf_wire *)into)->tap);
}

static const struct nf_key wire_keys[] = {
	{ "subnet", wire_subnet }, { "kind", wire_kind }, { "mode", wire_mode }, { "mtu", wire_mtu },
	{ "faults", wire_faults }, { "tap", wire_tap },
};

static bool is_empty(const nf_node *v)
{
	return v->type == YAML_SCALAR_NODE &&
	       (!v->data.scalar.length || !strcmp((const char *)v->data.scalar.value, "~"));
}

bool nf_read_wires(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	if (v->type != YAML_MAPPING_NODE)
		return nf_wrong(p, nf_line_of(v), "wires must be written as `name:` lines, each with its keys below");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		char s[NF_NAME_MAX + 1];
		nf_node *k = nf_at(p, i->key), *val = nf_at(p, i->value);
		if (!nf_name(p, k, "a wire", s))
			return false;
		if (nf_find_wire(p->nf, s) >= 0)
			return nf_wrong(p, nf_line_of(k), "the wire %s is there twice (first in line %d)", s,
				     p->nf->wire[nf_find_wire(p->nf, s)].line);
		struct nf_wire *w = nf_grow(p, k, &p->nf->wire, &p->nf->n_wires, sizeof *w, NF_MAX_WIRES, "wires");
		if (!w)
			return false;
		memcpy(w->name, s, sizeof s);
		w->line = nf_line_of(k);
		if (!is_empty(val) && !NF_READ_MAP(p, val, "a wire", wire_keys, w))
			return false;
		if (!nf_check_wire(p, w))
			return false;
	}
	return true;
}
