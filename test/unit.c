/* The main of every unit test program: runs what TEST() registered. */
#include "unit.h"
#include <stdbool.h>
#include <stdlib.h>

enum { MAX_TESTS = 1024 };
static struct CMUnitTest tests[MAX_TESTS];
static size_t n_tests;

void unit_register(const char *name, void (*run)(void **))
{
	if (n_tests == MAX_TESTS)
		abort();
	tests[n_tests++] = (struct CMUnitTest){ .name = name, .test_func = run };
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
	struct CMUnitTest run[MAX_TESTS];
	size_t n = 0;
	for (size_t i = 0; i < n_tests; i++)
		if (wanted(tests[i].name, argc, argv))
			run[n++] = tests[i];
	if (!n) {
		fprintf(stderr, "no test of that name\n");
		return 2;
	}
	return _cmocka_run_group_tests("tests", run, n, NULL, NULL) ? 1 : 0;
}
