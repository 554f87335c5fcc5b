#ifndef TEST_UNIT_H
#define TEST_UNIT_H
/*
 * Unit tests on cmocka.  TEST(name) { ... } registers itself; the name is the claim.  One program per file of tests: its
 * main is in unit.c.  `program NAME ...` runs only tests whose name contains NAME; output is what cmocka prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

void unit_register(const char *name, void (*run)(void **));

#define TEST(name) \
	static void test_##name(void); \
	static void run_##name(void **state) { (void)state; test_##name(); } \
	__attribute__((constructor)) static void register_##name(void) { unit_register(#name, run_##name); } \
	static void test_##name(void)

#define ok(fact) assert_true(fact)
#define eq(a, b) assert_int_equal((a), (b))
#define eq_str(a, b) assert_string_equal((a), (b))
#define eq_mem(a, b, n) assert_memory_equal((a), (b), (n))

#endif
