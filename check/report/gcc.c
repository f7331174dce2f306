// SPDX-License-Identifier: MIT
/* Writes a finding as gcc writes a diagnostic: editors and build tools read that form. */
#include <inttypes.h>
#include "check/report/kind.h"
#include "check/report/outputs.h"

void report_gcc(FILE *out, const struct report_finding *f)
{
	const struct report_kind *kind = report_kind(f->head.kind);
	const struct report_frame *frame = report_own_frame(report_main_stack(f));

	if (frame && frame->line) {
		fprintf(out, "%s:%u:", frame->file, frame->line);
		if (frame->column)
			fprintf(out, "%u:", frame->column);
	} else if (frame && frame->module[0]) {
		fprintf(out, "%s:+0x%" PRIx64 ":", frame->module, frame->offset);
	} else {
		fprintf(out, "%s:", f->head.comm);
	}
	fprintf(out, " %s: %s [%s]\n", kind->error ? "error" : "warning", f->title, kind->name);
}
