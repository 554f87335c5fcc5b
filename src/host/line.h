#ifndef HOST_LINE_H
#define HOST_LINE_H
/* One direction of a serial wire as a listener hears it: bytes become frames again, for captures and for whoever watches. */
#include <outlet/ol_pkt.h>

struct line;
typedef void line_seen(void *ctx, const struct ol_pkt *frame);
/** link: OL_LINK_SLIP, OL_LINK_CSLIP, OL_LINK_PPP.  NULL: no memory. */
struct line *line_new(uint8_t link);
void line_free(struct line *l);
/**
 * Takes note of bytes and tells of each frame that ends in them.  SLIP: a datagram (pkt->link OL_LINK_IP).  PPP: a frame from the
 * address on, with its fields and its headers whole (OL_LINK_PPP).  Damaged frames are not told.
 */
void line_hear(struct line *l, const struct ol_pkt *bytes, line_seen *seen, void *ctx);

#endif
