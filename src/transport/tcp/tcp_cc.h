#ifndef TRANSPORT_TCP_TCP_CC_H
#define TRANSPORT_TCP_TCP_CC_H
/*
 * Congestion control as exchangeable parts.  Recovery (tcp_recovery.c) knows when the network is congested; a
 * congestion control says by how much the window then shrinks, and how it grows while all is well.  It reads and writes
 * cwnd and ssthresh of struct tcp_loss, in bytes, and keeps its own variables in cc_state.
 *
 * There are two kinds.  Window-based ones (Reno, CUBIC) fill in `grow`; recovery then shrinks the window by PRR.
 * Model-based ones (BBR) fill in `control`, which sets cwnd and the pacing rate on each ACK and is never overruled.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct tcp_tcb;
struct tcp_rate_sample;
struct tcp_sb_rec;

#define TCP_CC_STATE_WORDS 20

enum tcp_cc_event {
	TCP_CC_TX_START,		/* the first transmission after nothing was outstanding */
	TCP_CC_IDLE_RESTART,		/* the window was cut for idleness */
	TCP_CC_RECOVERY_BEGIN, TCP_CC_RECOVERY_END,
	TCP_CC_LOSS_BEGIN,		/* a retransmission timeout; ssthresh was asked for just before */
};

struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_tcb *tcb, ol_time now);		/* cc_state is all zero */
	void (*fini)(struct tcp_tcb *tcb);			/* may be NULL */
	/** The window to fall to, at least two segments: asked once per congestion event, before cwnd changes. */
	uint32_t (*ssthresh)(struct tcp_tcb *tcb, ol_time now);
	/** `acked` bytes were delivered outside recovery while the window was the limit. */
	void (*grow)(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now);
	/** In place of grow and of PRR: sets the window after each ACK, in every state.  NULL: those do. */
	void (*control)(struct tcp_tcb *tcb, const struct tcp_rate_sample *rs, ol_time now);
	/** Record r, with what was known when it was last sent, was just found lost; before any state changes.  May be NULL. */
	void (*lost)(struct tcp_tcb *tcb, const struct tcp_sb_rec *r, ol_time now);
	/** An ECN echo began an episode; NULL: ssthresh says it all. */
	void (*marked)(struct tcp_tcb *tcb);
	/** The reduction was a mistake: the window to return to.  NULL: that before it. */
	uint32_t (*undo)(struct tcp_tcb *tcb);
	void (*event)(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now);	/* may be NULL */
	void (*rtt)(struct tcp_tcb *tcb, ol_time rtt_ns, ol_time now);			/* may be NULL */
};

extern const struct tcp_cc_ops tcp_cc_reno, tcp_cc_cubic, tcp_cc_bbr;

/** Something happened that the connection's congestion control may want to know. */
void tcp_cc_tell(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now);
/** NULL: no such. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);
/** The i-th name there is, or NULL. */
const char *tcp_cc_name(unsigned i);

#endif
