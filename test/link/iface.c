/* Interfaces: what they take, what they refuse, and what a cut cable does. */
#include "bench.h"
#include <errno.h>

TEST(iface_settings_are_checked)
{
	struct bench b;
	bench_new(&b, NULL);
	struct ol_iface_config c = { .name = "tun0", .link = OL_LINK_IP, .mtu = 1400, .features = OL_IF_CSUM | OL_IF_TSO4 }, bad;
	struct ol_iface_info info;
	eq(link_iface_add(b.link, &c), 2);
	eq(link_iface_add(b.link, &c), -EEXIST);
	eq(link_iface_info(b.link, 2, &info), 0);
	eq_str(info.name, "tun0");
	eq(info.mtu, 1400);
	ok(info.up);
	eq(link_iface_info(b.link, 3, &info), -ENODEV);
	eq(link_iface_next(b.link, 0), 1);
	eq(link_iface_next(b.link, 1), 2);
	eq(link_iface_next(b.link, 2), 0);
	bad = c; bad.name = "sixteen-letters-"; eq(link_iface_add(b.link, &bad), -EINVAL);
	bad = c; bad.name = ""; eq(link_iface_add(b.link, &bad), -EINVAL);
	bad = c; bad.name = "x"; bad.mtu = 67; eq(link_iface_add(b.link, &bad), -EINVAL);
	bad = c; bad.name = "x"; bad.link = 7; eq(link_iface_add(b.link, &bad), -EINVAL);
	bad = c; bad.name = "x"; bad.features = OL_IF_TSO4; eq(link_iface_add(b.link, &bad), -EINVAL);
	bad = c; bad.name = "x"; bad.link = OL_LINK_ETHER; eq(link_iface_add(b.link, &bad), -EINVAL);	/* no address */
	bad.mac = mac_broadcast; eq(link_iface_add(b.link, &bad), -EINVAL);
	bench_end(&b);
}

static enum ol_fate frame_in(struct bench *b, const struct ol_mac *dst, uint16_t type, uint8_t version, size_t len, bool *many)
{
	struct ol_pkt *p = ol_pkt_new(b->pool, len), *was = p;
	uint8_t *f = ol_pkt_put(p, len);
	memset(f, 0, len);
	if (len >= 14)
		wire_eth_build(f, dst, &peer_mac, type);
	if (len > 14)
		f[14] = (uint8_t)(version << 4);
	enum ol_fate fate = link_input(b->link, 1, &p, many, b->now);
	if (fate == OL_PASS) {
		ok(p == was);
		eq(p->len, len - 14);
		ol_pkt_free(p);
	} else {
		ok(!p);
	}
	return fate;
}

/* req: 1122-2.4-a, 8200-3-a */
TEST(frames_are_sorted)
{
	struct bench b;
	bool many;
	struct ol_mac group = { { 1, 0, 0x5e, 0, 0, 1 } };
	bench_new(&b, NULL);
	eq(frame_in(&b, &bench_mac, ETH_IP4, 4, 60, &many), OL_PASS);
	ok(!many);
	eq(frame_in(&b, &mac_broadcast, ETH_IP4, 4, 60, &many), OL_PASS);
	ok(many);
	eq(frame_in(&b, &group, ETH_IP6, 6, 60, &many), OL_PASS);
	ok(many);
	eq(frame_in(&b, &other_mac, ETH_IP4, 4, 60, &many), OL_DROP_LINK_NOT_OURS);
	eq(frame_in(&b, &bench_mac, ETH_IP4, 6, 60, &many), OL_DROP_IP_VERSION);
	eq(frame_in(&b, &bench_mac, ETH_IP6, 4, 60, &many), OL_DROP_IP_VERSION);
	eq(frame_in(&b, &bench_mac, 0x88cc, 4, 60, &many), OL_DROP_LINK_TYPE);
	for (size_t n = 0; n < 14; n++)
		eq(frame_in(&b, &bench_mac, ETH_IP4, 4, n, &many), OL_DROP_LINK_SHORT);
	eq(frame_in(&b, &bench_mac, ETH_IP4, 4, 14, &many), OL_DROP_IP_SHORT);
	struct ol_iface_info i;
	link_iface_info(b.link, 1, &i);
	eq(i.rx_packets, 22);
	eq(i.rx_dropped, 19);
	bench_end(&b);
}

/* req: 894-frame-b */
TEST(short_frames_are_padded_with_zeros)
{
	struct bench b;
	struct ol_addr peer = ol_addr_ip4(PEER_IP);
	static const uint8_t zero[18];
	bench_new(&b, NULL);
	link_neigh_add(b.link, 1, &peer, &peer_mac, b.now);
	bench_send(&b, PEER_IP, 28);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	eq(p->len, 60);
	eq(p->link, OL_LINK_ETHER);
	eq_mem(p->data + 42, zero, 18);
	ol_pkt_free(p);
	bench_end(&b);
}

/* req: 1122-2.3.1-b, 1122-2.3.3-e whatever it is, it is sent as RFC 894 has it: no trailers, no 802 header */
TEST(frames_are_sent_with_the_type_of_what_is_in_them)
{
	struct bench b;
	static const size_t lens[] = { 28, 46, 47, 512, 514, 1024, 1026, 1500 };	/* trailers began at multiples of 512 */
	bench_new(&b, NULL);
	bench_send(&b, PEER_IP, 100);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	eq(p->data[12] << 8 | p->data[13], ETH_ARP);
	ol_pkt_free(p);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	ol_pkt_free(link_dequeue(b.link, 1));
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		bench_send(&b, PEER_IP, lens[i]);
		p = link_dequeue(b.link, 1);
		eq(p->data[12] << 8 | p->data[13], ETH_IP4);
		eq(p->data[14], 0x45);
		ol_pkt_free(p);
	}
	bench_end(&b);
}

TEST(the_output_queue_is_bounded_and_dies_with_the_cable)
{
	struct bench b;
	struct ol_addr peer = ol_addr_ip4(PEER_IP);
	struct ol_iface_info i;
	bench_new(&b, NULL);
	link_neigh_add(b.link, 1, &peer, &peer_mac, b.now);
	for (int k = 0; k < 100; k++)
		eq(bench_send(&b, PEER_IP, 100), OL_DONE);
	eq(bench_send(&b, PEER_IP, 100), OL_DROP_LINK_QUEUE_FULL);
	eq(link_pending(b.link), 1);
	uint32_t gen = link_generation(b.link);
	eq(link_iface_up(b.link, 1, false, b.now), 0);
	ok(gen != link_generation(b.link));
	eq(link_pending(b.link), 0);
	ok(!link_dequeue(b.link, 1));
	eq(ol_pool_used(b.pool), 0);
	eq(bench_send(&b, PEER_IP, 100), OL_DROP_LINK_DOWN);
	bool many;
	eq(frame_in(&b, &bench_mac, ETH_IP4, 4, 60, &many), OL_DROP_LINK_DOWN);
	eq(link_iface_up(b.link, 1, true, b.now), 0);
	eq(bench_send(&b, PEER_IP, 100), OL_DONE);
	eq(bench_send(&b, PEER_IP, 1501), OL_DROP_LINK_TOO_LONG);
	link_iface_info(b.link, 1, &i);
	eq(i.tx_dropped, 101);
	bench_drain(&b, NULL);
	bench_end(&b);
}

TEST(broadcast_and_groups_need_no_resolving)
{
	struct bench b;
	struct ol_addr group = ol_addr_ip4(0xe0000005), all = ol_addr_ip4(0xffffffff);
	bench_new(&b, NULL);
	for (int k = 0; k < 2; k++) {
		struct ol_pkt *p = ol_pkt_new(b.pool, 100);
		memset(ol_pkt_put(p, 100), 0x45, 100);
		eq(link_output(b.link, 1, k ? &all : &group, k, p, b.now), OL_DONE);
		p = link_dequeue(b.link, 1);
		static const uint8_t want[2][6] = { { 1, 0, 0x5e, 0, 0, 5 }, { 255, 255, 255, 255, 255, 255 } };
		eq_mem(p->data, want[k], 6);
		ol_pkt_free(p);
	}
	eq(b.asked, 0);
	bench_end(&b);
}
