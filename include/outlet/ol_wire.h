#ifndef OUTLET_OL_WIRE_H
#define OUTLET_OL_WIRE_H
/*
 * Wires between stacks, and what can go wrong on them.  A wire is a value as a stack is: frames and the time go in,
 * frames and the next deadline come out, and all chance comes from its seed; so a simulator in virtual time and a
 * service on the real clock use the same wire.
 *
 *	port 0 --in--> .------. --out--> port 1		two ports: a cable
 *	port 1 --in--> | wire | --out--> port 0		more, Ethernet only: a switch that learns
 *	               '------'
 *
 * Each port has two directions, each with faults of its own: OL_WIRE_IN is from the port's host into the wire, OL_WIRE_OUT
 * from the wire to the host.  A frame passes one `in` and, per receiver, one `out`; faults "of the wire" are set on every
 * `in`, so that each frame meets them once.
 *
 * Faults act on packets of the wire's MTU: a direction that loses, repeats, damages, reorders, jitters or has a rate cuts
 * super-segments first.  A strict wire always cuts, completes checksums, and hands over frames that nobody has verified.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>

/* ---- faults ------------------------------------------------------------------------------------------------------- */
#define OL_ALWAYS_PPB 1000000000u			/* probabilities are in parts of 10^9 */
#define OL_PERCENT(x) ((uint32_t)((x) * 1e7 + 0.5))	/* .loss_ppb = OL_PERCENT(1) */

/* What a direction does to packets; all zero is a perfect wire.  In the order in which a packet meets them. */
struct ol_faults {
	bool cut;			/* nothing passes; what is under way is lost too */
	uint64_t rate_bps;		/* bits of frame per second; 0: no limit, and then no queue */
	uint32_t queue_packets;		/* packets that may wait for the transmitter; 0: 1000 unless queue_bytes says more */
	uint64_t queue_bytes;		/* bytes that may wait; 0: no limit of bytes */
	bool codel;			/* the queue drops early, RFC 8289 (without ECN marks) */
	ol_time codel_target_ns, codel_interval_ns;	/* 0: 5 ms and 100 ms */
	uint32_t loss_ppb;		/* each packet by itself */
	struct {			/* bursts of loss: Gilbert and Elliott's two states */
		uint32_t start_ppb;	/* per packet: good to bad; 0: never */
		uint32_t stop_ppb;	/* per packet: bad to good */
		uint32_t bad_ppb, good_ppb;	/* loss in either state */
	} burst;
	uint32_t corrupt_ppb;		/* one bit anywhere in the frame is turned over, after checksums were completed */
	uint32_t dup_ppb;		/* arrives twice */
	ol_time delay_ns;
	ol_time jitter_ns;		/* delay differs by up to this, evenly, both ways (never below 0) */
	bool unordered;			/* jitter lets packets overtake; otherwise it keeps their order */
	uint32_t reorder_ppb;		/* is held back ... */
	ol_time reorder_ns;		/* ... this much longer than the others */
};

#define OL_FAULTS_STRLEN 512
/**
 * Reads faults from text and applies them on top of *f, so that "loss=2%" changes nothing else.  Words, apart by blanks or commas:
 *	none				a perfect wire; also undoes the words before it
 *	loss=1%				0% to 100%
 *	burst=1%/30%[/100%[/0%]]	start, stop, loss in the bad state, loss in the good
 *	delay=20ms jitter=5ms		units ns, us, ms, s; at most 1 h
 *	ordered, unordered		what jitter does to the order
 *	reorder=2%/10ms			how often, how late
 *	dup=0.5% corrupt=0.1%
 *	rate=10mbit			bit, kbit, mbit, gbit (powers of 1000); rate=0: no limit
 *	queue=100 queue=64kb		packets; bytes: b, kb, mb, kib, mib
 *	codel, codel=5ms/100ms, codel=no	target, interval
 *	cut, cut=no
 * @param why  why_len bytes; on -EINVAL one sentence that names the word and says what is wrong
 * @return 0; -EINVAL, and *f is as it was
 */
int ol_faults_parse(struct ol_faults *f, const char *text, char *why, size_t why_len);
/** The same as text that reads back to the same faults; "none" for a perfect wire.  buf: OL_FAULTS_STRLEN; returns buf. */
char *ol_faults_str(const struct ol_faults *f, char *buf);
/** Makes faults that a program put together safe to use: probabilities and times into their bounds. */
void ol_faults_clamp(struct ol_faults *f);

/* What befell a frame: bits. */
enum {
	OL_WIRE_LOSS = 1, OL_WIRE_BURST = 2,			/* lost by chance */
	OL_WIRE_CORRUPT = 4, OL_WIRE_DUP = 8, OL_WIRE_REORDER = 16,	/* arrives, but so */
	OL_WIRE_CUT = 32,					/* the wire is cut */
	OL_WIRE_QUEUE = 64, OL_WIRE_CODEL = 128,		/* the queue was full, or CoDel dropped it */
	OL_WIRE_TOO_LONG = 256,					/* longer than the MTU */
	OL_WIRE_BAD = 512,					/* no frame (too short, a group as sender), or no such port */
	OL_WIRE_MEMORY = 1024,					/* the packet pool was dry, or too much is under way */
};
#define OL_WIRE_FAULTS 11u		/* how many bits there are */
#define OL_WIRE_LOST (OL_WIRE_LOSS | OL_WIRE_BURST | OL_WIRE_CUT | OL_WIRE_QUEUE | OL_WIRE_CODEL | OL_WIRE_TOO_LONG | OL_WIRE_BAD | \
		      OL_WIRE_MEMORY)
/** The word for bit number i: "loss", "queue"; NULL past the last. */
const char *ol_wire_fault_name(unsigned i);
#define OL_WIRE_BEFELL_STRLEN 160
/** "lost (loss)", "corrupted, duplicated", "" for 0.  buf: OL_WIRE_BEFELL_STRLEN; returns buf. */
char *ol_wire_befell_str(unsigned befell, char *buf);

/* ---- wires -------------------------------------------------------------------------------------------------------- */
struct ol_wire;
enum ol_wire_dir { OL_WIRE_IN, OL_WIRE_OUT };
#define OL_WIRE_ALL_PORTS (-1)
#define OL_WIRE_MAX_PORTS 4096u

struct ol_wire_config {
	/* OL_LINK_ETHER; or point to point with two ports: OL_LINK_IP, OL_LINK_SLIP, OL_LINK_CSLIP, OL_LINK_PPP.  On a serial
	   line (always strict) faults strike the bytes of one frame: corrupt turns over one bit of them, loss loses some or all of
	   them, rate counts eight bits a byte. */
	uint8_t link;
	bool strict;
	uint32_t mtu;			/* bytes of IP datagram; 0: 1500 */
	unsigned ports;			/* to begin with; ol_wire_port_add adds more */
	unsigned macs;			/* addresses a switch remembers; 0: 1024 */
	size_t max_bytes;		/* buffers that one direction may hold; 0: 64 MiB */
	uint64_t seed;			/* the same seed and the same frames: the same faults */
};
/** A wire; NULL when memory is short or the configuration is none (more than two ports without Ethernet, too many). */
struct ol_wire *ol_wire_new(const struct ol_wire_config *cfg);
/** Frees it and what is under way on it. */
void ol_wire_free(struct ol_wire *w);
/** What interfaces on this wire may leave to it: OL_IF_*, 0 for a strict one. */
uint8_t ol_wire_features(const struct ol_wire *w);
/** One port more; its number, or -ENOMEM, -ENOSPC (too many), -EINVAL (point to point has two).  Numbers of removed ports return. */
int ol_wire_port_add(struct ol_wire *w);
/** Unplugs a port: what is on the way to it is lost. */
void ol_wire_port_del(struct ol_wire *w, unsigned port);

/**
 * A frame from the host at `port` goes onto the wire.  Takes pkt.  Copies (duplicates, floods) come from the packet's own pool.
 * @param now  never earlier than in any call before
 * @return what is going to happen to it, OL_WIRE_* bits: 0 is nothing bad.  What `out` faults and CoDel do shows later.
 */
unsigned ol_wire_send(struct ol_wire *w, unsigned port, struct ol_pkt *pkt, ol_time now);
/** When ol_wire_receive may have something; OL_NEVER when nothing is under way. */
ol_time ol_wire_deadline(const struct ol_wire *w);
/** The next frame that has arrived, and its port; NULL when there is none.  Gives; pkt->time is when it arrived. */
struct ol_pkt *ol_wire_receive(struct ol_wire *w, ol_time now, unsigned *port);

/** Changes the faults of a direction while frames are under way; they keep the arrival time they have.  -EINVAL: no such port. */
int ol_wire_set_faults(struct ol_wire *w, int port, enum ol_wire_dir dir, const struct ol_faults *f, ol_time now);
/** The faults in force; with OL_WIRE_ALL_PORTS those that were last set for all.  -EINVAL: no such port. */
int ol_wire_get_faults(const struct ol_wire *w, int port, enum ol_wire_dir dir, struct ol_faults *f);

struct ol_wire_stats {			/* of one direction of one port */
	uint64_t frames, bytes;		/* that entered it, lost ones too */
	uint64_t befell[OL_WIRE_FAULTS];	/* by bit number */
	uint64_t held_bytes;		/* buffers under way now */
	uint32_t queued;		/* frames that wait for the transmitter now */
};
int ol_wire_get_stats(const struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_wire_stats *s);

/*
 * Watching.  The observer sees every frame twice: when it enters (OL_WIRE_IN, with what is going to happen to it), and when it
 * arrives or is lost on its way out (OL_WIRE_OUT); CoDel's victims are seen a second time (OL_WIRE_IN, late).
 */
struct ol_wire_seen {
	unsigned port;
	enum ol_wire_dir dir;
	bool late;			/* it was seen before; this is what became of it */
	unsigned befell;		/* OL_WIRE_* bits */
	ol_time time;
	const struct ol_pkt *pkt;	/* a loan; note is the sender's, also on OL_WIRE_OUT */
};
typedef void ol_wire_observer(void *ctx, const struct ol_wire_seen *seen);
void ol_wire_observe(struct ol_wire *w, ol_wire_observer *fn, void *ctx);

/* ---- what virtual hardware does, done in software ------------------------------------------------------------------ */
/** Completes an OL_CSUM_PARTIAL checksum; csum becomes OL_CSUM_OK.  Others stay as they are.  false: the metadata is nonsense. */
bool ol_pkt_finish_csum(struct ol_pkt *pkt);
/**
 * Cuts a super-segment into packets of gso_size bytes of text (RFC 9293 3.1 headers, IPv4 or IPv6 below), appended to `out`
 * with OL_CSUM_PARTIAL checksums.  Takes pkt.  A packet that is none passes as it is.
 * @return packets appended; 0 when headers contradict the metadata or the pool is dry, and then nothing was appended
 */
unsigned ol_pkt_segment(struct ol_pkt *pkt, struct ol_pktq *out);

#endif
