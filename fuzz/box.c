/* See box.h. */
#include "box.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_TURNS = 50, FD_SEEN = 256 };
#define AHEAD (1000000 * OL_SEC)

uint8_t in_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

const uint8_t *in_take(struct input *in, size_t *len)
{
	const uint8_t *p = in->p;
	*len = MIN(*len, in->left);
	in->p += *len;
	in->left -= *len;
	return p;
}

static unsigned open_fds(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < FD_SEEN; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

bool box_up(struct box *b, const char *text, size_t len)
{
	char path[64] = "", why[1024] = "";
	int file = -1;
	b->fds = open_fds();
	if (text) {
		file = memfd_create("network", MFD_CLOEXEC);
		must(file >= 0 && write(file, text, len) == (ssize_t)len);
		snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	}
	int err = svc_init(&b->svc, "fuzz", text ? path : NULL, why, sizeof why);
	if (file >= 0)
		close(file);
	must(!err || *why);
	if (err)
		return false;
	b->svc.loop.now += AHEAD;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	b->at_len = sizeof b->at;
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&un, sizeof un.sun_family) && !listen(fd, 16) &&
	     !getsockname(fd, (struct sockaddr *)&b->at, &b->at_len));
	must(!watch_add(&b->svc.loop, &b->svc.listener, fd, EPOLLIN, client_accept));
	return true;
}

int box_dial(struct box *b)
{
	if (b->svc.loop.stop)
		return -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(fd >= 0 && !connect(fd, (struct sockaddr *)&b->at, b->at_len));
	return fd;
}

void box_turn(struct box *b, ol_time later)
{
	struct svc *s = &b->svc;
	s->loop.now += later;
	for (int i = 0; i < MAX_TURNS && !s->loop.stop; i++) {
		loop_turn(&s->loop, 0);
		if (!s->loop.busy && wheel_deadline(&s->loop.wheel) > s->loop.now && i > 1)
			break;
	}
	list_for(n, &s->hosts)
		if (later)			/* it is slow */
			ol_stack_check(list_of(n, struct vhost, node)->stk);
}

void box_down(struct box *b)
{
	svc_fini(&b->svc);
	must(open_fds() == b->fds);
}
