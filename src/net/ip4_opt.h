#ifndef NET_IP4_OPT_H
#define NET_IP4_OPT_H
/* Options of IPv4 headers as the internet floor's files see them; what transports may ask is in net.h (net_ip4_opts_*). */
#include "net/net_int.h"

/**
 * What came: every length and pointer is checked before anything is read by it.  OL_PASS, or why it is dropped; a malformed
 * option earns a parameter problem.  `ours`: it has arrived where its destination field says.
 */
enum ol_fate ip4_opts_check(struct net *net, int ifi, bool to_many, const struct ip4_hdr *h, const struct ol_pkt *pkt, bool ours,
			    ol_time now);
/** Is there a source route that does not end here? */
bool ip4_opts_leads_on(const struct ip4_hdr *h);
/** Such a one, RFC 1122 3.3.5: the datagram's destination becomes the next address of its route.  OL_PASS: to be forwarded. */
enum ol_fate ip4_opts_lead_on(struct net *net, int ifi, struct ol_pkt *pkt, struct ip4_hdr *h, ol_time now);
/** Writes our address and the time into what lists them (Record Route, Timestamp); true: the header changed. */
bool ip4_opts_record(uint8_t *opt, size_t len, const struct net *net, const struct ol_addr *self, ol_time now);
/**
 * The options as they go out: o's, the source route without its first hop and with `final` as its last, and our own entries.
 * Returns how many bytes; out has room for IP4_OPT_MAX.
 */
uint8_t ip4_opts_put(uint8_t *out, const struct net_ip4_opts *o, const struct net *net, const struct ol_addr *self,
		     const struct ol_addr *final, ol_time now);

#endif
