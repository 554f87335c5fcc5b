#ifndef DRIVER_PCAPNG_H
#define DRIVER_PCAPNG_H
/* The pcapng format's numbers, draft-ietf-opsawg-pcapng sections 4.1 to 4.3 and 3.5.  Used by its writer and its reader. */
#include <stdint.h>

enum {
	PCAPNG_SHB = 0x0a0d0d0a, PCAPNG_IDB = 1, PCAPNG_SPB = 3, PCAPNG_EPB = 6,	/* block types */
	PCAPNG_OPT_END = 0, PCAPNG_OPT_COMMENT = 1,
	PCAPNG_SHB_USERAPPL = 4,
	PCAPNG_IF_NAME = 2, PCAPNG_IF_DESCRIPTION = 3, PCAPNG_IF_TSRESOL = 9, PCAPNG_IF_TSOFFSET = 14,
	PCAPNG_EPB_FLAGS = 2,
};
#define PCAPNG_BYTE_ORDER 0x1a2b3c4du
enum { LINKTYPE_ETHERNET_ = 1, LINKTYPE_PPP_ = 9, LINKTYPE_RAW_ = 101 };
enum { BLOCK_FRAME = 12, OPTION_HEAD = 4 };	/* a block's type and two lengths; an option's code and length */

static inline uint32_t pad4(uint32_t n) { return (n + 3u) & ~3u; }

#endif
