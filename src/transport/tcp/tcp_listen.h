#ifndef TRANSPORT_TCP_LISTEN_H
#define TRANSPORT_TCP_LISTEN_H
/* Passive opens: the listener, and the record of a SYN before there is a connection, which its handshake makes. */
#include "transport/tcp/tcp_input.h"

enum { TCP_MAX_ACCEPT = 65535 };

/* ---- listener --------------------------------------------------------------------------------------------------- */
struct tcp_listener {
	struct list node;			/* of tcp->listen[port] */
	struct tcp *tcp;
	void *user;
	struct ol_endpoint local;
	struct tcp_opts opts;
	bool reuseport;
	uint32_t backlog;
	struct list accepted;			/* established, not taken */
	uint32_t n_accepted;
	struct list syns;			/* struct tcp_synrec, oldest first */
	uint32_t n_syns;
	struct list event;
	uint64_t overflows;
	ol_time cookie_at;			/* the last SYN cookie went; 0 never */
	struct tcp_fo_listener fo;
	struct tcp_fo_keys fo_keys;		/* TCP_FASTOPEN_KEY; none: the instance's */
};

/* ---- SYN-RECEIVED before there is a connection ------------------------------------------------------------------ */
struct tcp_synrec {
	struct tcp_node node;
	struct list of_listener;
	struct timer timer;			/* TIMER_TCP_SYN */
	struct tcp_listener *listener;
	tcp_seq iss, irs;
	uint32_t ts_recent, ts_offset, rcv_wnd;
	uint32_t snd_wnd;
	uint16_t peer_mss, adv_mss;
	bool sack_ok, ts_ok, ws_ok, ecn_ok;
	uint8_t snd_wscale, rcv_wscale, retries;
	bool deferred;				/* TCP_DEFER_ACCEPT: the bare ACK came */
	uint8_t tos;
	struct tcp_accecn_shake accecn;
	int ifi;
	ol_time sent_at, challenge_at;
};

/** Whose a SYN to this name is: the most exact listener; among those that share a name (SO_REUSEPORT) the pair decides.  NULL: none. */
struct tcp_listener *tcp_listener_find(struct tcp *tcp, const struct ol_endpoint *local,
		const struct ol_endpoint *remote, int ifi);
enum ol_fate tcp_listener_input(struct tcp_listener *l, struct tcp_in *in, struct tcp_tcb **child, ol_time now);
enum ol_fate tcp_synrec_input(struct tcp_synrec *s, struct tcp_in *in, struct tcp_tcb **child, ol_time now);
void tcp_synrec_expire(struct tcp_synrec *s, ol_time now);
void tcp_synrec_free(struct tcp_synrec *s);
void tcp_listener_free(struct tcp_listener *l);

#endif
