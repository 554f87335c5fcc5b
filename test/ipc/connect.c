/*
 * The way to a service that does not run yet: one is started, also when many want it at once, and it goes when all
 * have left.
 */
#include "unit.h"
#include "ipc/ipc.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char top[] = "/tmp/ipc-connect-XXXXXX";

static void home(void)
{
	strcpy(top, "/tmp/ipc-connect-XXXXXX");
	assert_non_null(mkdtemp(top));
	setenv("XDG_RUNTIME_DIR", top, 1);
	setenv("OUTLETD", OUTLETD_PATH, 1);
}

static void remove_all(void)
{
	char path[256];
	static const char *const files[] = { "t.lock", "t.log", "t.sock", "" };
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/outlet/%s", top, files[i]);
		remove(path);
	}
	rmdir(top);
}

static int connect_to(const char *net, const char *file, bool spawn, char *text)
{
	struct ipc_where where = { .net = net, .file = file, .spawn = spawn };
	struct ipc_hello hello = { .version = IPC_VERSION, .role = IPC_ROLE_GUEST, .pid = getpid(), .program = "test" };
	return ipc_connect(&where, &hello, text, IPC_MAX);
}

static int service_pid(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	int pid = (int)json_integer_value(json_object_get(j, "pid"));
	json_decref(j);
	return pid;
}

TEST(without_spawn_one_is_told_how_to_start_it)
{
	char *text = malloc(IPC_MAX);
	home();
	eq(connect_to("t", NULL, false, text), -ESRCH);
	assert_non_null(strstr(text, "outlet up --net t"));
	eq(connect_to("../t", NULL, true, text), -EINVAL);
	free(text);
	remove_all();
}

TEST(bad_network_file_is_told_by_whoever_wanted_to_start)
{
	char *text = malloc(IPC_MAX), path[128];
	home();
	snprintf(path, sizeof path, "%s/net.yaml", top);
	FILE *f = fopen(path, "w");
	fputs("wires:\n  lan: {mtu: 1}\n", f);
	fclose(f);
	ok(connect_to("t", path, true, text) < 0);
	assert_non_null(strstr(text, "net.yaml, line 2: mtu is a number"));
	unlink(path);
	ok(connect_to("t", path, true, text) < 0);
	assert_non_null(strstr(text, "cannot read the network file"));
	free(text);
	remove_all();
}

/* All at once: one service, whoever comes first. */
TEST(many_starters_make_one_service_and_it_goes_when_they_have_left)
{
	enum { MANY = 6 };
	int result[2], stay[2], first = 0;
	home();
	eq(pipe(result), 0);
	eq(pipe(stay), 0);
	for (int i = 0; i < MANY; i++)
		if (fork() == 0) {
			char *text = malloc(IPC_MAX), c;
			close(stay[1]);
			int fd = connect_to("t", NULL, true, text), pid = fd < 0 ? fd : service_pid(text);
			if (write(result[1], &pid, sizeof pid) != sizeof pid || read(stay[0], &c, 1) < 0)
				_exit(1);
			_exit(0);
		}
	for (int i = 0; i < MANY; i++) {
		int pid = 0;
		eq(read(result[0], &pid, sizeof pid), sizeof pid);
		ok(pid > 0);
		if (!first)
			first = pid;
		eq(pid, first);
	}
	close(stay[1]);
	for (int i = 0; i < MANY; i++)
		wait(NULL);
	char path[128];
	struct stat st;
	snprintf(path, sizeof path, "%s/outlet/t.sock", top);
	bool there = true;
	for (int i = 0; i < 1000 && there; i++) {	/* its second of grace; ten at most */
		there = stat(path, &st) == 0;
		if (there)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	ok(!there);
	close(result[0]);
	close(result[1]);
	close(stay[0]);
	remove_all();
}
