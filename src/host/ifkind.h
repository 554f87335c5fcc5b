#ifndef HOST_IFKIND_H
#define HOST_IFKIND_H
/* What the kernel would call an interface of this link: for ioctls and netlink. */
#include <net/if.h>
#include <net/if_arp.h>
#include <outlet/ol_stack.h>

static inline unsigned short if_arphrd(uint8_t link)
{
	switch ((enum ol_link)link) {
	case OL_LINK_LOOP:	return ARPHRD_LOOPBACK;
	case OL_LINK_ETHER:	return ARPHRD_ETHER;
	case OL_LINK_SLIP:	return ARPHRD_SLIP;
	case OL_LINK_CSLIP:	return ARPHRD_CSLIP;
	case OL_LINK_PPP:	return ARPHRD_PPP;
	case OL_LINK_IP:	break;
	}
	return ARPHRD_NONE;
}
/** IFF_BROADCAST and the like; "up" is not among them. */
static inline unsigned if_kind_flags(uint8_t link)
{
	if (ol_link_is_serial(link))
		return IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	return link == OL_LINK_LOOP ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST;
}

#endif
