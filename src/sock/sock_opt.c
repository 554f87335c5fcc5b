/*
 * getsockopt() and setsockopt(): one walk over tables, one table per level (sock_opt_*.c).  An option is in a table and
 * does what it says, or it is -ENOPROTOOPT; none pretends.  How long a value must be differs by level as it does on Linux:
 * IPPROTO_IP takes a single byte for an int, the others do not.
 */
#include <limits.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

static const struct opt_level *const levels[] = {
	&opt_level_socket, &opt_level_tcp, &opt_level_udp, &opt_level_ip, &opt_level_ip6, &opt_level_raw, &opt_level_icmp6,
};

static unsigned kind_of(const struct sock *s)
{
	return sock_is_stream(s) ? ON_STREAM : s->udp ? ON_UDP : ON_RAW;
}

static const struct opt *find(const struct sock *s, int level, int name)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		const struct opt_level *l = levels[i];
		for (size_t k = 0; l->level == level && k < l->n; k++) {
			const struct opt *o = &l->opts[k];
			if (o->name == name && o->on & kind_of(s) && (!(o->on & ON_V6) || s->domain == AF_INET6))
				return o;
		}
	}
	return NULL;
}

int opt_put(void *v, socklen_t *len, const void *from, size_t size)
{
	*len = (socklen_t)MIN((size_t)*len, size);	/* req: POSIX-getsockopt-a */
	memcpy(v, from, *len);
	return 0;
}

/* ip(7): an int, or one byte. */
static int read_int(int level, const void *val, socklen_t len, int *v)
{
	if (len >= (socklen_t)sizeof *v) {
		memcpy(v, val, sizeof *v);
		return 0;
	}
	if (level != IPPROTO_IP || len < 1)
		return -EINVAL;
	*v = *(const uint8_t *)val;
	return 0;
}

/*
 * What getsockopt() says of an option it does not know.  The last level that Linux asks is the address family's, and IPv4's has another
 * word for a level that is none of its.
 */
static int unknown(const struct sock *s, int level)
{
	bool own = level == SOL_SOCKET || level == IPPROTO_IP || (level == IPPROTO_TCP && sock_is_stream(s)) || (level == IPPROTO_UDP && s->udp);
	return own || s->domain != AF_INET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

int sock_setsockopt(struct socks *ss, ol_sock number, int level, int name, const void *val, socklen_t len, ol_time now)
{
	struct sock *s = sock_table_get(&ss->table, number);
	int v;
	if (!s)
		return -EBADF;
	if (len > INT_MAX)
		return -EINVAL;
	const struct opt *o = find(s, level, name);
	if (!o || (!o->set && !o->set_bytes))
		return -ENOPROTOOPT;		/* req: POSIX-setsockopt-ENOPROTOOPT */
	if (!val && len)
		return -EFAULT;
	if (o->set_bytes)
		return o->set_bytes(s, val, len, now);
	int err = read_int(level, val, len, &v);
	if (err)
		return err;
	if (o->min <= o->max && (v < o->min || v > o->max))
		return -EINVAL;
	return o->set(s, v, now);
}

int sock_getsockopt(struct socks *ss, ol_sock number, int level, int name, void *val, socklen_t *len, ol_time now)
{
	struct sock *s = sock_table_get(&ss->table, number);
	if (!s)
		return -EBADF;
	if (!len || (!val && *len))
		return -EFAULT;
	if (*len > INT_MAX)
		return -EINVAL;
	const struct opt *o = find(s, level, name);
	if (!o || (!o->get && !o->get_bytes))
		return unknown(s, level);	/* req: POSIX-getsockopt-ENOPROTOOPT */
	if (o->get_bytes)
		return o->get_bytes(s, val, len, now);
	int v = 0, err = o->get(s, &v, now);
	if (err)
		return err;
	if (level == IPPROTO_IP && *len < sizeof v && *len > 0 && v >= 0 && v <= 255) {
		*(uint8_t *)val = (uint8_t)v;
		*len = 1;
		return 0;
	}
	return opt_put(val, len, &v, sizeof v);
}
