/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: TEST(name) { ... } anywhere; the runner finds the cases through a linker section.
 * Output is one line a case: "ok NAME", "not ok NAME", or "skip NAME # reason".
 */
#ifndef RAWTP_TESTS_HARNESS_H
#define RAWTP_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct rawtp_test {
	const char *name;
	void (*fn)(void);
};

/* A subcase of a table: prefix of the messages of CHECK until the next call. NULL: none. */
void test_case(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the running test as skipped. */
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/*
 * Skips where the kernel is older than Linux @major.@minor: what it takes and answers changes, and a
 * table that has it as its oracle holds from a version on.
 */
void test_need_kernel(unsigned int major, unsigned int minor);

#define TEST(id)                                                                   \
	static void test_##id(void);                                               \
	static const struct rawtp_test test_record_##id = {#id, test_##id};        \
	static const struct rawtp_test *const test_entry_##id                      \
		__attribute__((section("rawtp_tests"), used)) = &test_record_##id; \
	static void test_##id(void)

#define CHECK(cond)                                                 \
	do {                                                        \
		if (!(cond))                                        \
			test_fail(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define CHECK_EQ(a, b)                                                                          \
	do {                                                                                    \
		long long check_a = (long long)(a), check_b = (long long)(b);                   \
		if (check_a != check_b)                                                         \
			test_fail(__FILE__, __LINE__, "%s is %lld, not %lld (%s)", #a, check_a, \
				  check_b, #b);                                                 \
	} while (0)

#define CHECK_STR(a, b)                                                                        \
	do {                                                                                   \
		const char *check_a = (a), *check_b = (b);                                     \
		if (strcmp(check_a, check_b) != 0)                                             \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, check_a, \
				  check_b);                                                    \
	} while (0)

#endif
