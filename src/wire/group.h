#ifndef WIRE_GROUP_H
#define WIRE_GROUP_H
/*
 * What hosts and routers say about multicast groups: IGMP (RFC 3376 4; RFC 2236 2; RFC 1112 appendix I) and MLD, which is
 * part of ICMPv6 (RFC 3810 5; RFC 2710 3).  The two differ in the size of addresses and in the units of one field; version
 * is each protocol's own number.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_time.h>

enum igmp_type { IGMP_QUERY = 0x11, IGMP_V1_REPORT = 0x12, IGMP_V2_REPORT = 0x16, IGMP_LEAVE = 0x17, IGMP_V3_REPORT = 0x22 };
enum { IGMP_LEN = 8, MLD_LEN = 24 };		/* of all but the newest version's messages */

struct group_query {
	uint8_t version;			/* IGMP 1 to 3, MLD 1 and 2 */
	struct ol_addr group;			/* any: a general query */
	ol_time max_ns;				/* Maximum Response Time, never zero */
	/* of the newest version: */
	uint8_t qrv;				/* the querier's Robustness Variable; 0: none given */
	ol_time qqi_ns;				/* its Query Interval; 0: none given */
	uint16_t n;				/* sources asked for */
	const uint8_t *src;			/* n addresses of 4 or 16 bytes; borrowed */
};
/** p: the whole message, its checksum and type checked.  False: of a length that no version has, or no group. */
bool wire_igmp_query_parse(struct group_query *q, const uint8_t *p, size_t len);
bool wire_mld_query_parse(struct group_query *q, const uint8_t *p, size_t len);

/* Records of IGMPv3 and MLDv2 reports, RFC 3376 4.2.12, RFC 3810 5.2.12. */
enum group_record {
	RECORD_IS_IN = 1, RECORD_IS_EX = 2, RECORD_TO_IN = 3, RECORD_TO_EX = 4, RECORD_ALLOW = 5, RECORD_BLOCK = 6
};
enum { GROUP_REPORT_HLEN = 8 };			/* what is in front of the first record */
static inline size_t group_addr_len(int ver) { return ver == 4 ? 4 : 16; }
static inline size_t wire_group_record_len(int ver, size_t n) { return 4 + (1 + n) * group_addr_len(ver); }
/** The record without its sources, which follow as bare addresses; none of ours has auxiliary data.  Returns where. */
uint8_t *wire_group_record_build(uint8_t *p, enum group_record type, const struct ol_addr *group, uint16_t n);

#endif
