/*
 * CoDel, RFC 8289 5: a queue whose packets have all waited longer than `target` for an `interval` drops one, and then the more
 * often the longer it lasts.  ECN marking (4.2, optional) is left out: wires drop.
 */
#include "driver/wire_int.h"

/* interval / sqrt(count), in integers so that every machine drops the same packets. */
static ol_time control_law(ol_time interval, uint32_t count)
{
	uint64_t v = (uint64_t)count << 32, root = 0;		/* root: sqrt(count) * 2^16 */
	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= v)
			root |= bit;
	return (ol_time)((unsigned __int128)interval * 65536u / (root ? root : 1));
}

/* RFC 8289 5.4, dodequeue(): has the sojourn time been above target for a whole interval? */
static bool ok_to_drop(struct codel *c, const struct codel_params *p, ol_time sojourn, size_t left, ol_time now)
{
	if (sojourn < p->target || left <= p->max_packet) {
		c->first_above = 0;
		return false;
	}
	if (c->first_above == 0) {
		c->first_above = now + p->interval;
		return false;
	}
	return now >= c->first_above;
}

/* RFC 8289 5.3, deque(), turned inside out: the caller loops. */
bool codel_drop(struct codel *c, const struct codel_params *p, ol_time sojourn, size_t left, ol_time now)
{
	bool drop = ok_to_drop(c, p, sojourn, left, now);
	if (c->dropping) {
		if (!drop) {
			c->dropping = false;
			return false;
		}
		if (now < c->drop_next)
			return false;
		c->count++;
		c->drop_next += control_law(p->interval, c->count);
		return true;
	}
	if (!drop)
		return false;
	c->dropping = true;
	uint32_t delta = c->count - c->lastcount;
	bool soon = now - c->drop_next < 16 * p->interval;	/* it dropped a while ago: go on near that rate */
	c->count = delta > 1 && soon ? delta : 1;
	c->drop_next = now + control_law(p->interval, c->count);
	c->lastcount = c->count;
	return true;
}
