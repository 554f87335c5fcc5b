#ifndef WIRE_ND_H
#define WIRE_ND_H
/*
 * Neighbour discovery's messages and their options: RFC 4861 4, RFC 4191 2 (preferences, route information), RFC 8106 5
 * (names), RFC 7527 4 (nonce).  All of them come as ICMPv6, whose header was looked at before; `p` and `len` are the
 * whole message.  A message with an option of length zero, or one that reaches beyond its end, is malformed (4861 4.6);
 * options that nobody here knows are stepped over (4861 9).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>

enum { ND_LEN = 24, RA_LEN = 16, RS_LEN = 8, REDIRECT_LEN = 40, ND_OPT_LEN = 8, ND_NONCE_LEN = 6 };
enum nd_opt_type {
	ND_OPT_SLLA = 1, ND_OPT_TLLA = 2, ND_OPT_PREFIX = 3, ND_OPT_REDIRECTED = 4, ND_OPT_MTU = 5, ND_OPT_NONCE = 14,
	ND_OPT_ROUTE = 24, ND_OPT_RDNSS = 25, ND_OPT_DNSSL = 31,
};

/* One option, whole: its first two bytes are its type and its length in units of eight. */
struct nd_opt { uint8_t type; const uint8_t *p; size_t len; };
struct nd_opts { const uint8_t *p; size_t left; };
/** Are all options within the message?  *o then walks them. */
bool wire_nd_opts(struct nd_opts *o, const uint8_t *p, size_t len);
bool wire_nd_opt_next(struct nd_opts *o, struct nd_opt *opt);
/** The address in a source or target link-layer address option of Ethernet (RFC 2464 6); false: of another kind of link. */
bool wire_nd_opt_mac(const struct nd_opt *opt, struct ol_mac *mac);

/* ---- neighbour solicitation and advertisement, RFC 4861 4.3 and 4.4 ---------------------------------------------- */
enum { ND_ROUTER = 0x80, ND_SOLICITED = 0x40, ND_OVERRIDE = 0x20 };
struct nd_msg {
	uint8_t flags;				/* of an advertisement */
	struct ol_addr target;
	bool has_mac, has_nonce;
	struct ol_mac mac;			/* its source (NS) or target (NA) link-layer address option */
	uint8_t nonce[ND_NONCE_LEN];		/* RFC 7527: of a solicitation that looks for duplicates */
};
/** False: malformed. */
bool wire_nd_parse(struct nd_msg *m, uint8_t type, const uint8_t *p, size_t len);
/** Writes what follows the first eight bytes: target and options.  Returns the message's whole length. */
size_t wire_nd_build(uint8_t *p, uint8_t type, const struct nd_msg *m);

/* ---- router advertisement, RFC 4861 4.2 -------------------------------------------------------------------------- */
enum { RA_MANAGED = 0x80, RA_OTHER = 0x40 };
struct nd_ra {
	uint8_t hop_limit, flags;		/* hop_limit 0: not said */
	int8_t pref;				/* RFC 4191 2.1: 1 high, 0 medium, -1 low */
	uint16_t lifetime_s;
	uint32_t reachable_ms, retrans_ms;	/* 0: not said */
	struct nd_opts opts;
};
bool wire_ra_parse(struct nd_ra *ra, const uint8_t *p, size_t len);
/** Writes what follows the first four bytes, RA_LEN bytes in all; options are appended by the caller. */
void wire_ra_build(uint8_t *p, const struct nd_ra *ra);

enum { PREFIX_ONLINK = 0x80, PREFIX_AUTO = 0x40, PREFIX_OPT_LEN = 32, MTU_OPT_LEN = 8 };
#define ND_INFINITE UINT32_MAX			/* of a lifetime: for ever */
struct nd_prefix_info { uint8_t plen, flags; uint32_t valid_s, preferred_s; struct ol_addr prefix; };
/** False: of a wrong length, or a prefix longer than an address. */
bool wire_nd_prefix_parse(struct nd_prefix_info *pi, const struct nd_opt *opt);
void wire_nd_prefix_build(uint8_t *p, const struct nd_prefix_info *pi);
bool wire_nd_mtu_parse(uint32_t *mtu, const struct nd_opt *opt);
void wire_nd_mtu_build(uint8_t *p, uint32_t mtu);
struct nd_route_info { uint8_t plen; int8_t pref; uint32_t lifetime_s; struct ol_addr prefix; };
/** False also for a reserved preference: such an option is ignored (RFC 4191 2.3). */
bool wire_nd_route_parse(struct nd_route_info *ri, const struct nd_opt *opt);
struct nd_rdnss { uint32_t lifetime_s; const uint8_t *addr; unsigned n; };	/* n addresses of 16 bytes */
bool wire_nd_rdnss_parse(struct nd_rdnss *r, const struct nd_opt *opt);
/**
 * The next name of a search list (RFC 8106 5.2) from *at on, which starts at 0: as text with dots, in name[256]; true
 * while there is one.  A list with a malformed name, or a compressed one, ends there.
 */
bool wire_nd_dnssl_next(const struct nd_opt *opt, size_t *at, char name[256]);
uint32_t wire_nd_dnssl_lifetime(const struct nd_opt *opt);

/* ---- redirect, RFC 4861 4.5 -------------------------------------------------------------------------------------- */
struct nd_redirect { struct ol_addr target, dst; bool has_mac; struct ol_mac mac; };
bool wire_redirect_parse(struct nd_redirect *r, const uint8_t *p, size_t len);

#endif
