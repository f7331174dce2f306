/* SPDX-License-Identifier: MIT */
/* Paths as text: pure logic, tested on the host (tests/unit/path_test.c). */
#ifndef KERNEL_FS_PATH_H
#define KERNEL_FS_PATH_H

#include "common/types.h"

/*
 * base and path in one, without ".", ".." and empty parts; an absolute path ignores base. Lexical:
 * right only where no part is a symbolic link. out has size bytes; the result starts with '/' and
 * has no trailing one. Its length, or -ENAMETOOLONG.
 */
s64 path_normalise(char *out, u64 size, const char *base, const char *path);

/* A path that cannot lead to a name of ours from any host directory; cheap and never wrong. */
bool path_is_plain(const char *path);

/* "link/" and "link/." are what the link leads to, not the link: path_resolution(7). */
bool path_ends_in_directory(const char *path);

/* path is prefix, or lies below it: what follows prefix ("" or "/..."); NULL otherwise. */
const char *path_below(const char *path, const char *prefix);

/*
 * The host's links into /proc/self: the name in /proc that a normalised path stands for, written
 * over path (size bytes). whole: also where the link itself is the end of path.
 */
void path_replace_alias(char *path, u64 size, bool whole);

/* A decimal number without sign or leading zeros, the whole of s up to len; -1 if it is none. */
s32 path_number(const char *s, u64 len);

#endif
