// SPDX-License-Identifier: MIT
/* The report of --files: a table for people, or JSON in a file. */
#include <fcntl.h>
#include <json-c/json.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include "vm/observe/files.h"
#include "vm/observe/observe.h"

static int report_fd = -1; /* --files=FILE; -1: standard error */

int files_open(struct sandbox *s)
{
	if (!s->opt.files_report || !s->opt.files_file)
		return 0;
	report_fd = observe_create("--files", s->opt.files_file, O_TRUNC);
	return report_fd < 0 ? EXIT_HOST : 0;
}

/* The report. The walk over the tree has no argument but these. */

static FILE *table;

static void print_row(const void *node, VISIT visit, int depth)
{
	const struct used *u = *(struct used *const *)node;
	static const struct {
		u32 use;
		const char *word;
	} words[] = {
		{READ, "read"},	      {WRITTEN, "written"},   {CREATED, "created"},
		{REMOVED, "removed"}, {EXECUTED, "executed"}, {CONNECTED, "connected"},
	};
	char text[64] = "";

	(void)depth;
	if (visit != postorder && visit != leaf)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		/* What is executed is read, and what is created is written, as a rule. */
		if (!(u->use & words[i].use) || (words[i].use == READ && u->use & EXECUTED))
			continue;
		if (*text)
			strcat(text, ",");
		strcat(text, words[i].word);
	}
	fprintf(table, "buffervm: %-16s ", text);
	for (const char *ch = u->name; *ch; ch++)
		fputc((u8)*ch < ' ' || *ch == 0x7f ? '?' : *ch, table);
	fputc('\n', table);
}

static struct json_object *lists[USES];

static void add_to_lists(const void *node, VISIT visit, int depth)
{
	const struct used *u = *(struct used *const *)node;

	(void)depth;
	if (visit != postorder && visit != leaf)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		if (u->use & 1u << i)
			json_object_array_add(lists[i], json_object_new_string(u->name));
}

static void report_json(void)
{
	static const char *const key[] = {"read",    "written",	 "created",
					  "removed", "executed", "connected"};
	struct json_object *all = json_object_new_object();
	const char *text;
	int err;

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++) {
		lists[i] = json_object_new_array();
		json_object_object_add(all, key[i], lists[i]);
	}
	twalk(used_files.tree, add_to_lists);
	if (used_files.left_out)
		json_object_object_add(all, "left_out",
				       json_object_new_uint64(used_files.left_out));
	text = json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE);
	err = observe_write(report_fd, text, strlen(text));
	if (!err)
		err = observe_write(report_fd, "\n", 1);
	if (err)
		message("--files: %s", host_error(-err));
	json_object_put(all);
}

void files_report(struct sandbox *s)
{
	char *text = NULL;
	size_t size = 0;

	pthread_mutex_lock(&used_files.lock);
	if (report_fd >= 0) {
		report_json();
	} else if ((table = open_memstream(&text, &size))) {
		twalk(used_files.tree, print_row);
		if (used_files.left_out)
			fprintf(table, "buffervm: %lu more\n", used_files.left_out);
		fclose(table);
		observe_write(s->stderr_fd, text, size);
		free(text);
	}
	pthread_mutex_unlock(&used_files.lock);
}
