/*
 * `outlet explain`: an error in words, by name or number of either world.  Needs no service.
 */
#include "tool/errors.h"
#include "tool/tool.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
	"Usage: outlet explain [--json] ERROR...\n"
	"       outlet explain [--json] --list\n\n"
	"Says what an error of a socket call means, what usually causes it and what to do.\n"
	"ERROR is a name or number of either world, as programs print it:\n"
	"  ECONNRESET, 104         errno\n"
	"  WSAECONNRESET, 10054    Winsock, 10004 to 11004\n"
	"  EAI_NONAME, -2          getaddrinfo\n\n"
	"  --list     every error known, one per line\n"
	"  --json     for machines: an array of objects\n"
	"Exit status: 0, or 1 where an ERROR is not known.\n";

static const char *const kind_names[] = { [ERROR_ERRNO] = "errno", [ERROR_EAI] = "getaddrinfo", [ERROR_WSA] = "winsock" };

static json_t *to_json(const struct error_entry *e)
{
	json_t *o = json_object(), *causes = json_array();
	json_object_set_new(o, "name", json_string(e->name));
	json_object_set_new(o, "kind", json_string(kind_names[e->kind]));
	if (e->kind != ERROR_WSA)
		json_object_set_new(o, "number", json_integer(e->code));
	if (e->alias)
		json_object_set_new(o, "alias", json_string(e->alias));
	if (e->wsa) {
		json_object_set_new(o, "winsock", json_string(e->wsa_name));
		json_object_set_new(o, "winsock_number", json_integer(e->wsa));
	}
	json_object_set_new(o, "means", json_string(e->means));
	for (size_t i = 0; i < sizeof e->causes / sizeof *e->causes && e->causes[i]; i++)
		json_array_append_new(causes, json_string(e->causes[i]));
	json_object_set_new(o, "causes", causes);
	json_object_set_new(o, "advice", json_string(e->advice));
	if (e->differs)
		json_object_set_new(o, "differs", json_string(e->differs));
	return o;
}

/* Prints text in lines of at most 78 columns; all but the first are indented by `indent`. */
static void wrap(const char *text, int column, int indent)
{
	while (*text) {
		int word = (int)strcspn(text, " ");
		if (column + 1 + word > 78) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", word, text);
		column += word;
		text += word + (text[word] == ' ');
	}
	putchar('\n');
}

static void title(const struct error_entry *e)
{
	if (e->kind == ERROR_WSA) {
		printf("%s (Winsock %d; no errno)\n", e->name, e->wsa);
		return;
	}
	printf("%s", e->name);
	if (e->alias)
		printf(" = %s", e->alias);
	printf(" (%s %d", e->kind == ERROR_EAI ? "getaddrinfo" : "errno", e->code);
	if (e->wsa)
		printf("; Winsock %s %d", e->wsa_name, e->wsa);
	printf(")\n");
}

static void section(const char *head, const char *text)
{
	printf("  %-13s", head);
	wrap(text, 15, 15);
}

static void print(const struct error_entry *e)
{
	title(e);
	section("means", e->means);
	for (size_t i = 0; i < sizeof e->causes / sizeof *e->causes && e->causes[i]; i++) {
		printf("  %-13s- ", i ? "" : "usual causes");
		wrap(e->causes[i], 17, 17);
	}
	section("what to do", e->advice);
	if (e->differs)
		section("two worlds", e->differs);
}

static int unknown(const char *text)
{
	const struct error_entry *near = error_nearest(text);
	if (near)
		return tool_fail("explain", "no socket error is called `%s`; did you mean %s?", text, near->name);
	return tool_fail("explain", "no socket error is called `%s`; `outlet explain --list` shows all", text);
}

static int list(bool json)
{
	const struct error_entry *e;
	json_t *all = json_array();
	for (size_t i = 0; (e = error_at(i)); i++) {
		if (json)
			json_array_append_new(all, to_json(e));
		else
			printf("%-26s %5d  %-22s %5.0d  %s\n", e->name, e->kind == ERROR_WSA ? 0 : e->code,
			       e->wsa_name ? e->wsa_name : "", e->wsa, e->means);
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
	return TOOL_OK;
}

static int explain(char **words, bool json)
{
	int status = TOOL_OK;
	json_t *all = json_array();
	for (bool first = true; *words; words++, first = false) {
		const struct error_entry *e = error_find(*words);
		if (!e) {
			status = unknown(*words);
		} else if (json) {
			json_array_append_new(all, to_json(e));
		} else {
			if (!first)
				putchar('\n');
			print(e);
		}
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
	return status;
}

/* `outlet explain -2` is an error, not an option. */
static bool is_negative_number(const char *s)
{
	return s[0] == '-' && s[1] && strspn(s + 1, "0123456789") == strlen(s + 1);
}

static int run(int argc, char **argv)
{
	bool json = false, all = false;
	int i = 1;
	for (; i < argc && argv[i][0] == '-' && !is_negative_number(argv[i]); i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			all = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return TOOL_OK;
		} else if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		} else {
			return tool_usage("explain", "there is no option `%s`", argv[i]);
		}
	}
	if (all)
		return list(json);
	if (i == argc)
		return tool_usage("explain", "name an error, for example ECONNRESET or 10054");
	return explain(argv + i, json);
}

const struct tool_cmd cmd_explain = { "explain", "what a socket error means and what to do: by name, errno or Winsock code", run };
