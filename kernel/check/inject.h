/* SPDX-License-Identifier: MIT */
/*
 * How the heap library gets into a program that an ld.so puts together: by LD_PRELOAD, which the
 * program does not see. execve writes the string outside the part of the stack that is the
 * environment's, and pointers to it into envp[]: struct exec_preload (kernel/exec/stack.h). The
 * program's own LD_PRELOAD, if it has one, is behind ours in the string.
 *
 * As soon as the library says that it is there, the pointers are put back; the two at the end
 * become a NULL and, with the old NULL, an entry AT_IGNORE of the auxiliary vector, whose place
 * does not change: who knows it finds it, and so does who walks past envp[]'s end once more.
 */
#ifndef KERNEL_CHECK_INJECT_H
#define KERNEL_CHECK_INJECT_H

#include "common/types.h"

struct exec_chunk;
struct ofile;

/* The file that loaders open: only its name is in /proc, no directory lists it. */
#define CHK_LIBRARY_PATH "/proc/self/buffervm/heap.so"

/* Does this file, by its name, put programs together (ld-linux-x86-64.so.2, ld-musl-*.so.1)? */
bool chk_is_loader(const char *path);

/*
 * The string for a program with these argument and environment strings: kmalloc'ed. NULL: no
 * memory, or there is to be none, since the loader is only asked what it would load.
 */
char *chk_preload(const struct exec_chunk *chunk, u32 chunks, u32 argc);

/* The library in the running program is there: its traces go. */
void chk_inject_undo(void);

/* The library's file; a reference. NULL: no memory. */
struct ofile *chk_library(void);

#endif
