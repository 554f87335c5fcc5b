#ifndef TEST_NET_LAN_H
#define TEST_NET_LAN_H
/*
 * One host on an Ethernet where the test is everybody else: it says what neighbours and routers say, and reads what the host
 * says about it, as text.  Virtual time, seeds.
 */
#include "world.h"

extern struct world w;			/* the host is 0, its interface LAN */
enum { LAN = 2 };
#define LAN_LL "fe80::ff:fe00:1"	/* the link-local address that its hardware address makes */
extern const struct ol_mac lan_mac;	/* the neighbours' */

/** The defaults, and as many seconds of nobody else speaking as are given. */
void lan_start(struct net_config cfg);
/** Its first addresses are settled, its questions for routers asked; nothing of what it said so far is left. */
void lan_settled(struct net_config cfg);

/* ---- what it says ---- */
/**
 * What it said next about neighbours and routers (reports of groups left out), or "" when it said nothing more: "NS :: >
 * ff02::1:ff00:1 fd00::1 nonce", "NA ... RSO tlla", "RS ... slla", "RA ... 1800 slla"; other datagrams as "17 fd00::1 > fd00::2 to 02:09:09:09:09:09".
 */
const char *said(void);
#define says(text) eq_str(said(), text)
#define silent() eq_str(said(), "")
/** Time passes until it says something, at most so many ms; how many it took, or -1. */
long said_after(long ms);
void later(long ms);			/* time passes, and what it says meanwhile is kept */

/* ---- what it hears ---- */
enum ol_fate hear_ns(const char *src, const char *dst, const char *target, bool slla);
enum ol_fate hear_na(const char *src, const char *dst, const char *target, unsigned flags, bool tlla);
/** A message that is being written: first one of these, then its options, then hear(). */
void ra(uint16_t lifetime_s);
struct nd_ra *ra_head(void);		/* to change what the header says */
void redirect(const char *target, const char *dst);
void opt(const void *bytes, size_t len);	/* whole options, as bytes */
void opt_mac(uint8_t type, const struct ol_mac *mac);
void opt_prefix(const char *prefix, uint8_t flags, uint32_t valid_s, uint32_t preferred_s);
void opt_mtu(uint32_t mtu);
void opt_route(const char *prefix, uint8_t bits, uint32_t lifetime_s);
enum ol_fate hear(const char *src, const char *dst);
enum ol_fate hear_with(const char *src, const char *dst, uint8_t hop, uint8_t code);

void plug(bool in);			/* its cable */

/* ---- what it is then ---- */
/** Its addresses on the interface, with their states: "fd00::1 ready, fe80::ff:fe00:1 optimistic auto". */
const char *addresses(void);
/** Where a datagram to dst goes: "fe80::1 from fd00::1", or "nowhere". */
const char *way(const char *dst);
struct ol_addr_info address(const char *a);
int neigh_state_of(const char *a, bool *router);	/* -1: not known */

#endif
