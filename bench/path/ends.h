#ifndef BENCH_PATH_ENDS_H
#define BENCH_PATH_ENDS_H
/*
 * The two ends of a measured path: a sender that always has more, or bursts with pauses between, and a receiver that reads all.  Each
 * end is either our own stack or the Linux kernel, in a network namespace and a child process of its own, behind a TAP device.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>

#define SENDER_ADDR "10.200.0.1"
#define RECEIVER_ADDR "10.200.0.2"
enum { PATH_PORT = 5000, FLOWS_MAX = 8 };

struct plan {
	const char *cc;			/* congestion control of the sender */
	const char *settings;		/* of our stacks, ol_config_set_list; may be NULL */
	ol_time length;			/* how long is sent, from the connection on */
	unsigned flows;			/* at once; each begins `stagger` after the one before */
	ol_time stagger;
	uint32_t burst;			/* bytes in one burst, 0: as much as goes */
	ol_time pause;			/* from burst to burst */
	uint64_t seed;
	bool plain;			/* the kernel cuts its segments itself */
};

/* What an end has to say in the end. */
struct report {
	uint64_t bytes[FLOWS_MAX];	/* received */
	uint64_t late[FLOWS_MAX];	/* of them in the second half of the time */
	uint32_t resent, rto, tlp, undone, dsacked;	/* the sender's: segments, timeouts, probes, reductions taken back, reported twice */
};

struct end;
struct end *end_outlet(const struct plan *p, bool sender, struct ol_pool *pool, ol_time now);
/** NULL, and *why says why not. */
struct end *end_linux(const struct plan *p, bool sender, struct ol_pool *pool, const char **why);
void end_free(struct end *e);
/** A frame for it; takes pkt. */
void end_input(struct end *e, struct ol_pkt *pkt, ol_time now);
/** The next frame from it, or NULL. */
struct ol_pkt *end_output(struct end *e, ol_time now);
/** Lets its programs run. */
void end_work(struct end *e, ol_time now);
ol_time end_deadline(const struct end *e);
/** A descriptor to wait for, or -1. */
int end_fd(const struct end *e);
/** True: its time is over, and *r is filled. */
bool end_done(struct end *e, struct report *r, ol_time now);

struct end {
	struct report report;
	bool over;
	void (*free)(struct end *);
	void (*input)(struct end *, struct ol_pkt *, ol_time);
	struct ol_pkt *(*output)(struct end *, ol_time);
	void (*work)(struct end *, ol_time);
	ol_time (*deadline)(const struct end *);
	int fd;
};

#endif
