/* SPDX-License-Identifier: MIT */
/*
 * What the conformance programs are written with. Such a program prints what it sees of its
 * kernel, never an address, a pid or a time, so that its output natively and in the VM can be
 * compared byte for byte; and it says itself whether what it saw is right, so that two equal
 * failures do not count as success.
 *
 *   PROGRAM            runs all cases in the order of the file
 *   PROGRAM CASE...    runs these; the only way to run a LONE_CASE
 *   PROGRAM --list     prints their names
 *
 * A program works in its current directory, which is empty at first.
 */
#ifndef TESTS_PROGRAMS_CHECK_H
#define TESTS_PROGRAMS_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* Many cases pass wrong arguments on purpose. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wrestrict"
#endif
#pragma GCC diagnostic ignored "-Wnonnull"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
	const char *name;
	int line;
	bool lone;
	void (*run)(void);
};

#define CHECK_CASE(name, lone)                                                                     \
	static void name(void);                                                                    \
	__attribute__((section("check_cases"), used,                                               \
		       aligned(8))) static struct check_case case_of_##name = {#name, __LINE__,    \
									       lone, name};        \
	static void name(void)

/* CASE(name) { ... }: the code that answers one question. */
#define CASE(name)	CHECK_CASE(name, false)
/* A case that ends the program (by a signal, say), or that is too large to run with the others. */
#define LONE_CASE(name) CHECK_CASE(name, true)

/* Prints the call, its result, and the error if the result is -1. The value is the result. */
#define SHOW(call)	(errno = 0, check_show(#call, (long)(call)))
/*
 * The same, but prints the result only if it is -1 (it is a file descriptor, or a count that may
 * vary).
 */
#define SHOW_OK(call)	(errno = 0, check_show_ok(#call, (long)(call)))
/* Prints the condition. The program fails if the condition does not hold. */
#define CHECK(cond)	check_that(#cond, cond, __LINE__)
/* A call that the case cannot go on without. */
#define NEED(cond)	((cond) ? (void)0 : check_need(#cond, __LINE__))

extern int check_failures;

long check_show(const char *call, long value);
long check_show_ok(const char *call, long value);
void check_that(const char *text, bool holds, int line);
__attribute__((noreturn)) void check_need(const char *text, int line);
const char *check_errno(int error);

/*
 * Sleeps for this many microseconds on a fast machine and longer on a slower one, so that another
 * thread or process reaches the point where the case needs it.
 */
void settle(unsigned us);
/* Returns how many times slower this machine is, at least 1: TESTS_SLOWER, see tests/slower.py. */
unsigned check_slower(void);

/*
 * Returns whether uname(2) names this version of Linux or a later one. Cases ask it about what
 * older kernels lack or do otherwise: the guest kernel behaves like the newest kernel but reports
 * the host's version. If the version is older, the output says that the case is left out.
 */
bool check_kernel(unsigned major, unsigned minor);

#endif
