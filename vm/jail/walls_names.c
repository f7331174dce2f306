// SPDX-License-Identifier: MIT
/* The names of walls (walls.h). */
#include <stdio.h>
#include <string.h>
#include "vm/jail/walls.h"
#include "vm/vm.h"

const struct wall_name wall_names[WALLS] = {
#define X(name, text) [WALL_##name] = {#name, text},
	WALLS_TABLE(X)
#undef X
};

int walls_parse(u32 *set, const char *option, const char *list)
{
	const char *end;

	for (const char *name = list; *name; name = *end ? end + 1 : end) {
		u32 i = 0;
		size_t len;

		end = strchrnul(name, ',');
		len = (size_t)(end - name);
		while (i < WALLS &&
		       (strlen(wall_names[i].name) != len || memcmp(wall_names[i].name, name, len)))
			i++;
		if (i == WALLS) {
			message("%s: no wall is called %.*s", option, (int)len, name);
			for (i = 0; i < WALLS; i++)
				message("  %s: %s", wall_names[i].name, wall_names[i].text);
			return EXIT_USAGE;
		}
		*set |= WALL_BIT(i);
	}
	return 0;
}

bool walls_names(u32 set, char *to, size_t size)
{
	size_t len = 0;

	to[0] = '\0';
	for (u32 i = 0; i < WALLS; i++)
		if (set & WALL_BIT(i) && len < size)
			len += (size_t)snprintf(to + len, size - len, "%s%s", len ? "," : "",
						wall_names[i].name);
	return set != 0;
}
