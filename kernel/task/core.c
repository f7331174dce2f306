// SPDX-License-Identifier: MIT
/*
 * See core.h. The file has an ELF header, program headers, notes, and then the content of the
 * segments, each from a page boundary. Pages that do not exist are holes.
 *
 * The segments have the memory whose content no file on the disk has, as with Linux's default
 * coredump_filter. Of a large reservation only the used ranges become segments, so that file
 * systems accept the length of the file.
 */
#include <asm/stat.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include "common/boot_info.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mapping.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/core.h"
#include "kernel/task/core_notes.h"
#include "kernel/task/freeze.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#define SEGMENTS_MAX 65000 /* e_phnum has 16 bits, and its highest value has another meaning */
#define RESERVATION  (64UL << 20) /* from this size on, only used ranges become segments */
#define HOLE	     (1UL << 20)  /* a larger hole in a reservation ends a segment */
#define GAP_MAX	     8 /* in pages: smaller gaps are written as zeros, for fewer writes */
#define DELETED	     " (deleted)"

struct segment {
	u64 start, end;
	u64 filesz;
	u32 flags;
};

/* Pages to be written, which are adjacent in the file. */
struct batch {
	u64 offset, len;
	struct segs segs;
	struct hostcall_seg seg[HOSTCALL_SEGS_MAX];
};

struct core {
	struct mm *mm;
	s32 handle;
	struct core_notes notes;
	struct segment *segment;
	u32 segments, space;
	struct batch batch;
	void *zeros; /* a page of zeros */
	u64 written;
	char path[PATH_MAX];
};

static u32 flags_of(const struct vma *v)
{
	return (v->prot & PROT_READ ? PF_R : 0) | (v->prot & PROT_WRITE ? PF_W : 0) |
	       (v->prot & PROT_EXEC ? PF_X : 0);
}

static int add_segment(struct core *c, const struct vma *v, u64 start, u64 end, u64 filesz)
{
	if (c->segments == c->space) {
		u32 space = c->space ? 2 * c->space : 256;
		struct segment *s = krealloc(c->segment, space * sizeof(*s));

		if (!s)
			return -ENOMEM;
		c->segment = s;
		c->space = space;
	}
	c->segment[c->segments++] = (struct segment){start, end, filesz, flags_of(v)};
	return 0;
}

/*
 * Adds segments for the used ranges of a large VMA. If there are too many, the last one has the
 * rest.
 */
static int add_used(struct core *c, const struct vma *v)
{
	u64 start = 0, end = 0;
	struct pt_leaf leaf;
	int ret;

	for (u64 va = v->start; pt_next(c->mm, va, v->end, &leaf); va = leaf.va + leaf.size) {
		u64 from = MAX(leaf.va, v->start);

		if (end && from - end > HOLE && c->segments < SEGMENTS_MAX) {
			ret = add_segment(c, v, start, end, end - start);
			if (ret < 0)
				return ret;
			end = 0;
		}
		if (!end)
			start = from;
		end = MIN(leaf.va + leaf.size, v->end);
	}
	return end ? add_segment(c, v, start, end, end - start) : 0;
}

/* Returns true if a debugger cannot find the file of this mapping. */
static bool is_unlinked(struct core *c, struct vma *v)
{
	u64 len, tail = strlen(DELETED);

	mm_vma_name(c->mm, v, c->path, sizeof(c->path));
	len = strlen(c->path);
	return len > tail && !strcmp(c->path + len - tail, DELETED);
}

/* Returns true if some pages differ from the file: data, or what a loader has relocated. */
static bool has_copies(struct core *c, const struct vma *v)
{
	struct pt_leaf leaf;

	for (u64 va = v->start; pt_next(c->mm, va, v->end, &leaf); va = leaf.va + leaf.size)
		if (patch_original(c->mm, leaf.va, *leaf.entry) & PTE_OWNED)
			return true;
	return false;
}

/* Returns how many bytes of a VMA, from its start, belong into the file. */
static u64 dumped(struct core *c, struct vma *v)
{
	struct mm_fault_info info;
	u64 size = v->end - v->start;

	if (vma_traits(v) & VM_SPECIAL) /* only code: the page of the clock is useless later */
		return v->prot & PROT_EXEC ? size : 0;
	if (!vma_file(v))
		return size;
	if (has_copies(c, v))
		return size;
	if (!is_unlinked(c, v)) {
		if (v->offset)
			return 0;
		size = PAGE_SIZE; /* the ELF header, and the build ID near it */
	}
	for (u64 at = 0; at < size; at += PAGE_SIZE)
		mm_fault_locked(c->mm, v->start + at, MM_READ, &info);
	return size;
}

static int add_segments(struct core *c)
{
	int ret = 0;

	for (struct vma *v = vma_first(c->mm); v && ret == 0; v = vma_next(v)) {
		u64 size = v->end - v->start;

		if (!vma_file(v) && ((vma_traits(v) & VM_MANAGED) || size > RESERVATION))
			ret = add_used(c, v);
		else if (c->segments < SEGMENTS_MAX)
			ret = add_segment(c, v, v->start, v->end, dumped(c, v));
	}
	return ret;
}

static int write_kernel(struct core *c, const void *p, u64 len, u64 offset)
{
	struct hostcall_seg seg[8];
	struct segs segs;
	s64 ret = kernel_segs(seg, ARRAY_SIZE(seg), p, len, &segs);

	if (ret == 0)
		ret = hc_pwritev2(c->handle, &segs, offset, 0);
	if (ret < 0)
		return (int)ret;
	return (u64)ret == len ? 0 : -ENOSPC;
}

static u64 headers_size(const struct core *c)
{
	return sizeof(Elf64_Ehdr) + (1 + (u64)c->segments) * sizeof(Elf64_Phdr);
}

static u64 content_offset(const struct core *c)
{
	return ALIGN_UP(headers_size(c) + c->notes.len, PAGE_SIZE);
}

static int write_headers(struct core *c)
{
	u64 size = headers_size(c), at = content_offset(c);
	u8 *headers = kzalloc(size);
	Elf64_Ehdr *e = (Elf64_Ehdr *)headers;
	Elf64_Phdr *p = (Elf64_Phdr *)(e + 1);
	int ret;

	if (!headers)
		return -ENOMEM;
	*e = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(*e),
		.e_ehsize = sizeof(*e),
		.e_phentsize = sizeof(*p),
		.e_phnum = (u16)(c->segments + 1),
	};
	*p++ = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = size, .p_filesz = c->notes.len, .p_align = 4};
	for (u32 i = 0; i < c->segments; i++) {
		const struct segment *s = &c->segment[i];

		*p++ = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_offset = at,
			.p_vaddr = s->start,
			.p_filesz = s->filesz,
			.p_memsz = s->end - s->start,
			.p_flags = s->flags,
			.p_align = PAGE_SIZE,
		};
		at += s->filesz;
	}
	ret = write_kernel(c, headers, size, 0);
	kfree(headers);
	if (ret == 0)
		ret = write_kernel(c, c->notes.data, c->notes.len, size);
	if (ret == 0)
		ret = (int)hc_ftruncate(c->handle, at);
	return ret;
}

static int flush(struct batch *b, struct core *c)
{
	s64 ret = b->len ? hc_pwritev2(c->handle, &b->segs, b->offset, 0) : 0;

	/* If the mapped file was truncated, its missing pages stay holes. */
	if (ret == -EFAULT)
		ret = (s64)b->len;
	if (ret >= 0 && (u64)ret < b->len)
		ret = -ENOSPC;
	c->written += b->len;
	b->len = 0;
	b->segs.count = 0;
	return ret < 0 ? (int)ret : 0;
}

static void append(struct batch *b, u64 gpa)
{
	struct hostcall_seg *last = b->segs.count ? &b->seg[b->segs.count - 1] : NULL;

	/* A segment must not cross a boundary of memory slots, which are multiples of 2 MiB. */
	if (last && last->gpa + last->len == gpa && !IS_ALIGNED(gpa, HUGE_SIZE))
		last->len += PAGE_SIZE;
	else
		b->seg[b->segs.count++] = (struct hostcall_seg){gpa, PAGE_SIZE};
	b->len += PAGE_SIZE;
}

static int add_page(struct core *c, u64 gpa, u64 offset)
{
	struct batch *b = &c->batch;
	u64 next = b->offset + b->len, gap = (offset - next) / PAGE_SIZE;
	int ret = 0;

	if (b->len && (offset < next || gap > GAP_MAX || b->segs.count + gap >= HOSTCALL_SEGS_MAX))
		ret = flush(b, c);
	if (!b->len)
		b->offset = offset;
	else
		for (; gap > 0; gap--)
			append(b, virt_to_phys(c->zeros));
	append(b, gpa);
	return ret;
}

static int write_segment(struct core *c, const struct segment *s, u64 offset)
{
	u64 end = s->start + s->filesz;
	struct pt_leaf leaf;
	int ret = 0;

	for (u64 va = s->start; ret == 0 && pt_next(c->mm, va, end, &leaf);) {
		u64 from = MAX(va, leaf.va), to = MIN(end, leaf.va + leaf.size);

		for (va = from; ret == 0 && va < to; va += PAGE_SIZE)
			ret = add_page(c, pt_gpa(*leaf.entry) + (va - leaf.va),
				       offset + (va - s->start));
	}
	return ret;
}

static int write_all(struct core *c, const siginfo_t *info)
{
	int ret = core_notes_make(&c->notes, info);
	u64 offset;

	if (ret < 0)
		return ret;
	mutex_lock(&c->mm->lock);
	ret = add_segments(c);
	if (ret == 0)
		ret = write_headers(c);
	offset = content_offset(c);
	for (u32 i = 0; ret == 0 && i < c->segments; i++) {
		ret = write_segment(c, &c->segment[i], offset);
		offset += c->segment[i].filesz;
	}
	if (ret == 0)
		ret = flush(&c->batch, c);
	mutex_unlock(&c->mm->lock);
	return ret;
}

/*
 * Opens a regular file, new or emptied, and leaves its path in c->path. Returns NULL and sets *err
 * if this fails.
 */
static struct ofile *open_core(struct core *c, int *err)
{
	const struct core_names names = {
		.pid = current_process()->pid,
		.comm = current_process()->comm,
		.time = clock_realtime_ns() / NSEC_PER_SEC,
	};
	struct ofile *f;
	struct stat st;

	*err = core_name(c->path, sizeof(c->path), boot->core_pattern, &names);
	if (*err < 0)
		return NULL;
	f = file_open(AT_FDCWD, c->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0600, err);
	if (!f)
		return NULL;
	*err = (int)hc_fstat(f->handle, &st, sizeof(st));
	if (*err == 0 && (st.st_mode & S_IFMT) != S_IFREG)
		*err = -EINVAL;
	if (*err == 0)
		*err = (int)hc_ftruncate(f->handle, 0);
	if (*err == 0)
		return f;
	ofile_put(f);
	return NULL;
}

void core_write(const siginfo_t *info)
{
	struct core *c = kzalloc(sizeof(*c));
	struct ofile *f = NULL;
	char *name = NULL;
	int ret = -ENOMEM;

	if (c)
		c->zeros = kzalloc(PAGE_SIZE);
	if (!c || !c->zeros || !process_freeze())
		goto out;
	c->mm = current_mm();
	c->batch.segs = (struct segs){0, c->batch.seg};
	f = open_core(c, &ret);
	name = kstrdup(c->path);
	if (f) {
		c->handle = f->handle;
		ret = write_all(c, info);
	}
	process_thaw();
	if (ret < 0)
		klog(0, "check: no core of process %d in %s: error %d", current_process()->pid,
		     name ? name : "?", -ret);
	else
		klog(0, "check: core of process %d in %s, %lu KiB", current_process()->pid,
		     name ? name : "?", c->written >> 10);
out:
	ofile_put(f);
	kfree(name);
	if (c) {
		kfree(c->notes.data);
		kfree(c->segment);
		kfree(c->zeros);
	}
	kfree(c);
}
