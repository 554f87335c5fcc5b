#ifndef OUTLET_OL_TAP_H
#define OUTLET_OL_TAP_H
/*
 * A TAP (or TUN) device: a wire whose other end is the Linux kernel.  Frames carry the kernel's virtio-net header, so that
 * checksums may be left undone and super-segments left uncut both ways.  Nothing here blocks and nothing waits: the
 * program's loop polls ol_tap_fd().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_stack.h>

struct ol_tap;
struct ol_tap_config {
	const char *name;		/* "tap0"; "" or NULL: the kernel chooses, ol_tap_name tells */
	uint8_t link;			/* OL_LINK_ETHER: TAP; OL_LINK_IP: TUN */
	bool plain;			/* no offloads: whole checksums and frames of the MTU only, both ways */
	struct ol_pool *pool;		/* for frames that come in; borrowed */
	uint32_t queue;			/* frames that may wait for the kernel; 0: 512 */
};
/**
 * Opens /dev/net/tun and attaches to the device, which is made if it is not there and goes when it is closed, unless it was made
 * persistent (ip tuntap add).  Addresses, MTU and "up" are the kernel side's affair.
 * @param why  why_len bytes: on failure a sentence that says what to do
 * @return 0, and the device in *tap; -ENOENT or -ENXIO no /dev/net/tun, -EPERM or -EACCES no permission, -EBUSY in use by another,
 *         -EINVAL no such name can be, or the device is of the other kind, -ENOMEM, or another negated errno
 */
int ol_tap_open(struct ol_tap **tap, const struct ol_tap_config *cfg, char *why, size_t why_len);
void ol_tap_close(struct ol_tap *tap);
/** For poll(): readable when a frame waits; writable matters only while ol_tap_pending(). */
int ol_tap_fd(const struct ol_tap *tap);
const char *ol_tap_name(const struct ol_tap *tap);
/** What interfaces on it may leave to it: OL_IF_*. */
uint8_t ol_tap_features(const struct ol_tap *tap);

/** A frame to the kernel.  Takes pkt; where the kernel has no room it waits in the queue, and where that is full it is lost. */
void ol_tap_send(struct ol_tap *tap, struct ol_pkt *pkt);
/** Frames that wait for the kernel. */
uint32_t ol_tap_pending(const struct ol_tap *tap);
/** Tries again with those; call when the descriptor is writable. */
void ol_tap_flush(struct ol_tap *tap);
/** The next frame from the kernel, or NULL.  Gives. */
struct ol_pkt *ol_tap_receive(struct ol_tap *tap, ol_time now);

struct ol_tap_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t rx_bad;		/* the header contradicted the frame */
	uint64_t rx_no_memory;		/* the pool was dry */
	uint64_t tx_full;		/* the queue was full */
	uint64_t tx_failed;		/* the kernel refused: the device is down, or the frame is none */
};
void ol_tap_get_stats(const struct ol_tap *tap, struct ol_tap_stats *s);

#endif
