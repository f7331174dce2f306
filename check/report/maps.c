// SPDX-License-Identifier: MIT
/* Parses the text of /proc/pid/maps, whose format proc(5) describes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "check/report/input.h"
#include "check/report/maps.h"

/*
 * Parses a line: "start-end perms offset dev inode", blanks, path. The kernel writes a newline in a
 * name as \012, so a path never spans lines.
 */
static bool parse_line(char *line, struct report_map *m)
{
	char perms[5];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %*u %n", &m->start,
		   &m->end, perms, &m->offset, &path) != 4 ||
	    !path || m->start >= m->end)
		return false;
	m->read = perms[0] == 'r';
	m->write = perms[1] == 'w';
	m->exec = perms[2] == 'x';
	m->path = line + path;
	m->file = line[path] == '/';
	m->line = line;
	return true;
}

int report_maps_parse(struct report_maps *maps, const char *text, size_t len)
{
	u32 lines = 1;
	u64 last = 0;

	memset(maps, 0, sizeof(*maps));
	maps->text = malloc(len + 1);
	if (!maps->text)
		return -ENOMEM;
	memcpy(maps->text, text, len);
	maps->text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	lines = MIN(lines, REPORT_MAPS_MAX);
	maps->map = calloc(lines, sizeof(*maps->map));
	if (!maps->map) {
		report_maps_free(maps);
		return -ENOMEM;
	}
	for (char *rest = maps->text, *line; maps->count < lines && (line = strsep(&rest, "\n"));) {
		struct report_map *m = &maps->map[maps->count];

		report_printable(line, strlen(line), false);
		if (parse_line(line, m) && m->start >= last) {
			last = m->end;
			maps->count++;
		}
	}
	return 0;
}

void report_maps_free(struct report_maps *maps)
{
	free(maps->map);
	free(maps->text);
	memset(maps, 0, sizeof(*maps));
}

static int compare(const void *key, const void *element)
{
	u64 addr = *(const u64 *)key;
	const struct report_map *m = element;

	return addr < m->start ? -1 : addr >= m->end;
}

const struct report_map *report_maps_find(const struct report_maps *maps, u64 addr)
{
	if (!maps->count)
		return NULL;
	return bsearch(&addr, maps->map, maps->count, sizeof(*maps->map), compare);
}

u64 report_maps_base(const struct report_maps *maps, const struct report_map *map)
{
	u64 base = map->start;

	for (u32 i = (u32)(map - maps->map); i > 0 && map->file; i--) {
		if (!maps->map[i - 1].file || strcmp(maps->map[i - 1].path, map->path) != 0)
			break;
		base = maps->map[i - 1].start;
	}
	return base;
}

bool report_maps_is_heap_library(const char *path)
{
	static const char name[] = "/buffervm/heap.so";
	size_t len = strlen(path);

	return len >= sizeof(name) - 1 && strcmp(path + len - (sizeof(name) - 1), name) == 0;
}
