/* Words with a value: what <sys/socket.h> and its like call N is N here, so a name cannot have a wrong number. */
#include "lex.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct name { const char *name; int64_t value; };
#define N(x) { #x, x }

static const struct name errnos[] = {
	N(EPERM), N(ENOENT), N(EINTR), N(EBADF), N(EAGAIN), N(ENOMEM), N(EACCES), N(EFAULT), N(EBUSY), N(EEXIST), N(ENODEV),
	N(EINVAL), N(EMFILE), N(ENOTTY), N(ENOSPC), N(ESPIPE), N(EPIPE), N(EDOM), N(ENOSYS), N(EPROTO), N(ENOTSOCK),
	N(EDESTADDRREQ), N(EMSGSIZE), N(EPROTOTYPE), N(ENOPROTOOPT), N(EPROTONOSUPPORT), N(ESOCKTNOSUPPORT), N(EOPNOTSUPP),
	N(EPFNOSUPPORT), N(EAFNOSUPPORT), N(EADDRINUSE), N(EADDRNOTAVAIL), N(ENETDOWN), N(ENETUNREACH), N(ENETRESET), N(ECONNABORTED),
	N(ECONNRESET), N(ENOBUFS), N(EISCONN), N(ENOTCONN), N(ESHUTDOWN), N(ETIMEDOUT), N(ECONNREFUSED), N(EHOSTDOWN),
	N(EHOSTUNREACH), N(EALREADY), N(EINPROGRESS), N(ECANCELED),
};

static const struct name names[] = {
	N(EWOULDBLOCK), N(ENOTSUP), { "NULL", 0 },
	N(AF_UNSPEC), N(AF_INET), N(AF_INET6), N(PF_INET), N(PF_INET6), N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_NONBLOCK), N(SOCK_CLOEXEC),
	N(IPPROTO_IP), N(IPPROTO_IPV6), N(IPPROTO_TCP), N(IPPROTO_UDP), N(SOL_SOCKET), N(SOL_IP), N(SOL_IPV6), N(SOL_TCP), N(SOMAXCONN),
	N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR),
	N(SO_ACCEPTCONN), N(SO_BROADCAST), N(SO_DOMAIN), N(SO_DONTROUTE), N(SO_ERROR), N(SO_KEEPALIVE), N(SO_LINGER), N(SO_OOBINLINE),
	N(SO_PROTOCOL), N(SO_RCVBUF), N(SO_RCVLOWAT), N(SO_RCVTIMEO), N(SO_REUSEADDR), N(SO_REUSEPORT), N(SO_SNDBUF), N(SO_SNDTIMEO),
	N(SO_TYPE), N(SO_MAX_PACING_RATE), N(SO_ZEROCOPY), N(SO_PRIORITY), N(SO_MARK), N(SO_BUSY_POLL),
	N(IP_TOS), N(IP_TTL), N(IP_MTU), N(IP_MTU_DISCOVER), N(IP_RECVERR), N(IP_PMTUDISC_DONT), N(IP_PMTUDISC_WANT), N(IP_PMTUDISC_DO),
	N(IP_PMTUDISC_PROBE), N(IP_MINTTL), N(IPV6_TCLASS), N(IPV6_UNICAST_HOPS), N(IPV6_MTU), N(IPV6_MTU_DISCOVER), N(IPV6_V6ONLY),
	N(IPV6_RECVERR), N(IPV6_MINHOPCOUNT),
	N(TCP_NODELAY), N(TCP_MAXSEG), N(TCP_CORK), N(TCP_KEEPIDLE), N(TCP_KEEPINTVL), N(TCP_KEEPCNT), N(TCP_SYNCNT), N(TCP_LINGER2),
	N(TCP_DEFER_ACCEPT), N(TCP_WINDOW_CLAMP), N(TCP_INFO), N(TCP_QUICKACK), N(TCP_CONGESTION), N(TCP_USER_TIMEOUT), N(TCP_FASTOPEN),
	N(TCP_NOTSENT_LOWAT), N(TCP_FASTOPEN_CONNECT), N(TCP_FASTOPEN_KEY), N(TCP_FASTOPEN_NO_COOKIE), N(TCP_INQ), N(TCP_TIMESTAMP),
	N(MSG_DONTWAIT), N(MSG_ERRQUEUE), N(MSG_FASTOPEN), N(MSG_MORE), N(MSG_NOSIGNAL), N(MSG_OOB), N(MSG_PEEK), N(MSG_TRUNC),
	N(MSG_WAITALL), N(MSG_CTRUNC), N(MSG_EOR), N(MSG_DONTROUTE), N(MSG_ZEROCOPY),
	N(F_GETFL), N(F_SETFL), N(F_GETFD), N(F_SETFD), N(O_RDONLY), N(O_WRONLY), N(O_RDWR), N(O_NONBLOCK),
	N(FIONREAD), N(FIONBIO), N(SIOCINQ), N(SIOCOUTQ), N(SIOCOUTQNSD), N(SIOCATMARK),
	N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLRDHUP), N(POLLERR), N(POLLHUP), N(POLLNVAL), N(POLLRDNORM), N(POLLWRNORM), N(POLLRDBAND),
	N(POLLWRBAND), N(EPOLLIN), N(EPOLLPRI), N(EPOLLOUT), N(EPOLLRDHUP), N(EPOLLERR), N(EPOLLHUP), N(EPOLLET), N(EPOLLONESHOT),
	N(EPOLLRDNORM), N(EPOLLWRNORM), N(EPOLL_CTL_ADD), N(EPOLL_CTL_MOD), N(EPOLL_CTL_DEL),
	N(TCP_ESTABLISHED), N(TCP_SYN_SENT), N(TCP_SYN_RECV), N(TCP_FIN_WAIT1), N(TCP_FIN_WAIT2), N(TCP_TIME_WAIT), N(TCP_CLOSE),
	N(TCP_CLOSE_WAIT), N(TCP_LAST_ACK), N(TCP_LISTEN), N(TCP_CLOSING),
	N(TCP_CA_Open), N(TCP_CA_Disorder), N(TCP_CA_CWR), N(TCP_CA_Recovery), N(TCP_CA_Loss),
	N(TCPI_OPT_TIMESTAMPS), N(TCPI_OPT_SACK), N(TCPI_OPT_WSCALE), N(TCPI_OPT_ECN), N(TCPI_OPT_ECN_SEEN), N(TCPI_OPT_SYN_DATA),
};

static bool find(const struct name *t, size_t n, struct script_text w, int64_t *v)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(w, t[i].name)) {
			*v = t[i].value;
			return true;
		}
	return false;
}

bool name_value(struct script_text w, int64_t *v)
{
	return find(errnos, sizeof errnos / sizeof *errnos, w, v) || find(names, sizeof names / sizeof *names, w, v);
}

const char *errno_name(int err, char buf[16])
{
	for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
		if (errnos[i].value == err)
			return errnos[i].name;
	snprintf(buf, 16, "errno %d", err);
	return buf;
}
