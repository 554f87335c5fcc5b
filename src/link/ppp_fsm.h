#ifndef LINK_PPP_FSM_H
#define LINK_PPP_FSM_H
/*
 * The option negotiation automaton, RFC 1661 4, and the packets of codes 1 to 7 (5.1 to 5.6) that move it.  One per
 * control protocol: LCP, IPCP and IPV6CP differ in their options (struct ppp_proto) and are the same in all else.  No
 * clock: deadlines; no wire: `send`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "link/ppp_config.h"

enum ppp_state {			/* 4.2, by the numbers of 4.1 */
	PPP_INITIAL, PPP_STARTING, PPP_CLOSED, PPP_STOPPED, PPP_CLOSING, PPP_STOPPING, PPP_REQ_SENT, PPP_ACK_RCVD,
	PPP_ACK_SENT, PPP_OPENED, PPP_STATES
};
enum ppp_event {			/* 4.3, in the order of the table's lines */
	PPP_UP, PPP_DOWN, PPP_OPEN, PPP_CLOSE, PPP_TO_PLUS, PPP_TO_MINUS, PPP_RCR_PLUS, PPP_RCR_MINUS, PPP_RCA, PPP_RCN,
	PPP_RTR, PPP_RTA, PPP_RUC, PPP_RXJ_PLUS, PPP_RXJ_MINUS, PPP_RXR, PPP_EVENTS
};
enum {					/* 4.4: bits */
	PPP_TLU = 1, PPP_TLD = 2, PPP_TLS = 4, PPP_TLF = 8, PPP_IRC = 16, PPP_ZRC = 32, PPP_SCR = 64, PPP_SCA = 128,
	PPP_SCN = 256, PPP_STR = 512, PPP_STA = 1024, PPP_SCJ = 2048, PPP_SER = 4096,
};
struct ppp_step { uint16_t actions; int8_t next; };	/* next -1: an illegal event */
/** 4.1: what the automaton does in `state` when `event` occurs. */
struct ppp_step ppp_step(enum ppp_state state, enum ppp_event event);

enum {					/* codes, 5 */
	PPP_CONF_REQ = 1, PPP_CONF_ACK, PPP_CONF_NAK, PPP_CONF_REJ, PPP_TERM_REQ, PPP_TERM_ACK, PPP_CODE_REJ, PPP_PROTO_REJ,
	PPP_ECHO_REQ, PPP_ECHO_REP, PPP_DISCARD_REQ,
};
enum { PPP_HLEN = 4, PPP_MRU = 1500, PPP_OPTS_MAX = 256, PPP_PACKET_MAX = PPP_MRU };

struct ppp_opt { uint8_t type, len; const uint8_t *data; };	/* len: of the data, without type and length */
/** Walks options: *at starts at 0; false past the last or where one is malformed (then *at is not len). */
bool ppp_opt_next(const uint8_t *opts, size_t len, size_t *at, struct ppp_opt *o);
/** Appends an option; returns the new length. */
size_t ppp_opt_put(uint8_t *out, size_t at, uint8_t type, const void *data, uint8_t len);

enum ppp_verdict { PPP_ACK, PPP_NAK, PPP_REJ };
struct ppp_fsm;
struct ppp_proto {
	uint16_t number;
	/** Our wishes, as options; returns their length. */
	size_t (*request)(struct ppp_fsm *f, uint8_t *out);
	/** Judges one option of the peer's request; on PPP_NAK, data and *len (at most 16) become what we would take. */
	enum ppp_verdict (*judge)(struct ppp_fsm *f, const struct ppp_opt *o, uint8_t *data, uint8_t *len);
	/** Options that the peer should have asked for, appended to a Nak; NULL: none.  Returns the new length. */
	size_t (*missing)(struct ppp_fsm *f, const uint8_t *opts, size_t len, uint8_t *nak, size_t at);
	/** May a Nak of this option become a Reject after Max-Failure?  NULL: always. */
	bool (*may_reject)(struct ppp_fsm *f, uint8_t type);
	/** The peer's request stands from now on, in place of any before: every option of it was acceptable. */
	void (*take)(struct ppp_fsm *f, const uint8_t *opts, size_t len);
	/** One option in the peer's Nak, or (rejected) in its Reject.  False: its Nak counts as not received. */
	bool (*answer)(struct ppp_fsm *f, const struct ppp_opt *o, bool rejected);
	/** What a packet of a code above 7 is: RXR, RXJ or RUC; PPP_EVENTS: nothing, discarded.  NULL: all are unknown. */
	enum ppp_event (*other)(struct ppp_fsm *f, uint8_t code, const uint8_t *data, size_t len, ol_time now);
	/** The peer does not know this code, one above 7. */
	void (*code_refused)(struct ppp_fsm *f, uint8_t code);
	/** ser: an Echo-Request wants its answer. */
	void (*echo)(struct ppp_fsm *f, uint8_t id, const uint8_t *data, size_t len, ol_time now);
	/** Begins anew: our wishes and the peer's options are what they are before any negotiation. */
	void (*reset)(struct ppp_fsm *f);
	void (*up)(struct ppp_fsm *f, ol_time now), (*down)(struct ppp_fsm *f, ol_time now);	/* tlu, tld */
	void (*started)(struct ppp_fsm *f, ol_time now), (*finished)(struct ppp_fsm *f, ol_time now);	/* tls, tlf; NULL: nothing */
};

struct ppp_fsm {
	const struct ppp_proto *proto;
	void *ctx;
	/** Sends a packet of this protocol. */
	void (*send)(void *ctx, uint16_t protocol, const uint8_t *packet, size_t len, ol_time now);
	const struct ppp_timing *timing;
	uint16_t peer_mru;		/* rejects are cut to it */
	enum ppp_state state;
	ol_time restart;		/* when the Restart timer rings; OL_NEVER: it does not run */
	int counter;			/* Restart counter */
	unsigned naks;			/* sent since the last Ack */
	uint8_t id, reject_id;		/* of the last request, of the last reject */
	bool requested, replied;	/* a request was sent; it has had its answer */
	uint8_t sent[PPP_OPTS_MAX];	/* the options of the last request */
	size_t sent_len;
};
void ppp_fsm_init(struct ppp_fsm *f, const struct ppp_proto *proto, void *ctx, const struct ppp_timing *timing);
/** UP, DOWN, OPEN, CLOSE and the like: events without a packet. */
void ppp_fsm_event(struct ppp_fsm *f, enum ppp_event event, ol_time now);
/** A packet of its protocol; false: malformed or out of order, silently discarded. */
bool ppp_fsm_input(struct ppp_fsm *f, const uint8_t *p, size_t len, ol_time now);
/** The Restart timer, if it is due. */
void ppp_fsm_expire(struct ppp_fsm *f, ol_time now);
/** Sends code and data with this identifier. */
void ppp_fsm_send(struct ppp_fsm *f, uint8_t code, uint8_t id, const void *data, size_t len, ol_time now);
const char *ppp_state_name(enum ppp_state state);

#endif
