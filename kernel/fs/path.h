/* SPDX-License-Identifier: MIT */
/* Paths as text: pure logic, tested on the host (tests/unit/path_test.c). */
#ifndef KERNEL_FS_PATH_H
#define KERNEL_FS_PATH_H

#include "common/types.h"

/*
 * Joins base and path without ".", ".." and empty components; an absolute path ignores base. The
 * result is lexical, so it is right only if no component is a symbolic link. out has size bytes.
 * The result starts with '/' and, unless it is "/", does not end with one. Returns its length, or
 * -ENAMETOOLONG.
 */
s64 path_normalise(char *out, u64 size, const char *base, const char *path);

/*
 * Returns true only if path cannot lead to one of the kernel's own names from any host directory.
 * Returns false for some other paths, too.
 */
bool path_is_plain(const char *path);

/*
 * Returns true if path ends in "/", "." or "..": "link/" and "link/." name the target of the link
 * and not the link (path_resolution(7)).
 */
bool path_ends_in_directory(const char *path);

/* Returns what follows prefix ("" or "/...") if path is prefix or lies below it; else NULL. */
const char *path_below(const char *path, const char *prefix);

/*
 * Replaces the host's links into /proc/self, such as /dev/fd, in a normalised path of size bytes by
 * the name in /proc. whole: also if path is the link itself.
 */
void path_replace_alias(char *path, u64 size, bool whole);

/* Returns the decimal number, without sign or leading zeros, that is s up to len; -1: no such. */
s32 path_number(const char *s, u64 len);

#endif
