#ifndef TRANSPORT_TCP_INT_H
#define TRANSPORT_TCP_INT_H
/*
 * What the files of TCP share: the instance, the connection (the RFC's transmission control block), the small records
 * of SYN-RECEIVED and TIME-WAIT, and what each file offers the others.
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
#include "base/timer_kind.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_accecn.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_fastopen.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_peer.h"
#include "transport/tcp/tcp_tell.h"
#include "wire/tcp.h"

enum { TCP_MIN_MSS = 88, TCP_DEFAULT_MSS4 = 536, TCP_DEFAULT_MSS6 = 1220, TCP_MAX_WSCALE = 14 };
enum { TCP_HDR_LEN = 20, TCP_OPT_MAX = 40, TCP_OPT_TS_LEN = 12, TCP_MAX_SACK = 4 };
enum { TCP_MAX_ACCEPT = 65535 };

/* ---- what the table of connections holds ------------------------------------------------------------------------ */
enum tcp_node_kind { TCP_NODE_TCB, TCP_NODE_SYN, TCP_NODE_TW };
struct tcp_node {
	struct tcp_node *next;			/* of one bucket */
	uint32_t hash;
	uint8_t kind;				/* enum tcp_node_kind */
	uint8_t aux[3];				/* the kind's own */
	struct ol_endpoint local, remote;
};
struct tcp_demux {
	struct tcp_node **bucket;
	uint32_t mask, count;
	struct sipkey key;
	struct tcp_node *last;			/* whose segment came last, or NULL */
};
bool tcp_demux_init(struct tcp_demux *d, struct sipkey key);
void tcp_demux_fini(struct tcp_demux *d);
void tcp_demux_add(struct tcp_demux *d, struct tcp_node *n);
void tcp_demux_del(struct tcp_demux *d, struct tcp_node *n);
struct tcp_node *tcp_demux_find(const struct tcp_demux *d, const struct ol_endpoint *local,
		const struct ol_endpoint *remote);

/* ---- options as parsed, and as agreed --------------------------------------------------------------------------- */
struct tcp_opt {				/* what a segment carried */
	bool mss_ok, ws_ok, sack_permitted, ts_ok;
	uint8_t ws;
	uint16_t mss;
	uint32_t tsval, tsecr;
	int n_sack;
	struct tcp_sack_block sack[TCP_MAX_SACK];
	struct tcp_cookie fo;			/* RFC 7413; of a SYN alone */
	const uint8_t *accecn;			/* RFC 9768: the option, from its kind on, which borrows; NULL: none */
};
/** Never fails: a malformed option ends the list, what came before it counts (RFC 9293 3.1 MUST-5 to MUST-7). */
void tcp_opt_parse(struct tcp_opt *opt, const uint8_t *p, size_t len);
struct tcp_opt_out {				/* what a segment is to carry */
	uint16_t mss;				/* SYN: 0 none */
	bool ws_ok, sack_permitted, ts_ok;
	uint8_t ws;
	uint32_t tsval, tsecr;
	int n_sack;
	struct tcp_sack_block sack[TCP_MAX_SACK];
	struct tcp_cookie fo;			/* SYN alone */
	struct tcp_accecn_opt accecn;		/* not on a SYN */
};
/** Writes at most TCP_OPT_MAX bytes, padded to words; returns their number. */
size_t tcp_opt_build(uint8_t *p, const struct tcp_opt_out *opt);
/** The same where timestamps are the only option: TCP_OPT_TS_LEN bytes; returns their partial checksum. */
uint32_t tcp_opt_put_ts(uint8_t *p, uint32_t tsval, uint32_t tsecr);

/* ---- a segment on its way through the steps --------------------------------------------------------------------- */
struct tcp_in {
	struct tcp_seg seg;			/* wire/tcp.h: host order; seg.text borrows from pkt */
	struct tcp_opt opt;
	struct ol_pkt *pkt;			/* NULL once a queue has it */
	const struct net_rx *rx;
	uint32_t wnd;				/* seg.wnd, scaled */
	uint32_t payload;			/* text bytes it came with */
	bool syn;				/* it came as a SYN */
	bool ce;				/* congestion experienced, RFC 3168 */
	bool dup_text;				/* text that had been received already */
	bool isn_set; tcp_seq isn;		/* a SYN that takes TIME-WAIT over: our ISN must lie above the old numbers */
};

/* ---- receive queue ---------------------------------------------------------------------------------------------- */
struct tcp_rcvq {
	struct ol_pkt *head, *tail;		/* in order, not yet read; head's first bytes may have been */
	struct ol_pkt *ooo;			/* above a gap, sorted, not overlapping */
	struct ol_pkt *ooo_tail;
	size_t readable;			/* bytes in order */
	size_t ooo_bytes;
	size_t truesize;			/* memory of all packets held */
	uint32_t ooo_count;
	struct tcp_sack_block recent[TCP_MAX_SACK];	/* most recently changed first: RFC 2018 4 */
	int n_recent;
	struct tcp_sack_block dsack;		/* RFC 2883: to be reported once */
	bool dsack_set;
};

/* ---- what of ours lies in the interface's queue: tcp_local.c --------------------------------------------------- */
struct tcp_local {
	struct list wait;			/* of the queue's waiting */
	uint32_t mark[2];			/* of the older half, and of the one being filled */
	uint32_t bytes;				/* in the latter */
};

/* ---- the search for the path's MTU: tcp_mtup.c ------------------------------------------------------------------ */
struct tcp_mtup {				/* sizes are of whole IP datagrams */
	bool on;
	bool jump;				/* the next probe is of `high`, not of the middle */
	uint8_t tries;				/* of the present size without a clear result */
	uint32_t low, high;			/* RFC 4821 7.1: search_low, which is eff_pmtu too; search_high */
	uint32_t probe;				/* size of the one that is out; 0: none */
	ol_time next_at;			/* no probe before */
	ol_time again_at;			/* converged: when the range opens again; 0: not converged */
	/* 7.8, while what raised eff_pmtu is on trial */
	uint32_t saved;				/* eff_pmtu before; 0: nothing is */
	uint16_t loss_before;			/* of a thousand bytes that left, lost, since the trial before */
	uint8_t bad;				/* intervals with much loss, in a row */
	tcp_seq trial_from;			/* SND.NXT when eff_pmtu rose */
	ol_time trial_at;			/* this interval ends; and C.lost and C.delivered when it began: */
	uint64_t trial_lost, trial_delivered;
};

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

/* ---- SYN-RECEIVED before there is a connection ------------------------------------------------------------------ */
struct tcp_synrec {
	struct tcp_node node;
	struct list of_listener;
	struct timer timer;			/* TIMER_TCP_SYN */
	struct tcp_listener *listener;
	tcp_seq iss, irs;
	uint32_t ts_recent, ts_offset, rcv_wnd;
	uint32_t snd_wnd;
	uint16_t peer_mss, adv_mss;
	bool sack_ok, ts_ok, ws_ok, ecn_ok;
	uint8_t snd_wscale, rcv_wscale, retries;
	bool deferred;				/* TCP_DEFER_ACCEPT: the bare ACK came */
	uint8_t tos;
	struct tcp_accecn_shake accecn;
	int ifi;
	ol_time sent_at, challenge_at;
};

/* ---- TIME-WAIT: what is left of a connection -------------------------------------------------------------------- */
struct tcp_tw {
	struct tcp_node node;			/* aux[0]: ts_ok; aux[1]: rcv_wscale, above it RFC 9768's ACE; aux[2]: TOS */
	struct list fifo;			/* of tcp->tw, by deadline: all live equally long */
	ol_time at;
	tcp_seq snd_nxt, rcv_nxt;
	uint32_t rcv_wnd, ts_recent, ts_offset;
	uint32_t ts_recent_ms;			/* when ts_recent was set; low bits of the clock in ms */
	ol_time answered_at;			/* last answer to something unacceptable */
};
_Static_assert(sizeof(struct tcp_tw) <= 128, "a TIME-WAIT costs next to nothing");

/* ---- listener --------------------------------------------------------------------------------------------------- */
struct tcp_listener {
	struct list node;			/* of tcp->listen[port] */
	struct tcp *tcp;
	void *user;
	struct ol_endpoint local;
	struct tcp_opts opts;
	bool reuseport;
	uint32_t backlog;
	struct list accepted;			/* established, not taken */
	uint32_t n_accepted;
	struct list syns;			/* struct tcp_synrec, oldest first */
	uint32_t n_syns;
	struct list event;
	uint64_t overflows;
	ol_time cookie_at;			/* the last SYN cookie went; 0 never */
	struct tcp_fo_listener fo;
	struct tcp_fo_keys fo_keys;		/* TCP_FASTOPEN_KEY; none: the instance's */
};

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

/* tcp_tcb.c: life of a connection */
struct tcp_tcb *tcp_tcb_new(struct tcp *tcp, const struct tcp_opts *opts, const struct ol_endpoint *local,
			    const struct ol_endpoint *remote, tcp_seq iss, ol_time now);
/** The window scale to offer, RFC 7323 2.3: what the buffer may grow to must fit. */
uint8_t tcp_choose_wscale(const struct tcp *tcp, const struct tcp_opts *opts);
/** The MSS to announce on this path, RFC 6691. */
uint16_t tcp_adv_mss(const struct tcp_opts *opts, const struct ol_addr *remote, uint32_t mtu);
/** Starts the congestion half: sizes and numbers are known. */
void tcp_start_loss(struct tcp_tcb *tcb, ol_time now);
/** Agreed options of the handshake come into force. */
void tcp_agree(struct tcp_tcb *tcb, const struct tcp_opt *opt);
void tcp_tcb_free(struct tcp_tcb *tcb);
void tcp_enter(struct tcp_tcb *tcb, enum ol_tcp_state state, ol_time now);
/** Ends it: error (or OL_OK) for the user; queues and timers go.  The caller reaps. */
void tcp_enter_closed(struct tcp_tcb *tcb, enum ol_err err, ol_time now);
void tcp_enter_established(struct tcp_tcb *tcb, ol_time now);
/** The receive half starts: RCV.NXT and the window are known. */
void tcp_start_receiving(struct tcp_tcb *tcb, ol_time now);
void tcp_enter_time_wait(struct tcp_tcb *tcb, ol_time now);
void tcp_orphan_fin_wait_2(struct tcp_tcb *tcb, ol_time now);	/* nobody waits for the peer's FIN: not for ever then */
/** Frees a connection that is CLOSED and that no user holds.  True: it is gone. */
bool tcp_reap(struct tcp_tcb *tcb);
void tcp_event(struct tcp_tcb *tcb);
/** Takes it out of the table: another may have its name. */
void tcp_leave_demux(struct tcp_tcb *tcb);
void tcp_listener_event(struct tcp_listener *l);
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
/** Asserts what must hold between calls. */
void tcp_check(const struct tcp_tcb *tcb);
/** Path and sizes anew: after a route changed or ICMP spoke. */
void tcp_sync_mss(struct tcp_tcb *tcb, ol_time now);

/* tcp_input.c */
enum ol_fate tcp_tcb_input(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
/**
 * A segment of a train, not its first (net/gro.h): true, if the connection is in so plain a state that all there is to do is
 * take the text; then it is taken, just as tcp_tcb_input would.  False: nothing was done.  in->opt need not be set.
 */
bool tcp_tcb_input_next(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
void tcp_challenge_ack(struct tcp_tcb *tcb, ol_time now);
/** RFC 7413 4.2.2: takes the text of the SYN that made tcb, as far as the window offered goes. */
void tcp_take_syn_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
/** RFC 5961 7, for whoever answers: may another go now? */
bool tcp_challenge_allowed(struct tcp *tcp, ol_time *last, ol_time now);

/* tcp_output.c */
/** Sends what may be sent now: retransmissions, new text, FIN, the ACK that is due; then re-arms the timer. */
void tcp_output(struct tcp_tcb *tcb, ol_time now);
void tcp_send_syn(struct tcp_tcb *tcb, ol_time now);	/* SYN, or SYN-ACK in SYN-RECEIVED; noted as sent or sent again */
/* an answer to a SYN, beside what the retransmission timer does */
void tcp_send_synack(struct tcp_tcb *tcb, ol_time now);
void tcp_send_ack(struct tcp_tcb *tcb, ol_time now);
void tcp_send_rst(struct tcp_tcb *tcb, ol_time now);	/* <SEQ=SND.NXT><CTL=RST,ACK> */
void tcp_send_probe(struct tcp_tcb *tcb, ol_time now);	/* <SEQ=SND.UNA-1>, no text: keepalive and window probes */
/** RFC 9293 3.10.7.1: the reset that answers a segment nobody here wants. */
enum ol_fate tcp_reply_rst(struct tcp *tcp, const struct tcp_in *in, ol_time now);
/** A segment without text that no connection sends. */
struct tcp_bare {
	struct ol_endpoint local, remote;
	tcp_seq seq, ack; uint8_t flags, ace; uint16_t wnd; uint8_t tos, ttl; int ifi;
	uint8_t state, cause;
	struct tcp_opt_out opt;
};
void tcp_send_bare(struct tcp *tcp, const struct tcp_bare *b, ol_time now);
/** Behind the last byte queued; the FIN's number. */
tcp_seq tcp_text_end(const struct tcp_tcb *tcb);
/** Sends a window's worth although Nagle or SWS avoidance would wait, or else probes: the persist timer is due. */
void tcp_send_forced(struct tcp_tcb *tcb, ol_time now);
/** RFC 9293 3.8.6.2.2: what the window would be if an ACK went now. */
uint32_t tcp_window(const struct tcp_tcb *tcb);
/** Bytes from seq to the end of its record (MSG_EOR), which no segment may cross; UINT32_MAX: there is no end but the queue's. */
uint32_t tcp_record_end(const struct tcp_tcb *tcb, tcp_seq seq);
static inline uint32_t tcp_record_left(const struct tcp_tcb *tcb, tcp_seq seq)
{
	return tcb->records.n ? tcp_record_end(tcb, seq) : UINT32_MAX;
}
/** Sent and not acknowledged, SYN and FIN included. */
static inline uint32_t tcp_outstanding(const struct tcp_tcb *tcb) { return seq_len(tcb->snd_una, tcb->snd_nxt); }
/** Bytes queued and not yet sent. */
uint32_t tcp_unsent_bytes(const struct tcp_tcb *tcb);
uint32_t tcp_notsent_lowat(const struct tcp_tcb *tcb);	/* tcp_ask.c */
uint32_t tcp_ts_clock(const struct tcp_tcb *tcb, ol_time now);	/* TSval: a millisecond a tick */
uint32_t tcp_usable_window(const struct tcp_tcb *tcb);	/* bytes the peer would take beyond SND.NXT */
uint32_t tcp_extra_options(const struct tcp_tcb *tcb);	/* bytes beside timestamps that the next text goes with */

/* tcp_sndbuf.c */
uint32_t tcp_grain(const struct tcp_tcb *tcb);		/* bytes of one burst, whole segments */
bool tcp_has_space(const struct tcp_tcb *tcb);		/* enough to call a writer for */
void tcp_sndbuf_tune(struct tcp_tcb *tcb);		/* room for twice the congestion window, unless the user set a size */
/** After an ACK and what it let go: grows the buffer, and tells a writer that met it full. */
void tcp_sndbuf_check(struct tcp_tcb *tcb, ol_time now);

/* tcp_local.c */
/** May text go to the interface now?  False: it waits, and tcp_drained comes back to it. */
bool tcp_local_room(struct tcp_tcb *tcb);
/** Is the last segment sent still there? */
bool tcp_local_queued(const struct tcp_tcb *tcb);
/** So much of it was handed over. */
void tcp_local_sent(struct tcp_tcb *tcb, uint32_t bytes);

/* tcp_mtup.c */
/** The MTU to cut to: the path's as IP knows it, or less where that was not proved. */
uint32_t tcp_mtup_limit(struct tcp_tcb *tcb);
void tcp_mtup_established(struct tcp_tcb *tcb, ol_time now);
/** R1 was reached, or passed, without an answer. */
void tcp_mtup_stuck(struct tcp_tcb *tcb, ol_time now);
/** Bytes of text of the probe that should go before any other new text; 0: none now. */
uint32_t tcp_mtup_want(struct tcp_tcb *tcb, ol_time now);
void tcp_mtup_sent(struct tcp_tcb *tcb, uint32_t text);
/** After each ACK and timeout: what became of the probe? */
void tcp_mtup_result(struct tcp_tcb *tcb, ol_time now);

/* tcp_timer.c */
void tcp_timer_update(struct tcp_tcb *tcb, ol_time now);	/* arms the node if a deadline is earlier than it */
void tcp_tcb_expire(struct tcp_tcb *tcb, ol_time now);
/** Something of ours was acknowledged: back-off and retries start over. */
void tcp_timer_progress(struct tcp_tcb *tcb, ol_time now);

/* tcp_user.c */
/** Text that ends at `end` waits behind a gap: room for it beside what the user takes in a round trip. */
void tcp_grow_for_gap(struct tcp_tcb *tcb, tcp_seq end);

/* tcp_rcvq.c */
void tcp_rcvq_init(struct tcp_rcvq *q);
void tcp_rcvq_purge(struct tcp_rcvq *q);
/** Appends a packet that holds exactly the bytes at RCV.NXT.  Takes pkt. */
void tcp_rcvq_append(struct tcp_rcvq *q, struct ol_pkt *pkt);
/** Keeps a packet that begins above RCV.NXT, at seq.  Takes pkt.  False: all of it was there already. */
bool tcp_rcvq_hold(struct tcp_rcvq *q, struct ol_pkt *pkt, tcp_seq seq);
/** Moves what is contiguous at rcv_nxt from the held to the readable; returns its bytes. */
uint32_t tcp_rcvq_absorb(struct tcp_rcvq *q, tcp_seq rcv_nxt);
/** Forgets held packets, the highest first, until truesize is at most `limit`. */
void tcp_rcvq_prune(struct tcp_rcvq *q, size_t limit);
/** Copies up to len readable bytes from offset off; returns how many. */
size_t tcp_rcvq_copy(const struct tcp_rcvq *q, size_t off, const struct iovec *iov, int n, size_t len);
/** When the readable byte at offset off came, or something put together with it that came later; OL_NEVER: there is none. */
ol_time tcp_rcvq_time(const struct tcp_rcvq *q, size_t off);
void tcp_rcvq_drop(struct tcp_rcvq *q, size_t len);
int tcp_rcvq_view(const struct tcp_rcvq *q, struct iovec *iov, int n, size_t len);
void tcp_rcvq_dsack(struct tcp_rcvq *q, tcp_seq left, tcp_seq right);
void tcp_rcvq_check(const struct tcp_rcvq *q, tcp_seq rcv_nxt);

/* tcp_listen.c, tcp_timewait.c, tcp_isn.c */
struct tcp_listener *tcp_listener_find(struct tcp *tcp, const struct ol_endpoint *local,
		const struct ol_endpoint *remote, int ifi);
enum ol_fate tcp_listener_input(struct tcp_listener *l, struct tcp_in *in, struct tcp_tcb **child, ol_time now);
enum ol_fate tcp_synrec_input(struct tcp_synrec *s, struct tcp_in *in, struct tcp_tcb **child, ol_time now);
void tcp_synrec_expire(struct tcp_synrec *s, ol_time now);
void tcp_synrec_free(struct tcp_synrec *s);
void tcp_listener_free(struct tcp_listener *l);
/** *again: the record made way for a new connection, the SYN is to be looked at anew. */
enum ol_fate tcp_tw_input(struct tcp *tcp, struct tcp_tw *tw, struct tcp_in *in, bool *again, ol_time now);
/** May an open of our own take its place (tcp_tw_reuse)?  *isn is where it must begin. */
bool tcp_tw_reusable(const struct tcp *tcp, const struct tcp_tw *tw, ol_time now);
bool tcp_tw_add(struct tcp_tcb *tcb, ol_time now);
void tcp_tw_expire(struct tcp *tcp, ol_time now);
void tcp_tw_free(struct tcp *tcp, struct tcp_tw *tw);
tcp_seq tcp_isn(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote, ol_time now);
uint32_t tcp_ts_offset(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote);

#endif
