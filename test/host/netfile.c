/* Network files: what is documented is read, every mistake is told with its line, and no bytes upset the reader. */
#include "unit.h"
#include "base/rng.h"
#include "host/netfile.h"
#include <stdlib.h>

static char why[512];
static struct netfile nf;

static bool reads(const char *text) { return netfile_read(&nf, text, strlen(text), why, sizeof why) == 0; }

/* The sentence for this text, which must be refused. */
static const char *refusal(const char *text)
{
	if (!reads(text))
		return why;
	netfile_free(&nf);
	return "(was taken)";
}

#define WIRE "wires:\n  lan: {subnet: 10.1.0.0/24}\n"		/* lines 1 and 2 */
#define SAYS(text, part) do { \
	const char *says_ = refusal(text); \
	if (!strstr(says_, part)) \
		print_error("says \"%s\", not \"%s\"\n", says_, part); \
	assert_non_null(strstr(says_, part)); \
} while (0)

TEST(short_and_long_form_of_a_host_are_the_same)
{
	ok(reads(WIRE "hosts:\n  a: {wire: lan, address: 10.1.0.5/24}\n  b:\n    interfaces:\n    - {wire: lan, "
		      "address: 10.1.0.6/24}\n"));
	eq(nf.n_hosts, 2);
	for (unsigned i = 0; i < 2; i++) {
		eq(nf.host[i].n_nics, 1);
		eq_str(nf.host[i].nic[0].name, "eth0");
		eq(nf.host[i].nic[0].n_addrs, 1);
		eq(nf.host[i].nic[0].addr[0].plen, 24);
	}
	eq(nf.guests, -1);
	netfile_free(&nf);
}

TEST(sections_may_come_in_any_order)
{
	ok(reads("guests: lan\nhosts:\n  a: {wire: lan}\ncaptures:\n- {file: x, host: a}\nwires:\n  lan: {subnet: "
		 "10.1.0.0/24}\nseed: 0x10\n"));
	eq(nf.guests, 0);
	eq(nf.seed, 16);
	eq(nf.capture[0].host, 0);
	netfile_free(&nf);
}

TEST(how_addresses_are_checked_is_read_from_an_interface_or_a_host)
{
	ok(reads(WIRE "hosts:\n  a: {wire: lan, address-check: probe, address-defence: always}\n  b: {wire: lan}\n  c:\n    interfaces:\n"
		 "    - {wire: lan, address-check: announce, address-defence: never}\n"));
	eq(nf.host[0].nic[0].acd, OL_ACD_PROBE);
	eq(nf.host[0].nic[0].defend, OL_DEFEND_ALWAYS);
	eq(nf.host[1].nic[0].acd, OL_ACD_OFF);
	eq(nf.host[1].nic[0].defend, OL_DEFEND_ONCE);
	eq(nf.host[2].nic[0].acd, OL_ACD_ANNOUNCE);
	eq(nf.host[2].nic[0].defend, OL_DEFEND_NEVER);
	netfile_free(&nf);
	ok(reads("wires:\n  lan: {}\nhosts:\n  a: {wire: lan, link-local: yes}\n  b: {wire: lan, address: 169.254.1.1/16}\n"));
	ok(nf.host[0].nic[0].linklocal);
	ok(!nf.host[1].nic[0].linklocal);
	netfile_free(&nf);
	SAYS("wires:\n  lan: {}\nhosts:\n  b: {wire: lan, address: 169.254.1.1/24}\n", "line 4: 169.254.0.0/16 is one subnet");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address-check: yes}\n", "line 4: address-check is no, announce or probe, not yes");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address-defence: twice}\n", "line 4: address-defence is once, never or always, not twice");
}

TEST(faults_are_read_by_the_wires_own_reader)
{
	ok(reads("wires:\n  lan: {subnet: 10.1.0.0/24, faults: loss=1% delay=5ms}\nhosts:\n  a: {wire: lan, "
		 "faults-from: cut}\n"));
	eq(nf.wire[0].faults.loss_ppb, 10000000);
	eq(nf.wire[0].faults.delay_ns, 5000000);
	ok(nf.host[0].nic[0].has_in && nf.host[0].nic[0].in.cut);
	ok(!nf.host[0].nic[0].has_out);
	netfile_free(&nf);
}

TEST(mistakes_are_told_with_their_line_and_what_to_do)
{
	SAYS("", "empty");
	SAYS("wires: [", "this is no YAML");
	SAYS("wirse:\n  lan: {}\n", "line 1: a network file has no key wirse; it may have: seed, wires");
	SAYS("wires:\n  lan: {}\n", "no host");
	SAYS("hosts:\n  a: {wire: lan}\n", "line 2: there is no wire lan");
	SAYS(WIRE "hosts:\n  a: {}\n", "line 4: a is on no wire");
	SAYS("hosts:\n  a: {mtu: 1500}\n", "line 2: an interface of a is on no wire");
	SAYS(WIRE "hosts:\n  A: {wire: lan}\n", "line 4: A is no name");
	SAYS(WIRE "hosts:\n  a: {wire: lan}\n  a: {wire: lan}\n",
	     "line 5: the host a is there twice (first in line 4)");
	SAYS(WIRE "hosts:\n  a: {wire: lan}\nrouters:\n  a: {wire: lan}\n", "is there twice");
	SAYS(WIRE "hosts:\n  a: {wire: lan, wire: lan}\n", "line 4: the key wire stands twice");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 10.1.0.1}\n", "line 4: 10.1.0.1 needs the length of its prefix");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 10.1.0.300/24}\n", "line 4: 10.1.0.300/24 is no address");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 10.1.0.0/24}\n", "the network itself");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 10.2.0.1/24}\n", "is not in the subnet 10.1.0.0/24");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 127.0.0.1/8}\n", "cannot be the address");
	SAYS(WIRE "hosts:\n  a: {wire: lan, address: 10.1.0.1/24}\n  b: {wire: lan, address: 10.1.0.1/24}\n",
	     "line 5: b has the address 10.1.0.1, which is that of a already (line 4)");
	SAYS(WIRE "hosts:\n  a: {wire: lan, mac: '01:00:00:00:00:01'}\n", "no address of one station");
	SAYS(WIRE "hosts:\n  a: {wire: lan, mtu: 9000}\n", "carries 1500 bytes and no more");
	SAYS(WIRE "hosts:\n  a: {wire: lan, gateway: 10.9.0.1}\n",
	     "line 4: the gateway 10.9.0.1 is on none of the wires of a");
	SAYS(WIRE "hosts:\n  a: {wire: lan, routes: [{to: 10.2.0.0/16}]}\n", "needs `to:` and `via:`");
	SAYS(WIRE "hosts:\n  a: {wire: lan, routes: [{to: 10.2.0.1/16, via: 10.1.0.1}]}\n", "must be zero");
	SAYS(WIRE "hosts:\n  a: {wire: lan, forwarding: maybe}\n", "forwarding is yes or no");
	SAYS(WIRE "hosts:\n  a: {wire: lan, interfaces: [{wire: lan}]}\n", "has interfaces listed");
	SAYS(WIRE "hosts:\n  localhost: {wire: lan}\n", "means something else");
	SAYS("wires:\n  lan: {subnet: 10.1.0.0/24, faults: loss=200%}\nhosts:\n  a: {wire: lan}\n", "line 2: ");
	SAYS("wires:\n  lan: {mode: slow}\n", "fast or strict");
	SAYS("wires:\n  lan: {mtu: 20}\n", "from 68 to 65535");
	SAYS("wires:\n  l: {kind: token-ring}\n", "ethernet, slip, cslip or ppp, not token-ring");
	SAYS("wires:\n  l: {kind: ppp, mode: fast}\n", "line 2: a serial line is strict");
	SAYS("wires:\n  l: {kind: slip, tap: tap0}\n", "a tap carries Ethernet");
	SAYS("wires:\n  l: {kind: ppp, mtu: 20000}\n", "16384 bytes at most");
	SAYS("wires:\n  l: {kind: slip, subnet: 'fd00::/64'}\n", "1280 at least (RFC 8200); the wire l has 1006");
	SAYS("wires:\n  l: {kind: ppp, subnet: 10.1.0.0/24}\nhosts:\n  a: {wire: l}\n  b: {wire: l}\n  c: {wire: l}\n",
	     "line 2: a serial line has two ends; 3 interfaces are on the wire l");
	SAYS("wires:\n  l: {kind: ppp, subnet: 10.1.0.0/24}\nguests: l\n", "need a switch");
	SAYS("wires:\n  l: {kind: slip}\nhosts:\n  a: {wire: l}\n", "needs an address here");
	SAYS("wires:\n  l: {kind: slip}\nhosts:\n  a: {wire: l, address: 10.1.0.1/24, mac: '02:00:00:00:00:01'}\n", "has no mac");
	SAYS("wires:\n  l: {kind: slip}\nhosts:\n  a: {wire: l, address: 10.1.0.1/24, peer-address: 10.1.0.2}\n", "only on a ppp wire");
	SAYS("wires:\n  l: {kind: ppp}\nhosts:\n  a: {wire: l, peer-address: 'fd00::1'}\n", "no IPv4 address for the other end");
	SAYS(WIRE "hosts:\n  a: {wire: lan, rarp: yes, address: 10.1.0.2/24}\n", "has an address here and asks for one by RARP");
	SAYS(WIRE "hosts:\n  a: {wire: lan, rarp-table: [{mac: '02:00:00:00:00:01'}]}\n", "needs `mac:` and `address:`");
	SAYS(WIRE "hosts:\n  a: {wire: lan, rarp-table: [{mac: '03:00:00:00:00:01', address: 10.1.0.7}]}\n", "no address of one station");
	SAYS(WIRE "hosts:\n  a: {wire: lan, rarp-table: [{mac: '02:00:00:00:00:01', address: 'fd00::1'}]}\n", "RARP gives no others");
	SAYS("wires:\n  l: {kind: ppp}\nhosts:\n  a: {wire: l, rarp: yes}\n", "RARP is for Ethernet");
	SAYS("wires:\n  l: {kind: slip, mtu: 296}\nhosts:\n  a: {wire: l, address: 10.1.0.1/24, mtu: 576}\n", "carries 296 bytes");
	SAYS("wires:\n  a: {subnet: 10.1.0.0/16}\n  b: {subnet: 10.1.2.0/24}\n",
	     "line 3: the subnet 10.1.2.0/24 overlaps with that of the wire a");
	SAYS("wires:\n  a: {subnet: 10.1.0.1/16}\n", "is a host's address");
	SAYS("wires:\n  a: {}\nguests: a\n", "needs a subnet");
	SAYS("wires:\n  a: {subnet: 'fd00::/64', mtu: 1000}\n", "1280");
	SAYS(WIRE "hosts:\n  a: &x {wire: lan}\n  b: *x\n", "line 5: aliases");
	SAYS(WIRE "hosts:\n  a: {wire: lan}\ncaptures:\n- {host: a}\n", "needs `file:");
	SAYS(WIRE "hosts:\n  a: {wire: lan}\ncaptures:\n- {file: x, host: b}\n", "there is no host b");
	SAYS(WIRE "hosts:\n  a: {wire: lan, autoconf: maybe}\n", "autoconf is yes or no");
	SAYS(WIRE "hosts:\n  a: {wire: lan, dad: 3}\n", "dad is yes or no");
	SAYS(WIRE "hosts:\n  a: {wire: lan, advertise: yes}\n", "line 4: a is no router and cannot advertise itself; add `forwarding: yes`");
	SAYS(WIRE "routers:\n  a: {wire: lan, autoconf: yes, advertise: yes}\n", "cannot take its addresses from advertisements and send");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {prefix: 10.0.0.0/8}}\n", "cannot be advertised; write an IPv6 prefix");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {prefix: 'fd01::1/64'}}\n", "cannot be advertised");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {interval: 3}}\n", "interval is a number from 4 to 1800");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {lifetime: 9}}\n", "shorten `interval`");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {valid: 9}}\n", "cannot be preferred for longer (604800 s) than they are valid (9 s)");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {preference: best}}\n", "preference is low, medium or high");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {dns: 10.0.0.1}}\n", "no IPv6 address of a name server");
	SAYS(WIRE "routers:\n  a: {wire: lan, advertise: {router: yes}}\n", "has no key router");
	SAYS("wires:\n  a: {mtu: 1000}\nhosts:\n  a: {wire: a, autoconf: yes}\n", "line 4: IPv6 needs an mtu of 1280");
	SAYS("[1, 2]", "must be written as");
}

/* req: 4862-5.1-a */
TEST(ipv6_of_an_interface_is_read)
{
	ok(reads("wires:\n  w: {}\nhosts:\n  a: {wire: w, autoconf: yes, dad: no}\n  b: {wire: w, address: 10.0.0.1/8, autoconf: no}\n"
		 "routers:\n  r: {wire: w, address: 'fd01::1/64', advertise: yes}\n"
		 "  s: {wire: w, address: 'fd01::2/64', advertise: {prefix: ['fd02::/64', 'fd03::/48'], valid: forever, preferred: 60,"
		 " interval: 30, preference: low, dns: ['fd01::5', 'fd01::6'], mtu: 1400, lifetime: 0}}\n"));
	const struct nf_nic *r = nf.host[0].nic, *s = nf.host[1].nic, *a = nf.host[2].nic, *b = nf.host[3].nic;
	eq(a->autoconf, NF_YES);
	eq(a->dad, NF_NO);
	eq(b->autoconf, NF_NO);
	eq(b->dad, NF_UNSAID);
	ok(!a->adv.on && r->adv.on && s->adv.on);
	eq(r->adv.ra.interval_s, 600);
	eq(r->adv.ra.lifetime_s, 1800);
	eq(r->adv.ra.n_prefixes, 0);
	eq(r->adv.valid_s, 2592000);
	eq(s->adv.ra.interval_s, 30);
	eq(s->adv.ra.lifetime_s, 0);
	eq(s->adv.ra.n_prefixes, 2);
	eq(s->adv.ra.prefix[1].plen, 48);
	eq(s->adv.ra.n_servers, 2);
	eq(s->adv.ra.mtu, 1400);
	eq(s->adv.ra.pref, -1);
	eq(s->adv.valid_s, UINT32_MAX);
	eq(s->adv.preferred_s, 60);
	netfile_free(&nf);
}

static char *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	char *text = calloc(1, 1 << 20);
	*len = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

TEST(serial_lines_are_read_with_what_is_theirs)
{
	static const char text[] = "wires:\n  l: {kind: ppp}\n  m: {kind: cslip, subnet: 10.2.0.0/24}\n"
		"hosts:\n  a:\n    interfaces:\n    - {wire: l, address: 10.1.0.1/24, peer-address: 10.1.0.9}\n    - {wire: m, name: tty}\n"
		"  b:\n    interfaces:\n    - {wire: l}\n    - {wire: m}\n";
	ok(reads(text));
	eq(nf.wire[0].link, OL_LINK_PPP);
	eq(nf.wire[1].link, OL_LINK_CSLIP);
	eq_str(nf.host[0].nic[0].name, "ppp0");
	eq_str(nf.host[0].nic[1].name, "tty");
	eq_str(nf.host[1].nic[1].name, "sl1");
	eq(nf.host[0].nic[0].peer.ver, 4);
	eq(nf.host[0].nic[0].peer.b[3], 9);
	eq(nf.host[1].nic[0].n_addrs, 0);			/* the peer will say */
	netfile_free(&nf);
}

TEST(a_table_for_rarp_is_read)
{
	ok(reads("wires:\n  l: {}\nhosts:\n  a:\n    wire: l\n    address: 10.1.0.1/24\n    rarp-table:\n"
		 "    - {mac: '02:00:00:00:00:07', address: 10.1.0.7}\n    - {mac: '02:00:00:00:00:08', address: 10.1.0.8}\n"
		 "  b: {wire: l, rarp: yes, mac: '02:00:00:00:00:07'}\n"));
	eq(nf.host[0].nic[0].n_table, 2);
	eq(nf.host[0].nic[0].table[1].mac.b[5], 8);
	eq(nf.host[0].nic[0].table[1].addr.b[3], 8);
	ok(nf.host[1].nic[0].rarp && !nf.host[0].nic[0].rarp);
	netfile_free(&nf);
}

TEST(examples_and_documentation_are_right)
{
	static const char *const examples[] = { "two-routers", "everything", "serial" };
	char path[512];
	size_t len;
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, SOURCE_ROOT "/example/%s.yaml", examples[i]);
		char *text = slurp(path, &len);
		if (!reads(text))
			print_error("%s: %s\n", path, why);
		eq_str(why, "");
		netfile_free(&nf);
		free(text);
	}
	char *doc = slurp(SOURCE_ROOT "/doc/NETWORK-FILE.md", &len), *p = doc;
	int blocks = 0;
	while ((p = strstr(p, "```yaml\n"))) {
		p += 8;
		char *end = strstr(p, "```");
		*end = 0;
		ok(reads(p));
		netfile_free(&nf);
		p = end + 3;
		blocks++;
	}
	eq(blocks, 4);
	free(doc);
}

TEST(any_bytes_are_survived)
{
	size_t len;
	char *text = slurp(SOURCE_ROOT "/example/everything.yaml", &len);
	struct rng r;
	rng_init(&r, 0xf11e);
	int taken = 0;
	for (int i = 0; i < 3000; i++) {
		char *t = malloc(len);
		memcpy(t, text, len);
		for (unsigned k = 1 + rng_below(&r, 4); k; k--) {
			size_t at = rng_below(&r, (uint32_t)len), from = rng_below(&r, (uint32_t)len);
			if (rng_below(&r, 2))
				t[at] = (char)rng_u64(&r);
			else
				memmove(t + at, t + from, (len - (at > from ? at : from)) / 8);
		}
		if (netfile_read(&nf, t, len, why, sizeof why) == 0) {
			taken++;
			netfile_free(&nf);
		} else {
			ok(why[0]);
		}
		free(t);
	}
	ok(taken < 3000);
	free(text);
}
