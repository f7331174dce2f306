// SPDX-License-Identifier: MIT
/*
 * See module.h. The ELF header of a file in memory is found from an address in its code: the
 * mapping of the same file at offset 0 begins with the header. The program may have changed the
 * headers in memory, so each is read once, and the addresses in them are checked against the VMAs.
 *
 * Every VMA that an answer relies on carries VMA_MODULE from then on.
 */
#include <linux/elf.h>
#include <linux/mman.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mapping.h"
#include "kernel/check/heap.h"
#include "kernel/check/module.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

#define HEADERS_MAX 128 /* program headers that are read; further ones are ignored */
#define LOOK_BELOW  64	/* VMAs between the code and the ELF header; linkers make one or two */

/*
 * Increments the word in the library's memory that tells it that answers are no longer valid.
 * mm.lock is held.
 */
static void new_generation(struct mm *mm)
{
	u64 at = mm->check->unwind.given.generation;
	struct mm_fault_info info;
	struct pt_leaf leaf;

	ASSERT_HELD(&mm->lock);
	mm->check->unwind.none_low = mm->check->unwind.none_high = 0;
	if (!at)
		return;
	while (!pt_find(mm, at, &leaf) || !(*leaf.entry & PTE_P) || !(*leaf.entry & PTE_W))
		if (mm_fault_locked(mm, at, MM_WRITE, &info) < 0)
			return; /* the program took the library's memory away */
	if (!(*leaf.entry & PTE_OWNED))
		return; /* not RAM but a window onto a file: not the library's data */
	__atomic_add_fetch((u32 *)phys_to_virt(pt_gpa(*leaf.entry) + (at - leaf.va)), 1,
			   __ATOMIC_SEQ_CST);
}

void chk_code_changes(struct mm *mm, u64 start, u64 end, bool appears)
{
	const struct mm_unwind *u = &mm->check->unwind;

	if (!appears || (start < u->none_high && end > u->none_low))
		new_generation(mm);
}

bool chk_peek_fault(struct mm *mm, struct trapframe *f)
{
	const struct chk_unwind *u = &mm->check->unwind.given;

	if (f->rip < u->peek || f->rip >= u->peek_end)
		return false;
	f->rip = u->peek_fail;
	return true;
}

s64 chk_call_unwind(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	struct chk_unwind u;

	if (get_user(&u, args->a[0]) < 0)
		return -EFAULT;
	if (!IS_ALIGNED(u.generation, sizeof(u32)))
		return -EINVAL;
	mutex_lock(&mm->lock);
	mm->check->unwind = (struct mm_unwind){.given = u};
	mutex_unlock(&mm->lock);
	return (s64)mm->code_start;
}

/* Notes that the answer for pc is that there is no code, and returns that answer. */
static s64 no_code(struct mm *mm, u64 pc)
{
	struct mm_unwind *u = &mm->check->unwind;

	u->none_low = u->none_high ? MIN(u->none_low, pc) : pc;
	u->none_high = MAX(u->none_high, pc + 1);
	return -EFAULT;
}

/*
 * Finds the ELF header of the file whose code contains pc. *file becomes a reference to the file;
 * it stays NULL for the vDSO. Returns 0; -ENOENT: the code is not a file's; -EFAULT: there is no
 * code. mm.lock is held.
 */
static s64 find_header(struct mm *mm, u64 pc, u64 *header, struct ofile **file)
{
	struct vma *code = vma_find(mm, pc), *v = code;

	ASSERT_HELD(&mm->lock);
	if (!v || v->start > pc || !(v->prot & PROT_EXEC))
		return no_code(mm, pc);
	code->flags |= VMA_MODULE;
	if (vma_traits(v) & VM_SPECIAL) {
		*header = mm->vdso;
		return 0;
	}
	if (!vma_file(v))
		return -ENOENT;
	for (u32 n = 0; v && n < LOOK_BELOW; n++, v = vma_prev(v)) {
		if (vma_file(v) != vma_file(code) || v->offset != 0)
			continue;
		v->flags |= VMA_MODULE;
		*header = v->start;
		*file = ofile_get(vma_file(v));
		return 0;
	}
	return -ENOENT;
}

/* Most bytes of a file's section headers, and of their names. */
#define SECTIONS_MAX 65536

/*
 * Reads bytes of a file into memory that the caller frees with kfree, and puts a NUL behind them.
 * Returns NULL if they are too many, are not there, or without memory.
 */
static void *read_bytes(struct ofile *file, u64 offset, u64 len)
{
	char *p = len && len <= SECTIONS_MAX ? kzalloc(len + 1) : NULL;

	if (p && file_pread(file, p, len, offset) == (s64)len)
		return p;
	kfree(p);
	return NULL;
}

/*
 * Finds .eh_frame by the section headers in the file, because gcc -static and musl-gcc link without
 * a PT_GNU_EH_FRAME.
 */
static void find_frames(struct ofile *file, u64 bias, struct chk_module *m)
{
	Elf64_Shdr *section = NULL;
	char *names = NULL;
	Elf64_Ehdr e;

	if (file_pread(file, &e, sizeof(e), 0) != sizeof(e) || e.e_shentsize != sizeof(*section) ||
	    e.e_shstrndx >= e.e_shnum)
		return;
	section = read_bytes(file, e.e_shoff, e.e_shnum * sizeof(*section));
	if (section)
		names = read_bytes(file, section[e.e_shstrndx].sh_offset,
				   section[e.e_shstrndx].sh_size);
	for (u32 i = 0; names && i < e.e_shnum; i++) {
		if (section[i].sh_name >= section[e.e_shstrndx].sh_size ||
		    !(section[i].sh_flags & SHF_ALLOC) ||
		    strcmp(names + section[i].sh_name, ".eh_frame") != 0)
			continue;
		m->frames = bias + section[i].sh_addr;
		m->frames_size = section[i].sh_size;
		break;
	}
	kfree(names);
	kfree(section);
}

/* Reads the module's program headers from memory; the caller frees them. NULL: not readable. */
static Elf64_Phdr *program_headers(struct mm *mm, u64 header, u32 *count)
{
	Elf64_Phdr *phdr;
	Elf64_Ehdr ehdr;

	if (mm_copy_from(mm, &ehdr, header, sizeof(ehdr)) < 0 ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_phentsize != sizeof(*phdr) ||
	    ehdr.e_phoff >= USER_TOP)
		return NULL;
	*count = MIN(ehdr.e_phnum, HEADERS_MAX);
	phdr = kmalloc(*count * sizeof(*phdr));
	if (phdr && mm_copy_from(mm, phdr, header + ehdr.e_phoff, *count * sizeof(*phdr)) < 0) {
		kfree(phdr);
		return NULL;
	}
	return phdr;
}

/* Fills in *m from the headers, not yet compared with the mappings. */
static s64 read_headers(struct mm *mm, u64 header, struct ofile *file, struct chk_module *m)
{
	u32 count = 0;
	Elf64_Phdr *phdr = program_headers(mm, header, &count);
	u64 bias = header;

	if (!phdr)
		return -ENOENT;
	for (u32 i = 0; i < count; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_offset == 0)
			bias = header - ALIGN_DOWN(phdr[i].p_vaddr, PAGE_SIZE);
	*m = (struct chk_module){.start = -1UL};
	for (u32 i = 0; i < count; i++) {
		u64 start = bias + phdr[i].p_vaddr;

		if (phdr[i].p_type == PT_LOAD) {
			m->start = MIN(m->start, ALIGN_DOWN(start, PAGE_SIZE));
			m->end = MAX(m->end, start + phdr[i].p_memsz);
		} else if (phdr[i].p_type == PT_GNU_EH_FRAME) {
			m->frame_hdr = start;
			m->frame_hdr_size = phdr[i].p_memsz;
		}
	}
	kfree(phdr);
	if (!m->frame_hdr && file)
		find_frames(file, bias, m);
	return 0;
}

static bool holds_tables(const struct vma *v)
{
	return v && (v->prot & PROT_READ) && (vma_window(v) || (vma_traits(v) & VM_SPECIAL));
}

/*
 * Finds the readable memory around the tables, up to the first hole or the end of the module.
 * mm.lock is held.
 */
static void find_tables(struct mm *mm, struct chk_module *m)
{
	u64 at = m->frame_hdr ? m->frame_hdr : m->frames, low, high;
	struct vma *v = vma_find(mm, at), *other;

	ASSERT_HELD(&mm->lock);
	if (!holds_tables(v) || v->start > at) {
		m->frame_hdr = m->frames = 0;
		return;
	}
	low = v->start;
	high = v->end;
	for (other = v; holds_tables(other) && other->end >= low; other = vma_prev(other)) {
		other->flags |= VMA_MODULE;
		low = other->start;
		if (low <= m->start)
			break;
	}
	for (other = v; holds_tables(other) && other->start <= high; other = vma_next(other)) {
		other->flags |= VMA_MODULE;
		high = other->end;
		if (high >= m->end)
			break;
	}
	m->tables = MAX(low, m->start);
	m->tables_end = MIN(high, m->end);
	m->frame_hdr_size = MIN(m->frame_hdr_size, m->tables_end - at);
	m->frames_size = MIN(m->frames_size, m->tables_end - at);
}

s64 chk_find_module(struct mm *mm, u64 pc, struct chk_module *m)
{
	struct ofile *file = NULL;
	u64 header, size;
	s64 err;

	mutex_lock(&mm->lock);
	err = find_header(mm, pc, &header, &file);
	mutex_unlock(&mm->lock);
	if (!err)
		err = read_headers(mm, header, file, m);
	ofile_put(file);
	if (err)
		return err;
	size = m->end - m->start;
	if (m->start > m->end || pc - m->start >= size)
		return -ENOENT;
	if (m->frame_hdr - m->start >= size)
		m->frame_hdr = 0;
	if (m->frames - m->start >= size)
		m->frames = 0;
	if (!m->frame_hdr && !m->frames)
		return 0;
	mutex_lock(&mm->lock);
	find_tables(mm, m);
	mutex_unlock(&mm->lock);
	return 0;
}

s64 chk_call_module(const struct syscall_args *args)
{
	struct chk_module m;
	s64 err = chk_find_module(current_mm(), args->a[0], &m);

	return err ? err : copy_to_user(args->a[1], &m, sizeof(m));
}
