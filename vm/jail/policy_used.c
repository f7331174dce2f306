// SPDX-License-Identifier: MIT
/*
 * What a run used, beside what a policy grants: --show --used=FILE. FILE is a policy that --learn
 * wrote, or the lines that --audit wrote.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include "vm/jail/policy.h"
#include "vm/vm.h"

struct used {
	const char *path;
	bool write;
};

static struct {
	struct used *used;
	u32 count, space;
} list;

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return len == 1 || (!strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0'));
}

bool path_kind_allows(enum path_kind kind, bool write)
{
	switch (kind) {
	case PATH_WRITE:
	case PATH_TMPFS:
	case PATH_OVERLAY:
		return true;
	case PATH_READ:
	case PATH_PROTECT:
	case PATH_BIND:
		return !write;
	default:
		return false;
	}
}

const struct path_rule *policy_decides(const struct jail_policy *p, const char *path)
{
	const struct path_rule *best = NULL;

	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];

		if (!is_below(path, r->path))
			continue;
		if (r->kind == PATH_DENY || r->kind == PATH_HIDE)
			return r;
		/* Of two rules for one path, that which allows more: a bind that may be written. */
		if (!best || strlen(r->path) > strlen(best->path) ||
		    (!strcmp(r->path, best->path) && path_kind_allows(r->kind, true)))
			best = r;
	}
	return best;
}

static bool add(const char *path, bool write)
{
	struct used *more;

	if (list.count == list.space) {
		u32 space = list.space ? 2 * list.space : 64;

		more = reallocarray(list.used, space, sizeof(*more));
		if (!more)
			return false;
		list.used = more;
		list.space = space;
	}
	list.used[list.count].path = strdup(path);
	list.used[list.count].write = write;
	return list.used[list.count++].path != NULL;
}

/* Reads a line of --audit. Returns false if it is none. */
static bool add_refusal(const char *line)
{
	json_object *all = json_tokener_parse(line), *path, *wanted;
	bool done = json_object_object_get_ex(all, "wanted", &wanted);

	/* Addresses are not compared. */
	if (done && json_object_object_get_ex(all, "path", &path))
		done = add(json_object_get_string(path),
			   !strcmp(json_object_get_string(wanted), "write"));
	json_object_put(all);
	return done;
}

static int read_refusals(FILE *from, const char *file)
{
	char *line = NULL;
	size_t size = 0;
	u32 number = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &size, from) > 0) {
		number++;
		if (!add_refusal(line)) {
			message("%s:%u: this is no line of --audit", file, number);
			ret = EXIT_USAGE;
		}
	}
	free(line);
	return ret;
}

int policy_used_read(const char *file)
{
	struct jail_policy learned = {0};
	FILE *from = fopen(file, "re");
	int first, ret = 0;

	if (!from) {
		message("--used: %s: %s", file, strerror(errno));
		return EXIT_USAGE;
	}
	first = getc(from);
	ungetc(first, from);
	if (first == '{')
		ret = read_refusals(from, file);
	fclose(from);
	if (first == '{')
		return ret;
	ret = policy_read_file(&learned, file);
	for (u32 i = 0; i < learned.paths.count && ret == 0; i++)
		if (path_kind_allows(learned.paths.rule[i].kind, false) &&
		    !add(learned.paths.rule[i].path,
			 path_kind_allows(learned.paths.rule[i].kind, true)))
			ret = EXIT_HOST;
	return ret;
}

bool policy_used_needs(const struct path_rule *rule)
{
	bool writes = rule->kind == PATH_WRITE;

	for (u32 i = 0; i < list.count; i++) {
		const struct used *u = &list.used[i];

		/* A learned directory may stand for what is below it. */
		if ((u->write || !writes) &&
		    (is_below(u->path, rule->path) || is_below(rule->path, u->path)))
			return true;
	}
	return false;
}

void policy_used_missing(const struct jail_policy *p, FILE *to)
{
	for (u32 i = 0; i < list.count; i++) {
		const struct used *u = &list.used[i];
		const struct path_rule *r = policy_decides(p, u->path);
		bool again = false;

		for (u32 k = 0; k < i && !again; k++)
			again = list.used[k].write == u->write &&
				!strcmp(list.used[k].path, u->path);
		if (again || (r && path_kind_allows(r->kind, u->write)))
			continue;
		fputs("# used, but not granted: ", to);
		policy_write_rule(to, u->write ? PATH_WRITE : PATH_READ, u->path);
	}
}
