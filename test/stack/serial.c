/* Two hosts on a serial line: SLIP, CSLIP and PPP under TCP, addresses agreed on, errors of the line, bytes in any pieces. */
#include <arpa/inet.h>
#include <errno.h>
#include <outlet/ol_serial.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_wire.h>
#include <stdlib.h>
#include "base/rng.h"
#include "unit.h"

struct host { struct ol_stack *stk; int ifi; };
struct line {
	struct ol_pool *pool;
	struct ol_wire *wire;
	struct host h[2];
	ol_time now;
	struct rng rng;
	bool pieces, batch;		/* what arrives is cut by chance; what arrives together is handed over so */
	uint64_t bytes;			/* that arrived */
};
struct setup { uint8_t link; uint32_t mtu; const char *settings[2], *addr[2], *peer, *faults; bool pieces; uint64_t seed; };

static struct host make_host(struct line *l, const struct setup *s, int i)
{
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16] = { (uint8_t)(s->seed + 1), (uint8_t)i };
	ol_config_seed(cfg, seed);
	if (s->settings[i])
		eq(ol_config_set_list(cfg, s->settings[i], NULL), 0);
	struct host h = { ol_stack_new(cfg, l->pool, l->now), 0 };
	ol_config_free(cfg);
	struct ol_iface_config ic = { .name = "ser0", .link = s->link, .mtu = s->mtu };
	h.ifi = ol_iface_add(h.stk, &ic);
	ok(h.ifi > 0);
	struct ol_addr a;
	if (s->addr[i]) {
		ok(ol_addr_parse(s->addr[i], &a));
		eq(ol_addr_add(h.stk, h.ifi, &a, 24), 0);
	}
	if (s->peer && i == 0) {
		ok(ol_addr_parse(s->peer, &a));
		eq(ol_ppp_peer(h.stk, h.ifi, &a), 0);
	}
	return h;
}

static struct line *line_new(struct setup s)
{
	struct line *l = calloc(1, sizeof *l);
	struct ol_wire_config wc = { .link = s.link, .mtu = s.mtu, .ports = 2, .seed = s.seed };
	l->pool = ol_pool_new(0);
	l->now = OL_SEC;
	l->wire = ol_wire_new(&wc);
	l->pieces = s.pieces;
	rng_init(&l->rng, s.seed);
	ok(l->wire);
	if (s.faults) {
		struct ol_faults f = { 0 };
		char why[256];
		eq(ol_faults_parse(&f, s.faults, why, sizeof why), 0);
		ol_wire_set_faults(l->wire, OL_WIRE_ALL_PORTS, OL_WIRE_IN, &f, l->now);
	}
	for (int i = 0; i < 2; i++)
		l->h[i] = make_host(l, &s, i);
	return l;
}

static void line_free(struct line *l)
{
	ol_stack_free(l->h[0].stk);
	ol_stack_free(l->h[1].stk);
	ol_wire_free(l->wire);
	eq(ol_pool_used(l->pool), 0);
	ol_pool_free(l->pool);
	free(l);
}

static void arrive(struct line *l, struct host *to, struct ol_pkt *p)
{
	l->bytes += p->len;
	while (l->pieces && p->len > 1) {
		uint32_t n = 1 + rng_below(&l->rng, p->len < 40 ? p->len : 40);
		if (n >= p->len)
			break;
		ol_stack_input(to->stk, to->ifi, ol_pkt_from(l->pool, p->data, n), l->now);
		ol_pkt_pull(p, n);
	}
	ol_stack_input(to->stk, to->ifi, p, l->now);
}

static void settle(struct line *l)
{
	bool more = true;
	while (more) {
		struct ol_pkt *p;
		unsigned port;
		more = false;
		for (int i = 0; i < 2; i++) {
			ol_stack_expire(l->h[i].stk, l->now);
			for (; (p = ol_stack_output(l->h[i].stk, l->h[i].ifi, l->now)); more = true)
				ol_wire_send(l->wire, (unsigned)i, p, l->now);
		}
		struct ol_pktq together[2];
		ol_pktq_init(&together[0]);
		ol_pktq_init(&together[1]);
		for (; (p = ol_wire_receive(l->wire, l->now, &port)); more = true)
			if (l->batch)
				ol_pktq_put(&together[port], p);
			else
				arrive(l, &l->h[port], p);
		for (int i = 0; i < 2; i++)
			if (together[i].count)
				ol_stack_input_batch(l->h[i].stk, l->h[i].ifi, &together[i], l->now);
		ol_stack_check(l->h[0].stk);
	}
}

/* Until `ns` have passed, from one deadline to the next. */
static void run(struct line *l, ol_time ns)
{
	ol_time until = l->now + ns;
	for (;;) {
		settle(l);
		ol_time next = ol_wire_deadline(l->wire);
		for (int i = 0; i < 2; i++) {
			ol_time d = ol_stack_deadline(l->h[i].stk);
			ok(d > l->now);
			next = d < next ? d : next;
		}
		if (next > until)
			break;
		l->now = next > l->now ? next : l->now;
	}
	l->now = until;
}

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 31 + (i >> 9) + (i % 7 ? 0 : 0xc0)); }

/* `total` bytes from host 0 to host 1, whose address is `to`; the virtual time it took. */
static ol_time transfer(struct line *l, const char *to, size_t total)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(80) }, any = sa;
	inet_pton(AF_INET, to, &sa.sin_addr);
	struct ol_stack *a = l->h[0].stk, *b = l->h[1].stk;
	ol_sock ls = ol_socket(b, AF_INET, SOCK_STREAM, 0, l->now), c = ol_socket(a, AF_INET, SOCK_STREAM, 0, l->now), s = -1;
	eq(ol_bind(b, ls, (void *)&any, sizeof any, l->now), 0);
	eq(ol_listen(b, ls, 4, l->now), 0);
	eq(ol_connect(a, c, (void *)&sa, sizeof sa, l->now), -EINPROGRESS);
	size_t sent = 0, got = 0;
	ol_time begin = l->now;
	for (int i = 0; i < 60000 && got < total; i++) {
		uint8_t buf[2000];
		run(l, 10 * OL_MS);
		if (s < 0)
			s = ol_accept(b, ls, NULL, NULL, l->now);
		while (sent < total) {
			size_t n = total - sent < sizeof buf ? total - sent : sizeof buf;
			for (size_t k = 0; k < n; k++)
				buf[k] = byte_at(sent + k);
			ssize_t w = ol_send(a, c, buf, n, 0, l->now);
			if (w <= 0)
				break;
			sent += (size_t)w;
		}
		for (ssize_t n; s >= 0 && (n = ol_recv(b, s, buf, sizeof buf, 0, l->now)) > 0; )
			for (ssize_t k = 0; k < n; k++, got++)
				eq(buf[k], byte_at(got));
	}
	eq(got, total);
	return l->now - begin;
}

static const uint8_t kinds[] = { OL_LINK_SLIP, OL_LINK_CSLIP, OL_LINK_PPP };

TEST(tcp_passes_every_kind_of_serial_line)
{
	for (unsigned k = 0; k < 3; k++)
		for (int pieces = 0; pieces < 2; pieces++) {
			struct line *l = line_new((struct setup){ .link = kinds[k], .addr = { "10.9.0.1", "10.9.0.2" },
				.faults = "rate=1mbit delay=5ms", .pieces = pieces, .seed = k });
			transfer(l, "10.9.0.2", 100000);
			for (int i = 0; i < 2; i++) {
				eq(ol_stack_count(l->h[i].stk, OL_DROP_SERIAL_FRAME), 0);
				eq(ol_stack_count(l->h[i].stk, OL_DROP_VJ_TOSSED), 0);
				eq(ol_stack_count(l->h[i].stk, OL_DROP_TCP_CHECKSUM), 0);
			}
			line_free(l);
		}
}

/* Trains of segments out of bytes that came together. */
TEST(tcp_passes_serial_lines_in_batches)
{
	for (unsigned k = 0; k < 3; k++) {
		struct line *l = line_new((struct setup){ .link = kinds[k], .addr = { "10.9.0.1", "10.9.0.2" },
			.settings = { "tcp_timestamps=0", "tcp_timestamps=0" }, .faults = "delay=5ms" });
		l->batch = true;
		transfer(l, "10.9.0.2", 200000);
		for (int i = 0; i < 2; i++)
			eq(ol_stack_count(l->h[i].stk, OL_DROP_VJ_TOSSED) + ol_stack_count(l->h[i].stk, OL_DROP_SERIAL_FRAME) +
			   ol_stack_count(l->h[i].stk, OL_DROP_TCP_CHECKSUM), 0);
		line_free(l);
	}
}

/* Bits turned, frames lost: what arrives is what was sent.  req: 1144-3.2.4-a, 1144-3.2.4-b, 1662-4.3-a */
TEST(tcp_gets_through_a_bad_serial_line)
{
	for (unsigned k = 0; k < 3; k++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct line *l = line_new((struct setup){ .link = kinds[k], .addr = { "10.9.0.1", "10.9.0.2" },
				.settings = { "tcp_timestamps=0", "tcp_timestamps=0" },
				.faults = "rate=1mbit delay=5ms corrupt=4% loss=1%", .pieces = true, .seed = seed });
			transfer(l, "10.9.0.2", 60000);
			ok(k != 2 || ol_stack_count(l->h[1].stk, OL_DROP_SERIAL_FRAME) > 0);
			line_free(l);
		}
}

/* What RFC 1144 is for; and without the slot's number a byte less each. */
TEST(compressed_headers_make_fewer_bytes)
{
	uint64_t bytes[4];
	static const char *const settings[4] = { "tcp_timestamps=0", "tcp_timestamps=0", "tcp_timestamps=0,cslip_cid=1", "tcp_timestamps=0" };
	static const uint8_t link[4] = { OL_LINK_SLIP, OL_LINK_CSLIP, OL_LINK_CSLIP, OL_LINK_PPP };
	for (int k = 0; k < 4; k++) {
		struct line *l = line_new((struct setup){ .link = link[k], .mtu = 296, .addr = { "10.9.0.1", "10.9.0.2" },
			.settings = { settings[k], settings[k] }, .faults = "rate=64kbit delay=1ms" });
		transfer(l, "10.9.0.2", 20000);
		bytes[k] = l->bytes;
		line_free(l);
	}
	ok(bytes[1] + 20000 / 256 * 30 < bytes[0]);
	ok(bytes[2] + 20000 / 256 < bytes[1]);
	ok(bytes[3] < bytes[0]);
}

/* RFC 1055: 1006 bytes and no more unless asked to.  req: 1055-size-a */
TEST(slip_sends_datagrams_of_1006_bytes_at_most_and_takes_them)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_SLIP, .addr = { "10.9.0.1", "10.9.0.2" } });
	struct ol_iface_info info;
	eq(ol_iface_info(l->h[0].stk, l->h[0].ifi, &info), 0);
	eq(info.mtu, 1006);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, "10.9.0.2", &to.sin_addr);
	ol_sock a = ol_socket(l->h[0].stk, AF_INET, SOCK_DGRAM, 0, l->now), b = ol_socket(l->h[1].stk, AF_INET, SOCK_DGRAM, 0, l->now);
	eq(ol_bind(l->h[1].stk, b, (void *)&to, sizeof to, l->now), 0);
	eq(ol_connect(l->h[0].stk, a, (void *)&to, sizeof to, l->now), 0);
	for (size_t n = 1006 - 28; n <= 1007 - 28; n++) {	/* the longest in one piece; one more byte, and it is in two */
		uint8_t text[2000] = { 0 };
		uint64_t before = l->bytes;
		unsigned frames = 0;
		eq(ol_send(l->h[0].stk, a, text, n, 0, l->now), n);
		for (struct ol_pkt *p; (p = ol_stack_output(l->h[0].stk, l->h[0].ifi, l->now)); frames++) {
			uint8_t frame[2000];
			struct ol_line_rx rx;
			enum ol_line what;
			ol_line_rx_init(&rx, frame, sizeof frame, 0);
			ol_slip_decode(&rx, p->data, p->len, &what);
			eq(what, OL_LINE_FRAME);
			ok(rx.len <= 1006);
			arrive(l, &l->h[1], p);
		}
		eq(frames, n <= 1006 - 28 ? 1 : 2);
		eq(ol_recv(l->h[1].stk, b, text, sizeof text, 0, l->now), n);
		ok(l->bytes > before);
	}
	line_free(l);
}

static bool has_addr(const struct host *h, const char *text)
{
	struct ol_addr a, want;
	unsigned plen;
	ok(ol_addr_parse(text, &want));
	for (unsigned i = 0; ol_addr_get(h->stk, h->ifi, i, &a, &plen) == 0; i++)
		if (a.ver == want.ver && !memcmp(a.b, want.b, 16))
			return true;
	return false;
}

static struct ol_ppp_info ppp(const struct line *l, int i)
{
	struct ol_ppp_info info;
	eq(ol_ppp_info(l->h[i].stk, l->h[i].ifi, &info), 0);
	return info;
}

/* req: 1332-3.3-a, 1332-2.1-a */
TEST(ppp_gives_a_host_without_one_its_address)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", NULL }, .peer = "10.77.1.5",
		.faults = "delay=10ms" });
	run(l, OL_SEC);
	for (int i = 0; i < 2; i++) {
		eq(ppp(l, i).lcp, OL_PPP_OPENED);
		eq(ppp(l, i).ipcp, OL_PPP_OPENED);
		eq(ppp(l, i).ipv6cp, OL_PPP_OPENED);
		eq(ppp(l, i).vj_slots, 16);
		eq(ppp(l, i).peer_vj_slots, 16);
		ok(ppp(l, i).pfc && ppp(l, i).acfc);
		eq(ppp(l, i).accm, 0);
	}
	ok(has_addr(&l->h[1], "10.77.1.5"));
	transfer(l, "10.77.1.5", 30000);		/* by the route to the peer: no prefix has it */
	eq(ol_ppp_close(l->h[0].stk, l->h[0].ifi), 0);
	run(l, OL_SEC);
	ok(!has_addr(&l->h[1], "10.77.1.5"));
	ok(has_addr(&l->h[0], "10.9.0.1"));
	eq(ppp(l, 0).lcp, OL_PPP_CLOSED);
	run(l, 5 * OL_SEC);
	eq(ppp(l, 1).lcp, OL_PPP_STOPPED);
	eq(ol_ppp_open(l->h[0].stk, l->h[0].ifi), 0);
	run(l, OL_SEC);
	ok(has_addr(&l->h[1], "10.77.1.5"));
	line_free(l);
}

static bool has_default(const struct host *h)
{
	struct ol_route r;
	for (unsigned i = 0; ol_route_get(h->stk, i, &r) == 0; i++)
		if (r.dst.ver == 4 && !r.plen && r.ifi == h->ifi)
			return true;
	return false;
}

TEST(ppp_is_the_way_to_everywhere_when_told_so)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", NULL }, .peer = "10.77.1.5",
		.settings = { NULL, "ppp_defaultroute=1" } });
	ok(!has_default(&l->h[1]));
	run(l, OL_SEC);
	ok(has_default(&l->h[1]));
	ok(!has_default(&l->h[0]));
	eq(ol_ppp_close(l->h[1].stk, l->h[1].ifi), 0);
	ok(!has_default(&l->h[1]));
	line_free(l);
}

/* A cut line is Down: both forget what they had and agree again when it is back. */
TEST(ppp_negotiates_anew_when_the_line_was_away)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", NULL }, .peer = "10.9.0.2" });
	run(l, OL_SEC);
	ok(has_addr(&l->h[1], "10.9.0.2"));
	eq(ol_iface_up(l->h[1].stk, l->h[1].ifi, false), 0);
	ok(!has_addr(&l->h[1], "10.9.0.2"));
	eq(ppp(l, 1).lcp, OL_PPP_STARTING);
	run(l, OL_SEC);
	eq(ppp(l, 0).lcp, OL_PPP_OPENED);		/* it heard nothing of it */
	eq(ol_iface_up(l->h[1].stk, l->h[1].ifi, true), 0);
	run(l, OL_SEC);
	eq(ppp(l, 0).ipcp, OL_PPP_OPENED);
	eq(ppp(l, 1).ipcp, OL_PPP_OPENED);
	transfer(l, "10.9.0.2", 3000);
	line_free(l);
}

/* req: 1661-6.1-a */
TEST(ppp_sends_what_the_peer_takes_and_takes_1500_bytes_whatever_was_agreed)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", "10.9.0.2" }, .settings = { NULL, "ppp_mru=400" } });
	struct ol_iface_info info;
	run(l, OL_SEC);
	eq(ppp(l, 0).peer_mru, 400);
	eq(ol_iface_info(l->h[0].stk, l->h[0].ifi, &info), 0);
	eq(info.mtu, 400);
	transfer(l, "10.9.0.2", 10000);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	ol_sock b = ol_socket(l->h[1].stk, AF_INET, SOCK_DGRAM, 0, l->now);
	eq(ol_bind(l->h[1].stk, b, (void *)&to, sizeof to, l->now), 0);
	uint8_t frame[1504] = { 0xff, 0x03, 0x00, 0x21, 0x45, 0, 1500 >> 8, 1500 & 255, 0, 0, 0, 0, 64, 17, 0x60, 0xfd,
				10, 9, 0, 1, 10, 9, 0, 2, 0, 5, 0, 9, 1480 >> 8, 1480 & 255 }, text[1500];
	uint32_t sum = 0;
	for (int i = 4; i < 24; i += 2)
		sum += i == 14 ? 0 : (uint32_t)(frame[i] << 8 | frame[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[14] = (uint8_t)(sum >> 8);
	frame[15] = (uint8_t)sum;
	struct ol_pkt *p = ol_pkt_new(l->pool, OL_HDLC_ENCODED_MAX(sizeof frame));
	p->len = (uint32_t)ol_hdlc_encode(p->data, frame, sizeof frame, 0);
	ol_stack_input(l->h[1].stk, l->h[1].ifi, p, l->now);
	eq(ol_recv(l->h[1].stk, b, text, sizeof text, 0, l->now), 1472);
	line_free(l);
}

TEST(ppp_carries_ipv6_between_its_link_local_addresses)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", "10.9.0.2" } });
	run(l, OL_SEC);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	struct ol_addr a = { 0 };
	unsigned plen;
	for (unsigned i = 0; a.ver != 6; i++)
		eq(ol_addr_get(l->h[1].stk, l->h[1].ifi, i, &a, &plen), 0);
	eq(a.b[0], 0xfe);
	eq(a.b[1], 0x80);
	ol_sock s = ol_socket(l->h[1].stk, AF_INET6, SOCK_DGRAM, 0, l->now), c = ol_socket(l->h[0].stk, AF_INET6, SOCK_DGRAM, 0, l->now);
	eq(ol_bind(l->h[1].stk, s, (void *)&to, sizeof to, l->now), 0);
	memcpy(&to.sin6_addr, a.b, 16);
	to.sin6_scope_id = (uint32_t)l->h[0].ifi;
	eq(ol_connect(l->h[0].stk, c, (void *)&to, sizeof to, l->now), 0);
	eq(ol_send(l->h[0].stk, c, "six", 3, 0, l->now), 3);
	run(l, OL_SEC);
	char text[8];
	eq(ol_recv(l->h[1].stk, s, text, sizeof text, 0, l->now), 3);
	line_free(l);
}

TEST(serial_bytes_have_a_fate)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_PPP, .addr = { "10.9.0.1", "10.9.0.2" } });
	struct host *h = &l->h[0];
	run(l, OL_SEC);
	eq(ol_stack_input(h->stk, h->ifi, ol_pkt_from(l->pool, "\x7e" "damaged", 8), l->now).fate, OL_DONE);	/* not over yet */
	eq(ol_stack_input(h->stk, h->ifi, ol_pkt_from(l->pool, "\x7e", 1), l->now).fate, OL_DROP_SERIAL_FRAME);
	eq(ol_stack_count(h->stk, OL_DROP_SERIAL_FRAME), 1);
	struct ol_iface_info info;
	eq(ol_iface_info(h->stk, h->ifi, &info), 0);
	eq(info.rx_dropped, 1);
	line_free(l);
}

TEST(serial_interfaces_and_lines_are_checked)
{
	struct line *l = line_new((struct setup){ .link = OL_LINK_SLIP, .addr = { "10.9.0.1", "10.9.0.2" } });
	struct ol_iface_config bad = { .name = "ser1", .link = OL_LINK_PPP, .features = OL_IF_CSUM };
	eq(ol_iface_add(l->h[0].stk, &bad), -EINVAL);
	bad = (struct ol_iface_config){ .name = "ser1", .link = OL_LINK_PPP, .mtu = 16385 };
	eq(ol_iface_add(l->h[0].stk, &bad), -EINVAL);
	struct ol_ppp_info info;
	eq(ol_ppp_info(l->h[0].stk, l->h[0].ifi, &info), -EINVAL);
	eq(ol_ppp_info(l->h[0].stk, 99, &info), -ENODEV);
	eq(ol_ppp_open(l->h[0].stk, 99), -ENODEV);
	eq(ol_wire_port_add(l->wire), -EINVAL);			/* a line has two ends */
	eq(ol_wire_features(l->wire), 0);
	ok(!ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_PPP, .ports = 3 }));
	eq_str(ol_ppp_state_name(OL_PPP_ACK_SENT), "Ack-Sent");
	line_free(l);
}
