/*
 * sim SCENARIO|all [--seed S] [--runs N] [--jobs J] [--capture FILE] [--quiet]
 * Runs a scenario from a seed, or from N seeds that follow each other, J of them at a time.  Whatever goes wrong, a line says how to
 * run just that again.  --list names the scenarios.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "jobs.h"
#include "scenario.h"

enum { LIMIT_S = 60 };		/* of real time for one run: more is a loop without end */

static char rerun[256];

static void say_rerun(int sig)
{
	static const char slow[] = "sim: a minute of real time, and the run is not over\n";
	ssize_t ignored = sig == SIGALRM ? write(STDERR_FILENO, slow, sizeof slow - 1) : 0;
	ignored = write(STDERR_FILENO, rerun, strlen(rerun));
	(void)ignored;
	signal(sig, SIG_DFL);
	raise(sig);
}

static int list(void)
{
	const struct scenario *sc;
	for (unsigned i = 0; (sc = scenario_get(i)); i++)
		printf("%-12s %s\n", sc->name, sc->about);
	return 0;
}

static const char help[] =
	"usage: sim SCENARIO|all [--seed S] [--runs N] [--jobs J] [--capture FILE] [--quiet]\n"
	"       sim --list\n"
	"Runs a scenario from seed S (1), or from N seeds that follow each other, in J processes.  What goes wrong ends with the line that\n"
	"runs just that again.  --capture writes a pcapng of every interface, of the last run.\n";

static int usage(const char *why, const char *what)
{
	fprintf(stderr, "sim: %s%s\n%s", why, what, help);
	return 2;
}

struct options { const char *scenario, *capture; uint64_t seed, runs, jobs; bool quiet; };

static bool number(const char *s, uint64_t *n)
{
	char *end;
	if (!s || !*s)
		return false;
	errno = 0;
	*n = strtoull(s, &end, 0);
	return !errno && !*end;
}

static int into_file(void *ctx, const void *p, size_t len)
{
	return fwrite(p, 1, len, ctx) == len ? 0 : -EIO;
}

struct one { const struct scenario *sc; const struct options *o; const char *prog; };

static struct scenario_result run_one(void *ctx, uint64_t seed)
{
	const struct one *one = ctx;
	const char *file = one->o->capture;
	snprintf(rerun, sizeof rerun, "rerun: %s %s --seed 0x%llx\n", one->prog, one->sc->name, (unsigned long long)seed);
	alarm(LIMIT_S);
	FILE *out = file ? fopen(file, "wb") : NULL;
	if (file && !out)
		exit(usage("cannot write ", file));
	struct scenario_result r = scenario_run(one->sc, seed, out ? into_file : NULL, out);
	if (out && fclose(out))
		exit(usage("cannot write ", file));
	alarm(0);
	return r;
}

static int run(const struct scenario *sc, const struct options *o, const char *prog)
{
	struct one one = { sc, o, prog };
	struct jobs_sum s = { .done = o->runs };
	struct timespec began, now;
	clock_gettime(CLOCK_MONOTONIC, &began);
	if (o->jobs == 1 && o->runs == 1)		/* in this process: for a debugger */
		s.sum = run_one(&one, o->seed);
	else
		s = jobs_run(&(struct jobs){ .seed = o->seed, .runs = o->runs, .jobs = (unsigned)o->jobs, .name = sc->name, .run = run_one,
			.ctx = &one });
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!o->quiet)
		printf("%-12s %llu runs from seed 0x%llx: %llu flows (%llu broken off on purpose), %llu bytes, %.1f s of virtual time in %.1f s\n",
		       sc->name, (unsigned long long)s.done, (unsigned long long)o->seed, (unsigned long long)s.sum.flows,
		       (unsigned long long)s.sum.broken, (unsigned long long)s.sum.bytes, (double)s.sum.took / 1e9,
		       (double)(now.tv_sec - began.tv_sec) + (double)(now.tv_nsec - began.tv_nsec) / 1e9);
	if (s.failed)
		fprintf(stderr, "sim: %s: %llu runs went wrong\n", sc->name, (unsigned long long)s.failed);
	return s.failed != 0;
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1, .runs = 1, .jobs = 1 };
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(a, "--list") == 0)
			return list();
		if (strcmp(a, "--help") == 0)
			return fputs(help, stdout) == EOF;
		if (strcmp(a, "--quiet") == 0)
			o.quiet = true;
		else if (strcmp(a, "--seed") == 0 && number(v, &o.seed))
			i++;
		else if (strcmp(a, "--runs") == 0 && number(v, &o.runs))
			i++;
		else if (strcmp(a, "--jobs") == 0 && number(v, &o.jobs) && o.jobs > 0 && o.jobs <= 256)
			i++;
		else if (strcmp(a, "--capture") == 0 && v)
			o.capture = argv[++i];
		else if (a[0] != '-' && !o.scenario)
			o.scenario = a;
		else
			return usage("what is this: ", a);
	}
	if (!o.scenario)
		return usage("no scenario; --list names them", "");
	signal(SIGABRT, say_rerun);
	signal(SIGSEGV, say_rerun);
	signal(SIGALRM, say_rerun);
	if (strcmp(o.scenario, "all") != 0) {
		const struct scenario *sc = scenario_find(o.scenario);
		return sc ? run(sc, &o, argv[0]) : usage("no such scenario: ", o.scenario);
	}
	const struct scenario *sc;
	int bad = 0;
	for (unsigned i = 0; (sc = scenario_get(i)); i++)
		bad |= run(sc, &o, argv[0]);
	return bad;
}
