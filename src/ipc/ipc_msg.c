/*
 * One message is one SEQPACKET packet: the head, a body, descriptors beside it.  Sending never raises SIGPIPE;
 * whether a call waits is the descriptor's own affair (O_NONBLOCK).  Receiving believes nothing: a packet cut short,
 * a length that contradicts the packet, an unknown type or a wrong count of descriptors is -EBADMSG, and no
 * descriptor of such a message is left open.
 */
#include "ipc/ipc.h"
#include "base/check.h"
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int ipc_send(int fd, enum ipc_type type, uint64_t id, const void *a, size_t a_len, const void *b, size_t b_len,
	     const int *fds, int n_fds)
{
	struct ipc_head head = { .type = (uint16_t)type, .n_fds = (uint16_t)n_fds, .id = id };
	if (a_len > IPC_MAX || b_len > IPC_MAX || sizeof head + a_len + b_len > IPC_MAX)
		return -EMSGSIZE;
	if (n_fds < 0 || n_fds > IPC_MAX_FDS)
		return -EINVAL;
	head.len = (uint32_t)(sizeof head + a_len + b_len);
	struct iovec iov[] = {
		{ &head, sizeof head }, { (void *)(uintptr_t)a, a_len }, { (void *)(uintptr_t)b, b_len },
	};
	union { char buf[CMSG_SPACE(IPC_MAX_FDS * sizeof(int))]; struct cmsghdr align; } ctl;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };
	if (n_fds) {
		memset(&ctl, 0, sizeof ctl);
		msg.msg_control = ctl.buf;
		msg.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)n_fds * sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes the descriptors of a message; what does not fit is closed.  Returns how many there were. */
static int take_fds(struct msghdr *msg, int *fds)
{
	int n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (n < IPC_MAX_FDS && fds)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static int refuse(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return -EBADMSG;
}

int ipc_recv(int fd, void *buf, struct ipc_head *head, const uint8_t **body, int *fds, int *n_fds)
{
	struct iovec iov = { buf, IPC_MAX };
	union { char buf[CMSG_SPACE(IPC_MAX_FDS * sizeof(int))]; struct cmsghdr align; } ctl;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf,
	};
	ssize_t n;
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n_fds)
		*n_fds = 0;
	if (n < 0)
		return -errno;
	int none[IPC_MAX_FDS], got = take_fds(&msg, fds ? fds : none);
	if (n == 0 && !got)
		return -ECONNRESET;
	if ((size_t)n < sizeof *head || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return refuse(fds ? fds : none, got);
	memcpy(head, buf, sizeof *head);
	if (head->len != (size_t)n || head->n_fds != got || head->type < IPC_HELLO || head->type > IPC_END)
		return refuse(fds ? fds : none, got);
	if (n_fds)
		*n_fds = got;
	else
		refuse(fds ? fds : none, got);
	*body = (const uint8_t *)buf + sizeof *head;
	return (int)((size_t)n - sizeof *head);
}
