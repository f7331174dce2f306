// SPDX-License-Identifier: MIT
/*
 * Writes the analysis of a report, in the worker. analysis.c reads it, and has the layout of the
 * bytes: u32 and u64 in the machine's byte order, strings as u32 length, bytes, NUL.
 */
#include <stdlib.h>
#include <string.h>
#include "check/report/analysis.h"
#include "check/report/decode.h"
#include "check/report/maps.h"
#include "check/report/source.h"
#include "check/report/symbols.h"
#include "check/report/unwind.h"

#define MODULES_MAX  64
#define TEXT_MAX     4096
/* Most frames of an address, on average: the option depth counts addresses, not inlined frames. */
#define INLINED_MOST 16

/* Kept from one report to the next, which has the same mappings as a rule. */
static struct {
	char *text;
	struct report_maps maps;
	struct report_symbols *symbols;
} last;

struct writer {
	FILE *out;
	struct report_symbols *symbols; /* NULL: modules and offsets only */
	const struct report_maps *maps;
	const struct report_analysis_options *opt;
	u32 frames; /* written of the current stack */
	bool below; /* the frames from here on called main: they are not shown */
	u32 elided;
	u64 bare[MODULES_MAX]; /* an address in each module without names */
	const char *bare_path[MODULES_MAX];
	u32 bare_count;
	FILE *stack;
};

static void put_u32(FILE *out, u32 value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put_u64(FILE *out, u64 value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put_text(FILE *out, const char *text)
{
	u32 len = (u32)strnlen(text, TEXT_MAX);

	put_u32(out, len);
	fwrite(text, 1, len, out);
	fputc('\0', out);
}

static void remember_bare(struct writer *w, const struct report_frame *f)
{
	if (f->function[0] || f->module[0] != '/' || w->bare_count == MODULES_MAX)
		return;
	for (u32 i = 0; i < w->bare_count; i++)
		if (strcmp(w->bare_path[i], f->module) == 0)
			return;
	w->bare[w->bare_count] = f->pc;
	w->bare_path[w->bare_count++] = f->module;
}

/* Returns whether function is one of the C library's that call main: glibc's, musl's. */
static bool is_below_main(const char *function)
{
	return strncmp(function, "__libc_start_", 13) == 0 ||
	       strcmp(function, "libc_start_main_stage2") == 0;
}

static void put_frame(const struct report_frame *f, void *arg)
{
	struct writer *w = arg;
	char *source = NULL;
	u32 first = 0;

	if (w->frames >= w->opt->depth * INLINED_MOST || w->below)
		return;
	if (w->frames && is_below_main(f->function)) {
		w->below = true;
		return;
	}
	/* Repetitions are left out behind the outermost frame of an inlined group. */
	if (w->opt->source && f->line)
		source = report_source(f->directory, f->file, f->line, &first);
	put_u64(w->stack, f->pc);
	put_u64(w->stack, f->offset);
	put_u32(w->stack, f->line);
	put_u32(w->stack, f->column);
	put_u32(w->stack, f->flags);
	put_u32(w->stack, f->flags & FRAME_INLINED ? 0 : w->elided);
	put_u32(w->stack, first);
	put_text(w->stack, f->function);
	put_text(w->stack, f->file);
	put_text(w->stack, f->module);
	put_text(w->stack, source ? source : "");
	free(source);
	remember_bare(w, f);
	w->frames++;
}

static bool is_heap_library(const struct writer *w, u64 pc)
{
	const struct report_map *map = report_maps_find(w->maps, pc);

	return map && report_maps_is_heap_library(map->path);
}

/* Writes a stack. exact: the first pc is the address at fault, not a return address. */
static void put_stack(struct writer *w, const u64 *pc, u32 count, bool exact)
{
	u32 most = w->opt->depth, shown = 0, skip = 0, done, cut;
	u32 *index = calloc(most, sizeof(*index)), *elided = calloc(most, sizeof(*elided));
	char *text = NULL;
	size_t len = 0;

	/* Skip the innermost frames of the heap library, unless the stack has no others. */
	while (skip < count && is_heap_library(w, pc[skip]))
		skip++;
	if (skip == count)
		skip = 0;
	w->frames = 0;
	w->below = false;
	w->stack = open_memstream(&text, &len);
	if (count && index && elided)
		shown = report_collapse(pc + skip, count - skip, index, elided, most);
	for (done = 0; w->stack && done < shown && !w->below; done++) {
		u64 at = pc[skip + index[done]];
		bool is_exact = exact && index[done] + skip == 0;

		w->elided = elided[done];
		if (w->symbols) {
			report_symbols_lookup(w->symbols, at, is_exact, put_frame, w);
		} else {
			const struct report_map *map = report_maps_find(w->maps, at - !is_exact);
			struct report_frame f = {
				.pc = at,
				.offset = map ? at - report_maps_base(w->maps, map) : at,
				.function = "",
				.file = "",
				.directory = "",
				.module = map ? map->path : "",
				.source = "",
			};

			put_frame(&f, w);
		}
	}
	/* The number of frames behind the last one shown. */
	cut = done ? count - skip - index[done - 1] - 1 - elided[done - 1] : count - skip;
	if (w->stack)
		fclose(w->stack);
	put_u32(w->out, text ? w->frames : 0);
	put_u32(w->out, w->below ? 0 : cut);
	if (text)
		fwrite(text, 1, len, w->out);
	free(text);
	free(index);
	free(elided);
}

static void put_access_stack(struct writer *w, const struct report_input *in)
{
	bool regs = in->head.flags & CHECK_REPORT_REGS;
	u32 count = 0;
	u64 *pc;

	if (in->access.count) {
		put_stack(w, in->access.pc, in->access.count,
			  regs && in->access.pc[0] == in->head.reg[USER_RIP]);
		return;
	}
	pc = calloc(REPORT_UNWIND_MAX, sizeof(*pc));
	if (pc && w->symbols)
		count = report_unwind(w->symbols, w->maps, in, pc, REPORT_UNWIND_MAX);
	else if (pc && regs)
		pc[count++] = in->head.reg[USER_RIP];
	put_stack(w, pc, count, true);
	free(pc);
}

static void put_insn(FILE *out, const struct report_decoded *d)
{
	put_u32(out, d->known);
	put_u32(out, d->access);
	put_u32(out, d->size);
	put_u32(out, d->rep);
	put_u64(out, d->start);
	put_text(out, d->text);
	put_text(out, d->operand);
}

static void put_all(struct writer *w, const struct report_input *in, const struct report_decoded *d)
{
	put_access_stack(w, in);
	put_stack(w, in->alloc.pc, in->alloc.count, false);
	put_stack(w, in->free.pc, in->free.count, false);
	for (u32 i = 0; i < CHECK_THREADS; i++)
		put_stack(w, in->created[i].pc, in->created[i].count, false);
	put_insn(w->out, d);
	put_u32(w->out, w->bare_count);
	for (u32 i = 0; i < w->bare_count; i++) {
		char build_id[130] = "";

		if (w->symbols)
			report_symbols_build_id(w->symbols, w->bare[i], build_id, sizeof(build_id));
		put_text(w->out, w->bare_path[i]);
		put_text(w->out, build_id);
	}
}

void report_analyse(const struct report_input *in, const struct report_analysis_options *opt,
		    FILE *out)
{
	struct writer w = {.out = out, .opt = opt};
	struct report_decoded decoded;

	if (!last.text || strcmp(last.text, in->maps) != 0) {
		report_symbols_end(last.symbols);
		last.symbols = NULL;
		report_maps_free(&last.maps);
		free(last.text);
		last.text = strdup(in->maps);
		if (report_maps_parse(&last.maps, in->maps, in->maps_len) == 0)
			last.symbols = report_symbols_begin(&last.maps);
	}
	w.symbols = last.symbols;
	w.maps = &last.maps;
	report_decode(in, &decoded);
	put_all(&w, in, &decoded);
}

void report_analyse_plainly(const struct report_input *in,
			    const struct report_analysis_options *opt, FILE *out)
{
	struct report_decoded decoded = {0};
	struct report_maps maps;
	struct writer w = {.out = out, .opt = opt, .maps = &maps};

	if (report_maps_parse(&maps, in->maps, in->maps_len))
		memset(&maps, 0, sizeof(maps));
	put_all(&w, in, &decoded);
	report_maps_free(&maps);
}
