/*
 * Our stack on one end of a pseudo terminal, slirp-fullbolt on the other: somebody else's SLIP, CSLIP and PPP, in a process of its own.
 *
 *	our sockets -- stack -- bytes -- pty -- slirp -- 127.0.0.1 -- an echo in this process
 *
 * slirp gives a PPP caller the address 10.0.2.15 and carries what goes to 10.0.2.2 to this machine.  A megabyte would take
 * minutes on some machines; 60 kB both ways pass every path.  Without slirp it says so and counts as skipped.
 * usage: slirp ppp|cslip|slip
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <outlet/ol_serial.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

enum { SKIPPED = 77, TOTAL = 60000, SILENCE_S = 30 };

struct world {
	struct ol_pool *pool;
	struct ol_stack *stk;
	int ifi, line, listener, echo;		/* descriptors: the terminal, the machine's side of the echo */
	pid_t slirp;
	ol_time moved;				/* when a byte last came */
	uint64_t line_in, line_out;
	struct ol_pkt *out;			/* not all of it fitted */
};
static struct world w = { .line = -1, .listener = -1, .echo = -1 };

static void end(void)
{
	if (w.slirp > 0) {
		kill(w.slirp, SIGKILL);
		waitpid(w.slirp, NULL, 0);
	}
}

#define must(fact) ((fact) ? (void)0 : die(__LINE__, #fact))
static void die(int line, const char *fact)
{
	fprintf(stderr, "line %d: does not hold: %s (%s)\n", line, fact, strerror(errno));
	struct ol_ppp_info i;
	if (w.stk && !ol_ppp_info(w.stk, w.ifi, &i))
		fprintf(stderr, "LCP %s, IPCP %s\n", ol_ppp_state_name(i.lcp), ol_ppp_state_name(i.ipcp));
	for (unsigned f = 0; w.stk && f < OL_FATE_MAX; f++)
		if (ol_stack_count(w.stk, f))
			fprintf(stderr, "%s %llu\n", ol_fate_name(f), (unsigned long long)ol_stack_count(w.stk, f));
	fprintf(stderr, "%llu bytes came, %llu went\n", (unsigned long long)w.line_in, (unsigned long long)w.line_out);
	end();
	exit(1);
}

static ol_time now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * OL_SEC + t.tv_nsec;
}

static bool find(const char *program)
{
	char path[4096];
	const char *dirs = getenv("PATH");
	for (const char *d = dirs ? dirs : "/usr/bin"; *d; d += strcspn(d, ":"), d += *d == ':') {
		snprintf(path, sizeof path, "%.*s/%s", (int)strcspn(d, ":"), d, program);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static void start_slirp(const char *kind)
{
	int slave;
	struct termios raw = { 0 };
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	must(openpty(&w.line, &slave, NULL, &raw, NULL) == 0);
	w.slirp = fork();
	must(w.slirp >= 0);
	if (w.slirp == 0) {
		setenv("HOME", "/nonexistent", 1);	/* nobody's .slirprc */
		close(w.line);
		login_tty(slave);
		if (!strcmp(kind, "ppp"))
			execlp("slirp-fullbolt", "slirp", "-P", (char *)NULL);
		else
			execlp("slirp-fullbolt", "slirp", (char *)NULL);
		_exit(127);
	}
	close(slave);
	fcntl(w.line, F_SETFL, O_NONBLOCK);
}

static void start_stack(uint8_t link)
{
	struct ol_config *cfg = ol_config_new();
	uint64_t seed[2] = { (uint64_t)now_ns(), (uint64_t)getpid() };
	ol_config_seed(cfg, (const uint8_t *)seed);
	must(!ol_config_set(cfg, "tcp_timestamps", "0"));	/* else next to nothing is compressed */
	must(!ol_config_set(cfg, "cslip_cid", "1"));		/* as slirp does: a pty loses nothing */
	w.pool = ol_pool_new(0);
	w.stk = ol_stack_new(cfg, w.pool, now_ns());
	ol_config_free(cfg);
	struct ol_iface_config ic = { .name = "ser0", .link = link, .mtu = link == OL_LINK_PPP ? 1500 : 552 };
	w.ifi = ol_iface_add(w.stk, &ic);
	must(w.ifi > 0);
	struct ol_addr a;
	if (link != OL_LINK_PPP) {
		must(ol_addr_parse("10.0.2.15", &a));
		must(!ol_addr_add(w.stk, w.ifi, &a, 24));
		return;
	}
	/* It asks for an address of its own too, and gives the link up without. */
	must(ol_addr_parse("10.0.2.2", &a) && !ol_ppp_peer(w.stk, w.ifi, &a));
}

static void put_out(ol_time now)
{
	while (w.out || (w.out = ol_stack_output(w.stk, w.ifi, now))) {
		ssize_t n = write(w.line, w.out->data, w.out->len);
		if (n <= 0)
			return;
		w.line_out += (uint64_t)n;
		ol_pkt_pull(w.out, (size_t)n);
		if (w.out->len)
			return;
		ol_pkt_free(w.out);
		w.out = NULL;
	}
}

static void echo(void)
{
	uint8_t buf[4096];
	if (w.echo < 0) {
		w.echo = accept(w.listener, NULL, NULL);
		if (w.echo >= 0)
			fcntl(w.echo, F_SETFL, O_NONBLOCK);
		return;
	}
	ssize_t n = recv(w.echo, buf, sizeof buf, MSG_PEEK);
	if (n > 0 && (n = send(w.echo, buf, (size_t)n, MSG_NOSIGNAL)) > 0)
		must(recv(w.echo, buf, (size_t)n, 0) == n);
}

/* One turn of everything. */
static void turn(void)
{
	ol_time now = now_ns(), d;
	ol_stack_expire(w.stk, now);
	put_out(now);
	d = ol_stack_deadline(w.stk) - now;
	struct pollfd p[3] = { { w.line, (short)(POLLIN | (w.out ? POLLOUT : 0)), 0 }, { w.listener, POLLIN, 0 }, { w.echo, POLLIN, 0 } };
	poll(p, 3, d > 20 * OL_MS ? 20 : d < 0 ? 0 : (int)(d / OL_MS) + 1);
	uint8_t buf[512];
	ssize_t n = read(w.line, buf, sizeof buf);
	now = now_ns();
	if (n > 0) {
		w.moved = now;
		w.line_in += (uint64_t)n;
		ol_stack_input(w.stk, w.ifi, ol_pkt_from(w.pool, buf, (size_t)n), now);
	}
	echo();
	must(now - w.moved < SILENCE_S * OL_SEC);
}

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 131 + (i >> 8) + (i % 5 ? 0 : 0x7e)); }

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "ppp";
	uint8_t link = !strcmp(kind, "slip") ? OL_LINK_SLIP : !strcmp(kind, "cslip") ? OL_LINK_CSLIP : OL_LINK_PPP;
	if (!find("slirp-fullbolt")) {
		printf("SKIP: there is no slirp here to talk to (apt-get install slirp)\n");
		return SKIPPED;
	}
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof any;
	w.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(!bind(w.listener, (void *)&any, len) && !listen(w.listener, 4) && !getsockname(w.listener, (void *)&any, &len));
	start_slirp(kind);
	for (ol_time until = now_ns() + OL_SEC; now_ns() < until; poll(NULL, 0, 20)) {	/* its greeting is text, not frames */
		uint8_t buf[512];
		while (read(w.line, buf, sizeof buf) > 0)
			;
	}
	w.moved = now_ns();
	start_stack(link);
	struct ol_ppp_info i;
	while (link == OL_LINK_PPP && (must(!ol_ppp_info(w.stk, w.ifi, &i)), i.ipcp != OL_PPP_OPENED))
		turn();
	if (link == OL_LINK_PPP) {
		char local[OL_ADDR_STRLEN], peer[OL_ADDR_STRLEN];
		printf("PPP is open: %s here, %s there, MRU %u and %u, slots %u and %u\n", ol_addr_str(&i.local, local),
		       ol_addr_str(&i.peer, peer), i.mru, i.peer_mru, i.vj_slots, i.peer_vj_slots);
		must(!strcmp(local, "10.0.2.15") && !strcmp(peer, "10.0.2.2"));
	}
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = any.sin_port };
	inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
	ol_sock s = ol_socket(w.stk, AF_INET, SOCK_STREAM, 0, now_ns());
	must(ol_connect(w.stk, s, (void *)&to, sizeof to, now_ns()) == -EINPROGRESS);
	size_t sent = 0, got = 0;
	while (got < TOTAL) {
		uint8_t buf[1000];
		turn();
		size_t n = TOTAL - sent < sizeof buf ? TOTAL - sent : sizeof buf;
		for (size_t k = 0; k < n; k++)
			buf[k] = byte_at(sent + k);
		ssize_t m = n && sent - got < 16000 ? ol_send(w.stk, s, buf, n, 0, now_ns()) : 0;
		sent += m > 0 ? (size_t)m : 0;
		while ((m = ol_recv(w.stk, s, buf, sizeof buf, 0, now_ns())) > 0)
			for (ssize_t k = 0; k < m; k++, got++)
				must(buf[k] == byte_at(got));
		must(m == -EAGAIN || m == -ENOTCONN);
	}
	printf("%s: %d bytes came back; %llu bytes of the line went, %llu came\n", kind, TOTAL, (unsigned long long)w.line_out,
	       (unsigned long long)w.line_in);
	must(ol_stack_count(w.stk, OL_DROP_TCP_CHECKSUM) == 0);
	if (link == OL_LINK_PPP) {
		must(!ol_ppp_close(w.stk, w.ifi));
		for (int k = 0; k < 3000 && (must(!ol_ppp_info(w.stk, w.ifi, &i)), i.lcp != OL_PPP_CLOSED); k++)
			turn();
		must(i.lcp == OL_PPP_CLOSED);
	}
	ol_pkt_free(w.out);
	ol_stack_free(w.stk);
	ol_pool_free(w.pool);
	end();
	return 0;
}
