/* SPDX-License-Identifier: MIT */
/* The mappings of a program, from the text of /proc/pid/maps that comes with a report. */
#ifndef REPORT_MAPS_H
#define REPORT_MAPS_H

#include <stdio.h>
#include "common/types.h"

struct report_map {
	u64 start, end, offset; /* [start, end), sorted, without overlap */
	bool read, write, exec;
	bool file;	  /* of a file: path is absolute */
	const char *path; /* "" for none; printable but for what is behind raw */
	const char *line; /* the whole line, NUL-terminated, as it came */
};

struct report_maps {
	struct report_map *map;
	u32 count;
	char *text; /* owns the lines */
};

#define REPORT_MAPS_MAX 65536

/* Lines that are malformed, overlap or run backwards are left out. 0 or -ENOMEM. */
int report_maps_parse(struct report_maps *maps, const char *text, size_t len);
void report_maps_free(struct report_maps *maps);

/* The mapping that has this address; NULL: none. */
const struct report_map *report_maps_find(const struct report_maps *maps, u64 addr);

/* Address of the first mapping of this mapping's file, from which offsets are counted. */
u64 report_maps_base(const struct report_maps *maps, const struct report_map *map);

/* The library that `buffervm check` itself puts into programs: not shown in stacks. */
bool report_maps_is_heap_library(const char *path);

/* An address that x86-64 can have, with 48 bits. */
static inline bool report_is_canonical(u64 addr)
{
	return (u64)((s64)(addr << 16) >> 16) == addr;
}

#endif
