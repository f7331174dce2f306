/* SPDX-License-Identifier: MIT */
/*
 * Guest memory for unit tests of kernel/mm/: a range of the host's address space that stands for
 * the physmap, RAM that grows by hc_ram_grow, windows on made-up files, and page tables that are
 * only memory. A panic of the kernel's code fails the test.
 */
#ifndef TESTS_FAKE_RAM_H
#define TESTS_FAKE_RAM_H

#include "common/types.h"
#include "common/layout.h"

#define FAKE_WINDOW_BASE (RAM_BASE + (8UL << 30))
#define FAKE_TABLES	 64 /* pages that are no frames, for page tables */
#define FAKE_FILES	 4
#define FAKE_FILE_MAX	 (8UL << 20) /* most bytes of a file */

/* Starts again with this much RAM now and at most. Everything is zero. */
void fake_ram_init(u64 size, u64 max);
void *fake_phys(u64 gpa);

struct fake_ram {
	u64 grown;		   /* calls of ram_grow that added something */
	u64 discarded;		   /* bytes given back */
	u64 windows;		   /* open ones */
	u64 file_size[FAKE_FILES]; /* handle - 1 is the index; content: fake_file */
	u64 version[FAKE_FILES];   /* as struct hostcall_window has it */
	u64 anon_windows;	   /* made so far, on memfds */
};
extern struct fake_ram fake_ram;
void *fake_file(s32 handle);

#endif
