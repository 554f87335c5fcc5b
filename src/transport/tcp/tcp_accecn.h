#ifndef TRANSPORT_TCP_TCP_ACCECN_H
#define TRANSPORT_TCP_TCP_ACCECN_H
/*
 * Accurate ECN, RFC 9768: the receiver counts the packets that came marked, and the bytes with each marking; the low three bits
 * of the first count are the flags AE, CWR and ECE of whatever it sends without SYN (the ACE field), the others go in an option.
 * tcp_accecn.c is what holds once it is agreed on, tcp_accecn_syn.c how it comes to that.
 *
 *	SYN	AE CWR ECE	111 asks; 011 asks for classic ECN (RFC 3168), 000 for none; another counts as 111
 *	SYN-ACK			010 011 100 110: agreed, the SYN came Not-ECT, ECT(1), ECT(0), CE
 *	ACK			the same four codes, of the SYN-ACK; if it has no text
 *	after			the count
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_tcb;
struct tcp_in;
struct tcp_acked;
struct tcp_config;
struct tcp_opt_out;

enum { IPECN_NOT_ECT, IPECN_ECT1, IPECN_ECT0, IPECN_CE, IPECN_MASK = 3 };

/* An option as it goes, its fields whole counters; kind 0: none.  In which order the fields lie, the kind says. */
enum { TCP_OPT_ACCECN0 = 172, TCP_OPT_ACCECN1 = 174, TCP_ACCECN_FIELDS = 3 };
struct tcp_accecn_opt { uint8_t kind, n; uint32_t field[TCP_ACCECN_FIELDS]; };
/** The IP-ECN codepoint whose bytes field i counts: 3.2.3, figure 4. */
static inline unsigned tcp_accecn_field(uint8_t kind, unsigned i)
{
	return i == 1 ? IPECN_CE : (kind == TCP_OPT_ACCECN0) == (i == 0) ? IPECN_ECT0 : IPECN_ECT1;
}
/** The whole fields of an option of any length, from its kind on. */
static inline unsigned tcp_accecn_fields_of(const uint8_t *opt)
{
	unsigned n = (opt[1] - 2u) / 3;
	return n < TCP_ACCECN_FIELDS ? n : TCP_ACCECN_FIELDS;
}
/** Bytes of one with n fields, filled up to words. */
static inline uint32_t tcp_accecn_opt_len(unsigned n) { return (2 + 3 * n + 3) & ~3u; }

/** Tables 2 and 3: the IP-ECN field of a SYN or SYN-ACK, in the three flags of its answer. */
static inline uint8_t tcp_accecn_code(uint8_t ecn)
{
	return ecn == IPECN_NOT_ECT ? 2 : ecn == IPECN_ECT1 ? 3 : ecn == IPECN_ECT0 ? 4 : 6;
}

/* A passive open's handshake, in the record of a SYN and in what becomes of it. */
struct tcp_accecn_shake {
	bool able : 1;			/* the settings allow it */
	bool on : 1;			/* agreed */
	bool no_ect : 1;		/* 3.1.5: a SYN or SYN-ACK without the flags came, or went */
	bool third_came : 1;		/* the ACK of the SYN-ACK, which has no text; its ACE field: */
	bool third_here : 1;		/* the segment at hand is it, and is read */
	uint8_t third;
	uint8_t first;			/* ACE field of the SYN that began it */
	uint8_t syn_ecn;		/* IP-ECN field of the latest */
	uint8_t synacks;		/* how often ours went */
	uint8_t marks;			/* CE on segments that no connection was there to count */
};

struct tcp_accecn {
	bool asked : 1;			/* our SYN did */
	bool syn_bare : 1;		/* a later one did not */
	bool on : 1;			/* agreed */
	bool no_ect : 1;		/* our text goes Not-ECT */
	bool deaf : 1;			/* what is fed back means nothing: s.cep is disabled */
	bool heard : 1;			/* a count came */
	bool shake_marked : 1;		/* our SYN or SYN-ACK came marked */
	bool synack_marked : 1;		/* the peer's did, and is counted */
	bool opt_seen : 1;		/* options come ... */
	bool opt_bad : 1;		/* ... and are not believed: 3.2.3.2.4 */
	bool opt_off : 1;		/* ours do not go: 3.2.3.2.2 */
	bool opt_ack : 1, opt_text : 1;	/* the next ACK without text, with text, tests the path for them */
	bool opt_risked : 1;		/* the first text had one */
	bool code_ack : 1;		/* the next ACK without text is the SYN-ACK's: synack_ecn */
	bool ce_round_on : 1;		/* 3.2.2.3 */
	bool bare_ack : 1;		/* it is about marks alone: 3.2.2.5.1 forbids SACK blocks on it */
	uint8_t setbacks;		/* known of this server when our SYN went: 3.1.4.1 */
	uint8_t synack_ecn;
	struct tcp_accecn_shake shake;

	/* receiver: r.cep, and r.e1b, r.e0b, r.ceb by codepoint */
	uint32_t r_cep, r_bytes[4];
	uint32_t told_cep, told[4];	/* in the last ACK, in the last option */
	uint8_t last_ecn;		/* of the last packet */
	uint8_t last_field;		/* the byte counter that grew last */
	uint8_t ever;			/* set of those that ever did */
	uint8_t due;			/* tcp_ecn_option=1: ACKs that are to have the option since another one grew */

	struct {			/* 3.2.3.2.2: do ACKs with options arrive? */
		bool begun;			/* one went, or one without */
		uint8_t lost;			/* times in a row that text came again which none but they acknowledged ... */
		tcp_seq from, to;		/* ... and which is this */
		uint32_t known_ts;		/* the newest timestamp of ours, and the end of a window, that prove nothing any more: */
		tcp_seq known_edge;		/* they stood in a segment without, or the peer's answer was seen */
	} trial;

	/* sender: s.cep, and s.e1b, s.e0b, s.ceb */
	uint32_t s_cep, s_bytes[4];
	uint32_t ceb_cep;		/* s_cep when s.ceb grew last */
	uint32_t turns;			/* of the ACE field that may have been missed since */
	uint32_t newest_ts;
	tcp_seq newest_seq;
	uint32_t acked_avg;		/* segments that one ACK acknowledges, in 64ths */
	tcp_seq ce_round_end;
	int32_t ce_unmarked;		/* segments acknowledged, less marks; 1 and more: not all comes marked, and no look is taken any more */
	uint8_t ce_rounds;		/* until then */
};

/* ---- tcp_accecn_syn.c: the handshake ----------------------------------------------------------------------------- */
/** tcp_ecn's values, as Linux has them: what our SYN asks for, what is agreed to when asked. */
bool tcp_ecn_asks(const struct tcp_config *cfg);		/* classic ECN */
bool tcp_accecn_asks(const struct tcp_config *cfg);
bool tcp_accecn_takes(const struct tcp_config *cfg);

/** The SYN that a handshake begins with. */
void tcp_accecn_syn(struct tcp_accecn_shake *s, const struct tcp_config *cfg, const struct tcp_in *in);
/** Another of the same number.  False: it asks for classic ECN where Accurate ECN was, or the reverse: reset (3.1.5). */
bool tcp_accecn_syn_again(struct tcp_accecn_shake *s, const struct tcp_in *in);
/** The ACE field of the SYN-ACK that goes now, and its option in what room *o leaves, if it is to have one. */
uint8_t tcp_accecn_synack(struct tcp_accecn_shake *s, const struct tcp_config *cfg, bool timeout);
void tcp_accecn_synack_option(const struct tcp_accecn_shake *s, const struct tcp_config *cfg, struct tcp_opt_out *o);
/** The ACK of our SYN-ACK, where a record stands for the connection; last: no connection will come to see the segment. */
void tcp_accecn_third(struct tcp_accecn_shake *s, const struct tcp_in *in, bool last);
/** The same for an ACK of a SYN cookie, which is all there is: was it agreed on? */
bool tcp_accecn_cookie(struct tcp_accecn_shake *s, const struct tcp_config *cfg, const struct tcp_in *in);
/** The ACE field of what such a record says without SYN: nothing was counted yet. */
uint8_t tcp_accecn_first_ace(const struct tcp_accecn_shake *s);
/** A connection comes out of it. */
void tcp_accecn_child(struct tcp_tcb *tcb, const struct tcp_accecn_shake *s);

/** The ACE field of our SYN, or of the SYN-ACK in SYN-RECEIVED; false: classic ECN's flags are in charge. */
bool tcp_accecn_syn_out(struct tcp_tcb *tcb, uint8_t *ace, ol_time now);
/** The peer's SYN or SYN-ACK in SYN-SENT: sets what is agreed.  False: classic ECN's rules say. */
bool tcp_accecn_agree(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
/** Is this the SYN-ACK once more?  Then the next ACK answers for it anew. */
bool tcp_accecn_synack_again(struct tcp_tcb *tcb, const struct tcp_in *in);
/** The first ACK in SYN-RECEIVED. */
void tcp_accecn_read_third(struct tcp_tcb *tcb, const struct tcp_in *in);
/** The handshake is over, the congestion window stands. */
void tcp_accecn_opened(struct tcp_tcb *tcb);
/** The first option of the peer's: were its counters made zeros on the way? */
void tcp_accecn_first_option(struct tcp_accecn *a, const uint8_t *opt);

/* ---- tcp_accecn.c: after it -------------------------------------------------------------------------------------- */
/** An acceptable segment: counts, and says when an ACK is due for what it counted. */
void tcp_accecn_received(struct tcp_tcb *tcb, const struct tcp_in *in);
/** The same of a segment of a train, not its first, whose count tcp_accecn_no_news knows. */
void tcp_accecn_received_next(struct tcp_tcb *tcb, struct tcp_in *in);
/** The ACE field of what goes now, without SYN; pure: an ACK and nothing else. */
uint8_t tcp_accecn_ace(const struct tcp_tcb *tcb, bool pure);
/** The option of what goes now, within room bytes; kind 0: none. */
struct tcp_accecn_opt tcp_accecn_option(const struct tcp_tcb *tcb, uint32_t room, bool text);
/** A segment with an ACK went, and is noted; opt: with this. */
void tcp_accecn_sent(struct tcp_tcb *tcb, const struct tcp_accecn_opt *opt, bool text, ol_time now);
/** Text came that was received before. */
void tcp_accecn_text_again(struct tcp_tcb *tcb, const struct tcp_in *in);
/** The text at seq is to go again. */
void tcp_accecn_resending(struct tcp_tcb *tcb, tcp_seq seq);

/* What an ACK feeds back. */
struct tcp_accecn_echo {
	uint8_t ace;
	bool newer;			/* than all before, by its timestamp or else its number */
	const uint8_t *opt;		/* the option, which borrows; or NULL */
};
/** False: nothing that could count. */
bool tcp_accecn_read(struct tcp_tcb *tcb, const struct tcp_in *in, struct tcp_accecn_echo *echo);
/** Once it is known what the ACK acknowledges: was anything of ours marked? */
bool tcp_accecn_marks(struct tcp_tcb *tcb, const struct tcp_acked *acked, const struct tcp_accecn_echo *echo);
/** Would tcp_accecn_read find nothing in a segment with this field and without option? */
static inline bool tcp_accecn_no_news(const struct tcp_accecn *a, uint8_t ace)
{
	return a->heard && ace == (a->s_cep & 7);
}

#endif
