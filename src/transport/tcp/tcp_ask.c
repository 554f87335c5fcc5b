/*
 * What can be asked of a connection: readiness, sizes, TCP_INFO in Linux's layout, rows of a state table.
 */
#include "transport/tcp/tcp_listen.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_timewait.h"
#include "base/check.h"
#include <linux/tcp.h>
#include <stdio.h>

enum ol_tcp_state tcp_state(const struct tcp_tcb *tcb) { return tcb->state; }
const struct ol_endpoint *tcp_local(const struct tcp_tcb *tcb) { return &tcb->node.local; }
const struct ol_endpoint *tcp_remote(const struct tcp_tcb *tcb) { return &tcb->node.remote; }
size_t tcp_inq(const struct tcp_tcb *tcb) { return tcb->rcvq.readable + tcb->fin_received; }
size_t tcp_unacked(const struct tcp_tcb *tcb) { return tcb->sndq.len; }
size_t tcp_unsent(const struct tcp_tcb *tcb) { return tcp_unsent_bytes(tcb); }
uint32_t tcp_sndbuf(const struct tcp_tcb *tcb) { return tcb->sndbuf; }
uint32_t tcp_rcvbuf(const struct tcp_tcb *tcb) { return tcb->rcvbuf; }
void tcp_set_user(struct tcp_tcb *tcb, void *user) { tcb->user = user; }
void *tcp_user(const struct tcp_tcb *tcb) { return tcb->user; }
const char *tcp_congestion(const struct tcp_tcb *tcb) { return tcb->loss.cc ? tcb->loss.cc->name : tcb->tcp->cfg.congestion; }

unsigned tcp_ready(const struct tcp_tcb *tcb)
{
	unsigned r = tcb->error != OL_OK ? OL_EV_ERR : 0;
	bool over = tcb->state == OL_TCP_CLOSED || tcb->state == OL_TCP_TIME_WAIT;
	if (over)
		return r | OL_EV_IN | OL_EV_OUT | OL_EV_HUP | OL_EV_RDHUP;
	if (!tcp_carries(tcb))
		return r;
	bool rd_over = tcb->fin_received || tcb->rd_shut;
	if (rd_over)
		r |= OL_EV_IN | OL_EV_RDHUP;
	if (rd_over && tcb->fin_queued)
		r |= OL_EV_HUP;
	uint32_t lowat = MIN(MAX(tcb->opts.rcvlowat, 1u), tcb->rcvbuf / 2);
	if (tcp_readable(tcb) >= lowat)
		r |= OL_EV_IN;
	if (tcb->urg_in && !tcb->urg_taken)		/* MUST-32: from the pointer on, though the byte may be under way */
		r |= OL_EV_PRI;
	if (tcb->fin_queued || tcp_has_space(tcb))
		r |= OL_EV_OUT;
	else
		((struct tcp_tcb *)tcb)->nospace = true;	/* whoever asked wants to be told */
	return r;
}

static uint32_t us(ol_time t) { return (uint32_t)(t / OL_US); }

static uint32_t ms_since(ol_time t, ol_time now) { return (uint32_t)((now - t) / OL_MS); }

/* <linux/tcp.h> of the machine we are built on may be older than the programs we serve: where newer fields lie. */
enum { INFO_RCV_WND = 232, INFO_TOTAL_RTO = 240 };

static uint64_t chrono_us(const struct tcp_tcb *tcb, enum tcp_chrono c, ol_time now)
{
	return (uint64_t)(tcb->stat.chrono_ns[c] + (tcb->stat.chrono == c ? now - tcb->stat.chrono_at : 0)) / 1000;
}

size_t tcp_info_fill(struct tcp_tcb *tcb, void *info, size_t len, ol_time now)
{
	struct tcp_info ti = { 0 };
	tcp_loss_info(tcb, &ti, now);
	ti.tcpi_state = tcb->state;
	ti.tcpi_probes = MAX(tcb->probes, tcb->keepalive_sent);
	if (tcb->persist_at != OL_NEVER)
		ti.tcpi_backoff = tcb->persist_backoff;
	ti.tcpi_options = (uint8_t)((tcb->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (tcb->sack_ok ? TCPI_OPT_SACK : 0) |
				    (tcb->ws_ok ? TCPI_OPT_WSCALE : 0) | (tcb->ecn_ok || tcb->accecn.on ? TCPI_OPT_ECN : 0) |
				    (tcb->fo_acked ? TCPI_OPT_SYN_DATA : 0));
	ti.tcpi_fastopen_client_fail = tcb->fo_fail & 3;
	ti.tcpi_snd_wscale = tcb->snd_wscale & 15;
	ti.tcpi_rcv_wscale = tcb->rcv_wscale & 15;
	ti.tcpi_ato = us(tcb->ato_ns);
	ti.tcpi_snd_mss = tcb->snd_mss;
	ti.tcpi_rcv_mss = tcb->rcv_mss;
	ti.tcpi_advmss = tcb->adv_mss - (tcb->ts_ok ? TCP_OPT_TS_LEN : 0);
	ti.tcpi_pmtu = tcb->mtup.on ? tcb->mtup.low : tcb->path.mtu;
	ti.tcpi_rtt = us(tcb->srtt_ns);
	ti.tcpi_rttvar = us(tcb->rttvar_ns);
	ti.tcpi_rcv_rtt = us(tcb->rcv_rtt_ns);
	ti.tcpi_rcv_space = tcb->rcv_tune.space;
	ti.tcpi_rcv_ssthresh = tcb->rcvbuf / 2;
	ti.tcpi_last_data_sent = ms_since(tcb->last_snd_at, now);
	ti.tcpi_last_data_recv = ms_since(tcb->last_rcv_at, now);
	ti.tcpi_last_ack_recv = ms_since(tcb->last_ack_in_at ? tcb->last_ack_in_at : tcb->born, now);
	ti.tcpi_total_retrans = tcb->stat.retrans;
	ti.tcpi_bytes_acked = tcb->stat.bytes_acked;
	ti.tcpi_bytes_received = tcb->stat.bytes_received;
	ti.tcpi_bytes_sent = tcb->stat.bytes_sent + tcb->stat.bytes_retrans;
	ti.tcpi_bytes_retrans = tcb->stat.bytes_retrans;
	ti.tcpi_segs_out = tcb->stat.segs_out;
	ti.tcpi_segs_in = tcb->stat.segs_in;
	ti.tcpi_data_segs_in = tcb->stat.data_segs_in;
	ti.tcpi_data_segs_out = tcb->stat.data_segs_out;
	ti.tcpi_notsent_bytes = tcp_unsent_bytes(tcb);
	ti.tcpi_rwnd_limited = chrono_us(tcb, TCP_CHRONO_RWND, now);
	ti.tcpi_sndbuf_limited = chrono_us(tcb, TCP_CHRONO_SNDBUF, now);
	ti.tcpi_busy_time = chrono_us(tcb, TCP_CHRONO_BUSY, now) + ti.tcpi_rwnd_limited + ti.tcpi_sndbuf_limited;
	ti.tcpi_rcv_ooopack = tcb->stat.rcv_ooopack;
	ti.tcpi_snd_wnd = tcb->snd_wnd;
	uint8_t all[TCP_INFO_LEN] = { 0 };
	_Static_assert(sizeof ti <= TCP_INFO_LEN || sizeof ti > INFO_RCV_WND, "Linux only ever appends");
	memcpy(all, &ti, MIN(sizeof ti, sizeof all));
	memcpy(all + INFO_RCV_WND, &tcb->rcv_wnd, 4);
	uint16_t rtos = (uint16_t)MIN(tcb->loss.n_rto, (uint64_t)UINT16_MAX);
	memcpy(all + INFO_TOTAL_RTO, &rtos, 2);
	len = MIN(len, sizeof all);
	memcpy(info, all, len);
	return len;
}

static void row_timer(const struct tcp_tcb *tcb, struct ol_sock_info *row)
{
	enum tcp_loss_timer kind = TCP_LOSS_NONE;
	row->timer = 0;
	row->timer_at = tcb->in_demux ? tcp_loss_deadline(tcb, &kind) : OL_NEVER;
	if (row->timer_at != OL_NEVER)
		row->timer = kind == TCP_LOSS_TLP ? 6 : kind == TCP_LOSS_REO ? 7 : kind == TCP_LOSS_PACING ? 8 : 1;
	const struct { ol_time at; uint8_t what; } more[] = {
		{ tcb->keepalive_at, 2 }, { tcb->finwait2_at, 3 }, { tcb->persist_at, 4 }, { tcb->delack_at, 5 },
	};
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (more[i].at < row->timer_at) {
			row->timer_at = more[i].at;
			row->timer = more[i].what;
		}
}

void tcp_row(const struct tcp_tcb *tcb, struct ol_sock_info *row, ol_time now)
{
	row->local = tcb->node.local;
	row->remote = tcb->node.remote;
	row->state = tcb->state;
	row->recv_q = tcb->rcvq.readable;
	row->send_q = tcb->sndq.len;
	row->cwnd = tcb->loss.cwnd;
	row->ssthresh = tcb->loss.ssthresh;
	row->mss = tcb->snd_mss;
	row->snd_wnd = tcb->snd_wnd;
	row->rcv_wnd = tcb->rcv_wnd;
	row->srtt_ns = tcb->srtt_ns;
	row->rttvar_ns = tcb->rttvar_ns;
	row->rto_ns = tcb->rto_ns;
	row->bytes_sent = tcb->stat.bytes_sent;
	row->bytes_acked = tcb->stat.bytes_acked;
	row->bytes_received = tcb->stat.bytes_received;
	row->retransmits = tcb->stat.retrans;
	snprintf(row->congestion, sizeof row->congestion, "%s", tcp_congestion(tcb));
	row_timer(tcb, row);
}

static void row_of_node(const struct tcp_node *n, struct ol_sock_info *row, ol_time now)
{
	if (n->kind == TCP_NODE_TCB) {
		tcp_row((const struct tcp_tcb *)(const void *)n, row, now);
		return;
	}
	row->local = n->local;
	row->remote = n->remote;
	if (n->kind == TCP_NODE_TW) {
		row->state = OL_TCP_TIME_WAIT;
		row->timer = 3;
		row->timer_at = ((const struct tcp_tw *)(const void *)n)->at;
	} else {
		row->state = OL_TCP_SYN_RECEIVED;
		row->timer = 1;
		row->timer_at = ((const struct tcp_synrec *)(const void *)n)->timer.at;
	}
}

/* The cursor is a bucket of the table and a place in its chain. */
bool tcp_row_next(struct tcp *tcp, uint64_t *cursor, struct ol_sock_info *row, ol_time now)
{
	uint64_t b = *cursor >> 32;
	uint32_t skip = (uint32_t)*cursor;
	for (; b <= tcp->demux.mask; b++, skip = 0) {
		uint32_t i = 0;
		for (const struct tcp_node *n = tcp->demux.bucket[b]; n; n = n->next, i++) {
			if (i < skip || (n->kind == TCP_NODE_TCB && ((const struct tcp_tcb *)(const void *)n)->held))
				continue;
			*row = (struct ol_sock_info){ .sock = -1, .timer_at = OL_NEVER };
			row_of_node(n, row, now);
			*cursor = b << 32 | (i + 1);
			return true;
		}
	}
	*cursor = b << 32;
	return false;
}
