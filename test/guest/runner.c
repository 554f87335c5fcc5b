/*
 * The runner with real guests: each test runs test/guest/probe under it, against the fake service.  What a guest sees
 * is checked by the guest; what becomes of processes is checked here.
 */
#include "fake.h"
#include "guest/guest.h"
#include "unit.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct running { pid_t runner, fake; FILE *out; };

static bool can_run(void)
{
	char why[512];
	if (!guest_supported(why, sizeof why) && !guest_is_nested())
		return true;
	printf("skipped: no seccomp user notification here\n");
	return false;
}

/* Linux 5.19; before it a signal may repeat a call. */
static bool killable(void)
{
	struct utsname u;
	int major = 0, minor = 0;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major > 5 || (major == 5 && minor >= 19);
}

/* Runs argv under a runner of its own; `out` is the guest's stdout. */
static struct running start(const char *const *argv, bool end_with_program)
{
	int sv[2], out[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct running run = { 0 };
	fflush(NULL);
	run.fake = fork();
	if (run.fake == 0) {
		close(sv[0]);
		close(out[0]);
		close(out[1]);
		fake_service(sv[1]);
	}
	run.runner = fork();
	if (run.runner == 0) {
		close(sv[1]);
		close(out[0]);
		dup2(out[1], 1);
		close(out[1]);
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = 64, .rlim_max = 256 });
		exit(guest_run(&(struct guest_options){ .argv = (char *const *)(uintptr_t)argv, .service = sv[0],
							 .end_with_program = end_with_program }));
	}
	close(sv[0]);
	close(sv[1]);
	close(out[1]);
	run.out = fdopen(out[0], "r");
	return run;
}

static int finish(struct running *run)
{
	int status;
	assert_int_equal(waitpid(run->runner, &status, 0), run->runner);
	assert_int_equal(waitpid(run->fake, NULL, 0), run->fake);
	fclose(run->out);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int probe(const char *name)
{
	const char *argv[] = { PROBE, name, NULL };
	struct running run = start(argv, false);
	return finish(&run);
}

#define GUEST_TEST(name, scene) TEST(name) { if (can_run()) eq(probe(#scene), 0); }

GUEST_TEST(a_stream_carries_bytes_between_processes_and_its_half_close, echo)
GUEST_TEST(a_nonblocking_connect_is_not_writable_before_it_is_connected_and_leaves_no_plug, nonblocking_connect)
GUEST_TEST(accept4_and_socket_set_their_flags_and_an_empty_listener_is_not_readable, flags)
GUEST_TEST(a_listener_that_is_readable_has_a_connection, one_byte_each)
GUEST_TEST(signals_and_timeouts_interrupt_calls_and_lose_no_connection, interrupted)
TEST(no_call_fails_or_is_made_twice_because_of_a_signal)
{
	if (can_run() && killable())
		eq(probe("storm"), 0);
}

TEST(a_dead_service_fails_calls_and_hangs_nobody)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "orphaned", NULL };
	struct running run = start(argv, false);
	char line[16];
	assert_non_null(fgets(line, sizeof line, run.out));
	kill(run.fake, SIGKILL);
	eq(finish(&run), 0);
}

GUEST_TEST(a_process_killed_in_accept_lets_go_of_its_listener_at_once, killed_in_accept)
TEST(a_process_with_a_thread_in_accept_can_be_stopped_and_continued)
{
	if (can_run() && killable())
		eq(probe("stopped"), 0);
}

GUEST_TEST(many_threads_in_accept_each_get_one_connection, many_acceptors)
GUEST_TEST(a_connection_that_finds_no_free_descriptor_waits_for_the_next_accept, descriptors_full)
GUEST_TEST(datagrams_carry_addresses_flags_and_control_messages, datagrams)
GUEST_TEST(sendmmsg_and_recvmmsg_count_what_they_moved, many_datagrams)
GUEST_TEST(nothing_reaches_the_machines_own_network_and_bad_arguments_get_their_errno, surroundings)
GUEST_TEST(the_files_of_proc_net_are_the_hosts, proc_net)
GUEST_TEST(a_listener_passed_to_another_process_works_there, passing)
GUEST_TEST(senseless_calls_of_many_threads_harm_nobody, hostile)
GUEST_TEST(an_address_on_a_connected_stream_is_ignored, stream_with_address)
GUEST_TEST(fast_open_is_a_connect_and_a_send_in_one, fast_open)

TEST(the_exit_status_is_the_programs)
{
	if (!can_run())
		return;
	eq(probe("exit_42"), 42);
	eq(probe("die_of_term"), 128 + SIGTERM);
	const char *no_exec[] = { "/etc/passwd", NULL }, *missing[] = { "/no/such/program", NULL };
	struct running run = start(no_exec, false);
	eq(finish(&run), GUEST_NO_EXEC);
	run = start(missing, false);
	eq(finish(&run), GUEST_NO_PROGRAM);
}

TEST(a_signal_to_the_runner_reaches_the_program)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "wait_usr1", NULL };
	struct running run = start(argv, false);
	char line[16];
	assert_non_null(fgets(line, sizeof line, run.out));
	kill(run.runner, SIGUSR1);
	eq(finish(&run), 7);
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Gone, or a zombie that somebody else has yet to reap. */
static bool is_gone(pid_t pid)
{
	char path[64], buf[256] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return true;
	size_t n = fread(buf, 1, sizeof buf - 1, f);
	fclose(f);
	const char *p = strrchr(buf, ')');
	return !n || !p || p[2] == 'Z' || p[2] == 'X';
}

static bool gone_soon(pid_t pid)
{
	double until = seconds() + 5;
	while (!is_gone(pid) && seconds() < until)
		usleep(2000);
	return is_gone(pid);
}

static pid_t read_pid(struct running *run)
{
	char line[32];
	assert_non_null(fgets(line, sizeof line, run->out));
	return (pid_t)atoi(line);
}

static pid_t child_of(pid_t parent)
{
	DIR *d = opendir("/proc");
	pid_t found = 0;
	for (struct dirent *e; (e = readdir(d));) {
		char path[64], buf[256] = "";
		snprintf(path, sizeof path, "/proc/%.20s/stat", e->d_name);
		FILE *f = atoi(e->d_name) > 0 ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		size_t n = fread(buf, 1, sizeof buf - 1, f);
		fclose(f);
		const char *p = strrchr(buf, ')');
		if (n && p && atoi(p + 4) == parent)
			found = atoi(e->d_name);
	}
	closedir(d);
	return found;
}

TEST(a_killed_runner_takes_its_tree_along)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "block", NULL };
	struct running run = start(argv, false);
	pid_t program = read_pid(&run), orphan = read_pid(&run);
	kill(run.runner, SIGKILL);
	ok(gone_soon(program));
	ok(gone_soon(orphan));
	eq(finish(&run), 1000 + SIGKILL);
}

TEST(a_killed_guardian_does_not_leave_the_tree_behind)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "block", NULL };
	struct running run = start(argv, false);
	pid_t program = read_pid(&run), orphan = read_pid(&run);
	pid_t guardian = child_of(run.runner);
	ok(guardian > 0);
	kill(guardian, SIGKILL);
	ok(gone_soon(program));
	ok(gone_soon(orphan));
	eq(finish(&run), GUEST_FAILED);
}

TEST(the_runner_stays_until_the_last_process_of_the_tree)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "leave_behind", NULL };
	struct running run = start(argv, false);
	pid_t left = read_pid(&run);
	usleep(50000);
	ok(!is_gone(left));
	ok(!is_gone(run.runner));
	kill(left, SIGKILL);
	eq(finish(&run), 0);
}

TEST(end_with_program_ends_what_was_left_running)
{
	if (!can_run())
		return;
	const char *argv[] = { PROBE, "leave_behind", NULL };
	struct running run = start(argv, true);
	pid_t left = read_pid(&run);
	eq(finish(&run), 0);
	ok(gone_soon(left));
}

TEST(programs_are_found_as_execvp_finds_them)
{
	eq(guest_find_program("sh"), 0);
	eq(guest_find_program("/bin/sh"), 0);
	eq(guest_find_program("no-such-program-anywhere"), GUEST_NO_PROGRAM);
	eq(guest_find_program("/etc/passwd"), GUEST_NO_EXEC);
	eq(guest_find_program(""), GUEST_NO_PROGRAM);
}
