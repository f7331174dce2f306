// SPDX-License-Identifier: MIT
/*
 * Paths as text. The host resolves names. This file finds the few names that must not reach the
 * host because they would show the monitor: names in /proc, and the links in /dev that lead there.
 */
#include "kernel/fs/path.h"
#include "kernel/kernel.h"

s64 path_normalise(char *out, u64 size, const char *base, const char *path)
{
	const char *component[2] = {*path == '/' ? "" : base, path};
	u64 len = 0;

	if (size < 2)
		return -ENAMETOOLONG;
	for (int i = 0; i < 2; i++) {
		const char *p = component[i];

		while (*(p += strspn(p, "/"))) {
			u64 n = strcspn(p, "/");

			if (n == 2 && p[0] == '.' && p[1] == '.') {
				while (len && out[--len] != '/')
					;
			} else if (n != 1 || p[0] != '.') {
				if (len + n + 2 > size)
					return -ENAMETOOLONG;
				out[len] = '/';
				memcpy(out + len + 1, p, n);
				len += n + 1;
			}
			p += n;
		}
	}
	if (!len)
		out[len++] = '/';
	out[len] = 0;
	return len;
}

/* Returns true if a component of path is exactly name. */
static bool has_component(const char *path, const char *name)
{
	u64 n = strlen(name);

	for (const char *p = path; (p = strstr(p, name)); p += n)
		if ((p == path || p[-1] == '/') && (!p[n] || p[n] == '/'))
			return true;
	return false;
}

bool path_is_plain(const char *path)
{
	/* All but "proc" and "dev" are for paths that start in the host's /proc or /dev. */
	return !has_component(path, "proc") && !has_component(path, "dev") &&
	       !has_component(path, "self") && !has_component(path, "thread-self") &&
	       strncmp(path, "fd", 2) != 0 && strncmp(path, "std", 3) != 0;
}

bool path_ends_in_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	return (slash && !*last) || !strcmp(last, ".") || !strcmp(last, "..");
}

const char *path_below(const char *path, const char *prefix)
{
	u64 n = strlen(prefix);

	if (strncmp(path, prefix, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path + n;
}

void path_replace_alias(char *path, u64 size, bool whole)
{
	static const struct {
		const char *name, *target;
	} alias[] = {
		{"/dev/fd", "/proc/self/fd"},
		{"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"},
		{"/dev/stderr", "/proc/self/fd/2"},
	};

	for (u32 i = 0; i < ARRAY_SIZE(alias); i++) {
		const char *rest = path_below(path, alias[i].name);
		u64 n = strlen(alias[i].target), r;

		if (!rest || (!*rest && !whole))
			continue;
		r = strlen(rest);
		if (n + r + 1 > size)
			return;
		memmove(path + n, rest, r + 1);
		memcpy(path, alias[i].target, n);
		return;
	}
}

s32 path_number(const char *s, u64 len)
{
	u64 n = 0;

	if (!len || len > 10 || (s[0] == '0' && len > 1))
		return -1;
	for (u64 i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	return n > 0x7fffffff ? -1 : (s32)n;
}
