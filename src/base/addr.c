/* Addresses: comparing, classes, text.  RFC 4291 2.2 for reading IPv6, RFC 5952 for writing it. */
#include "base/addr.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ol_addr_is_linklocal(const struct ol_addr *a)
{
	return a->ver == 4 ? a->b[0] == 169 && a->b[1] == 254 : a->ver == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ol_addr_in_prefix(const struct ol_addr *a, const struct ol_addr *prefix, unsigned plen)
{
	if (a->ver != prefix->ver)
		return false;
	unsigned n = plen / 8, rest = plen % 8;
	return !memcmp(a->b, prefix->b, n) && (!rest || !((a->b[n] ^ prefix->b[n]) & (0xff00 >> rest & 0xff)));
}

static char *ip6_str(const uint8_t *b, char *out)
{
	int best = -1, best_n = 1;	/* RFC 5952 4.2.2: a single zero field is written out */
	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && !b[2 * (i + n)] && !b[2 * (i + n) + 1])
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
	}
	char *p = out;
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			p += sprintf(p, "::");
			i += best_n - 1;
			continue;
		}
		if (p > out && p[-1] != ':')
			*p++ = ':';
		p += sprintf(p, "%x", b[2 * i] << 8 | b[2 * i + 1]);
	}
	*p = 0;
	return out;
}

char *ol_addr_str(const struct ol_addr *a, char *buf)
{
	if (a->ver == 4)
		sprintf(buf, "%u.%u.%u.%u", a->b[0], a->b[1], a->b[2], a->b[3]);
	else if (a->ver == 6) {
		ip6_str(a->b, buf);
		if (a->scope)
			sprintf(buf + strlen(buf), "%%%u", a->scope);
	} else
		strcpy(buf, "*");
	return buf;
}

char *ol_endpoint_str(const struct ol_endpoint *e, char *buf)
{
	char a[OL_ADDR_STRLEN];
	ol_addr_str(&e->addr, a);
	if (e->port)
		snprintf(buf, OL_ADDR_STRLEN, e->addr.ver == 6 ? "[%s]:%u" : "%s:%u", a, e->port);
	else
		snprintf(buf, OL_ADDR_STRLEN, e->addr.ver == 6 ? "[%s]:*" : "%s:*", a);
	return buf;
}

static bool ip4_parse(const char *s, size_t len, uint8_t *out)
{
	unsigned part = 0, digits = 0, v = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] >= '0' && s[i] <= '9') {
			v = v * 10 + (unsigned)(s[i] - '0');
			if (++digits > 3 || v > 255 || (digits > 1 && v < 10))
				return false;
		} else {
			if (!digits || part > 3 || (i < len && s[i] != '.'))
				return false;
			out[part++] = (uint8_t)v;
			v = digits = 0;
		}
	}
	return part == 4;
}

static int hexval(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Groups fill from the front; those after "::" are moved to the end once all are read. */
static bool ip6_parse(const char *s, size_t len, uint8_t *out)
{
	uint8_t b[16] = { 0 };
	size_t n = 0, gap = SIZE_MAX, i = 0;
	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		i = 2;
	}
	while (i < len) {
		size_t end = i;
		while (end < len && s[end] != ':')
			end++;
		if (memchr(s + i, '.', end - i)) {
			if (end != len || n > 12 || !ip4_parse(s + i, len - i, b + n))
				return false;
			n += 4;
			break;
		}
		if (end == i || end - i > 4 || n > 14)
			return false;
		unsigned v = 0;
		for (; i < end; i++) {
			int h = hexval(s[i]);
			if (h < 0)
				return false;
			v = v << 4 | (unsigned)h;
		}
		b[n++] = (uint8_t)(v >> 8);
		b[n++] = (uint8_t)v;
		if (i == len)
			break;
		if (++i == len)
			return false;		/* a single colon at the end */
		if (s[i] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			i++;
		}
	}
	if (gap == SIZE_MAX ? n != 16 : n > 14)
		return false;
	if (gap != SIZE_MAX) {
		memmove(b + 16 - (n - gap), b + gap, n - gap);
		memset(b + gap, 0, 16 - n);
	}
	memcpy(out, b, 16);
	return true;
}

static bool parse_n(const char *s, size_t len, struct ol_addr *a)
{
	struct ol_addr r = { 0 };
	if (memchr(s, ':', len)) {
		r.ver = 6;
		if (!ip6_parse(s, len, r.b))
			return false;
	} else {
		r.ver = 4;
		if (!ip4_parse(s, len, r.b))
			return false;
	}
	*a = r;
	return true;
}

bool ol_addr_parse(const char *s, struct ol_addr *a) { return parse_n(s, strlen(s), a); }

bool ol_prefix_parse(const char *s, struct ol_addr *a, unsigned *plen)
{
	const char *slash = strchr(s, '/');
	struct ol_addr r;
	if (!parse_n(s, slash ? (size_t)(slash - s) : strlen(s), &r))
		return false;
	unsigned max = r.ver == 4 ? 32 : 128, n = max;
	if (slash) {
		if (!slash[1] || strspn(slash + 1, "0123456789") != strlen(slash + 1) || strlen(slash + 1) > 3)
			return false;
		n = (unsigned)atoi(slash + 1);
		if (n > max)
			return false;
	}
	*a = r;
	*plen = n;
	return true;
}

bool ol_mac_parse(const char *s, struct ol_mac *m)
{
	struct ol_mac r;
	for (int i = 0; i < OL_MAC_LEN; i++) {
		int hi = hexval(s[0]), lo = hi < 0 ? -1 : hexval(s[1]);
		if (lo < 0 || s[2] != (i < OL_MAC_LEN - 1 ? ':' : 0))
			return false;
		r.b[i] = (uint8_t)(hi << 4 | lo);
		s += 3;
	}
	*m = r;
	return true;
}

char *ol_mac_str(const struct ol_mac *m, char *buf)
{
	sprintf(buf, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
	return buf;
}
