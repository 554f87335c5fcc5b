/*
 * IPPROTO_TCP: tcp(7).  Bounds are Linux's.  Times that were never set are told as the configuration's, since that is what
 * holds.  Not had, so -ENOPROTOOPT: MD5, ULPs (kernel TLS), repair, zero-copy receive.
 */
#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_fastopen.h"

enum { MAX_KEEP_S = 32767, MIN_MSS = 88, MAX_MSS = 32767, MAX_LINGER2_S = 120, MIN_CLAMP = 1152 };

static const struct tcp_config *cfg(const struct sock *s) { return s->ss->cfg.tcp; }

#define CHANGE(s, field, value) \
	do { stream_opts(s)->field = (value); stream_opts_changed(s, now); return 0; } while (0)

#define FLAG(name, field) \
	static int get_##name(struct sock *s, int *v, ol_time now) { *v = stream_opts(s)->field; return 0; } \
	static int set_##name(struct sock *s, int v, ol_time now) { CHANGE(s, field, v != 0); }
FLAG(nodelay, nodelay)
FLAG(cork, cork)
FLAG(quickack, quickack)
OPT_WANT(inq, RECV_INQ)

/* A time in seconds; 0 in the options stands for the configured one. */
#define SECONDS(name, field, configured) \
	static int get_##name(struct sock *s, int *v, ol_time now) \
	{ \
		ol_time t = stream_opts(s)->field; \
		*v = (int)((t ? t : (configured)) / OL_SEC); \
		return 0; \
	} \
	static int set_##name(struct sock *s, int v, ol_time now) { CHANGE(s, field, v * OL_SEC); }
SECONDS(keepidle, keepidle, cfg(s)->keepalive_time_ns)
SECONDS(keepintvl, keepintvl, cfg(s)->keepalive_intvl_ns)
SECONDS(defer_accept, defer_accept, 0)

#define COUNT(name, field, configured) \
	static int get_##name(struct sock *s, int *v, ol_time now) \
	{ \
		*v = (int)(stream_opts(s)->field ? stream_opts(s)->field : (configured)); \
		return 0; \
	} \
	static int set_##name(struct sock *s, int v, ol_time now) { CHANGE(s, field, (__typeof__(stream_opts(s)->field))v); }
COUNT(keepcnt, keepcnt, cfg(s)->keepalive_probes)
COUNT(syncnt, syncnt, cfg(s)->syn_retries)
COUNT(notsent_lowat, notsent_lowat, 0)

static int set_maxseg(struct sock *s, int v, ol_time now)
{
	if (v && (v < MIN_MSS || v > MAX_MSS))
		return -EINVAL;
	CHANGE(s, maxseg, (uint16_t)v);
}

static int get_maxseg(struct sock *s, int *v, ol_time now)
{
	struct ol_sock_info row = { 0 };
	if (s->tcb)
		tcp_row(s->tcb, &row, now);
	*v = row.mss ? (int)row.mss : stream_opts(s)->maxseg ? stream_opts(s)->maxseg : 536;
	return 0;
}

static int set_linger2(struct sock *s, int v, ol_time now)
{
	CHANGE(s, linger2, v < 0 ? -1 : MIN(v, MAX_LINGER2_S) * OL_SEC);
}

static int get_linger2(struct sock *s, int *v, ol_time now)
{
	ol_time t = stream_opts(s)->linger2;
	*v = t < 0 ? -1 : (int)((t ? t : cfg(s)->fin_timeout_ns) / OL_SEC);
	return 0;
}

static int set_window_clamp(struct sock *s, int v, ol_time now)
{
	if (!v && s->stage != SOCK_OPEN)
		return -EINVAL;
	CHANGE(s, window_clamp, v ? MAX((uint32_t)v, (uint32_t)MIN_CLAMP) : 0);
}

static int get_window_clamp(struct sock *s, int *v, ol_time now) { *v = (int)stream_opts(s)->window_clamp; return 0; }

static int set_user_timeout(struct sock *s, int v, ol_time now) { CHANGE(s, user_timeout, v * OL_MS); }
static int get_user_timeout(struct sock *s, int *v, ol_time now)
{
	*v = (int)(stream_opts(s)->user_timeout / OL_MS);
	return 0;
}

static int set_congestion(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	char name[16] = "";
	if (!len)
		return -EINVAL;
	memcpy(name, val, MIN((size_t)len, sizeof name - 1));
	if (!tcp_congestion_known(s->ss->tcp, name))
		return -ENOENT;
	memcpy(stream_opts(s)->congestion, name, sizeof name);
	stream_opts_changed(s, now);
	return 0;
}

static int get_congestion(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	char name[16] = "";
	const char *is = s->tcb ? tcp_congestion(s->tcb) : stream_opts(s)->congestion;
	snprintf(name, sizeof name, "%s", is[0] ? is : cfg(s)->congestion);
	return opt_put(val, len, name, sizeof name);
}

/* A socket without a connection has nothing to tell but its state. */
static int get_info(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	uint8_t info[TCP_INFO_LEN] = { s->listener ? OL_TCP_LISTEN : OL_TCP_CLOSED };
	size_t n = s->tcb ? tcp_info_fill(s->tcb, info, sizeof info, now) : sizeof info;
	return opt_put(val, len, info, n);
}

/* ---- Fast Open, RFC 7413: what Linux lets be set when ------------------------------------------------------------ */
static bool may_listen(const struct sock *s) { return s->stage == SOCK_OPEN || s->stage == SOCK_LISTENING; }

static int set_fastopen(struct sock *s, int v, ol_time now)
{
	if (v < 0 || !may_listen(s))
		return -EINVAL;
	CHANGE(s, fastopen, MIN((uint32_t)v, cfg(s)->somaxconn));
}

static int get_fastopen(struct sock *s, int *v, ol_time now)
{
	*v = may_listen(s) ? (int)stream_opts(s)->fastopen : 0;
	return 0;
}

static int set_fastopen_connect(struct sock *s, int v, ol_time now)
{
	if (!(cfg(s)->fastopen & TCP_FO_CLIENT))
		return -EOPNOTSUPP;
	if (s->stage != SOCK_OPEN)
		return -EINVAL;
	s->fo_connect = v;
	return 0;
}

static int get_fastopen_connect(struct sock *s, int *v, ol_time now) { *v = s->fo_connect; return 0; }

static int set_no_cookie(struct sock *s, int v, ol_time now)
{
	if (!may_listen(s))
		return -EINVAL;
	CHANGE(s, fastopen_no_cookie, v);
}

static int get_no_cookie(struct sock *s, int *v, ol_time now) { *v = stream_opts(s)->fastopen_no_cookie; return 0; }

/* One key or two, 16 bytes each. */
static int set_fastopen_key(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct tcp_fo_keys k = { .n = (uint8_t)(len / sizeof k.key[0]) };
	if (len != sizeof k.key[0] && len != sizeof k.key)
		return -EINVAL;
	memcpy(k.key, val, len);
	if (s->listener) {
		tcp_listener_set_keys(s->listener, &k);
		return 0;
	}
	if (!s->fo_keys)
		s->fo_keys = malloc(sizeof *s->fo_keys);
	if (!s->fo_keys)
		return -ENOMEM;
	*s->fo_keys = k;
	return 0;
}

static int get_fastopen_key(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	const struct tcp_fo_keys *k = s->listener ? tcp_listener_keys(s->listener) : s->fo_keys ? s->fo_keys : &cfg(s)->fastopen_key;
	return opt_put(val, len, k->key, k->n * sizeof k->key[0]);
}

#define ANY 0, -1
static const struct opt opts[] = {
	{ TCP_NODELAY, ON_STREAM, ANY, set_nodelay, get_nodelay },
	{ TCP_CORK, ON_STREAM, ANY, set_cork, get_cork },
	{ TCP_QUICKACK, ON_STREAM, ANY, set_quickack, get_quickack },
	{ TCP_MAXSEG, ON_STREAM, ANY, set_maxseg, get_maxseg },
	{ TCP_KEEPIDLE, ON_STREAM, 1, MAX_KEEP_S, set_keepidle, get_keepidle },
	{ TCP_KEEPINTVL, ON_STREAM, 1, MAX_KEEP_S, set_keepintvl, get_keepintvl },
	{ TCP_KEEPCNT, ON_STREAM, 1, 127, set_keepcnt, get_keepcnt },
	{ TCP_SYNCNT, ON_STREAM, 1, 127, set_syncnt, get_syncnt },
	{ TCP_LINGER2, ON_STREAM, ANY, set_linger2, get_linger2 },
	{ TCP_DEFER_ACCEPT, ON_STREAM, 0, INT_MAX, set_defer_accept, get_defer_accept },
	{ TCP_WINDOW_CLAMP, ON_STREAM, 0, INT_MAX, set_window_clamp, get_window_clamp },
	{ TCP_USER_TIMEOUT, ON_STREAM, 0, INT_MAX, set_user_timeout, get_user_timeout },
	{ TCP_NOTSENT_LOWAT, ON_STREAM, ANY, set_notsent_lowat, get_notsent_lowat },
	{ TCP_INQ, ON_STREAM, 0, 1, set_inq, get_inq },
	{ TCP_FASTOPEN, ON_STREAM, ANY, set_fastopen, get_fastopen },
	{ TCP_FASTOPEN_CONNECT, ON_STREAM, 0, 1, set_fastopen_connect, get_fastopen_connect },
	{ TCP_FASTOPEN_NO_COOKIE, ON_STREAM, 0, 1, set_no_cookie, get_no_cookie },
	{ TCP_FASTOPEN_KEY, ON_STREAM, .set_bytes = set_fastopen_key, .get_bytes = get_fastopen_key },
	{ TCP_CONGESTION, ON_STREAM, .set_bytes = set_congestion, .get_bytes = get_congestion },
	{ TCP_INFO, ON_STREAM, .get_bytes = get_info },
};
const struct opt_level opt_level_tcp = { IPPROTO_TCP, opts, ARRAY_LEN(opts) };
