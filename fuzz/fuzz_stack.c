/*
 * The packet input of a whole stack.  The input is a script: each step puts in a frame, moves time on, or makes a socket call.
 * The stack has a listener, an established connection (its numbers are told to the frames, so that the fuzzer gets past the
 * sequence checks), UDP and raw sockets, and it forwards.  Checksums are taken as good, or the fuzzer would only test them.
 */
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct input { const uint8_t *p; size_t left; };

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static const struct ol_mac our_mac = { { 2, 0, 0, 0, 0, 1 } }, their_mac = { { 2, 0, 0, 0, 0, 2 } };

struct world { struct ol_pool *pool; struct ol_stack *stk; int ifi; ol_time now; uint32_t their_seq, our_seq; uint16_t our_port; };

static void must(bool fact)
{
	if (!fact)
		abort();
}

static struct sockaddr_in at(const char *ip, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

/* What the stack sends is looked at for one thing only: its latest numbers on the connection from 10.0.0.2. */
static void drain(struct world *w)
{
	for (int ifi, n = 0; (ifi = ol_stack_pending(w->stk)) && n < 10000; n++) {
		struct ol_pkt *p = ol_stack_output(w->stk, ifi, w->now);
		if (!p)
			continue;
		if (p->link == OL_LINK_LOOP) {
			ol_stack_input(w->stk, ifi, p, w->now);
			continue;
		}
		const uint8_t *b = p->data;
		if (p->len >= 54 && b[12] == 8 && b[13] == 0 && b[14] == 0x45 && b[23] == IPPROTO_TCP && b[14 + 22] == 0x03 && b[14 + 23] == 0xe8) {
			uint32_t v;
			memcpy(&v, b + 38, 4);
			w->our_seq = ntohl(v) + ((b[47] & 2) ? 1 : 0);
		}
		ol_pkt_free(p);
	}
}

static void put(struct world *w, const uint8_t *frame, size_t len, uint8_t csum)
{
	struct ol_pkt *p = ol_pkt_from(w->pool, frame, len);
	if (p) {
		p->csum = csum;
		ol_stack_input(w->stk, w->ifi, p, w->now);
	}
	drain(w);
}

static size_t ether(uint8_t *f, uint16_t type)
{
	memcpy(f, our_mac.b, 6);
	memcpy(f + 6, their_mac.b, 6);
	f[12] = (uint8_t)(type >> 8);
	f[13] = (uint8_t)type;
	return 14;
}

static void ip4_checksum(uint8_t *h, size_t hlen)
{
	uint32_t s = 0;
	h[10] = h[11] = 0;
	for (size_t i = 0; i < hlen; i += 2)
		s += (uint32_t)h[i] << 8 | h[i + 1];
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	h[10] = (uint8_t)(~s >> 8);
	h[11] = (uint8_t)~s;
}

/* A well-formed IPv4 header in front of bytes of the fuzzer's. */
static void put_ip4(struct world *w, struct input *in, uint8_t proto, const uint8_t *head, size_t head_len)
{
	uint8_t f[2048];
	size_t n = ether(f, 0x0800), room = byte(in) * 4u;
	uint8_t *h = f + n;
	size_t body = head_len + (room < in->left ? room : in->left);
	memcpy(h, (uint8_t[20]){ 0x45, 0, (uint8_t)((20 + body) >> 8), (uint8_t)(20 + body), 0, byte(in), 0, 0, 64, proto, 0, 0,
		10, 0, 0, 2, 10, 0, 0, 1 }, 20);
	uint8_t twist = byte(in);
	if (twist & 1)
		h[6] = byte(in) & 0x3f, h[7] = byte(in);	/* a fragment */
	if (twist & 2)
		h[19] = byte(in);				/* to somebody else */
	if (twist & 4)
		h[8] = 1;
	ip4_checksum(h, 20);
	memcpy(h + 20, head, head_len);
	for (size_t i = head_len; i < body; i++)
		h[20 + i] = byte(in);
	put(w, f, n + 20 + body, OL_CSUM_OK);
}

/* A segment near the connection's numbers: offsets from the fuzzer decide how near. */
static void put_tcp(struct world *w, struct input *in)
{
	uint8_t flags = byte(in), olen = byte(in) % 11 * 4;
	uint32_t seq = htonl(w->their_seq + (uint32_t)(int8_t)byte(in)), ack = htonl(w->our_seq + (uint32_t)(int8_t)byte(in));
	uint8_t h[60] = { 0x03, 0xe8, 0, 80, [12] = (uint8_t)((20 + olen) / 4 << 4), [13] = flags, [14] = byte(in), [15] = byte(in) };
	memcpy(h + 4, &seq, 4);
	memcpy(h + 8, &ack, 4);
	if (flags & 0x20)
		h[19] = byte(in);
	for (int i = 0; i < olen; i++)
		h[20 + i] = byte(in);
	put_ip4(w, in, IPPROTO_TCP, h, 20u + olen);
	if (flags & 2)
		w->their_seq++;
}

static void put_raw(struct world *w, struct input *in)
{
	uint8_t f[1600];
	static const uint16_t type[] = { 0x0800, 0x0806, 0x86dd, 0x8100 };
	uint8_t how = byte(in);
	size_t n = how & 4 ? 0 : ether(f, type[how & 3]), len = byte(in) * 6u;
	for (; n < len && in->left; n++)
		f[n] = byte(in);
	put(w, f, n, how & 8 ? OL_CSUM_NONE : OL_CSUM_OK);
}

static void call(struct world *w, struct input *in, ol_sock *s, int n)
{
	ol_sock *x = &s[byte(in) % n];
	char buf[4096];
	memset(buf, 'x', sizeof buf);
	int v = byte(in);
	switch (byte(in) % 9) {
	case 0: ol_send(w->stk, *x, buf, (size_t)v * 16, v & 1 ? MSG_OOB : 0, w->now); break;
	case 1: ol_recv(w->stk, *x, buf, (size_t)v * 16, v & 3 ? 0 : MSG_PEEK, w->now); break;
	case 2: ol_shutdown(w->stk, *x, v % 3, w->now); break;
	case 3: ol_close(w->stk, *x, w->now); *x = -1; break;
	case 4: ol_setsockopt(w->stk, *x, byte(in) % 2 ? IPPROTO_TCP : SOL_SOCKET, v, &(int){ byte(in) }, sizeof(int), w->now); break;
	case 5: { ol_sock c = ol_accept(w->stk, s[0], NULL, NULL, w->now); if (c >= 0) { if (s[3] >= 0) ol_close(w->stk, s[3], w->now); s[3] = c; } break; }
	case 6: { struct sockaddr_in a = at("10.0.0.2", (uint16_t)(1000 + v)); ol_connect(w->stk, *x, (void *)&a, sizeof a, w->now); break; }
	case 7: { socklen_t l = sizeof buf; ol_getsockopt(w->stk, *x, v & 1 ? IPPROTO_TCP : SOL_SOCKET, byte(in), buf, &l, w->now); break; }
	case 8: *x = *x < 0 ? ol_socket(w->stk, v & 1 ? AF_INET : AF_INET6, 1 + v / 2 % 3, v & 8 ? IPPROTO_ICMP : 0, w->now) : *x; break;
	}
	drain(w);
}

static void setup(struct world *w, ol_sock s[4])
{
	static const uint8_t seed[16] = "fuzz the stack";
	struct ol_config *cfg = ol_config_new();
	must(cfg != NULL);
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "ip_forward", "1");
	*w = (struct world){ .pool = ol_pool_new(64u << 20), .now = OL_SEC, .their_seq = 1000 };
	w->stk = ol_stack_new(cfg, w->pool, w->now);
	ol_config_free(cfg);
	must(w->stk != NULL);
	ol_iface_loopback(w->stk);
	struct ol_iface_config ic = { .name = "eth0", .link = OL_LINK_ETHER, .mac = our_mac };
	w->ifi = ol_iface_add(w->stk, &ic);
	struct ol_addr a, b;
	must(ol_addr_parse("10.0.0.1", &a) && !ol_addr_add(w->stk, w->ifi, &a, 24));
	must(ol_addr_parse("10.0.0.2", &b) && !ol_neigh_add(w->stk, w->ifi, &b, &their_mac));
	must(ol_addr_parse("fd00::1", &a) && !ol_addr_add(w->stk, w->ifi, &a, 64));
	struct sockaddr_in web = at("0.0.0.0", 80);
	s[0] = ol_socket(w->stk, AF_INET, SOCK_STREAM, 0, w->now);
	s[1] = ol_socket(w->stk, AF_INET, SOCK_DGRAM, 0, w->now);
	s[2] = ol_socket(w->stk, AF_INET, SOCK_RAW, IPPROTO_ICMP, w->now);
	s[3] = -1;
	must(!ol_bind(w->stk, s[0], (void *)&web, sizeof web, w->now) && !ol_listen(w->stk, s[0], 5, w->now));
	must(!ol_bind(w->stk, s[1], (void *)&web, sizeof web, w->now));
}

static void handshake(struct world *w)
{
	struct input syn = { (const uint8_t[]){ 2, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 }, 10 };
	put_tcp(w, &syn);
	struct input ack = { (const uint8_t[]){ 0x10, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 }, 10 };
	put_tcp(w, &ack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	ol_sock s[4];
	struct input in = { data, size };
	setup(&w, s);
	if (byte(&in) & 1)
		handshake(&w);
	for (int step = 0; in.left && step < 500; step++) {
		switch (byte(&in) % 6) {
		case 0: put_raw(&w, &in); break;
		case 1: case 2: put_tcp(&w, &in); break;
		case 3: { uint8_t h[8] = { byte(&in), byte(&in), 0, 80 }; put_ip4(&w, &in, byte(&in) & 1 ? IPPROTO_ICMP : IPPROTO_UDP, h, 8); break; }
		case 4: w.now += (ol_time)byte(&in) * byte(&in) * OL_MS; ol_stack_expire(w.stk, w.now); drain(&w); break;
		case 5: call(&w, &in, s, 4); break;
		}
		ol_stack_check(w.stk);
	}
	for (struct ol_event ev; ol_event_next(w.stk, &ev); )
		;
	ol_stack_free(w.stk);
	must(ol_pool_used(w.pool) == 0);
	ol_pool_free(w.pool);
	return 0;
}
