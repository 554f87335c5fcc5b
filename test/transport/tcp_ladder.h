#ifndef TEST_TRANSPORT_TCP_LADDER_H
#define TEST_TRANSPORT_TCP_LADDER_H
/*
 * Ladders: one TCP over a real internet floor, and a peer that says line by line what it sends and sees, in packetdrill's
 * notation.  Times are virtual milliseconds since the line before.
 *
 *	in (l, 50, ". 1:1(0) ack 1001 win 257 <sack 2001:3001>");	the peer sends this, 50 ms later
 *	out(l,  0, "P. 1:1001(1000) ack 1 <nop,nop,TS val * ecr 7>");	this must have come, now
 *	by (l, 300, "F. 1:1(0) ack 1");					this must come within 300 ms
 *	none(l);							nothing more has
 *	wait(l, 30);							30 ms pass and nothing comes
 *	app(l,  0, "write 1000");					the program calls
 *	ins (l, 1, 1, 4001, 1000, "ack 1 win 257");			three segments of 1000 bytes, 1 ms before each; outs: all come now
 *
 * A text may be a format, with arguments behind it.
 * Sequence numbers count from each side's SYN, which is 0.  What a pattern of out() does not name (ack, win, options, urg) is
 * not looked at; seq, length and flags always are.  `ecr last` echoes the newest timestamp seen.  Behind all, [ce], [ect0] and
 * [ect1] mark a segment in, [ect0] and [noecn] are claims about one that came out.  The flag A is RFC 9768's AE; a digit behind
 * the flags is AE, CWR and ECE as a number.  <ECN0 1 0 1> and <ECN1 ...> are its options, their fields in the order of the wire.
 * app(): connect (or connect N, from another port), listen BACKLOG, accept, write N, more N, record N (MSG_EOR), urg N, read N, peek N, readurg, shutdown wr|rd, close, abort,
 * closelisten, nodelay 0|1, cork 0|1; each may end in "= N" or "= eof|again|reset|pipe|refused|timedout|..." for what must come back.
 * A connection just made (connect, accept, fastopen) is what later calls are about.
 * Fast Open: "fastopen N" opens to the peer from a port of its own and says how many of N bytes went with the SYN; "listenfast
 * QLEN" listens; "fastrecord N" opens with MSG_EOR.  <FO>, <FO 0011aabb>, <FOEXP ...> are the option; "FO cookie" is in out() any cookie, in in() the last one that
 * came out, "FO not cookie" one that is wrong.
 */
#include "unit.h"
#include <outlet/ol_sock.h>
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_listen.h"

struct ladder;
struct ladder_how {
	bool v6;
	const char *cfg;		/* settings, "name=value,..." */
	uint32_t mtu;
	unsigned features;
	int backlog;			/* of listen; 0: 10 */
	const char *syn;		/* options of the peer's SYN; NULL: "mss 1000,sackOK,nop,nop,nop,wscale 7" */
};
struct ladder *ladder_new(struct ladder_how how);
struct ladder *ladder_new_listening(struct ladder_how how);
struct ladder *ladder_new_half_open(struct ladder_how how);
struct ladder *ladder_new_established(struct ladder_how how);
struct ladder *ladder_new_syn_sent(struct ladder_how how);
struct ladder *ladder_new_crossed(struct ladder_how how);
#define LADDER_HOW(...) ((struct ladder_how){ __VA_ARGS__ })
#define ladder(...) ladder_new(LADDER_HOW(__VA_ARGS__))
/** Openings, for tests about what comes after.  Passive: a listener; the peer's SYN, answered; a round trip of 20 ms, accepted. */
#define ladder_listening(...) ladder_new_listening(LADDER_HOW(__VA_ARGS__))
#define ladder_half_open(...) ladder_new_half_open(LADDER_HOW(__VA_ARGS__))
#define ladder_established(...) ladder_new_established(LADDER_HOW(__VA_ARGS__))
/** Active: our SYN went; the peer's own SYN crossed it and was answered, which is SYN-RECEIVED. */
#define ladder_syn_sent(...) ladder_new_syn_sent(LADDER_HOW(__VA_ARGS__))
#define ladder_crossed(...) ladder_new_crossed(LADDER_HOW(__VA_ARGS__))
/** Checks everything once more, frees it and asserts that every packet came back. */
void ladder_end(struct ladder *l);

#define LADDER_TEXT __attribute__((format(printf, 4, 5)))
void ladder_in(struct ladder *l, int line, int ms, const char *text, ...) LADDER_TEXT;
void ladder_out(struct ladder *l, int line, int ms, const char *text, ...) LADDER_TEXT;
void ladder_none(struct ladder *l, int line);
void ladder_wait(struct ladder *l, int line, int ms);
void ladder_app(struct ladder *l, int line, int ms, const char *text, ...) LADDER_TEXT;
#define in(l, ms, ...) ladder_in(l, __LINE__, ms, __VA_ARGS__)
#define out(l, ms, ...) ladder_out(l, __LINE__, ms, __VA_ARGS__)
#define by(l, ms, ...) ladder_out(l, __LINE__, -(ms), __VA_ARGS__)
#define none(l) ladder_none(l, __LINE__)
#define wait(l, ms) ladder_wait(l, __LINE__, ms)
#define app(l, ms, ...) ladder_app(l, __LINE__, ms, __VA_ARGS__)
/* [from, to) in segments of `len` bytes, flags "."; `rest` is what stands behind the numbers. */
#define ins(l, ms, from, to, len, rest) do { \
	for (unsigned at_ = from; at_ < (to); at_ += (len)) \
		in(l, ms, ". %u:%u(%u) %s", at_, at_ + (len), (unsigned)(len), rest); \
} while (0)
#define outs(l, from, to, len, rest) do { \
	for (unsigned at_ = from; at_ < (to); at_ += (len)) \
		out(l, 0, ". %u:%u(%u) %s", at_, at_ + (len), (unsigned)(len), rest); \
} while (0)

/** An ICMP error of the peer's about our segment that begins at seq (relative). */
void ladder_icmp(struct ladder *l, enum ol_err err, bool hard, uint32_t mtu, uint32_t seq);
/** Segments to come are from this port of the peer. */
void ladder_peer_port(struct ladder *l, uint16_t port);
/** What comes and what the program does is from now on of this connection. */
void ladder_turn_to(struct ladder *l, struct tcp_tcb *tcb);
/** Bits of the next segment in that are turned over, the checksum made before (damage) or after (`summed`, a choice). */
void ladder_bend(struct ladder *l, unsigned at, uint8_t mask, bool summed);
/** The next packet sent, from its IP header on, or NULL; the caller frees it. */
struct ol_pkt *ladder_take(struct ladder *l);
struct net *ladder_net(struct ladder *l, int *ifi);
/** Throws away what was sent until now; how many packets that were. */
unsigned ladder_flush(struct ladder *l);
/** What comes in between has come together: tcp_batch_begin. */
void ladder_together(struct ladder *l);
void ladder_together_end(struct ladder *l);
struct tcp_tcb *ladder_tcb(struct ladder *l);
struct tcp_listener *ladder_listener(struct ladder *l);
struct tcp *ladder_tcp(struct ladder *l);
ol_time ladder_now(const struct ladder *l);
uint64_t ladder_fate(const struct ladder *l, enum ol_fate fate);
struct ol_verdict ladder_verdict(const struct ladder *l);	/* of the last segment in */
#define state_is(l, s) eq(tcp_state(ladder_tcb(l)), OL_TCP_##s)

#endif
