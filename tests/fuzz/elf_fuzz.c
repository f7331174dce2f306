// SPDX-License-Identifier: MIT
/*
 * Can bytes that claim to be a program break the parsers of ELF headers and #! lines? The input is
 * the file. What the parsers accept must keep the promises of elf.h and script.h, on which the
 * loader relies without checks of its own.
 * sources: kernel/exec/elf.c kernel/exec/script.c
 */
#include <stdlib.h>
#include <string.h>

#include "common/layout.h"
#include "common/types.h"
#include "kernel/exec/elf.h"
#include "kernel/exec/script.h"

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *file, size_t size);

static void fuzz_script(const u8 *file, size_t size)
{
	struct script_line *line = malloc(sizeof(*line));

	memset(line, 0xff, sizeof(*line));
	if (script_parse(line, file, size) == 1) {
		HOLDS(memchr(line->interp, '\0', sizeof(line->interp)));
		HOLDS(line->interp[0] != '\0' && !strpbrk(line->interp, " \t\n"));
		HOLDS(memchr(line->arg, '\0', sizeof(line->arg)));
		HOLDS(!strchr(line->arg, '\n'));
	}
	free(line);
}

static void check_image(const struct elf_image *image)
{
	HOLDS(image->segments > 0 && image->segments <= image->headers);
	HOLDS(image->start < image->end && image->end <= USER_TOP);
	HOLDS(IS_ALIGNED(image->start, PAGE_SIZE) && IS_ALIGNED(image->end, PAGE_SIZE));
	HOLDS(image->align >= PAGE_SIZE && (image->align & (image->align - 1)) == 0);
	for (u32 i = 0; i < image->segments; i++) {
		const struct elf_segment *s = &image->segment[i];

		HOLDS(s->memsz > 0 && s->filesz <= s->memsz);
		HOLDS(s->vaddr >= image->start && s->vaddr + s->memsz <= image->end);
		HOLDS(s->filesz == 0 || ((s->vaddr - s->offset) & PAGE_MASK) == 0);
		HOLDS(s->filesz == 0 || s->offset + s->filesz > s->offset);
	}
	HOLDS(image->code_end <= image->end && image->data_end <= image->end);
	HOLDS(image->phdr < image->end);
	HOLDS(!image->interp || (image->interp_len >= 2 && image->interp_len <= 4096));
}

static void fuzz_elf(const u8 *file, size_t size)
{
	struct elf_error why = {0};
	struct elf_segment *segment;
	struct elf_image image;
	u8 *table;

	/* As the loader does it: the first page is the head. */
	if (elf_read_header(&image, file, MIN(size, PAGE_SIZE), size, &why) < 0) {
		HOLDS(why.status != 0 && why.text != NULL);
		return;
	}
	HOLDS(image.table_size > 0 && image.table_size <= ELF_TABLE_MAX);
	HOLDS(image.table_offset <= size && image.table_size <= size - image.table_offset);
	HOLDS(image.entry < USER_TOP);
	/* Exactly as large as promised, so that the sanitizer sees an access beyond it. */
	table = malloc(image.table_size);
	segment = malloc(image.headers * sizeof(*segment));
	memcpy(table, file + image.table_offset, image.table_size);
	if (elf_read_segments(&image, table, segment, &why) == 0)
		check_image(&image);
	else
		HOLDS(why.status != 0 && why.text != NULL);
	free(segment);
	free(table);
}

int LLVMFuzzerTestOneInput(const u8 *file, size_t size)
{
	fuzz_script(file, size);
	fuzz_elf(file, size);
	return 0;
}
