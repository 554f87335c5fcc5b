/* Workers draw the next seed from memory they share with the parent (jobs.h). */
#include "jobs.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FAILURES = 20, WORD_S = 10, POLL_US = 50000 };

struct shared { atomic_uint_fast64_t next, done, bytes, flows, broken, took; };

static _Noreturn void work(const struct jobs *j, struct shared *sh)
{
	for (uint64_t i; (i = atomic_fetch_add(&sh->next, 1)) < j->runs; ) {
		struct scenario_result r = j->run(j->ctx, j->seed + i);
		atomic_fetch_add(&sh->bytes, r.bytes);
		atomic_fetch_add(&sh->flows, r.flows);
		atomic_fetch_add(&sh->broken, r.broken);
		atomic_fetch_add(&sh->took, (uint64_t)r.took);
		atomic_fetch_add(&sh->done, 1);
	}
	_exit(0);
}

static void start(const struct jobs *j, struct shared *sh, unsigned *alive)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		work(j, sh);
	if (pid < 0) {
		perror("sim: fork");
		exit(1);
	}
	++*alive;
}

struct jobs_sum jobs_run(const struct jobs *j)
{
	struct shared *sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct jobs_sum sum = { .failed = 0 };
	unsigned alive = 0;
	time_t word = time(NULL) + WORD_S;
	if (sh == MAP_FAILED) {
		perror("sim: shared memory");
		exit(1);
	}
	for (unsigned i = 0; i < j->jobs; i++)
		start(j, sh, &alive);
	while (alive) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			alive--;
			sum.failed += status != 0;
			if (status && sum.failed < MAX_FAILURES)
				start(j, sh, &alive);
			else if (status)
				atomic_store(&sh->next, j->runs);	/* enough is known */
			continue;
		}
		if (time(NULL) >= word) {
			fprintf(stderr, "%s: %llu of %llu runs, %llu went wrong\n", j->name, (unsigned long long)sh->done,
				(unsigned long long)j->runs, (unsigned long long)sum.failed);
			word = time(NULL) + WORD_S;
		}
		usleep(POLL_US);
	}
	sum.done = sh->done;
	sum.sum = (struct scenario_result){ .bytes = sh->bytes, .flows = sh->flows, .broken = sh->broken, .took = (ol_time)sh->took };
	munmap(sh, sizeof *sh);
	return sum;
}
