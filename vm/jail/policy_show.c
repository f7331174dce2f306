// SPDX-License-Identifier: MIT
/* Prints a policy: as a file that --policy reads again, and as JSON. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include "vm/jail/policy.h"
#include "vm/vm.h"

/* Prints a value so that policy_file.c reads the same one: in quotes, if it has to be. */
static void print_value(const char *text, FILE *to)
{
	bool plain = *text && *text != '"' && *text != '~' && text[strlen(text) - 1] != '?';

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '#' || *c == 0x7f)
			plain = false;
	if (plain) {
		fputs(text, to);
		return;
	}
	putc('"', to);
	for (const char *c = text; *c; c++)
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			fprintf(to, "\\x%02x", (unsigned char)*c);
		else
			putc(*c, to);
	putc('"', to);
}

static void print_line(const char *word, const char *value, FILE *to)
{
	if (!value)
		return;
	fprintf(to, "%s ", word);
	print_value(value, to);
	putc('\n', to);
}

void policy_write_rule(FILE *to, enum path_kind kind, const char *path)
{
	print_line(path_kind_word(kind), path, to);
}

static void print_number(const char *word, u64 value, FILE *to)
{
	if (value)
		fprintf(to, "%s %lu\n", word, value);
}

/* Returns the value of a rule's line; the caller frees it. NULL if memory is exhausted. */
static char *rule_value(const struct path_rule *r)
{
	char *text;

	if (r->kind != PATH_BIND)
		return strdup(r->path);
	return asprintf(&text, "%s:%s", r->source, r->path) < 0 ? NULL : text;
}

void policy_show(const struct jail_policy *p, FILE *to)
{
	fputs("no-defaults\n", to);
	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];
		char *value = rule_value(r);

		if (!value)
			return;
		fprintf(to, "%s ", path_kind_word(r->kind));
		print_value(value, to);
		/* A temporary directory is made, so it is never missing. */
		fputs(r->optional && r->kind != PATH_TMPFS ? "?" : "", to);
		if (p->used && i < p->own_paths && path_kind_allows(r->kind, false))
			fputs(policy_used_needs(r) ? " # used" : " # not used", to);
		putc('\n', to);
		free(value);
	}
	if (p->used)
		policy_used_missing(p, to);
	print_line("root", p->root, to);
	print_line("cwd", p->cwd, to);
	if (p->diff)
		fprintf(to, "diff%s\n", p->diff_patch ? " patch" : "");
	print_line("layer", p->layer, to);
	if (p->commit)
		fprintf(to, "commit%s\n", p->commit_always ? " always" : "");
	for (u32 i = 0; i < p->env.count; i++)
		print_line("env", p->env.text[i], to);
	print_line("hostname", p->hostname, to);
	if (p->as_root)
		fputs("as-root\n", to);
	print_number("mem", p->mem, to);
	print_number("pids", p->pids, to);
	print_number("fds", p->fds, to);
	if (p->limits.cpu_share)
		fprintf(to, "cpus %u.%03u\n", p->limits.cpu_share / 1000,
			p->limits.cpu_share % 1000);
	else
		print_number("cpus", p->cpus, to);
	policy_show_network(p, to);
}

static void add_text(json_object *to, const char *name, const char *text)
{
	if (text)
		json_object_object_add(to, name, json_object_new_string(text));
}

static void add_number(json_object *to, const char *name, u64 value)
{
	if (value)
		json_object_object_add(to, name, json_object_new_uint64(value));
}

void policy_show_json(const struct jail_policy *p, FILE *to)
{
	json_object *all = json_object_new_object(), *paths = json_object_new_array();
	json_object *env = json_object_new_array();

	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];
		json_object *row = json_object_new_object();

		add_text(row, "rule", path_kind_word(r->kind));
		add_text(row, "path", r->path);
		add_text(row, "source", r->source);
		json_object_object_add(row, "optional", json_object_new_boolean(r->optional));
		json_object_array_add(paths, row);
	}
	for (u32 i = 0; i < p->env.count; i++)
		json_object_array_add(env, json_object_new_string(p->env.text[i]));
	json_object_object_add(all, "paths", paths);
	add_text(all, "root", p->root);
	add_text(all, "cwd", p->cwd);
	json_object_object_add(all, "diff", json_object_new_boolean(p->diff));
	add_text(all, "layer", p->layer);
	add_text(all, "commit", !p->commit ? NULL : p->commit_always ? "always" : "on success");
	json_object_object_add(all, "env", env);
	add_text(all, "hostname", p->hostname);
	if (p->as_root)
		json_object_object_add(all, "as_root", json_object_new_boolean(true));
	add_number(all, "mem", p->mem);
	add_number(all, "pids", p->pids);
	add_number(all, "fds", p->fds);
	if (p->limits.cpu_share)
		json_object_object_add(all, "cpus",
				       json_object_new_double(p->limits.cpu_share / 1000.0));
	else
		add_number(all, "cpus", p->cpus);
	policy_show_network_json(p, all);
	fprintf(to, "%s\n",
		json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}
