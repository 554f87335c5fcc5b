/* What tools ask, over the socket they ask on. */
#include "fake.h"
#include <jansson.h>
#include <netinet/tcp.h>
#include <outlet/ol_capture.h>

struct tool { struct net *n; int fd; uint8_t *buf; struct ipc_head head; const uint8_t *body; int len; };

/* A tool that means the network of a file ("": whichever runs), and what it is told. */
static struct tool tool_of(struct net *n, const char *file, enum ipc_type answer)
{
	struct tool t = { .n = n, .fd = dial(n), .buf = malloc(IPC_MAX) };
	struct ipc_hello hello = { .version = IPC_VERSION, .role = IPC_ROLE_TOOL };
	eq(ipc_send(t.fd, IPC_HELLO, 0, &hello, sizeof hello, file, strlen(file), NULL, 0), 0);
	until(n, (t.len = ipc_recv(t.fd, t.buf, &t.head, &t.body, NULL, NULL)) >= 0);
	eq(t.head.type, answer);
	return t;
}

static struct tool tool_come(struct net *n) { return tool_of(n, "", IPC_WELCOME); }

static void tool_leave(struct tool *t)
{
	close(t->fd);
	free(t->buf);
}

static void say(struct tool *t, const char *json)
{
	eq(ipc_send(t->fd, IPC_ASK, 5, json, strlen(json), NULL, 0, NULL, 0), 0);
}

/* The next message's type; its body is in *t. */
static int hear(struct tool *t)
{
	until(t->n, (t->len = ipc_recv(t->fd, t->buf, &t->head, &t->body, NULL, NULL)) != -EAGAIN);
	ok(t->len >= 0);
	eq(t->head.id, 5);
	return t->head.type;
}

static json_t *object(struct tool *t)
{
	json_t *j = json_loadb((const char *)t->body, (size_t)t->len, 0, NULL);
	ok(json_is_object(j));
	return j;
}

static json_t *answer(struct tool *t, const char *json)
{
	say(t, json);
	eq(hear(t), IPC_ANSWER);
	return object(t);
}

#define ERROR_SAYS(t, json, part) do { \
	json_t *j_ = answer(t, json); \
	const char *s_ = json_string_value(json_object_get(j_, "error")); \
	assert_non_null(s_); \
	assert_non_null(strstr(s_, part)); \
	json_decref(j_); \
} while (0)

TEST(bad_questions_get_a_sentence)
{
	struct net *n = net_up(NULL);
	struct tool t = tool_come(n);
	ERROR_SAYS(&t, "{", "no JSON object");
	ERROR_SAYS(&t, "[]", "knows no verb");
	ERROR_SAYS(&t, "{\"verb\": \"dance\"}", "knows no verb dance");
	ERROR_SAYS(&t, "{\"verb\": \"ss\", \"host\": \"nobody\"}", "no host nobody");
	ERROR_SAYS(&t, "{\"verb\": \"wire\", \"wire\": \"lan\", \"faults\": \"loss=200%\"}", "loss");
	ERROR_SAYS(&t, "{\"verb\": \"wire\", \"wire\": \"x\", \"faults\": \"cut\"}", "no wire x");
	ERROR_SAYS(&t, "{\"verb\": \"ping\", \"to\": \"x\"}", "from which host");
	ERROR_SAYS(&t, "{\"verb\": \"capture\", \"wire\": \"x\"}", "no wire x");
	tool_leave(&t);
	net_down(n);
}

TEST(hosts_and_sockets_are_told_with_their_owners)
{
	struct net *n = net_up(NULL);
	struct guest g = guest_come(n, "server", "web");
	struct sk lis = sk_listen(&g, 80);
	struct tool t = tool_come(n);
	json_t *j = answer(&t, "{\"verb\": \"ss\"}"), *row = json_array_get(json_object_get(j, "sockets"), 0);
	eq(json_array_size(json_object_get(j, "sockets")), 1);	/* the name server's own are not shown */
	eq_str(json_string_value(json_object_get(row, "state")), "LISTEN");
	eq_str(json_string_value(json_object_get(row, "local")), "0.0.0.0:80");
	eq(json_integer_value(json_object_get(row, "pid")), getpid());
	json_decref(j);
	j = answer(&t, "{\"verb\": \"hosts\"}");
	row = json_array_get(json_object_get(j, "hosts"), 0);
	eq_str(json_string_value(json_object_get(row, "name")), "web");
	eq(json_array_size(json_object_get(row, "interfaces")), 2);
	json_decref(j);
	j = answer(&t, "{\"verb\": \"status\"}");
	eq(json_integer_value(json_object_get(j, "guests")), 1);
	eq(json_integer_value(json_object_get(j, "sockets")), 1);
	json_decref(j);
	sk_close(&lis);
	tool_leave(&t);
	guest_leave(&g);
	net_down(n);
}

/* What is said of the first address in this list of the n-th host's eth0. */
static void told(struct tool *t, size_t n, const char *list, const char *want)
{
	json_t *j = answer(t, "{\"verb\": \"hosts\"}");
	json_t *nic = json_array_get(json_object_get(json_array_get(json_object_get(j, "hosts"), n), "interfaces"), 1);
	const char *said = json_string_value(json_array_get(json_object_get(nic, list), 0));
	eq_str(said ? said : "nothing", want);
	json_decref(j);
}

TEST(addresses_that_a_host_does_not_have_are_told)
{
	struct net *n = net_up("wires:\n  lan: {}\nhosts:\n"
			       "  a: {wire: lan, address: 10.1.0.1/24, address-check: probe}\n"
			       "  b: {wire: lan, address: 10.1.0.2/24, address-check: announce, address-defence: never}\n"
			       "  c: {wire: lan, address: 'fd77::9/64'}\n");
	uint8_t claim[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 9, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 9, 9,
			      10, 1, 0, 2, 0, 0, 0, 0, 0, 0, 10, 1, 0, 2 };
	struct tool t = tool_come(n);
	told(&t, 0, "unassigned", "10.1.0.1 (probing)");
	told(&t, 1, "unassigned", "nothing");
	told(&t, 2, "optimistic", "fd77::9/64");
	vhost_input(vhost_find(&n->svc, "b"), 2, ol_pkt_from(n->svc.pool, claim, sizeof claim));
	told(&t, 1, "unassigned", "10.1.0.2 (taken by 02:00:00:00:09:09)");
	tool_leave(&t);
	net_down(n);
}

/* Two files may have one name in two folders: whoever names one is not let into the network of the other. */
TEST(network_of_another_file_is_refused)
{
	struct net *n = net_up("wires: {lan: {}}\nhosts:\n  a: {wire: lan, address: 10.1.0.1/24}\n");
	char file[sizeof n->svc.file];
	snprintf(file, sizeof file, "%s", n->svc.file);
	struct tool t = tool_of(n, file, IPC_WELCOME);
	tool_leave(&t);
	file[1]++;
	t = tool_of(n, file, IPC_REFUSE);
	ok(memmem(t.body, (size_t)t.len, n->svc.file, strlen(n->svc.file)));
	tool_leave(&t);
	t = tool_of(n, n->svc.net, IPC_REFUSE);
	tool_leave(&t);
	net_down(n);
	n = net_up(NULL);
	t = tool_of(n, "/tmp/test.yaml", IPC_REFUSE);
	tool_leave(&t);
	net_down(n);
}

TEST(answer_longer_than_a_message_comes_in_pieces)
{
	struct net *n = net_up(NULL);
	struct guest g = guest_come(n, "many", "");
	enum { MANY = 600 };
	static struct sk s[MANY];
	for (int i = 0; i < MANY; i++) {
		s[i] = sk_new(&g, AF_INET, SOCK_DGRAM);
		struct sockaddr_in a = sin_of("0.0.0.0", (uint16_t)(2000 + i));
		eq(call(&g, (struct ipc_call){ .op = IPC_OP_BIND, .sock = s[i].num }, &a, sizeof a, "", 0).ret, 0);
	}
	struct tool t = tool_come(n);
	char *whole = malloc(1 << 20);
	size_t have = 0;
	say(&t, "{\"verb\": \"ss\"}");
	while (hear(&t) == IPC_DATA) {
		memcpy(whole + have, t.body, (size_t)t.len);
		have += (size_t)t.len;
	}
	eq(t.head.type, IPC_ANSWER);
	json_t *j = object(&t), *all = json_loadb(whole, have, 0, NULL);
	eq(json_integer_value(json_object_get(j, "whole")), have);
	eq(json_array_size(json_object_get(all, "sockets")), MANY);
	json_decref(j);
	json_decref(all);
	free(whole);
	for (int i = 0; i < MANY; i++)
		sk_close(&s[i]);
	tool_leave(&t);
	guest_leave(&g);
	net_down(n);
}

TEST(ping_reaches_another_host_and_tells_of_one_that_is_not_there)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct tool t = tool_come(n);
	say(&t, "{\"verb\": \"ping\", \"host\": \"a\", \"to\": \"b\", \"count\": 2, \"interval_ms\": 5}");
	for (int i = 1; i <= 2; i++) {
		eq(hear(&t), IPC_DATA);
		json_t *j = object(&t);
		eq(json_integer_value(json_object_get(j, "seq")), i);
		eq_str(json_string_value(json_object_get(j, "from")), b.addr);
		eq(json_integer_value(json_object_get(j, "ttl")), 64);
		json_decref(j);
	}
	eq(hear(&t), IPC_END);
	json_t *j = object(&t);
	eq(json_integer_value(json_object_get(j, "received")), 2);
	json_decref(j);
	say(&t, "{\"verb\": \"ping\", \"host\": \"a\", \"to\": \"10.77.9.9\", \"count\": 1, \"timeout_ms\": 20}");
	eq(hear(&t), IPC_DATA);
	j = object(&t);
	ok(json_object_get(j, "error") != NULL);
	json_decref(j);
	eq(hear(&t), IPC_END);
	tool_leave(&t);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

/* Frames of a capture, until one's comment has this text. */
static bool captured(struct tool *t, struct ol_capture_reader *r, const char *text)
{
	for (int i = 0; i < 1000; i++) {
		struct ol_capture_frame f;
		int got;
		while ((got = ol_capture_reader_next(r, &f)) == 1)
			if (strstr(f.comment, text))
				return true;
		eq(got, 0);
		eq(hear(t), IPC_DATA);
		eq(ol_capture_reader_feed(r, t->body, (size_t)t->len), 0);
	}
	return false;
}

TEST(capture_shows_frames_with_whose_they_were_loopback_too)
{
	struct net *n = net_up(NULL);
	struct guest g = guest_come(n, "self", "");
	struct tool t = tool_come(n);
	struct ol_capture_reader *r = ol_capture_reader_new();
	say(&t, "{\"verb\": \"capture\", \"host\": \"self\"}");
	eq(hear(&t), IPC_DATA);
	eq(ol_capture_reader_feed(r, t.body, (size_t)t.len), 0);
	struct sk lis = sk_listen(&g, 80), c = sk_new(&g, AF_INET, SOCK_STREAM);
	eq(sk_connect(c, "127.0.0.1", 80), 0);
	ok(captured(&t, r, "state: SYN-SENT"));
	ok(captured(&t, r, "LISTEN"));
	eq_str(ol_capture_reader_iface(r, 0), "self:lo");
	ol_capture_reader_free(r);
	sk_close(&c);
	sk_close(&lis);
	tool_leave(&t);
	guest_leave(&g);
	until(n, n->svc.n_watchers == 0);
	net_down(n);
}

static void set_opt(struct sk s, int level, int name, int v)
{
	eq(call(s.g, (struct ipc_call){ .op = IPC_OP_SETSOCKOPT, .sock = s.num, .arg = { level, name, sizeof v } }, "", 0, &v,
		sizeof v).ret, 0);
}

TEST(captures_name_the_calls_behind_frames_with_their_arguments)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "web");
	struct tool t = tool_come(n);
	struct ol_capture_reader *r = ol_capture_reader_new();
	say(&t, "{\"verb\": \"capture\", \"host\": \"a\"}");
	static char bytes[1000];
	struct sk l = sk_listen(&b, 80), c = sk_new(&a, AF_INET, SOCK_STREAM), u = sk_new(&a, AF_INET, SOCK_DGRAM);
	eq(sk_connect(c, b.addr, 80), 0);
	ok(captured(&t, r, "call: connect(web:80)"));
	struct sk s = sk_accept(l);
	ok(write_all(n, c.fd, bytes, sizeof bytes));
	ok(captured(&t, r, "call: send(1000)"));
	ok(read_all(n, s.fd, bytes, sizeof bytes));
	set_opt(c, IPPROTO_TCP, TCP_CORK, 1);
	ok(write_all(n, c.fd, bytes, 10));
	set_opt(c, IPPROTO_TCP, TCP_CORK, 0);
	ok(captured(&t, r, "call: setsockopt(TCP_CORK, 0)"));
	struct sockaddr_in to = sin_of(b.addr, 9);
	call(&a, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = u.num }, &to, sizeof to, "hello", 5);
	ok(captured(&t, r, "call: send(5)"));
	call(&a, (struct ipc_call){ .op = IPC_OP_SHUTDOWN, .sock = c.num, .arg = { SHUT_WR } }, "", 0, "", 0);
	ok(captured(&t, r, "call: shutdown(SHUT_WR)"));
	ol_capture_reader_free(r);
	sk_close(&c);
	sk_close(&s);
	sk_close(&u);
	sk_close(&l);
	tool_leave(&t);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(faults_change_while_frames_are_under_way_and_captures_tell_of_them)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct tool t = tool_come(n), w = tool_come(n);
	struct ol_capture_reader *r = ol_capture_reader_new();
	say(&w, "{\"verb\": \"capture\", \"host\": \"a\"}");
	json_t *j = answer(&t, "{\"verb\": \"wire\", \"wire\": \"lan\", \"faults\": \"loss=100%\"}");
	eq_str(json_string_value(json_object_get(j, "faults")), "loss=100%");
	json_decref(j);
	struct sk s = sk_new(&a, AF_INET, SOCK_DGRAM);
	struct sockaddr_in to = sin_of(b.addr, 9);
	call(&a, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = s.num }, &to, sizeof to, "x", 1);
	ok(captured(&w, r, "wire: lost (loss)"));
	j = answer(&t, "{\"verb\": \"wire\"}");
	ok(json_object_get(json_array_get(json_object_get(j, "wires"), 0), "ports") != NULL);
	json_decref(j);
	ol_capture_reader_free(r);
	sk_close(&s);
	tool_leave(&t);
	tool_leave(&w);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(events_tell_calls_and_states_as_they_happen)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct tool t = tool_come(n);
	say(&t, "{\"verb\": \"events\"}");
	turn(n);
	struct sk lis = sk_listen(&b, 80), c = sk_new(&a, AF_INET, SOCK_STREAM);
	eq(sk_connect(c, b.addr, 80), 0);
	bool connect = false, established = false;
	while (!connect || !established) {
		eq(hear(&t), IPC_DATA);
		json_t *j = object(&t);
		const char *call_name = json_string_value(json_object_get(j, "call")),
			   *to = json_string_value(json_object_get(j, "to"));
		if (call_name && !strcmp(call_name, "connect")) {
			eq_str(json_string_value(json_object_get(j, "args")), "b:80");
			connect = true;
		}
		established |= to && !strcmp(to, "ESTABLISHED");
		json_decref(j);
	}
	sk_close(&c);
	sk_close(&lis);
	tool_leave(&t);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(network_goes_when_its_last_guest_left_unless_it_was_pinned)
{
	struct net *n = net_up(NULL);
	struct guest g = guest_come(n, "g", "");
	struct tool t = tool_come(n);
	json_decref(answer(&t, "{\"verb\": \"up\"}"));
	tool_leave(&t);
	guest_leave(&g);
	ol_time then = n->svc.loop.now;
	until(n, n->svc.loop.now > then + SVC_GRACE + SVC_GRACE / 4);
	ok(!n->svc.loop.stop);
	t = tool_come(n);
	json_decref(answer(&t, "{\"verb\": \"down\"}"));
	tool_leave(&t);
	until(n, n->svc.loop.stop);
	eq(access(n->svc.sock_path, F_OK), -1);
	net_down(n);
}
