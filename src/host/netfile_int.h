#ifndef HOST_NETFILE_INT_H
#define HOST_NETFILE_INT_H
/*
 * What the files that read a network file share.  Where a function returns bool, false means that the sentence is written;
 * the same holds for NULL.
 */
#include "host/netfile.h"
#include <yaml.h>

struct nf_parser { struct netfile *nf; yaml_document_t *doc; char *why; size_t why_len; bool routers; };
typedef yaml_node_t nf_node;
/* Reads the value of a key into `into`. */
struct nf_key { const char *name; bool (*read)(struct nf_parser *p, nf_node *v, void *into); };

/* ---- values: netfile_yaml.c ---- */
/** Writes the sentence; returns false. */
__attribute__((format(printf, 3, 4))) bool nf_wrong(struct nf_parser *p, int line, const char *fmt, ...);
int nf_line_of(const nf_node *v);
nf_node *nf_at(struct nf_parser *p, int i);
/** The text of a scalar without NUL bytes. */
const char *nf_text(struct nf_parser *p, const nf_node *v, const char *what);
bool nf_number(struct nf_parser *p, const nf_node *v, const char *what, uint64_t lo, uint64_t hi, uint64_t *out);
bool nf_mtu(struct nf_parser *p, const nf_node *v, uint32_t *out);
bool nf_boolean(struct nf_parser *p, const nf_node *v, const char *what, bool *out);
bool nf_name(struct nf_parser *p, const nf_node *v, const char *what, char out[NF_NAME_MAX + 1]);
bool nf_interface_name(struct nf_parser *p, const nf_node *v, char out[16]);
/** need_len: a host address needs the length of its prefix to be of use. */
bool nf_read_prefix(struct nf_parser *p, const nf_node *v, const char *what, bool need_len, struct nf_prefix *out);
/** Bits behind the prefix length. */
bool nf_has_host_bits(const struct nf_prefix *x);
bool nf_faults(struct nf_parser *p, const nf_node *v, struct ol_faults *f);
bool nf_read_map(struct nf_parser *p, nf_node *v, const char *what, const struct nf_key *keys, size_t n, void *into);
#define NF_READ_MAP(p, v, what, keys, into) nf_read_map(p, v, what, keys, ARRAY_LEN(keys), into)
/** A list, or a single value as a list of one. */
bool nf_each(struct nf_parser *p, nf_node *v, bool (*read)(struct nf_parser *, nf_node *, void *), void *into);
/** One element more at the end of an array (a pointer to its pointer). */
void *nf_grow(struct nf_parser *p, const nf_node *v, void *array, unsigned *n, size_t size, unsigned max, const char *what);
/** Is there an alias, and in which line? */
bool nf_has_alias(const char *bytes, size_t len, int *line);

/* ---- wires: netfile_wire.c ---- */
bool nf_read_wires(struct nf_parser *p, nf_node *v, void *into);
/** The index of the wire that is named. */
bool nf_wire_ref(struct nf_parser *p, const nf_node *v, int *out);

/* ---- interfaces: netfile_nic.c ---- */
/* A host as it is read.  What is said of its only interface stands in the host itself: the short form. */
struct nf_host_here { struct nf_host *h; bool short_form; int short_line; };
enum { NF_SHORT_KEYS = 15 };
extern const struct nf_key nf_short_keys[NF_SHORT_KEYS];	/* into a struct nf_host_here */
/** One that is listed under `interfaces:`. */
bool nf_read_nic(struct nf_parser *p, nf_node *v, struct nf_host *h);

/* ---- hosts: netfile_host.c ---- */
bool nf_read_hosts(struct nf_parser *p, nf_node *v, void *into);

/* ---- IPv6 of an interface: netfile_ip6.c ---- */
bool nf_autoconf(struct nf_parser *p, nf_node *v, struct nf_nic *nic);
bool nf_dad(struct nf_parser *p, nf_node *v, struct nf_nic *nic);
bool nf_advertise(struct nf_parser *p, nf_node *v, struct nf_nic *nic);
bool nf_check_ip6(struct nf_parser *p, const struct nf_host *h, const struct nf_nic *nic);

/* ---- what must hold between parts: netfile_check.c ---- */
/** An index, or -1. */
int nf_find_wire(const struct netfile *nf, const char *name);
int nf_find_host(const struct netfile *nf, const char *name);
/** No other wire has this subnet, a part of it, or one around it. */
bool nf_check_subnet(struct nf_parser *p, int line, const struct nf_wire *of, const struct nf_prefix *x);
/** What a wire says of itself. */
bool nf_check_wire(struct nf_parser *p, const struct nf_wire *w);
/** A serial line has two ends. */
bool nf_check_ends(struct nf_parser *p);
bool nf_check_nic(struct nf_parser *p, struct nf_host *h, struct nf_nic *nic);
/** A gateway must be a neighbour where the host's own addresses are known. */
bool nf_check_routes(struct nf_parser *p, const struct nf_host *h);
/** No address twice in the network. */
bool nf_check_addresses(struct nf_parser *p);

#endif
