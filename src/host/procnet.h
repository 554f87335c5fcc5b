#ifndef HOST_PROCNET_H
#define HOST_PROCNET_H
/* /proc/net of a guest. */
struct vhost;

/**
 * The file of this name, for reading; the caller's to close.  -ENOENT: none such; -EXDEV: the machine's own is the right
 * one; or another negated errno.
 */
int procnet_open(struct vhost *h, const char *name);

#endif
