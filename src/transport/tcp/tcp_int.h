#ifndef TRANSPORT_TCP_INT_H
#define TRANSPORT_TCP_INT_H
/*
 * What all files of TCP share: the connection (the RFC's transmission control block), and the instance.  What a file offers
 * the others stands in the header of its name.
 *
 *	sequence space of the send side			sequence space of the receive side
 *	 snd_una       snd_nxt      snd_una+snd_wnd	 rcv_nxt              rcv_adv
 *	----|--in flight--|---usable----|----		----|----window----------|----
 *	    |<--- sndq: bytes not acknowledged, then those not sent --->| then the FIN
 *
 * snd_nxt is the highest sent: retransmissions never pull it back.  SYN and FIN take their number in both spaces.
 */
#include <outlet/ol_fate.h>
#include "base/addr.h"
#include "base/chunkq.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/seq.h"
#include "base/timer.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_accecn.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_local.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_peer.h"
#include "transport/tcp/tcp_rcvq.h"

/* ---- the connection --------------------------------------------------------------------------------------------- */
enum tcp_chrono { TCP_CHRONO_IDLE, TCP_CHRONO_BUSY, TCP_CHRONO_RWND, TCP_CHRONO_SNDBUF, TCP_CHRONOS };
enum tcp_quick { TCP_QUICK_ACKS = 16 };
struct tcp_tcb {
	struct tcp_node node;			/* first: local and remote endpoint */
	struct tcp *tcp;
	void *user;
	struct tcp_opts opts;
	struct list all;			/* of tcp->all */
	struct list event;			/* of tcp->events */
	struct list accept;			/* of listener->accepted */
	struct tcp_listener *listener;		/* until accepted */
	struct tcp_local local;
	struct timer timer;			/* TIMER_TCP_TCB: at or before the earliest of the deadlines below */

	uint8_t state;				/* enum ol_tcp_state */
	enum ol_err error;			/* SO_ERROR: to be reported once */
	enum ol_err soft_error;			/* RFC 1122 4.2.3.9: noted, reported if the connection times out */
	bool soft_new : 1;			/* soft_error was not told yet */
	bool held : 1;				/* the user has the pointer */
	bool orphan : 1;			/* was released */
	bool passive : 1;			/* came from a listener */
	bool in_demux : 1;
	bool fin_queued : 1;			/* CLOSE was called: a FIN follows the queue */
	bool fin_sent : 1;
	bool fin_received : 1;			/* in order */
	bool rd_shut : 1;			/* the user reads no more */
	bool dying : 1;				/* linger2 < 0 or abort: no TIME-WAIT */
	bool push_now : 1;			/* for one tcp_output: Nagle and cork have no say */
	bool more : 1;				/* for one tcp_output: MSG_MORE */
	bool nospace : 1;			/* the user met a full queue: room is an event */
	bool pushed : 1;			/* a segment shorter than the peer's full ones waits: reading it all sends the ACK */
	bool syn_fin : 1;			/* with syn_text, or without: the crossing SYN had a FIN behind */
	bool fin_ahead : 1;			/* a FIN came before what is in front of it: fin_at */
	bool was_cork : 1;				/* opts when tcp_opts_changed last looked */
	uint8_t cause;				/* enum ol_cause of what is sent now ... */
	uint32_t cause_len;			/* ... and the bytes of that SEND or RECV */

	/* agreed on SYN */
	bool sack_ok : 1, ts_ok : 1, ws_ok : 1, ecn_ok : 1;
	uint8_t snd_wscale, rcv_wscale;		/* RFC 7323: of windows that come, of windows we announce */

	/* RFC 9293 3.3.1: send */
	tcp_seq iss, snd_una, snd_nxt;
	tcp_seq snd_wl1, snd_wl2, snd_up;
	uint32_t snd_wnd;			/* bytes, scaled */
	uint32_t max_wnd;			/* largest ever offered: SWS avoidance */
	bool urg_out;				/* snd_up is ahead of snd_una */
	/* RFC 9293 3.3.1: receive */
	tcp_seq irs, rcv_nxt, rcv_up;
	uint32_t rcv_wnd;			/* offered at rcv_wup; never shrinks: rcv_wup + rcv_wnd is the right edge */
	tcp_seq rcv_wup;			/* rcv_nxt when the last ACK went */
	tcp_seq copied;				/* first byte the user has not taken */
	bool urg_in, urg_taken, urg_valid;	/* an urgent pointer is ahead; its byte was read; its byte is in hand */
	uint8_t urg_byte;
	tcp_seq fin_at;

	/* sizes */
	struct net_path path;			/* as the last net_route said */
	uint64_t path_generation;		/* net_generation then */
	uint16_t peer_mss;			/* the peer's MSS option, or the default */
	uint16_t adv_mss;			/* what we announced */
	uint32_t snd_mss;			/* text bytes of a full segment: RFC 9293 3.7.1's Eff.snd.MSS, timestamps taken off */
	uint32_t snd_cut;			/* of each segment but the last of what was sent last: SACK blocks taken off, too */
	uint32_t rcv_mss;			/* estimate of the peer's segments, for delayed ACKs */
	struct tcp_mtup mtup;

	/* send queue */
	struct chunkq sndq;			/* bytes from snd_una (or iss + 1) on */
	tcp_seq sndq_seq;			/* number of its first byte */
	struct tcp_marks push;			/* where writes ended: PSH */
	struct tcp_marks records;		/* where those with MSG_EOR did */
	struct tcp_tell *tell;			/* the user's, who is told of some; or NULL */
	uint32_t sndbuf;
	tcp_seq snd_sml;			/* end of the last small segment: Minshall's Nagle */

	/* receive queue */
	struct ol_pkt *syn_text;		/* text on a SYN that crossed ours, until ESTABLISHED; or NULL */
	struct tcp_rcvq rcvq;
	uint32_t rcvbuf;
	uint32_t window_max;			/* what the scale can say, and window_clamp */
	struct { tcp_seq seq; ol_time at; uint32_t space; } rcv_tune;	/* bytes the user took per round trip */
	ol_time rcv_rtt_ns;
	struct { tcp_seq seq; ol_time at; } rcv_rtt;

	/* RFC 6298, written by the loss half: srtt_ns 0 is no sample yet; the number of back-offs is loss.backoff */
	ol_time srtt_ns, rttvar_ns, rto_ns;
	ol_time stuck_at;			/* when progress stopped: R2, user timeout; OL_NEVER: it has not */

	/* RFC 7323 */
	uint32_t ts_offset, ts_recent;
	ol_time ts_recent_at;
	tcp_seq last_ack_sent;

	/* acknowledging */
	bool ack_now, ack_pending;
	struct list ack_later;			/* its ACK is due when the segments at hand have all been processed */
	uint8_t quick;				/* ACKs left that go at once */
	uint8_t pingpong;			/* the user answers what it gets: delay */
	ol_time ato_ns;				/* 0: no data came yet */
	ol_time last_rcv_at, last_snd_at, last_ack_at;	/* text came, text went, an ACK went */
	ol_time last_ack_in_at;			/* an ACK came */
	ol_time confirmed_at;			/* the neighbour was told to be alive */
	ol_time challenge_at;			/* last answer to something unacceptable; 0 never */

	/* Fast Open, RFC 7413 */
	struct tcp_listener *fo_listener;	/* opened by a SYN's cookie, and its handshake goes on; NULL: not so */
	struct list fo_node;			/* of its pending */
	bool fo_child : 1;			/* a SYN's cookie opened it */
	bool fo_asked : 1;			/* our SYN had the option */
	bool fo_exp : 1;			/* in its experimental form */
	bool fo_data : 1;			/* our SYN had text */
	bool fo_acked : 1;			/* text went with the SYN and was taken */
	bool fo_renew : 1;			/* the SYN-ACK brings a new cookie */
	uint8_t fo_fail;			/* TCP_FO_* */

	/* ECN, RFC 3168 */
	bool ecn_echo;				/* receiver: CE was seen, CWR not yet */
	struct tcp_accecn accecn;		/* RFC 9768 in its place; ecn_ok is false then */

	/* deadlines, OL_NEVER when off */
	ol_time delack_at, persist_at, keepalive_at, finwait2_at;
	uint8_t keepalive_sent;
	uint8_t probes;				/* window probes without an answer */
	uint8_t persist_backoff;

	struct tcp_loss loss;			/* tcp_loss.h */

	struct {				/* since birth, for TCP_INFO and tables */
		uint64_t bytes_sent, bytes_retrans, bytes_acked, bytes_received;
		uint32_t segs_out, segs_in, data_segs_out, data_segs_in, retrans, rcv_ooopack;
		uint32_t dsack_dups;
		ol_time chrono_ns[TCP_CHRONOS], chrono_at;
		uint8_t chrono;			/* what runs since chrono_at: enum tcp_chrono */
	} stat;
	ol_time born;
};

static inline bool tcp_synchronized(uint8_t s)
{
	return s == OL_TCP_ESTABLISHED || s == OL_TCP_FIN_WAIT_1 || s == OL_TCP_FIN_WAIT_2 || s == OL_TCP_CLOSE_WAIT ||
	       s == OL_TCP_CLOSING || s == OL_TCP_LAST_ACK || s == OL_TCP_TIME_WAIT;
}
/** May text move?  With Fast Open it may before the handshake is over. */
static inline bool tcp_carries(const struct tcp_tcb *tcb)
{
	return tcp_synchronized(tcb->state) || (tcb->state == OL_TCP_SYN_RECEIVED && tcb->fo_child);
}
/** Sent and not acknowledged, SYN and FIN included. */
static inline uint32_t tcp_outstanding(const struct tcp_tcb *tcb) { return seq_len(tcb->snd_una, tcb->snd_nxt); }

/* ---- the instance ----------------------------------------------------------------------------------------------- */
#define TCP_LISTEN_BUCKETS 256
struct tcp {
	struct tcp_config cfg;
	struct tcp_loss_cfg loss_cfg;
	struct net *net;
	struct ol_pool *pool;
	struct wheel *wheel;
	struct tcp_demux demux;
	struct chunk_stock chunks;		/* of the send queues */
	struct sb_stock records;		/* of the scoreboards */
	struct list listen[TCP_LISTEN_BUCKETS];
	struct list all;			/* every struct tcp_tcb */
	struct list tcb_events, listener_events;
	struct list ack_later;			/* struct tcp_tcb: see tcp_batch_begin */
	bool in_batch;
	struct list leaving;			/* struct tcp_note: a byte in an interface's queue whose user wants to know when it leaves */
	struct list tw;
	struct timer tw_timer;			/* TIMER_TCP_TW: the oldest record's end */
	uint32_t n_tw, n_orphans, n_tcb, n_syn;
	struct sipkey key_isn, key_ts, key_cookie, key_reuseport, key_fastopen, key_peers;
	struct tcp_peers peers;
	struct rng rng;
	struct { ol_time from; uint32_t left; } challenge;	/* RFC 5961 7: this second's budget */
	uint64_t count[OL_FATE_MAX];
};

#endif
