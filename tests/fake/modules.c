// SPDX-License-Identifier: MIT
/* check/preload/unwind_kernel.h on the host, by dl_iterate_phdr(3). */
#include <asm/errno.h>
#include <link.h>
#include "check/preload/unwind_kernel.h"
#include "tests/fake/modules.h"

unsigned fake_modules_asked;
bool fake_modules_without_header;
u64 unwind_program;

struct request {
	u64 pc;
	struct chk_module *out;
};

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct request *r = arg;
	struct chk_module m = {.start = -1UL};

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		u64 start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD) {
			m.start = MIN(m.start, start);
			m.end = MAX(m.end, start + p->p_memsz);
		}
		if (p->p_type == PT_GNU_EH_FRAME) {
			m.frame_hdr = start;
			m.frame_hdr_size = p->p_memsz;
		}
	}
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		u64 start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && m.frame_hdr - start < p->p_memsz) {
			m.tables = start;
			m.tables_end = start + p->p_memsz;
		}
	}
	if (r->pc - m.start >= m.end - m.start)
		return 0;
	if (fake_modules_without_header && m.frame_hdr) {
		/* Behind four bytes: where .eh_frame is, from there. */
		m.frames = m.frame_hdr + 4 + (u64)(s64) * (const s32 *)(m.frame_hdr + 4);
		m.frames_size = m.tables_end - m.frames;
		m.frame_hdr = 0;
	}
	*r->out = m;
	return 1;
}

s64 unwind_module(u64 pc, struct chk_module *out)
{
	struct request r = {pc, out};

	fake_modules_asked++;
	return dl_iterate_phdr(look, &r) ? 0 : -ENOENT;
}
