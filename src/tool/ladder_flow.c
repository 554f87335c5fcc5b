/*
 * What was captured, sorted into conversations.  A flow is a protocol and two endpoints; whoever spoke first is on the left.
 * A SYN with a new sequence number after a goodbye opens a new flow on the same ports (RFC 9293 3.6.1).  ICMP errors join
 * the flow of the datagram they quote, where it is known.
 */
#include "base/be.h"
#include "base/check.h"
#include "tool/ladder_int.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 * 1024, MAX_STRING = 512 };
struct chunk { struct chunk *next; size_t used; char text[CHUNK]; };

struct ladder *ladder_new(void)
{
	return calloc(1, sizeof(struct ladder));
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	for (struct chunk *c = l->texts, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(l->seen);
	free(l->calls);
	free(l->flows);
	free(l->names);
	free(l);
}

bool lad_grow(void *array, size_t *room, size_t n, size_t size)
{
	void **p = array;
	if (n < *room)
		return true;
	size_t want = *room ? *room * 2 : 64;
	void *q = reallocarray(*p, want, size);
	if (!q)
		return false;
	*p = q;
	*room = want;
	return true;
}

/* A copy that lives as long as the ladder; NULL: no memory. */
static const char *keep(struct ladder *l, const char *s)
{
	if (!s || !*s)
		return "";
	size_t len = strnlen(s, MAX_STRING);
	if (!l->texts || l->texts->used + len + 1 > CHUNK) {
		struct chunk *c = malloc(sizeof *c);
		if (!c)
			return NULL;
		c->next = l->texts;
		c->used = 0;
		l->texts = c;
	}
	char *p = l->texts->text + l->texts->used;
	for (size_t i = 0; i < len; i++)	/* a capture file may be anybody's: nothing that moves a terminal's cursor */
		p[i] = s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?';
	p[len] = 0;
	l->texts->used += len + 1;
	return p;
}

/* The same, once per string: for names that repeat on every frame, so that they can be compared by pointer. */
static const char *intern(struct ladder *l, const char *s)
{
	if (!s || !*s)
		return "";
	if (!lad_grow(&l->names, &l->room_names, l->n_names, sizeof *l->names))
		return NULL;
	const char *copy = keep(l, s);
	for (size_t i = 0; copy && i < l->n_names; i++) {
		if (strcmp(l->names[i], copy) == 0) {
			l->texts->used -= strlen(copy) + 1;
			return l->names[i];
		}
	}
	if (copy)
		l->names[l->n_names++] = copy;
	return copy;
}

static bool same_end(const struct ol_endpoint *a, const struct ol_endpoint *b)
{
	return a->port == b->port && ol_addr_eq(&a->addr, &b->addr);
}

/* What a flow is told by: for TCP and UDP the ports, for echoes their identifier on both sides, else addresses alone. */
static void flow_key(const struct dis *d, struct ol_endpoint end[2])
{
	end[0] = (struct ol_endpoint){ d->src, d->sport };
	end[1] = (struct ol_endpoint){ d->dst, d->dport };
	bool echo = (d->proto == DIS_ICMP && (d->icmp_type == 0 || d->icmp_type == 8)) ||
		    (d->proto == DIS_ICMP6 && (d->icmp_type == 128 || d->icmp_type == 129));
	if (echo)
		end[0].port = end[1].port = d->icmp_id;
}

/* An ICMP error's quoted datagram went the other way: from the error's receiver. */
static bool quoted_key(const struct dis *d, struct dis *in, struct ol_endpoint end[2])
{
	if (!d->inner || (d->proto == DIS_ICMP6 && d->icmp_type >= 128))
		return false;
	dissect(in, OL_LINK_IP, d->inner, d->inner_len, d->inner_len);
	size_t hlen = in->net == DIS_IP6 ? 40 : in->net == DIS_IP4 ? (d->inner[0] & 15) * 4u : SIZE_MAX;
	if ((in->proto != DIS_TCP && in->proto != DIS_UDP) || hlen > d->inner_len || d->inner_len - hlen < 4)
		return false;
	end[0] = (struct ol_endpoint){ in->dst, be16_at(d->inner + hlen + 2) };
	end[1] = (struct ol_endpoint){ in->src, be16_at(d->inner + hlen) };
	return true;
}

/* The youngest flow of that key; from: which side end[0] is. */
static struct flow *find_flow(struct ladder *l, enum dis_net net, uint8_t proto, const struct ol_endpoint end[2],
			      enum lad_side *from)
{
	for (size_t i = l->n_flows; i-- > 0; ) {
		struct flow *f = &l->flows[i];
		if (f->net != net || f->proto != proto)
			continue;
		if (same_end(&f->end[0], &end[0]) && same_end(&f->end[1], &end[1])) {
			*from = LAD_LEFT;
			return f;
		}
		if (same_end(&f->end[1], &end[0]) && same_end(&f->end[0], &end[1])) {
			*from = LAD_RIGHT;
			return f;
		}
	}
	return NULL;
}

static bool opens_anew(const struct flow *f, const struct dis *d)
{
	return d->proto == DIS_TCP && (d->tcp.flags & (DIS_SYN | DIS_ACK)) == DIS_SYN && f->over && f->has_isn &&
	       f->isn != d->tcp.seq;
}

static struct flow *new_flow(struct ladder *l, const struct dis *d, const struct ol_endpoint end[2], ol_time time,
			     enum lad_side *from)
{
	if (l->n_flows == LADDER_MAX_FLOWS || !lad_grow(&l->flows, &l->room_flows, l->n_flows, sizeof *l->flows))
		return NULL;
	struct flow *f = &l->flows[l->n_flows++];
	/* Who answers a SYN is on the right, even where its SYN-ACK is the first thing that was captured. */
	bool answer = d->proto == DIS_TCP && (d->tcp.flags & (DIS_SYN | DIS_ACK)) == (DIS_SYN | DIS_ACK);
	*f = (struct flow){ .net = d->net, .proto = d->proto, .end = { end[answer], end[!answer] }, .first = time, .last = time };
	*from = answer ? LAD_RIGHT : LAD_LEFT;
	return f;
}

static struct flow *flow_of(struct ladder *l, const struct dis *d, ol_time time, enum lad_side *from)
{
	struct ol_endpoint end[2];
	struct dis in;
	if (quoted_key(d, &in, end)) {
		struct flow *f = find_flow(l, in.net, in.proto, end, from);
		if (f)
			return f;
	}
	flow_key(d, end);
	struct flow *f = find_flow(l, d->net, d->proto, end, from);
	if (f && !opens_anew(f, d))
		return f;
	return new_flow(l, d, end, time, from);
}

static void flow_count(struct flow *f, const struct dis *d, enum lad_side from, ol_time time)
{
	f->first = MIN(f->first, time);
	f->last = MAX(f->last, time);
	f->sightings++;
	f->bytes[from] += d->text_len;
	if (d->proto != DIS_TCP || f->proto != DIS_TCP)
		return;
	if ((d->tcp.flags & (DIS_SYN | DIS_ACK)) == DIS_SYN && !f->has_isn) {
		f->has_isn = true;
		f->isn = d->tcp.seq;
	}
	if (d->tcp.flags & (DIS_FIN | DIS_RST) && !(d->tcp.flags & DIS_SYN))
		f->over = true;
}

bool ladder_add(struct ladder *l, const struct lad_frame *f)
{
	if (l->n_seen == LADDER_MAX_SIGHTINGS) {
		l->dropped++;
		return true;
	}
	if (!lad_grow(&l->seen, &l->room_seen, l->n_seen, sizeof *l->seen))
		return false;
	struct sighting *s = &l->seen[l->n_seen];
	*s = (struct sighting){ .time = f->time, .order = l->n_seen, .way = f->way, .lost = f->lost, .sock = f->sock,
		.host = intern(l, f->host), .iface = intern(l, f->iface), .state = intern(l, f->state),
		.call = keep(l, f->call), .cause = intern(l, f->cause), .fate = intern(l, f->fate), .wire = intern(l, f->wire) };
	if (!s->host || !s->iface || !s->state || !s->call || !s->cause || !s->fate || !s->wire)
		return false;
	dissect(&s->dis, f->link, f->p, f->cap, f->len);
	struct flow *flow = flow_of(l, &s->dis, f->time, &s->from);
	if (!flow) {
		l->dropped++;
		return true;
	}
	s->n_sample = (uint8_t)MIN(s->dis.text_cap, (size_t)LAD_SAMPLE);
	if (s->n_sample)
		memcpy(s->sample, s->dis.text, s->n_sample);
	flow_count(flow, &s->dis, s->from, f->time);
	s->flow = (uint32_t)(flow - l->flows);
	s->dis.text = s->dis.inner = NULL;
	l->n_seen++;
	return true;
}

bool ladder_add_call(struct ladder *l, const struct lad_call *c)
{
	if (!lad_grow(&l->calls, &l->room_calls, l->n_calls, sizeof *l->calls))
		return false;
	struct kept_call k = { .time = c->time, .host = intern(l, c->host), .text = keep(l, c->text), .sock = c->sock };
	if (!k.host || !k.text)
		return false;
	l->calls[l->n_calls++] = k;
	return true;
}

size_t ladder_dropped(const struct ladder *l)
{
	return l->dropped;
}

size_t ladder_flows(const struct ladder *l)
{
	return l->n_flows;
}

const char *lad_proto_name(enum dis_net net, uint8_t proto)
{
	if (net == DIS_ARP)
		return "ARP";
	if (net == DIS_OTHER)
		return "other";
	switch (proto) {
	case DIS_TCP: return "TCP";
	case DIS_UDP: return "UDP";
	case DIS_ICMP: return "ICMP";
	case DIS_ICMP6: return "ICMPv6";
	case DIS_IGMP: return "IGMP";
	case DIS_OSPF: return "OSPF";
	case DIS_SCTP: return "SCTP";
	}
	return "IP";
}

bool ladder_flow_info(const struct ladder *l, size_t flow, struct lad_flow_info *out)
{
	if (flow >= l->n_flows)
		return false;
	const struct flow *f = &l->flows[flow];
	*out = (struct lad_flow_info){ .proto = lad_proto_name(f->net, f->proto), .end = { f->end[0], f->end[1] },
		.first = f->first, .last = f->last, .sightings = f->sightings, .bytes = { f->bytes[0], f->bytes[1] } };
	return true;
}

size_t ladder_flow_best(const struct ladder *l)
{
	size_t best = 0;
	int best_worth = -1;
	for (size_t i = 0; i < l->n_flows; i++) {
		const struct flow *f = &l->flows[i];
		bool data = f->bytes[0] || f->bytes[1], tried = f->has_isn && f->sightings <= 4;	/* a SYN and its RST */
		int worth = f->proto == DIS_TCP ? (data ? 5 : tried ? 3 : 4) : f->proto == DIS_UDP ? 2 : f->proto == DIS_ICMP ? 1 : 0;
		if (worth > best_worth) {
			best_worth = worth;
			best = i;
		}
	}
	return best;
}
