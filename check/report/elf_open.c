// SPDX-License-Identifier: MIT
/* See elf_open.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "check/report/dwp.h"
#include "check/report/elf_open.h"
#include "check/report/zstd.h"

int __wrap_open(const char *path, int flags, ...);

bool elf_open_plainly;

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && strcmp(path + len - n, end) == 0;
}

/* The reporter creates no file with this function, so there is no mode. */
int __wrap_open(const char *path, int flags, ...)
{
	int fd = openat(AT_FDCWD, path, flags), error = errno;

	if (fd < 0 && ends_with(path, ".dwo")) {
		fd = dwp_open();
		errno = error;
	}
	return elf_open_plainly ? fd : zstd_expanded(fd);
}
