// SPDX-License-Identifier: MIT
/* Makes findings from reports, and sorts out repetitions and what the user suppresses. */
#include <stdlib.h>
#include <string.h>
#include "check/report/input.h"
#include "check/report/kind.h"
#include "check/report/maps.h"
#include "check/report/reporter.h"
#include "check/report/words.h"

#define PROCESSES_MAX	1024
#define OPERATOR_FRAMES 4
#define SAME_FRAMES	8 /* reports that agree in these innermost frames are the same bug */

static void *copy(const void *from, size_t size)
{
	void *to = size ? malloc(size) : NULL;

	return to ? memcpy(to, from, size) : NULL;
}

/* Notes the mapping that contains the address. */
static void look_around(struct report_finding *f, const struct report_input *in)
{
	const struct report_map *map;
	struct report_maps maps;

	if (report_maps_parse(&maps, in->maps, in->maps_len))
		return;
	map = report_maps_find(&maps, report_address(f));
	if (map) {
		f->where_mapped = true;
		f->where_access[0] = map->read ? 'r' : '-';
		f->where_access[1] = map->write ? 'w' : '-';
		f->where_access[2] = map->exec ? 'x' : '-';
		if (map->file) {
			free((char *)(uintptr_t)f->where_module);
			f->where_module = strdup(map->path);
		}
	}
	report_maps_free(&maps);
}

/* Gets the worker's analysis, or makes one without names. Returns false without memory. */
static bool analyse(struct reporter *r, struct report_finding *f, const struct report_input *in,
		    const void *blob, size_t len)
{
	char *bytes;
	size_t n = 0;
	FILE *out;

	bytes = r->ask(blob, len, &r->analysis, &n);
	f->analysed = bytes && report_analysis_parse(&f->analysis, bytes, n) == 0;
	if (f->analysed)
		return true;
	bytes = NULL;
	out = open_memstream(&bytes, &n);
	if (!out)
		return false;
	report_analyse_plainly(in, &r->analysis, out);
	return fclose(out) == 0 && report_analysis_parse(&f->analysis, bytes, n) == 0;
}

static struct report_finding *make_finding(struct reporter *r, const struct report_input *in,
					   const void *blob, size_t len)
{
	struct report_finding *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->head = in->head;
	f->occurrences = 1;
	f->around_count = in->around_count;
	f->around = copy(in->around, in->around_count * sizeof(*in->around));
	f->samples_count = in->samples_count;
	f->samples = copy(in->samples, in->samples_count * sizeof(*in->samples));
	f->where_module = strdup("");
	if (!f->where_module || (f->around_count && !f->around) ||
	    (f->samples_count && !f->samples) || !analyse(r, f, in, blob, len)) {
		report_finding_free(f);
		return NULL;
	}
	look_around(f, in);
	f->title = report_finding_text(report_words_title, f);
	f->suppression = report_finding_text(report_suppressions_generate, f);
	if (!f->where_module || !f->title || !f->suppression) {
		report_finding_free(f);
		return NULL;
	}
	return f;
}

static bool same_stack(const struct report_stack *a, const struct report_stack *b, u32 frames)
{
	if (MIN(a->count, frames) != MIN(b->count, frames))
		return false;
	for (u32 i = 0; i < a->count && i < frames; i++)
		if (a->frame[i].offset != b->frame[i].offset ||
		    strcmp(a->frame[i].module, b->frame[i].module) != 0)
			return false;
	return true;
}

/* Returns whether both findings are of the same kind and at the same place in the code. */
static bool same_bug(const struct report_finding *a, const struct report_finding *b)
{
	return a->head.kind == b->head.kind && a->head.fn == b->head.fn &&
	       same_stack(report_main_stack(a), report_main_stack(b),
			  report_found_late(a) ? CHECK_DEPTH_MAX : SAME_FRAMES);
}

/* Returns whether one of the innermost frames of a stack is a C++ operator of this kind. */
static bool is_in_operator(const struct report_stack *s, const char *operator)
{
	for (u32 i = 0; i < s->count && i < OPERATOR_FRAMES; i++)
		if (strncmp(s->frame[i].function, operator, strlen(operator)) == 0)
			return true;
	return false;
}

/*
 * Returns whether the two functions of a mismatched release fit after all: a module has operators
 * of its own, which call malloc and free, and the heap library saw only one of the two operators.
 */
static bool is_own_operator(const struct report_finding *f)
{
	const struct report_stack *s = f->analysis.stack;

	if (f->head.kind != CHECK_MISMATCHED_FREE || f->head.flags & CHECK_REPORT_SIZED)
		return false;
	if (f->head.fn == CHK_FN_DELETE || f->head.fn == CHK_FN_DELETE_ARRAY)
		return f->head.object.alloc_fn != CHK_FN_NEW &&
		       f->head.object.alloc_fn != CHK_FN_NEW_ARRAY &&
		       is_in_operator(&s[REPORT_STACK_ALLOC], "operator new");
	return is_in_operator(&s[REPORT_STACK_ACCESS], "operator delete");
}

/* Adds a leak to the sums. A repetition, of another process, counts, too. */
static void add_lost(struct report_run *run, const struct check_report *head)
{
	struct report_lost *to = head->kind == CHECK_LEAK ? &run->direct : &run->reachable;

	if (head->kind != CHECK_LEAK && head->kind != CHECK_REACHABLE_AT_EXIT)
		return;
	to->objects += head->count - head->indirect;
	to->bytes += head->object.size - head->indirect_bytes;
	run->indirect.objects += head->indirect;
	run->indirect.bytes += head->indirect_bytes;
}

static void put_text(const struct reporter *r, const struct report_finding *f)
{
	switch (r->opt.format) {
	case REPORT_FORMAT_GCC:
		report_gcc(r->text, f);
		break;
	case REPORT_FORMAT_VALGRIND:
		report_valgrind(r->text, f);
		break;
	default:
		report_text(r->text, f, &r->opt, r->color);
		break;
	}
}

/* gcc's form has nothing but a line for each finding. */
static void put_summary(const struct reporter *r)
{
	if (r->opt.format == REPORT_FORMAT_VALGRIND)
		report_valgrind_summary(r->text, &r->run);
	else if (r->opt.format != REPORT_FORMAT_GCC)
		report_text_summary(r->text, &r->run);
}

/* Decides about a finding, and writes it if it is new. Takes the finding over. */
static enum check_verdict judge(struct reporter *r, struct report_finding *f)
{
	struct report_run *run = &r->run;

	if (is_own_operator(f)) {
		report_finding_free(f);
		return CHECK_VERDICT_SUPPRESSED;
	}
	if (report_suppressions_match(r->suppressions, f)) {
		run->suppressed++;
		report_finding_free(f);
		return CHECK_VERDICT_SUPPRESSED;
	}
	add_lost(run, &f->head);
	for (u32 i = 0; i < run->findings; i++) {
		if (!same_bug(run->finding[i], f))
			continue;
		run->finding[i]->occurrences++;
		run->duplicates++;
		report_finding_free(f);
		return CHECK_VERDICT_DUPLICATE;
	}
	run->total++;
	run->by_kind[f->head.kind]++;
	f->number = (u32)run->total;
	put_text(r, f);
	fflush(r->text);
	if (r->json) {
		report_json(r->json, f);
		fflush(r->json);
	}
	if (!run->finding)
		run->finding = calloc(REPORT_KEPT_MAX, sizeof(struct report_finding *));
	if (run->finding && run->findings < REPORT_KEPT_MAX)
		run->finding[run->findings++] = f;
	else
		report_finding_free(f);
	return CHECK_VERDICT_REPORTED;
}

enum check_verdict reporter_report(struct reporter *r, void *blob, size_t len)
{
	struct report_finding *f = NULL;
	struct report_input in;

	if (report_input(&in, blob, len)) {
		r->run.refused++;
		fputs("buffervm: a bug was found, but the guest's report of it is malformed\n",
		      r->text);
		fflush(r->text);
		return CHECK_VERDICT_REPORTED;
	}
	f = make_finding(r, &in, blob, len);
	if (f)
		return judge(r, f);
	/* Without memory for a finding, print one line. */
	fprintf(r->text, "buffervm: %s: address 0x%lx, process %d (%s)\n",
		report_kind(in.head.kind)->name, in.head.addr, in.head.pid, in.head.comm);
	fflush(r->text);
	r->run.total++;
	r->run.by_kind[in.head.kind]++;
	return CHECK_VERDICT_REPORTED;
}

static void add_up(struct check_summary *all, const struct check_summary *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(all->objects); i++)
		all->objects[i] += s->objects[i];
	all->bytes += s->bytes;
	all->live += s->live;
	all->live_bytes += s->live_bytes;
	all->peak_bytes = MAX(all->peak_bytes, s->peak_bytes);
	all->sites += s->sites;
	all->sites_stepped_down += s->sites_stepped_down;
	all->faults += s->faults;
	all->flushes += s->flushes;
	all->calls += s->calls;
}

void reporter_summary(struct reporter *r, const void *bytes, size_t len)
{
	struct report_run *run = &r->run;
	struct check_summary s;

	if (len != sizeof(s))
		return;
	memcpy(&s, bytes, sizeof(s));
	s.comm[sizeof(s.comm) - 1] = '\0';
	report_printable(s.comm, strlen(s.comm), false);
	add_up(&run->all, &s);
	run->ended++;
	if (!run->process)
		run->process = calloc(PROCESSES_MAX, sizeof(*run->process));
	if (run->process && run->processes < PROCESSES_MAX)
		run->process[run->processes++] = s;
}

void reporter_end(struct reporter *r)
{
	struct report_run *run = &r->run;

	if (!r->opt.quiet) {
		put_summary(r);
		fflush(r->text);
	}
	if (r->json) {
		report_json_summary(r->json, run);
		fflush(r->json);
	}
	if (r->sarif) {
		report_sarif(r->sarif, run);
		fflush(r->sarif);
	}
	if (r->xml) {
		report_xml(r->xml, run, r->opt.program);
		fflush(r->xml);
	}
	if (r->html) {
		report_html(r->html, run);
		fflush(r->html);
	}
	for (u32 i = 0; i < run->findings; i++)
		report_finding_free(run->finding[i]);
	free(run->finding);
	free(run->process);
	memset(run, 0, sizeof(*run));
	report_suppressions_free(r->suppressions);
	r->suppressions = NULL;
}
