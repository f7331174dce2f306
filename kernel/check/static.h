/* SPDX-License-Identifier: MIT */
/*
 * The heap library in a program without an ld.so. execve maps the library near the program. It
 * finds the program's own malloc, free, operator new and so on in the symbol table, and overwrites
 * the beginning of each with a jump into the library.
 */
#ifndef KERNEL_CHECK_STATIC_H
#define KERNEL_CHECK_STATIC_H

struct binary;
struct mm;

/*
 * Puts the library into mm, where program is mapped and nothing runs yet; filename is for messages.
 * Returns 0 also if the program does not allow it (no symbols, functions that are too short, ...);
 * chk_unwatched then tells the user, and the program is unchanged. After -ENOMEM or another error
 * mm must not be used.
 */
int chk_static(const struct binary *program, struct mm *mm, const char *filename);

/*
 * Tells the user in one line that the heap of filename is not watched, and why. Repetitions for the
 * last 64 names are dropped. No lock is held.
 */
void chk_unwatched(const char *filename, const char *why);

#endif
