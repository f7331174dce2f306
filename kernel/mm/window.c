// SPDX-License-Identifier: MIT
/*
 * Windows (window.h): asked of the monitor, kept by the open file they were made for, counted.
 *
 * The monitor hands out windows in arenas, upwards from boot_info.window_base. The physmap follows
 * with one mark: what lies below it is addressable.
 */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/fs/file.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/window.h"

#define PHYSMAP_STEP	 (256UL << 20)
#define SIZE_MAX_ALIGNED (1UL << 62) /* sums with addresses do not overflow */

#define DEV_ZERO	 0x105 /* character device 1:5, Linux's devices.txt */
#define MODE_FMT	 0170000
#define MODE_CHR	 0020000

static struct mutex window_lock; /* for physmap_mark and every ofile.window */
static u64 physmap_mark;

/* With the lock. */
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

/* With the lock. */
static int window_new(s32 handle, u64 offset, u64 len, bool write, struct window **out)
{
	struct hostcall_window h;
	struct window *w = kmalloc(sizeof(*w));
	s64 ret;

	if (!w)
		return -ENOMEM;
	ret = hc_window_map(handle, offset, len, write ? HC_WINDOW_WRITE : 0, &h, sizeof(h));
	if (ret < 0)
		goto free;
	ret = make_addressable(h.gpa + h.size);
	if (ret < 0) {
		hc_window_unmap(h.id);
		goto free;
	}
	*w = (struct window){
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
free:
	kfree(w);
	return ret;
}

static bool covers(const struct window *w, u64 offset, u64 len, bool write)
{
	return w->offset <= offset && offset + len <= w->offset + w->size &&
	       (w->writable || !write);
}

/* A file that cannot be mapped may be /dev/zero: 0, else the error. */
static int check_dev_zero(s32 handle)
{
	struct stat st;
	s64 ret = hc_fstat(handle, &st, sizeof(st));

	if (ret == -EINTR)
		return -ERESTARTNOINTR;
	return ret >= 0 && (st.st_mode & MODE_FMT) == MODE_CHR && st.st_rdev == DEV_ZERO ? 0
											 : -ENODEV;
}

int window_open(struct ofile *file, u64 offset, u64 len, bool write, struct window **out)
{
	struct window *w, *old = NULL;
	int err = 0;

	*out = NULL;
	mutex_lock(&window_lock);
	w = file->window;
	if (!w || !covers(w, offset, len, write)) {
		err = window_new(file->handle, offset, len, write, &w);
		if (!err) {
			old = file->window;
			file->window = w;
		}
	}
	if (!err) {
		window_get(w);
		*out = w;
	}
	mutex_unlock(&window_lock);
	if (old)
		window_put(old);
	return err == -ENODEV ? check_dev_zero(file->handle) : err;
}

int window_anon(u64 size, struct window **out)
{
	s64 handle = hc_memfd_create("zero", MFD_CLOEXEC), ret = handle;

	if (handle >= 0) {
		ret = hc_ftruncate(handle, size);
		if (ret >= 0) {
			mutex_lock(&window_lock);
			ret = window_new(handle, 0, size, true, out);
			mutex_unlock(&window_lock);
		}
		hc_close(handle); /* the window keeps the memory */
	}
	/* mmap(2) does not fail so: a kick came, and the call is made again. */
	return ret == -EINTR ? -ERESTARTNOINTR : ret;
}

void window_get(struct window *w)
{
	__atomic_fetch_add(&w->refs, 1, __ATOMIC_RELAXED);
}

void window_put(struct window *w)
{
	if (__atomic_fetch_sub(&w->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	hc_window_unmap(w->id);
	kfree(w);
}

void window_release(struct window *w, struct ofile *file)
{
	bool uncache;

	if (file && (file->flags & O_ACCMODE) == O_RDWR) {
		mutex_lock(&window_lock);
		/* Two references: the caller's and the file's. A third one comes with the lock. */
		uncache = file->window == w && READ_ONCE(w->refs) == 2;
		if (uncache)
			file->window = NULL;
		mutex_unlock(&window_lock);
		if (uncache)
			window_put(w);
	}
	window_put(w);
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
