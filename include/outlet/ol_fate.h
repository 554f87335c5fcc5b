#ifndef OUTLET_OL_FATE_H
#define OUTLET_OL_FATE_H
/*
 * What became of a packet.  Peers send anything, so a bad packet is no error but a fate: each has a name, a sentence
 * and a counter that tools print.  Every floor lists its own in fate/FLOOR.def as F(NAME, "sentence").
 */
#include <stdint.h>

enum ol_fate {
	OL_PASS = 0,			/* go on to the next step or floor */
	OL_DONE,			/* delivered or answered; nothing left to do */
#define F(name, text) OL_##name,
#include <outlet/fate/link.def>
#include <outlet/fate/net.def>
#include <outlet/fate/udp.def>
#include <outlet/fate/tcp.def>
#include <outlet/fate/sock.def>
#undef F
	OL_FATE_MAX
};

/** "DROP_TCP_SHORT" */
const char *ol_fate_name(enum ol_fate fate);
/** A sentence for people. */
const char *ol_fate_text(enum ol_fate fate);

#endif
