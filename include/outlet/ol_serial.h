#ifndef OUTLET_OL_SERIAL_H
#define OUTLET_OL_SERIAL_H
/*
 * Serial lines: IP over a stream of bytes.  SLIP (RFC 1055) and the HDLC-like framing of PPP (RFC 1662), as codecs
 * over bytes that come in any pieces; Van Jacobson's header compression (RFC 1144).
 *
 *	datagram --> [compress] --> frame --> encode --> bytes ~~~ line ~~~ bytes --> decode --> frame --> [restore] --> datagram
 *
 * An interface of a stack that stands on a serial line (OL_LINK_SLIP, OL_LINK_CSLIP, OL_LINK_PPP in ol_stack.h) does all
 * of this itself: what it gives and takes in an ol_pkt are bytes of the line.  The calls here are for programs that listen
 * to a line, or speak on one without a stack.  Nothing here allocates but ol_vj_*_new; all of it is bounded, whatever comes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_pkt.h>

/* What the bytes just taken brought. */
enum ol_line {
	OL_LINE_MORE,		/* no frame ends here: all bytes were taken */
	OL_LINE_FRAME,		/* a frame is whole */
	OL_LINE_LONG,		/* one ended that was longer than the buffer; it is gone */
	OL_LINE_ABORT,		/* HDLC: ended by escape and flag, as its sender wished, or shorter than 4 bytes: no error */
	OL_LINE_FCS,		/* HDLC: damaged */
};
/* A receiver's buffer: the caller's.  After OL_LINE_FRAME, buf[0] to buf[len - 1] until the next call. */
struct ol_line_rx {
	uint8_t *buf;
	size_t cap, len;
	bool escaped, lost, done;	/* the last byte was an escape; something found no room; a frame was handed out */
	uint32_t accm;			/* HDLC: bytes below 0x20 that are not the sender's but the line's (RFC 1662 7.1) */
};
/** accm: 0xffffffff until another is negotiated; SLIP has none. */
static inline void ol_line_rx_init(struct ol_line_rx *rx, uint8_t *buf, size_t cap, uint32_t accm)
{
	*rx = (struct ol_line_rx){ .buf = buf, .cap = cap, .accm = accm };
}

/* ---- SLIP, RFC 1055 --------------------------------------------------------------------------------------------- */
#define OL_SLIP_MTU 1006u				/* what everybody takes */
#define OL_SLIP_ENCODED_MAX(len) (2 * (size_t)(len) + 2)
/** Writes the frame with an END before and after it; out: OL_SLIP_ENCODED_MAX(len) bytes.  Returns how many were written. */
size_t ol_slip_encode(uint8_t *out, const uint8_t *p, size_t len);
/** Takes bytes up to the end of a frame; empty frames are passed over.  Returns how many were taken, *what says what came. */
size_t ol_slip_decode(struct ol_line_rx *rx, const uint8_t *p, size_t n, enum ol_line *what);

/* ---- HDLC-like framing, RFC 1662, on asynchronous lines ------------------------------------------------------------ */
#define OL_HDLC_ENCODED_MAX(len) (2 * ((size_t)(len) + 2) + 2)
#define OL_HDLC_FCS_GOOD 0xf0b8u
/** FCS-16 over more bytes; begins with 0xffff, and over a good frame with its FCS it is OL_HDLC_FCS_GOOD. */
uint16_t ol_hdlc_fcs(uint16_t fcs, const uint8_t *p, size_t n);
/**
 * Writes a frame: flag, the bytes from the address on and their FCS, escaped, flag.  accm: bytes below 0x20 that are to be escaped.
 * out: OL_HDLC_ENCODED_MAX(len) bytes.  Returns how many were written.
 */
size_t ol_hdlc_encode(uint8_t *out, const uint8_t *p, size_t len, uint32_t accm);
/** As ol_slip_decode.  A frame in the buffer begins with the address, or what stands in its place; its FCS is gone. */
size_t ol_hdlc_decode(struct ol_line_rx *rx, const uint8_t *p, size_t n, enum ol_line *what);

/* ---- Van Jacobson's compression of TCP/IPv4 headers, RFC 1144 ------------------------------------------------------ */
/* Types of packets, as they stand in the first byte of a CSLIP frame. */
enum ol_vj { OL_VJ_IP = 0x40, OL_VJ_UNCOMPRESSED = 0x70, OL_VJ_COMPRESSED = 0x80 };
enum { OL_VJ_SLOTS = 16, OL_VJ_SLOTS_MAX = 256 };
struct ol_vj_tx;
struct ol_vj_rx;
/**
 * A compressor for a line whose other end keeps `slots` connections (1 to 256).  cid: the slot's number may be left out
 * when it is that of the packet before; only for lines that tell of errors (RFC 1144 4.1, RFC 1332 4.1).  NULL: no memory.
 */
struct ol_vj_tx *ol_vj_tx_new(unsigned slots, bool cid);
void ol_vj_tx_free(struct ol_vj_tx *tx);
/** pkt begins with an IP header, checksums complete.  Afterwards it begins with what is sent as a packet of the type returned. */
enum ol_vj ol_vj_compress(struct ol_vj_tx *tx, struct ol_pkt *pkt);

struct ol_vj_rx *ol_vj_rx_new(unsigned slots);
void ol_vj_rx_free(struct ol_vj_rx *rx);
/**
 * The way back; pkt needs 128 bytes of room in front.  True: it is a datagram.  False: it is to be thrown away, since it is no
 * packet of that type, or belongs to a connection that is not known for certain after an error.
 */
bool ol_vj_restore(struct ol_vj_rx *rx, enum ol_vj type, struct ol_pkt *pkt);
/** A frame was damaged: packets without a slot number are thrown away until one with it comes (RFC 1144 3.2.4, TYPE_ERROR). */
void ol_vj_error(struct ol_vj_rx *rx);

/* ---- PPP interfaces of a stack ------------------------------------------------------------------------------------- */
/*
 * An OL_LINK_PPP interface asks for the first IPv4 address it is given (ol_addr_add), and for any when it has none; what the
 * peer then says is its address while the link is open, and there is a route to the peer's.  With an MTU of 1280 or more it
 * has a link-local IPv6 address of its own.  Its counters and timers are settings: "ppp_restart_ms" and the like.
 */
struct ol_stack;
enum ol_ppp_state {			/* RFC 1661 4.2 */
	OL_PPP_INITIAL, OL_PPP_STARTING, OL_PPP_CLOSED, OL_PPP_STOPPED, OL_PPP_CLOSING, OL_PPP_STOPPING, OL_PPP_REQ_SENT,
	OL_PPP_ACK_RCVD, OL_PPP_ACK_SENT, OL_PPP_OPENED
};
struct ol_ppp_info {
	enum ol_ppp_state lcp, ipcp, ipv6cp;
	uint32_t mru, peer_mru;		/* what we take, and what the peer takes */
	uint32_t accm, peer_accm;	/* what the peer escapes for us, and we for it */
	bool pfc, acfc;			/* header fields left out in what we send */
	unsigned vj_slots, peer_vj_slots;	/* slots for what comes, for what goes; 0: not compressed */
	struct ol_addr local, peer;	/* IPv4; ver 0: none agreed */
};
/** @return 0; -ENODEV; -EINVAL no PPP interface */
int ol_ppp_info(const struct ol_stack *stk, int ifi, struct ol_ppp_info *out);
/** "Opened" */
const char *ol_ppp_state_name(enum ol_ppp_state state);
/** The administrative events Open and Close; a new interface is open.  -ENODEV, -EINVAL. */
int ol_ppp_open(struct ol_stack *stk, int ifi);
int ol_ppp_close(struct ol_stack *stk, int ifi);
/** The IPv4 address for a peer that asks for one; it is then held to it.  -ENODEV, -EINVAL. */
int ol_ppp_peer(struct ol_stack *stk, int ifi, const struct ol_addr *addr);

#endif
