/* SPDX-License-Identifier: MIT */
/*
 * How the heap library gets into a program that an ld.so loads: by an LD_PRELOAD variable that the
 * program does not see. execve writes the variable's string outside the environment's part of the
 * stack, and pointers to the string into envp[]: struct exec_preload (kernel/exec/stack.h). If the
 * program has an LD_PRELOAD of its own, its value follows the library's path in the string.
 *
 * The library's CHK_CALL_START restores the pointers. Of the two slots added at the end of envp[],
 * the first becomes NULL. The second and the old NULL behind it become an AT_IGNORE entry, at the
 * head of the auxiliary vector. The vector's other entries do not move. So code finds the vector
 * both at its old address and by walking to the NULL of envp[].
 */
#ifndef KERNEL_CHECK_INJECT_H
#define KERNEL_CHECK_INJECT_H

#include "common/types.h"

struct exec_chunk;
struct ofile;

/* The path at which loaders open the library. The path exists, but no directory lists it. */
#define CHK_LIBRARY_PATH "/proc/self/buffervm/heap.so"

/* Returns whether a file is a loader by its name (ld-linux-x86-64.so.2, ld-musl-*.so.1, ...). */
bool chk_is_loader(const char *path);
/* Returns whether a loader's name is that of musl's. */
bool chk_is_musl(const char *path);

/*
 * Makes the LD_PRELOAD string for a program with these argument and environment strings; the caller
 * frees it with kfree. Returns NULL without memory, and if LD_TRACE_LOADED_OBJECTS is set, because
 * the loader is then only asked which libraries it would load (ldd).
 */
char *chk_preload(const struct exec_chunk *chunk, u32 chunks, u32 argc);

/*
 * Removes the traces of the string from the running program's stack, once the library is loaded.
 * No lock is held.
 */
void chk_inject_undo(void);

/*
 * Returns a reference to the library's file, or NULL if the monitor or the kernel cannot open it.
 */
struct ofile *chk_library(void);

#endif
