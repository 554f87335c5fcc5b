#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H
/*
 * Scripts in packetdrill's language, run in virtual time against a stack of ours: doc/SCRIPTS.md.  The way of a script:
 *
 *	text --lex.c--> tokens --parse.c, parse_seg.c, expr.c--> struct script --run.c--> struct script_result
 *	                                              '-- names.c: words with a value
 *	run.c      events in their order, time, what is said of a failure
 *	flow.c     segments: script numbers to live ones and back; built, read, compared
 *	call.c     socket calls; those that block have a thread of their own
 *	assert.c   %{ assert ... }% over struct tcp_info
 *
 * The stack stands behind the table of calls of liboutlet-packetdrill.so (src/packetdrill): one adapter, two judges.
 * A script's text is anybody's: every number is checked against its field, depth and counts are bounded, and an error is one
 * sentence with its line.  All memory of a parsed script lies in its arena.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_time.h>

enum script_ip { SCRIPT_IP4, SCRIPT_IP6, SCRIPT_MAPPED, SCRIPT_N_IP };
extern const char *const script_ip_name[SCRIPT_N_IP];		/* "ipv4", "ipv6", "ipv4-mapped-ipv6" */

enum { SCRIPT_MAX_TEXT = 1 << 20, SCRIPT_MAX_DEPTH = 16, SCRIPT_MAX_ARGS = 16, SCRIPT_ERROR_LEN = 512 };

/* ---- what a script says ------------------------------------------------------------------------------------------ */
struct script_text { const char *p; size_t len; };

enum expr_kind { EXPR_ANY, EXPR_NUM, EXPR_STR, EXPR_LIST, EXPR_FIELDS };
struct expr {					/* an argument of a call */
	enum expr_kind kind;
	int64_t num;				/* EXPR_NUM */
	struct script_text str;			/* EXPR_STR, without quotes */
	struct expr *child, *next;		/* EXPR_LIST, EXPR_FIELDS: their members */
	struct script_text name;		/* of a member of EXPR_FIELDS, or empty */
};

struct script_call {
	struct script_text name;
	struct expr *arg[SCRIPT_MAX_ARGS];
	int n_args;
	struct expr *result;
	int err;				/* the errno that must come, or 0: not looked at */
	bool blocks;
	ol_time end;				/* blocks: when it must come back */
};

enum seg_tos { TOS_ANY, TOS_ECN, TOS_ECT01, TOS_BYTE };
struct script_seg {				/* a segment, or an ICMP message about one */
	bool in, icmp;
	enum seg_tos tos_kind;
	uint8_t tos, ttl;			/* ttl 0: not named */
	uint16_t sport, dport;			/* 0: the flow's */
	uint8_t flags;				/* TCP_*; without CWR and ECE where ace is set */
	int8_t ace;				/* RFC 9768's counter in the flags; -1: not named */
	uint32_t seq, len, ack;
	int32_t wnd;				/* -1: not named */
	uint16_t urp;
	bool any_opt;				/* <...> */
	uint8_t opt[40], opt_len;
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu;
};

enum event_kind { EVENT_SEG, EVENT_CALL, EVENT_ASSERT };
enum event_when { WHEN_AT, WHEN_AFTER, WHEN_ANY };
struct event {
	struct event *next;
	int line;
	enum event_kind kind;
	enum event_when when;
	bool range;
	ol_time at, until;			/* until: of a range */
	struct script_text text;		/* as written, for what is said of it */
	struct script_seg seg;
	struct script_call call;
	struct script_text code;		/* EVENT_ASSERT, without %{ }% */
};

struct script_settings {
	bool has_ip;
	enum script_ip ip;			/* --ip_version */
	char flags[512];			/* --so_flags: key=value,... */
	ol_time tolerance;
	double tolerance_percent;
	ol_time ts_tick;			/* --tcp_ts_tick_usecs; 0: TS val is not compared */
	bool ts_ecr_scaled, strict_segments;
	uint16_t bind_port, connect_port;
	uint32_t mtu;				/* --mtu; 0: what the flags or the default say */
};

struct arena;
struct script {
	const char *path;			/* borrowed, for messages */
	struct script_settings set;
	enum script_ip ip;			/* the family it was parsed for */
	struct event *first;
	int n_events;
	struct arena *arena;
	char error[SCRIPT_ERROR_LEN];		/* "path:line: sentence" */
};

/** Reads the option lines alone, into s->set.  False with s->error. */
bool script_options(struct script *s, const char *path, const char *text, size_t len);
/**
 * Parses a whole script for one family (the meaning of an ICMP name hangs on it).  `text` is borrowed until script_free.
 * False with s->error set; script_free is due in both cases.
 */
bool script_parse(struct script *s, const char *path, const char *text, size_t len, enum script_ip ip);
void script_free(struct script *s);

/** Runs it.  `report`, if not NULL, gets the ladder of what happened, and of a failure what was expected and what came. */
struct script_result { bool passed; char sentence[SCRIPT_ERROR_LEN]; ol_time took; };
struct script_result script_run(const struct script *s, const char *more_flags, void (*report)(void *, const char *line), void *arg);

#endif
