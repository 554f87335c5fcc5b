/*
 * The settings as a table: name, where it lies, what kind it is, what it means.  Times are given in the unit Linux uses
 * for each (seconds, or milliseconds for tcp_invalid_ratelimit and the *_ms ones).
 */
#include "transport/tcp/tcp_config.h"
#include "base/check.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { K_BOOL, K_U8, K_U16, K_U32, K_SEC, K_MS, K_US, K_TRIPLE, K_NAME, K_KEYS };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t at;
	int64_t lo, hi;
	const char *help;
} settings[] = {
#define S(name, kind, field, lo, hi, help) { name, kind, offsetof(struct tcp_config, field), lo, hi, help }
	S("tcp_window_scaling", K_BOOL, window_scaling, 0, 1, "offer and accept window scaling (RFC 7323)"),
	S("tcp_sack", K_BOOL, sack, 0, 1, "offer and accept selective acknowledgements (RFC 2018)"),
	S("tcp_dsack", K_BOOL, dsack, 0, 1, "report what was received twice (RFC 2883)"),
	S("tcp_timestamps", K_BOOL, timestamps, 0, 2, "offer and accept timestamps (RFC 7323)"),
	S("tcp_ecn", K_U8, ecn, 0, 5,
		"explicit congestion notification: 0 never, 1 ask and agree, 2 agree when asked (RFC 3168); 3 ask for and agree to Accurate ECN (RFC 9768), 4 agree to it and ask for RFC 3168, 5 agree to both"),
	S("tcp_ecn_fallback", K_BOOL, ecn_fallback, 0, 1,
		"a SYN sent again no longer asks for ECN (RFC 3168 6.1.1.1; of Accurate ECN the third, and so SYN-ACKs)"),
	S("tcp_ecn_option", K_U8, ecn_option, 0, 2, "options of Accurate ECN: 0 none, 1 as few as may be, 2 whenever a counter grew and there is room"),
	S("tcp_syncookies", K_U8, syncookies, 0, 2, "SYN cookies: 0 never, 1 when the SYN queue is full, 2 always"),
	S("tcp_fastopen", K_U32, fastopen, 0, INT32_MAX,
		"Fast Open, the sum of: 1 ask for and use cookies, 2 serve, 4 and 0x200 the same without cookies, 0x400 every listener serves (RFC 7413)"),
	S("tcp_fastopen_key", K_KEYS, fastopen_key, 0, 0, "key of Fast Open cookies, 8-8-8-8 hex digits; after a comma or + one that goes out of use"),
	S("tcp_min_snd_mss", K_U16, min_snd_mss, 40, 65535, "smallest segment size accepted from the peer, options included"),
	S("tcp_mtu_probing", K_U8, mtu_probing, 0, 2,
		"search the path's MTU by probes (RFC 4821): 0 never, 1 when a black hole was met, 2 always"),
	S("tcp_base_mss", K_U16, base_mss, 48, 65535, "segment size to begin that search with, or fall to, options included"),
	S("tcp_mtu_probe_floor", K_U16, mtu_probe_floor, 48, 65535, "segment size below which a black hole makes no smaller ones"),
	S("tcp_probe_threshold", K_U32, probe_threshold, 0, 65535, "bytes of range that are no longer worth a probe"),
	S("tcp_probe_interval", K_SEC, probe_interval_ns, 300, 32767,
		"seconds until a search that has ended begins anew (RFC 4821 7.3: not below 300)"),
	S("tcp_rmem", K_TRIPLE, rmem, 2048, INT32_MAX, "receive buffer: smallest, at birth, largest (bytes of memory; half is offered)"),
	S("tcp_wmem", K_TRIPLE, wmem, 2048, INT32_MAX, "send buffer: smallest, at birth, largest (bytes)"),
	S("tcp_moderate_rcvbuf", K_BOOL, moderate_rcvbuf, 0, 1, "let the receive buffer grow with the round trip's need"),
	S("tcp_notsent_lowat", K_U32, notsent_lowat, 0, UINT32_MAX, "writable only while fewer unsent bytes than this wait"),
	S("tcp_limit_output_bytes", K_U32, limit_output, 2, INT32_MAX, "most bytes of one connection in its interface's queue"),
	S("tcp_syn_retries", K_U8, syn_retries, 1, 127, "how often a SYN is sent again"),
	S("tcp_synack_retries", K_U8, synack_retries, 0, 255, "how often a SYN-ACK is sent again"),
	S("tcp_retries1", K_U8, retries1, 0, 255,
		"R1: after so many retransmissions the route is looked up again (RFC 9293 3.8.3)"),
	S("tcp_retries2", K_U8, retries2, 0, 255,
		"R2: after so many retransmissions the connection is given up (RFC 9293 3.8.3)"),
	S("tcp_orphan_retries", K_U8, orphan_retries, 0, 255, "the same for a connection nobody holds; 0 means 8"),
	S("tcp_max_syn_backlog", K_U32, max_syn_backlog, 1, 1 << 20, "most half-open connections of one listener"),
	S("tcp_max_orphans", K_U32, max_orphans, 0, 1 << 24, "most connections that no program holds; more are reset"),
	S("tcp_max_tw_buckets", K_U32, max_tw_buckets, 0, 1 << 24, "most TIME-WAIT records; more close at once"),
	S("somaxconn", K_U32, somaxconn, 1, 65535, "largest backlog of a listener"),
	S("tcp_abort_on_overflow", K_BOOL, abort_on_overflow, 0, 1, "reset, not drop, when the accept queue is full"),
	S("tcp_rfc1337", K_BOOL, rfc1337, 0, 1, "a reset does not end TIME-WAIT (RFC 1337)"),
	S("tcp_tw_reuse", K_U8, tw_reuse, 0, 2, "our own opens may reuse TIME-WAIT: 0 no, 1 by timestamps, 2 on loopback only"),
	S("tcp_tw_ms", K_MS, tw_ns, 1, 3600000, "2 MSL: how long TIME-WAIT lasts, milliseconds"),
	S("tcp_fin_timeout", K_SEC, fin_timeout_ns, 0, 120, "how long an orphan stays in FIN-WAIT-2, seconds"),
	S("tcp_keepalive_time", K_SEC, keepalive_time_ns, 1, 32767, "idle seconds before the first keepalive probe"),
	S("tcp_keepalive_intvl", K_SEC, keepalive_intvl_ns, 1, 32767, "seconds between keepalive probes"),
	S("tcp_keepalive_probes", K_U8, keepalive_probes, 1, 127, "unanswered keepalive probes that end a connection"),
	S("tcp_invalid_ratelimit", K_MS, invalid_ratelimit_ns, 0, 3600000,
		"least milliseconds between answers to bad segments"),
	S("tcp_challenge_ack_limit", K_U32, challenge_ack_limit, 0, INT32_MAX, "challenge ACKs a second, all connections (RFC 5961 7)"),
	S("tcp_rto_initial_ms", K_MS, rto_initial_ns, 1, 120000, "RTO before the first measurement, milliseconds (RFC 6298)"),
	S("tcp_rto_min_us", K_US, rto_min_ns, 1, 120000000, "least RTO, microseconds"),
	S("tcp_rto_max_ms", K_MS, rto_max_ns, 1000, 120000, "most RTO, milliseconds"),
	S("tcp_delack_ms", K_MS, delack_ns, 1, 499, "how long an ACK may be delayed, milliseconds (MUST-40: below 500)"),
	S("tcp_cork_ms", K_MS, cork_ns, 1, 10000, "how long a cork may hold text, milliseconds"),
	S("tcp_congestion_control", K_NAME, congestion, 1, 15, "congestion control of new connections"),
	S("tcp_init_cwnd", K_U32, init_cwnd, 1, 1000, "initial window in segments (RFC 6928)"),
	S("tcp_reordering", K_U8, reordering, 1, 127, "segments that may overtake another without meaning loss, at first"),
	S("tcp_max_reordering", K_U16, max_reordering, 1, 65535, "most reordering, in segments, that is adapted to"),
	S("tcp_recovery", K_U8, recovery, 0, 7, "bit 0: RACK (RFC 8985)"),
	S("tcp_early_retrans", K_U8, early_retrans, 0, 4, "3: tail loss probes; 0: none (RFC 8985 7)"),
	S("tcp_tlp_max_ack_delay_us", K_US, tlp_max_ack_delay_ns, 0, 1000000,
		"how long a probe waits for a peer that holds ACKs back, microseconds (RFC 8985 7.2)"),
	S("tcp_frto", K_U8, frto, 0, 2, "detect spurious timeouts by F-RTO (RFC 5682)"),
	S("tcp_moderate_cwnd", K_BOOL, moderate_cwnd, 0, 1, "a window given back by an undo is bounded by what is in flight"),
	S("tcp_slow_start_after_idle", K_BOOL, slow_start_after_idle, 0, 1,
		"restart from the initial window after an idle RTO (RFC 5681 4.1)"),
	S("tcp_pacing", K_BOOL, pacing, 0, 1, "pace every congestion control, not BBR alone"),
	S("tcp_cwv", K_BOOL, cwv, 0, 1, "keep a window that is not used, and do not trust it (RFC 7661)"),
	S("tcp_hystart", K_BOOL, hystart, 0, 1, "leave slow start when delay grows (RFC 9406)"),
#undef S
};

struct tcp_config tcp_config_default(void)
{
	return (struct tcp_config){
		.window_scaling = true, .sack = true, .dsack = true, .timestamps = true, .ecn = 2, .ecn_fallback = true, .ecn_option = 2,
		.syncookies = 1, .min_snd_mss = 48, .fastopen = 1,
		.mtu_probing = 1, .base_mss = 1024, .mtu_probe_floor = 48, .probe_threshold = 8, .probe_interval_ns = 600 * OL_SEC,
		.rmem = { 4096, 540000, 15 << 20 }, .wmem = { 4096, 262144, 4 << 20 }, .moderate_rcvbuf = true,
		.notsent_lowat = UINT32_MAX, .limit_output = 256 << 10,
		.syn_retries = 7, .synack_retries = 5, .retries1 = 3, .retries2 = 15,
		.max_syn_backlog = 4096, .max_orphans = 65536, .max_tw_buckets = 65536, .somaxconn = 4096, .tw_reuse = 2,
		.tw_ns = 60 * OL_SEC, .fin_timeout_ns = 60 * OL_SEC, .keepalive_time_ns = 7200 * OL_SEC,
		.keepalive_intvl_ns = 75 * OL_SEC, .keepalive_probes = 9, .invalid_ratelimit_ns = 500 * OL_MS,
		.challenge_ack_limit = 1000,
		.rto_initial_ns = OL_SEC, .rto_min_ns = 200 * OL_MS, .rto_max_ns = 120 * OL_SEC,
		.delack_ns = 40 * OL_MS, .cork_ns = 200 * OL_MS,
		.congestion = "cubic", .init_cwnd = 10, .reordering = 3, .max_reordering = 300, .recovery = 1,
		.early_retrans = 3, .tlp_max_ack_delay_ns = 200 * OL_MS, .frto = 2, .moderate_cwnd = false, .slow_start_after_idle = false,
		.hystart = true,
	};
}

static const struct setting *find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!strcmp(settings[i].name, key))
			return &settings[i];
	return NULL;
}

static bool number(const char **p, int64_t *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(*p, &end, 0);			/* as Linux: 0x is hexadecimal */
	if (end == *p || errno)
		return false;
	*p = end;
	*out = v;
	return true;
}

static int set_triple(uint32_t *t, const struct setting *s, const char *value)
{
	uint32_t v[3];
	for (int i = 0; i < 3; i++) {
		int64_t n;
		if (i > 0 && !*value)
			return -EINVAL;
		value += strspn(value, " \t:,");
		if (!number(&value, &n) || n < s->lo || n > s->hi)
			return -EINVAL;
		v[i] = (uint32_t)n;
	}
	if (*value || v[0] > v[1] || v[1] > v[2])
		return -EINVAL;
	memcpy(t, v, sizeof v);
	return 0;
}

/* Four words of hex digits, each a little-endian number of four bytes, as Linux's. */
static bool read_key(const char **p, uint8_t key[16])
{
	for (int i = 0; i < 4; i++) {
		char *end;
		size_t digits = strspn(*p, "0123456789abcdefABCDEF");
		unsigned long v = strtoul(*p, &end, 16);
		if (!digits || digits > 8 || (i < 3 && *end++ != '-'))
			return false;
		for (int k = 0; k < 4; k++)
			key[4 * i + k] = (uint8_t)(v >> (8 * k));
		*p = end;
	}
	return true;
}

static int set_keys(struct tcp_fo_keys *to, const char *value)
{
	struct tcp_fo_keys k = { .n = 1 };
	if (!read_key(&value, k.key[0]))
		return -EINVAL;
	if (*value == ',' || *value == '+') {			/* + for lists, whose items commas part */
		value++;
		k.n = 2;
		if (!read_key(&value, k.key[1]))
			return -EINVAL;
	}
	if (*value)
		return -EINVAL;
	*to = k;
	return 0;
}

static int get_keys(const struct tcp_fo_keys *k, char *buf, size_t len)
{
	char text[80];
	int n = 0;
	for (int i = 0; i == 0 || i < k->n; i++) {		/* none set: zeros, as Linux */
		const uint8_t *b = k->key[i];
		for (int w = 0; w < 4; w++, b += 4)
			n += snprintf(text + n, sizeof text - (size_t)n, "%s%02x%02x%02x%02x", w ? "-" : i ? "," : "", b[3], b[2],
				      b[1], b[0]);
	}
	return snprintf(buf, len, "%s", text);
}

static int64_t unit(enum kind k) { return k == K_SEC ? OL_SEC : k == K_MS ? OL_MS : k == K_US ? OL_US : 1; }

int tcp_config_set(struct tcp_config *cfg, const char *key, const char *value)
{
	const struct setting *s = find(key);
	if (!s)
		return -ENOENT;
	void *at = (char *)cfg + s->at;
	if (s->kind == K_TRIPLE)
		return set_triple(at, s, value);
	if (s->kind == K_KEYS)
		return set_keys(at, value);
	if (s->kind == K_NAME) {
		size_t n = strlen(value);
		if ((int64_t)n < s->lo || (int64_t)n > s->hi)
			return -EINVAL;
		memcpy(at, value, n + 1);
		return 0;
	}
	int64_t v;
	if (!number(&value, &v) || *value || v < s->lo || v > s->hi)
		return -EINVAL;
	switch (s->kind) {
	case K_BOOL:	*(bool *)at = v != 0; break;
	case K_U8:	*(uint8_t *)at = (uint8_t)v; break;
	case K_U16:	*(uint16_t *)at = (uint16_t)v; break;
	case K_U32:	*(uint32_t *)at = (uint32_t)v; break;
	default:	*(ol_time *)at = v * unit(s->kind); break;
	}
	return 0;
}

const char *tcp_config_name(unsigned i) { return i < ARRAY_LEN(settings) ? settings[i].name : NULL; }
const char *tcp_config_help(unsigned i) { return i < ARRAY_LEN(settings) ? settings[i].help : NULL; }

int tcp_config_get(const struct tcp_config *cfg, const char *key, char *buf, size_t len)
{
	const struct setting *s = find(key);
	if (!s)
		return -ENOENT;
	const void *at = (const char *)cfg + s->at;
	switch (s->kind) {
	case K_BOOL:	return snprintf(buf, len, "%d", *(const bool *)at);
	case K_U8:	return snprintf(buf, len, "%u", *(const uint8_t *)at);
	case K_U16:	return snprintf(buf, len, "%u", *(const uint16_t *)at);
	case K_U32:	return snprintf(buf, len, "%" PRIu32, *(const uint32_t *)at);
	case K_NAME:	return snprintf(buf, len, "%s", (const char *)at);
	case K_KEYS:	return get_keys(at, buf, len);
	case K_TRIPLE: {
		const uint32_t *t = at;
		return snprintf(buf, len, "%" PRIu32 " %" PRIu32 " %" PRIu32, t[0], t[1], t[2]);
	}
	default:	return snprintf(buf, len, "%" PRId64, *(const ol_time *)at / unit(s->kind));
	}
}
