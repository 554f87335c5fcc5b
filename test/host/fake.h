#ifndef TEST_HOST_FAKE_H
#define TEST_HOST_FAKE_H
/*
 * A service inside the test and runners that are none: they speak the messages of ipc.h as a runner would, on real
 * descriptors, and turn the service's loop themselves while they wait.  Nothing sleeps: a turn waits for what it is
 * told of.
 */
#include "unit.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/svc.h"

struct net { struct svc svc; char dir[64]; };
struct guest { struct net *n; int fd; uint64_t id; char host[64]; char addr[64]; uint8_t *buf; };
struct reply {
	int ret; uint32_t extra; int fd;
	uint8_t name[128]; size_t name_len;
	uint8_t data[4096]; size_t data_len;
};
struct sk { struct guest *g; int fd; uint32_t num; };

struct net *net_up(const char *file_text);		/* NULL: the default network */
void net_down(struct net *n);
void turn(struct net *n);				/* one turn of the loop; waits 20 ms at most */
/** Turns until the fact holds, 5 s at most. */
#define until(n, fact) do { \
	ol_time give_up_ = (n)->svc.loop.now + 5 * OL_SEC; \
	bool held_; \
	while (!(held_ = (fact)) && (n)->svc.loop.now < give_up_) turn(n); \
	if (!held_) print_error("never came true: %s\n", #fact); \
	assert_true(held_); \
} while (0)

struct guest guest_come(struct net *n, const char *program, const char *host);
void guest_leave(struct guest *g);
int dial(struct net *n);				/* a connection past nothing: no HELLO yet */

/** Sends a call; its id. */
uint64_t ask(struct guest *g, struct ipc_call c, const void *name, size_t name_len, const void *data, size_t data_len);
/** The reply that has come; false: none yet. */
bool heard(struct guest *g, struct reply *r, uint64_t *id);
struct reply wait_reply(struct guest *g, uint64_t id);
struct reply call(struct guest *g, struct ipc_call c, const void *name, size_t name_len, const void *data,
		  size_t data_len);

struct sk sk_new(struct guest *g, int domain, int type);
struct sk sk_of(struct guest *g, int domain, int type, int protocol);
struct sk sk_listen(struct guest *g, uint16_t port);
int sk_connect(struct sk s, const char *addr, uint16_t port);
struct sk sk_accept(struct sk s);
int sk_opt(struct sk s, int level, int name);		/* getsockopt of an int; -errno */
void sk_close(struct sk *s);
struct sockaddr_in sin_of(const char *addr, uint16_t port);
/** Reads exactly n bytes off a descriptor while the service turns; false at its end. */
bool read_all(struct net *n, int fd, void *buf, size_t len);
bool write_all(struct net *n, int fd, const void *buf, size_t len);
/** read() once, after waiting until it would not block: bytes, 0, or -errno. */
ssize_t read_once(struct net *n, int fd, void *buf, size_t len);
short events_of(int fd);				/* poll() now */
int open_fds(void);

#endif
