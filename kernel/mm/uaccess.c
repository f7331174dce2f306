// SPDX-License-Identifier: MIT
/*
 * The kernel's access to the program's memory (uaccess.h), page by page through the page tables.
 *
 * A page that is missing, or not writable yet, is faulted in as an access of the program would do
 * it. A page of a window can vanish during a copy, if the file is truncated; arch_copy fails then.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check_hooks.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/task/process.h"

/* The memory at a program's address. */
struct mapping {
	u64 gpa;
	u64 space; /* bytes from gpa to the end of the page, 4 KiB or 2 MiB */
	bool window;
};

/*
 * Takes mm.lock for accesses that may wait for RAM (make_space): waiting takes task_lock. So a
 * caller that holds locks of a lower order uses mm_copy_from_nowait.
 */
static void lock_to_access(struct mm *mm) ACQUIRES(mm->lock)
{
	if (LOCK_DEBUG && (mm->unborn || mm == current_mm()))
		lock_assert_may_take(LOCK_TASK);
	mutex_lock(&mm->lock);
}

/*
 * Calls oom_make_space without mm.lock. Returns false for the memory of another process, because
 * the caller then holds task_lock, which oom_make_space takes. Memory that execve(2) is filling
 * belongs to no process yet.
 */
UNCHECKED_LOCKING static bool make_space(struct mm *mm)
{
	bool made;

	ASSERT_HELD(&mm->lock);
	if (!mm->unborn && mm != current_mm())
		return false;
	mutex_unlock(&mm->lock);
	made = oom_make_space();
	mutex_lock(&mm->lock);
	return made;
}

/*
 * Returns 0 or -EFAULT. If no RAM is left: with wait, waits for some, without mm.lock; else returns
 * -ENOMEM. mm.lock is held.
 */
static int find_mapping_or_wait(struct mm *mm, u64 va, enum mm_access access, bool wait,
				struct mapping *p)
{
	struct mm_fault_info info;
	struct pt_leaf leaf;
	u64 entry;

	ASSERT_HELD(&mm->lock);
	while (!pt_find(mm, va, &leaf) || !(*leaf.entry & PTE_P) ||
	       (access == MM_WRITE && !(*leaf.entry & PTE_W))) {
		if (mm_fault_locked(mm, va, access, &info) == 0)
			continue;
		if (info.signal == SIGKILL && !wait)
			return -ENOMEM;
		if (info.signal != SIGKILL || !make_space(mm))
			return -EFAULT;
	}
	entry = patch_original(mm, leaf.va, *leaf.entry);
	p->gpa = pt_gpa(entry) + (va - leaf.va);
	p->space = leaf.size - (va - leaf.va);
	p->window = !(entry & PTE_OWNED);
	return 0;
}

static int find_mapping(struct mm *mm, u64 va, enum mm_access access, struct mapping *p)
{
	return find_mapping_or_wait(mm, va, access, true, p);
}

void user_segs_continue(u64 total)
{
	current()->bad_buffer.before = total;
}

static bool user_range(u64 va, u64 len)
{
	return va + len >= va && arch_user_range(va, va + len);
}

static int copy_bytes(void *dst, const void *src, u64 n, bool window)
{
	if (window)
		return arch_copy(dst, src, n);
	memcpy(dst, src, n);
	return 0;
}

/* Copies from *src on, and advances *src up to what could not be read. mm.lock is held. */
static int copy_out_of(struct mm *mm, void *dst, u64 *src, u64 len, bool wait)
{
	struct mapping p;
	int err = 0;

	while (len && !(err = find_mapping_or_wait(mm, *src, MM_READ, wait, &p))) {
		u64 n = MIN(len, p.space);

		err = copy_bytes(dst, phys_to_virt(p.gpa), n, p.window);
		if (err)
			break;
		dst = (char *)dst + n;
		*src += n;
		len -= n;
	}
	return err;
}

int mm_copy_from(struct mm *mm, void *dst, u64 src, u64 len)
{
	int err;

	if (!len)
		return 0;
	if (!user_range(src, len))
		return -EFAULT;
	lock_to_access(mm);
	err = copy_out_of(mm, dst, &src, len, true);
	mutex_unlock(&mm->lock);
	if (err)
		check_buffer_faults(mm, src, 0, false);
	return err;
}

int mm_copy_from_nowait(struct mm *mm, void *dst, u64 src, u64 len)
{
	int err;

	if (!user_range(src, len))
		return -EFAULT;
	mutex_lock(&mm->lock);
	err = copy_out_of(mm, dst, &src, len, false);
	mutex_unlock(&mm->lock);
	return err;
}

int mm_copy_to(struct mm *mm, u64 dst, const void *src, u64 len)
{
	struct mapping p;
	int err = 0;

	if (!len)
		return 0;
	if (!user_range(dst, len))
		return -EFAULT;
	lock_to_access(mm);
	check_buffer(mm, dst, len, 0, true, CHECK_ALWAYS);
	while (len && !(err = find_mapping(mm, dst, MM_WRITE, &p))) {
		u64 n = MIN(len, p.space);

		err = copy_bytes(phys_to_virt(p.gpa), src, n, p.window);
		if (err)
			break;
		src = (const char *)src + n;
		dst += n;
		len -= n;
	}
	mutex_unlock(&mm->lock);
	if (err)
		check_buffer_faults(mm, dst, 0, true);
	return err;
}

bool user_writable(u64 dst, u64 len)
{
	struct mm *mm = current_mm();
	struct mapping p;
	int err = 0;

	if (!user_range(dst, len))
		return false;
	lock_to_access(mm);
	for (u64 end = dst + len; !err && dst < end; dst += p.space)
		err = find_mapping(mm, dst, MM_WRITE, &p);
	mutex_unlock(&mm->lock);
	return !err;
}

int mm_clear(struct mm *mm, u64 dst, u64 len)
{
	static const u8 zeros[256];
	int err = 0;

	if (!user_range(dst, len))
		return -EFAULT;
	lock_to_access(mm);
	while (len && !err) {
		struct mapping p;
		u64 n;

		err = find_mapping(mm, dst, MM_WRITE, &p);
		if (err)
			break;
		n = MIN(len, p.space);
		if (p.window) {
			n = MIN(n, sizeof(zeros));
			err = arch_copy(phys_to_virt(p.gpa), zeros, n);
		} else {
			memset(phys_to_virt(p.gpa), 0, n);
		}
		dst += n;
		len -= n;
	}
	mutex_unlock(&mm->lock);
	if (err)
		check_buffer_faults(mm, dst, 0, true);
	return err;
}

int copy_from_user(void *dst, u64 src, u64 len)
{
	return mm_copy_from(current_mm(), dst, src, len);
}

int copy_to_user(u64 dst, const void *src, u64 len)
{
	return mm_copy_to(current_mm(), dst, src, len);
}

int clear_user(u64 dst, u64 len)
{
	return mm_clear(current_mm(), dst, len);
}

int copy_struct_from_user(void *dst, u64 size, u64 src, u64 user_size)
{
	u64 both = MIN(size, user_size);
	u8 rest[64];

	memset((u8 *)dst + both, 0, size - both);
	for (u64 at = both; at < user_size; at += sizeof(rest)) {
		u64 n = MIN(user_size - at, sizeof(rest));

		if (copy_from_user(rest, src + at, n))
			return -EFAULT;
		for (u64 i = 0; i < n; i++)
			if (rest[i])
				return -E2BIG;
	}
	return copy_from_user(dst, src, both);
}

s64 strncpy_from_user(char *dst, u64 src, u64 max)
{
	struct mm *mm = current_mm();
	u64 done = 0;
	s64 ret = -ENAMETOOLONG;

	lock_to_access(mm);
	while (done < max) {
		struct mapping p;
		const char *from, *nul;
		u64 n;

		ret = -EFAULT;
		if (!user_range(src + done, 1) || find_mapping(mm, src + done, MM_READ, &p) < 0)
			break;
		from = phys_to_virt(p.gpa);
		n = MIN(max - done, MIN(p.space, PAGE_SIZE));
		if (!p.window) /* copy no more than the string: most are short */
			n = MIN(n, strnlen(from, n) + 1);
		if (copy_bytes(dst + done, from, n, p.window) < 0)
			break;
		nul = memchr(dst + done, 0, n);
		if (nul) {
			ret = nul - dst;
			break;
		}
		done += n;
		ret = -ENAMETOOLONG;
	}
	mutex_unlock(&mm->lock);
	if (ret == -EFAULT)
		check_buffer_faults(mm, src + done, 0, false);
	return ret;
}

/*
 * gpa continues the segment. A segment never crosses a 2 MiB boundary: memory slots begin and end
 * at such boundaries, and a segment must lie in one slot.
 */
static bool extends(const struct hostcall_seg *s, u64 gpa)
{
	return s->gpa + s->len == gpa && !IS_ALIGNED(gpa, HUGE_SIZE);
}

static u64 seg_pages(u64 gpa, u64 len)
{
	return (ALIGN_UP(gpa + len, PAGE_SIZE) - ALIGN_DOWN(gpa, PAGE_SIZE)) >> PAGE_SHIFT;
}

struct user_segs *user_segs_new(void)
{
	struct thread *t = current();
	struct user_segs *s = t->segs;

	/* The thread's own one may be in use, by a system call with two buffers. */
	t->segs = NULL;
	if (!s)
		s = kmalloc(sizeof(*s));
	if (!s)
		return NULL;
	s->segs = (struct segs){0, s->array};
	s->bytes = 0;
	return s;
}

void user_segs_put(struct user_segs *s)
{
	struct thread *t = current();

	for (u32 i = 0; i < s->segs.count; i++) {
		const struct hostcall_seg *seg = &s->array[i];

		if (s->window[i])
			window_put(s->window[i]);
		else if (frame_is_ram(seg->gpa))
			frame_unpin_range(ALIGN_DOWN(seg->gpa, PAGE_SIZE),
					  seg_pages(seg->gpa, seg->len));
	}
	if (t->segs)
		kfree(s);
	else
		t->segs = s;
}

/* Adds n bytes that lie within one page. Returns false if no segment is left. */
static bool add_segment(struct user_segs *s, const struct mapping *p, u64 n, struct window *w)
{
	struct hostcall_seg *last = s->segs.count ? &s->array[s->segs.count - 1] : NULL;

	/*
	 * user_segs_put unpins each frame of a segment once, so a segment may not have two parts in
	 * one frame: only bytes at the start of a page extend it.
	 */
	if (last && s->window[s->segs.count - 1] == w && IS_ALIGNED(p->gpa, PAGE_SIZE) &&
	    extends(last, p->gpa)) {
		last->len += n;
	} else {
		if (s->segs.count == HOSTCALL_SEGS_MAX)
			return false;
		if (w)
			window_get(w);
		s->window[s->segs.count] = w;
		s->array[s->segs.count++] = (struct hostcall_seg){p->gpa, n};
	}
	/* Pages that are not RAM (the kernel image's, such as the vDSO) need no pin. */
	if (!w && frame_is_ram(p->gpa))
		frame_pin_range(ALIGN_DOWN(p->gpa, PAGE_SIZE), seg_pages(p->gpa, n));
	s->bytes += n;
	return true;
}

int user_segs_add(struct user_segs *s, u64 uva, u64 len, bool write)
{
	struct mm *mm = current_mm();
	u64 done = 0;
	int err = 0;

	if (!user_range(uva, len))
		return -EFAULT;
	lock_to_access(mm);
	check_buffer(mm, uva, len, s->bytes, write, CHECK_IF_REACHED);
	while (done < len) {
		struct window *w = NULL;
		struct mapping p;
		u64 n;

		err = find_mapping(mm, uva + done, write ? MM_WRITE : MM_READ, &p);
		if (err)
			break;
		if (p.window)
			w = vma_window(vma_find(mm, uva + done));
		n = MIN(len - done, p.space);
		if (!add_segment(s, &p, n, w))
			break;
		done += n;
	}
	mutex_unlock(&mm->lock);
	if (err)
		check_buffer_faults(mm, uva + done, s->bytes, write);
	return done ? 0 : err;
}

int segs_write(struct segs_cursor *c, const void *src, u64 n)
{
	while (n) {
		const struct hostcall_seg *seg = &c->segs->array[c->index];
		u64 part = MIN(n, seg->len - c->done);
		int err = copy_bytes((char *)phys_to_virt(seg->gpa) + c->done, src, part,
				     c->segs->window[c->index] != NULL);

		if (err)
			return err;
		src = (const char *)src + part;
		n -= part;
		c->done += part;
		if (c->done == seg->len) {
			c->index++;
			c->done = 0;
		}
	}
	return 0;
}

bool segs_plain(const struct user_segs *s)
{
	for (u32 i = 0; i < s->segs.count; i++)
		if (s->window[i])
			return false;
	return true;
}

const void *segs_next(struct segs_cursor *c, u64 max, u64 *n)
{
	const struct hostcall_seg *seg = &c->segs->array[c->index];
	const void *at = (const char *)phys_to_virt(seg->gpa) + c->done;

	*n = MIN(max, seg->len - c->done);
	c->done += *n;
	if (c->done == seg->len) {
		c->index++;
		c->done = 0;
	}
	return at;
}

int copy_from_buffer(void *dst, u64 src, u64 len, u64 before)
{
	struct mm *mm = current_mm();

	if (user_range(src, len)) {
		mutex_lock(&mm->lock);
		check_buffer(mm, src, len, before, false, CHECK_IF_REACHED);
		mutex_unlock(&mm->lock);
	}
	return copy_from_user(dst, src, len);
}

int kernel_segs(struct hostcall_seg *array, u32 max, const void *p, u64 len, struct segs *out)
{
	u64 gpa = virt_to_phys(p);

	*out = (struct segs){0, array};
	while (len) {
		u64 n = MIN(len, HUGE_SIZE - (gpa & HUGE_MASK));

		if (out->count == max)
			return -EINVAL;
		array[out->count++] = (struct hostcall_seg){gpa, n};
		gpa += n;
		len -= n;
	}
	return 0;
}
