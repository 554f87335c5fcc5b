/* Addresses: text to value and back, and what is refused. */
#include "unit.h"
#include <outlet/ol_addr.h>

static const char *round_trip(const char *s)
{
	static char buf[OL_ADDR_STRLEN];
	struct ol_addr a;
	return ol_addr_parse(s, &a) ? ol_addr_str(&a, buf) : "refused";
}

/* RFC 5952 4: leading zeros go, the longest run of zero fields is compressed, the first of equals, letters are small. */
TEST(addr_text_is_canonical)
{
	eq_str(round_trip("10.0.0.1"), "10.0.0.1");
	eq_str(round_trip("2001:0DB8::0001"), "2001:db8::1");
	eq_str(round_trip("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
	eq_str(round_trip("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
	eq_str(round_trip("::"), "::");
	eq_str(round_trip("::1"), "::1");
	eq_str(round_trip("1::"), "1::");
	eq_str(round_trip("::ffff:1.2.3.4"), "::ffff:102:304");
	eq_str(round_trip("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
}

TEST(addr_nonsense_is_refused)
{
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1..2.3", ":", ":1",
		"1:", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		eq_str(round_trip(bad[i]), "refused");
}

TEST(addr_prefixes)
{
	struct ol_addr a, p;
	unsigned n;
	ok(ol_prefix_parse("10.1.0.0/16", &p, &n));
	eq(n, 16);
	ok(ol_addr_parse("10.1.255.255", &a) && ol_addr_in_prefix(&a, &p, n));
	ok(ol_addr_parse("10.2.0.0", &a) && !ol_addr_in_prefix(&a, &p, n));
	ok(ol_addr_in_prefix(&a, &p, 14));
	ok(ol_addr_in_prefix(&a, &p, 0));
	ok(ol_addr_parse("::1", &a) && !ol_addr_in_prefix(&a, &p, 0));
	ok(!ol_prefix_parse("10.0.0.0/33", &p, &n));
	ok(!ol_prefix_parse("10.0.0.0/", &p, &n));
	ok(!ol_prefix_parse("10.0.0.0/-1", &p, &n));
}

TEST(addr_macs)
{
	struct ol_mac m;
	char buf[OL_MAC_STRLEN];
	ok(ol_mac_parse("02:00:5e:aB:cd:01", &m));
	eq_str(ol_mac_str(&m, buf), "02:00:5e:ab:cd:01");
	ok(!ol_mac_parse("02:00:5e:ab:cd", &m));
	ok(!ol_mac_parse("02:00:5e:ab:cd:01:", &m));
}
