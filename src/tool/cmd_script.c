/*
 * `outlet script`: scripts in packetdrill's language against our stack, in virtual time.  Needs no service, no privilege and no
 * packetdrill.  A command of the tool and not a test program alone, because whoever embeds the stack or sets its knobs has
 * the same question as its tests: what does it send, and when?
 */
#include "tool/tool.h"
#include "script/script.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"Usage: outlet script [--ip VERSION]... [--set KEY=VALUE,...] [-v|-q] FILE|DIRECTORY...\n\n"
	"Runs scripts in packetdrill's language (.pkt) against Outlet's own TCP/IP stack, in virtual time: an hour takes a moment, and a run\n"
	"is the same run every time.  Needs neither packetdrill nor root.  doc/SCRIPTS.md tells the language.\n\n"
	"  --ip VERSION    ipv4, ipv6 or ipv4-mapped-ipv6; without it each script runs in those that its --ip_version leaves open\n"
	"  --set LIST      settings of the stack, as in a script's --so_flags: tcp_sack=0,tcp_ecn=1\n"
	"  -v, --verbose   draw the ladder of what happened, of scripts that pass too\n"
	"  -q, --quiet     only failures and the count\n\n"
	"A failure says the line, what was expected, what came, and what had happened until then.\n"
	"Exit status: 0, or 1 where a script failed, or 2 where the command line is wrong.\n";

struct how { bool ip[SCRIPT_N_IP], any_ip, verbose, quiet; const char *set; int passed, failed; };
struct ladder { char *text; size_t len, room; };

static void keep(void *arg, const char *line)
{
	struct ladder *l = arg;
	size_t n = strlen(line);
	if (l->len + n + 2 > l->room) {
		char *more = realloc(l->text, 2 * (l->len + n + 2));
		if (!more)
			return;
		l->text = more;
		l->room = 2 * (l->len + n + 2);
	}
	memcpy(l->text + l->len, line, n);
	l->len += n;
	l->text[l->len++] = '\n';
	l->text[l->len] = 0;
}

/* The whole file; NULL with errno.  A byte more than a script may have is enough to refuse it. */
static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text = f ? malloc(SCRIPT_MAX_TEXT + 2) : NULL;
	if (text) {
		*len = fread(text, 1, SCRIPT_MAX_TEXT + 1, f);
		if (ferror(f)) {
			free(text);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	return text;
}

static void verdict(struct how *how, const char *path, const char *ip, const char *sentence, const struct ladder *l)
{
	bool passed = !*sentence;
	*(passed ? &how->passed : &how->failed) += 1;
	if (!passed)
		printf("FAIL %s [%s]\n  %s\n", path, ip, sentence);
	else if (!how->quiet)
		printf("pass %s [%s]\n", path, ip);
	if (l->text && (!passed || how->verbose))
		fputs(l->text, stdout);
}

static void run_one(struct how *how, const char *path, const char *text, size_t len, enum script_ip ip)
{
	struct script s;
	struct ladder l = { 0 };
	if (!script_parse(&s, path, text, len, ip))
		verdict(how, path, script_ip_name[ip], s.error, &l);
	else {
		struct script_result r = script_run(&s, how->set, keep, &l);
		verdict(how, path, script_ip_name[ip], r.passed ? "" : r.sentence, &l);
	}
	script_free(&s);
	free(l.text);
}

static int run_file(struct how *how, const char *path)
{
	struct script s;
	struct ladder none = { 0 };
	size_t len = 0;
	char *text = read_file(path, &len);
	if (!text)
		return tool_fail("script", "%s: %s", path, strerror(errno));
	if (!script_options(&s, path, text, len))
		verdict(how, path, "options", s.error, &none);
	else
		for (int i = 0; i < SCRIPT_N_IP; i++)
			if (how->any_ip ? how->ip[i] && (!s.set.has_ip || s.set.ip == (enum script_ip)i) : !s.set.has_ip || s.set.ip == (enum script_ip)i)
				run_one(how, path, text, len, (enum script_ip)i);
	free(text);
	return TOOL_OK;
}

static int is_script(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && (d->d_type == DT_DIR || (n > 4 && !strcmp(d->d_name + n - 4, ".pkt")));
}

static int run_path(struct how *how, const char *path, int depth)
{
	struct stat st;
	struct dirent **list;
	if (stat(path, &st))
		return tool_fail("script", "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return run_file(how, path);
	int n = depth ? scandir(path, &list, is_script, alphasort) : 0, status = TOOL_OK;
	if (n < 0)
		return tool_fail("script", "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *child;
		if (asprintf(&child, "%s/%s", path, list[i]->d_name) < 0)
			abort();
		if (run_path(how, child, depth - 1))
			status = TOOL_FAILED;
		free(child);
		free(list[i]);
	}
	if (depth)
		free(list);
	return status;
}

static bool take_ip(struct how *how, const char *name)
{
	for (int i = 0; name && i < SCRIPT_N_IP; i++)
		if (!strcmp(name, script_ip_name[i]))
			return how->ip[i] = how->any_ip = true;
	return false;
}

static int run(int argc, char **argv)
{
	enum { DEPTH = 16 };
	struct how how = { .set = "" };
	int i = 1, status = TOOL_OK;
	if (tool_wants_help(argc, argv)) {
		fputs(help, stdout);
		return TOOL_OK;
	}
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "-v") || !strcmp(argv[i], "--verbose"))
			how.verbose = true;
		else if (!strcmp(argv[i], "-q") || !strcmp(argv[i], "--quiet"))
			how.quiet = true;
		else if (!strcmp(argv[i], "--ip")) {
			if (!take_ip(&how, i + 1 < argc ? argv[++i] : NULL))
				return tool_usage("script", "--ip is ipv4, ipv6 or ipv4-mapped-ipv6");
		} else if (!strcmp(argv[i], "--set") && i + 1 < argc)
			how.set = argv[++i];
		else
			return tool_usage("script", "there is no option `%s`, or it wants a value", argv[i]);
	}
	if (i == argc)
		return tool_usage("script", "which script?");
	for (; i < argc; i++)
		if (run_path(&how, argv[i], DEPTH))
			status = TOOL_FAILED;
	printf("%d passed, %d failed\n", how.passed, how.failed);
	return how.failed ? TOOL_FAILED : status;
}

const struct tool_cmd cmd_script = { "script", "run packetdrill scripts against the stack, in virtual time", run };
