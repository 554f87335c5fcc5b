/* RFC 3376 4.1, 4.2.4, 7.1; RFC 3810 5.1, 5.2.4, 8.1.  Reports are only built: hosts of these versions do not read them. */
#include "wire/group.h"
#include "base/be.h"
#include "base/check.h"

enum { TENTH = 100 };				/* milliseconds: the unit of IGMP's Max Resp Code */
enum { V1_MAX_TENTHS = 100 };			/* RFC 3376 7.2.1: what a v1 query's zero means */

/* RFC 3376 4.1.1, 4.1.7, RFC 3810 5.1.3, 5.1.9: from `limit` on, a power of two, the code is a float without its first bit. */
static uint32_t code_value(uint32_t code, unsigned mant_bits)
{
	uint32_t limit = UINT32_C(1) << (mant_bits + 3);
	if (code < limit)
		return code;
	uint32_t mant = code & ((1u << mant_bits) - 1), exp = code >> mant_bits & 7;
	return (mant | 1u << mant_bits) << (exp + 3);
}

/* What both have behind the group's address: flags with QRV, QQIC, number of sources, sources. */
static bool tail_parse(struct group_query *q, const uint8_t *p, size_t len)
{
	q->qrv = p[0] & 7;
	q->qqi_ns = code_value(p[1], 4) * OL_SEC;
	q->n = be16_at(p + 2);
	q->src = p + 4;
	return q->n * group_addr_len(q->group.ver) <= len - 4;
}

static bool group_is_one(const struct group_query *q)
{
	return ol_addr_is_any(&q->group) ? !q->n : ol_addr_is_multicast(&q->group);
}

bool wire_igmp_query_parse(struct group_query *q, const uint8_t *p, size_t len)
{
	if (len != IGMP_LEN && len < 12)
		return false;			/* req: 3376-7.1-a */
	*q = (struct group_query){ .version = len > IGMP_LEN ? 3 : p[1] ? 2 : 1, .group = { .ver = 4 } };
	if (q->version > 1)			/* RFC 1112 appendix I: nothing but general queries, whatever they say */
		q->group = ol_addr_from(4, p + 4);
	uint32_t tenths = q->version == 3 ? code_value(p[1], 4) : q->version == 2 ? p[1] : V1_MAX_TENTHS;
	q->max_ns = MAX(tenths, 1u) * (TENTH * OL_MS);
	return (q->version < 3 || tail_parse(q, p + 8, len - 8)) && group_is_one(q);
}

bool wire_mld_query_parse(struct group_query *q, const uint8_t *p, size_t len)
{
	if (len != MLD_LEN && len < MLD_LEN + 4)
		return false;			/* req: 3810-8.1-a */
	*q = (struct group_query){ .version = len > MLD_LEN ? 2 : 1, .group = ol_addr_from(6, p + 8) };
	uint32_t ms = q->version == 2 ? code_value(be16_at(p + 4), 12) : be16_at(p + 4);
	q->max_ns = MAX(ms, 1u) * OL_MS;
	return (q->version < 2 || tail_parse(q, p + MLD_LEN, len - MLD_LEN)) && group_is_one(q);
}

uint8_t *wire_group_record_build(uint8_t *p, enum group_record type, const struct ol_addr *group, uint16_t n)
{
	size_t alen = group_addr_len(group->ver);
	p[0] = (uint8_t)type;
	p[1] = 0;				/* req: 3376-4.2.10-a, 3810-5.2.10-a */
	be16_put(p + 2, n);
	memcpy(p + 4, group->b, alen);
	return p + 4 + alen;
}
