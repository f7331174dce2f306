// SPDX-License-Identifier: MIT
/*
 * Findings in the two forms of Valgrind's memcheck, for tools that read these: its log, and its XML
 * (docs/internals/xml-output-protocol4.txt in Valgrind's sources).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "check/report/html.h"
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/words.h"

static bool is_leak(const struct report_finding *f)
{
	return f->head.kind == CHECK_LEAK || f->head.kind == CHECK_REACHABLE_AT_EXIT;
}

static bool is_syscall(const struct report_finding *f)
{
	return f->head.access == CHECK_ACCESS_SYSCALL_READ ||
	       f->head.access == CHECK_ACCESS_SYSCALL_WRITE;
}

/* Returns memcheck's name of the kind of error. */
static const char *kind_of(const struct report_finding *f)
{
	switch (f->head.kind) {
	case CHECK_DOUBLE_FREE:
	case CHECK_INVALID_FREE:
		return "InvalidFree";
	case CHECK_MISMATCHED_FREE:
		return "MismatchedFree";
	case CHECK_BAD_SIZE:
		return "FishyValue";
	case CHECK_LEAK:
		return f->head.indirect == f->head.count ? "Leak_IndirectlyLost"
							 : "Leak_DefinitelyLost";
	case CHECK_REACHABLE_AT_EXIT:
		return "Leak_StillReachable";
	case CHECK_SLACK_OVERWRITTEN:
	case CHECK_FREED_OVERWRITTEN:
		return "InvalidWrite";
	default:
		break;
	}
	if (is_syscall(f))
		return "SyscallParam";
	if (report_access(f) == CHECK_ACCESS_EXEC)
		return "InvalidJump";
	return report_access(f) == CHECK_ACCESS_WRITE ? "InvalidWrite" : "InvalidRead";
}

/* Writes memcheck's first line of an error of this kind. */
static void put_what(FILE *out, const struct report_finding *f)
{
	const char *kind = kind_of(f);

	if (is_leak(f))
		fprintf(out,
			"%" PRIu64 " bytes in %" PRIu64 " blocks are %s in loss record %u of %u",
			f->head.object.size, f->head.count,
			f->head.kind == CHECK_REACHABLE_AT_EXIT ? "still reachable"
			: f->head.indirect == f->head.count	? "indirectly lost"
								: "definitely lost",
			f->number, f->number);
	else if (strcmp(kind, "InvalidFree") == 0)
		fputs("Invalid free() / delete / delete[] / realloc()", out);
	else if (strcmp(kind, "MismatchedFree") == 0)
		fputs("Mismatched free() / delete / delete []", out);
	else if (strcmp(kind, "FishyValue") == 0)
		fprintf(out,
			"Argument \'size\' of function %s has a fishy (possibly negative) value: "
			"%" PRId64,
			report_function_name(f->head.fn), (s64)f->head.size);
	else if (is_syscall(f))
		fprintf(out, "Syscall param points to unaddressable byte(s)");
	else if (strcmp(kind, "InvalidJump") == 0)
		fputs("Jump to the invalid address stated on the next line", out);
	else
		fprintf(out, "Invalid %s of size %" PRIu64,
			strcmp(kind, "InvalidWrite") == 0 ? "write" : "read",
			MAX(report_size(f), 1UL));
}

/* ---- the log --------------------------------------------------------------------------------- */

static void put_stack(FILE *out, const struct report_finding *f, u32 which)
{
	const struct report_stack *s = &f->analysis.stack[which];

	for (u32 i = 0; i < s->count; i++) {
		const struct report_frame *frame = &s->frame[i];

		fprintf(out, "==%d==    %s 0x%" PRIX64 ": %s (", f->head.pid, i ? "by" : "at",
			frame->pc, frame->function[0] ? frame->function : "???");
		if (frame->line)
			fprintf(out, "%s:%u)\n", report_basename(frame->file), frame->line);
		else
			fprintf(out, "in %s)\n", frame->module);
	}
}

void report_valgrind(FILE *out, const struct report_finding *f)
{
	fprintf(out, "==%d== ", f->head.pid);
	put_what(out, f);
	fputc('\n', out);
	if (!is_leak(f))
		put_stack(out, f, REPORT_STACK_ACCESS);
	else
		put_stack(out, f, REPORT_STACK_ALLOC);
	if (!is_leak(f)) {
		fprintf(out, "==%d==  %s\n", f->head.pid, f->title);
		for (u32 i = REPORT_STACK_ALLOC; i <= REPORT_STACK_FREE; i++) {
			if (!f->analysis.stack[i].count)
				continue;
			fprintf(out, "==%d==  ", f->head.pid);
			report_words_stack(out, f, i);
			fputc('\n', out);
			put_stack(out, f, i);
		}
	}
	fprintf(out, "==%d== \n", f->head.pid);
}

void report_valgrind_summary(FILE *out, const struct report_run *run)
{
	s32 pid = run->processes ? run->process[0].pid : 0;

	fprintf(out,
		"==%d== ERROR SUMMARY: %" PRIu64 " errors from %" PRIu64
		" contexts (suppressed: %" PRIu64 " from %" PRIu64 ")\n",
		pid, run->total + run->duplicates, run->total, run->suppressed, run->suppressed);
}

/* ---- XML ------------------------------------------------------------------------------------- */

static void put_element(FILE *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	fprintf(out, "<%s>", name);
	report_html_text(out, text);
	fprintf(out, "</%s>", name);
}

/* A file's name in two elements, as memcheck has it. */
static void put_file(FILE *out, const char *path)
{
	const char *base = report_basename(path);
	char *folder =
		base > path ? strndup(path, (size_t)(base - path - (base - path > 1))) : NULL;

	put_element(out, "dir", folder ? folder : "");
	put_element(out, "file", base);
	free(folder);
}

static void put_xml_stack(FILE *out, const struct report_stack *s)
{
	fputs("  <stack>\n", out);
	for (u32 i = 0; i < s->count; i++) {
		const struct report_frame *f = &s->frame[i];

		fprintf(out, "    <frame><ip>0x%" PRIX64 "</ip>", f->pc);
		put_element(out, "obj", f->module);
		put_element(out, "fn", f->function);
		if (f->line) {
			put_file(out, f->file);
			fprintf(out, "<line>%u</line>", f->line);
		}
		fputs("</frame>\n", out);
	}
	fputs("  </stack>\n", out);
}

static void put_aux(FILE *out, const char *text)
{
	fputs("  ", out);
	put_element(out, "auxwhat", text);
	fputc('\n', out);
}

static void put_error(FILE *out, const struct report_finding *f)
{
	const struct report_stack *s = f->analysis.stack;
	char *what = report_finding_text(put_what, f);

	fprintf(out, "<error>\n  <unique>0x%x</unique>\n  <tid>%d</tid>\n  <kind>%s</kind>\n",
		f->number, f->head.tid, kind_of(f));
	if (is_leak(f)) {
		fputs("  <xwhat>", out);
		put_element(out, "text", what ? what : "");
		fprintf(out,
			"<leakedbytes>%" PRIu64 "</leakedbytes><leakedblocks>%" PRIu64
			"</leakedblocks></xwhat>\n",
			f->head.object.size, f->head.count);
		put_xml_stack(out, &s[REPORT_STACK_ALLOC]);
	} else {
		fputs("  ", out);
		put_element(out, "what", what ? what : "");
		fputc('\n', out);
		put_xml_stack(out, &s[REPORT_STACK_ACCESS]);
		put_aux(out, f->title);
		if (s[REPORT_STACK_FREE].count) {
			put_xml_stack(out, &s[REPORT_STACK_FREE]);
			put_aux(out, "Block was alloc\'d at");
		}
		if (s[REPORT_STACK_ALLOC].count)
			put_xml_stack(out, &s[REPORT_STACK_ALLOC]);
	}
	fputs("</error>\n", out);
	free(what);
}

static void put_status(FILE *out, const char *state)
{
	fprintf(out, "<status>\n  <state>%s</state>\n  <time>00:00:00:00.000</time>\n</status>\n",
		state);
}

void report_xml(FILE *out, const struct report_run *run, const char *program)
{
	s32 pid = run->findings	   ? run->finding[0]->head.pid
		  : run->processes ? run->process[0].pid
				   : 0;

	fprintf(out,
		"<?xml version=\"1.0\"?>\n<valgrindoutput>\n"
		"<protocolversion>4</protocolversion>\n<protocoltool>memcheck</protocoltool>\n"
		"<preamble>\n  <line>buffervm check</line>\n</preamble>\n"
		"<pid>%d</pid>\n<ppid>0</ppid>\n<tool>memcheck</tool>\n"
		"<args>\n  <vargv><exe>buffervm</exe></vargv>\n  <argv>",
		pid);
	put_element(out, "exe", program ? program : "?");
	fputs("</argv>\n</args>\n", out);
	put_status(out, "RUNNING");
	for (u32 i = 0; i < run->findings; i++)
		put_error(out, run->finding[i]);
	put_status(out, "FINISHED");
	fputs("<errorcounts>\n", out);
	for (u32 i = 0; i < run->findings; i++)
		fprintf(out, "  <pair><count>%" PRIu64 "</count><unique>0x%x</unique></pair>\n",
			run->finding[i]->occurrences, run->finding[i]->number);
	fputs("</errorcounts>\n<suppcounts>\n</suppcounts>\n</valgrindoutput>\n", out);
}
