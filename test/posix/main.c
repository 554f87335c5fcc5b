/*
 * posix [--list] [NAME...]: runs the cases whose name contains one of these, or all.  posix --far: the other host's program.
 *
 * Lines, fields parted by tabs:	case NAME | answer FILE:LINE CALL ANSWER WANTED | verdict NAME WORD REASON
 * WANTED is empty where the answer is right; WORD is ok, wrong, stopped (it could not go on), skipped or endless.
 */
#include "posix.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { MAX_CASES = 512, END_MS = 40000, OK = 0, WRONG = 1, STOPPED = 2, SKIPPED = 77 };
static struct { const char *name, *file; void (*run)(void); } cases[MAX_CASES];
static size_t n_cases;
static const char *file;		/* of the case that runs */
static bool wrong;

void case_register(const char *name, const char *path, void (*run)(void))
{
	if (n_cases == MAX_CASES)
		abort();
	const char *slash = strrchr(path, '/');
	cases[n_cases].name = name;
	cases[n_cases].file = slash ? slash + 1 : path;
	cases[n_cases++].run = run;
}

static const char *error_name(int err)
{
	const char *name = strerrorname_np(err);
	return name ? name : "an unknown errno";
}

static void print(int line, const char *call, const char *got, const char *want)
{
	bool right = !strcmp(got, want);
	wrong |= !right;
	printf("answer\t%s:%d\t%s\t%s\t%s\n", file, line, call, got, right ? "" : want);
	fflush(stdout);
}

static void describe(char *text, size_t len, long long value, int err)
{
	if (value == -1 && err)
		snprintf(text, len, "-1 %s", error_name(err));
	else
		snprintf(text, len, "%lld", value);
}

void case_int(int line, const char *call, long long got, int err, long long want)
{
	char g[64], w[64];
	describe(g, sizeof g, got, err);
	describe(w, sizeof w, want, want == -1 ? err : 0);
	print(line, call, g, w);
}

void case_errno(int line, const char *call, long long got, int err, int want)
{
	char g[64] = "works", w[64] = "works";
	if (got == -1)
		snprintf(g, sizeof g, "-1 %s", error_name(err));
	if (want)
		snprintf(w, sizeof w, "-1 %s", error_name(want));
	print(line, call, g, w);
}

void case_fact(int line, const char *what, bool got)
{
	print(line, what, got ? "true" : "false", "true");
}

void case_need(int line, const char *what, bool got)
{
	char g[64];
	if (got)
		return;
	snprintf(g, sizeof g, "not so (%s)", errno ? error_name(errno) : "no errno");
	print(line, what, g, "so");
	exit(STOPPED);
}

void case_skip(const char *why)
{
	printf("reason\t%s\n", why);
	fflush(stdout);
	_exit(SKIPPED);
}

/* Whoever a case left behind goes with it. */
static const char *run_case(size_t i)
{
	printf("case\t%s\n", cases[i].name);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		file = cases[i].file;
		cases[i].run();
		exit(wrong ? WRONG : OK);
	}
	setpgid(pid, pid);
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status = 0, got = poll(&end, 1, END_MS);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(end.fd);
	if (got != 1)
		return "endless";
	if (WIFSIGNALED(status)) {
		printf("reason\tkilled by signal %d\n", WTERMSIG(status));
		return "stopped";
	}
	switch (WEXITSTATUS(status)) {
	case OK: return "ok";
	case WRONG: return "wrong";
	case SKIPPED: return "skipped";
	default: return "stopped";
	}
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--far"))
		return far_serve();
	bool list = argc > 1 && !strcmp(argv[1], "--list");
	int bad = 0;
	if (list) {
		argv++;
		argc--;
	}
	for (size_t i = 0; i < n_cases; i++) {
		if (!wanted(cases[i].name, argc, argv))
			continue;
		if (list) {
			printf("%s\t%s\n", cases[i].file, cases[i].name);
			continue;
		}
		const char *word = run_case(i);
		printf("verdict\t%s\t%s\n", cases[i].name, word);
		fflush(stdout);
		bad += strcmp(word, "ok") && strcmp(word, "skipped");
	}
	return bad ? 1 : 0;
}
