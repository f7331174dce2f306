// SPDX-License-Identifier: MIT
/* What several outputs ask about a finding. */
#include <stdlib.h>
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
