/* SPDX-License-Identifier: MIT */
/*
 * The heap library in a program without an ld.so: mapped beside it by execve, and jumps to it over
 * the program's own malloc, free, operator new and so on, which the symbol table names.
 */
#ifndef KERNEL_CHECK_STATIC_H
#define KERNEL_CHECK_STATIC_H

struct binary;
struct mm;

/*
 * program is mapped in mm, where nothing runs yet; filename is for messages. Where it cannot be
 * done (no symbols, functions that are too short, ...), one line tells the user, and the program
 * is left as it was. -ENOMEM or another error of the mappings: mm is of no use any more.
 */
int chk_static(const struct binary *program, struct mm *mm, const char *filename);

/* One line for the user, once for each program: its heap is not watched, because of why. */
void chk_unwatched(const char *filename, const char *why);

#endif
