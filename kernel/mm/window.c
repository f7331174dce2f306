// SPDX-License-Identifier: MIT
/*
 * Windows (window.h): the hostcalls that make them, their reference counts, and the operations of
 * backings that show them. Shared anonymous memory is a window on fresh memory.
 *
 * The monitor hands out windows in arenas, upwards from boot_info.window_base. The physmap covers
 * them up to physmap_mark, and is extended when a window lies above it.
 */
#include <linux/memfd.h>
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/window.h"

#define PHYSMAP_STEP	 (256UL << 20)
#define SIZE_MAX_ALIGNED (1UL << 62) /* file sizes are clamped, so that sums do not overflow */

static struct mutex window_lock = MUTEX_INIT(LOCK_WINDOW); /* protects physmap_mark */
static u64 physmap_mark;

/* Extends the physmap to end. Returns 0 or -ENOMEM. window_lock is held. */
static int make_addressable(u64 end)
{
	u64 from = MAX(physmap_mark, boot->window_base);
	int err;

	if (end <= from)
		return 0;
	end = MIN(ALIGN_UP(end, PHYSMAP_STEP), ALIGN_UP(boot->window_end, HUGE_SIZE));
	err = arch_physmap(from, end - from);
	if (!err)
		physmap_mark = end;
	return err;
}

static u64 clamp_size(s64 size)
{
	return size < 0 ? 0 : MIN((u64)size, SIZE_MAX_ALIGNED);
}

int window_new(s32 handle, u64 offset, u64 len, bool write, const struct vm_backing_ops *ops,
	       struct window **out)
{
	struct hostcall_window h;
	struct window *w = kmalloc(sizeof(*w));
	s64 ret;

	if (!w)
		return -ENOMEM;
	mutex_lock(&window_lock);
	ret = hc_window_map(handle, offset, len, write ? HC_WINDOW_WRITE : 0, &h, sizeof(h));
	if (ret >= 0) {
		ret = make_addressable(h.gpa + h.size);
		if (ret < 0)
			hc_window_unmap(h.id);
	}
	mutex_unlock(&window_lock);
	if (ret < 0) {
		kfree(w);
		return ret;
	}
	*w = (struct window){
		.backing = {.ops = ops, .window = w},
		.reader = -1,
		.refs = 1,
		.id = h.id,
		.gpa = h.gpa,
		.offset = h.offset,
		.size = h.size,
		.file_size = clamp_size(h.file_size),
		.dev = h.dev,
		.ino = h.ino,
		.version = h.version,
		.writable = write,
		.quiet = h.quiet,
	};
	*out = w;
	return 0;
}

bool window_covers(const struct window *w, u64 offset, u64 len, bool write)
{
	return w->offset <= offset && offset + len <= w->offset + w->size &&
	       (w->writable || !write);
}

void window_get(struct window *w)
{
	__atomic_fetch_add(&w->refs, 1, __ATOMIC_RELAXED);
}

void window_put(struct window *w)
{
	if (__atomic_fetch_sub(&w->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (!release_later(true, w->id))
		hc_window_unmap(w->id);
	kfree(w);
}

void window_refresh(struct window *w)
{
	s64 size = hc_window_file_size(w->id);

	if (size >= 0)
		WRITE_ONCE(w->file_size, clamp_size(size));
}

u64 window_bytes(const struct window *w, u64 offset, u64 len)
{
	u64 end = MIN(w->offset + w->size, ALIGN_UP(READ_ONCE(w->file_size), PAGE_SIZE));

	return offset >= end ? 0 : MIN(len, end - offset);
}

bool window_has_page(struct window *w, u64 offset)
{
	if (window_bytes(w, offset, PAGE_SIZE))
		return true;
	window_refresh(w);
	return window_bytes(w, offset, PAGE_SIZE);
}

/* -- Operations of backings -------------------------------------------------------------------- */

/* Offset in the window. */
static u64 offset_in(const struct vma *v, u64 va)
{
	return v->offset + (va - v->start) - vma_window(v)->offset;
}

u64 window_truncate(const struct vma *v)
{
	window_refresh(vma_window(v));
	return window_bytes(vma_window(v), v->offset, v->end - v->start);
}

int window_advise(const struct vma *v, u64 start, u64 end, int advice)
{
	const struct window *w = vma_window(v);
	u64 offset = offset_in(v, start);
	s64 ret;

	if (offset >= w->size)
		return 0;
	ret = hc_window_advise(w->id, offset, MIN(end - start, w->size - offset), advice);
	return ret < 0 ? ret : 0;
}

void window_resident(const struct vma *v, u64 start, u64 end, u8 *vec)
{
	const struct window *w = vma_window(v);
	u64 bytes = window_bytes(w, v->offset + (start - v->start), end - start);

	if (bytes)
		hc_window_resident(w->id, offset_in(v, start), bytes, vec,
				   ALIGN_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT);
}

/* Releases mm.lock during the hostcall, because that waits for the disk. */
UNCHECKED_LOCKING int window_sync(struct mm *mm, const struct vma *v, u64 start, u64 end)
{
	struct window *w = vma_window(v);
	u64 offset = offset_in(v, start);
	s64 ret;

	ASSERT_HELD(&mm->lock);
	window_get(w);
	mutex_unlock(&mm->lock);
	ret = hc_window_sync(w->id, offset, end - start, MS_SYNC);
	window_put(w);
	mutex_lock(&mm->lock);
	return ret < 0 ? (int)ret : 0;
}

static void anon_get(struct vm_backing *b)
{
	window_get(b->window);
}

static void anon_put(struct vm_backing *b)
{
	window_put(b->window);
}

static void anon_name(__attribute__((unused)) const struct vma *v, char *buf, u32 size)
{
	snprintf(buf, size, "/dev/zero (deleted)");
}

static const struct vm_backing_ops anon_ops = {
	.traits = VM_SHMEM,
	.get = anon_get,
	.put = anon_put,
	.populate = window_populate,
	.truncate = window_truncate,
	.advise = window_advise,
	.resident = window_resident,
	.name = anon_name,
};

int window_anon(u64 size, struct window **out)
{
	s64 handle = hc_memfd_create("zero", MFD_CLOEXEC), ret = handle;

	if (handle >= 0) {
		ret = hc_ftruncate(handle, size);
		if (ret >= 0)
			ret = window_new(handle, 0, size, true, &anon_ops, out);
		hc_close(handle); /* the window keeps the memory alive */
	}
	/* mmap(2) never fails with EINTR, so a system call that was kicked is restarted. */
	return ret == -EINTR ? -ERESTARTNOINTR : ret;
}
