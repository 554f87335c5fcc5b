/* SOL_SOCKET: socket(7), POSIX <sys/socket.h>.  What a type has no use for it does not have, but for what costs nothing. */
#include <limits.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"
#include "transport/tcp/tcp_config.h"

enum { MIN_RCVBUF = 2304, MIN_SNDBUF = 4608 };	/* Linux's SOCK_MIN_RCVBUF, SOCK_MIN_SNDBUF */

/* ---- facts ----------------------------------------------------------------------------------------------------- */
static int get_type(struct sock *s, int *v, ol_time now) { *v = s->type; return 0; }
static int get_domain(struct sock *s, int *v, ol_time now) { *v = s->domain; return 0; }
static int get_protocol(struct sock *s, int *v, ol_time now) { *v = s->protocol; return 0; }
static int get_acceptconn(struct sock *s, int *v, ol_time now) { *v = s->stage == SOCK_LISTENING; return 0; }

static int get_error(struct sock *s, int *v, ol_time now)	/* req: POSIX-sys_socket.h-b */
{
	*v = -sock_errno(s->ops->error_take(s));
	return 0;
}

/* ---- flags ----------------------------------------------------------------------------------------------------- */
#define FLAG(name, field) \
	static int get_##name(struct sock *s, int *v, ol_time now) { *v = (field); return 0; } \
	static int set_##name(struct sock *s, int v, ol_time now) { (field) = v != 0; sock_retell(s); return 0; }
FLAG(reuseaddr, s->reuseaddr)
FLAG(reuseport, s->reuseport)
FLAG(broadcast, s->broadcast)
FLAG(no_check, s->d->opts.no_check)
FLAG(dontroute, s->d->opts.dontroute)

#define TCP_FLAG(name, field) \
	static int get_##name(struct sock *s, int *v, ol_time now) { *v = stream_opts(s)->field; return 0; } \
	static int set_##name(struct sock *s, int v, ol_time now) \
	{ \
		stream_opts(s)->field = v != 0; \
		stream_opts_changed(s, now); \
		return 0; \
	}
OPT_FLAG(zerocopy, s->zerocopy)
/* Of every type, as Linux keeps them, with nothing to do for datagrams: as SO_BROADCAST for streams. */
OPT_FLAG(idle_keepalive, s->idle_keepalive)
OPT_FLAG(idle_oobinline, s->idle_oobinline)
TCP_FLAG(keepalive, keepalive)
TCP_FLAG(oobinline, oobinline)

/* ---- buffers: what is asked for is bounded, then doubled for the bookkeeping, and read back so --------------------
 * A datagram socket's send buffer is never full: what it sends is the interface's at once, whose queue has its bound. */
static uint32_t doubled(int asked, uint32_t max, uint32_t min)
{
	uint32_t n = MIN((uint32_t)asked, MIN(max, (uint32_t)INT_MAX / 2));
	return MAX(2 * n, min);
}

static int set_rcvbuf(struct sock *s, int v, ol_time now)
{
	s->rcvbuf = doubled(v, s->ss->cfg.rmem_max, MIN_RCVBUF);
	if (sock_is_stream(s)) {
		stream_opts(s)->rcvbuf = s->rcvbuf;
		stream_opts_changed(s, now);
	} else {
		s->d->opts.rcvbuf = s->rcvbuf;
	}
	return 0;
}

static int set_sndbuf(struct sock *s, int v, ol_time now)
{
	s->sndbuf = doubled(v, s->ss->cfg.wmem_max, MIN_SNDBUF);
	if (sock_is_stream(s)) {
		stream_opts(s)->sndbuf = s->sndbuf;
		stream_opts_changed(s, now);
	}
	return 0;
}

/* A connection's buffers grow by themselves, and it shows, as on Linux. */
static int get_rcvbuf(struct sock *s, int *v, ol_time now)
{
	*v = (int)(s->tcb ? tcp_rcvbuf(s->tcb) : s->rcvbuf);
	return 0;
}

static int get_sndbuf(struct sock *s, int *v, ol_time now)
{
	*v = (int)(s->tcb ? tcp_sndbuf(s->tcb) : s->sndbuf);
	return 0;
}

static int not_permitted(struct sock *s, int v, ol_time now) { return -EPERM; }	/* without CAP_NET_ADMIN */

static int set_rcvlowat(struct sock *s, int v, ol_time now)
{
	stream_opts(s)->rcvlowat = v < 0 ? INT_MAX : v ? (uint32_t)v : 1;
	stream_opts_changed(s, now);
	return 0;
}
static int get_rcvlowat(struct sock *s, int *v, ol_time now)
{
	uint32_t n = sock_is_stream(s) ? stream_opts(s)->rcvlowat : 1;
	*v = (int)(n ? n : 1);
	return 0;
}
static int get_sndlowat(struct sock *s, int *v, ol_time now) { *v = 1; return 0; }

/* ---- structures ------------------------------------------------------------------------------------------------ */
static int set_linger(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct linger l;
	if (len < (socklen_t)sizeof l)
		return -EINVAL;
	memcpy(&l, val, sizeof l);
	s->linger = l.l_onoff != 0;
	if (s->linger)
		s->linger_s = l.l_linger < 0 ? INT_MAX : (uint32_t)l.l_linger;
	return 0;
}

static int get_linger(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	struct linger l = { s->linger, (int)s->linger_s };
	return opt_put(val, len, &l, sizeof l);
}

/* A negative time is one that is over at once: the shortest there is.  req: POSIX-setsockopt-EDOM */
static int set_timeval(struct timeval *tv, const void *val, socklen_t len)
{
	struct timeval t;
	if (len < (socklen_t)sizeof t)
		return -EINVAL;
	memcpy(&t, val, sizeof t);
	if (t.tv_usec < 0 || t.tv_usec >= 1000000)
		return -EDOM;
	*tv = t.tv_sec < 0 ? (struct timeval){ 0, 1 } : t;
	return 0;
}

static int set_rcvtimeo(struct sock *s, const void *v, socklen_t len, ol_time now)
{
	return set_timeval(&s->rcvtimeo, v, len);
}
static int set_sndtimeo(struct sock *s, const void *v, socklen_t len, ol_time now)
{
	return set_timeval(&s->sndtimeo, v, len);
}
static int get_rcvtimeo(struct sock *s, void *v, socklen_t *len, ol_time now)
{
	return opt_put(v, len, &s->rcvtimeo, sizeof s->rcvtimeo);
}
static int get_sndtimeo(struct sock *s, void *v, socklen_t *len, ol_time now)
{
	return opt_put(v, len, &s->sndtimeo, sizeof s->sndtimeo);
}

/* ---- the device ------------------------------------------------------------------------------------------------ */
static int bind_to(struct sock *s, int ifi, ol_time now)
{
	if (ifi && !sock_iface_known(s->ss, ifi))
		return -ENODEV;
	s->ifi = ifi;
	if (sock_is_stream(s)) {
		stream_opts(s)->ifi = ifi;
		stream_opts_changed(s, now);
	}
	sock_retell(s);
	return 0;
}

static int set_device(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	char name[16] = "";
	if (len)
		memcpy(name, val, MIN((size_t)len, sizeof name - 1));
	if (!name[0])
		return bind_to(s, 0, now);
	int ifi = s->ss->ifaces.index(s->ss->ifaces.ctx, name);
	return ifi ? bind_to(s, ifi, now) : -ENODEV;
}

static int get_device(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	char name[16];
	if (!s->ifi || !s->ss->ifaces.name(s->ss->ifaces.ctx, s->ifi, name)) {
		*len = 0;
		return 0;
	}
	if (*len < sizeof name)
		return -EINVAL;
	return opt_put(val, len, name, strlen(name) + 1);
}

static int get_ifindex(struct sock *s, int *v, ol_time now) { *v = s->ifi; return 0; }

/* ---- pacing: bytes a second, as four bytes or eight ------------------------------------------------------------ */
static int set_pacing(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	uint32_t v32;
	uint64_t v64;
	if (len == sizeof v64) {
		memcpy(&v64, val, sizeof v64);
	} else if (len >= (socklen_t)sizeof v32) {
		memcpy(&v32, val, sizeof v32);
		v64 = v32 == UINT32_MAX ? UINT64_MAX : v32;
	} else {
		return -EINVAL;
	}
	stream_opts(s)->max_pacing = v64 == UINT64_MAX ? 0 : v64;
	stream_opts_changed(s, now);
	return 0;
}

static int get_pacing(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	uint64_t v = stream_opts(s)->max_pacing;
	uint32_t v32 = v && v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
	v = v ? v : UINT64_MAX;
	return *len < sizeof v ? opt_put(val, len, &v32, sizeof v32) : opt_put(val, len, &v, sizeof v);
}

/* socket(7), and Linux's Documentation/networking/timestamping: one of the two takes the place of the other. */
static int set_time(struct sock *s, uint16_t which, int v)
{
	s->recv_opts &= (uint16_t)~(RECV_TIME | RECV_TIME_NS);
	s->recv_opts |= v ? which : 0;
	return 0;
}
static int set_timestamp(struct sock *s, int v, ol_time now) { return set_time(s, RECV_TIME, v); }
static int set_timestampns(struct sock *s, int v, ol_time now) { return set_time(s, RECV_TIME_NS, v); }
static int get_timestamp(struct sock *s, int *v, ol_time now) { *v = (s->recv_opts & RECV_TIME) != 0; return 0; }
/* A struct so_timestamping, whose second half is about hardware clocks, or its flags alone. */
static int set_stamps(struct sock *s, int v, ol_time now) { return stream_set_stamps(s, (uint32_t)v); }
static int get_stamps(struct sock *s, int *v, ol_time now) { *v = (int)s->stamps; return 0; }
static int get_timestampns(struct sock *s, int *v, ol_time now) { *v = (s->recv_opts & RECV_TIME_NS) != 0; return 0; }

#define ANY 0, -1		/* any int */
static const struct opt opts[] = {
	{ SO_TYPE, ON_ALL, ANY, NULL, get_type },
	{ SO_DOMAIN, ON_ALL, ANY, NULL, get_domain },
	{ SO_PROTOCOL, ON_ALL, ANY, NULL, get_protocol },
	{ SO_ACCEPTCONN, ON_ALL, ANY, NULL, get_acceptconn },
	{ SO_ERROR, ON_ALL, ANY, NULL, get_error },
	{ SO_REUSEADDR, ON_ALL, ANY, set_reuseaddr, get_reuseaddr },
	{ SO_REUSEPORT, ON_ALL, ANY, set_reuseport, get_reuseport },
	{ SO_BROADCAST, ON_ALL, ANY, set_broadcast, get_broadcast },
	{ SO_DONTROUTE, ON_DGRAM, ANY, set_dontroute, get_dontroute },
	{ SO_TIMESTAMP, ON_ALL, ANY, set_timestamp, get_timestamp },
	{ SO_TIMESTAMPNS, ON_ALL, ANY, set_timestampns, get_timestampns },
	{ SO_TIMESTAMPING, ON_STREAM, ANY, set_stamps, get_stamps },
	{ SO_NO_CHECK, ON_UDP, ANY, set_no_check, get_no_check },
	{ SO_KEEPALIVE, ON_STREAM, ANY, set_keepalive, get_keepalive },
	{ SO_OOBINLINE, ON_STREAM, ANY, set_oobinline, get_oobinline },
	{ SO_KEEPALIVE, ON_DGRAM, ANY, set_idle_keepalive, get_idle_keepalive },
	{ SO_OOBINLINE, ON_DGRAM, ANY, set_idle_oobinline, get_idle_oobinline },
	{ SO_RCVBUF, ON_ALL, ANY, set_rcvbuf, get_rcvbuf },
	{ SO_SNDBUF, ON_ALL, ANY, set_sndbuf, get_sndbuf },
	{ SO_RCVBUFFORCE, ON_ALL, ANY, not_permitted },
	{ SO_SNDBUFFORCE, ON_ALL, ANY, not_permitted },
	{ SO_RCVLOWAT, ON_STREAM, ANY, set_rcvlowat, get_rcvlowat },
	{ SO_RCVLOWAT, ON_DGRAM, ANY, NULL, get_rcvlowat },
	{ SO_SNDLOWAT, ON_ALL, ANY, NULL, get_sndlowat },
	{ SO_BINDTOIFINDEX, ON_ALL, 0, INT_MAX, bind_to, get_ifindex },
	{ SO_LINGER, ON_ALL, .set_bytes = set_linger, .get_bytes = get_linger },
	{ SO_RCVTIMEO, ON_ALL, .set_bytes = set_rcvtimeo, .get_bytes = get_rcvtimeo },
	{ SO_SNDTIMEO, ON_ALL, .set_bytes = set_sndtimeo, .get_bytes = get_sndtimeo },
	{ SO_BINDTODEVICE, ON_ALL, .set_bytes = set_device, .get_bytes = get_device },
	{ SO_ZEROCOPY, ON_STREAM, 0, 1, set_zerocopy, get_zerocopy },
	{ SO_MAX_PACING_RATE, ON_STREAM, .set_bytes = set_pacing, .get_bytes = get_pacing },
};
const struct opt_level opt_level_socket = { SOL_SOCKET, opts, ARRAY_LEN(opts) };
