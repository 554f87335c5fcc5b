/* Questions to the service and its answers.  One connection, one question at a time. */
#include "tool/ask.h"
#include "ipc/ipc.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ask_open(struct ask *a, const char *cmd, const char *net_arg, bool spawn)
{
	*a = (struct ask){ .cmd = cmd, .fd = -1 };
	if (tool_net(&a->net, net_arg) < 0)
		return false;
	struct ipc_hello hello = { .version = IPC_VERSION, .role = IPC_ROLE_TOOL, .pid = (int32_t)getpid() };
	struct ipc_where where = { .net = a->net.name, .file = a->net.file, .spawn = spawn };
	char *text = malloc(IPC_MAX);
	a->buf = malloc(IPC_MAX);
	if (!text || !a->buf) {
		tool_fail(cmd, "no memory");
		free(text);
		ask_close(a);
		return false;
	}
	snprintf(hello.program, sizeof hello.program, "outlet %s", cmd);
	a->fd = ipc_connect(&where, &hello, text, IPC_MAX);
	if (a->fd < 0)
		tool_fail(cmd, "%s", *text ? text : strerror(-a->fd));
	else
		a->welcome = json_loads(text, 0, NULL);
	free(text);
	if (a->fd < 0)
		ask_close(a);
	return a->fd >= 0;
}

void ask_close(struct ask *a)
{
	if (a->fd >= 0)
		close(a->fd);
	free(a->buf);
	json_decref(a->welcome);
	*a = (struct ask){ .fd = -1 };
}

static bool gone(const struct ask *a, int err)
{
	if (err == -ECONNRESET || err == -EPIPE)
		tool_fail(a->cmd, "the network %s ended", a->net.name);
	else
		tool_fail(a->cmd, "the network's service does not answer as it should: %s", strerror(-err));
	return false;
}

bool ask_begin(struct ask *a, json_t *question)
{
	char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	json_decref(question);
	if (!text) {
		tool_fail(a->cmd, "no memory");
		return false;
	}
	int err = ipc_send(a->fd, IPC_ASK, ++a->id, text, strlen(text), NULL, 0, NULL, 0);
	free(text);
	return err ? gone(a, err) : true;
}

/* The body as an object; NULL after saying what is wrong: with it, or what it says is. */
static json_t *object_of(const struct ask *a, const uint8_t *body, size_t len)
{
	json_error_t why;
	json_t *o = json_loadb((const char *)body, len, 0, &why);
	if (!json_is_object(o)) {
		tool_fail(a->cmd, "the network's service sent what is no answer: %s", o ? "no object" : why.text);
		json_decref(o);
		return NULL;
	}
	if (json_is_string(json_object_get(o, "error"))) {
		tool_fail(a->cmd, "%s", js_text(o, "error"));
		json_decref(o);
		return NULL;
	}
	return o;
}

int ask_next(struct ask *a, const uint8_t **p, size_t *len, json_t **end)
{
	struct ipc_head head;
	const uint8_t *body;
	*end = NULL;
	for (;;) {
		int n = ipc_recv(a->fd, a->buf, &head, &body, NULL, NULL);
		if (n < 0) {
			gone(a, n);
			return -1;
		}
		if (head.id != a->id)
			continue;		/* the rest of a stream that was given up */
		if (head.type == IPC_DATA) {
			*p = body;
			*len = (size_t)n;
			return 1;
		}
		if (head.type != IPC_ANSWER && head.type != IPC_END)
			continue;
		*end = object_of(a, body, (size_t)n);
		return *end ? 0 : -1;
	}
}

json_t *ask_one(struct ask *a, json_t *question)
{
	const uint8_t *p;
	size_t len;
	json_t *answer = NULL;
	if (!ask_begin(a, question))
		return NULL;
	/* A long answer comes in pieces, and what ends it only says how long it was. */
	char *whole = NULL;
	size_t have = 0;
	while (ask_next(a, &p, &len, &answer) == 1) {
		char *grown = realloc(whole, have + len);
		if (!grown)
			break;
		whole = grown;
		memcpy(whole + have, p, len);
		have += len;
	}
	if (answer && whole && js_int(answer, "whole") == (int64_t)have) {
		json_decref(answer);
		answer = object_of(a, (const uint8_t *)whole, have);
	}
	free(whole);
	return answer;
}

const char *js_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

int64_t js_int(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	double x = json_is_real(v) ? json_real_value(v) : 0;
	if (json_is_integer(v))
		return json_integer_value(v);
	return fabs(x) < 9e18 ? llround(x) : 0;
}

bool js_bool(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

int js_print(const json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	return fflush(stdout) || ferror(stdout) ? TOOL_FAILED : TOOL_OK;
}
