/* Interfaces of a network file, doc/NETWORK-FILE.md: listed under a host, or the host's only one, whose keys stand in the host itself. */
#include "host/netfile_int.h"
#include "base/check.h"
#include <stdio.h>
#include <string.h>

static bool nic_wire(struct nf_parser *p, nf_node *v, void *into)
{
	int w;
	if (!nf_wire_ref(p, v, &w))
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
	return nf_mtu(p, v, &((struct nf_nic *)into)->mtu);
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

static struct nf_nic *new_nic(struct nf_parser *p, nf_node *v, struct nf_host *h)
{
	struct nf_nic *nic = nf_grow(p, v, &h->nic, &h->n_nics, sizeof *nic, NF_MAX_NICS, "interfaces");
	if (nic)
		snprintf(nic->name, sizeof nic->name, "eth%u", h->n_nics - 1);
	return nic;
}

bool nf_read_nic(struct nf_parser *p, nf_node *v, struct nf_host *h)
{
	struct nf_nic *nic = new_nic(p, v, h);
	return nic && NF_READ_MAP(p, v, "an interface", nic_keys, nic);
}

/* ---- a host's only interface ------------------------------------------------------------------------------------- */
/* `wire:`, `address:` and so on in the host itself: its only interface. */
static struct nf_nic *short_nic(struct nf_parser *p, nf_node *v, struct nf_host_here *here)
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
	static bool short_##key(struct nf_parser *p, nf_node *v, void *into) \
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

const struct nf_key nf_short_keys[NF_SHORT_KEYS] = {
	{ "wire", short_wire }, { "address", short_address }, { "mac", short_mac }, { "mtu", short_mtu },
	{ "peer-address", short_peer }, { "rarp", short_rarp }, { "rarp-table", short_table },
	{ "faults-from", short_in }, { "faults-to", short_out },
	{ "address-check", short_acd }, { "address-defence", short_defend }, { "link-local", short_linklocal },
	{ "autoconf", short_autoconf }, { "dad", short_dad }, { "advertise", short_advertise },
};
