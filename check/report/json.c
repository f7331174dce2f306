// SPDX-License-Identifier: MIT
/*
 * Reports for machines, as JSON lines: a reader sees each report when it is made, and a file that
 * was cut short is still usable. docs/check-json.md describes the fields. Addresses are text,
 * because many readers keep numbers as doubles.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/words.h"

static void add_text(struct json_object *o, const char *key, const char *value)
{
	if (value[0])
		json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static void add_address(struct json_object *o, const char *key, u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_object_add(o, key, json_object_new_string(text));
}

static const char *const accesses[] = {
	[CHECK_ACCESS_NONE] = "",
	[CHECK_ACCESS_READ] = "read",
	[CHECK_ACCESS_WRITE] = "write",
	[CHECK_ACCESS_EXEC] = "execute",
	[CHECK_ACCESS_SYSCALL_READ] = "read by system call",
	[CHECK_ACCESS_SYSCALL_WRITE] = "write by system call",
};

static const char *const states[] = {
	[0] = "",
	[CHK_STATE_LIVE] = "live",
	[CHK_STATE_FREED] = "freed",
	[CHK_STATE_REALLOCATED] = "reallocated",
};

static const char *const wheres[] = {
	[CHECK_WHERE_NONE] = "",
	[CHECK_WHERE_STACK] = "stack",
	[CHECK_WHERE_GLOBAL] = "global",
	[CHECK_WHERE_CODE] = "code",
	[CHECK_WHERE_INTERIOR] = "interior",
	[CHECK_WHERE_MAPPED] = "mapped",
	[CHECK_WHERE_UNMAPPED] = "unmapped",
	[CHECK_WHERE_OLD_HEAP] = "old heap",
};

static struct json_object *make_frame(const struct report_frame *f)
{
	struct json_object *o = json_object_new_object();

	if (f->pc < CHECK_GONE_BASE)
		add_address(o, "pc", f->pc);
	add_text(o, "function", f->function);
	add_text(o, "file", f->file);
	if (f->line)
		add_number(o, "line", f->line);
	if (f->column)
		add_number(o, "column", f->column);
	add_text(o, "module", f->module);
	add_address(o, "offset", f->offset);
	if (f->flags & FRAME_INLINED)
		json_object_object_add(o, "inlined", json_object_new_boolean(true));
	if (f->elided)
		add_number(o, "repeated", f->elided);
	return o;
}

static struct json_object *make_stack(const struct report_stack *s)
{
	struct json_object *array = json_object_new_array();

	for (u32 i = 0; i < s->count; i++)
		json_object_array_add(array, make_frame(&s->frame[i]));
	return array;
}

static struct json_object *make_object(const struct check_object *c)
{
	struct json_object *o = json_object_new_object();

	add_address(o, "start", c->start);
	add_number(o, "size", c->size);
	add_text(o, "state", states[c->state]);
	add_text(o, "level", report_level_name(c->level));
	if (c->alloc_fn) {
		add_text(o, "allocated_by", report_function_name(c->alloc_fn));
		add_number(o, "allocated_in_thread", (u64)c->alloc_tid);
	}
	if (c->free_fn) {
		add_text(o, "freed_by", report_function_name(c->free_fn));
		add_number(o, "freed_in_thread", (u64)c->free_tid);
	}
	return o;
}

static void put_line(FILE *out, struct json_object *o)
{
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

void report_json(FILE *out, const struct report_finding *f)
{
	static const char *const stacks[REPORT_STACKS] = {
		"stack",	"allocation_stack",	   "free_stack",
		"thread_stack", "allocation_thread_stack", "free_thread_stack",
	};
	static const char *const names[CHECK_THREADS] = {"thread_name", "allocation_thread_name",
							 "free_thread_name"};
	struct json_object *o = json_object_new_object();

	add_text(o, "type", "report");
	add_number(o, "number", f->number);
	add_text(o, "kind", report_kind(f->head.kind)->name);
	add_text(o, "title", f->title);
	add_number(o, "pid", (u64)f->head.pid);
	add_number(o, "tid", (u64)f->head.tid);
	add_text(o, "program", f->head.comm);
	for (u32 i = 0; i < CHECK_THREADS; i++)
		add_text(o, names[i], f->head.thread[i].name);
	add_text(o, "access", accesses[report_access(f)]);
	add_address(o, "address", report_address(f));
	if (report_size(f))
		add_number(o, "size", report_size(f));
	if (f->head.fn)
		add_text(o, "function", report_function_name(f->head.fn));
	add_text(o, "where", wheres[f->head.where]);
	if (f->head.count)
		add_number(o, "objects", f->head.count);
	if (f->head.indirect) {
		add_number(o, "indirect_objects", f->head.indirect);
		add_number(o, "indirect_bytes", f->head.indirect_bytes);
	}
	if (f->analysis.insn.known)
		add_text(o, "instruction", f->analysis.insn.text);
	if (f->head.object.state)
		json_object_object_add(o, "object", make_object(&f->head.object));
	for (u32 i = 0; i < REPORT_STACKS; i++)
		if (f->analysis.stack[i].count)
			json_object_object_add(o, stacks[i], make_stack(&f->analysis.stack[i]));
	add_text(o, "suppression", f->suppression);
	put_line(out, o);
}

static struct json_object *make_process(const struct check_summary *p)
{
	struct json_object *o = json_object_new_object(), *objects = json_object_new_object();

	add_number(o, "pid", (u64)p->pid);
	add_text(o, "program", p->comm);
	for (u32 i = 0; i < ARRAY_SIZE(p->objects); i++)
		if (p->objects[i])
			add_number(objects, report_level_name(i), p->objects[i]);
	json_object_object_add(o, "objects", objects);
	if (p->flags & CHECK_SUMMARY_OWN_MALLOC)
		json_object_object_add(o, "own_malloc", json_object_new_boolean(true));
	add_number(o, "bytes", p->bytes);
	add_number(o, "live_objects", p->live);
	add_number(o, "live_bytes", p->live_bytes);
	add_number(o, "peak_bytes", p->peak_bytes);
	add_number(o, "sites", p->sites);
	add_number(o, "sites_stepped_down", p->sites_stepped_down);
	add_number(o, "budget_spent_at", p->budget_hit);
	add_number(o, "faults", p->faults);
	add_number(o, "flushes", p->flushes);
	add_number(o, "calls", p->calls);
	return o;
}

static void add_lost(struct json_object *o, const char *key, const struct report_lost *sum)
{
	struct json_object *lost = json_object_new_object();

	add_number(lost, "objects", sum->objects);
	add_number(lost, "bytes", sum->bytes);
	json_object_object_add(o, key, lost);
}

void report_json_summary(FILE *out, const struct report_run *run)
{
	struct json_object *o = json_object_new_object(), *kinds = json_object_new_object();
	struct json_object *processes = json_object_new_array();

	add_text(o, "type", "summary");
	add_number(o, "reports", run->total);
	for (u32 i = 0; i < CHECK_KINDS; i++)
		if (run->by_kind[i])
			add_number(kinds, report_kind(i)->name, run->by_kind[i]);
	json_object_object_add(o, "kinds", kinds);
	add_number(o, "duplicates", run->duplicates);
	add_number(o, "suppressed", run->suppressed);
	add_number(o, "malformed", run->refused);
	for (u32 i = 0; i < run->processes; i++)
		json_object_array_add(processes, make_process(&run->process[i]));
	json_object_object_add(o, "processes", processes);
	add_lost(o, "lost_directly", &run->direct);
	add_lost(o, "lost_indirectly", &run->indirect);
	add_lost(o, "still_reachable", &run->reachable);
	put_line(out, o);
}
