/*
 * The TAP device, <linux/if_tun.h>.  Each read() is one frame with its virtio-net header, each write() another.  A frame
 * that the kernel has no room for waits in a queue of fixed length.  A device that is down swallows frames with EIO.
 */
#include <outlet/ol_tap.h>
#include <outlet/ol_wire.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include "driver/driver.h"
#include "driver/vnet.h"

enum { QUEUE_DEFAULT = 512, RX_SMALL = 2048 - 512 };	/* up to this a frame moves into a small buffer */

struct ol_tap {
	int fd;
	bool plain;
	uint8_t link;
	char name[IFNAMSIZ];
	struct ol_pool *pool;
	struct ol_pkt *spare;		/* a large buffer to read into */
	struct ol_pktq queue;
	uint32_t queue_max;
	struct ol_tap_stats stats;
};

/* ---- opening ------------------------------------------------------------------------------------------------------ */
static int explain(int err, const char *name, const char *step, char *why, size_t why_len)
{
	const char *text;
	if (!why || !why_len)
		return -err;
	switch (err) {
	case ENOENT: case ENXIO: case ENODEV:
		text = "there is no /dev/net/tun here: load the kernel's tun module, or let the container have the device";
		break;
	case EPERM: case EACCES:
		text = "no permission: run as root, or have root make it for you: ip tuntap add dev NAME mode tap user $USER";
		break;
	case EBUSY:
		text = "another program is using it: choose another name, or end that program";
		break;
	case EINVAL:
		text = "it exists and is no device of this kind, or the name is none (at most 15 letters, no blanks, no slash)";
		break;
	default:
		text = strerror(err);
	}
	snprintf(why, why_len, "TAP device %s: %s%s%s", *name ? name : "(unnamed)", *step ? step : "", *step ? ": " : "", text);
	return -err;
}

static bool name_valid(const char *s)
{
	if (strlen(s) >= IFNAMSIZ || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '/' || *s == ':' || *s == '%')	/* the kernel would count with %d */
			return false;
	return true;
}

/* 0 or an errno; *step says at what. */
static int attach(struct ol_tap *t, const char **step)
{
	struct ifreq ifr;
	memset(&ifr, 0, sizeof ifr);
	memcpy(ifr.ifr_name, t->name, sizeof t->name);
	ifr.ifr_flags = (short)((t->link == OL_LINK_ETHER ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR);
	*step = "";
	if (ioctl(t->fd, TUNSETIFF, &ifr) < 0)
		return errno;
	memcpy(t->name, ifr.ifr_name, sizeof t->name);
	t->name[sizeof t->name - 1] = '\0';
	int hdr = sizeof(struct virtio_net_hdr);
	*step = "setting its header";
	if (ioctl(t->fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return errno;
	unsigned long offload = t->plain ? 0 : TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	*step = "setting its offloads";
	return ioctl(t->fd, TUNSETOFFLOAD, offload) < 0 ? errno : 0;
}

int ol_tap_open(struct ol_tap **tap, const struct ol_tap_config *cfg, char *why, size_t why_len)
{
	const char *name = cfg->name ? cfg->name : "", *step = "";
	if (!name_valid(name))
		return explain(EINVAL, "", step, why, why_len);
	struct ol_tap *t = calloc(1, sizeof *t);
	if (!t)
		return explain(ENOMEM, name, step, why, why_len);
	t->plain = cfg->plain;
	t->link = cfg->link == OL_LINK_IP ? OL_LINK_IP : OL_LINK_ETHER;
	t->pool = cfg->pool;
	t->queue_max = cfg->queue ? cfg->queue : QUEUE_DEFAULT;
	snprintf(t->name, sizeof t->name, "%s", name);
	ol_pktq_init(&t->queue);
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err = t->fd < 0 ? errno : attach(t, &step);
	if (err) {
		ol_tap_close(t);
		return explain(err, name, step, why, why_len);
	}
	*tap = t;
	return 0;
}

void ol_tap_close(struct ol_tap *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	ol_pkt_free(t->spare);
	ol_pktq_purge(&t->queue);
	free(t);
}

int ol_tap_fd(const struct ol_tap *t) { return t->fd; }
const char *ol_tap_name(const struct ol_tap *t) { return t->name; }
uint8_t ol_tap_features(const struct ol_tap *t) { return t->plain ? 0 : OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6; }
uint32_t ol_tap_pending(const struct ol_tap *t) { return t->queue.count; }
void ol_tap_get_stats(const struct ol_tap *t, struct ol_tap_stats *s) { *s = t->stats; }

/* ---- to the kernel ------------------------------------------------------------------------------------------------ */
/* False: no room now.  Everything else ends the frame, well or badly. */
static bool write_frame(struct ol_tap *t, const struct ol_pkt *pkt)
{
	struct virtio_net_hdr h = vnet_from_pkt(pkt);
	struct iovec iov[2] = { { &h, sizeof h }, { pkt->data, pkt->len } };
	ssize_t n;
	do
		n = writev(t->fd, iov, 2);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		t->stats.tx_frames++;
		t->stats.tx_bytes += pkt->len;
		return true;
	}
	if (errno == EAGAIN || errno == ENOBUFS)
		return false;
	t->stats.tx_failed++;
	return true;
}

void ol_tap_flush(struct ol_tap *t)
{
	while (t->queue.count && write_frame(t, t->queue.head))
		ol_pkt_free(ol_pktq_get(&t->queue));
}

static void send_one(struct ol_tap *t, struct ol_pkt *pkt)
{
	ol_tap_flush(t);
	if (t->queue.count >= t->queue_max) {
		t->stats.tx_full++;
		ol_pkt_free(pkt);
	} else if (t->queue.count || !write_frame(t, pkt)) {
		ol_pktq_put(&t->queue, pkt);
	} else {
		ol_pkt_free(pkt);
	}
}

void ol_tap_send(struct ol_tap *t, struct ol_pkt *pkt)
{
	struct ol_pktq pieces;
	pkt->link = t->link;
	if (!t->plain) {
		send_one(t, pkt);
		return;
	}
	ol_pktq_init(&pieces);
	if (!ol_pkt_segment(pkt, &pieces))
		t->stats.tx_failed++;
	for (struct ol_pkt *p; (p = ol_pktq_get(&pieces)); ) {
		ol_pkt_finish_csum(p);
		send_one(t, p);
	}
}

/* ---- from the kernel ---------------------------------------------------------------------------------------------- */
/* A frame is waiting that nothing can hold: a short read takes it off all the same. */
static bool discard(struct ol_tap *t)
{
	struct virtio_net_hdr h;
	if (read(t->fd, &h, sizeof h) <= 0)
		return false;
	t->stats.rx_no_memory++;
	return true;
}

/* Reads one frame into the spare.  False: there is none. */
static bool read_frame(struct ol_tap *t, struct virtio_net_hdr *h)
{
	struct ol_pkt *p = t->spare;
	struct iovec iov[2] = { { h, sizeof *h }, { p->data, ol_pkt_tailroom(p) } };
	ssize_t n;
	do
		n = readv(t->fd, iov, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	p->len = n > (ssize_t)sizeof *h ? (uint32_t)(n - (ssize_t)sizeof *h) : 0;
	return true;
}

/* The spare's frame in a buffer that fits; small ones leave the spare for the next. */
static struct ol_pkt *take_frame(struct ol_tap *t)
{
	struct ol_pkt *p = t->spare;
	if (p->len > RX_SMALL) {
		t->spare = NULL;
		return p;
	}
	struct ol_pkt *copy = ol_pkt_from(t->pool, p->data, p->len);
	if (!copy)
		t->stats.rx_no_memory++;
	p->len = 0;
	return copy;
}

struct ol_pkt *ol_tap_receive(struct ol_tap *t, ol_time now)
{
	struct virtio_net_hdr h;
	for (unsigned tries = 0; tries < 64; tries++) {		/* bad ones are passed over, but not for ever */
		if (!t->spare)
			t->spare = ol_pkt_new(t->pool, OL_PKT_MAX);
		if (!t->spare) {
			if (!discard(t))
				return NULL;
			continue;
		}
		if (!read_frame(t, &h))
			return NULL;
		struct ol_pkt *p = take_frame(t);
		if (!p)
			continue;
		p->link = t->link;
		p->time = now;
		t->stats.rx_frames++;
		t->stats.rx_bytes += p->len;
		if (p->len && vnet_to_pkt(&h, p))
			return p;
		t->stats.rx_bad++;
		ol_pkt_free(p);
	}
	return NULL;
}
