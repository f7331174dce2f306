/* SPDX-License-Identifier: MIT */
/*
 * Attempts to leave a sandbox. Each is a function that tries to reach bait, which tests/attack/run
 * made in namespaces and a root of its own:
 *
 *   /bait      nothing of it is in the policy: secret, target (writable by all), dir, sock, dsock,
 *              run (a program), link (to secret)
 *   /play      the policy lets programs write here, but not reach /play/denied (--deny)
 *   /ro        the policy lets programs read here; out is a link to /bait/secret
 *
 * A process outside listens on TCP and UDP port BAIT_PORT of 127.0.0.1 and ::1, and on the unix
 * sockets, path and abstract; it answers BAIT. Standard input is a file of the bait, open for
 * reading.
 *
 * The same attempt without the sandbox, its twin, has to reach the bait: an attempt that never
 * reaches anything shows nothing.
 */
#ifndef TESTS_ATTACK_H
#define TESTS_ATTACK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define BAIT_TEXT "BAIT"
#define BAIT_PORT 4711
#define OPEN_PORT 4712 /* allowed where an attempt's options say so */

enum attempt_flag {
	RAW = 1, /* makes hostcalls itself: only where the guest kernel is in reach (ring-3 mode) */
	NATIVE = 2, /* the twin is a native process, since BufferVM has no such thing for any
		       program */
	AS_ROOT = 4,
	AS_USER = 8,
	LIMIT = 16,   /* reaches its bait by getting more than a limit; the twin has none */
	THREADS = 32, /* not with --no-patch --cpus=1 */
};

struct attempt {
	const char *group, *name;
	int flags;
	const char *options; /* for buffervm run, besides those of all attempts */
	int (*run)(void);    /* 0: the bait was reached; else the error that stopped the attempt */
};

#define ATTEMPT(group, name, flags, options)                                                       \
	static int name(void);                                                                     \
	__attribute__((section("attempts"), used,                                                  \
		       aligned(8))) static struct attempt attempt_##name = {group, #name, flags,   \
									    options, name};        \
	static int name(void)

/* The result of an attempt that reached its bait if cond holds. errno was set by what failed. */
#define REACHED(cond) return (cond) ? 0 : errno ? errno : EPERM

/* Returns true if a file begins with the bait's text. fd -1: false. Closes fd. */
bool is_bait(int fd);
bool reads_bait(const char *path);
/* Returns true if a connected socket answers with the bait's text. Closes it. */
bool answers_bait(int fd);

/*
 * Makes a hostcall from the program. Strings and buffers are put into the hostcall area by
 * raw_path and raw_buffer, which return the argument; raw_at returns where a buffer is. raw_segs
 * describes one range of guest memory that both sides can reach.
 */
long raw(unsigned nr, ...); /* seven arguments at most, unsigned long each, ended by RAW_END */
#define RAW_END 0x5afe5afe5afeUL
unsigned long raw_path(const char *path);
unsigned long raw_buffer(const void *bytes, unsigned len);
void *raw_at(unsigned long buffer);
unsigned long raw_segs(unsigned len);
void *raw_shared(void); /* the memory that raw_segs describes */
void raw_begin(void);	/* before the first use, and to use the area anew */

#endif
