/* SPDX-License-Identifier: MIT */
/*
 * The options of `buffervm check` that the monitor passes to the guest kernel in boot info, and the
 * constant that tells whether this build has `check`. The other interfaces between the parts of
 * `check` are in check/abi/check.h.
 */
#ifndef COMMON_CHECK_CONFIG_H
#define COMMON_CHECK_CONFIG_H

#include "types.h"

/*
 * 1 in a build with check. The constant is for `if`: a build without check compiles the code behind
 * it but does not link what that code calls.
 */
#ifdef BUFFERVM_CHECK
#define CHECK_BUILT 1
#else
#define CHECK_BUILT 0
#endif

enum {
	CHECK_ON = 1 << 0,
	CHECK_KEEP_GOING = 1 << 1,   /* let the program run on after a report */
	CHECK_LEAKS = 1 << 2,	     /* search for leaks at exit ... */
	CHECK_REACHABLE = 1 << 3,    /* ... and report reachable objects, too */
	CHECK_CORE = 1 << 4,	     /* write an ELF core at a bug: CHECK_CORE_PATTERN */
	CHECK_TIMELINE = 1 << 5,     /* keep samples of the heap's size over time */
	CHECK_SIZED_DELETE = 1 << 6, /* compare the sizes and alignments of operator delete */
};

/* Part of boot_info; the kernel passes it on to the heap library when that starts. */
struct check_config {
	u32 flags; /* CHECK_* */
	u32 level; /* enum chk_level */
	u32 sample;
	u32 align;  /* least alignment of objects in page mode: 1 to 16, a power of two */
	u32 guard;  /* CHK_GUARD_* */
	u32 depth;  /* frames kept of each call stack: 1 to CHECK_DEPTH_MAX */
	u64 budget; /* bytes of RAM for page mode, then objects are packed; 0: the kernel chooses */
	u32 exitcode; /* exit status of a process that ends because of a bug */
	u32 reserved;
};
#define CHECK_DEPTH_MAX	       64

/*
 * Default of check_config.exitcode. Shells use 126 and above for signals and for failures of their
 * own; common/exit_status.h has others; programs rarely use 99.
 */
#define CHECK_EXITCODE	       99

/*
 * CHECK_CORE: boot_info.check_core_pattern is the name of the core file, with the specifiers %p
 * (pid), %e (command), %t (seconds since 1970) and %% of core(5). A relative name is relative to
 * the process's working directory.
 */
#define CHECK_CORE_PATTERN     "core.%p"
#define CHECK_CORE_PATTERN_MAX 128

#endif
