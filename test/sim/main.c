/*
 * sim SCENARIO|all [--seed S] [--runs N] [--capture FILE] [--quiet]
 * Runs a scenario from a seed, or from N seeds that follow each other.  Whatever goes wrong, the last line says how to run just that
 * again.  --list names the scenarios.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
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

static int usage(const char *why, const char *what)
{
	fprintf(stderr, "sim: %s%s\nusage: sim SCENARIO|all [--seed S] [--runs N] [--capture FILE] [--quiet]\n       sim --list\n", why, what);
	return 2;
}

struct options { const char *scenario, *capture; uint64_t seed, runs; bool quiet; };

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

static int run(const struct scenario *sc, const struct options *o, const char *prog)
{
	struct scenario_result sum = { 0 };
	clock_t began = clock();
	for (uint64_t i = 0; i < o->runs; i++) {
		uint64_t seed = o->seed + i;
		snprintf(rerun, sizeof rerun, "rerun: %s %s --seed 0x%llx\n", prog, sc->name, (unsigned long long)seed);
		alarm(LIMIT_S);
		FILE *out = o->capture ? fopen(o->capture, "wb") : NULL;
		if (o->capture && !out)
			return usage("cannot write ", o->capture);
		struct scenario_result r = scenario_run(sc, seed, out ? into_file : NULL, out);
		if (out && fclose(out))
			return usage("cannot write ", o->capture);
		sum.bytes += r.bytes;
		sum.flows += r.flows;
		sum.broken += r.broken;
		sum.took += r.took;
	}
	if (!o->quiet)
		printf("%-12s %llu runs from seed 0x%llx: %llu flows (%llu broken off on purpose), %llu bytes, %.1f s of virtual time in %.1f s\n",
		       sc->name, (unsigned long long)o->runs, (unsigned long long)o->seed, (unsigned long long)sum.flows,
		       (unsigned long long)sum.broken, (unsigned long long)sum.bytes, (double)sum.took / 1e9,
		       (double)(clock() - began) / CLOCKS_PER_SEC);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1, .runs = 1 };
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(a, "--list") == 0)
			return list();
		if (strcmp(a, "--quiet") == 0)
			o.quiet = true;
		else if (strcmp(a, "--seed") == 0 && number(v, &o.seed))
			i++;
		else if (strcmp(a, "--runs") == 0 && number(v, &o.runs))
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
	for (unsigned i = 0; (sc = scenario_get(i)); i++)
		if (run(sc, &o, argv[0]))
			return 1;
	return 0;
}
