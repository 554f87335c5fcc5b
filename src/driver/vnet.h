#ifndef DRIVER_VNET_H
#define DRIVER_VNET_H
/* The header in front of frames to and from a TAP device, VIRTIO 1.2 5.1.6, as struct virtio_net_hdr, in the machine's order. */
#include <stdbool.h>
#include <linux/virtio_net.h>
#include <outlet/ol_pkt.h>

/** What the kernel is to be told about this frame, whose metadata must be right. */
struct virtio_net_hdr vnet_from_pkt(const struct ol_pkt *pkt);
/**
 * The other way: sets the frame's metadata.  Trusts nothing: the places it names must lie in the frame, and a super-segment must
 * be the TCP segment that it says it is.  False: drop it.
 */
bool vnet_to_pkt(const struct virtio_net_hdr *h, struct ol_pkt *pkt);

#endif
