#ifndef TRANSPORT_TCP_TCP_CC_H
#define TRANSPORT_TCP_TCP_CC_H
/*
 * Congestion control as exchangeable parts.  Recovery (tcp_recovery.c) knows when the network is congested; a congestion
 * control says by how much the window then shrinks, and how it grows while all is well.  It reads and writes cwnd and
 * ssthresh of struct tcp_loss, in bytes, and keeps its own variables in cc_state.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct tcp_tcb;
struct tcp_rate_sample;

#define TCP_CC_STATE_WORDS 20

enum tcp_cc_event { TCP_CC_TX_START, TCP_CC_IDLE_RESTART, TCP_CC_RECOVERY_END, TCP_CC_LOSS_BEGIN, TCP_CC_RECOVERY_BEGIN };

struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_tcb *tcb, ol_time now);
	void (*fini)(struct tcp_tcb *tcb);
	/** The window to fall to: called once per congestion event, before cwnd changes. */
	uint32_t (*ssthresh)(struct tcp_tcb *tcb, ol_time now);
	/** An ACK took `acked` bytes outside recovery while the window was the limit: grow. */
	void (*grow)(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now);
	/** Each ACK, whatever the state: model-based controls set cwnd and pacing here and nobody else does. */
	void (*control)(struct tcp_tcb *tcb, const struct tcp_rate_sample *rs, ol_time now);
	/** The reduction was a mistake: the window before it. */
	uint32_t (*undo)(struct tcp_tcb *tcb);
	void (*event)(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now);
	/** A round trip was measured. */
	void (*rtt)(struct tcp_tcb *tcb, ol_time rtt_ns, ol_time now);
	bool paced;
};

/** NULL: no such. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);
/** The i-th name there is, or NULL. */
const char *tcp_cc_name(unsigned i);

#endif
