#ifndef TRANSPORT_TCP_CONFIG_H
#define TRANSPORT_TCP_CONFIG_H
/*
 * The settings of one TCP, under the leaf names that Linux's sysctls have (net.ipv4.tcp_*), with what Linux means by them.
 * The defaults are the profile that the packetdrill scripts of Google and of the Linux kernel presume.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_time.h>

/* Keys of Fast Open cookies: cookies are made with the first, and good with either. */
struct tcp_fo_keys { uint8_t n; uint8_t key[2][16]; };

struct tcp_config {
	uint8_t seed[16];		/* ISNs, timestamps' origins, cookies, table keys */

	/* options on SYNs */
	bool window_scaling, sack, dsack, timestamps;
	uint8_t ecn;			/* RFC 3168: 0 never, 1 ask and agree, 2 agree only; RFC 9768: 3 ask and agree, 4, 5 agree, and ask as 1, 2 */
	bool ecn_fallback;		/* retry a SYN without ECN */
	uint8_t ecn_option;		/* RFC 9768's: 0 never, 1 sparingly, 2 with what is new */
	uint8_t syncookies;		/* 0 never, 1 when the SYN queue is full, 2 always */
	uint16_t min_snd_mss;
	uint32_t fastopen;		/* TCP_FO_*: RFC 7413 */
	struct tcp_fo_keys fastopen_key;	/* none: from the seed, a new one twice a day */

	/* search for the path's MTU, RFC 4821 */
	uint8_t mtu_probing;		/* 0 never, 1 after a black hole, 2 always */
	uint16_t base_mss, mtu_probe_floor;
	uint32_t probe_threshold;
	ol_time probe_interval_ns;

	/* buffers: lowest, at birth, highest; bytes */
	uint32_t rmem[3], wmem[3];
	bool moderate_rcvbuf;
	uint32_t notsent_lowat;
	uint32_t limit_output;		/* bytes of one connection in its interface's queue */

	/* connections */
	uint8_t syn_retries, synack_retries, retries1, retries2, orphan_retries;
	uint32_t max_syn_backlog, max_orphans, max_tw_buckets, somaxconn;
	bool abort_on_overflow, rfc1337;
	uint8_t tw_reuse;		/* 0 never for our own opens, 1 by timestamps, 2 for loopback */
	ol_time tw_ns;			/* 2 MSL */
	ol_time fin_timeout_ns;
	ol_time keepalive_time_ns, keepalive_intvl_ns;
	uint8_t keepalive_probes;
	ol_time invalid_ratelimit_ns;	/* between two answers to unacceptable segments, per connection */
	uint32_t challenge_ack_limit;	/* a second, all connections together */

	/* timers */
	ol_time rto_initial_ns, rto_min_ns, rto_max_ns;
	ol_time delack_ns, cork_ns;

	/* loss and congestion */
	char congestion[16];
	uint32_t init_cwnd;		/* segments, RFC 6928 */
	uint8_t reordering;		/* segments, at birth */
	uint16_t max_reordering;
	uint8_t recovery;		/* bit 0: RACK */
	uint8_t early_retrans;		/* 3: tail loss probes; 0: none */
	ol_time tlp_max_ack_delay_ns;	/* of a peer that holds ACKs back */
	uint8_t frto;			/* 0 off, 2 with and without SACK */
	bool moderate_cwnd;		/* what an undo gives back is bounded */
	bool slow_start_after_idle;
	bool pacing;			/* of cubic and reno; BBR always paces */
	bool cwv;
	bool hystart;
};

struct tcp_config tcp_config_default(void);
/** As ol_config_set: 0, -ENOENT, -EINVAL. */
int tcp_config_set(struct tcp_config *cfg, const char *key, const char *value);
/** As ol_config_name, ol_config_help. */
const char *tcp_config_name(unsigned i);
const char *tcp_config_help(unsigned i);
/** As ol_config_get. */
int tcp_config_get(const struct tcp_config *cfg, const char *key, char *buf, size_t len);

#endif
