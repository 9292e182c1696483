/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/utsname.h>

extern const struct rawtp_test *const __start_rawtp_tests[];
extern const struct rawtp_test *const __stop_rawtp_tests[];

static jmp_buf test_end;
static const char *test_name;
static char subcase[160];
static unsigned int failures;

void test_case(const char *format, ...)
{
	va_list ap;

	subcase[0] = '\0';
	if (!format)
		return;
	va_start(ap, format);
	vsnprintf(subcase, sizeof(subcase), format, ap);
	va_end(ap);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list ap;

	failures++;
	fprintf(stderr, "%s:%d: %s%s%s: ", file, line, test_name, *subcase ? ": " : "", subcase);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void test_skip(const char *format, ...)
{
	va_list ap;

	printf("skip %s # ", test_name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	longjmp(test_end, 1);
}

void test_need_kernel(unsigned int major, unsigned int minor)
{
	unsigned int have_major = 0, have_minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &have_major, &have_minor) != 2)
		test_skip("the kernel does not say its version");
	if (have_major < major || (have_major == major && have_minor < minor))
		test_skip("Linux %u.%u, and the oracle of this is %u.%u", have_major, have_minor,
			  major, minor);
}

/* With arguments, runs only the tests whose names contain one of them. */
static bool selected(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

/* Apart from main(): nothing that lives on over the longjmp() is changed here. */
static bool run(const struct rawtp_test *test)
{
	unsigned int before = failures;

	test_name = test->name;
	subcase[0] = '\0';
	if (setjmp(test_end))
		return true;
	test->fn();
	printf("%s %s\n", failures == before ? "ok" : "not ok", test_name);
	fflush(stdout);
	return failures == before;
}

int main(int argc, char **argv)
{
	const struct rawtp_test *const *test;
	int status = EXIT_SUCCESS;

	for (test = __start_rawtp_tests; test < __stop_rawtp_tests; test++)
		if (selected((*test)->name, argc, argv) && !run(*test))
			status = EXIT_FAILURE;
	return status;
}
