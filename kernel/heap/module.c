/*
 * Modules (module.h). An ELF file in memory is found from an address in its code: the mapping of
 * the same file at offset 0 begins with the ELF header. Its bytes are the program's, who may have
 * changed them: each is read once, and what comes of them is checked against the VMAs.
 *
 * Every VMA that an answer relies on carries VMA_MODULE from then on.
 */
#include <linux/elf.h>
#include <linux/mman.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/heap/module.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

#define HEADERS_MAX 128 /* program headers looked at */
#define LOOK_BELOW  64	/* VMAs between the code and the ELF header; linkers make one or two */

/* The library's word that what it was told has changed. mm.lock is held. */
static void new_generation(struct mm *mm)
{
	u64 at = mm->unwind.given.generation;
	struct mm_fault_info info;
	struct pt_leaf leaf;

	mm->unwind.none_low = mm->unwind.none_high = 0;
	if (!at)
		return;
	while (!pt_find(mm, at, &leaf) || !(*leaf.entry & PTE_P) || !(*leaf.entry & PTE_W))
		if (mm_fault_locked(mm, at, MM_WRITE, false, &info) < 0)
			return; /* the program took the library's memory away */
	if (!(*leaf.entry & PTE_OWNED))
		return; /* nor is it there that a window's page is */
	__atomic_add_fetch((u32 *)phys_to_virt(pt_gpa(*leaf.entry) + (at - leaf.va)), 1,
			   __ATOMIC_SEQ_CST);
}

void heap_module_gone(struct mm *mm)
{
	new_generation(mm);
}

void heap_code_appears(struct mm *mm, u64 start, u64 end)
{
	if (start < mm->unwind.none_high && end > mm->unwind.none_low)
		new_generation(mm);
}

bool heap_peek_fault(struct mm *mm, struct trapframe *f)
{
	const struct heap_unwind *u = &mm->unwind.given;

	if (f->rip < u->peek || f->rip >= u->peek_end)
		return false;
	f->rip = u->peek_fail;
	return true;
}

s64 heap_call_unwind(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	struct heap_unwind u;

	if (get_user(&u, args->a[0]) < 0)
		return -EFAULT;
	if (!IS_ALIGNED(u.generation, sizeof(u32)))
		return -EINVAL;
	mutex_lock(&mm->lock);
	mm->unwind = (struct mm_unwind){.given = u};
	mutex_unlock(&mm->lock);
	return 0;
}

/* The answer for pc that there is no code. */
static s64 no_code(struct mm *mm, u64 pc)
{
	struct mm_unwind *u = &mm->unwind;

	u->none_low = u->none_high ? MIN(u->none_low, pc) : pc;
	u->none_high = MAX(u->none_high, pc + 1);
	return -EFAULT;
}

/*
 * Address of the ELF header of the file whose code pc is in. -ENOENT: code of no file; -EFAULT: no
 * code. mm.lock is held.
 */
static s64 find_header(struct mm *mm, u64 pc, u64 *header)
{
	struct vma *code = vma_find(mm, pc), *v = code;

	if (!v || v->start > pc || !(v->prot & PROT_EXEC))
		return no_code(mm, pc);
	code->flags |= VMA_MODULE;
	if (v->flags & VMA_VDSO) {
		*header = mm->vdso;
		return 0;
	}
	if (!v->file)
		return -ENOENT;
	for (u32 n = 0; v && n < LOOK_BELOW; n++, v = vma_prev(v)) {
		if (v->file != code->file || v->offset != 0)
			continue;
		v->flags |= VMA_MODULE;
		*header = v->start;
		return 0;
	}
	return -ENOENT;
}

/* What the program headers say, not yet compared with the mappings. */
static s64 read_headers(struct mm *mm, u64 header, struct heap_module *m)
{
	Elf64_Phdr phdr[HEADERS_MAX];
	u64 bias = header;
	Elf64_Ehdr ehdr;
	u32 count;

	if (mm_copy_from(mm, &ehdr, header, sizeof(ehdr)) < 0 ||
	    memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_phentsize != sizeof(*phdr))
		return -ENOENT;
	count = MIN(ehdr.e_phnum, HEADERS_MAX);
	if (ehdr.e_phoff >= USER_TOP ||
	    mm_copy_from(mm, phdr, header + ehdr.e_phoff, count * sizeof(*phdr)) < 0)
		return -ENOENT;
	for (u32 i = 0; i < count; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_offset == 0)
			bias = header - ALIGN_DOWN(phdr[i].p_vaddr, PAGE_SIZE);
	*m = (struct heap_module){.start = -1UL};
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
	return 0;
}

static bool holds_tables(const struct vma *v)
{
	return v && (v->prot & PROT_READ) && (v->win || (v->flags & VMA_VDSO));
}

/* Readable memory around the tables, as far as the module and no hole. mm.lock is held. */
static void find_tables(struct mm *mm, struct heap_module *m)
{
	struct vma *v = vma_find(mm, m->frame_hdr), *other;
	u64 low, high;

	if (!holds_tables(v) || v->start > m->frame_hdr) {
		m->frame_hdr = m->frame_hdr_size = 0;
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
	m->frame_hdr_size = MIN(m->frame_hdr_size, m->tables_end - m->frame_hdr);
}

s64 heap_find_module(struct mm *mm, u64 pc, struct heap_module *m)
{
	u64 header;
	s64 err;

	mutex_lock(&mm->lock);
	err = find_header(mm, pc, &header);
	mutex_unlock(&mm->lock);
	if (!err)
		err = read_headers(mm, header, m);
	if (err)
		return err;
	if (m->start > m->end || pc - m->start >= m->end - m->start)
		return -ENOENT;
	if (m->frame_hdr - m->start >= m->end - m->start)
		m->frame_hdr = m->frame_hdr_size = 0;
	if (!m->frame_hdr)
		return 0;
	mutex_lock(&mm->lock);
	find_tables(mm, m);
	mutex_unlock(&mm->lock);
	return 0;
}

s64 heap_call_module(const struct syscall_args *args)
{
	struct heap_module m;
	s64 err = heap_find_module(current_mm(), args->a[0], &m);

	return err ? err : copy_to_user(args->a[1], &m, sizeof(m));
}
