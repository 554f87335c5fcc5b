/*
 * sendfile() as libc has it, on a descriptor of the plug-in: this program is linked with the object, so the name is the
 * object's, as it is with LD_PRELOAD.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "packetdrill/pd_if.h"
#include "unit.h"

enum { FILE_LEN = 150000, PORT = 8080 };

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 7 + i / 251); }

static int file(void)
{
	static uint8_t text[FILE_LEN];
	char name[] = "/tmp/outlet-sendfile-XXXXXX";
	int fd = mkstemp(name);
	ok(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < FILE_LEN; i++)
		text[i] = byte_at(i);
	eq(write(fd, text, FILE_LEN), FILE_LEN);
	eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Two stacks, the newer one's descriptors being those that libc's names find; each has its own time. */
struct two { struct packetdrill_interface server, client; int from, to; };

static void pass(struct packetdrill_interface *from, struct packetdrill_interface *to)
{
	static uint8_t buf[65536];
	size_t n = sizeof buf;
	long long at;
	eq(from->netdev_receive(from->userdata, buf, &n, &at), 0);
	if (n)
		eq(to->netdev_send(to->userdata, buf, n), 0);
}

static struct sockaddr_in in4(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(addr) } };
}

static struct two connected(void)
{
	struct two t;
	struct sockaddr_in a = in4(0xc0000201, PORT), b = in4(0xc0000209, 0);
	struct packetdrill_interface *s = &t.server, *c = &t.client;
	packetdrill_interface_init("", s);
	packetdrill_interface_init("tcp_wmem=4096:1000000:4000000", c);
	int l = s->socket(s->userdata, AF_INET, SOCK_STREAM, 0);
	eq(s->bind(s->userdata, l, (struct sockaddr *)&a, sizeof a), 0);
	eq(s->listen(s->userdata, l, 1), 0);
	t.from = c->socket(c->userdata, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	eq(c->bind(c->userdata, t.from, (struct sockaddr *)&b, sizeof b), 0);
	eq(c->connect(c->userdata, t.from, (struct sockaddr *)&a, sizeof a), -1);
	eq(errno, EINPROGRESS);
	pass(c, s);
	pass(s, c);
	pass(c, s);
	t.to = s->accept(s->userdata, l, NULL, NULL);
	ok(t.to >= 0);
	return t;
}

static void arrived(struct two *t, size_t from, size_t len)
{
	static uint8_t got[FILE_LEN];
	size_t n = 0;
	for (int i = 0; n < len && i < 1000; i++) {
		pass(&t->client, &t->server);
		ssize_t r = t->server.recv(t->server.userdata, t->to, got + n, len - n, MSG_DONTWAIT);
		n += r > 0 ? (size_t)r : 0;
		pass(&t->server, &t->client);
	}
	eq(n, len);
	for (size_t i = 0; i < len; i++)
		eq(got[i], byte_at(from + i));
}

TEST(sendfile_to_a_descriptor_of_the_plug_in)
{
	int fd = file();
	off_t off = 1000;
	struct two t = connected();
	eq(sendfile(t.from, fd, &off, 5), 5);
	eq(off, 1005);
	eq(lseek(fd, 0, SEEK_CUR), 0);
	arrived(&t, 1000, 5);
	eq(sendfile(t.from, fd, NULL, 140000), 140000);		/* in more than one piece, from the file's place on */
	eq(lseek(fd, 0, SEEK_CUR), 140000);
	arrived(&t, 0, 140000);
	eq(sendfile(t.from, fd, NULL, 20000), FILE_LEN - 140000);	/* to the end of the file, and there */
	arrived(&t, 140000, FILE_LEN - 140000);
	eq(sendfile(t.from, fd, NULL, 10), 0);
	eq(sendfile(t.from, t.from, NULL, 10), -1);		/* no file */
	eq(errno, EINVAL);
	eq(sendfile(t.from, -1, NULL, 10), -1);
	eq(errno, EBADF);
	off = 0;
	eq(t.client.shutdown(t.client.userdata, t.from, SHUT_WR), 0);
	eq(sendfile(t.from, fd, &off, 10), -1);
	eq(errno, EPIPE);
	t.client.free(t.client.userdata);
	t.server.free(t.server.userdata);
}

/* What is not ours is libc's. */
TEST(sendfile_between_files_goes_on)
{
	int in = file(), out[2];
	char buf[10];
	off_t off = 20;
	eq(pipe(out), 0);
	eq(sendfile(out[1], in, &off, sizeof buf), sizeof buf);
	eq(read(out[0], buf, sizeof buf), sizeof buf);
	eq((uint8_t)buf[3], byte_at(23));
}
