#ifndef TAP_NETNS_H
#define TAP_NETNS_H

/** A new network namespace, as root or in a user namespace of our own.  NULL: we are in it; otherwise why not. */
const char *netns_enter(void);
/** Gives the kernel's end its address, of a prefix of 24 bits, and brings it up.  0 or a negated errno. */
int netns_configure(const char *tap, const char *addr, int mtu);

#endif
