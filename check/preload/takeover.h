/* SPDX-License-Identifier: MIT */
/*
 * A process may reach the C library's own malloc although this library stands in front of it: a
 * plugin that was opened with RTLD_DEEPBIND finds its own libraries first, and dlmopen(3) loads a
 * second C library. Objects of two heaps must not mix, because a program may release in one module
 * what another one made. So the entries of the C library's malloc family become jumps to this
 * library's functions, as those of a static program do (kernel/check/static.c).
 */
#ifndef CHECK_PRELOAD_TAKEOVER_H
#define CHECK_PRELOAD_TAKEOVER_H

/* Takes over the C library that the program was started with. Called before the program runs. */
void takeover_libc(void);

#endif
