/*
 * Reads network files: what a file may say is in doc/NETWORK-FILE.md.  Here are the keys of wires, hosts, interfaces and
 * captures and what each means; netfile_yaml.c reads values, netfile_check.c holds the parts against each other.  Files
 * come from people, so the first mistake is told well.
 */
#include "host/netfile_int.h"
#include "base/check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wire_ref(struct nf_parser *p, const nf_node *v, int *out)
{
	const char *s = nf_text(p, v, "a wire's name");
	if (!s)
		return false;
	*out = nf_find_wire(p->nf, s);
	return *out >= 0 || nf_wrong(p, nf_line_of(v), "there is no wire %s; wires are listed under `wires:`", s);
}

/* ---- wires ------------------------------------------------------------------------------------------------------- */
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
	uint64_t n = 0;
	if (!nf_number(p, v, "mtu", 68, 65535, &n))
		return false;
	((struct nf_wire *)into)->mtu = (uint32_t)n;
	return true;
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

static bool read_wires(struct nf_parser *p, nf_node *v, void *into)
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

/* ---- interfaces -------------------------------------------------------------------------------------------------- */
/* What a host's map and an interface's have in common is read into the interface. */
struct host_here { struct nf_host *h; struct nf_nic *nic; bool short_form; int short_line; };

static bool nic_wire(struct nf_parser *p, nf_node *v, void *into)
{
	int w;
	if (!wire_ref(p, v, &w))
		return false;
	((struct nf_nic *)into)->wire = (unsigned)w;
	((struct nf_nic *)into)->line = nf_line_of(v);
	return true;
}

static bool nic_name(struct nf_parser *p, nf_node *v, void *into)
{
	((struct nf_nic *)into)->named = true;
	return nf_interface_name(p, v, ((struct nf_nic *)into)->name);
}

static bool nic_address_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	struct nf_prefix x;
	char s[OL_ADDR_STRLEN];
	if (!nf_read_prefix(p, v, "address", true, &x))
		return false;
	if (nic->n_addrs >= NF_MAX_ADDRS)
		return nf_wrong(p, nf_line_of(v), "an interface has no more than %d addresses", NF_MAX_ADDRS);
	if (ol_addr_is_any(&x.addr) || ol_addr_is_multicast(&x.addr) || ol_addr_is_loopback(&x.addr))
		return nf_wrong(p, nf_line_of(v), "%s cannot be the address of an interface", ol_addr_str(&x.addr, s));
	if (x.addr.ver == 4 && ol_addr_is_linklocal(&x.addr) && x.plen != 16)
		return nf_wrong(p, nf_line_of(v), "169.254.0.0/16 is one subnet (RFC 3927): %s needs /16", ol_addr_str(&x.addr, s));
	if (x.addr.ver == 4 && x.plen < 31 && !nf_has_host_bits(&x))
		return nf_wrong(p, nf_line_of(v), "%s/%u is the network itself, not a host on it", ol_addr_str(&x.addr, s),
			     x.plen);
	nic->addr[nic->n_addrs++] = x;
	return true;
}
static bool nic_address(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, nic_address_one, into); }

static bool read_mac(struct nf_parser *p, nf_node *v, struct ol_mac *mac)
{
	const char *s = nf_text(p, v, "mac");
	if (!s)
		return false;
	if (!ol_mac_parse(s, mac) || (mac->b[0] & 1))
		return nf_wrong(p, nf_line_of(v),
			     "%s is no address of one station; write it as 02:00:00:00:00:01, the first number even",
			     s);
	return true;
}

static bool nic_mac(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	nic->has_mac = true;
	return read_mac(p, v, &nic->mac);
}

static bool nic_rarp(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_boolean(p, v, "rarp", &((struct nf_nic *)into)->rarp);
}

static bool row_mac(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_rarp *row = into;
	row->has_mac = true;
	return read_mac(p, v, &row->mac);
}
static bool row_address(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_rarp *row = into;
	const char *s = nf_text(p, v, "address");
	return s && ((ol_addr_parse(s, &row->addr) && row->addr.ver == 4) ||
		     nf_wrong(p, nf_line_of(v), "%s is no IPv4 address; RARP gives no others", s));
}
static const struct nf_key row_keys[] = { { "mac", row_mac }, { "address", row_address } };

static bool nic_table_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	struct nf_rarp *row = nf_grow(p, v, &nic->table, &nic->n_table, sizeof *row, NF_MAX_RARP, "rows of rarp-table");
	if (!row || !NF_READ_MAP(p, v, "a row of rarp-table", row_keys, row))
		return false;
	row->line = nf_line_of(v);
	return (row->has_mac && row->addr.ver) || nf_wrong(p, row->line, "a row of rarp-table needs `mac:` and `address:`");
}
static bool nic_table(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, nic_table_one, into); }

static bool nic_peer(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	const char *s = nf_text(p, v, "peer-address");
	return s && ((ol_addr_parse(s, &nic->peer) && nic->peer.ver == 4) ||
		     nf_wrong(p, nf_line_of(v), "%s is no IPv4 address for the other end of a ppp wire", s));
}

static bool nic_mtu(struct nf_parser *p, nf_node *v, void *into)
{
	uint64_t n = 0;
	if (!nf_number(p, v, "mtu", 68, 65535, &n))
		return false;
	((struct nf_nic *)into)->mtu = (uint32_t)n;
	return true;
}

static bool nic_in(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	nic->has_in = true;
	return nf_faults(p, v, &nic->in);
}

static bool nic_out(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_nic *nic = into;
	nic->has_out = true;
	return nf_faults(p, v, &nic->out);
}

/* Which of three words it is; -1, and a sentence. */
static int word_of(struct nf_parser *p, const nf_node *v, const char *what, const char *const words[3])
{
	const char *s = nf_text(p, v, what);
	for (int i = 0; s && i < 3; i++)
		if (!strcmp(s, words[i]))
			return i;
	if (s)
		nf_wrong(p, nf_line_of(v), "%s is %s, %s or %s, not %s", what, words[0], words[1], words[2], s);
	return -1;
}

static bool nic_acd(struct nf_parser *p, nf_node *v, void *into)
{
	static const char *const words[] = { [OL_ACD_OFF] = "no", [OL_ACD_ANNOUNCE] = "announce", [OL_ACD_PROBE] = "probe" };
	int i = word_of(p, v, "address-check", words);
	((struct nf_nic *)into)->acd = (enum ol_acd)i;
	return i >= 0;
}

static bool nic_defend(struct nf_parser *p, nf_node *v, void *into)
{
	static const char *const words[] = {
		[OL_DEFEND_ONCE] = "once", [OL_DEFEND_NEVER] = "never", [OL_DEFEND_ALWAYS] = "always",
	};
	int i = word_of(p, v, "address-defence", words);
	((struct nf_nic *)into)->defend = (enum ol_defend)i;
	return i >= 0;
}

static bool nic_linklocal(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_boolean(p, v, "link-local", &((struct nf_nic *)into)->linklocal);
}

static bool nic_autoconf(struct nf_parser *p, nf_node *v, void *into) { return nf_autoconf(p, v, into); }
static bool nic_dad(struct nf_parser *p, nf_node *v, void *into) { return nf_dad(p, v, into); }
static bool nic_advertise(struct nf_parser *p, nf_node *v, void *into) { return nf_advertise(p, v, into); }

static const struct nf_key nic_keys[] = {
	{ "wire", nic_wire }, { "name", nic_name }, { "address", nic_address }, { "mac", nic_mac }, { "mtu", nic_mtu },
	{ "peer-address", nic_peer }, { "rarp", nic_rarp }, { "rarp-table", nic_table },
	{ "faults-from", nic_in },	/* what the host sends goes into the wire ... */
	{ "faults-to", nic_out },	/* ... and what it gets comes out of it */
	{ "address-check", nic_acd }, { "address-defence", nic_defend }, { "link-local", nic_linklocal },
	{ "autoconf", nic_autoconf }, { "dad", nic_dad }, { "advertise", nic_advertise },
};

/* ---- hosts ------------------------------------------------------------------------------------------------------- */
static struct nf_nic *new_nic(struct nf_parser *p, nf_node *v, struct nf_host *h)
{
	struct nf_nic *nic = nf_grow(p, v, &h->nic, &h->n_nics, sizeof *nic, NF_MAX_NICS, "interfaces");
	if (nic)
		snprintf(nic->name, sizeof nic->name, "eth%u", h->n_nics - 1);
	return nic;
}

static bool host_interface(struct nf_parser *p, nf_node *v, void *into)
{
	struct host_here *here = into;
	struct nf_nic *nic = new_nic(p, v, here->h);
	return nic && NF_READ_MAP(p, v, "an interface", nic_keys, nic);
}
static bool host_interfaces(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, host_interface, into); }

/* `wire:`, `address:` and so on in the host itself: its only interface. */
static struct nf_nic *short_nic(struct nf_parser *p, nf_node *v, struct host_here *here)
{
	if (!here->short_form) {
		here->short_form = true;
		here->short_line = nf_line_of(v);
		if (here->h->n_nics) {
			nf_wrong(p, nf_line_of(v), "%s has interfaces listed; write this into one of them", here->h->name);
			return NULL;
		}
		return new_nic(p, v, here->h);
	}
	return &here->h->nic[0];
}
#define SHORT(key) \
	static bool host_##key(struct nf_parser *p, nf_node *v, void *into) \
	{ \
		struct nf_nic *nic = short_nic(p, v, into); \
		return nic && nic_##key(p, v, nic); \
	}
SHORT(wire)
SHORT(address)
SHORT(mac)
SHORT(mtu)
SHORT(peer)
SHORT(rarp)
SHORT(table)
SHORT(in)
SHORT(out)
SHORT(acd)
SHORT(defend)
SHORT(linklocal)
SHORT(autoconf)
SHORT(dad)
SHORT(advertise)

static bool host_gateway_one(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_host *h = ((struct host_here *)into)->h;
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
	struct nf_host *h = ((struct host_here *)into)->h;
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
	return nf_boolean(p, v, "forwarding", &((struct host_here *)into)->h->forwarding);
}

static bool host_settings(struct nf_parser *p, nf_node *v, void *into)
{
	struct nf_host *h = ((struct host_here *)into)->h;
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
	{ "wire", host_wire },
	{ "address", host_address },
	{ "mac", host_mac },
	{ "mtu", host_mtu },
	{ "peer-address", host_peer },
	{ "rarp", host_rarp },
	{ "rarp-table", host_table },
	{ "faults-from", host_in },
	{ "faults-to", host_out }, { "address-check", host_acd },
	{ "address-defence", host_defend }, { "link-local", host_linklocal },
	{ "autoconf", host_autoconf },
	{ "dad", host_dad },
	{ "advertise", host_advertise },
	{ "interfaces", host_interfaces },
	{ "gateway", host_gateway },
	{ "routes", host_routes },
	{ "forwarding", host_forwarding },
	{ "settings", host_settings },
};

static bool read_hosts(struct nf_parser *p, nf_node *v, void *into)
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
		struct host_here here = { .h = h };
		if (!NF_READ_MAP(p, nf_at(p, i->value), "a host", host_keys, &here))
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

/* ---- captures and the top ---------------------------------------------------------------------------------------- */
static bool capture_file(struct nf_parser *p, nf_node *v, void *into)
{
	const char *s = nf_text(p, v, "file");
	if (!s)
		return false;
	((struct nf_capture *)into)->file = strdup(s);
	return ((struct nf_capture *)into)->file || nf_wrong(p, nf_line_of(v), "not enough memory");
}
static bool capture_host(struct nf_parser *p, nf_node *v, void *into)
{
	const char *s = nf_text(p, v, "host");
	if (!s)
		return false;
	((struct nf_capture *)into)->host = nf_find_host(p->nf, s);
	return ((struct nf_capture *)into)->host >= 0 || nf_wrong(p, nf_line_of(v), "there is no host %s", s);
}
static bool capture_wire(struct nf_parser *p, nf_node *v, void *into)
{
	return wire_ref(p, v, &((struct nf_capture *)into)->wire);
}
static bool capture_interface(struct nf_parser *p, nf_node *v, void *into)
{
	char *out = ((struct nf_capture *)into)->interface;
	const char *s = nf_text(p, v, "interface");
	if (s && !strcmp(s, "lo"))
		memcpy(out, "lo", 3);
	return s && (out[0] || nf_interface_name(p, v, out));
}
static const struct nf_key capture_keys[] = {
	{ "file", capture_file },
	{ "host", capture_host },
	{ "wire", capture_wire },
	{ "interface", capture_interface },
};

static bool capture_one(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	struct nf_capture *c = nf_grow(p, v, &p->nf->capture, &p->nf->n_captures, sizeof *c, NF_MAX_CAPTURES, "captures");
	if (!c)
		return false;
	c->line = nf_line_of(v);
	c->host = c->wire = -1;
	if (!NF_READ_MAP(p, v, "a capture", capture_keys, c))
		return false;
	if (!c->file)
		return nf_wrong(p, c->line, "a capture needs `file: NAME.pcapng`");
	return c->wire < 0 || (c->host < 0 && !c->interface[0]) ||
	       nf_wrong(p, c->line, "a capture is of a wire or of a host, not of both");
}
static bool read_captures(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, capture_one, into); }

static bool read_seed(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	p->nf->has_seed = true;
	return nf_number(p, v, "seed", 0, UINT64_MAX, &p->nf->seed);
}

static bool read_guests(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	if (!wire_ref(p, v, &p->nf->guests))
		return false;
	const struct nf_wire *w = &p->nf->wire[p->nf->guests];
	return w->subnet[0].addr.ver || w->subnet[1].addr.ver ||
	       nf_wrong(p, nf_line_of(v), "the wire %s needs a subnet, so that guests can be given addresses", w->name);
}

static bool read_routers(struct nf_parser *p, nf_node *v, void *into)
{
	p->routers = true;
	bool good = read_hosts(p, v, into);
	p->routers = false;
	return good;
}

static bool later(struct nf_parser *p, nf_node *v, void *into)
{
	(void)p, (void)v, (void)into;
	return true;
}

/* Sections refer to those before them, whatever their order in the file; so each is read in its own pass. */
static bool read_top(struct nf_parser *p, nf_node *root)
{
	static const struct nf_key sections[] = {
		{ "seed", read_seed },	 { "wires", read_wires },   { "routers", read_routers },
		{ "hosts", read_hosts }, { "guests", read_guests }, { "captures", read_captures },
	};
	struct nf_key keys[ARRAY_LEN(sections)];
	for (size_t pass = 0; pass < ARRAY_LEN(sections); pass++) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			keys[i] = (struct nf_key){ sections[i].name, i == pass ? sections[i].read : later };
		if (!NF_READ_MAP(p, root, "a network file", keys, NULL))
			return false;
	}
	if (!p->nf->n_wires)
		return nf_wrong(p, 1, "the network has no wire; list at least one under `wires:`");
	if (!p->nf->n_hosts && p->nf->guests < 0)
		return nf_wrong(p, 1,
			     "the network has no host; list some under `hosts:`, or name a wire for guests with "
			     "`guests: NAME`");
	return nf_check_ends(p) && nf_check_addresses(p);
}

int netfile_read(struct netfile *nf, const char *bytes, size_t len, char *why, size_t why_len)
{
	*nf = (struct netfile){ .guests = -1 };
	struct nf_parser p = { .nf = nf, .why = why, .why_len = why_len };
	yaml_parser_t y;
	yaml_document_t doc;
	int line = 0;
	why[0] = 0;
	if (nf_has_alias(bytes, len, &line)) {
		nf_wrong(&p, line, "aliases (*name) are not taken in network files; write it out");
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&y)) {
		snprintf(why, why_len, "not enough memory");
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&y, (const unsigned char *)bytes, len);
	bool good = false;
	if (!yaml_parser_load(&y, &doc)) {
		nf_wrong(&p, (int)y.problem_mark.line + 1, "this is no YAML: %s",
		      y.problem ? y.problem : "it cannot be read");
	} else {
		p.doc = &doc;
		nf_node *root = yaml_document_get_root_node(&doc);
		good = root ? read_top(&p, root)
			    : nf_wrong(&p, 1, "the file is empty; doc/NETWORK-FILE.md shows what belongs into one");
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&y);
	if (!good)
		netfile_free(nf);
	return good ? 0 : -EINVAL;
}

void netfile_free(struct netfile *nf)
{
	for (unsigned i = 0; i < nf->n_hosts; i++) {
		for (unsigned k = 0; k < nf->host[i].n_settings; k++) {
			free(nf->host[i].setting[k].key);
			free(nf->host[i].setting[k].value);
		}
		for (unsigned k = 0; k < nf->host[i].n_nics; k++)
			free(nf->host[i].nic[k].table);
		free(nf->host[i].nic);
		free(nf->host[i].route);
		free(nf->host[i].setting);
	}
	for (unsigned i = 0; i < nf->n_captures; i++)
		free(nf->capture[i].file);
	free(nf->wire);
	free(nf->host);
	free(nf->capture);
	*nf = (struct netfile){ .guests = -1 };
}
