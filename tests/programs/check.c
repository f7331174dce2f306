// SPDX-License-Identifier: MIT
/* main and the printing functions of the conformance programs; see check.h. */
#include "check.h"
#include <sys/utsname.h>
#include <unistd.h>

extern struct check_case __start_check_cases[], __stop_check_cases[];

int check_failures;

const char *check_errno(int error)
{
	const char *name;

	if (error == 0)
		return "no error";
#ifdef __GLIBC__
	name = strerrorname_np(error);
#else
	name = strerror(error);
#endif
	return name ? name : "unknown error";
}

long check_show(const char *call, long value)
{
	if (value == -1)
		printf("  %s = -1 %s\n", call, check_errno(errno));
	else
		printf("  %s = %ld\n", call, value);
	return value;
}

long check_show_ok(const char *call, long value)
{
	if (value == -1)
		printf("  %s = -1 %s\n", call, check_errno(errno));
	else
		printf("  %s = ok\n", call);
	return value;
}

void check_that(const char *text, bool holds, int line)
{
	printf("  %s: %s\n", text, holds ? "yes" : "NO");
	if (!holds) {
		fprintf(stderr, "line %d: does not hold: %s\n", line, text);
		check_failures++;
	}
}

void check_need(const char *text, int line)
{
	printf("  needed: %s: %s\n", text, check_errno(errno));
	fprintf(stderr, "line %d: cannot go on without %s: %s\n", line, text, check_errno(errno));
	exit(1);
}

bool check_kernel(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned have[2] = {0, 0};

	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &have[0], &have[1]) == 2 &&
	    (have[0] > major || (have[0] == major && have[1] >= minor)))
		return true;
	printf("  not on this kernel\n");
	return false;
}

unsigned check_slower(void)
{
	const char *factor = getenv("TESTS_SLOWER");
	int n = factor ? atoi(factor) : 1;

	return n > 1 ? (unsigned)n : 1;
}

void settle(unsigned us)
{
	usleep(us * check_slower());
}

static int by_line(const void *a, const void *b)
{
	return ((const struct check_case *)a)->line - ((const struct check_case *)b)->line;
}

static bool is_wanted(const struct check_case *c, int argc, char **argv)
{
	if (argc == 1)
		return !c->lone;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], c->name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct check_case *const first = __start_check_cases, *const end = __stop_check_cases;
	bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
	int ran = 0;

	/* What was printed before a fatal signal must not be lost in a buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The compiler may have put the cases in any order. */
	qsort(first, end - first, sizeof(*first), by_line);
	for (struct check_case *c = first; c < end; c++) {
		if (list) {
			printf("%s%s\n", c->name, c->lone ? " (lone)" : "");
		} else if (is_wanted(c, argc, argv)) {
			printf("%s\n", c->name);
			c->run();
			ran++;
		}
	}
	if (!list && ran == 0) {
		fprintf(stderr, "no such case\n");
		return 2;
	}
	return check_failures ? 1 : 0;
}
