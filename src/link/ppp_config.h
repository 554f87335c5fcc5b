#ifndef LINK_PPP_CONFIG_H
#define LINK_PPP_CONFIG_H
/* What of PPP can be set; the stack's settings point into it. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct ppp_timing { ol_time restart_ns; uint8_t max_terminate, max_configure, max_failure; };	/* RFC 1661 4.6 */
struct ppp_config {			/* defaults: ppp_config_default() */
	struct ppp_timing timing;
	uint32_t mru;			/* what we ask for; 0: the interface's MTU.  1500 is PPP's default and then not asked */
	uint32_t accm;			/* characters of the line that the peer is to escape */
	bool magic, pfc, acfc;		/* asked for */
	bool vj;			/* asked for, and granted to the peer */
	bool ipv6;
	bool defaultroute;		/* the way to everywhere leads to the peer, while the link is open */
	uint8_t vj_slots;		/* highest slot number */
	ol_time echo_ns;		/* an Echo-Request so often; 0: none */
	uint8_t echo_failure;		/* so many unanswered, and the link begins anew; 0: never */
};
struct ppp_config ppp_config_default(void);

#endif
