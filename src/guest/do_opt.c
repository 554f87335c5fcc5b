/*
 * setsockopt, getsockopt and the ioctls of sockets.
 *
 * Options are the service's to honour or refuse.  A few also steer the native descriptor on which the program really
 * waits and reads: timeouts, the low-water mark, inline urgent data; those are set on both.  Questions about
 * interfaces are answered with the host's, whichever socket they are asked on: libraries ask them on AF_UNIX sockets
 * too, where the kernel would tell about the machine.
 */
#include "guest/runner.h"
#include "base/check.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { OPTION_MAX = 16 * 1024, IFCONF_MAX = 64 * 1024 };

/* ---- options ---- */

static bool is_timeout(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_RCVTIMEO_OLD || name == SO_SNDTIMEO_OLD ||
				       name == SO_RCVTIMEO_NEW || name == SO_SNDTIMEO_NEW);
}

static bool is_native_too(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_RCVLOWAT || name == SO_OOBINLINE);
}

static void setsockopt_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret >= 0 && c->state)
		setsockopt(c->fd, (int)c->arg[1], (int)c->arg[2], c->state, sizeof(int));
	call_answer(r, c, reply->head.ret);
}

void do_setsockopt(struct runner *r, struct call *c)
{
	int level = (int)c->arg[1], name = (int)c->arg[2], len = (int)c->arg[4];
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	if (len < 0 || len > OPTION_MAX) {
		call_answer(r, c, -EINVAL);
		return;
	}
	if (len && call_read(c, r->buf, c->arg[3], (size_t)len)) {
		call_answer(r, c, -EFAULT);
		return;
	}
	if (is_timeout(level, name)) {
		/* The kernel checks it (EDOM, EINVAL); what it takes, the service is told by the name that it knows. */
		if (setsockopt(c->fd, level, name, r->buf, (socklen_t)len) < 0) {
			call_answer(r, c, -errno);
			return;
		}
		name = name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW ? SO_RCVTIMEO : SO_SNDTIMEO;
	}
	if (is_native_too(level, name) && (size_t)len >= sizeof(int) && (c->state = malloc(sizeof(int))))
		memcpy(c->state, r->buf, sizeof(int));
	struct ipc_call m = { .op = IPC_OP_SETSOCKOPT, .arg = { level, name, len } };
	call_ask(r, c, &m, r->buf, (size_t)len, setsockopt_replied);
}

static int write_value(struct runner *r, struct call *c, const void *value, size_t len)
{
	int32_t room, n;
	if (call_read(c, &room, c->arg[4], sizeof room))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	n = (int32_t)MIN(len, (size_t)room);
	int err = call_write(r, c, c->arg[3], value, (size_t)n);
	return err ? err : call_write(r, c, c->arg[4], &n, sizeof n);
}

static void getsockopt_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int ret = reply->head.ret, error = 0;
	const void *value = reply->data.p;
	if (ret >= 0 && (int)c->arg[1] == SOL_SOCKET && (int)c->arg[2] == SO_ERROR && reply->data.len == sizeof error) {
		/* A reset also lies in the native descriptor; who asked has heard of it now, by the name that the service has for it. */
		memcpy(&error, value, sizeof error);
		error = error || c->name.kind != IPC_KIND_STREAM ? error : c->taken;
		value = &error;
	}
	if (ret >= 0)
		ret = write_value(r, c, value, reply->data.len);
	call_answer(r, c, ret);
}

/* RFC 3678: which group's filter is meant stands in the value. */
static bool is_question(int level, int name)
{
	return (level == IPPROTO_IP && (name == IP_MSFILTER || name == MCAST_MSFILTER)) || (level == IPPROTO_IPV6 && name == MCAST_MSFILTER);
}

void do_getsockopt(struct runner *r, struct call *c)
{
	int level = (int)c->arg[1], name = (int)c->arg[2];
	int32_t room;
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	if (call_read(c, &room, c->arg[4], sizeof room)) {
		call_answer(r, c, -EFAULT);
		return;
	}
	if (room < 0) {
		call_answer(r, c, -EINVAL);
		return;
	}
	if (is_timeout(level, name)) {
		char tv[16];
		socklen_t len = (socklen_t)MIN(room, (int32_t)sizeof tv);
		int ret = getsockopt(c->fd, level, name, tv, &len) < 0 ? -errno : write_value(r, c, tv, len);
		call_answer(r, c, ret);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_GETSOCKOPT, .arg = { level, name, MIN(room, OPTION_MAX) } };
	if (level == SOL_SOCKET && name == SO_ERROR)
		m.flags = (uint16_t)call_take_error(c);
	size_t asks = is_question(level, name) ? (size_t)m.arg[2] : 0;
	if (asks && call_read(c, r->buf, c->arg[3], asks)) {
		call_answer(r, c, -EFAULT);
		return;
	}
	call_ask(r, c, &m, r->buf, asks, getsockopt_replied);
}

/* ---- ioctl ---- */

/* How many bytes lie behind the argument; 0: not a question we have. */
static size_t ioctl_len(unsigned cmd)
{
	if (cmd == SIOCOUTQ)
		return sizeof(int);
	if (cmd == SIOCGARP || cmd == SIOCSARP || cmd == SIOCDARP)
		return sizeof(struct arpreq);
	if (cmd >= SIOCGIFNAME && cmd < SIOCGARP - 2 && cmd != SIOCETHTOOL)
		return sizeof(struct ifreq);
	return 0;
}

static void ioctl_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int ret = reply->head.ret;
	if (ret >= 0 && call_write(r, c, c->arg[2], reply->data.p, reply->data.len))
		ret = -EFAULT;
	call_answer(r, c, ret);
}

static void ifconf_replied(struct runner *r, struct call *c, struct reply *reply)
{
	struct ifconf conf;
	int ret = reply->head.ret;
	if (ret >= 0 && call_read(c, &conf, c->arg[2], sizeof conf))
		ret = -EFAULT;
	if (ret >= 0) {
		size_t n = reply->data.len;
		if (conf.ifc_buf) {
			n = MIN(n, conf.ifc_len > 0 ? (size_t)conf.ifc_len : 0);
			n -= n % sizeof(struct ifreq);
			if (call_write(r, c, (uint64_t)(uintptr_t)conf.ifc_buf, reply->data.p, n))
				ret = -EFAULT;
		}
		conf.ifc_len = (int)n;
		if (call_write(r, c, c->arg[2] + offsetof(struct ifconf, ifc_len), &conf.ifc_len, sizeof conf.ifc_len))
			ret = -EFAULT;
	}
	call_answer(r, c, ret < 0 ? ret : 0);
}

void do_ioctl(struct runner *r, struct call *c)
{
	unsigned cmd = (unsigned)c->arg[1];
	bool ours = c->name.sock, about_data = cmd < SIOCADDRT;	/* SIOCATMARK and the owner of signals; SIOCOUTQ */
	int is_socket = 0;
	socklen_t sl = sizeof is_socket;
	if ((!ours && (about_data || getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &is_socket, &sl) < 0)) ||
	    (ours && about_data && cmd != SIOCOUTQ)) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_IOCTL, .arg = { (int)cmd } };
	if (cmd == SIOCGIFCONF) {
		m.arg[1] = IFCONF_MAX;
		call_ask(r, c, &m, NULL, 0, ifconf_replied);
		return;
	}
	size_t len = ioctl_len(cmd);
	if (!len)
		call_answer(r, c, cmd == SIOCETHTOOL ? -EOPNOTSUPP : -ENOTTY);
	else if (cmd != SIOCOUTQ && call_read(c, r->buf, c->arg[2], len))
		call_answer(r, c, -EFAULT);
	else
		call_ask(r, c, &m, r->buf, cmd == SIOCOUTQ ? 0 : len, ioctl_replied);
}
