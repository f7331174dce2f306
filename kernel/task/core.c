// SPDX-License-Identifier: MIT
/*
 * See core.h. The file has an ELF header, program headers, notes, and then the content of the
 * segments, each from a page boundary. Pages that do not exist are holes.
 *
 * What the segments have follows from the process's coredump_filter and from madvise(2), as on
 * Linux. Of a large reservation only the used ranges become segments, so that file systems accept
 * the length of the file.
 */
#include <asm/stat.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include "common/boot_info.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/mapping.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/text_cache.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
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

/* Bits of coredump_filter. */
enum {
	FILTER_ANON_PRIVATE = 1 << 0,
	FILTER_ANON_SHARED = 1 << 1,
	FILTER_FILE_PRIVATE = 1 << 2,
	FILTER_FILE_SHARED = 1 << 3,
	FILTER_ELF_HEADERS = 1 << 4,
};

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
	bool has_lock; /* mm.lock is held */
	u64 limit;     /* of written: RLIMIT_CORE */
	u32 filter; /* bits of core(5), "Controlling which mappings are written to the core dump" */
	char path[PATH_MAX];
};

static u32 flags_of(const struct vma *v)
{
	return (v->prot & PROT_READ ? PF_R : 0) | (v->prot & PROT_WRITE ? PF_W : 0) |
	       (v->prot & PROT_EXEC ? PF_X : 0);
}

/* Returns true if the process is to end at once: the core is given up. */
static bool is_killed(void)
{
	return READ_ONCE(current_process()->pending.set) & SIGBIT(SIGKILL);
}

/*
 * Takes the news that interrupted a hostcall, or it would interrupt the next one, too. mm.lock, if
 * it is held, is free meanwhile: the process's other threads are frozen.
 */
UNCHECKED_LOCKING static void take_news(const struct core *c)
{
	if (c->has_lock)
		mutex_unlock(&c->mm->lock);
	signal_upcall();
	if (c->has_lock)
		mutex_lock(&c->mm->lock);
}

/* A hostcall that no signal but SIGKILL ends. */
#define STEADY(c, call)                                                                            \
	({                                                                                         \
		s64 r_ = (call);                                                                   \
		while (r_ == -EINTR && !is_killed()) {                                             \
			take_news(c);                                                              \
			r_ = (call);                                                               \
		}                                                                                  \
		r_;                                                                                \
	})

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

/* Returns true if the page is the process's own, and not one that shows the file. */
static bool is_copy(struct core *c, const struct vma *v, const struct pt_leaf *leaf)
{
	u64 entry = patch_original(c->mm, leaf->va, *leaf->entry), text = 0;

	if (!(entry & PTE_OWNED))
		return false;
	if (text_fits(v) && leaf->va >= v->start)
		text = text_peek(v, v->offset + (leaf->va - v->start));
	if (text)
		frame_put(text);
	return text != pt_gpa(entry);
}

/* Returns true if some pages differ from the file: data, or what a loader has relocated. */
static bool has_copies(struct core *c, const struct vma *v)
{
	struct pt_leaf leaf;

	for (u64 va = v->start; pt_next(c->mm, va, v->end, &leaf); va = leaf.va + leaf.size)
		if (is_copy(c, v, &leaf))
			return true;
	return false;
}

static bool has_pages(struct core *c, const struct vma *v)
{
	struct pt_leaf leaf;

	return pt_next(c->mm, v->start, v->end, &leaf);
}

/* Makes the pages exist that only the backing has. */
static u64 fault_in(struct core *c, const struct vma *v, u64 size)
{
	struct mm_fault_info info;

	for (u64 at = 0; at < size; at += PAGE_SIZE)
		mm_fault_locked(c->mm, v->start + at, MM_READ, &info);
	return size;
}

/*
 * Returns how many bytes of a VMA, from its start, belong into the file: vma_dump_size in Linux's
 * fs/coredump.c. A private mapping of a deleted file is written whole, because a debugger does not
 * find the file.
 */
static u64 dumped(struct core *c, struct vma *v)
{
	u64 size = v->end - v->start;
	bool shared = v->flags & VMA_SHARED, on_disk = vma_file(v) && !is_unlinked(c, v);

	if (vma_traits(v) & VM_SPECIAL) /* only code: the page of the clock is useless later */
		return v->prot & PROT_EXEC ? size : 0;
	if (v->flags & VMA_DONTDUMP)
		return 0;
	if (shared && !(c->filter & (on_disk ? FILTER_FILE_SHARED : FILTER_ANON_SHARED)))
		return 0;
	if (shared)
		return fault_in(c, v, size);
	if ((c->filter & FILTER_ANON_PRIVATE) && (vma_file(v) ? has_copies(c, v) : has_pages(c, v)))
		return size;
	if (!vma_file(v))
		return 0;
	if (!on_disk || (c->filter & FILTER_FILE_PRIVATE))
		return fault_in(c, v, size);
	/* The ELF header, and the build ID near it. */
	if ((c->filter & FILTER_ELF_HEADERS) && v->offset == 0 && (v->prot & PROT_READ))
		return fault_in(c, v, PAGE_SIZE);
	return 0;
}

static int add_segments(struct core *c)
{
	int ret = 0;

	for (struct vma *v = vma_first(c->mm); v && ret == 0; v = vma_next(v)) {
		u64 size = v->end - v->start;

		if (!vma_file(v) && ((vma_traits(v) & VM_MANAGED) || size > RESERVATION) &&
		    dumped(c, v))
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

	if (len > c->limit - c->written)
		return -EFBIG;
	c->written += len;
	if (ret == 0)
		ret = STEADY(c, hc_pwritev2(c->handle, &segs, offset, 0));
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
	return ret;
}

/* Gives the file its length: the last pages may be holes. */
static int set_length(const struct core *c)
{
	u64 end = content_offset(c);

	for (u32 i = 0; i < c->segments; i++)
		end += c->segment[i].filesz;
	return (int)STEADY(c, hc_ftruncate(c->handle, end));
}

static int flush(struct batch *b, struct core *c)
{
	s64 ret = 0;

	if (is_killed())
		return -EINTR;
	if (b->len > c->limit - c->written)
		return -EFBIG;
	if (b->len)
		ret = STEADY(c, hc_pwritev2(c->handle, &b->segs, b->offset, 0));

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
			ret = add_page(c,
				       pt_gpa(patch_original(c->mm, leaf.va, *leaf.entry)) +
					       (va - leaf.va),
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
	c->has_lock = true;
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
	if (ret == 0)
		ret = set_length(c);
	c->has_lock = false;
	mutex_unlock(&c->mm->lock);
	return ret;
}

/* Writes the path of the core to c->path. Returns 0 or -errno. */
static int name_core(struct core *c, const char *pattern, const siginfo_t *info, bool uses_pid)
{
	const struct process *p = current_process();
	const struct creds *creds = current_creds();
	struct core_names names = {
		.pid = p->pid,
		.tid = current()->tid,
		.uid = creds->ruid,
		.gid = creds->rgid,
		.signal = info->si_signo,
		.time = clock_realtime_ns() / NSEC_PER_SEC,
		.limit = p->rlimit[RLIMIT_CORE].cur,
		.comm = p->comm,
		.host = boot->hostname,
		.exe = c->mm->exe_path ? c->mm->exe_path : p->comm,
		.dumpable = p->dumpable,
		.uses_pid = uses_pid,
	};
	u32 node;

	hc_getcpu(&names.cpu, sizeof(names.cpu), &node, sizeof(node), 0);
	return core_name(c->path, sizeof(c->path), pattern, &names);
}

/* Opens c->path. Returns NULL and sets *err if this fails. */
static struct ofile *open_core(const struct core *c, u32 flags, int *err)
{
	struct ofile *f;

	do {
		signal_upcall();
		f = file_open(AT_FDCWD, c->path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600,
			      err);
	} while (!f && *err == -ERESTARTNOINTR && !is_killed());
	return f;
}

/* `check --core`: opens a regular file, new or emptied. */
static struct ofile *open_for_check(const struct core *c, int *err)
{
	struct ofile *f = open_core(c, O_RDWR | O_NONBLOCK, err);
	struct stat st;

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

static void remove_old(const struct core *c)
{
	struct fs_path p;

	if (path_get_kernel(&p, AT_FDCWD, c->path, AT_SYMLINK_NOFOLLOW))
		return;
	if (p.kind == PATH_HOST)
		STEADY(c, hc_unlinkat(p.dir, p.path, 0));
	path_put(&p);
}

/*
 * Opens a new file, as Linux's fs/coredump.c: an old one of that name is removed, and what is not a
 * regular file of the process's user with mode 0600 is left alone.
 */
static struct ofile *open_new(const struct core *c, int *err)
{
	struct ofile *f;
	struct stat st;

	remove_old(c);
	f = open_core(c, O_WRONLY | O_EXCL, err);
	if (!f)
		return NULL;
	*err = (int)STEADY(c, hc_fstat(f->handle, &st, sizeof(st)));
	if (*err == 0 && ((st.st_mode & S_IFMT) != S_IFREG || st.st_nlink > 1 ||
			  st.st_uid != current_creds()->fsuid || (st.st_mode & 0677) != 0600))
		*err = -EPERM;
	if (*err == 0)
		return f;
	ofile_put(f);
	return NULL;
}

static struct core *core_new(u32 filter, u64 limit)
{
	struct core *c = kzalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->zeros = kzalloc(PAGE_SIZE);
	c->mm = current_mm();
	c->batch.segs = (struct segs){0, c->batch.seg};
	c->filter = filter;
	c->limit = limit;
	if (c->zeros)
		return c;
	kfree(c);
	return NULL;
}

static void core_free(struct core *c)
{
	if (c) {
		kfree(c->notes.data);
		kfree(c->segment);
		kfree(c->zeros);
	}
	kfree(c);
}

void core_write(const siginfo_t *info)
{
	struct core *c = core_new(COREDUMP_FILTER_DEFAULT, RLIM_INFINITY);
	struct ofile *f = NULL;
	char *name = NULL;
	int ret = -ENOMEM;

	if (!c || !process_freeze())
		goto out;
	ret = name_core(c, boot->check_core_pattern, info, false);
	if (ret == 0)
		f = open_for_check(c, &ret);
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
	core_free(c);
}

/* Returns true if a core of the running process may be written for this signal. */
static bool is_wanted(int sig)
{
	const struct process *p = current_process();
	char first = boot->core_pattern[0];

	return (SIGNALS_CORE & SIGBIT(sig)) && p->dumpable &&
	       p->rlimit[RLIMIT_CORE].cur >= PAGE_SIZE && first && first != '|' && first != '@';
}

bool core_dump(const siginfo_t *info)
{
	struct process *p = current_process();
	struct core *c = NULL;
	struct ofile *f = NULL;
	bool has_core = false;
	int ret = -ENOMEM;

	if (!is_wanted(info->si_signo) || !process_freeze())
		return false;
	c = core_new(p->coredump_filter, p->rlimit[RLIMIT_CORE].cur);
	if (c)
		ret = name_core(c, boot->core_pattern, info, boot->flags & BOOT_CORE_USES_PID);
	if (c && ret == 0)
		f = open_new(c, &ret);
	if (f) {
		c->handle = f->handle;
		ret = write_all(c, info);
		/* As on Linux, a core that ends early is a core. */
		has_core = ret == 0 || c->written;
	}
	if (ret < 0)
		klog(1, "pid %d: no core, or not a whole one: error %d", p->pid, -ret);
	ofile_put(f);
	core_free(c);
	return has_core && !is_killed();
}
