#ifndef GUEST_MSG_H
#define GUEST_MSG_H
/* A guest's struct msghdr, read once: sendto, sendmsg and each of sendmmsg come to the same, and so do their twins. */
#include "guest/runner.h"
#include <sys/uio.h>

enum { MSG_IOV_MAX = 1024, MSG_CTL_MAX = 4096, MSG_DATAGRAM_MAX = 65535,
       MSG_UDP_MAX = 65527 };	/* over IPv6; what is too long for IPv4 alone the service says */

struct guest_msg {
	uint64_t name, name_lenp;	/* recvfrom: where the length lies; recvmsg: in the header */
	uint32_t name_len;
	uint64_t ctl, ctl_len;
	uint64_t at;			/* of the header in the guest; 0: from sendto or recvfrom */
	uint64_t mmsg;			/* of the struct mmsghdr, or 0 */
	size_t n_iov, total;
	struct iovec iov[MSG_IOV_MAX];
};

/** Number of messages of the call: 1, or the vector's length (at most 1024, as on Linux). */
unsigned msg_count(const struct call *c);
int msg_flags(const struct call *c);
/** Reads message i of the call.  @return 0, -EFAULT, -EINVAL, -EMSGSIZE */
int msg_load(const struct call *c, unsigned i, struct guest_msg *m);

#endif
