/* SPDX-License-Identifier: MIT */
/*
 * What the user of `buffervm check` asked for, as it goes from the monitor to the guest kernel in
 * boot_info; and whether this build has `check` at all. All else that check's parts say to each
 * other is in check/abi/check.h.
 */
#ifndef COMMON_CHECK_CONFIG_H
#define COMMON_CHECK_CONFIG_H

#include "types.h"

/* A constant: what stands behind it is compiled and not linked in a build without check. */
#ifdef BUFFERVM_CHECK
#define CHECK_BUILT 1
#else
#define CHECK_BUILT 0
#endif

enum {
	CHECK_ON = 1 << 0,
	CHECK_KEEP_GOING = 1 << 1, /* report and go on */
	CHECK_LEAKS = 1 << 2,	   /* look for leaks at exit ... */
	CHECK_REACHABLE = 1 << 3,  /* ... and report what is still reachable, too */
	CHECK_CORE = 1 << 4,	   /* an ELF core at a bug, see CHECK_CORE_PATTERN */
	CHECK_TIMELINE = 1 << 5,   /* keep samples of the heap's size for the report */
};

/* What the user asked for; in boot_info, and given to the library when it starts. */
struct check_config {
	u32 flags; /* CHECK_* */
	u32 level; /* enum chk_level */
	u32 sample;
	u32 align;    /* least alignment of objects in page mode: 1 to 16, a power of two */
	u32 guard;    /* CHK_GUARD_* */
	u32 depth;    /* frames kept of a stack, at most CHECK_DEPTH_MAX */
	u64 budget;   /* bytes of RAM beyond which page mode turns to alias mode; 0: chosen */
	u32 exitcode; /* of a process that is ended for a bug */
	u32 reserved;
};
#define CHECK_DEPTH_MAX	       64

/*
 * Default of check_config.exitcode: below what shells use for signals and their own failures (126
 * and up), not among those of common/exit_status.h, and rare in programs.
 */
#define CHECK_EXITCODE	       99

/*
 * CHECK_CORE: boot_info.core_pattern names the file as core(5) does, with %p (pid), %e (command),
 * %t (seconds since 1970) and %%; relative names are below the process's working directory.
 */
#define CHECK_CORE_PATTERN     "core.%p"
#define CHECK_CORE_PATTERN_MAX 128

#endif
