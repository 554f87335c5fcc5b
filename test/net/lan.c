/* The host of lan.h. */
#include "lan.h"
#include "net/net_int.h"

struct world w;
const struct ol_mac lan_mac = { { 2, 9, 9, 9, 9, 9 } };

void lan_start(struct net_config cfg)
{
	world_new(&w);
	host_new(&w, &cfg);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	net_ip6_start(w.h[0].net, LAN, w.now);
}

void lan_settled(struct net_config cfg)
{
	lan_start(cfg);
	later(20000);
	while (*said())
		;
}

/* ---- what it says -------------------------------------------------------------------------------------------------- */

static char line[512];

static void put(const char *text) { snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", *line ? " " : "", text); }

static void put_addr(const uint8_t *b)
{
	char buf[OL_ADDR_STRLEN];
	struct ol_addr a = ol_addr_from(6, b);
	put(ol_addr_str(&a, buf));
}

static void put_options(const uint8_t *p, size_t len)
{
	struct nd_opts o;
	struct nd_opt option;
	ok(wire_nd_opts(&o, p, len));
	while (wire_nd_opt_next(&o, &option))
		put(option.type == ND_OPT_SLLA ? "slla" : option.type == ND_OPT_TLLA ? "tlla" : option.type == ND_OPT_NONCE ? "nonce" :
		    option.type == ND_OPT_PREFIX ? "prefix" : option.type == ND_OPT_MTU ? "mtu" : option.type == ND_OPT_RDNSS ? "rdnss" : "?");
}

static void tell_nd(const uint8_t *p, size_t len)
{
	char flags[8] = "";
	if (p[0] == ICMP6_RA) {
		snprintf(flags, sizeof flags, "%u", be16_at(p + 6));
		put(flags);
	} else if (p[0] != ICMP6_RS) {
		put_addr(p + 8);
	}
	if (p[0] == ICMP6_NA) {
		snprintf(flags, sizeof flags, "%s%s%s", p[4] & ND_ROUTER ? "R" : "", p[4] & ND_SOLICITED ? "S" : "", p[4] & ND_OVERRIDE ? "O" : "");
		put(flags);
	}
	size_t head = p[0] == ICMP6_RS ? RS_LEN : p[0] == ICMP6_RA ? RA_LEN : ND_LEN;
	put_options(p + head, len - head);
}

/* What must hold of everything that neighbour discovery says, whatever it is: RFC 4861 4.  False: a report of groups. */
static bool tell(const struct ol_pkt *pkt)
{
	const uint8_t *ip6 = pkt->data + 14, *p = ip6 + 40;
	size_t len = pkt->len - 54;
	char buf[OL_MAC_STRLEN];
	*line = 0;
	if (be16_at(pkt->data + 12) != 0x86dd)
		return false;
	if (ip6[6] == 0)			/* hop-by-hop options: MLD */
		return false;
	static const char *const names[] = { "RS", "RA", "NS", "NA", "REDIRECT" };
	bool nd = ip6[6] == 58 && p[0] >= ICMP6_RS && p[0] <= ICMP6_REDIRECT;
	char number[8];
	snprintf(number, sizeof number, "%u", ip6[6]);
	put(nd ? names[p[0] - ICMP6_RS] : number);
	put_addr(ip6 + 8);
	put(">");
	put_addr(ip6 + 24);
	if (!nd) {
		put("to");
		put(ol_mac_str((const struct ol_mac *)pkt->data, buf));
		return true;
	}
	struct icmp_hdr h;
	struct ol_addr src = ol_addr_from(6, ip6 + 8), dst = ol_addr_from(6, ip6 + 24);
	eq(ip6[7], 255);
	eq(wire_icmp6_parse(&h, p, len, &src, &dst, false), OL_PASS);
	eq(h.code, 0);
	ok(pkt->len <= 14 + 1280);		/* req: 4861-9-b */
	tell_nd(p, len);
	return true;
}

const char *said(void)
{
	for (struct ol_pkt *pkt; (pkt = frame(&w, 0, LAN)); ) {
		bool told = tell(pkt);
		ol_pkt_free(pkt);
		if (told)
			return line;
	}
	return "";
}

static void timers(void)
{
	struct host *h = &w.h[0];
	for (struct timer *t; (t = wheel_expire(&h->wheel, w.now)); )
		if (t->kind == TIMER_LINK)
			link_expire(h->link, t, w.now);
		else
			net_expire(h->net, t, w.now);
	ok(wheel_deadline(&h->wheel) > w.now);
}

void later(long ms)
{
	ol_time until = w.now + ms * (OL_SEC / 1000);
	for (int turns = 0; turns < 100000; turns++) {
		timers();
		ol_time next = wheel_deadline(&w.h[0].wheel);
		if (next > until)
			break;
		w.now = next;
	}
	w.now = until;
	struct ol_pkt *pkt;
	struct net_rx rx;
	while (net_error_next(w.h[0].net, &pkt, &rx, w.now))
		ol_pkt_free(pkt);
	net_check(w.h[0].net);
}

long said_after(long ms)
{
	for (long n = 0; n <= ms; n++) {
		later(n ? 1 : 0);
		if (*said())
			return n;
	}
	return -1;
}

/* ---- what it hears ------------------------------------------------------------------------------------------------- */

static uint8_t msg[40 + 1400];
static size_t msg_len;
static struct nd_ra head;

enum ol_fate hear_with(const char *src, const char *dst, uint8_t hop, uint8_t code)
{
	struct ol_addr s = ip(src), d = ip(dst);
	uint8_t *p = msg + 40;
	uint8_t type = p[0];
	if (type == ICMP6_RA)
		wire_ra_build(p, &head);
	struct icmp_hdr h = { .type = type, .code = code, .rest = be32_at(p + 4) };
	wire_icmp6_build(p, &h, msg_len, &s, &d);
	wire_ip6_build(msg, &(struct ip6_hdr){ .src = s, .dst = d, .len = (uint16_t)msg_len, .next = 58, .hop = hop });
	enum ol_fate fate = give(&w, 0, LAN, msg, 40 + msg_len, ol_addr_is_multicast(&d));
	forget(&w, 0);
	net_check(w.h[0].net);
	return fate;
}

enum ol_fate hear(const char *src, const char *dst) { return hear_with(src, dst, 255, 0); }

static void begin(uint8_t type, size_t len)
{
	memset(msg, 0, sizeof msg);
	msg[40] = type;
	msg_len = len;
}

void ra(uint16_t lifetime_s)
{
	begin(ICMP6_RA, RA_LEN);
	head = (struct nd_ra){ .lifetime_s = lifetime_s };
}

struct nd_ra *ra_head(void) { return &head; }

void redirect(const char *target, const char *dst)
{
	struct ol_addr t = ip(target), d = ip(dst);
	begin(ICMP6_REDIRECT, REDIRECT_LEN);
	memcpy(msg + 48, t.b, 16);
	memcpy(msg + 64, d.b, 16);
}

void opt(const void *bytes, size_t len)
{
	ok(40 + msg_len + len <= sizeof msg);
	memcpy(msg + 40 + msg_len, bytes, len);
	msg_len += len;
}

void opt_mac(uint8_t type, const struct ol_mac *mac)
{
	uint8_t o[8] = { type, 1 };
	memcpy(o + 2, mac->b, 6);
	opt(o, sizeof o);
}

void opt_prefix(const char *prefix, uint8_t flags, uint32_t valid_s, uint32_t preferred_s)
{
	struct nd_prefix_info pi = { .flags = flags, .valid_s = valid_s, .preferred_s = preferred_s };
	unsigned plen;
	uint8_t o[PREFIX_OPT_LEN];
	ok(ol_prefix_parse(prefix, &pi.prefix, &plen));
	pi.plen = (uint8_t)plen;
	wire_nd_prefix_build(o, &pi);
	opt(o, sizeof o);
}

void opt_mtu(uint32_t mtu)
{
	uint8_t o[MTU_OPT_LEN];
	wire_nd_mtu_build(o, mtu);
	opt(o, sizeof o);
}

void opt_route(const char *prefix, uint8_t bits, uint32_t lifetime_s)
{
	struct ol_addr a;
	unsigned plen;
	uint8_t o[24] = { ND_OPT_ROUTE, 3 };
	ok(ol_prefix_parse(prefix, &a, &plen));
	o[2] = (uint8_t)plen;
	o[3] = (uint8_t)(bits << 3);
	be32_put(o + 4, lifetime_s);
	memcpy(o + 8, a.b, 16);
	opt(o, sizeof o);
}

static enum ol_fate hear_nd(uint8_t type, const char *src, const char *dst, const char *target, unsigned flags, bool mac)
{
	struct ol_addr t = ip(target);
	begin(type, ND_LEN);
	memcpy(msg + 48, t.b, 16);
	if (mac)
		opt_mac(type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA, &lan_mac);
	msg[44] = (uint8_t)flags;
	return hear(src, dst);
}

enum ol_fate hear_ns(const char *src, const char *dst, const char *target, bool slla)
{
	return hear_nd(ICMP6_NS, src, dst, target, 0, slla);
}

enum ol_fate hear_na(const char *src, const char *dst, const char *target, unsigned flags, bool tlla)
{
	return hear_nd(ICMP6_NA, src, dst, target, flags, tlla);
}

void plug(bool in)
{
	eq(link_iface_up(w.h[0].link, LAN, in, w.now), 0);
	net_iface_up(w.h[0].net, LAN, in, w.now);
}

/* ---- what it is then ----------------------------------------------------------------------------------------------- */

const char *addresses(void)
{
	static const char *const states[] = { "ready", "optimistic", "tentative", "duplicate" };
	static char text[1024];
	struct ol_addr_info i;
	char buf[OL_ADDR_STRLEN];
	*text = 0;
	for (unsigned n = 0; !net_addr_info(w.h[0].net, LAN, n, &i); n++) {
		i.addr.scope = 0;
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %s%s%s", n ? ", " : "", ol_addr_str(&i.addr, buf),
			 states[i.state], i.autoconf ? " auto" : "", i.deprecated ? " deprecated" : "");
	}
	return text;
}

struct ol_addr_info address(const char *a)
{
	struct ol_addr_info i;
	struct ol_addr want = ip(a);
	for (unsigned n = 0; !net_addr_info(w.h[0].net, LAN, n, &i); n++)
		if (!memcmp(i.addr.b, want.b, 16))
			return i;
	fail_msg("it has no address %s", a);
	return i;
}

const char *way(const char *dst)
{
	static char text[128];
	struct hop hop;
	struct ol_addr d = ip(dst);
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN];
	if (path_find(w.h[0].net, &d, NULL, 0, &hop) != OL_OK)
		return "nowhere";
	hop.next.scope = hop.src.scope = 0;
	snprintf(text, sizeof text, "%s from %s", ol_addr_str(&hop.next, a), ol_addr_str(&hop.src, b));
	return text;
}

int neigh_state_of(const char *a, bool *router)
{
	struct neigh_row row;
	struct ol_addr want = ip(a);
	for (unsigned i = 0; neigh_get(w.h[0].link, i, &row, w.now); i++)
		if (!memcmp(row.addr.b, want.b, 16)) {
			if (router)
				*router = row.router;
			return (int)row.state;
		}
	return -1;
}
