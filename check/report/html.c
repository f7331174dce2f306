// SPDX-License-Identifier: MIT
/*
 * The HTML page: one file without external resources, made at the end from the findings that were
 * kept. All text goes through report_html_text. The page's Content-Security-Policy also forbids
 * scripts and other resources.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "check/report/html.h"
#include "check/report/kind.h"
#include "check/report/outputs.h"
#include "check/report/words.h"

void report_html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

/* Writes the text that call writes to the stream words, escaped. */
#define PUT_WORDS(out, call)                                                                       \
	do {                                                                                       \
		char *words_ = NULL;                                                               \
		size_t len_;                                                                       \
		FILE *words = open_memstream(&words_, &len_);                                      \
		if (words) {                                                                       \
			call;                                                                      \
			fclose(words);                                                             \
			report_html_text(out, words_);                                             \
		}                                                                                  \
		free(words_);                                                                      \
	} while (0)

static void put_kind(FILE *out, u32 kind)
{
	const struct report_kind *k = report_kind(kind);

	fprintf(out, "<span class=\"kind%s\">%s</span>", k->error ? "" : " warning", k->name);
}

/* Writes lines of the source file, with the frame's line marked. */
static void put_source(FILE *out, const struct report_frame *f)
{
	const char *line = f->source;
	u32 number = f->source_first;

	fputs("<pre>", out);
	while (*line) {
		const char *end = line;

		while (*end && *end != '\n')
			end++;
		fprintf(out, "<span data-n=\"%u\"%s>", number,
			number == f->line ? " class=\"hit\"" : "");
		PUT_WORDS(out, fprintf(words, "%.*s", (int)(end - line), line));
		/* An empty line gets a space, without which it would have no height. */
		fputs(end == line ? " </span>" : "</span>", out);
		line = *end ? end + 1 : end;
		number++;
	}
	fputs("</pre>", out);
}

/* Writes a whole path, with its last part marked. */
static void put_path(FILE *out, const char *path)
{
	const char *base = report_basename(path);

	PUT_WORDS(out, fprintf(words, "%.*s", (int)(base - path), path));
	fputs("<span class=\"base\">", out);
	report_html_text(out, base);
	fputs("</span>", out);
}

static void put_frame(FILE *out, const struct report_frame *f, u32 number)
{
	fprintf(out, "<span class=\"n\">#%u</span><span class=\"f\">", number);
	if (f->function[0])
		PUT_WORDS(out, report_words_name(words, f->function));
	else
		fprintf(out, "0x%" PRIx64, f->pc);
	fputs("</span><span class=\"w\">", out);
	if (f->flags & FRAME_INLINED)
		fputs("inlined &middot; ", out);
	if (f->line) {
		put_path(out, f->file);
		fprintf(out, ":%u", f->line);
		if (f->column)
			fprintf(out, ":%u", f->column);
	} else if (f->module[0]) {
		put_path(out, f->module);
		fprintf(out, "+0x%" PRIx64, f->offset);
	}
	fputs("</span>", out);
}

static void put_stack(FILE *out, const struct report_finding *f, u32 which)
{
	const struct report_stack *s = &f->analysis.stack[which];
	/* The source that its reader can change is open. */
	const struct report_frame *own = report_own_frame(s);

	if (!s->count)
		return;
	fputs("<h3>", out);
	PUT_WORDS(out, report_words_stack(words, f, which));
	fputs("</h3>\n<ol>\n", out);
	for (u32 i = 0; i < s->count; i++) {
		const struct report_frame *frame = &s->frame[i];

		if (frame->source[0]) {
			fprintf(out, "<li><details%s><summary class=\"frame\">",
				frame == own ? " open" : "");
			put_frame(out, frame, i);
			fputs("</summary>", out);
			put_source(out, frame);
			fputs("</details></li>\n", out);
		} else {
			fputs("<li><div class=\"frame\">", out);
			put_frame(out, frame, i);
			fputs("</div></li>\n", out);
		}
		if (frame->elided) {
			fputs("<li class=\"more\">", out);
			PUT_WORDS(out, report_words_elided(words, s, i));
			fputs("</li>\n", out);
		}
	}
	if (s->cut)
		fprintf(out, "<li class=\"more\">... %u more</li>\n", s->cut);
	fputs("</ol>\n", out);
}

static void put_details(FILE *out, const struct report_finding *f)
{
	fputs("<p class=\"dim\">", out);
	fprintf(out, "process %d (", f->head.pid);
	report_html_text(out, f->head.comm);
	fprintf(out, "), thread %d", f->head.tid);
	if (f->occurrences > 1)
		fprintf(out, " &middot; seen %" PRIu64 " times", f->occurrences);
	if (f->head.object.state)
		fprintf(out, " &middot; guarded at level %s",
			report_level_name(f->head.object.level));
	if (f->analysis.insn.known) {
		fputs(" &middot; <code>", out);
		report_html_text(out, f->analysis.insn.text);
		fputs("</code>", out);
	}
	fputs("</p>\n", out);
}

static void put_finding(FILE *out, const struct report_finding *f)
{
	const struct report_kind *k = report_kind(f->head.kind);

	fprintf(out, "<article class=\"card\" id=\"r%u\">\n", f->number);
	put_kind(out, f->head.kind);
	fputs("\n<h2>", out);
	report_html_text(out, f->title);
	fputs("</h2>\n", out);
	put_details(out, f);
	fputs("<div class=\"advice\"><p>", out);
	report_html_text(out, k->summary);
	fputs(".</p><p class=\"dim\">", out);
	report_html_text(out, k->advice);
	fputs("</p><p class=\"dim\">", out);
	PUT_WORDS(out, report_words_explanation(words, f));
	fputs("</p></div>\n", out);
	report_html_object(out, f);
	report_html_around(out, f);
	report_html_timeline(out, f);
	for (u32 i = 0; i < REPORT_STACKS; i++)
		put_stack(out, f, i);
	fputs("<h3>To suppress it <span>put this line into a file for --suppressions</span></h3>\n"
	      "<div class=\"line\"><code>",
	      out);
	report_html_text(out, f->suppression);
	fputs("</code></div>\n</article>\n", out);
}

static void put_processes(FILE *out, const struct report_run *run)
{
	if (!run->processes)
		return;
	fputs("<section class=\"card\"><h2>Processes</h2><div class=\"scroll\"><table>\n<tr>"
	      "<th>process</th><th>objects</th><th>page</th><th>alias</th><th>unguarded</th>"
	      "<th>bytes</th><th>peak</th><th>not freed</th><th>sites</th><th>stepped down</th>"
	      "</tr>\n",
	      out);
	for (u32 i = 0; i < run->processes; i++) {
		const struct check_summary *p = &run->process[i];
		u64 objects = 0;

		for (u32 k = 0; k < ARRAY_SIZE(p->objects); k++)
			objects += p->objects[k];
		fprintf(out, "<tr><td>%d ", p->pid);
		report_html_text(out, p->comm);
		fprintf(out, "</td><td>%" PRIu64, objects);
		fprintf(out, "</td><td>%" PRIu64, p->objects[CHK_LEVEL_PAGE]);
		fprintf(out, "</td><td>%" PRIu64, p->objects[CHK_LEVEL_ALIAS]);
		fprintf(out, "</td><td>%" PRIu64, p->objects[CHK_LEVEL_NONE]);
		fprintf(out, "</td><td>%" PRIu64, p->bytes);
		fprintf(out, "</td><td>%" PRIu64, p->peak_bytes);
		fprintf(out, "</td><td>%" PRIu64, p->live);
		fprintf(out, "</td><td>%" PRIu64, p->sites);
		fprintf(out, "</td><td>%" PRIu64 "</td></tr>\n", p->sites_stepped_down);
	}
	fputs("</table></div>\n", out);
	if (run->ended > run->processes)
		fprintf(out, "<p class=\"dim\">and %" PRIu64 " more processes</p>\n",
			run->ended - run->processes);
	fputs("</section>\n", out);
}

static void put_overview(FILE *out, const struct report_run *run)
{
	fprintf(out, "<h1>%" PRIu64 " bug%s found</h1>\n<p class=\"dim\">buffervm check",
		run->total, run->total == 1 ? "" : "s");
	if (run->findings) {
		fputs(" &middot; ", out);
		report_html_text(out, run->finding[0]->head.comm);
	}
	if (run->duplicates)
		fprintf(out, " &middot; %" PRIu64 " repetitions", run->duplicates);
	if (run->suppressed)
		fprintf(out, " &middot; %" PRIu64 " suppressed", run->suppressed);
	if (run->total > run->findings)
		fprintf(out, " &middot; the first %u are shown", run->findings);
	fputs("</p>\n", out);
	if (run->findings < 2)
		return;
	fputs("<nav>\n", out);
	for (u32 i = 0; i < run->findings; i++) {
		fprintf(out, "<a href=\"#r%u\">", run->finding[i]->number);
		put_kind(out, run->finding[i]->head.kind);
		fputs("<span>", out);
		report_html_text(out, run->finding[i]->title);
		fputs("</span></a>\n", out);
	}
	fputs("</nav>\n", out);
}

void report_html(FILE *out, const struct report_run *run)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n"
	      "<title>buffervm check</title>\n<style>\n",
	      out);
	fputs(report_html_style, out);
	fputs("</style>\n</head>\n<body>\n<main>\n", out);
	put_overview(out, run);
	for (u32 i = 0; i < run->findings; i++)
		put_finding(out, run->finding[i]);
	put_processes(out, run);
	fputs("</main>\n</body>\n</html>\n", out);
}
