// SPDX-License-Identifier: MIT
/* Excerpts of source files. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check/report/source.h"

#define FILE_MAX  (16L << 20)
#define SHOWN_MAX 160

static bool is_source_name(const char *path)
{
	static const char *const endings[] = {
		".c",	".h",	".cc",	".hh",	".cpp", ".hpp", ".cxx", ".hxx",
		".c++", ".h++", ".inc", ".tcc", ".ipp", ".inl", ".rs",	".go",
		".d",	".zig", ".f",	".f90", ".s",	".y",	".l",	".m",
		".mm",	".adb", ".ads", ".pas", ".nim", ".def", ".cu",
	};
	const char *dot = strrchr(path, '.');

	if (!dot || strchr(dot, '/'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (strcasecmp(dot, endings[i]) == 0)
			return true;
	return false;
}

static int open_source(const char *directory, const char *path)
{
	char joined[PATH_MAX];

	if (path[0] != '/') {
		if (directory[0] != '/' || snprintf(joined, sizeof(joined), "%s/%s", directory,
						    path) >= (int)sizeof(joined))
			return -1;
		path = joined;
	}
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

char *report_source(const char *directory, const char *path, u32 line, u32 *first)
{
	u32 from = line > REPORT_SOURCE_AROUND ? line - REPORT_SOURCE_AROUND : 1, at = 0;
	char *text = NULL, *row = NULL;
	size_t len, space = 0;
	FILE *in, *out;
	struct stat st;
	ssize_t n;
	int fd;

	if (!line || !is_source_name(path))
		return NULL;
	fd = open_source(directory, path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX ||
	    !(in = fdopen(fd, "r"))) {
		close(fd);
		return NULL;
	}
	out = open_memstream(&text, &len);
	while (out && at < line + REPORT_SOURCE_AROUND && (n = getline(&row, &space, in)) >= 0) {
		if (++at < from)
			continue;
		while (n > 0 && (row[n - 1] == '\n' || row[n - 1] == '\r'))
			n--;
		fprintf(out, "%.*s\n", (int)(n < SHOWN_MAX ? n : SHOWN_MAX), row);
	}
	free(row);
	fclose(in);
	if (!out)
		return NULL;
	fclose(out);
	if (at < line) {
		free(text);
		return NULL;
	}
	*first = from;
	return text;
}
