#ifndef OUTLET_OL_CAPTURE_H
#define OUTLET_OL_CAPTURE_H
/*
 * Captures: frames written as pcapng (draft-ietf-opsawg-pcapng), which tcpdump, tshark and Wireshark read, and read back.  Each
 * frame may carry a comment that says whose it was, in which state, by which call, and what became of it: doc/CAPTURE.md.
 * The formatter is ours because libpcap writes neither pcapng nor comments; the format is the public one.
 *
 * Neither side does I/O: the writer hands each block to a function of the caller's, the reader is fed bytes in pieces of any
 * size.  ol_capture_file is a writer on a file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>

/* ---- comments ----------------------------------------------------------------------------------------------------- */
/* What is known about a frame beside its bytes.  Empty text and sock -1 mean: not known, and no line. */
struct ol_capture_note {
	char host[64];			/* whose stack it left or reached */
	int32_t sock;			/* the socket there */
	char state[40];			/* "ESTABLISHED"; where the frame changed it: "SYN-SENT -> ESTABLISHED" */
	char call[96];			/* the socket call behind it: "connect(10.0.0.2:80)" */
	char cause[40];			/* why it was sent, where no call did: "retransmission timeout" */
	char fate[40];			/* what the stack did with it: "DROP_TCP_CHECKSUM" */
	char fate_text[120];		/* in a sentence */
	char wire[160];			/* what the wire did to it: "lost (loss)" */
};
#define OL_CAPTURE_NOTE_INIT { .sock = -1 }
#define OL_CAPTURE_COMMENT_MAX 1024
/**
 * The lines of a comment, "host: web\nsock: 3\n...", without a newline at the end; "" where nothing is known.  Bytes
 * outside printable ASCII become '?'.  buf: OL_CAPTURE_COMMENT_MAX.
 * @return its length
 */
size_t ol_capture_note_print(const struct ol_capture_note *n, char *buf);
/** Reads such lines from any comment; other lines are passed over.  *n is filled whole. */
void ol_capture_note_parse(const char *text, size_t len, struct ol_capture_note *n);
/** "retransmission timeout", "an answer to a segment": enum ol_cause in words; "" for OL_CAUSE_NONE. */
const char *ol_cause_text(unsigned cause);

/* ---- writing ------------------------------------------------------------------------------------------------------ */
enum ol_capture_dir { OL_CAPTURE_UNKNOWN, OL_CAPTURE_INBOUND, OL_CAPTURE_OUTBOUND };	/* epb_flags, bits 0 and 1 */

struct ol_capture;
/** Takes len bytes of the capture.  0, or a negated errno, which ends the capture. */
typedef int ol_capture_sink(void *ctx, const void *bytes, size_t len);
struct ol_capture_config {
	ol_capture_sink *sink;
	void *ctx;
	ol_time epoch_ns;		/* added to each frame's time: what makes the caller's clock one since 1970 */
	uint32_t snaplen;		/* bytes kept of each frame; 0: all */
	const char *application;	/* shb_userappl; NULL: "outlet" */
};
/** Begins a capture: the section header goes to the sink.  NULL: memory is short or the sink refused. */
struct ol_capture *ol_capture_new(const struct ol_capture_config *cfg);
void ol_capture_free(struct ol_capture *c);
/**
 * Describes an interface; must come before its first frame.
 * @param link  enum ol_link; OL_LINK_PPP: frames from the address on, without FCS and escapes
 * @return its number, 0 and up; or the sink's error, -EINVAL (another kind of link), -ENOSPC (65536 are enough)
 */
int ol_capture_iface(struct ol_capture *c, const char *name, const char *description, uint8_t link);
/**
 * Writes a frame.  An owed checksum is completed in what is written, not in pkt, so that readers find it right.
 * @param time     on the caller's clock
 * @param comment  may be NULL; longer than OL_CAPTURE_COMMENT_MAX is cut
 * @return 0, or what the sink said (now or before), -EINVAL: no such interface
 */
int ol_capture_frame(struct ol_capture *c, unsigned iface, const struct ol_pkt *pkt, ol_time time, enum ol_capture_dir dir,
		     const char *comment);

/**
 * A capture into a file, made or emptied (mode 0600).  Written through a buffer; ol_capture_file_flush empties it.
 * @param epoch_ns  as in struct ol_capture_config
 * @param why       why_len bytes, a sentence on failure
 * @return 0; a negated errno
 */
struct ol_capture_file;
int ol_capture_file_open(struct ol_capture_file **f, const char *path, ol_time epoch_ns, char *why, size_t why_len);
struct ol_capture *ol_capture_file_writer(struct ol_capture_file *f);
int ol_capture_file_flush(struct ol_capture_file *f);
/** Flushes and closes.  The first error of all its writing, or 0. */
int ol_capture_file_close(struct ol_capture_file *f);

/* ---- reading ------------------------------------------------------------------------------------------------------ */
/* A frame read back.  Pointers borrow from the reader until the next call. */
struct ol_capture_frame {
	unsigned iface;			/* counted through the file; see ol_capture_reader_iface */
	uint16_t linktype;		/* LINKTYPE_*: 1 Ethernet, 101 bare IP */
	int64_t time_ns;		/* since 1970; 0 where the file does not say */
	enum ol_capture_dir dir;
	const uint8_t *data;
	uint32_t len;			/* bytes kept ... */
	uint32_t orig_len;		/* ... of so many */
	const char *comment;		/* all its comments, a line each; "" if none; ends in a 0 byte */
};
struct ol_capture_reader;
/** Reads pcapng and classic pcap (micro- and nanoseconds) of either byte order, from anyone: nothing in it is trusted. */
struct ol_capture_reader *ol_capture_reader_new(void);
void ol_capture_reader_free(struct ol_capture_reader *r);
/** Bytes of the file, in order, copied.  0, or -ENOMEM; after -EBADMSG from ol_capture_reader_next they are ignored. */
int ol_capture_reader_feed(struct ol_capture_reader *r, const void *bytes, size_t len);
/**
 * The next frame that is whole.
 * @return 1 and *f; 0: feed more (at the end of a file: it is over, or cut short if ol_capture_reader_left() is not 0);
 *         -EBADMSG: no capture, or damaged beyond this point, and ol_capture_reader_why() says how
 */
int ol_capture_reader_next(struct ol_capture_reader *r, struct ol_capture_frame *f);
const char *ol_capture_reader_why(const struct ol_capture_reader *r);
/** Bytes fed and not yet used. */
size_t ol_capture_reader_left(const struct ol_capture_reader *r);
/** Name of an interface (if_name, "" if it has none); NULL: no such one. */
const char *ol_capture_reader_iface(const struct ol_capture_reader *r, unsigned iface);

#endif
