/* Messages: what is sent arrives, descriptors too; whatever is malformed is refused and leaves no descriptor open. */
#include "unit.h"
#include "base/rng.h"
#include "ipc/ipc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct line { int a, b; uint8_t *buf; };
static struct line line_up(void)
{
	int sv[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	return (struct line){ sv[0], sv[1], malloc(IPC_MAX) };
}
static void line_down(struct line l)
{
	close(l.a);
	close(l.b);
	free(l.buf);
}

TEST(message_arrives_whole_with_its_descriptors)
{
	int before = open_fds();
	struct line l = line_up();
	int give[2] = { open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/zero", O_RDONLY | O_CLOEXEC) };
	eq(ipc_send(l.a, IPC_REPLY, 77, "head", 4, "tail", 4, give, 2), 0);
	struct ipc_head h;
	const uint8_t *body;
	int got[IPC_MAX_FDS], n;
	eq(ipc_recv(l.b, l.buf, &h, &body, got, &n), 8);
	eq(h.type, IPC_REPLY);
	eq(h.id, 77);
	eq_mem(body, "headtail", 8);
	eq(n, 2);
	char zero = 1;
	eq(read(got[1], &zero, 1), 1);
	eq(zero, 0);
	ok(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		close(give[i]);
		close(got[i]);
	}
	line_down(l);
	eq(open_fds(), before);
}

TEST(largest_message_passes_and_a_longer_one_is_refused_by_the_sender)
{
	struct line l = line_up();
	uint8_t *big = calloc(1, IPC_MAX);
	size_t most = IPC_MAX - sizeof(struct ipc_head);
	eq(ipc_send(l.a, IPC_DATA, 1, big, most, NULL, 0, NULL, 0), 0);
	eq(ipc_send(l.a, IPC_DATA, 1, big, most, big, 1, NULL, 0), -EMSGSIZE);
	eq(ipc_send(l.a, IPC_DATA, 1, big, SIZE_MAX, big, 1, NULL, 0), -EMSGSIZE);
	struct ipc_head h;
	const uint8_t *body;
	eq(ipc_recv(l.b, l.buf, &h, &body, NULL, NULL), most);
	eq(ipc_recv(l.b, l.buf, &h, &body, NULL, NULL), -EAGAIN);
	free(big);
	line_down(l);
}

TEST(sender_is_told_to_wait_when_nobody_reads)
{
	struct line l = line_up();
	char body[1000] = { 0 };
	int err = 0, n = 0;
	while (!err && n++ < 100000)
		err = ipc_send(l.a, IPC_DATA, 1, body, sizeof body, NULL, 0, NULL, 0);
	eq(err, -EAGAIN);
	line_down(l);
}

TEST(end_of_the_connection_is_a_reset_and_sending_raises_no_signal)
{
	struct line l = line_up();
	struct ipc_head h;
	const uint8_t *body;
	close(l.a);
	eq(ipc_recv(l.b, l.buf, &h, &body, NULL, NULL), -ECONNRESET);
	eq(ipc_send(l.b, IPC_DATA, 1, "x", 1, NULL, 0, NULL, 0), -EPIPE);
	l.a = -1;
	line_down(l);
}

TEST(malformed_messages_are_refused_and_leave_no_descriptor)
{
	int before = open_fds();
	struct line l = line_up();
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ipc_head good = { .len = sizeof good, .type = IPC_ASK };
	struct ipc_head bad[] = { good, good, good, good };
	bad[0].len++;			/* a length that contradicts the packet */
	bad[1].type = 0;
	bad[2].type = IPC_END + 1;
	bad[3].n_fds = 1;		/* descriptors promised and not there */
	struct ipc_head h;
	const uint8_t *body;
	int fds[IPC_MAX_FDS], n;
	for (int i = 0; i < 4; i++) {
		eq(send(l.a, &bad[i], sizeof bad[i], 0), sizeof bad[i]);
		eq(ipc_recv(l.b, l.buf, &h, &body, fds, &n), -EBADMSG);
		eq(n, 0);
	}
	eq(send(l.a, &good, 3, 0), 3);	/* shorter than a head */
	eq(ipc_recv(l.b, l.buf, &h, &body, fds, &n), -EBADMSG);
	/* A descriptor that nobody announced: with a head that lies, and with one that is right but unwanted. */
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { .align = { 0 } };
	struct iovec iov = { &good, sizeof good };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &null, sizeof null);
	eq(sendmsg(l.a, &m, 0), sizeof good);
	eq(ipc_recv(l.b, l.buf, &h, &body, fds, &n), -EBADMSG);
	eq(ipc_send(l.a, IPC_ASK, 1, "{}", 2, NULL, 0, &null, 1), 0);
	eq(ipc_recv(l.b, l.buf, &h, &body, NULL, NULL), 2);
	close(null);
	line_down(l);
	eq(open_fds(), before);
}

TEST(call_parts_never_reach_outside_the_body)
{
	uint8_t body[sizeof(struct ipc_call) + 16] = { 0 };
	struct ipc_call c = { .op = IPC_OP_SENDTO, .name_len = 4, .ctl_len = 5 }, got;
	struct ipc_bytes name, ctl, data;
	memcpy(body, &c, sizeof c);
	ok(ipc_call_parse(body, sizeof body, &got, &name, &ctl, &data));
	eq(name.len, 4);
	eq(ctl.len, 5);
	eq(data.len, 7);
	ok(data.p + data.len == body + sizeof body);
	ok(!ipc_call_parse(body, sizeof c - 1, &got, &name, &ctl, &data));
	ok(!ipc_call_parse(body, sizeof c + 8, &got, &name, &ctl, &data));
	uint64_t seed = 0x5eed;
	struct rng r;
	rng_init(&r, seed);
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof body; k++)
			body[k] = (uint8_t)(rng_below(&r, 3) ? 0 : rng_u64(&r));
		if (rng_chance(&r, 0.7))
			memcpy(body, &(uint16_t){ (uint16_t)(1 + rng_below(&r, IPC_OP_MAX)) }, 2);
		size_t len = rng_below(&r, sizeof body + 1);
		if (!ipc_call_parse(body, len, &got, &name, &ctl, &data))
			continue;
		ok(name.len + ctl.len + data.len == len - sizeof c);
		ok(got.op >= IPC_OP_SOCKET && got.op < IPC_OP_MAX && got.timeout_ns >= 0);
	}
}

TEST(hello_text_always_ends)
{
	struct ipc_hello h = { .version = IPC_VERSION, .role = IPC_ROLE_GUEST }, got;
	struct ipc_bytes file;
	memset(h.program, 'p', sizeof h.program);
	memset(h.host, 'h', sizeof h.host);
	ok(ipc_hello_parse((uint8_t *)&h, sizeof h, &got, &file));
	eq(file.len, 0);
	eq(strlen(got.program), sizeof h.program - 1);
	eq(strlen(got.host), sizeof h.host - 1);
	h.role = 9;
	ok(!ipc_hello_parse((uint8_t *)&h, sizeof h, &got, &file));
	ok(!ipc_hello_parse((uint8_t *)&h, sizeof h - 1, &got, &file));
}
