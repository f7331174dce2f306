// SPDX-License-Identifier: MIT
/* What several outputs ask about a finding. */
#include <stdlib.h>
#include <string.h>
#include "check/report/analysis.h"
#include "check/report/finding.h"

/* Returns whether an operand fits the fault. Its first byte is better than the first at fault. */
static bool insn_fits(const struct report_finding *f)
{
	return f->analysis.insn.known && f->analysis.insn.access != CHECK_ACCESS_NONE;
}

u64 report_address(const struct report_finding *f)
{
	return insn_fits(f) ? f->analysis.insn.start : f->head.addr;
}

u64 report_size(const struct report_finding *f)
{
	return f->head.size || !insn_fits(f) ? f->head.size : f->analysis.insn.size;
}

u32 report_access(const struct report_finding *f)
{
	return f->head.access || !insn_fits(f) ? f->head.access : f->analysis.insn.access;
}

bool report_found_late(const struct report_finding *f)
{
	u32 kind = f->head.kind;

	return kind == CHECK_LEAK || kind == CHECK_REACHABLE_AT_EXIT ||
	       kind == CHECK_SLACK_OVERWRITTEN || kind == CHECK_FREED_OVERWRITTEN;
}

const struct report_stack *report_main_stack(const struct report_finding *f)
{
	const struct report_stack *s = f->analysis.stack;
	bool alloc = s[REPORT_STACK_ALLOC].count &&
		     (report_found_late(f) || !s[REPORT_STACK_ACCESS].count);

	return &s[alloc ? REPORT_STACK_ALLOC : REPORT_STACK_ACCESS];
}

/* Returns whether a path begins with one of the system's folders, or one of relative names. */
static bool is_in(const char *path, const char *const *folder, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(path, folder[i], strlen(folder[i])) == 0)
			return true;
	return false;
}

static bool is_of_system(const struct report_frame *f)
{
	static const char *const modules[] = {"/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/"};
	static const char *const files[] = {"/usr/include/",   "/usr/lib/", "/usr/lib64/",
					    "/usr/share/",     "/rustc/",   "/usr/local/go/",
					    "/usr/bin/../lib/"};

	return is_in(f->module, modules, ARRAY_SIZE(modules)) ||
	       is_in(f->file, files, ARRAY_SIZE(files)) ||
	       (strncmp(f->file, "library/", 8) == 0 && strstr(f->file, "/src/"));
}

const struct report_frame *report_own_frame(const struct report_stack *s)
{
	const struct report_frame *first = s->count ? s->frame : NULL;

	for (u32 i = s->count; i-- > 0;)
		if (s->frame[i].line)
			first = &s->frame[i];
	for (u32 i = 0; i < s->count; i++)
		if (s->frame[i].line && !is_of_system(&s->frame[i]))
			return &s->frame[i];
	return first;
}

void report_finding_free(struct report_finding *f)
{
	if (!f)
		return;
	report_analysis_free(&f->analysis);
	free((char *)(uintptr_t)f->where_module);
	free(f->around);
	free(f->samples);
	free(f->title);
	free(f->suppression);
	free(f);
}

char *report_finding_text(void (*put)(FILE *, const struct report_finding *),
			  const struct report_finding *f)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put(out, f);
	fclose(out);
	return text;
}
