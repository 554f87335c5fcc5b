#ifndef LINK_PPP_H
#define LINK_PPP_H
/*
 * PPP over a line: RFC 1661's LCP, RFC 1332's IPCP with Van Jacobson's compression, RFC 5072's IPV6CP, and the frames that
 * carry them.  A value: frames without their flags and FCS go in, frames come out by `frame`, and there is a deadline.
 *
 *	ppp_input <-- frame        LCP -- up, down --> IPCP, IPV6CP -- network() --> the interface has (no) addresses
 *	ppp_output --> frame
 */
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_serial.h>
#include "base/rng.h"
#include "link/ppp_config.h"
#include "link/ppp_fsm.h"

enum {					/* Protocol field: RFC 1661 2, RFC 1332, RFC 5072 */
	PPP_IP4 = 0x0021, PPP_VJ_COMPRESSED = 0x002d, PPP_VJ_UNCOMPRESSED = 0x002f, PPP_IP6 = 0x0057,
	PPP_IPCP = 0x8021, PPP_IPV6CP = 0x8057, PPP_LCP = 0xc021,
};
enum { PPP_ADDRESS = 0xff, PPP_CONTROL = 0x03, PPP_OVERHEAD = 4, PPP_ACCM_DEFAULT = 0xffffffffu };

struct ppp_user {
	void *ctx;
	/** Sends a frame from the address on; accm: what must be escaped in it.  Borrowed bytes. */
	void (*frame)(void *ctx, const uint8_t *p, size_t len, uint32_t accm, ol_time now);
	/** What the line brings from now on has this receiving map; the peer takes packets of so many bytes. */
	void (*agreed)(void *ctx, uint32_t accm, uint32_t peer_mru);
	/** IPv4 or IPv6 can (no longer) be sent.  NULL: nobody cares. */
	void (*network)(void *ctx, uint8_t ver, bool up, ol_time now);
};

struct ppp_lcp_opts { uint16_t mru; uint32_t accm, magic; bool pfc, acfc; };
struct ppp_vj_opt { bool on; uint8_t max_slot; bool cid; };
struct ppp {
	struct ppp_config cfg;
	struct ppp_user user;
	struct rng rng;
	struct ppp_fsm lcp, ipcp, ipv6cp;

	/* LCP: what we ask for, what the peer asked for */
	struct ppp_lcp_opts want, peer;
	uint32_t nak_magic;		/* in our last Nak */
	unsigned looped;		/* in a row: requests with our own magic number */
	ol_time echo_at;
	unsigned echoes;		/* not answered */
	uint8_t echo_id, reject_id;
	bool no_echo;			/* the peer has no Echo-Request (Code-Reject) */

	/* IPCP */
	uint32_t cfg_local4, cfg_peer4;	/* ours (0: the peer is to say); the one for a peer that asks (0: none) */
	uint32_t local4, peer4;
	bool refused_addr;
	struct ppp_vj_opt want_vj, peer_vj;
	struct ol_vj_tx *vj_tx;
	struct ol_vj_rx *vj_rx;

	/* IPV6CP: interface identifiers */
	uint64_t iid, peer_iid, nak_iid;
	bool refused_iid;
};

/** In the caller's storage.  seed: of magic numbers and interface identifiers. */
void ppp_init(struct ppp *p, const struct ppp_config *cfg, const struct ppp_user *user, uint64_t seed);
void ppp_fini(struct ppp *p);
/** The line is there, or gone: 4.3's Up and Down. */
void ppp_carrier(struct ppp *p, bool up, ol_time now);
/** Administrative Open and Close. */
void ppp_admin(struct ppp *p, bool open, ol_time now);
/** A whole frame.  OL_PASS: pkt begins with an IP datagram; else pkt is still the caller's, and of no more use. */
enum ol_fate ppp_input(struct ppp *p, struct ol_pkt *pkt, ol_time now);
/** A frame was damaged or lost on the line: RFC 1144 4. */
void ppp_line_error(struct ppp *p);
/**
 * Puts the frame's header before an IP datagram, compressed where that was agreed: OL_PASS.  *accm: to be escaped.
 * OL_DROP_PPP_PHASE: its protocol is not open; pkt is as it was.
 */
enum ol_fate ppp_output(struct ppp *p, struct ol_pkt *pkt, uint32_t *accm);
ol_time ppp_deadline(const struct ppp *p);
void ppp_expire(struct ppp *p, ol_time now);

/* What its files share. */
extern const struct ppp_proto ppp_lcp, ppp_ipcp, ppp_ipv6cp;
void ppp_lcp_echo_expire(struct ppp *p, ol_time now);
/** 5.7: the peer uses a protocol that is not spoken here. */
void ppp_lcp_protocol_reject(struct ppp *p, uint16_t protocol, const uint8_t *info, size_t len, ol_time now);
/** The peer does not speak it: its automaton falls silent, or its packets are no longer sent.  False: it was LCP. */
bool ppp_protocol_refused(struct ppp *p, uint16_t protocol, ol_time now);
static inline struct ppp *ppp_of(struct ppp_fsm *f) { return f->ctx; }

#endif
