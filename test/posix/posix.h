#ifndef POSIX_POSIX_H
#define POSIX_POSIX_H
/*
 * A conformance program for sockets: plain C against libc, run on the kernel's own sockets and as a guest of Outlet, and the same
 * answers wanted.  TEST(name) { ... } is a case; its name is the claim.  Each runs in a process of its own, with an end set to it.
 *
 * A case calls and says what POSIX and Linux answer; every answer is printed, and what is wrong beside what was wanted.  So a case is
 * judged twice: by itself, and by comparing what it got in the two places.  An answer must therefore be the same in every run: of
 * what differs (ports, counts of a moment) a fact is recorded, not the value.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void case_register(const char *name, const char *file, void (*run)(void));
#define TEST(name) \
	static void case_##name(void); \
	__attribute__((constructor)) static void register_##name(void) { case_register(#name, __FILE__, case_##name); } \
	static void case_##name(void)

void case_int(int line, const char *call, long long got, int err, long long want);
void case_errno(int line, const char *call, long long got, int err, int want);
void case_fact(int line, const char *fact, bool got);
void case_need(int line, const char *fact, bool got);
_Noreturn void case_skip(const char *why);

/* The call returns `want`; returns -1 with errno `err`; returns anything but -1; the fact holds.  None of them ends the case. */
#define gives(call, want) do { errno = 0; long long got_ = (long long)(call); case_int(__LINE__, #call, got_, errno, (want)); } while (0)
#define says(call, err) do { errno = 0; long long got_ = (long long)(call); case_errno(__LINE__, #call, got_, errno, (err)); } while (0)
#define works(call) says(call, 0)
#define fact(f) case_fact(__LINE__, #f, (f))
/* What the case cannot go on without. */
#define need(f) do { errno = 0; case_need(__LINE__, #f, (f)); } while (0)

/* ---- help.c ---- */
/* The network that the driver makes: this host, another, and an address behind the other that never answers. */
#define NEAR4 "10.80.0.1"
#define FAR4 "10.80.0.2"
#define SILENT4 "10.81.0.1"
#define NEAR6 "fd80::1"
#define FAR6 "fd80::2"
enum { FAR_ECHO = 7007, FAR_HOLD, FAR_BYE, FAR_RESET, FAR_CLOSED };	/* the other host's ports; CLOSED is none */
void need_far(void);				/* skips the case where there is no other host */
int far_serve(void);				/* far.c: the other host's program */

#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)
struct sockaddr_in in4(const char *ip, int port);
struct sockaddr_in6 in6(const char *ip, int port);
int tcp(void);
int udp(void);
int listener(struct sockaddr_in *at);		/* on 127.0.0.1 at a free port, which goes to *at */
void tcp_pair(int fd[2]);			/* [0] connected, [1] accepted, on 127.0.0.1 */
void udp_pair(int fd[2]);			/* connected to each other */
int bound_udp(struct sockaddr_in *at);
int far_tcp(int port);
int far_hold(void);				/* connected to somebody who reads nothing, and has accepted it */
int on(int fd, int level, int name, int v);	/* setsockopt of an int */
int opt(int fd, int level, int name);		/* an int option's value, or -1 */
int nonblocking(int fd);			/* the same descriptor */
int ready(int fd, int events);			/* what poll says within ten seconds */
int ready_for(int fd, int events);		/* as ready(), once it says each of the events */
int look(int fd, int events);			/* what poll says now */
void reset(int fd);				/* closes it by a reset */
/* The other forms of send() and recv(), with one piece and without a name. */
ssize_t send_iov(int fd, struct iovec *iov, size_t n, int flags);
ssize_t sendmsg_one(int fd, const void *p, size_t len, int flags);
ssize_t recvmsg_one(int fd, void *p, size_t len, int flags);
ssize_t recvfrom_one(int fd, void *p, size_t len, int flags);
size_t fill(int fd);				/* writes until EAGAIN, without waiting; leaves O_NONBLOCK on */
bool stays_full(int fd);			/* filled again and again, until poll finds no room */
int not_a_socket(void);
int shell(const char *variable);		/* runs the command in that environment variable; -1: there is none */
pid_t child(void (*run)(void *), void *arg);	/* a process that runs it and exits with 0 */
int ended(pid_t pid);				/* its status once it has ended */

/* A timer that ticks until it is stopped; each tick calls `also` (may be NULL) from the handler. */
extern volatile int ticks;
void ticks_begin(int flags, void (*also)(int tick));
void ticks_end(void);

#endif
