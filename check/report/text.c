// SPDX-License-Identifier: MIT
/* Writes reports as text for a terminal. */
#include <inttypes.h>
#include <stdlib.h>
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/suppress.h"
#include "check/report/words.h"

enum style { PLAIN, KIND, TITLE, FRAME_NUMBER, QUIET };

static const char *const styles[] = {
	[KIND] = "\033[1;31m",
	[TITLE] = "\033[1m",
	[FRAME_NUMBER] = "\033[36m",
	[QUIET] = "\033[2m",
};

static void begin(FILE *out, bool color, enum style style)
{
	if (color)
		fputs(styles[style], out);
}

static void end(FILE *out, bool color)
{
	if (color)
		fputs("\033[0m", out);
}

static void put_stack(FILE *out, const struct report_finding *f, u32 which, bool color)
{
	const struct report_stack *s = &f->analysis.stack[which];

	if (!s->count)
		return;
	fputs("  ", out);
	report_words_stack(out, f, which);
	fputs(":\n", out);
	for (u32 i = 0; i < s->count; i++) {
		fputs("    ", out);
		begin(out, color, FRAME_NUMBER);
		fprintf(out, "#%u", i);
		end(out, color);
		fputc(' ', out);
		report_words_frame(out, &s->frame[i]);
		fputc('\n', out);
		if (s->frame[i].elided) {
			fputs("    ", out);
			report_words_elided(out, s, i);
			fputc('\n', out);
		}
	}
	if (s->cut)
		fprintf(out, "    ... %u more\n", s->cut);
}

static void put_registers(FILE *out, const struct report_finding *f)
{
	static const struct {
		const char *name;
		u8 reg;
	} shown[] = {
		{"rax", USER_RAX}, {"rbx", USER_RBX},	 {"rcx", USER_RCX},    {"rdx", USER_RDX},
		{"rsi", USER_RSI}, {"rdi", USER_RDI},	 {"rbp", USER_RBP},    {"rsp", USER_RSP},
		{"r8", USER_R8},   {"r9", USER_R9},	 {"r10", USER_R10},    {"r11", USER_R11},
		{"r12", USER_R12}, {"r13", USER_R13},	 {"r14", USER_R14},    {"r15", USER_R15},
		{"rip", USER_RIP}, {"efl", USER_EFLAGS}, {"fs", USER_FS_BASE}, {"gs", USER_GS_BASE},
	};

	if (f->analysis.insn.known) {
		fprintf(out, "  instruction at 0x%" PRIx64 ": %s", f->head.reg[USER_RIP],
			f->analysis.insn.text);
		if (f->analysis.insn.operand[0])
			fprintf(out, "   (address: %s)", f->analysis.insn.operand);
		fputc('\n', out);
	}
	if (!(f->head.flags & CHECK_REPORT_REGS))
		return;
	fputs("  registers:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		fprintf(out, "%s%3s %016" PRIx64 "%s", i % 4 ? "  " : "    ", shown[i].name,
			f->head.reg[shown[i].reg], i % 4 == 3 ? "\n" : "");
}

static void put_modules(FILE *out, const struct report_finding *f)
{
	for (u32 i = 0; i < f->analysis.modules; i++) {
		const struct report_module *m = &f->analysis.module[i];

		fprintf(out, "  no symbols: %s", m->path);
		if (m->build_id[0])
			fprintf(out, " (build-id %s)", m->build_id);
		fputc('\n', out);
	}
}

void report_text(FILE *out, const struct report_finding *f, const struct report_options *opt,
		 bool color)
{
	char *explanation = NULL;
	size_t len = 0;
	FILE *words = open_memstream(&explanation, &len);

	fputs("buffervm: ", out);
	begin(out, color, KIND);
	fputs(report_kind(f->head.kind)->name, out);
	end(out, color);
	fputs(": ", out);
	begin(out, color, TITLE);
	fputs(f->title, out);
	end(out, color);
	fputc('\n', out);
	if (words) {
		report_words_explanation(words, f);
		fclose(words);
		if (len)
			fprintf(out, "  %s\n", explanation);
		free(explanation);
	}
	for (u32 i = 0; i < REPORT_STACKS; i++)
		put_stack(out, f, i, color);
	if (!f->analysed)
		fputs("  (the files of the program could not be read: no names)\n", out);
	else
		put_modules(out, f);
	if (opt->registers)
		put_registers(out, f);
	if (opt->gen_suppressions) {
		fprintf(out, "%s\n", f->suppression);
	} else {
		begin(out, color, QUIET);
		fprintf(out, "  suppress with: %s", f->suppression);
		end(out, color);
		fputc('\n', out);
	}
}

/* If more processes ended, one line has the totals of all. */
#define PROCESS_LINES 8

static void put_totals(FILE *out, const struct check_summary *p)
{
	u64 objects = 0;

	for (u32 i = 0; i < ARRAY_SIZE(p->objects); i++)
		objects += p->objects[i];
	fprintf(out, ": %" PRIu64 " objects, %" PRIu64 " bytes", objects, p->bytes);
	for (u32 i = 0; i < ARRAY_SIZE(p->objects); i++)
		if (p->objects[i])
			fprintf(out, ", %" PRIu64 " at level %s", p->objects[i],
				report_level_name(i));
	if (p->sites_stepped_down)
		fprintf(out, "; %" PRIu64 " of %" PRIu64 " allocation sites were too busy for more",
			p->sites_stepped_down, p->sites);
	if (p->budget_hit)
		fprintf(out, "; the memory budget was spent at object %" PRIu64, p->budget_hit);
	if (p->live)
		fprintf(out, "; %" PRIu64 " objects, %" PRIu64 " bytes not freed", p->live,
			p->live_bytes);
	if (p->flags & CHECK_SUMMARY_OWN_MALLOC)
		fputs("; it has a malloc of its own, whose objects are not checked: only other "
		      "objects, and faults",
		      out);
	fputc('\n', out);
}

/* Says what a run with no bugs may have missed, and how to find it. */
static void put_unguarded(FILE *out, const struct report_run *run)
{
	u64 none = run->all.objects[CHK_LEVEL_NONE], all = 0;

	for (u32 i = 0; i < ARRAY_SIZE(run->all.objects); i++)
		all += run->all.objects[i];
	if (none)
		fprintf(out,
			"buffervm: %" PRIu64 " of %" PRIu64
			" objects were not guarded: reads after free or past the end of these were "
			"not seen. --level=packed guards all after free, --level=page also at the "
			"end\n",
			none, all);
}

static void put_lost(FILE *out, const struct report_run *run)
{
	const struct {
		const struct report_lost *sum;
		const char *how;
	} rows[] = {
		{&run->direct, "lost directly"},
		{&run->indirect, "lost indirectly"},
		{&run->reachable, "still reachable"},
	};
	const char *comma = "buffervm: ";

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].sum->objects)
			continue;
		fprintf(out, "%s%" PRIu64 " object%s of %" PRIu64 " byte%s %s", comma,
			rows[i].sum->objects, rows[i].sum->objects == 1 ? "" : "s",
			rows[i].sum->bytes, rows[i].sum->bytes == 1 ? "" : "s", rows[i].how);
		comma = ", ";
	}
	if (comma[0] == ',')
		fputc('\n', out);
}

void report_text_summary(FILE *out, const struct report_run *run)
{
	const char *comma = "";

	/* No program ran. The monitor has told the user why. */
	if (!run->ended && !run->total && !run->refused)
		return;
	if (run->ended > PROCESS_LINES) {
		fprintf(out, "buffervm: %" PRIu64 " processes", run->ended);
		put_totals(out, &run->all);
	} else {
		for (u32 i = 0; i < run->processes; i++) {
			fprintf(out, "buffervm: process %d (%s)", run->process[i].pid,
				run->process[i].comm);
			put_totals(out, &run->process[i]);
		}
	}
	put_unguarded(out, run);
	put_lost(out, run);
	fprintf(out, "buffervm: %" PRIu64 " bug%s", run->total, run->total == 1 ? "" : "s");
	if (run->total)
		fputs(" (", out);
	for (u32 i = 0; i < CHECK_KINDS; i++) {
		if (!run->by_kind[i])
			continue;
		fprintf(out, "%s%" PRIu64 " %s", comma, run->by_kind[i], report_kind(i)->name);
		comma = ", ";
	}
	if (run->total)
		fputc(')', out);
	if (run->duplicates)
		fprintf(out, ", repeated %" PRIu64 " times", run->duplicates);
	if (run->suppressed)
		fprintf(out, ", %" PRIu64 " suppressed", run->suppressed);
	if (run->refused)
		fprintf(out, ", %" PRIu64 " reports that could not be understood", run->refused);
	fputc('\n', out);
}
