/* RFC 1661 4.1: the automaton against the table as the RFC prints it, event by event, state by state. */
#include "unit.h"
#include "link/ppp_fsm.h"

/* The lines of 4.1; p, r and x are its footnotes. */
static const char *const rfc[PPP_EVENTS] = {
	[PPP_UP] = "2 irc,scr/6 - - - - - - - -",
	[PPP_DOWN] = "- - 0 tls/1 0 1 1 1 1 tld/1",
	[PPP_OPEN] = "tls/1 1 irc,scr/6 3r 5r 5r 6 7 8 9r",
	[PPP_CLOSE] = "0 tlf/0 2 2 4 4 irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4",
	[PPP_TO_PLUS] = "- - - - str/4 str/5 scr/6 scr/6 scr/8 -",
	[PPP_TO_MINUS] = "- - - - tlf/2 tlf/3 tlf/3p tlf/3p tlf/3p -",
	[PPP_RCR_PLUS] = "- - sta/2 irc,scr,sca/8 4 5 sca/8 sca,tlu/9 sca/8 tld,scr,sca/8",
	[PPP_RCR_MINUS] = "- - sta/2 irc,scr,scn/6 4 5 scn/6 scn/7 scn/6 tld,scr,scn/6",
	[PPP_RCA] = "- - sta/2 sta/3 4 5 irc/7 scr/6x irc,tlu/9 tld,scr/6x",
	[PPP_RCN] = "- - sta/2 sta/3 4 5 irc,scr/6 scr/6x irc,scr/8 tld,scr/6x",
	[PPP_RTR] = "- - sta/2 sta/3 sta/4 sta/5 sta/6 sta/6 sta/6 tld,zrc,sta/5",
	[PPP_RTA] = "- - 2 3 tlf/2 tlf/3 6 6 8 tld,scr/6",
	[PPP_RUC] = "- - scj/2 scj/3 scj/4 scj/5 scj/6 scj/7 scj/8 scj/9",
	[PPP_RXJ_PLUS] = "- - 2 3 4 5 6 6 8 9",
	[PPP_RXJ_MINUS] = "- - tlf/2 tlf/3 tlf/2 tlf/3 tlf/3 tlf/3 tlf/3 tld,irc,str/5",
	[PPP_RXR] = "- - 2 3 4 5 6 7 8 ser/9",
};
static const char *const names[] = { "tlu", "tld", "tls", "tlf", "irc", "zrc", "scr", "sca", "scn", "str", "sta", "scj", "ser" };

static struct ppp_step read_cell(const char *cell)
{
	struct ppp_step s = { 0, -1 };
	if (*cell == '-')
		return s;
	const char *slash = strchr(cell, '/');
	for (unsigned i = 0; slash && i < sizeof names / sizeof *names; i++)
		for (const char *p = cell; p < slash; p += 4)
			s.actions |= (uint16_t)(!strncmp(p, names[i], 3) << i);
	const char *state = slash ? slash + 1 : cell;
	s.next = (int8_t)(*state - '0');
	if (state[1] == 'p')		/* "In this case, the This-Layer-Finished action is not used for the TO- event" */
		s.actions &= (uint16_t)~PPP_TLF;
	return s;
}

/* req: 1661-4.1-a */
TEST(ppp_automaton_is_the_table_of_the_rfc)
{
	for (int e = 0; e < PPP_EVENTS; e++) {
		char line[128], *save = NULL;
		strcpy(line, rfc[e]);
		char *cell = strtok_r(line, " ", &save);
		for (int s = 0; s < PPP_STATES; s++, cell = strtok_r(NULL, " ", &save)) {
			ok(cell);
			struct ppp_step want = read_cell(cell), is = ppp_step((enum ppp_state)s, (enum ppp_event)e);
			eq(is.next, want.next);
			eq(is.actions, want.actions);
		}
	}
}

/* "The states in which the Restart timer is running are identifiable by the presence of TO events."  req: 1661-4.1-a */
TEST(ppp_every_state_that_is_entered_with_a_timer_knows_its_timeout)
{
	for (int s = 0; s < PPP_STATES; s++)
		for (int e = 0; e < PPP_EVENTS; e++) {
			struct ppp_step step = ppp_step((enum ppp_state)s, (enum ppp_event)e);
			if (step.actions & (PPP_SCR | PPP_STR | PPP_ZRC))
				ok(ppp_step((enum ppp_state)step.next, PPP_TO_PLUS).next >= 0);
		}
}

TEST(ppp_options_are_walked_within_their_bounds)
{
	static const uint8_t good[] = { 1, 4, 5, 220, 7, 2 }, zero[] = { 1, 0 }, one[] = { 1, 1, 9 }, beyond[] = { 1, 5, 9, 9 };
	struct ppp_opt o;
	size_t at = 0;
	ok(ppp_opt_next(good, sizeof good, &at, &o));
	eq(o.type, 1);
	eq(o.len, 2);
	ok(ppp_opt_next(good, sizeof good, &at, &o));
	eq(o.type, 7);
	eq(o.len, 0);
	ok(!ppp_opt_next(good, sizeof good, &at, &o));
	eq(at, sizeof good);
	at = 0;
	ok(!ppp_opt_next(zero, 2, &at, &o));
	ok(!ppp_opt_next(one, 3, &at, &o));
	ok(!ppp_opt_next(beyond, 4, &at, &o));
	ok(!ppp_opt_next(good, 1, &at, &o));
	eq(at, 0);
}
