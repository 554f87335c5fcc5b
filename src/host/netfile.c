/*
 * Reads network files: YAML by libyaml, then our own checks, each of which names the line and says what to do.  What
 * a file may say is in doc/NETWORK-FILE.md.  Files come from people, so the first mistake is told well; and from
 * fuzzers, so everything that is counted has a bound, and aliases are refused (they make small files huge).
 *
 * A map is read by a table of its keys: each has a reader, and a key that is in no table is a mistake.
 */
#include "host/netfile.h"
#include "base/check.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH_NODES = 200000 };

struct parser { struct netfile *nf; yaml_document_t *doc; char *why; size_t why_len; bool routers; };
typedef yaml_node_t node;
/* Reads the value of a key into `into`; false: the sentence is written. */
struct key { const char *name; bool (*read)(struct parser *p, node *v, void *into); };

__attribute__((format(printf, 3, 4))) static bool wrong(struct parser *p, int line, const char *fmt, ...)
{
	int n = snprintf(p->why, p->why_len, "line %d: ", line);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p->why + n, p->why_len - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static int line_of(const node *v) { return (int)v->start_mark.line + 1; }
static node *at(struct parser *p, int i) { return yaml_document_get_node(p->doc, i); }

/* ---- scalars ----------------------------------------------------------------------------------------------------- */
/* The text of a scalar without NUL bytes, or NULL and a sentence. */
static const char *text(struct parser *p, const node *v, const char *what)
{
	if (v->type == YAML_SCALAR_NODE && strlen((const char *)v->data.scalar.value) == v->data.scalar.length &&
	    v->data.scalar.length)
		return (const char *)v->data.scalar.value;
	wrong(p, line_of(v), "%s must be a single value", what);
	return NULL;
}

static bool number(struct parser *p, const node *v, const char *what, uint64_t lo, uint64_t hi, uint64_t *out)
{
	const char *s = text(p, v, what);
	if (!s)
		return false;
	char *end;
	errno = 0;
	unsigned long long n = strtoull(s, &end, 0);
	if (!isdigit((unsigned char)*s) || *end || errno || n < lo || n > hi)
		return wrong(p, line_of(v), "%s is a number from %llu to %llu, not %s", what, (unsigned long long)lo,
			     (unsigned long long)hi, s);
	*out = n;
	return true;
}

static bool boolean(struct parser *p, const node *v, const char *what, bool *out)
{
	const char *s = text(p, v, what);
	if (!s)
		return false;
	*out = !strcmp(s, "true") || !strcmp(s, "yes") || !strcmp(s, "on");
	if (!*out && strcmp(s, "false") && strcmp(s, "no") && strcmp(s, "off"))
		return wrong(p, line_of(v), "%s is yes or no, not %s", what, s);
	return true;
}

/* Names are labels of host names, so that hosts can be looked up by them. */
static bool name(struct parser *p, const node *v, const char *what, char out[NF_NAME_MAX + 1])
{
	const char *s = text(p, v, what);
	if (!s)
		return false;
	size_t n = strlen(s);
	if (n > NF_NAME_MAX || s[0] == '-' || s[n - 1] == '-' ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return wrong(p, line_of(v), "%s is no name for %s: use 1 to %d lower-case letters, digits and '-'", s,
			     what, NF_NAME_MAX);
	memcpy(out, s, n + 1);
	return true;
}

static bool interface_name(struct parser *p, const node *v, char out[16])
{
	const char *s = text(p, v, "the name of an interface");
	if (!s)
		return false;
	size_t n = strlen(s);
	if (n > 15 || strcspn(s, "/ :\t") != n || !strcmp(s, "lo"))
		return wrong(p, line_of(v),
			     "%s is no name for an interface: 1 to 15 characters, no '/', ':' or blank, and not lo", s);
	memcpy(out, s, n + 1);
	return true;
}

/* need_len: a host address needs the length of its prefix to be of use. */
static bool prefix(struct parser *p, const node *v, const char *what, bool need_len, struct nf_prefix *out)
{
	const char *s = text(p, v, what);
	if (!s)
		return false;
	if (!ol_prefix_parse(s, &out->addr, &out->plen))
		return wrong(p, line_of(v), "%s is no %s; write it as 10.0.0.1/24 or fd00::1/64", s, what);
	if (need_len && !strchr(s, '/'))
		return wrong(p, line_of(v), "%s needs the length of its prefix: %s/%d", s, s,
			     out->addr.ver == 4 ? 24 : 64);
	return true;
}

/* Bits behind the prefix length. */
static bool has_host_bits(const struct nf_prefix *x)
{
	for (unsigned bit = x->plen; bit < (x->addr.ver == 4 ? 32u : 128u); bit++)
		if (x->addr.b[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

static bool faults(struct parser *p, const node *v, struct ol_faults *f)
{
	char why[256];
	const char *s = text(p, v, "faults");
	if (s && ol_faults_parse(f, s, why, sizeof why))
		return wrong(p, line_of(v), "%s", why);
	return s != NULL;
}

/* ---- maps and lists ---------------------------------------------------------------------------------------------- */
static bool read_map(struct parser *p, node *v, const char *what, const struct key *keys, size_t n, void *into)
{
	if (v->type != YAML_MAPPING_NODE)
		return wrong(p, line_of(v), "%s must be written as `key: value` lines", what);
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		node *k = at(p, i->key), *val = at(p, i->value);
		const char *s = text(p, k, "a key");
		if (!s)
			return false;
		size_t which = 0;
		while (which < n && strcmp(keys[which].name, s))
			which++;
		if (which == n) {
			char known[256] = "";
			for (size_t j = 0; j < n; j++)
				snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", j ? ", " : "",
					 keys[j].name);
			return wrong(p, line_of(k), "%s has no key %s; it may have: %s", what, s, known);
		}
		for (yaml_node_pair_t *j = v->data.mapping.pairs.start; j < i; j++)
			if (!strcmp((const char *)at(p, j->key)->data.scalar.value, s))
				return wrong(p, line_of(k), "the key %s stands twice in %s (first in line %d)", s, what,
					     line_of(at(p, j->key)));
		if (!keys[which].read(p, val, into))
			return false;
	}
	return true;
}
#define READ_MAP(p, v, what, keys, into) read_map(p, v, what, keys, ARRAY_LEN(keys), into)

/* A list, or a single value as a list of one. */
static bool each(struct parser *p, node *v, bool (*read)(struct parser *, node *, void *), void *into)
{
	if (v->type != YAML_SEQUENCE_NODE)
		return read(p, v, into);
	for (yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++)
		if (!read(p, at(p, *i), into))
			return false;
	return true;
}

/* One element more at the end of an array; NULL and a sentence when there are too many. */
static void *grow(struct parser *p, const node *v, void *array, unsigned *n, size_t size, unsigned max,
		  const char *what)
{
	void **a = array;
	if (*n >= max) {
		wrong(p, line_of(v), "too many %s: no more than %u fit", what, max);
		return NULL;
	}
	uint8_t *grown = realloc(*a, (*n + 1) * size);
	if (!grown) {
		wrong(p, line_of(v), "not enough memory");
		return NULL;
	}
	*a = grown;
	memset(grown + *n * size, 0, size);
	return grown + (*n)++ * size;
}

static int find_wire(const struct netfile *nf, const char *s)
{
	for (unsigned i = 0; i < nf->n_wires; i++)
		if (!strcmp(nf->wire[i].name, s))
			return (int)i;
	return -1;
}

static int find_host(const struct netfile *nf, const char *s)
{
	for (unsigned i = 0; i < nf->n_hosts; i++)
		if (!strcmp(nf->host[i].name, s))
			return (int)i;
	return -1;
}

static bool wire_ref(struct parser *p, const node *v, int *out)
{
	const char *s = text(p, v, "a wire's name");
	if (!s)
		return false;
	*out = find_wire(p->nf, s);
	return *out >= 0 || wrong(p, line_of(v), "there is no wire %s; wires are listed under `wires:`", s);
}

/* ---- wires ------------------------------------------------------------------------------------------------------- */
static bool wire_mode(struct parser *p, node *v, void *into)
{
	struct nf_wire *w = into;
	const char *s = text(p, v, "mode");
	if (!s)
		return false;
	w->strict = !strcmp(s, "strict");
	return w->strict || !strcmp(s, "fast") || wrong(p, line_of(v), "a wire's mode is fast or strict, not %s", s);
}

static bool wire_mtu(struct parser *p, node *v, void *into)
{
	uint64_t n = 0;
	if (!number(p, v, "mtu", 68, 65535, &n))
		return false;
	((struct nf_wire *)into)->mtu = (uint32_t)n;
	return true;
}

static bool wire_subnet_one(struct parser *p, node *v, void *into)
{
	struct nf_wire *w = into;
	struct nf_prefix x;
	if (!prefix(p, v, "subnet", true, &x))
		return false;
	char s[OL_ADDR_STRLEN];
	if (has_host_bits(&x))
		return wrong(p, line_of(v), "%s/%u is a host's address, not a subnet: the bits behind /%u must be zero",
			     ol_addr_str(&x.addr, s), x.plen, x.plen);
	if (x.plen > (x.addr.ver == 4 ? 30u : 126u))
		return wrong(p, line_of(v), "a subnet of /%u has no room for two hosts", x.plen);
	struct nf_prefix *slot = &w->subnet[x.addr.ver == 6];
	if (slot->addr.ver)
		return wrong(p, line_of(v), "the wire %s has an IPv%d subnet already", w->name, x.addr.ver);
	for (unsigned i = 0; i + 1 < p->nf->n_wires; i++) {
		struct nf_prefix *o = &p->nf->wire[i].subnet[x.addr.ver == 6];
		if (o->addr.ver && ol_addr_in_prefix(&x.addr, &o->addr, MIN(x.plen, o->plen)))
			return wrong(p, line_of(v), "the subnet %s/%u overlaps with that of the wire %s (line %d)",
				     ol_addr_str(&x.addr, s), x.plen, p->nf->wire[i].name, p->nf->wire[i].line);
	}
	*slot = x;
	return true;
}
static bool wire_subnet(struct parser *p, node *v, void *into) { return each(p, v, wire_subnet_one, into); }
static bool wire_faults(struct parser *p, node *v, void *into)
{
	return faults(p, v, &((struct nf_wire *)into)->faults);
}
static bool wire_tap(struct parser *p, node *v, void *into)
{
	return interface_name(p, v, ((struct nf_wire *)into)->tap);
}

static const struct key wire_keys[] = {
	{ "subnet", wire_subnet }, { "mode", wire_mode }, { "mtu", wire_mtu },
	{ "faults", wire_faults }, { "tap", wire_tap },
};

static bool is_empty(const node *v)
{
	return v->type == YAML_SCALAR_NODE &&
	       (!v->data.scalar.length || !strcmp((const char *)v->data.scalar.value, "~"));
}

static bool read_wires(struct parser *p, node *v, void *into)
{
	(void)into;
	if (v->type != YAML_MAPPING_NODE)
		return wrong(p, line_of(v), "wires must be written as `name:` lines, each with its keys below");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		char s[NF_NAME_MAX + 1];
		node *k = at(p, i->key), *val = at(p, i->value);
		if (!name(p, k, "a wire", s))
			return false;
		if (find_wire(p->nf, s) >= 0)
			return wrong(p, line_of(k), "the wire %s is there twice (first in line %d)", s,
				     p->nf->wire[find_wire(p->nf, s)].line);
		struct nf_wire *w = grow(p, k, &p->nf->wire, &p->nf->n_wires, sizeof *w, NF_MAX_WIRES, "wires");
		if (!w)
			return false;
		memcpy(w->name, s, sizeof s);
		w->line = line_of(k);
		if (!is_empty(val) && !READ_MAP(p, val, "a wire", wire_keys, w))
			return false;
		if (w->subnet[1].addr.ver && w->mtu && w->mtu < 1280)
			return wrong(p, w->line, "IPv6 needs an mtu of 1280 at least (RFC 8200)");
	}
	return true;
}

/* ---- interfaces -------------------------------------------------------------------------------------------------- */
/* What a host's map and an interface's have in common is read into the interface. */
struct host_here { struct nf_host *h; struct nf_nic *nic; bool short_form; int short_line; };

static bool nic_wire(struct parser *p, node *v, void *into)
{
	int w;
	if (!wire_ref(p, v, &w))
		return false;
	((struct nf_nic *)into)->wire = (unsigned)w;
	((struct nf_nic *)into)->line = line_of(v);
	return true;
}

static bool nic_name(struct parser *p, node *v, void *into)
{
	return interface_name(p, v, ((struct nf_nic *)into)->name);
}

static bool nic_address_one(struct parser *p, node *v, void *into)
{
	struct nf_nic *nic = into;
	struct nf_prefix x;
	char s[OL_ADDR_STRLEN];
	if (!prefix(p, v, "address", true, &x))
		return false;
	if (nic->n_addrs >= NF_MAX_ADDRS)
		return wrong(p, line_of(v), "an interface has no more than %d addresses", NF_MAX_ADDRS);
	if (ol_addr_is_any(&x.addr) || ol_addr_is_multicast(&x.addr) || ol_addr_is_loopback(&x.addr))
		return wrong(p, line_of(v), "%s cannot be the address of an interface", ol_addr_str(&x.addr, s));
	if (x.addr.ver == 4 && x.plen < 31 && !has_host_bits(&x))
		return wrong(p, line_of(v), "%s/%u is the network itself, not a host on it", ol_addr_str(&x.addr, s),
			     x.plen);
	nic->addr[nic->n_addrs++] = x;
	return true;
}
static bool nic_address(struct parser *p, node *v, void *into) { return each(p, v, nic_address_one, into); }

static bool nic_mac(struct parser *p, node *v, void *into)
{
	struct nf_nic *nic = into;
	const char *s = text(p, v, "mac");
	if (!s)
		return false;
	if (!ol_mac_parse(s, &nic->mac) || (nic->mac.b[0] & 1))
		return wrong(p, line_of(v),
			     "%s is no address of one station; write it as 02:00:00:00:00:01, the first number even",
			     s);
	nic->has_mac = true;
	return true;
}

static bool nic_mtu(struct parser *p, node *v, void *into)
{
	uint64_t n = 0;
	if (!number(p, v, "mtu", 68, 65535, &n))
		return false;
	((struct nf_nic *)into)->mtu = (uint32_t)n;
	return true;
}

static bool nic_in(struct parser *p, node *v, void *into)
{
	struct nf_nic *nic = into;
	nic->has_in = true;
	return faults(p, v, &nic->in);
}

static bool nic_out(struct parser *p, node *v, void *into)
{
	struct nf_nic *nic = into;
	nic->has_out = true;
	return faults(p, v, &nic->out);
}

static const struct key nic_keys[] = {
	{ "wire", nic_wire }, { "name", nic_name }, { "address", nic_address }, { "mac", nic_mac }, { "mtu", nic_mtu },
	{ "faults-from", nic_in },	/* what the host sends goes into the wire ... */
	{ "faults-to", nic_out },	/* ... and what it gets comes out of it */
};

static bool check_nic(struct parser *p, struct nf_host *h, struct nf_nic *nic)
{
	if (!nic->line)				/* and then there may be no wire at all */
		return wrong(p, h->line, "an interface of %s is on no wire; give it one with `wire: NAME`", h->name);
	struct nf_wire *w = &p->nf->wire[nic->wire];
	if (!nic->n_addrs && !w->subnet[0].addr.ver && !w->subnet[1].addr.ver)
		return wrong(p, nic->line, "%s needs an address here, or the wire %s a subnet to take one from",
			     h->name, w->name);
	if (nic->mtu > (w->mtu ? w->mtu : 1500))
		return wrong(p, nic->line,
			     "the wire %s carries %u bytes and no more; an interface on it cannot have an mtu of %u",
			     w->name, w->mtu ? w->mtu : 1500, nic->mtu);
	for (unsigned i = 0; i < h->n_nics; i++)
		if (&h->nic[i] != nic && !strcmp(h->nic[i].name, nic->name))
			return wrong(p, nic->line, "%s has two interfaces %s", h->name, nic->name);
	for (unsigned i = 0; i < nic->n_addrs; i++) {
		struct nf_prefix *x = &nic->addr[i], *s = &w->subnet[x->addr.ver == 6];
		char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN];
		if (s->addr.ver && !ol_addr_is_linklocal(&x->addr) && !ol_addr_in_prefix(&x->addr, &s->addr, s->plen))
			return wrong(p, nic->line, "the address %s of %s is not in the subnet %s/%u of the wire %s",
				     ol_addr_str(&x->addr, a), h->name, ol_addr_str(&s->addr, b), s->plen, w->name);
	}
	return true;
}

/* Two interfaces of the network that cannot both be: `a` comes after `b` in the file. */
static bool check_pair(struct parser *p, const struct nf_host *ha, const struct nf_nic *a, const struct nf_host *hb,
		       const struct nf_nic *b)
{
	char s[OL_ADDR_STRLEN];
	for (unsigned i = 0; i < a->n_addrs; i++)
		for (unsigned k = 0; k < b->n_addrs; k++) {
			const struct ol_addr *addr = &a->addr[i].addr;
			if (ol_addr_eq(addr, &b->addr[k].addr) && !ol_addr_is_linklocal(addr))
				return wrong(p, a->line, "%s has the address %s, which is that of %s already (line %d)",
					     ha->name, ol_addr_str(addr, s), hb->name, b->line);
		}
	if (a->has_mac && b->has_mac && a->wire == b->wire && !memcmp(&a->mac, &b->mac, sizeof a->mac))
		return wrong(p, a->line, "%s and %s have the same mac on one wire", ha->name, hb->name);
	return true;
}

/* No address twice in the network: names would lead to the wrong host, and ARP to both. */
static bool check_addresses(struct parser *p)
{
	struct nf_host *host = p->nf->host;
	for (unsigned h = 0; h < p->nf->n_hosts; h++)
		for (unsigned n = 0; n < host[h].n_nics; n++)
			for (unsigned g = 0; g <= h; g++)
				for (unsigned m = 0; m < host[g].n_nics && !(g == h && m == n); m++)
					if (!check_pair(p, &host[h], &host[h].nic[n], &host[g], &host[g].nic[m]))
						return false;
	return true;
}

/* ---- hosts ------------------------------------------------------------------------------------------------------- */
static struct nf_nic *new_nic(struct parser *p, node *v, struct nf_host *h)
{
	struct nf_nic *nic = grow(p, v, &h->nic, &h->n_nics, sizeof *nic, NF_MAX_NICS, "interfaces");
	if (nic)
		snprintf(nic->name, sizeof nic->name, "eth%u", h->n_nics - 1);
	return nic;
}

static bool host_interface(struct parser *p, node *v, void *into)
{
	struct host_here *here = into;
	struct nf_nic *nic = new_nic(p, v, here->h);
	return nic && READ_MAP(p, v, "an interface", nic_keys, nic);
}
static bool host_interfaces(struct parser *p, node *v, void *into) { return each(p, v, host_interface, into); }

/* `wire:`, `address:` and so on in the host itself: its only interface. */
static struct nf_nic *short_nic(struct parser *p, node *v, struct host_here *here)
{
	if (!here->short_form) {
		here->short_form = true;
		here->short_line = line_of(v);
		if (here->h->n_nics) {
			wrong(p, line_of(v), "%s has interfaces listed; write this into one of them", here->h->name);
			return NULL;
		}
		return new_nic(p, v, here->h);
	}
	return &here->h->nic[0];
}
#define SHORT(key) \
	static bool host_##key(struct parser *p, node *v, void *into) \
	{ \
		struct nf_nic *nic = short_nic(p, v, into); \
		return nic && nic_##key(p, v, nic); \
	}
SHORT(wire)
SHORT(address)
SHORT(mac)
SHORT(mtu)
SHORT(in)
SHORT(out)

static bool host_gateway_one(struct parser *p, node *v, void *into)
{
	struct nf_host *h = ((struct host_here *)into)->h;
	const char *s = text(p, v, "gateway");
	struct nf_route *r = s ? grow(p, v, &h->route, &h->n_routes, sizeof *r, NF_MAX_ROUTES, "routes") : NULL;
	if (!r)
		return false;
	r->line = line_of(v);
	if (!ol_addr_parse(s, &r->via))
		return wrong(p, r->line, "%s is no address of a gateway; write it as 10.0.0.1 or fd00::1", s);
	r->to.addr.ver = r->via.ver;
	return true;
}
static bool host_gateway(struct parser *p, node *v, void *into) { return each(p, v, host_gateway_one, into); }

static bool route_to(struct parser *p, node *v, void *into)
{
	return prefix(p, v, "prefix", true, &((struct nf_route *)into)->to);
}
static bool route_via(struct parser *p, node *v, void *into)
{
	const char *s = text(p, v, "via");
	return s && (ol_addr_parse(s, &((struct nf_route *)into)->via) ||
		     wrong(p, line_of(v), "%s is no address of a gateway", s));
}
static bool route_metric(struct parser *p, node *v, void *into)
{
	uint64_t n = 0;
	if (!number(p, v, "metric", 0, UINT32_MAX, &n))
		return false;
	((struct nf_route *)into)->metric = (uint32_t)n;
	return true;
}
static const struct key route_keys[] = { { "to", route_to }, { "via", route_via }, { "metric", route_metric } };

static bool host_route(struct parser *p, node *v, void *into)
{
	struct nf_host *h = ((struct host_here *)into)->h;
	struct nf_route *r = grow(p, v, &h->route, &h->n_routes, sizeof *r, NF_MAX_ROUTES, "routes");
	if (!r || !READ_MAP(p, v, "a route", route_keys, r))
		return false;
	r->line = line_of(v);
	if (!r->to.addr.ver || !r->via.ver || r->to.addr.ver != r->via.ver)
		return wrong(p, r->line, "a route needs `to:` and `via:`, both of one family");
	return !has_host_bits(&r->to) ||
	       wrong(p, r->line, "the bits behind /%u of the prefix must be zero", r->to.plen);
}
static bool host_routes(struct parser *p, node *v, void *into) { return each(p, v, host_route, into); }

static bool host_forwarding(struct parser *p, node *v, void *into)
{
	return boolean(p, v, "forwarding", &((struct host_here *)into)->h->forwarding);
}

static bool host_settings(struct parser *p, node *v, void *into)
{
	struct nf_host *h = ((struct host_here *)into)->h;
	if (v->type != YAML_MAPPING_NODE)
		return wrong(p, line_of(v), "settings must be written as `name: value` lines");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		const char *key = text(p, at(p, i->key), "a setting"),
			   *value = key ? text(p, at(p, i->value), key) : NULL;
		struct nf_setting *s = value ? grow(p, v, &h->setting, &h->n_settings, sizeof *s, NF_MAX_SETTINGS,
						    "settings")
					     : NULL;
		if (!s)
			return false;
		s->line = line_of(at(p, i->key));
		s->key = strdup(key);
		s->value = strdup(value);
		if (!s->key || !s->value)
			return wrong(p, s->line, "not enough memory");
	}
	return true;
}

static const struct key host_keys[] = {
	{ "wire", host_wire },
	{ "address", host_address },
	{ "mac", host_mac },
	{ "mtu", host_mtu },
	{ "faults-from", host_in },
	{ "faults-to", host_out },
	{ "interfaces", host_interfaces },
	{ "gateway", host_gateway },
	{ "routes", host_routes },
	{ "forwarding", host_forwarding },
	{ "settings", host_settings },
};

/* A gateway must be a neighbour where the host's own addresses are known. */
static bool check_routes(struct parser *p, const struct nf_host *h)
{
	for (unsigned i = 0; i < h->n_routes; i++) {
		const struct nf_route *r = &h->route[i];
		bool near = false;
		char s[OL_ADDR_STRLEN];
		for (unsigned n = 0; n < h->n_nics; n++) {
			const struct nf_prefix *sub = &p->nf->wire[h->nic[n].wire].subnet[r->via.ver == 6];
			near |= sub->addr.ver && !h->nic[n].n_addrs &&
				ol_addr_in_prefix(&r->via, &sub->addr, sub->plen);
			for (unsigned k = 0; k < h->nic[n].n_addrs; k++)
				near |= ol_addr_in_prefix(&r->via, &h->nic[n].addr[k].addr, h->nic[n].addr[k].plen);
		}
		if (!near)
			return wrong(p, r->line, "the gateway %s is on none of the wires of %s",
				     ol_addr_str(&r->via, s), h->name);
	}
	return true;
}

static bool read_hosts(struct parser *p, node *v, void *into)
{
	(void)into;
	if (v->type != YAML_MAPPING_NODE)
		return wrong(p, line_of(v), "%s must be written as `name:` lines, each with its keys below",
			     p->routers ? "routers" : "hosts");
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		char s[NF_NAME_MAX + 1];
		node *k = at(p, i->key);
		if (!name(p, k, "a host", s))
			return false;
		if (find_host(p->nf, s) >= 0)
			return wrong(p, line_of(k), "the host %s is there twice (first in line %d)", s,
				     p->nf->host[find_host(p->nf, s)].line);
		if (!strcmp(s, "localhost") || !strcmp(s, "outlet"))
			return wrong(p, line_of(k), "no host can be called %s: the name means something else already",
				     s);
		struct nf_host *h = grow(p, k, &p->nf->host, &p->nf->n_hosts, sizeof *h, NF_MAX_HOSTS, "hosts");
		if (!h)
			return false;
		memcpy(h->name, s, sizeof s);
		h->line = line_of(k);
		h->forwarding = p->routers;
		struct host_here here = { .h = h };
		if (!READ_MAP(p, at(p, i->value), "a host", host_keys, &here))
			return false;
		if (here.short_form && h->n_nics > 1)
			return wrong(p, here.short_line, "%s has interfaces listed; write this into one of them",
				     h->name);
		for (unsigned n = 0; n < h->n_nics; n++)
			if (!check_nic(p, h, &h->nic[n]))
				return false;
		if (!h->n_nics)
			return wrong(p, h->line, "%s is on no wire; give it one with `wire: NAME`", h->name);
		if (!check_routes(p, h))
			return false;
	}
	return true;
}

/* ---- captures and the top ---------------------------------------------------------------------------------------- */
static bool capture_file(struct parser *p, node *v, void *into)
{
	const char *s = text(p, v, "file");
	if (!s)
		return false;
	((struct nf_capture *)into)->file = strdup(s);
	return ((struct nf_capture *)into)->file || wrong(p, line_of(v), "not enough memory");
}
static bool capture_host(struct parser *p, node *v, void *into)
{
	const char *s = text(p, v, "host");
	if (!s)
		return false;
	((struct nf_capture *)into)->host = find_host(p->nf, s);
	return ((struct nf_capture *)into)->host >= 0 || wrong(p, line_of(v), "there is no host %s", s);
}
static bool capture_wire(struct parser *p, node *v, void *into)
{
	return wire_ref(p, v, &((struct nf_capture *)into)->wire);
}
static bool capture_interface(struct parser *p, node *v, void *into)
{
	char *out = ((struct nf_capture *)into)->interface;
	const char *s = text(p, v, "interface");
	if (s && !strcmp(s, "lo"))
		memcpy(out, "lo", 3);
	return s && (out[0] || interface_name(p, v, out));
}
static const struct key capture_keys[] = {
	{ "file", capture_file },
	{ "host", capture_host },
	{ "wire", capture_wire },
	{ "interface", capture_interface },
};

static bool capture_one(struct parser *p, node *v, void *into)
{
	(void)into;
	struct nf_capture *c = grow(p, v, &p->nf->capture, &p->nf->n_captures, sizeof *c, NF_MAX_CAPTURES, "captures");
	if (!c)
		return false;
	c->line = line_of(v);
	c->host = c->wire = -1;
	if (!READ_MAP(p, v, "a capture", capture_keys, c))
		return false;
	if (!c->file)
		return wrong(p, c->line, "a capture needs `file: NAME.pcapng`");
	return c->wire < 0 || (c->host < 0 && !c->interface[0]) ||
	       wrong(p, c->line, "a capture is of a wire or of a host, not of both");
}
static bool read_captures(struct parser *p, node *v, void *into) { return each(p, v, capture_one, into); }

static bool read_seed(struct parser *p, node *v, void *into)
{
	(void)into;
	p->nf->has_seed = true;
	return number(p, v, "seed", 0, UINT64_MAX, &p->nf->seed);
}

static bool read_guests(struct parser *p, node *v, void *into)
{
	(void)into;
	if (!wire_ref(p, v, &p->nf->guests))
		return false;
	const struct nf_wire *w = &p->nf->wire[p->nf->guests];
	return w->subnet[0].addr.ver || w->subnet[1].addr.ver ||
	       wrong(p, line_of(v), "the wire %s needs a subnet, so that guests can be given addresses", w->name);
}

static bool read_routers(struct parser *p, node *v, void *into)
{
	p->routers = true;
	bool good = read_hosts(p, v, into);
	p->routers = false;
	return good;
}

static bool later(struct parser *p, node *v, void *into)
{
	(void)p, (void)v, (void)into;
	return true;
}

/* Sections refer to those before them, whatever their order in the file; so each is read in its own pass. */
static bool read_top(struct parser *p, node *root)
{
	static const struct key sections[] = {
		{ "seed", read_seed },	 { "wires", read_wires },   { "routers", read_routers },
		{ "hosts", read_hosts }, { "guests", read_guests }, { "captures", read_captures },
	};
	struct key keys[ARRAY_LEN(sections)];
	for (size_t pass = 0; pass < ARRAY_LEN(sections); pass++) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			keys[i] = (struct key){ sections[i].name, i == pass ? sections[i].read : later };
		if (!READ_MAP(p, root, "a network file", keys, NULL))
			return false;
	}
	if (!p->nf->n_wires)
		return wrong(p, 1, "the network has no wire; list at least one under `wires:`");
	if (!p->nf->n_hosts && p->nf->guests < 0)
		return wrong(p, 1,
			     "the network has no host; list some under `hosts:`, or name a wire for guests with "
			     "`guests: NAME`");
	return check_addresses(p);
}

/* An alias would be the same node reached twice; libyaml has resolved it by then, so we look at the events first. */
static bool has_alias(const char *bytes, size_t len, int *line)
{
	yaml_parser_t y;
	yaml_event_t ev;
	bool alias = false, over = false;
	if (!yaml_parser_initialize(&y))
		return false;
	yaml_parser_set_input_string(&y, (const unsigned char *)bytes, len);
	for (int i = 0; i < MAX_DEPTH_NODES && !over && !alias && yaml_parser_parse(&y, &ev); i++) {
		alias = ev.type == YAML_ALIAS_EVENT;
		over = ev.type == YAML_STREAM_END_EVENT;
		*line = (int)ev.start_mark.line + 1;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&y);
	return alias;
}

int netfile_read(struct netfile *nf, const char *bytes, size_t len, char *why, size_t why_len)
{
	*nf = (struct netfile){ .guests = -1 };
	struct parser p = { .nf = nf, .why = why, .why_len = why_len };
	yaml_parser_t y;
	yaml_document_t doc;
	int line = 0;
	why[0] = 0;
	if (has_alias(bytes, len, &line)) {
		wrong(&p, line, "aliases (*name) are not taken in network files; write it out");
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&y)) {
		snprintf(why, why_len, "not enough memory");
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&y, (const unsigned char *)bytes, len);
	bool good = false;
	if (!yaml_parser_load(&y, &doc)) {
		wrong(&p, (int)y.problem_mark.line + 1, "this is no YAML: %s",
		      y.problem ? y.problem : "it cannot be read");
	} else {
		p.doc = &doc;
		node *root = yaml_document_get_root_node(&doc);
		good = root ? read_top(&p, root)
			    : wrong(&p, 1, "the file is empty; doc/NETWORK-FILE.md shows what belongs into one");
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
