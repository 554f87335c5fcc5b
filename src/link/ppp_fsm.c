/*
 * RFC 1661 4 and 5.1 to 5.6.  The table is the RFC's, line by line; what a packet means as an event is decided below it.
 * A second answer to a request that has had one is out of sequence (4.3, RCA) and discarded, so that a repeated frame
 * does not tear an open link down.  Of the options: [p], Stopped waits for the peer (a dedicated line); no [r].
 * What always holds: the Restart timer runs in states 4 to 8 and in no other.
 */
#include "link/ppp_fsm.h"
#include <string.h>
#include "base/be.h"
#include "base/check.h"

/* ---- 4.1: the state transition table ---------------------------------------------------------------------------------- */
enum {
	tlu = PPP_TLU, tld = PPP_TLD, tls = PPP_TLS, tlf = PPP_TLF, irc = PPP_IRC, zrc = PPP_ZRC, scr = PPP_SCR, sca = PPP_SCA,
	scn = PPP_SCN, str = PPP_STR, sta = PPP_STA, scj = PPP_SCJ, ser = PPP_SER,
};
#define ILL { 0, -1 }
static const struct ppp_step table[PPP_EVENTS][PPP_STATES] = {
		/* Initial    Starting        Closed          Stopped */
		/* Closing    Stopping */
		/* Req-Sent   Ack-Rcvd        Ack-Sent        Opened */
[PPP_UP] =	{ { 0, 2 },   { irc|scr, 6 }, ILL,            ILL,
		  ILL,        ILL,
		  ILL,        ILL,            ILL,            ILL },
[PPP_DOWN] =	{ ILL,        ILL,            { 0, 0 },       { tls, 1 },
		  { 0, 0 },   { 0, 1 },
		  { 0, 1 },   { 0, 1 },       { 0, 1 },       { tld, 1 } },
[PPP_OPEN] =	{ { tls, 1 }, { 0, 1 },       { irc|scr, 6 }, { 0, 3 },
		  { 0, 5 },   { 0, 5 },
		  { 0, 6 },   { 0, 7 },       { 0, 8 },       { 0, 9 } },
[PPP_CLOSE] =	{ { 0, 0 },   { tlf, 0 },     { 0, 2 },       { 0, 2 },
		  { 0, 4 },   { 0, 4 },
		  { irc|str, 4 }, { irc|str, 4 }, { irc|str, 4 }, { tld|irc|str, 4 } },

[PPP_TO_PLUS] =	{ ILL,        ILL,            ILL,            ILL,
		  { str, 4 }, { str, 5 },
		  { scr, 6 }, { scr, 6 },     { scr, 8 },     ILL },
[PPP_TO_MINUS] = { ILL,       ILL,            ILL,            ILL,
		  { tlf, 2 }, { tlf, 3 },
		  { 0, 3 },   { 0, 3 },       { 0, 3 },       ILL },		/* [p]: no tlf */

[PPP_RCR_PLUS] = { ILL,       ILL,            { sta, 2 },     { irc|scr|sca, 8 },
		  { 0, 4 },   { 0, 5 },
		  { sca, 8 }, { sca|tlu, 9 }, { sca, 8 },     { tld|scr|sca, 8 } },
[PPP_RCR_MINUS] = { ILL,      ILL,            { sta, 2 },     { irc|scr|scn, 6 },
		  { 0, 4 },   { 0, 5 },
		  { scn, 6 }, { scn, 7 },     { scn, 6 },     { tld|scr|scn, 6 } },
[PPP_RCA] =	{ ILL,        ILL,            { sta, 2 },     { sta, 3 },
		  { 0, 4 },   { 0, 5 },
		  { irc, 7 }, { scr, 6 },     { irc|tlu, 9 }, { tld|scr, 6 } },
[PPP_RCN] =	{ ILL,        ILL,            { sta, 2 },     { sta, 3 },
		  { 0, 4 },   { 0, 5 },
		  { irc|scr, 6 }, { scr, 6 }, { irc|scr, 8 }, { tld|scr, 6 } },

[PPP_RTR] =	{ ILL,        ILL,            { sta, 2 },     { sta, 3 },
		  { sta, 4 }, { sta, 5 },
		  { sta, 6 }, { sta, 6 },     { sta, 6 },     { tld|zrc|sta, 5 } },
[PPP_RTA] =	{ ILL,        ILL,            { 0, 2 },       { 0, 3 },
		  { tlf, 2 }, { tlf, 3 },
		  { 0, 6 },   { 0, 6 },       { 0, 8 },       { tld|scr, 6 } },

[PPP_RUC] =	{ ILL,        ILL,            { scj, 2 },     { scj, 3 },
		  { scj, 4 }, { scj, 5 },
		  { scj, 6 }, { scj, 7 },     { scj, 8 },     { scj, 9 } },
[PPP_RXJ_PLUS] = { ILL,       ILL,            { 0, 2 },       { 0, 3 },
		  { 0, 4 },   { 0, 5 },
		  { 0, 6 },   { 0, 6 },       { 0, 8 },       { 0, 9 } },
[PPP_RXJ_MINUS] = { ILL,      ILL,            { tlf, 2 },     { tlf, 3 },
		  { tlf, 2 }, { tlf, 3 },
		  { tlf, 3 }, { tlf, 3 },     { tlf, 3 },     { tld|irc|str, 5 } },

[PPP_RXR] =	{ ILL,        ILL,            { 0, 2 },       { 0, 3 },
		  { 0, 4 },   { 0, 5 },
		  { 0, 6 },   { 0, 7 },       { 0, 8 },       { ser, 9 } },
};
#undef ILL

struct ppp_step ppp_step(enum ppp_state state, enum ppp_event event) { return table[event][state]; }

const char *ppp_state_name(enum ppp_state state)
{
	static const char *const names[PPP_STATES] = { "Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping",
						       "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened" };
	return (unsigned)state < PPP_STATES ? names[state] : "?";
}

/* ---- options ---------------------------------------------------------------------------------------------------------- */
bool ppp_opt_next(const uint8_t *opts, size_t len, size_t *at, struct ppp_opt *o)
{
	if (len - *at < 2 || opts[*at + 1] < 2 || opts[*at + 1] > len - *at)
		return false;
	*o = (struct ppp_opt){ opts[*at], (uint8_t)(opts[*at + 1] - 2), opts + *at + 2 };
	*at += opts[*at + 1];
	return true;
}

static bool well_formed(const uint8_t *opts, size_t len)
{
	struct ppp_opt o;
	size_t at = 0;
	while (ppp_opt_next(opts, len, &at, &o))
		;
	return at == len;
}

size_t ppp_opt_put(uint8_t *out, size_t at, uint8_t type, const void *data, uint8_t len)
{
	out[at] = type;
	out[at + 1] = (uint8_t)(len + 2);
	if (len)
		memcpy(out + at + 2, data, len);
	return at + len + 2u;
}

/* ---- sending ---------------------------------------------------------------------------------------------------------- */
void ppp_fsm_send(struct ppp_fsm *f, uint8_t code, uint8_t id, const void *data, size_t len, ol_time now)
{
	uint8_t p[PPP_PACKET_MAX];
	CHECK(len <= sizeof p - PPP_HLEN);
	p[0] = code;
	p[1] = id;
	be16_put(p + 2, (uint16_t)(len + PPP_HLEN));
	if (len)
		memcpy(p + PPP_HLEN, data, len);
	f->send(f->ctx, f->proto->number, p, len + PPP_HLEN, now);
}

/* 5.1: the Identifier changes with the options, and when the request before has had its answer. */
static void send_request(struct ppp_fsm *f, ol_time now)
{
	uint8_t opts[PPP_OPTS_MAX];
	size_t len = f->proto->request(f, opts);
	if (!f->requested || f->replied || len != f->sent_len || memcmp(opts, f->sent, len))
		f->id++;
	memcpy(f->sent, opts, len);
	f->sent_len = len;
	f->requested = true;
	f->replied = false;
	ppp_fsm_send(f, PPP_CONF_REQ, f->id, opts, len, now);
}

/* The packet that an event brought, for the actions that answer it. */
struct brought { uint8_t code, id; const uint8_t *data; size_t len; const uint8_t *whole; size_t whole_len; };

/* 5.6: cut to what the peer takes. */
static void send_code_reject(struct ppp_fsm *f, const struct brought *b, ol_time now)
{
	size_t room = MIN(f->peer_mru, (uint16_t)PPP_PACKET_MAX) - PPP_HLEN;
	ppp_fsm_send(f, PPP_CODE_REJ, ++f->reject_id, b->whole, MIN(b->whole_len, room), now);
}

/* The actions, in an order that leaves the layers above told last.  Counter and timer: 4.6. */
static void act(struct ppp_fsm *f, uint16_t actions, const struct brought *b, ol_time now)
{
	const struct ppp_proto *p = f->proto;
	if (actions & tld)
		p->down(f, now);
	if (actions & irc)
		f->counter = actions & str ? f->timing->max_terminate : f->timing->max_configure;
	if (actions & zrc)
		f->counter = 0;
	if (actions & (scr | str))
		f->counter--;
	if (actions & (scr | str | zrc))
		f->restart = now + f->timing->restart_ns;
	if (actions & scr)
		send_request(f, now);
	if (actions & sca) {
		f->naks = 0;
		ppp_fsm_send(f, PPP_CONF_ACK, b->id, b->data, b->len, now);
	}
	if (actions & scn) {
		f->naks += b->code == PPP_CONF_NAK;
		ppp_fsm_send(f, b->code, b->id, b->data, b->len, now);
	}
	if (actions & str)
		ppp_fsm_send(f, PPP_TERM_REQ, ++f->id, NULL, 0, now);
	if (actions & sta)
		ppp_fsm_send(f, PPP_TERM_ACK, b->id, NULL, 0, now);
	if (actions & scj)
		send_code_reject(f, b, now);
	if (actions & ser && b->code == PPP_ECHO_REQ)
		p->echo(f, b->id, b->data, b->len, now);
	if (actions & tls && p->started)
		p->started(f, now);
	if (actions & tlf && p->finished)
		p->finished(f, now);
	if (actions & tlu)
		p->up(f, now);
}

static void begin_anew(struct ppp_fsm *f)
{
	f->proto->reset(f);
	f->naks = 0;
	f->requested = false;
}

static void occur(struct ppp_fsm *f, enum ppp_event event, const struct brought *b, ol_time now)
{
	struct ppp_step s = table[event][f->state];
	if (s.next < 0)
		return;					/* 4.4: an illegal event changes nothing */
	bool anew = s.actions & scr && (f->state <= PPP_STOPPED || f->state == PPP_OPENED);
	f->state = (enum ppp_state)s.next;
	if (f->state < PPP_CLOSING || f->state == PPP_OPENED)
		f->restart = OL_NEVER;
	if (anew && event != PPP_RCR_PLUS && event != PPP_RCR_MINUS)
		begin_anew(f);
	act(f, s.actions, b, now);
}

/* ---- packets as events ------------------------------------------------------------------------------------------------ */

/* 5.2 to 5.4: all acknowledged, or the Rejects, or the Naks; into out.  Returns the code; *len what it carries. */
static uint8_t judge(struct ppp_fsm *f, const uint8_t *opts, size_t n, uint8_t *out, size_t *len)
{
	uint8_t nak[PPP_PACKET_MAX + 64], data[16];
	size_t naks = 0, rejs = 0, at = 0, before;
	bool no_more_naks = f->naks >= f->timing->max_failure;
	struct ppp_opt o;
	while (before = at, ppp_opt_next(opts, n, &at, &o)) {
		uint8_t dlen = (uint8_t)MIN(o.len, (uint8_t)sizeof data);
		memcpy(data, o.data, dlen);
		enum ppp_verdict v = f->proto->judge(f, &o, data, &dlen);
		if (v == PPP_NAK && no_more_naks && (!f->proto->may_reject || f->proto->may_reject(f, o.type)))
			v = PPP_REJ;			/* 4.6, Max-Failure */
		if (v == PPP_REJ) {
			memcpy(out + rejs, opts + before, at - before);
			rejs += at - before;
		} else if (v == PPP_NAK && naks + dlen + 2u <= PPP_PACKET_MAX - PPP_HLEN) {
			naks = ppp_opt_put(nak, naks, o.type, data, dlen);
		}
	}
	if (rejs) {
		*len = rejs;
		return PPP_CONF_REJ;
	}
	if (!no_more_naks && f->proto->missing && naks + 64 <= PPP_PACKET_MAX - PPP_HLEN)
		naks = f->proto->missing(f, opts, n, nak, naks);
	if (naks) {
		memcpy(out, nak, naks);
		*len = naks;
		return PPP_CONF_NAK;
	}
	memcpy(out, opts, n);
	*len = n;
	return PPP_CONF_ACK;
}

static bool request_came(struct ppp_fsm *f, struct brought *b, ol_time now)
{
	uint8_t answer[PPP_PACKET_MAX];
	if (b->len > PPP_PACKET_MAX - PPP_HLEN || !well_formed(b->data, b->len))
		return false;
	if (f->state == PPP_CLOSED || f->state == PPP_CLOSING || f->state == PPP_STOPPING) {
		occur(f, PPP_RCR_PLUS, b, now);		/* good or bad: no configuration is wanted */
		return true;
	}
	if (f->state == PPP_STOPPED || f->state == PPP_OPENED)
		begin_anew(f);				/* before it is judged: what was agreed is no more */
	struct brought r = { .id = b->id, .data = answer };
	r.code = judge(f, b->data, b->len, answer, &r.len);
	if (r.code == PPP_CONF_ACK)
		f->proto->take(f, b->data, b->len);
	enum ppp_event event = r.code == PPP_CONF_ACK ? PPP_RCR_PLUS : PPP_RCR_MINUS;
	occur(f, event, &r, now);
	return true;
}

/* The answers to our request, 5.2 to 5.4: its Identifier, once. */
static bool expected(const struct ppp_fsm *f, const struct brought *b)
{
	return f->requested && !f->replied && b->id == f->id && well_formed(b->data, b->len);
}

static bool ack_came(struct ppp_fsm *f, const struct brought *b, ol_time now)
{
	if (!expected(f, b) || b->len != f->sent_len || memcmp(b->data, f->sent, b->len))
		return false;
	f->replied = true;
	occur(f, PPP_RCA, b, now);
	return true;
}

/* 5.4: what is rejected must be what was asked for, in its order. */
static bool are_ours(const struct ppp_fsm *f, const uint8_t *opts, size_t len)
{
	struct ppp_opt o, mine;
	size_t at = 0, k = 0;
	while (ppp_opt_next(opts, len, &at, &o)) {
		bool found = false;
		while (!found && ppp_opt_next(f->sent, f->sent_len, &k, &mine))
			found = mine.type == o.type && mine.len == o.len && !memcmp(mine.data, o.data, o.len);
		if (!found)
			return false;
	}
	return true;
}

static bool nak_or_reject_came(struct ppp_fsm *f, const struct brought *b, ol_time now)
{
	bool rejected = b->code == PPP_CONF_REJ, heed = true;
	struct ppp_opt o;
	size_t at = 0;
	if (!expected(f, b) || !b->len || (rejected && !are_ours(f, b->data, b->len)))
		return false;
	while (ppp_opt_next(b->data, b->len, &at, &o))
		heed = f->proto->answer(f, &o, rejected) && heed;
	if (!heed)
		return false;
	f->replied = true;
	occur(f, PPP_RCN, b, now);
	return true;
}

/* 5.6; what is fundamental: the codes that every control protocol has. */
static bool code_reject_came(struct ppp_fsm *f, const struct brought *b, ol_time now)
{
	if (!b->len)
		return false;
	bool fundamental = b->data[0] >= PPP_CONF_REQ && b->data[0] <= PPP_CODE_REJ;
	if (!fundamental && f->proto->code_refused)
		f->proto->code_refused(f, b->data[0]);
	occur(f, fundamental ? PPP_RXJ_MINUS : PPP_RXJ_PLUS, b, now);
	return true;
}

bool ppp_fsm_input(struct ppp_fsm *f, const uint8_t *p, size_t len, ol_time now)
{
	if (len < PPP_HLEN || f->state < PPP_CLOSED)
		return false;
	size_t length = be16_at(p + 2);
	if (length < PPP_HLEN || length > len)
		return false;				/* 5; what is beyond Length is padding */
	struct brought b = { .code = p[0], .id = p[1], .data = p + PPP_HLEN, .len = length - PPP_HLEN, .whole = p, .whole_len = length };
	switch (b.code) {
	case PPP_CONF_REQ:
		return request_came(f, &b, now);
	case PPP_CONF_ACK:
		return f->state <= PPP_STOPPED ? occur(f, PPP_RCA, &b, now), true : ack_came(f, &b, now);
	case PPP_CONF_NAK:
	case PPP_CONF_REJ:
		return f->state <= PPP_STOPPED ? occur(f, PPP_RCN, &b, now), true : nak_or_reject_came(f, &b, now);
	case PPP_TERM_REQ:
		occur(f, PPP_RTR, &b, now);
		return true;
	case PPP_TERM_ACK:
		occur(f, PPP_RTA, &b, now);
		return true;
	case PPP_CODE_REJ:
		return code_reject_came(f, &b, now);
	}
	enum ppp_event event = f->proto->other ? f->proto->other(f, b.code, b.data, b.len, now) : PPP_RUC;
	if (event == PPP_EVENTS)
		return false;
	occur(f, event, &b, now);
	return true;
}

/* ---- the rest --------------------------------------------------------------------------------------------------------- */
void ppp_fsm_init(struct ppp_fsm *f, const struct ppp_proto *proto, void *ctx, const struct ppp_timing *timing)
{
	f->proto = proto;
	f->ctx = ctx;
	f->timing = timing;
	f->state = PPP_INITIAL;
	f->restart = OL_NEVER;
	f->peer_mru = PPP_MRU;
	f->proto->reset(f);
}

void ppp_fsm_event(struct ppp_fsm *f, enum ppp_event event, ol_time now)
{
	occur(f, event, &(struct brought){ .code = 0 }, now);
}

void ppp_fsm_expire(struct ppp_fsm *f, ol_time now)
{
	if (f->restart > now)
		return;
	f->restart = OL_NEVER;
	ppp_fsm_event(f, f->counter > 0 ? PPP_TO_PLUS : PPP_TO_MINUS, now);
}
