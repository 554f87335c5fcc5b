/* Netlink messages in the making, RFC 3549 2.2 and 2.3; see netlink.h. */
#include "host/netlink.h"
#include <linux/rtnetlink.h>
#include <string.h>

void *nl_begin(struct nl_out *o, uint16_t type, uint16_t flags, size_t fixed)
{
	if (o->len > NL_PART / 2)			/* no message of ours is longer than half a part */
		nl_emit(o);
	o->msg = o->len;
	struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = o->req->nlmsg_seq, .nlmsg_pid = o->pid,
	};
	memcpy(o->buf + o->msg, &h, sizeof h);
	memset(o->buf + o->msg + NLMSG_HDRLEN, 0, NLMSG_ALIGN(fixed));
	o->len += NLMSG_HDRLEN + NLMSG_ALIGN(fixed);
	return o->buf + o->msg + NLMSG_HDRLEN;
}

void nl_end(struct nl_out *o)
{
	uint32_t len = (uint32_t)(o->len - o->msg);
	memcpy(o->buf + o->msg, &len, sizeof len);
}

void nl_attr(struct nl_out *o, uint16_t type, const void *data, size_t len)
{
	struct rtattr a = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type };
	CHECK(o->len + RTA_SPACE(len) <= sizeof o->buf);
	memset(o->buf + o->len, 0, RTA_SPACE(len));
	memcpy(o->buf + o->len, &a, sizeof a);
	memcpy(o->buf + o->len + RTA_LENGTH(0), data, len);
	o->len += RTA_SPACE(len);
}

void nl_attr_u32(struct nl_out *o, uint16_t type, uint32_t v) { nl_attr(o, type, &v, sizeof v); }
void nl_attr_u8(struct nl_out *o, uint16_t type, uint8_t v) { nl_attr(o, type, &v, sizeof v); }
void nl_attr_str(struct nl_out *o, uint16_t type, const char *s) { nl_attr(o, type, s, strlen(s) + 1); }
void nl_attr_addr(struct nl_out *o, uint16_t type, const struct ol_addr *a)
{
	nl_attr(o, type, a->b, a->ver == 4 ? 4 : 16);
}

void nl_error(struct nl_out *o, int err)
{
	struct nlmsgerr *e = nl_begin(o, NLMSG_ERROR, 0, sizeof *e);
	struct nlmsgerr v = { .error = err, .msg = *o->req };
	memcpy(e, &v, sizeof v);
	nl_end(o);
}

void nl_done(struct nl_out *o)
{
	int zero = 0;
	memcpy(nl_begin(o, NLMSG_DONE, NLM_F_MULTI, sizeof zero), &zero, sizeof zero);
	nl_end(o);
}

/* The attribute of this type behind a fixed part, or NULL; *len its bytes. */
const void *nl_find_attr(const struct nlmsghdr *req, size_t fixed, uint16_t type, size_t *len)
{
	const uint8_t *p = (const uint8_t *)req + NLMSG_HDRLEN + NLMSG_ALIGN(fixed),
		      *e = (const uint8_t *)req + req->nlmsg_len;
	struct rtattr a;
	for (int i = 0; i < 64 && p < e && (size_t)(e - p) >= sizeof a; i++) {
		memcpy(&a, p, sizeof a);
		if (a.rta_len < sizeof a || a.rta_len > (size_t)(e - p))
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type) {
			*len = a.rta_len - RTA_LENGTH(0);
			return p + RTA_LENGTH(0);
		}
		if (RTA_ALIGN(a.rta_len) > (size_t)(e - p))
			return NULL;
		p += RTA_ALIGN(a.rta_len);
	}
	return NULL;
}
