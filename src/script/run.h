#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H
/* A script being run: what run.c, flow.c, call.c and assert.c share. */
#include <pthread.h>
#include <outlet/ol_addr.h>
#include "packetdrill/pd.h"
#include "packetdrill/pd_if.h"
#include "script.h"

enum { RUN_MAX_FDS = 64, RUN_MAX_SAID = 4096 };

/* One connection between script and stack.  Its numbers: the script's begin where the script says, the live ones anywhere. */
enum flow_state { FLOW_NEW, FLOW_LISTENING, FLOW_CONNECTING, FLOW_SYN_SENT, FLOW_SYN_RECEIVED, FLOW_SYN_ACK_SENT, FLOW_OPEN };
struct ts_pair { uint32_t script, live; };
struct flow {
	enum flow_state state;
	int script_fd, fd;			/* -1: not accepted yet */
	struct ol_endpoint local, remote;
	uint32_t local_iss, script_local_iss;	/* of the stack's SYN */
	uint32_t remote_iss;			/* the script's own, used as it is */
	bool has_ts;				/* a TS val came out: the first one fixes the distance */
	uint32_t ts_script, ts_live;
	struct ts_pair *ts;
	size_t n_ts;
	struct flow *next;
};

struct blocked {				/* a call on its own thread */
	struct run *run;
	const struct event *ev;
	pthread_t thread;
	bool done;				/* under pd's lock */
	bool ok;
	ol_time at;				/* when it came back */
	ol_time started, end;			/* script times */
	char said[SCRIPT_ERROR_LEN];
};

struct run {
	const struct script *s;
	struct packetdrill_interface ifc;
	struct pd *pd;
	ol_time start;				/* the stack's clock at the script's time 0 */
	struct { int script, live; } fds[RUN_MAX_FDS];
	int n_fds;
	struct flow *flows, *flow;		/* all; the one that segments are about */
	uint16_t next_port;			/* the peer's next ephemeral port */
	struct blocked blocked;
	bool is_blocked;
	const struct event *at_fault;		/* the event that a failure is about: a blocked call's comes to light later */
	char said[SCRIPT_ERROR_LEN];		/* why it failed; the first sentence stays */
	char actual[256];			/* what came, in the script's words */
	void (*report)(void *, const char *);
	void *report_arg;
};

/** Notes why the script fails.  Returns false. */
bool run_fail(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A line of the ladder. */
void run_say(struct run *r, ol_time at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** The script's time now. */
ol_time run_now(struct run *r);

/* flow.c */
struct flow *flow_new(struct run *r);
void flow_free_all(struct run *r);
/** The flow that this segment of the script is about; NULL and a reason if there is none. */
struct flow *flow_of(struct run *r, const struct script_seg *g);
/** Puts it in. */
bool flow_in(struct run *r, struct flow *f, const struct script_seg *g);
/** Waits for it to come out, and compares; *at: when it left (script time). */
bool flow_out(struct run *r, struct flow *f, const struct script_seg *g, ol_time *at);
/** The address of each side, and the same as a socket address for the family that the sockets have. */
struct ol_addr run_address(const struct run *r, bool local);
socklen_t run_sockaddr(const struct run *r, const struct ol_endpoint *e, struct sockaddr_storage *ss);

/* call.c */
/** Makes the call and checks what comes back; the reason of a failure goes into said[SCRIPT_ERROR_LEN]. */
bool call_run(struct run *r, const struct script_call *c, char *said);

/* assert.c */
struct tcp_info;
/** Runs the statements of a %{ }% block on ti (len bytes of it are there). */
bool assert_run(struct script_text code, const void *ti, size_t len, char *said);

/* seg_text.c */
/** A segment in the script's notation; any_wnd: without its window. */
void seg_text(char *buf, size_t size, const struct script_seg *g, bool any_wnd);

#endif
