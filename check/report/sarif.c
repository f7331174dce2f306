// SPDX-License-Identifier: MIT
/*
 * Writes SARIF 2.1.0 (OASIS): one run, with a rule for each kind that occurred and a result for
 * each finding that was kept. Code-scanning services show the message, the first location, the
 * related ones (where the object was allocated and released) and the code flow; they recognize a
 * finding of an earlier run by its fingerprint. Files below the folder of the first finding's
 * sources that belong together have URIs relative to it.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/words.h"

#define FINGERPRINT_FRAMES 4
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

#define BASE_ID "SRCROOT"

/* The folder that URIs are relative to, with its last slash; empty: none. */
static char base[4096];

/* Shortens the base to the folders that it shares with path. */
static void share_base(const char *path)
{
	size_t n = 0, slash = 0;

	if (path[0] != '/')
		return;
	if (!base[0]) {
		snprintf(base, sizeof(base), "%s", path);
		n = strlen(base);
	}
	for (size_t i = 0; (!n || i < n) && base[i] && base[i] == path[i]; i++)
		if (base[i] == '/')
			slash = i + 1;
	base[slash] = '\0';
}

/* Makes the base that of all sources that users can change. "/" alone is none. */
static void find_base(const struct report_run *run)
{
	base[0] = '\0';
	for (u32 i = 0; i < run->findings; i++) {
		const struct report_frame *f = report_own_frame(report_main_stack(run->finding[i]));

		if (f && f->line)
			share_base(f->file);
	}
	if (strcmp(base, "/") == 0)
		base[0] = '\0';
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
	bool relative = base[0] && strncmp(path, base, strlen(base)) == 0 && path[strlen(base)];
	char *uri = path[0] ? file_uri(relative ? path + strlen(base) : path) : NULL;
	char *words = NULL;
	size_t len;
	FILE *out = open_memstream(&words, &len);

	if (uri) {
		struct json_object *artifact = text_object("uri", uri);

		if (relative)
			add_text(artifact, "uriBaseId", BASE_ID);
		json_object_object_add(physical, "artifactLocation", artifact);
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

/* Returns a location with a message of its own. The caller owns it. */
static struct json_object *make_step(const struct report_frame *frame, const char *words)
{
	struct json_object *location = make_location(frame);

	json_object_object_add(location, "message", text_object("text", words));
	return location;
}

static char *stack_words(const struct report_finding *f, u32 which)
{
	char *words = NULL;
	size_t len;
	FILE *out = open_memstream(&words, &len);

	if (!out)
		return NULL;
	report_words_stack(out, f, which);
	fclose(out);
	return words;
}

/* The order in which it happened. */
static const u32 story[] = {REPORT_STACK_ALLOC, REPORT_STACK_FREE, REPORT_STACK_ACCESS};

/* Adds where the object was allocated and released, and all of it as a flow of the program. */
static void add_story(struct json_object *result, const struct report_finding *f)
{
	struct json_object *related = json_object_new_array(), *steps = json_object_new_array();
	struct json_object *thread = json_object_new_object(), *threads = json_object_new_array();
	struct json_object *flow = json_object_new_object(), *flows = json_object_new_array();
	int count = 0;

	for (u32 i = 0; i < ARRAY_SIZE(story); i++) {
		const struct report_frame *frame = report_own_frame(&f->analysis.stack[story[i]]);
		char *words = frame ? stack_words(f, story[i]) : NULL;
		struct json_object *step, *location;

		if (!words)
			continue;
		step = json_object_new_object();
		json_object_object_add(step, "location", make_step(frame, words));
		json_object_array_add(steps, step);
		if (story[i] != REPORT_STACK_ACCESS) {
			location = make_step(frame, words);
			json_object_object_add(location, "id", json_object_new_int(count++));
			json_object_array_add(related, location);
		}
		free(words);
	}
	if (json_object_array_length(steps)) {
		json_object_object_add(thread, "locations", steps);
		json_object_array_add(threads, thread);
		json_object_object_add(flow, "threadFlows", threads);
		json_object_array_add(flows, flow);
		json_object_object_add(result, "codeFlows", flows);
	} else {
		json_object_put(steps);
		json_object_put(thread);
		json_object_put(threads);
		json_object_put(flow);
		json_object_put(flows);
	}
	json_object_object_add(result, "relatedLocations", related);
}

/* FNV-1a. */
static u64 hash_text(u64 hash, const char *text)
{
	for (const u8 *p = (const u8 *)text; *p; p++)
		hash = (hash ^ *p) * 0x100000001b3;
	return (hash ^ '|') * 0x100000001b3;
}

/*
 * Adds a number that is the same for the same bug of the next build: of the kind, and of the names
 * of functions and files, but not of lines.
 */
static void add_fingerprint(struct json_object *result, const struct report_finding *f)
{
	const struct report_stack *s = report_main_stack(f);
	u64 hash = hash_text(0xcbf29ce484222325, report_kind(f->head.kind)->name);
	char text[32];

	for (u32 i = 0; i < s->count && i < FINGERPRINT_FRAMES; i++) {
		const struct report_frame *frame = &s->frame[i];

		hash = hash_text(hash, frame->function);
		hash = hash_text(hash, report_basename(frame->line ? frame->file : frame->module));
	}
	snprintf(text, sizeof(text), "%016" PRIx64, hash);
	json_object_object_add(result, "partialFingerprints", text_object("stack/v1", text));
}

static struct json_object *make_result(const struct report_finding *f, int rule)
{
	struct json_object *result = json_object_new_object();
	struct json_object *locations = json_object_new_array();
	struct json_object *stacks = json_object_new_array();
	const struct report_frame *frame = report_own_frame(report_main_stack(f));

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
	add_story(result, f);
	add_fingerprint(result, f);
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
	find_base(run);
	if (base[0]) {
		struct json_object *bases = json_object_new_object();
		char *uri = file_uri(base);

		if (uri)
			json_object_object_add(bases, BASE_ID, text_object("uri", uri));
		json_object_object_add(one, "originalUriBaseIds", bases);
		free(uri);
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
