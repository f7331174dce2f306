// SPDX-License-Identifier: MIT
/*
 * Can a report harm the reporter? An input is a report as a hostile guest sends it, with the plain
 * analysis, or, where its first byte says so, the bytes of a worker that was taken over. All
 * outputs are made.
 *
 * sources: check/report/analyse.c check/report/analysis.c check/report/decode.c
 * sources: check/report/finding.c check/report/html.c check/report/html_draw.c
 * sources: check/report/html_style.c check/report/json.c check/report/kind.c check/report/maps.c
 * sources: check/report/reporter.c check/report/sarif.c check/report/source.c
 * sources: check/report/suppress.c check/report/symbols.c check/report/text.c
 * sources: check/report/units.c check/report/scopes.c check/report/dwp.c check/report/elf_open.c
 * sources: check/report/zstd.c check/report/gcc.c check/report/valgrind.c
 * sources: check/report/unwind.c check/report/validate.c check/report/words.c
 * libraries: dw elf iberty Zydis json-c seccomp m
 */
#include <stdlib.h>
#include <string.h>
#include "check/report/input.h"
#include "check/report/reporter.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *answer;
static size_t answer_size;

/* The worker's answer is the second half of the input, or there is none. */
static char *ask(const void *blob, size_t len, const struct report_analysis_options *opt,
		 size_t *answer_len)
{
	char *copy = answer ? malloc(answer_size + 1) : NULL;

	(void)blob;
	(void)len;
	(void)opt;
	if (!copy)
		return NULL;
	memcpy(copy, answer, answer_size);
	*answer_len = answer_size;
	return copy;
}

static FILE *sink(void)
{
	static char *text[4];
	static size_t len[4];
	static u32 next;

	next = (next + 1) % ARRAY_SIZE(text);
	free(text[next]);
	text[next] = NULL;
	return open_memstream(&text[next], &len[next]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct reporter r = {.ask = ask, .color = true, .opt.registers = true};
	struct check_summary summary = {0};
	size_t blob_size;
	void *blob;

	if (size < 1)
		return 0;
	answer = NULL;
	blob_size = size - 1;
	if (data[0] & 1) {
		blob_size = MIN(blob_size, sizeof(struct check_report));
		answer = data + 1 + blob_size;
		answer_size = size - 1 - blob_size;
	}
	r.analysis.depth = 1 + (data[0] >> 1) % 40;
	r.text = sink();
	r.json = sink();
	r.sarif = sink();
	r.html = sink();
	/* Twice, so that the second is a duplicate. */
	for (int i = 0; i < 2; i++) {
		blob = malloc(blob_size + 1);
		memcpy(blob, data + 1, blob_size);
		reporter_report(&r, blob, blob_size);
		free(blob);
	}
	memcpy(&summary, data, MIN(size, sizeof(summary)));
	reporter_summary(&r, &summary, sizeof(summary));
	reporter_end(&r);
	fclose(r.text);
	fclose(r.json);
	fclose(r.sarif);
	fclose(r.html);
	return 0;
}
