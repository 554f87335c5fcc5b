/* Names and sentences of fates, from the floors' own lists. */
#include <outlet/ol_fate.h>

static const struct { const char *name, *text; } fates[OL_FATE_MAX] = {
	[OL_PASS] = { "PASS", "handed on" },
	[OL_DONE] = { "DONE", "delivered" },
#define F(n, t) [OL_##n] = { #n, t },
#include <outlet/fate/link.def>
#include <outlet/fate/net.def>
#include <outlet/fate/udp.def>
#include <outlet/fate/tcp.def>
#include <outlet/fate/sock.def>
#undef F
};

const char *ol_fate_name(enum ol_fate f) { return (unsigned)f < OL_FATE_MAX ? fates[f].name : "?"; }
const char *ol_fate_text(enum ol_fate f) { return (unsigned)f < OL_FATE_MAX ? fates[f].text : "no such fate"; }
