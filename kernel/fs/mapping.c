// SPDX-License-Identifier: MIT
/*
 * See mapping.h. A window shows the file, and contains the backing. Each VMA has a reference to the
 * window and one to the open file. The open file keeps the window that was made last, because most
 * files are mapped several times.
 */
#include "kernel/fs/mapping.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/host_file.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/window.h"

#define MODE_FMT 0170000
#define MODE_CHR 0020000

static struct mutex mapping_lock = MUTEX_INIT(LOCK_MAPPING); /* guards each ofile.window */

static struct ofile *file_of(const struct vm_backing *b)
{
	return b->window->owner;
}

static void file_get(struct vm_backing *b)
{
	window_get(b->window);
	ofile_get(file_of(b));
}

/*
 * Drops a VMA's references. A file that is open for writing then does not keep a window without
 * VMAs: on the host that is a mapping, which forbids seals (F_ADD_SEALS in fcntl(2)).
 */
static void file_put(struct vm_backing *b)
{
	struct ofile *file = file_of(b);
	struct window *w = b->window;
	bool uncache;

	if ((file->flags & O_ACCMODE) == O_RDWR) {
		mutex_lock(&mapping_lock);
		/* Two references are the VMA's and the file's. Others are added under the lock. */
		uncache = file->window == w && READ_ONCE(w->refs) == 2;
		if (uncache)
			file->window = NULL;
		mutex_unlock(&mapping_lock);
		if (uncache)
			window_put(w);
	}
	window_put(w);
	ofile_put(file);
}

static void file_name(const struct vma *v, char *buf, u32 size)
{
	s64 len = hc_handle_path(vma_file(v)->handle, buf, size - 1);

	buf[len > 0 ? MIN(len, size - 1) : 0] = 0;
}

static int file_widen(struct vm_backing *b, u64 offset, u64 len, struct vm_backing **wider);

static const struct vm_backing_ops file_backing = {
	.get = file_get,
	.put = file_put,
	.populate = window_populate,
	.widen = file_widen,
	.truncate = window_truncate,
	.advise = window_advise,
	.resident = window_resident,
	.sync = window_sync,
	.name = file_name,
};

/* Finds or makes a window for the range. *out is its backing, with the references of a VMA. */
static int open_window(struct ofile *file, u64 offset, u64 len, bool write, struct vm_backing **out)
{
	struct window *w, *old = NULL;
	int err = 0;

	mutex_lock(&mapping_lock);
	w = file->window;
	if (!w || !window_covers(w, offset, len, write)) {
		err = window_new(file->handle, offset, len, write, &file_backing, &w);
		if (!err) {
			w->owner = file;
			if ((file->flags & O_ACCMODE) == O_RDONLY)
				w->reader = file->handle;
			old = file->window;
			file->window = w;
		}
	}
	if (!err) {
		*out = &w->backing;
		file_get(*out);
	}
	mutex_unlock(&mapping_lock);
	if (old)
		window_put(old);
	return err;
}

static int file_widen(struct vm_backing *b, u64 offset, u64 len, struct vm_backing **wider)
{
	const struct window *w = b->window;

	if (window_covers(w, offset, len, w->writable))
		return 0;
	return open_window(file_of(b), offset, len, w->writable, wider);
}

/* Returns 0 if a file that cannot be mapped is /dev/zero, else the error. */
static int check_dev_zero(s32 handle)
{
	struct stat st;
	s64 ret = hc_fstat(handle, &st, sizeof(st));

	if (ret == -EINTR)
		return -ERESTARTNOINTR;
	return ret >= 0 && (st.st_mode & MODE_FMT) == MODE_CHR && st.st_rdev == DEV_ZERO ? 0
											 : -ENODEV;
}

/* Returns true if no new shared mapping may write. A window made before would allow it. */
static bool is_sealed(const struct ofile *file)
{
	s64 seals = hc_fcntl(file->handle, F_GET_SEALS, 0);

	return seals > 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

int host_mmap(struct ofile *file, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out)
{
	bool write = shared && (file->flags & O_ACCMODE) == O_RDWR;
	int err;

	/* memfd_create(2): a sealed file is mapped like a file that is open only for reading. */
	if (write && is_sealed(file)) {
		if (prot & PROT_WRITE)
			return -EPERM;
		write = false;
	}
	if (shared && !write) {
		if (prot & PROT_WRITE)
			return -EACCES;
		out->max_prot &= ~PROT_WRITE;
	}
	err = open_window(file, offset, len, write, &out->backing);
	if (err)
		return err == -ENODEV ? check_dev_zero(file->handle) : err;
	out->offset = offset;
	out->quiet = out->backing->window->quiet;
	return 0;
}

static int open_file(const struct vm_source *s, u64 offset, u64 len, u32 prot, bool shared,
		     struct vm_opened *out)
{
	struct ofile *file = ((const struct file_source *)s)->file;

	const u32 mode = file->flags & O_ACCMODE;

	if (mode == O_WRONLY || (shared && prot & PROT_WRITE && mode == O_RDONLY))
		return -EACCES;
	return ofile_mmap(file, offset, len, prot, shared, out);
}

struct file_source file_source(struct ofile *file)
{
	return (struct file_source){.source = {.open = open_file}, .file = file};
}

s64 file_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct ofile *file, u64 offset)
{
	const struct file_source s = file_source(file);

	return mm_map(mm, addr, len, prot, flags, &s.source, offset);
}

struct ofile *vma_file(const struct vma *v)
{
	return v->backing && v->backing->ops == &file_backing ? file_of(v->backing) : NULL;
}

void file_truncated(struct mm *mm, const struct ofile *file)
{
	/*
	 * Only mappings through this open file are found. A program that truncates a file it has
	 * mapped mostly uses one open file for both.
	 */
	if (!file->window)
		return;
	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v))
		if (vma_file(v) == file)
			mm_truncate_locked(mm, v);
	mutex_unlock(&mm->lock);
}
