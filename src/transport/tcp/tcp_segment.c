/*
 * Making a segment, so that one sent again is built again with what is true now: the window (RFC 9293 3.8.6), options (RFC 7323
 * 2.2 and 3.2, RFC 2018, RFC 9768 3.2), ECN (RFC 3168 6.1), urgent pointer (3.8.5), checksum; SYNs; and the segments that belong to no
 * connection.
 *
 * PSH stands on the segment with the last byte of a write, and nowhere else (MUST-60, MUST-61); a SYN with text
 * (RFC 7413 4.2.2) has none.
 */
#include "transport/tcp/tcp_local.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_segment.h"
#include "base/check.h"
#include "base/cksum.h"
#include <netinet/in.h>

enum { ECN_MASK = 3, ECN_ECT0 = 2 };

uint32_t tcp_ts_clock(const struct tcp_tcb *tcb, ol_time now) { return (uint32_t)(now / OL_MS) + tcb->ts_offset; }

/* ---- the window we offer ---------------------------------------------------------------------------------------- */

/* What is left of the window offered last: its right edge never moves back (RFC 9293 3.8.6, SHLD-14). */
static uint32_t window_left(const struct tcp_tcb *tcb)
{
	uint32_t gone = seq_len(tcb->rcv_wup, tcb->rcv_nxt);
	return tcb->rcv_wnd > gone ? tcb->rcv_wnd - gone : 0;
}

/*
 * RFC 9293 3.8.6.2.2: the right edge moves only when it gains a segment or half the buffer.  Packets cost about twice
 * what they carry at worst, so half of the memory still free is offered.
 */
uint32_t tcp_window(const struct tcp_tcb *tcb)
{
	uint32_t left = window_left(tcb), unit = 1u << tcb->rcv_wscale;
	uint32_t space = tcb->rcvq.truesize < tcb->rcvbuf ? (uint32_t)(tcb->rcvbuf - tcb->rcvq.truesize) / 2 : 0;
	uint32_t most = (uint32_t)MIN((uint64_t)65535 << tcb->rcv_wscale, (uint64_t)UINT32_C(1) << 30);
	if (tcb->opts.window_clamp)
		most = MIN(most, tcb->opts.window_clamp);
	space = MIN(space, most);
	uint32_t least = MIN(tcb->rcvbuf / 4, tcb->rcv_mss);
	if (space < least || (space > left && space - left < least))
		space = 0;
	if (space <= left)
		space = MIN((uint64_t)left + unit - 1, (uint64_t)65535 << tcb->rcv_wscale);
	return space & ~(unit - 1);
}

/* ---- one segment ------------------------------------------------------------------------------------------------ */

/* RFC 2883 4 where it is on; RFC 2018 8 in any case. */
static bool has_first_block(const struct tcp_tcb *tcb)
{
	return tcb->rcvq.dsack_set && (tcb->tcp->cfg.dsack || tcb->rcvq.thrown);
}

static int sack_blocks(const struct tcp_tcb *tcb)
{
	if (!tcb->sack_ok)
		return 0;
	return MIN(tcb->rcvq.n_recent + has_first_block(tcb), tcb->ts_ok ? 3 : 4);
}

static uint32_t sack_len(int blocks) { return blocks ? 4 + 8 * (uint32_t)blocks : 0; }

/* RFC 9768 3.2.3.3: two blocks go before the option, and it goes before the others. */
static struct tcp_accecn_opt accecn_option(const struct tcp_tcb *tcb, int *blocks, bool text)
{
	const struct tcp_accecn *a = &tcb->accecn;
	if (!text && (a->code_ack || a->bare_ack))
		*blocks = 0;
	int first = MIN(*blocks, 2);
	uint32_t room = TCP_OPT_MAX - (tcb->ts_ok ? TCP_OPT_TS_LEN : 0) - sack_len(first);
	struct tcp_accecn_opt o = tcp_accecn_option(tcb, room, text);
	if (o.kind)
		*blocks = MIN(*blocks, first + (int)((room - tcp_accecn_opt_len(o.n)) / 8));
	return o;
}

static void fill_options(const struct tcp_tcb *tcb, struct tcp_opt_out *o, uint8_t flags, bool text, ol_time now)
{
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	*o = (struct tcp_opt_out){ 0 };
	bool first = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	if (flags & TCP_SYN) {
		o->mss = tcb->adv_mss;
		o->ws_ok = first ? cfg->window_scaling : tcb->ws_ok;
		o->ws = tcb->rcv_wscale;
		o->sack_permitted = first ? cfg->sack : tcb->sack_ok;
		tcp_fastopen_option(tcb, &o->fo, now);
	}
	o->ts_ok = first ? cfg->timestamps : tcb->ts_ok;
	o->tsval = tcp_ts_clock(tcb, now);
	o->tsecr = flags & TCP_ACK ? tcb->ts_recent : 0;
	if (flags & TCP_SYN && flags & TCP_ACK)
		tcp_accecn_synack_option(&tcb->accecn.shake, cfg, o);
	if (flags & (TCP_SYN | TCP_RST))
		return;
	int blocks = sack_blocks(tcb);
	if (tcb->accecn.on)
		o->accecn = accecn_option(tcb, &blocks, text);
	if (has_first_block(tcb) && blocks)
		o->sack[o->n_sack++] = tcb->rcvq.dsack;			/* RFC 2883 4: first */
	for (int i = 0; i < tcb->rcvq.n_recent && o->n_sack < blocks; i++)
		o->sack[o->n_sack++] = tcb->rcvq.recent[i];
}

static uint32_t options_len(const struct tcp_tcb *tcb, bool text)	/* their share, beside timestamps */
{
	int blocks = sack_blocks(tcb);
	if (!tcb->accecn.on)
		return sack_len(blocks);
	struct tcp_accecn_opt o = accecn_option(tcb, &blocks, text);
	return sack_len(blocks) + (o.kind ? tcp_accecn_opt_len(o.n) : 0);
}

uint32_t tcp_extra_options(const struct tcp_tcb *tcb) { return options_len(tcb, true); }

/* What nearly every segment of a connection has for options; written without a detour. */
static bool only_timestamps(const struct tcp_tcb *tcb, uint8_t flags, bool text)
{
	return tcb->ts_ok && !(flags & TCP_SYN) && (flags & TCP_RST || options_len(tcb, text) == 0);
}

static uint8_t tos_of(const struct tcp_tcb *tcb, const struct tcp_out *o)
{
	uint8_t tos = tcb->opts.tos & (uint8_t)~ECN_MASK;
	bool ect = tcb->accecn.on ? !tcb->accecn.no_ect : tcb->ecn_ok;
	return ect && o->fresh && o->text > 0 ? tos | ECN_ECT0 : tos;
}

/* parts: the partial sums of header and text, added up */
static void checksum(const struct tcp_tcb *tcb, struct ol_pkt *p, uint64_t parts)
{
	uint32_t sum = cksum_pseudo(&tcb->node.local.addr, &tcb->node.remote.addr, IPPROTO_TCP, p->len);
	if (tcb->path.features & OL_IF_CSUM) {
		p->csum = OL_CSUM_PARTIAL;
		p->csum_start = 0;
		p->csum_offset = WIRE_TCP_CKSUM;
		be16_put(p->data + WIRE_TCP_CKSUM, cksum_fold(sum));
		return;
	}
	uint64_t t = sum + parts;
	be16_put(p->data + WIRE_TCP_CKSUM, cksum_finish((uint32_t)((t & 0xffffffff) + (t >> 32))));
}

/* The bookkeeping of an ACK that went, alone or with text. */
static void ack_went(struct tcp_tcb *tcb, uint32_t wnd, ol_time now)
{
	tcb->rcv_wnd = wnd;
	tcb->rcv_wup = tcb->last_ack_sent = tcb->rcv_nxt;
	if ((tcb->ack_now || tcb->ack_pending) && tcb->quick > 0)
		tcb->quick--;
	tcb->ack_now = tcb->ack_pending = tcb->pushed = false;
	tcb->delack_at = OL_NEVER;
	list_del(&tcb->ack_later);
	tcb->rcvq.dsack_set = tcb->rcvq.thrown = false;
	tcb->last_ack_at = now;
}

static void send_packet(struct tcp_tcb *tcb, struct ol_pkt *p, uint8_t tos, ol_time now)
{
	struct net_tx tx = {
		.src = tcb->node.local.addr, .dst = tcb->node.remote.addr, .proto = IPPROTO_TCP, .ttl = tcb->opts.ttl,
		.tos = tos, .df = tcb->opts.pmtudisc != 0, .ifi = tcb->opts.ifi, .flow = tcb->node.hash & 0xfffff,
	};
	p->note = (struct ol_note){ .sock = tcb->opts.number, .state = tcb->state, .cause = tcb->cause,
		.arg = tcb->cause == OL_CAUSE_SEND || tcb->cause == OL_CAUSE_RECV ? tcb->cause_len : 0 };
	p->time = now;
	tcb->stat.segs_out++;
	uint32_t len = p->len;
	(void)net_output(tcb->tcp->net, &tx, p, now);		/* a drop here is a loss like any other */
	tcp_local_sent(tcb, len);
}

/* RFC 9293 3.1: what stands before the options; wnd: the window offered, in bytes. */
static struct tcp_seg header_of(struct tcp_tcb *tcb, const struct tcp_out *o, uint32_t wnd)
{
	bool syn = o->flags & TCP_SYN;
	struct tcp_seg seg = {
		.src = tcb->node.local.port, .dst = tcb->node.remote.port, .seq = o->seq, .flags = o->flags,
		.ack = o->flags & TCP_ACK ? tcb->rcv_nxt : seq_from(0),
		.wnd = (uint16_t)(syn ? wnd : MIN(wnd >> tcb->rcv_wscale, 65535u)),
	};
	if (tcb->urg_out && seq_gt(tcb->snd_up, o->seq) && !(o->flags & (TCP_SYN | TCP_RST))) {
		seg.flags |= TCP_URG;				/* MUST-62: points behind the last urgent byte */
		seg.urp = (uint16_t)MIN(seq_len(o->seq, tcb->snd_up), 65535u);
	}
	if (tcb->ecn_ok && tcb->ecn_echo && !(o->flags & (TCP_SYN | TCP_RST)))
		seg.flags |= TCP_ECE;
	if (tcb->accecn.on && !syn)
		wire_tcp_set_ace(&seg, tcp_accecn_ace(tcb, o->flags == TCP_ACK && o->text == 0));
	else if (o->ace)
		wire_tcp_set_ace(&seg, o->ace);
	return seg;
}

/* False: the pool is dry, nothing happened. */
bool tcp_transmit(struct tcp_tcb *tcb, const struct tcp_out *o, ol_time now)
{
	uint8_t opt[TCP_OPT_MAX];
	struct tcp_opt_out oo;
	bool usual = only_timestamps(tcb, o->flags, o->text > 0);
	size_t opt_len = TCP_OPT_TS_LEN, hdr_len;
	if (!usual) {
		fill_options(tcb, &oo, o->flags, o->text > 0, now);
		opt_len = tcp_opt_build(opt, &oo);
	}
	hdr_len = TCP_HDR_LEN + opt_len;
	struct ol_pkt *p = ol_pkt_new(tcb->tcp->pool, o->text);
	if (!p)
		return false;
	uint32_t sum = 0;
	bool syn = o->flags & TCP_SYN;
	if (o->text > 0)
		chunkq_copy(&tcb->sndq, seq_len(tcb->sndq_seq, seq_add(o->seq, syn)), ol_pkt_put(p, o->text), o->text,
			    tcb->path.features & OL_IF_CSUM ? NULL : &sum);
	uint32_t wnd = o->flags & TCP_RST ? 0 : syn ? MIN(tcb->rcv_wnd, 65535u) : tcp_window(tcb);
	struct tcp_seg seg = header_of(tcb, o, wnd);
	uint64_t parts = (uint64_t)sum + wire_tcp_build(ol_pkt_push(p, hdr_len), &seg, opt_len);
	if (usual) {
		parts += tcp_opt_put_ts(p->data + TCP_HDR_LEN, tcp_ts_clock(tcb, now), o->flags & TCP_ACK ? tcb->ts_recent : 0);
	} else {
		memcpy(p->data + TCP_HDR_LEN, opt, opt_len);
		parts += cksum_add(0, opt, opt_len);
	}
	p->hdr_len = (uint16_t)hdr_len;
	uint32_t cut = tcb->snd_mss - (uint32_t)MIN(options_len(tcb, true), tcb->snd_mss / 2);
	tcb->snd_cut = cut;
	checksum(tcb, p, parts);
	if (o->text > cut && !syn && !o->whole) {
		p->gso = tcb->node.remote.addr.ver == 6 ? OL_GSO_TCP6 : OL_GSO_TCP4;
		p->gso_size = (uint16_t)cut;
	}
	if (o->flags & TCP_ACK && !(o->flags & (TCP_SYN | TCP_RST)))
		ack_went(tcb, wnd, now);
	else if (o->flags & TCP_ACK)
		tcb->last_ack_sent = tcb->rcv_nxt;
	if (tcb->accecn.on && !(o->flags & (TCP_SYN | TCP_RST)))
		tcp_accecn_sent(tcb, usual ? NULL : &oo.accecn, o->text > 0, now);
	send_packet(tcb, p, tos_of(tcb, o), now);
	return true;
}

void tcp_send_ack(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_out o = { .seq = tcb->snd_nxt, .flags = TCP_ACK };
	if (!tcp_transmit(tcb, &o, now)) {
		tcb->ack_pending = true;			/* the pool is dry: again when the timer comes */
		tcb->delack_at = now + tcb->tcp->cfg.delack_ns;
		tcb->ack_now = false;
	}
}

/* <SEQ=SND.NXT><CTL=RST,ACK>; in SYN-SENT and with nothing sent there is nobody to tell. */
void tcp_send_rst(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_out o = { .seq = tcb->snd_nxt, .flags = TCP_RST | TCP_ACK };
	(void)tcp_transmit(tcb, &o, now);
}

void tcp_send_probe(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_out o = { .seq = seq_sub(tcb->snd_una, 1), .flags = TCP_ACK };
	(void)tcp_transmit(tcb, &o, now);
}

/* ---- SYN -------------------------------------------------------------------------------------------------------- */

static uint8_t syn_flags(const struct tcp_tcb *tcb)
{
	if (tcb->state == OL_TCP_SYN_RECEIVED)
		return TCP_SYN | TCP_ACK | (tcb->ecn_ok ? TCP_ECE : 0);
	bool again = !seq_eq(tcb->snd_nxt, tcb->iss);
	bool ask = tcp_ecn_asks(&tcb->tcp->cfg) && !(again && tcb->tcp->cfg.ecn_fallback);
	return TCP_SYN | (ask ? TCP_ECE | TCP_CWR : 0);			/* RFC 3168 6.1.1 */
}

static struct tcp_out syn(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_out o = { .seq = tcb->iss };
	uint8_t ace = 0;
	if (tcp_accecn_syn_out(tcb, &ace, now)) {
		o.flags = TCP_SYN | (tcb->state == OL_TCP_SYN_RECEIVED ? TCP_ACK : 0);
		o.ace = ace;
	} else {
		o.flags = syn_flags(tcb);
	}
	return o;
}

void tcp_send_syn(struct tcp_tcb *tcb, ol_time now)
{
	bool again = !seq_eq(tcb->snd_nxt, tcb->iss);
	struct tcp_out o = syn(tcb, now);
	if (!again && tcb->fo_data)				/* req: 7413-4.2.2-c the first alone has text */
		o.text = (uint32_t)tcb->sndq.len;
	if (!again && !tcp_loss_room(tcb))
		return;						/* tcp_open finds nothing outstanding */
	bool sent = tcp_transmit(tcb, &o, now);
	if (again) {
		tcp_loss_resent(tcb, tcb->iss, 1, sent && tcb->tcp->cfg.timestamps ? tcp_ts_clock(tcb, now) : 0, now);
		tcb->stat.retrans++;
		return;
	}
	tcb->snd_nxt = seq_add(tcb->iss, 1);			/* one that could not be made is a loss like any other */
	tcp_loss_sent(tcb, tcb->iss, 1, now);
	if (o.text == 0)
		return;
	tcp_loss_sent(tcb, tcb->snd_nxt, o.text, now);
	tcb->snd_nxt = seq_add(tcb->snd_nxt, o.text);
	tcb->stat.bytes_sent += o.text;
	tcb->stat.data_segs_out++;
	tcb->last_snd_at = now;
}

void tcp_send_synack(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_out o = syn(tcb, now);
	(void)tcp_transmit(tcb, &o, now);
}

/* ---- segments that no connection sends -------------------------------------------------------------------------- */

void tcp_send_bare(struct tcp *tcp, const struct tcp_bare *b, ol_time now)
{
	uint8_t opt[TCP_OPT_MAX];
	size_t opt_len = tcp_opt_build(opt, &b->opt);
	struct ol_pkt *p = ol_pkt_new(tcp->pool, 0);
	if (!p)
		return;
	struct tcp_seg seg = {
		.src = b->local.port, .dst = b->remote.port, .seq = b->seq, .ack = b->ack, .flags = b->flags, .wnd = b->wnd,
	};
	if (b->ace)
		wire_tcp_set_ace(&seg, b->ace);
	wire_tcp_build(ol_pkt_push(p, TCP_HDR_LEN + opt_len), &seg, opt_len);
	memcpy(p->data + TCP_HDR_LEN, opt, opt_len);
	uint32_t sum = cksum_pseudo(&b->local.addr, &b->remote.addr, IPPROTO_TCP, p->len);
	be16_put(p->data + WIRE_TCP_CKSUM, cksum_finish(cksum_add(sum, p->data, p->len)));
	p->note = (struct ol_note){ .sock = -1, .state = b->state, .cause = b->cause };
	p->time = now;
	struct net_tx tx = {
		.src = b->local.addr, .dst = b->remote.addr, .proto = IPPROTO_TCP, .ttl = b->ttl, .tos = b->tos, .df = true,
		.ifi = b->ifi,
	};
	(void)net_output(tcp->net, &tx, p, now);
}

/* RFC 9293 3.10.7.1: its sequence number is one the sender of the segment must believe. */
enum ol_fate tcp_reply_rst(struct tcp *tcp, const struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	if (s->flags & TCP_RST)
		return OL_DROP_TCP_RST_NO_CONNECTION;
	struct tcp_bare b = {
		.local = { in->rx->dst, s->dst }, .remote = { in->rx->src, s->src }, .cause = OL_CAUSE_SEGMENT,
		.tos = in->rx->tos & (uint8_t)~ECN_MASK, .state = OL_TCP_CLOSED, .ifi = in->rx->dst.scope ? in->rx->ifi : 0,
	};
	if (s->flags & TCP_ACK) {
		b.seq = s->ack;
		b.flags = TCP_RST;
	} else {
		b.ack = seq_add(s->seq, (uint32_t)s->text.len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN));
		b.flags = TCP_RST | TCP_ACK;
	}
	tcp_send_bare(tcp, &b, now);
	return OL_DROP_TCP_NO_CONNECTION;
}
