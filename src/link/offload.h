#ifndef LINK_OFFLOAD_H
#define LINK_OFFLOAD_H
/* The software side of what a wire does not take over.  Packets begin with their IP header. */
#include <stdbool.h>
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>

/** Pays the checksum that an OL_CSUM_PARTIAL packet owes.  OL_DROP_GSO_BAD where its place lies outside. */
enum ol_fate csum_complete(struct ol_pkt *pkt);
/**
 * Cuts a super-segment into pieces of gso_size bytes of text and appends them to out.  `partial`: the wire sums, so the
 * pieces stay OL_CSUM_PARTIAL; else they carry whole checksums.  Only borrows pkt; on a drop nothing is appended.
 */
enum ol_fate gso_segment(struct ol_pool *pool, const struct ol_pkt *pkt, bool partial, struct ol_pktq *out);
/** Pieces that a packet stands for: 1, or of a super-segment as many as it would be cut into. */
unsigned gso_pieces(const struct ol_pkt *pkt);

#endif
