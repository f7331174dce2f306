// SPDX-License-Identifier: MIT
/*
 * Writes SARIF 2.1.0 (OASIS): one run, with a rule for each kind that occurred and a result for
 * each finding that was kept. Code-scanning services show the message, the first location and the
 * stacks.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/words.h"

#define SCHEMA                                                                                     \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"                      \
	"sarif-schema-2.1.0.json"

static struct json_object *text_object(const char *key, const char *text)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, key, json_object_new_string(text));
	return o;
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

/* Returns the path as a URI, escaped as RFC 3986 requires. The caller frees it. */
static char *file_uri(const char *path)
{
	char *uri = NULL;
	size_t len;
	FILE *out = open_memstream(&uri, &len);

	if (!out)
		return NULL;
	if (path[0] == '/')
		fputs("file://", out);
	for (const u8 *p = (const u8 *)path; *p; p++)
		fprintf(out, isalnum(*p) || strchr("-._~/+", *p) ? "%c" : "%%%02X", *p);
	fclose(out);
	return uri;
}

static struct json_object *make_location(const struct report_frame *f)
{
	struct json_object *location = json_object_new_object();
	struct json_object *physical = json_object_new_object();
	struct json_object *logical = json_object_new_array();
	const char *path = f->line ? f->file : f->module;
	char *uri = path[0] ? file_uri(path) : NULL;
	char *words = NULL;
	size_t len;
	FILE *out = open_memstream(&words, &len);

	if (uri) {
		json_object_object_add(physical, "artifactLocation", text_object("uri", uri));
		if (f->line) {
			struct json_object *region = json_object_new_object();

			add_number(region, "startLine", f->line);
			if (f->column)
				add_number(region, "startColumn", f->column);
			json_object_object_add(physical, "region", region);
		}
		json_object_object_add(location, "physicalLocation", physical);
	} else {
		json_object_put(physical);
	}
	if (f->function[0]) {
		struct json_object *function = text_object("fullyQualifiedName", f->function);

		add_text(function, "kind", "function");
		json_object_array_add(logical, function);
	}
	json_object_object_add(location, "logicalLocations", logical);
	if (out) {
		report_words_frame(out, f);
		fclose(out);
		json_object_object_add(location, "message", text_object("text", words));
	}
	free(words);
	free(uri);
	return location;
}

static struct json_object *make_stack(const struct report_finding *f, u32 which)
{
	const struct report_stack *s = &f->analysis.stack[which];
	struct json_object *stack = json_object_new_object(), *frames = json_object_new_array();
	char *words = NULL;
	size_t len;
	FILE *out = open_memstream(&words, &len);

	if (out) {
		report_words_stack(out, f, which);
		fclose(out);
		json_object_object_add(stack, "message", text_object("text", words));
	}
	free(words);
	for (u32 i = 0; i < s->count; i++) {
		struct json_object *frame = json_object_new_object();

		json_object_object_add(frame, "location", make_location(&s->frame[i]));
		if (s->frame[i].module[0])
			add_text(frame, "module", s->frame[i].module);
		json_object_array_add(frames, frame);
	}
	json_object_object_add(stack, "frames", frames);
	return stack;
}

/* Returns the frame to look at first: the innermost one with a line, else the innermost one. */
static const struct report_frame *first_frame(const struct report_finding *f)
{
	const struct report_stack *s = report_main_stack(f);

	for (u32 i = 0; i < s->count; i++)
		if (s->frame[i].line)
			return &s->frame[i];
	return s->count ? s->frame : NULL;
}

static struct json_object *make_result(const struct report_finding *f, int rule)
{
	struct json_object *result = json_object_new_object();
	struct json_object *locations = json_object_new_array();
	struct json_object *stacks = json_object_new_array();
	const struct report_frame *frame = first_frame(f);

	add_text(result, "ruleId", report_kind(f->head.kind)->name);
	json_object_object_add(result, "ruleIndex", json_object_new_int(rule));
	add_text(result, "level", report_kind(f->head.kind)->error ? "error" : "warning");
	json_object_object_add(result, "message", text_object("text", f->title));
	if (frame)
		json_object_array_add(locations, make_location(frame));
	json_object_object_add(result, "locations", locations);
	for (u32 i = 0; i < REPORT_STACKS; i++)
		if (f->analysis.stack[i].count)
			json_object_array_add(stacks, make_stack(f, i));
	json_object_object_add(result, "stacks", stacks);
	add_number(result, "occurrenceCount", f->occurrences);
	return result;
}

static struct json_object *make_rule(u32 kind)
{
	const struct report_kind *k = report_kind(kind);
	struct json_object *rule = text_object("id", k->name);

	json_object_object_add(rule, "shortDescription", text_object("text", k->summary));
	json_object_object_add(rule, "help", text_object("text", k->advice));
	json_object_object_add(rule, "defaultConfiguration",
			       text_object("level", k->error ? "error" : "warning"));
	return rule;
}

void report_sarif(FILE *out, const struct report_run *run)
{
	struct json_object *log = json_object_new_object(), *runs = json_object_new_array();
	struct json_object *one = json_object_new_object(), *results = json_object_new_array();
	struct json_object *driver = text_object("name", "buffervm");
	struct json_object *rules = json_object_new_array(), *tool = json_object_new_object();
	int rule[CHECK_KINDS], count = 0;

	for (u32 i = 0; i < CHECK_KINDS; i++) {
		rule[i] = -1;
		if (!run->by_kind[i])
			continue;
		rule[i] = count++;
		json_object_array_add(rules, make_rule(i));
	}
	for (u32 i = 0; i < run->findings; i++)
		json_object_array_add(
			results, make_result(run->finding[i], rule[run->finding[i]->head.kind]));
	json_object_object_add(driver, "rules", rules);
	json_object_object_add(tool, "driver", driver);
	json_object_object_add(one, "tool", tool);
	json_object_object_add(one, "results", results);
	add_text(one, "columnKind", "unicodeCodePoints");
	json_object_array_add(runs, one);
	add_text(log, "$schema", SCHEMA);
	add_text(log, "version", "2.1.0");
	json_object_object_add(log, "runs", runs);
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(log, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(log);
}
