#ifndef TRANSPORT_TCP_FASTOPEN_H
#define TRANSPORT_TCP_FASTOPEN_H
/*
 * TCP Fast Open, RFC 7413: what the core asks of the server's side (tcp_fastopen.c) and of the client's
 * (tcp_fastopen_client.c), and the bits of the setting tcp_fastopen, which are Linux's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_time.h>
#include "base/list.h"
#include "base/rng.h"

struct tcp;
struct tcp_in;
struct tcp_listener;
struct tcp_tcb;

enum {
	TCP_FO_CLIENT = 1,		/* we may ask for cookies and send text with a SYN */
	TCP_FO_SERVER = 2,		/* listeners may take text with a SYN */
	TCP_FO_CLIENT_NO_COOKIE = 4,	/* text goes whether we have a cookie or not */
	TCP_FO_SERVER_NO_COOKIE = 0x200,	/* text is taken whether there is a cookie or not */
	TCP_FO_SERVER_ALWAYS = 0x400,	/* every listener does, as if TCP_FASTOPEN were its backlog */
};
enum { TCP_FO_COOKIE_MIN = 4, TCP_FO_COOKIE_MAX = 16, TCP_FO_COOKIE_LEN = 8 };

/* The option, 4.1.1: kind 34, or the experimental 254 with 0xF989 in front that came before it. */
struct tcp_cookie {
	bool present;			/* the option is there; len 0: a cookie is asked for */
	bool exp;			/* the experimental form */
	uint8_t len;			/* 0 or 4 to 16, even */
	uint8_t b[TCP_FO_COOKIE_MAX];
};

/* ---- server ------------------------------------------------------------------------------------------------------ */
struct tcp_fo_listener {		/* of every listener */
	struct list pending;		/* struct tcp_tcb.fo_node: in SYN-RECEIVED with their text taken */
	struct list resets;		/* of those a reset ended: they count until their time is over, RFC 7413 5.1 */
	uint32_t n_pending, n_resets;
};
void tcp_fastopen_listen(struct tcp_listener *l);
/** The listener goes: nobody counts for it any more. */
void tcp_fastopen_unlisten(struct tcp_listener *l);
/**
 * 4.2.2, "Server: Receiving SYN", steps 1 to 3.  True: the SYN opens a connection at once.  *give is what the SYN-ACK
 * carries: the client's cookie where it asked for one, had a wrong one, or one made with the key that goes out of use.
 */
bool tcp_fastopen_accepts(struct tcp_listener *l, const struct tcp_in *in, struct tcp_cookie *give, ol_time now);
/** Step 4: the connection is pending until its handshake ends, or it does. */
void tcp_fastopen_pend(struct tcp_listener *l, struct tcp_tcb *tcb);
void tcp_fastopen_settled(struct tcp_tcb *tcb);
/** The peer reset it: it goes on counting for a while. */
void tcp_fastopen_reset(struct tcp_tcb *tcb, ol_time now);

/** A SYN or SYN-ACK of either side is about to go: its option. */
void tcp_fastopen_option(const struct tcp_tcb *tcb, struct tcp_cookie *out, ol_time now);

/* ---- client ------------------------------------------------------------------------------------------------------ */
/* Why it did not work, by Linux's numbers: TCP_INFO's tcpi_fastopen_client_fail. */
enum { TCP_FO_COOKIE_UNAVAILABLE = 1, TCP_FO_DATA_NOT_ACKED, TCP_FO_SYN_RETRANSMITTED };
/** Before the first SYN: what its option is to be.  Returns how much text it may carry; 0: none. */
size_t tcp_fastopen_begin(struct tcp_tcb *tcb, ol_time now);
/** The option of that SYN: the cookie, or the request for one. */
void tcp_fastopen_cookie(const struct tcp_tcb *tcb, struct tcp_cookie *out);
/** The handshake of an active open ended, SND.UNA says how much of the text was taken: remembers, and sends again. */
void tcp_fastopen_opened(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
/** An active open came to nothing, and Fast Open may be why (4.1.3.1). */
void tcp_fastopen_failed(struct tcp_tcb *tcb, ol_time now);

#endif
