/* SPDX-License-Identifier: MIT */
/*
 * The table of bugs: small programs with one heap bug each, and what `buffervm check` is to say.
 *
 *	BUG(name, "heap-overflow write 4 at 64 of 64")
 *	{
 *		... with `bad`: the bug; without: the correct twin, which must stay silent
 *	}
 *
 * A source file here is one program with many bugs: `PROGRAM name` runs one with the bug,
 * `PROGRAM -c name` its twin, `PROGRAM` alone prints the table. tests/check/run reads it:
 *
 *	KIND [WHERE] [ACCESS BYTES] [at OFFSET] [of SIZE]	the bug, the access, the object
 *	; in=F,G	functions of the stack where it happened, innermost first; ".." in
 *			front: after some others (the C library's). Not said: the bug's own.
 *	; alloc=F,G  ; free=F,G	the same of the object's stacks
 *	; with OPTION...	options of `buffervm check` that it needs
 *	; only VARIANT...	dynamic, static, musl or musl-static (all of them)
 *	; N reports	not one
 *
 * BYTES and OFFSET are a number, or ? where the C library's way of doing it decides. KIND is a
 * name of check/report/kind.c; "a|b" where both words are right.
 */
#ifndef TESTS_CHECK_BUG_H
#define TESTS_CHECK_BUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bug {
	const char *name, *expect;
	void (*run)(void);
};

extern volatile bool bad;     /* false in the correct twin */
extern volatile long sink;    /* what is read ends here */
extern char *const *bug_args; /* after the bug's name; NULL at the end */
extern const char *bug_program;

#ifdef __cplusplus
}
#endif

#define BUG(name_, expect_)                                                                        \
	static void name_(void);                                                                   \
	static const struct bug bug_##name_ = {#name_, expect_, name_};                            \
	static const struct bug *const entry_##name_ __attribute__((used, section("bug_table"))) = \
		&bug_##name_;                                                                      \
	static void name_(void)

/*
 * Returns the pointer such that the compiler knows nothing about it: neither its size nor that it
 * was freed.
 */
static inline void *hide(const void *p)
{
	void *hidden = (void *)p;
	__asm__ volatile("" : "+r"(hidden)::"memory");
	return hidden;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
