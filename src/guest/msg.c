/*
 * The arguments of the calls that carry data, as one form.  What is checked is a copy, and the same copy is acted on,
 * so a program that changes its memory meanwhile gets no other checks than it passed.
 */
#include "guest/msg.h"
#include "base/check.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

unsigned msg_count(const struct call *c)
{
	if (c->nr == SYS_sendmmsg || c->nr == SYS_recvmmsg)
		return MIN((unsigned)c->arg[2], (unsigned)MSG_IOV_MAX);
	return 1;
}

int msg_flags(const struct call *c)
{
	return (int)(c->nr == SYS_sendmsg || c->nr == SYS_recvmsg ? c->arg[2] : c->arg[3]);
}

static int load_header(const struct call *c, uint64_t at, struct guest_msg *m)
{
	struct msghdr h;
	if (call_read(c, &h, at, sizeof h))
		return -EFAULT;
	if (h.msg_iovlen > MSG_IOV_MAX)
		return -EMSGSIZE;
	if ((int)h.msg_namelen < 0)
		return -EINVAL;
	m->at = at;
	m->name = (uint64_t)(uintptr_t)h.msg_name;
	m->name_len = m->name ? MIN(h.msg_namelen, (socklen_t)sizeof(struct sockaddr_storage)) : 0;
	m->ctl = (uint64_t)(uintptr_t)h.msg_control;
	m->ctl_len = m->ctl ? h.msg_controllen : 0;
	m->n_iov = h.msg_iovlen;
	if (m->n_iov && call_read(c, m->iov, (uint64_t)(uintptr_t)h.msg_iov, m->n_iov * sizeof *m->iov))
		return -EFAULT;
	return 0;
}

int msg_load(const struct call *c, unsigned i, struct guest_msg *m)
{
	int err = 0;
	memset(m, 0, offsetof(struct guest_msg, iov));
	switch (c->nr) {
	case SYS_sendto:
	case SYS_recvfrom:
		m->iov[0] = (struct iovec){ (void *)(uintptr_t)c->arg[1], c->arg[2] };
		m->n_iov = 1;
		m->name = c->arg[4];
		if (c->nr == SYS_recvfrom)
			m->name_lenp = m->name ? c->arg[5] : 0;
		else if ((int)c->arg[5] < 0 || (int)c->arg[5] > (int)sizeof(struct sockaddr_storage))
			return -EINVAL;
		else
			m->name_len = m->name ? (uint32_t)c->arg[5] : 0;
		break;
	case SYS_sendmsg:
	case SYS_recvmsg:
		err = load_header(c, c->arg[1], m);
		break;
	default:
		m->mmsg = c->arg[1] + i * sizeof(struct mmsghdr);
		err = load_header(c, m->mmsg + offsetof(struct mmsghdr, msg_hdr), m);
	}
	if (err)
		return err;
	for (size_t k = 0; k < m->n_iov; k++)
		if (m->at && (ssize_t)m->iov[k].iov_len < 0)
			return -EINVAL;
	for (size_t k = 0; k < m->n_iov; k++) {
		if (m->iov[k].iov_len > (size_t)INT32_MAX - m->total)	/* as Linux cuts what is too long */
			m->iov[k].iov_len = (size_t)INT32_MAX - m->total;
		m->total += m->iov[k].iov_len;
	}
	return 0;
}
