#ifndef HOST_NETFILE_H
#define HOST_NETFILE_H
/*
 * A network file as a value: what doc/NETWORK-FILE.md describes, read and checked, and nothing done yet.  Reading
 * touches only the bytes it is given; whoever builds the network from it need not check again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_wire.h>

#define NF_NAME_MAX 63
#define NF_MAX_HOSTS 4000
#define NF_MAX_WIRES 1000
#define NF_MAX_NICS 16
#define NF_MAX_ADDRS 16
#define NF_MAX_ROUTES 256
#define NF_MAX_SETTINGS 64
#define NF_MAX_CAPTURES 64
#define NF_MAX_RARP 1024

struct nf_prefix { struct ol_addr addr; unsigned plen; };
struct nf_wire {
	char name[NF_NAME_MAX + 1];
	int line;
	uint8_t link;				/* enum ol_link: a switch or cable, or a serial line */
	bool strict, fast;			/* fast: it says so */
	uint32_t mtu;				/* 0: the default of its kind */
	struct nf_prefix subnet[2];		/* IPv4, IPv6; ver 0: none */
	struct ol_faults faults;		/* of the wire: on every way in */
	char tap[16];				/* "" : none */
};
enum nf_said { NF_UNSAID, NF_YES, NF_NO };
/* What a router advertises; a prefix list left empty means the prefixes of its own addresses. */
struct nf_adv { bool on; int line; struct ol_ra_config ra; uint32_t valid_s, preferred_s; };
struct nf_rarp { int line; struct ol_mac mac; struct ol_addr addr; bool has_mac; };
struct nf_nic {
	int line;
	char name[16];
	unsigned wire;				/* index */
	struct nf_prefix addr[NF_MAX_ADDRS];
	unsigned n_addrs;			/* 0: the wire's subnet gives them */
	struct ol_mac mac; bool has_mac;
	bool rarp;				/* asks for its address */
	struct nf_rarp *table; unsigned n_table;	/* answers such questions */
	struct ol_addr peer;			/* PPP: for a peer without an address; ver 0: none */
	bool named;
	uint32_t mtu;				/* 0: the wire's */
	struct ol_faults in, out;
	bool has_in, has_out;
	enum ol_acd acd; enum ol_defend defend;
	bool linklocal;
	enum nf_said autoconf, dad;
	struct nf_adv adv;
};
struct nf_route { int line; struct nf_prefix to; struct ol_addr via; uint32_t metric; };
struct nf_setting { int line; char *key, *value; };
struct nf_host {
	char name[NF_NAME_MAX + 1];
	int line;
	bool forwarding;
	struct nf_nic *nic; unsigned n_nics;
	struct nf_route *route; unsigned n_routes;
	struct nf_setting *setting; unsigned n_settings;
};
struct nf_capture {
	int line;
	char *file;
	int host, wire;				/* indices; -1: any */
	char interface[16];			/* "": any */
};
struct netfile {
	bool has_seed; uint64_t seed;
	int guests;				/* index of the wire for hosts of runs; -1: none */
	struct nf_wire *wire; unsigned n_wires;
	struct nf_host *host; unsigned n_hosts;
	struct nf_capture *capture; unsigned n_captures;
};

/**
 * Reads a network file.
 * @param why  why_len bytes; on failure "line 7: " and one sentence that says what is wrong and what to do
 * @return 0, and *nf is to be given to netfile_free; -EINVAL or -ENOMEM, and *nf is empty
 */
int netfile_read(struct netfile *nf, const char *text, size_t len, char *why, size_t why_len);
void netfile_free(struct netfile *nf);

#endif
