/*
 * Options about the sources of a group: RFC 3678 4 (IPv4 alone) and 5 (both families), in the structures of <netinet/in.h>.
 * One source is joined, left, blocked or unblocked; or the whole filter is set and read.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

/* ---- one source --------------------------------------------------------------------------------------------------- */

/* ip_mreq_source: the interface by one of its addresses, or left to us. */
static int change4(struct sock *s, const void *val, socklen_t len, enum source_op op, ol_time now)
{
	struct ip_mreq_source m;
	int ifi;
	if (len < (socklen_t)sizeof m)
		return -EINVAL;
	memcpy(&m, val, sizeof m);
	struct ol_addr group = ol_addr_from(4, &m.imr_multiaddr), src = ol_addr_from(4, &m.imr_sourceaddr);
	struct ol_addr at = ol_addr_from(4, &m.imr_interface);
	int err = group_iface_at(s, &at, &ifi);
	return err ? err : group_source(s, &group, ifi, &src, op, now);
}

static int read_storage(struct sock *s, const struct sockaddr_storage *from, struct ol_addr *addr)
{
	struct ol_endpoint ep;
	int err = sock_addr_in(s, (const struct sockaddr *)from, sizeof *from, ADDR_TAKES_IP4, &ep);
	*addr = ep.addr;
	return err ? -EINVAL : 0;
}

static int change(struct sock *s, const void *val, socklen_t len, enum source_op op, ol_time now)
{
	struct group_source_req r;
	struct ol_addr group, src;
	if (len < (socklen_t)sizeof r)
		return -EINVAL;
	memcpy(&r, val, sizeof r);
	if (read_storage(s, &r.gsr_group, &group) || read_storage(s, &r.gsr_source, &src))
		return -EINVAL;
	return group_source(s, &group, (int)r.gsr_interface, &src, op, now);
}

#define SOURCE_OPTION(fn, by, op) \
	int fn(struct sock *s, const void *val, socklen_t len, ol_time now) { return by(s, val, len, op, now); }
SOURCE_OPTION(opt_ip_join_source, change4, SOURCE_JOIN)
SOURCE_OPTION(opt_ip_leave_source, change4, SOURCE_LEAVE)
SOURCE_OPTION(opt_ip_block_source, change4, SOURCE_BLOCK)
SOURCE_OPTION(opt_ip_unblock_source, change4, SOURCE_UNBLOCK)
SOURCE_OPTION(opt_join_source, change, SOURCE_JOIN)
SOURCE_OPTION(opt_leave_source, change, SOURCE_LEAVE)
SOURCE_OPTION(opt_block_source, change, SOURCE_BLOCK)
SOURCE_OPTION(opt_unblock_source, change, SOURCE_UNBLOCK)

/* ---- the whole filter --------------------------------------------------------------------------------------------- */

enum { SOURCES_READ_MAX = 1024 };		/* of a call; the socket takes fewer */
enum { HEAD4 = offsetof(struct ip_msfilter, imsf_slist), HEAD = offsetof(struct group_filter, gf_slist) };

static int set_filter(struct sock *s, const struct ol_addr *group, int ifi, uint32_t mode, struct ol_addr *src, uint32_t n,
		      ol_time now)
{
	if (mode != MCAST_INCLUDE && mode != MCAST_EXCLUDE)
		return -EINVAL;
	return group_filter_set(s, group, ifi, mode == MCAST_EXCLUDE, src, n, now);
}

/* Room for the sources of a call whose value, of len bytes, must hold n of `each` behind its head. */
static int source_room(socklen_t len, size_t head, uint32_t n, size_t each, struct ol_addr **src)
{
	if (n > SOURCES_READ_MAX)
		return -ENOBUFS;
	if (len < head + n * each)
		return -EINVAL;
	*src = calloc(n ? n : 1, sizeof **src);
	return *src ? 0 : -ENOBUFS;
}

int opt_ip_msfilter_set(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct ip_msfilter m;
	struct ol_addr *src;
	int ifi;
	if (len < HEAD4)
		return -EINVAL;
	memcpy(&m, val, HEAD4);
	struct ol_addr group = ol_addr_from(4, &m.imsf_multiaddr), at = ol_addr_from(4, &m.imsf_interface);
	int err = group_iface_at(s, &at, &ifi);
	if (!err)
		err = source_room(len, HEAD4, m.imsf_numsrc, sizeof *m.imsf_slist, &src);
	if (err)
		return err;
	for (uint32_t i = 0; i < m.imsf_numsrc; i++)
		src[i] = ol_addr_from(4, (const uint8_t *)val + HEAD4 + i * sizeof *m.imsf_slist);
	err = set_filter(s, &group, ifi, m.imsf_fmode, src, m.imsf_numsrc, now);
	free(src);
	return err;
}

int opt_msfilter_set(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct group_filter f;
	struct sockaddr_storage one;
	struct ol_addr group, *src;
	if (len < HEAD)
		return -EINVAL;
	memcpy(&f, val, HEAD);
	int err = read_storage(s, &f.gf_group, &group);
	if (!err)
		err = source_room(len, HEAD, f.gf_numsrc, sizeof one, &src);
	if (err)
		return err;
	for (uint32_t i = 0; i < f.gf_numsrc && !err; i++) {
		memcpy(&one, (const uint8_t *)val + HEAD + i * sizeof one, sizeof one);
		err = read_storage(s, &one, &src[i]);
	}
	if (!err)
		err = set_filter(s, &group, (int)f.gf_interface, f.gf_fmode, src, f.gf_numsrc, now);
	free(src);
	return err;
}

/* RFC 3678 4.2.2: how many there are, and as many of them as there is room for. */
static uint32_t fitting(const struct net_filter *f, uint32_t room, socklen_t len, size_t head, size_t each)
{
	return (uint32_t)MIN((size_t)MIN(f->n, room), (len - head) / each);
}

int opt_ip_msfilter_get(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	struct ip_msfilter m;
	int ifi;
	if (*len < HEAD4)
		return -EINVAL;
	memcpy(&m, val, HEAD4);
	struct ol_addr group = ol_addr_from(4, &m.imsf_multiaddr), at = ol_addr_from(4, &m.imsf_interface);
	int err = group_iface_at(s, &at, &ifi);
	if (err)
		return err;
	const struct net_filter *f = group_filter_get(s, &group, ifi);
	if (!f)
		return -EADDRNOTAVAIL;
	uint32_t n = fitting(f, m.imsf_numsrc, *len, HEAD4, sizeof *m.imsf_slist);
	m.imsf_fmode = f->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	m.imsf_numsrc = f->n;
	memcpy(val, &m, HEAD4);
	for (uint32_t i = 0; i < n; i++)
		memcpy((uint8_t *)val + HEAD4 + i * sizeof *m.imsf_slist, f->src[i].b, sizeof *m.imsf_slist);
	*len = (socklen_t)(HEAD4 + n * sizeof *m.imsf_slist);
	return 0;
}

int opt_msfilter_get(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	struct group_filter m;
	struct ol_addr group;
	if (*len < HEAD)
		return -EINVAL;
	memcpy(&m, val, HEAD);
	int err = read_storage(s, &m.gf_group, &group);
	if (err)
		return err;
	const struct net_filter *f = group_filter_get(s, &group, (int)m.gf_interface);
	if (!f)
		return -EADDRNOTAVAIL;
	uint32_t n = fitting(f, m.gf_numsrc, *len, HEAD, sizeof *m.gf_slist);
	m.gf_fmode = f->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	m.gf_numsrc = f->n;
	memcpy(val, &m, HEAD);
	for (uint32_t i = 0; i < n; i++) {
		struct sockaddr_storage one = { 0 };
		socklen_t room = sizeof one;
		sock_addr_out(s, &(struct ol_endpoint){ .addr = f->src[i] }, (struct sockaddr *)&one, &room);
		memcpy((uint8_t *)val + HEAD + i * sizeof one, &one, sizeof one);
	}
	*len = (socklen_t)(HEAD + n * sizeof *m.gf_slist);
	return 0;
}
