/* SPDX-License-Identifier: MIT */
/* The mappings of a program, parsed from the text of /proc/pid/maps in a report. */
#ifndef REPORT_MAPS_H
#define REPORT_MAPS_H

#include <stdio.h>
#include "common/types.h"

struct report_map {
	u64 start, end, offset; /* [start, end), sorted, without overlap */
	bool read, write, exec;
	bool file;	  /* of a file: path is absolute */
	const char *path; /* printable UTF-8; "" for none */
	const char *line; /* the whole line, printable, NUL-terminated */
};

struct report_maps {
	struct report_map *map;
	u32 count;
	char *text; /* owns the lines */
};

#define REPORT_MAPS_MAX 65536

/*
 * Parses len bytes of text. Lines that are malformed, or not behind the previous mapping, are left
 * out, and so are mappings beyond REPORT_MAPS_MAX. Returns 0 or -ENOMEM.
 */
int report_maps_parse(struct report_maps *maps, const char *text, size_t len);
void report_maps_free(struct report_maps *maps);

/* Returns the mapping that contains addr, or NULL. */
const struct report_map *report_maps_find(const struct report_maps *maps, u64 addr);

/*
 * Returns the address from which offsets in the file of map are counted: the start of the first of
 * the neighbouring mappings of that file.
 */
u64 report_maps_base(const struct report_maps *maps, const struct report_map *map);

/* Returns whether path is the heap library's, whose frames stacks do not show. */
bool report_maps_is_heap_library(const char *path);

/* Returns whether addr is canonical, with 48-bit addresses. */
static inline bool report_is_canonical(u64 addr)
{
	return (u64)((s64)(addr << 16) >> 16) == addr;
}

#endif
