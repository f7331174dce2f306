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
/* Wrong arguments are what many cases are about. */
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

/* CASE(name) { ... }: what one question needs. */
#define CASE(name)	CHECK_CASE(name, false)
/* A case that ends the program (by a signal, say), or is too large to run with the others. */
#define LONE_CASE(name) CHECK_CASE(name, true)

/* Prints the call, its result, and the error when that is -1. The value is the result. */
#define SHOW(call)	(errno = 0, check_show(#call, (long)(call)))
/* The same without the value where it is not -1 (a file descriptor, a count that may vary). */
#define SHOW_OK(call)	(errno = 0, check_show_ok(#call, (long)(call)))
/* Prints the condition; the program fails when it does not hold. */
#define CHECK(cond)	check_that(#cond, cond, __LINE__)
/* A call that the case needs to go on. */
#define NEED(cond)	((cond) ? (void)0 : check_need(#cond, __LINE__))

extern int check_failures;

long check_show(const char *call, long value);
long check_show_ok(const char *call, long value);
void check_that(const char *text, bool holds, int line);
__attribute__((noreturn)) void check_need(const char *text, int line);
const char *check_errno(int error);

/*
 * Sleeps for so many microseconds on a fast machine, on a slower one for longer: so that another
 * thread or process gets to where the case needs it.
 */
void settle(unsigned us);
/* By how much this machine is slower, 1 at least: TESTS_SLOWER, see tests/slower.py. */
unsigned check_slower(void);

/*
 * Does uname(2) tell of this version of Linux or a later one? For what older kernels do not have or
 * do otherwise: the guest kernel does as the newest does, and tells the host's version. If not,
 * says in the output that the case is left out.
 */
bool check_kernel(unsigned major, unsigned minor);

#endif
