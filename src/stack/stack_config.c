/*
 * Settings by the leaf names of Linux's sysctls: TCP's own table (tcp_config.c), and here those of the floors below and
 * above it, as offsets into one struct.  Where Linux has no such setting the name is one that could be its.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "stack/stack_int.h"

enum kind { K_BOOL, K_U8, K_U32, K_SEC, K_MS, K_PORTS };
static const struct setting { const char *name; enum kind kind; size_t at; int64_t lo, hi; const char *help; } settings[] = {
#define S(name, kind, field, lo, hi, help) { name, kind, offsetof(struct ol_config, field), lo, hi, help }
	S("ip_default_ttl", K_U8, net.ttl, 1, 255, "time to live of IPv4 datagrams"),
	S("hop_limit", K_U8, net.hop_limit, 1, 255, "hop limit of IPv6 datagrams"),
	S("ip_forward", K_BOOL, net.forward4, 0, 1, "forward IPv4 datagrams between interfaces"),
	S("forwarding", K_BOOL, net.forward6, 0, 1, "forward IPv6 datagrams between interfaces"),
	S("ip_any_local", K_BOOL, net.any_local, 0, 1, "every unicast destination is ours: for tests without addresses"),
	S("accept_source_route", K_BOOL, net.accept_source_route, 0, 1, "take datagrams with a source route of IPv4, and forward them by it"),
	S("ip_accept_redirects", K_BOOL, net.accept_redirects4, 0, 1, "IPv4 gateways may name a better first hop"),
	S("ipfrag_high_thresh", K_U32, net.frag_max_bytes, 0, UINT32_MAX, "bytes that may wait for missing fragments"),
	S("ipfrag_time", K_SEC, net.frag_timeout_ns, 1, 3600, "seconds a fragment waits for the others"),
	S("icmp_ratelimit", K_U32, net.icmp_rate_per_s, 0, UINT32_MAX, "ICMP errors a second"),
	S("icmp_echo_ignore_broadcasts", K_BOOL, net.echo_ignore_broadcasts, 0, 1, "leave echo requests to many unanswered"),
	S("igmp_qrv", K_U8, net.igmp_qrv, 1, 7, "IGMP's robustness: how often a change is reported (RFC 3376 8.1)"),
	S("mld_qrv", K_U8, net.mld_qrv, 1, 7, "MLD's robustness: how often a change is reported (RFC 3810 9.1)"),
	S("force_igmp_version", K_U8, net.force_igmp_version, 0, 3, "0: IGMP as queriers speak it; 1, 2: none newer; 3: no other"),
	S("force_mld_version", K_U8, net.force_mld_version, 0, 2, "0: MLD as queriers speak it; 1: the older; 2: no other"),
	S("dad_transmits", K_U8, net.ip6.dad_transmits, 0, 255, "how often others are asked for a new IPv6 address; 0: never"),
	S("optimistic_dad", K_BOOL, net.ip6.optimistic_dad, 0, 1, "a new IPv6 address is used while others are asked (RFC 4429)"),
	S("accept_ra", K_U8, net.ip6.accept_ra, 0, 2, "router advertisements: 0 ignored, 1 believed unless we forward, 2 believed"),
	S("autoconf", K_BOOL, net.ip6.autoconf, 0, 1, "IPv6 addresses are made from prefixes that routers advertise"),
	S("accept_redirects", K_BOOL, net.ip6.accept_redirects, 0, 1, "IPv6 routers may name a better first hop"),
	S("router_solicitations", K_U8, net.ip6.router_solicitations, 0, 255, "how often IPv6 routers are asked for"),
	S("addr_gen_mode", K_U8, net.ip6.addr_gen_mode, 0, 2, "IPv6 identifiers: 0 from the hardware address, 2 by RFC 7217"),
	S("gro", K_BOOL, net.gro, 0, 1, "segments of one connection that come in one batch are taken together"),
	S("gc_thresh3", K_U32, link.neigh_max, 1, 1 << 24, "neighbours that are kept"),
	S("unres_qlen", K_U32, link.neigh_queue, 1, 65536, "packets that wait for one neighbour's address"),
	S("base_reachable_time_ms", K_MS, link.base_reachable_ns, 1, 3600000, "how long a neighbour is reachable (RFC 4861 10)"),
	S("retrans_time_ms", K_MS, link.retrans_ns, 1, 3600000, "time between two solicitations of a neighbour"),
	S("delay_first_probe_time", K_SEC, link.delay_probe_ns, 0, 3600, "seconds until a stale neighbour is probed"),
	S("mcast_solicit", K_U8, link.mcast_solicit, 1, 255, "multicast solicitations before a neighbour is given up"),
	S("ucast_solicit", K_U8, link.ucast_solicit, 1, 255, "unicast probes before a neighbour is given up"),
	S("rarp_wait_ms", K_MS, link.rarp_wait_ns, 1, 3600000, "time for an answer to the first RARP request; twice that to each further"),
	S("rarp_tries", K_U8, link.rarp_tries, 1, 30, "RARP requests before nobody is there"),
	S("ppp_restart_ms", K_MS, link.ppp.timing.restart_ns, 1, 3600000, "PPP's Restart timer (RFC 1661 4.6)"),
	S("ppp_max_terminate", K_U8, link.ppp.timing.max_terminate, 1, 255, "Terminate-Requests before a peer is given up"),
	S("ppp_max_configure", K_U8, link.ppp.timing.max_configure, 1, 255, "Configure-Requests before a peer is waited for"),
	S("ppp_max_failure", K_U8, link.ppp.timing.max_failure, 1, 255, "Configure-Naks before an option is rejected"),
	S("ppp_mru", K_U32, link.ppp.mru, 0, 16384, "bytes of a packet that a PPP peer may send; 0: the interface's MTU"),
	S("ppp_accm", K_U32, link.ppp.accm, 0, UINT32_MAX, "characters below 32 that a PPP peer is to escape, a bit for each"),
	S("ppp_magic", K_BOOL, link.ppp.magic, 0, 1, "look for a looped line by magic numbers (RFC 1661 6.4)"),
	S("ppp_pfc", K_BOOL, link.ppp.pfc, 0, 1, "ask for short Protocol fields (RFC 1661 6.5)"),
	S("ppp_acfc", K_BOOL, link.ppp.acfc, 0, 1, "ask for frames without Address and Control (RFC 1661 6.6)"),
	S("ppp_vj", K_BOOL, link.ppp.vj, 0, 1, "compress TCP/IPv4 headers where the peer does too (RFC 1332 4)"),
	S("ppp_vj_max_slot", K_U8, link.ppp.vj_slots, 0, 255, "highest slot of compressed headers that is kept"),
	S("ppp_ipv6", K_BOOL, link.ppp.ipv6, 0, 1, "negotiate IPv6 on PPP interfaces of an MTU that bears it (RFC 5072)"),
	S("ppp_defaultroute", K_BOOL, link.ppp.defaultroute, 0, 1, "the default route leads over a PPP interface while it is open"),
	S("ppp_echo_interval", K_SEC, link.ppp.echo_ns, 0, 3600, "seconds between LCP's Echo-Requests; 0: none"),
	S("ppp_echo_failure", K_U8, link.ppp.echo_failure, 0, 255, "unanswered Echo-Requests that end a link; 0: any number"),
	S("cslip_max_slot", K_U8, link.cslip_slots, 0, 255, "highest slot of compressed headers on CSLIP lines"),
	S("cslip_cid", K_BOOL, link.cslip_cid, 0, 1, "leave the slot out where it does not change, though SLIP sees no errors (RFC 1144 4.1)"),
	S("ip_local_port_range", K_PORTS, sock.port_lo, 1, 65535, "first and last ephemeral port"),
	S("ip_nonlocal_bind", K_BOOL, sock.nonlocal_bind, 0, 1, "bind() takes addresses that are not ours"),
	S("igmp_max_memberships", K_U32, sock.igmp_max_memberships, 0, 65536, "multicast groups a socket may join"),
	S("igmp_max_msf", K_U32, sock.igmp_max_msf, 64, 1024, "sources in an IPv4 multicast filter of a socket"),
	S("mld_max_msf", K_U32, sock.mld_max_msf, 64, 1024, "sources in an IPv6 multicast filter of a socket"),
	S("rmem_default", K_U32, sock.rmem_default, 2304, INT32_MAX, "receive buffer of datagram sockets at birth, bytes"),
	S("rmem_max", K_U32, sock.rmem_max, 2304, INT32_MAX, "most that SO_RCVBUF takes, bytes"),
	S("wmem_default", K_U32, sock.wmem_default, 4608, INT32_MAX, "send buffer of datagram sockets at birth, bytes"),
	S("wmem_max", K_U32, sock.wmem_max, 4608, INT32_MAX, "most that SO_SNDBUF takes, bytes"),
#undef S
};

struct ol_config *ol_config_new(void)
{
	struct ol_config *cfg = calloc(1, sizeof *cfg);
	if (cfg) {
		cfg->link = link_config_default();
		cfg->net = net_config_default();
		cfg->tcp = tcp_config_default();
		cfg->sock = sock_config_default();
	}
	return cfg;
}

void ol_config_free(struct ol_config *cfg) { free(cfg); }

void ol_config_seed(struct ol_config *cfg, const uint8_t seed[16])
{
	memcpy(cfg->seed, seed, 16);
	memcpy(cfg->link.seed, seed, 16);
	memcpy(cfg->net.seed, seed, 16);
	memcpy(cfg->tcp.seed, seed, 16);
	memcpy(cfg->sock.seed, seed, 16);
}

/* ---- from text ------------------------------------------------------------------------------------------------- */
static bool read_number(const char **p, const struct setting *s, int64_t *v)
{
	char *end;
	errno = 0;
	*v = strtoll(*p, &end, 10);
	if (end == *p || errno || *v < s->lo || *v > s->hi)
		return false;
	*p = end;
	return true;
}

static bool at_end(const char *p)
{
	return p[strspn(p, " \t\n")] == 0;
}

static int set_ports(struct ol_config *cfg, const struct setting *s, const char *p)
{
	int64_t lo, hi;
	if (!read_number(&p, s, &lo) || !strspn(p, ":- \t"))
		return -EINVAL;
	p += strspn(p, ":- \t");
	if (!read_number(&p, s, &hi) || !at_end(p) || hi < lo)
		return -EINVAL;
	cfg->sock.port_lo = (uint16_t)lo;
	cfg->sock.port_hi = (uint16_t)hi;
	return 0;
}

static void store(void *at, enum kind kind, int64_t v)
{
	switch (kind) {
	case K_BOOL:	*(bool *)at = v != 0; break;
	case K_U8:	*(uint8_t *)at = (uint8_t)v; break;
	case K_U32:	*(uint32_t *)at = (uint32_t)v; break;
	case K_SEC:	*(ol_time *)at = v * OL_SEC; break;
	case K_MS:	*(ol_time *)at = v * OL_MS; break;
	case K_PORTS:	break;
	}
}

static int64_t load(const void *at, enum kind kind)
{
	switch (kind) {
	case K_BOOL:	return *(const bool *)at;
	case K_U8:	return *(const uint8_t *)at;
	case K_U32:	return *(const uint32_t *)at;
	case K_SEC:	return *(const ol_time *)at / OL_SEC;
	case K_MS:	return *(const ol_time *)at / OL_MS;
	case K_PORTS:	break;
	}
	return 0;
}

static const struct setting *find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!strcmp(settings[i].name, key))
			return &settings[i];
	return NULL;
}

int ol_config_set(struct ol_config *cfg, const char *key, const char *value)
{
	const struct setting *s = find(key);
	int64_t v;
	if (!s)
		return tcp_config_set(&cfg->tcp, key, value);
	if (s->kind == K_PORTS)
		return set_ports(cfg, s, value);
	if (!read_number(&value, s, &v) || !at_end(value))
		return -EINVAL;
	store((char *)cfg + s->at, s->kind, v);
	return 0;
}

/* "a=1,b=2"; blanks around names and values do not count. */
static int set_item(struct ol_config *cfg, const char *item, size_t len)
{
	char text[128], *eq;
	if (len >= sizeof text)
		return -EINVAL;
	memcpy(text, item, len);
	text[len] = 0;
	eq = strchr(text, '=');
	if (!eq)
		return -EINVAL;
	*eq = 0;
	char *key = text + strspn(text, " \t\n"), *value = eq + 1 + strspn(eq + 1, " \t\n");
	key[strcspn(key, " \t\n")] = 0;
	return ol_config_set(cfg, key, value);
}

int ol_config_set_list(struct ol_config *cfg, const char *list, const char **bad)
{
	for (const char *p = list; *p; ) {
		size_t len = strcspn(p, ",");
		int err = len ? set_item(cfg, p, len) : 0;
		if (err) {
			if (bad)
				*bad = p;
			return err;
		}
		p += len + (p[len] == ',');
	}
	return 0;
}

/* ---- to text --------------------------------------------------------------------------------------------------- */
int ol_config_get(const struct ol_config *cfg, const char *key, char *buf, size_t len)
{
	const struct setting *s = find(key);
	if (!s)
		return tcp_config_get(&cfg->tcp, key, buf, len);
	if (s->kind == K_PORTS)
		return snprintf(buf, len, "%u:%u", cfg->sock.port_lo, cfg->sock.port_hi);
	return snprintf(buf, len, "%" PRId64, load((const char *)cfg + s->at, s->kind));
}

const char *ol_config_name(unsigned i)
{
	return i < ARRAY_LEN(settings) ? settings[i].name : tcp_config_name(i - (unsigned)ARRAY_LEN(settings));
}

const char *ol_config_help(unsigned i)
{
	return i < ARRAY_LEN(settings) ? settings[i].help : tcp_config_help(i - (unsigned)ARRAY_LEN(settings));
}
