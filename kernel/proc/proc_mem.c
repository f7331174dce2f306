// SPDX-License-Identifier: MIT
/*
 * See proc_mem.h. Errors and the end of the file are as in Linux's fs/proc/base.c. An open file has
 * the number of the address space and not a reference, so it does not keep the memory of a process
 * that has ended.
 */
#include "kernel/proc/proc_mem.h"
#include "kernel/fs/io.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/remote.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_access.h"

u64 proc_mem_open(const struct process *p, int *err)
{
	ASSERT_HELD(&task_lock);
	*err = -EACCES;
	if (!ptrace_may_access(p, PTRACE_FSCREDS))
		return 0;
	*err = p->mm ? 0 : -ESRCH;
	return p->mm ? p->mm->id : 0;
}

struct mm *proc_mem_find(u64 id)
{
	struct mm *mm = NULL;
	struct process *p;

	mutex_lock(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		if (p->mm && p->mm->id == id) {
			mm = p->mm;
			mm_get(mm);
			break;
		}
	}
	mutex_unlock(&task_lock);
	return mm;
}

/*
 * Copies len bytes between mm at addr and the running program's buffer user, by way of page.
 * Returns bytes; if they are fewer than len, *err says why.
 */
static u64 transfer(struct mm *mm, u64 addr, u64 user, u64 len, bool write, char *page, s64 *err)
{
	u64 done = 0;

	while (done < len && !*err) {
		u64 n = MIN(len - done, PAGE_SIZE - ((addr + done) & PAGE_MASK)), moved;

		if (write && copy_from_user(page, user + done, n)) {
			*err = -EFAULT;
			break;
		}
		moved = mm_remote_copy(mm, addr + done, page, n,
				       MM_REMOTE_FORCE |
					       (write ? MM_REMOTE_WRITE : MM_REMOTE_READ));
		if (moved < n)
			*err = -EIO;
		if (!write && moved && copy_to_user(user + done, page, moved)) {
			*err = -EFAULT;
			break;
		}
		done += moved;
	}
	return done;
}

s64 proc_mem_transfer(u64 id, u64 *pos, struct io_request *rq)
{
	u64 addr = rq->offset == IO_AT_POS ? *pos : (u64)rq->offset;
	struct mm *mm = proc_mem_find(id);
	u64 total = 0;
	s64 err = 0;
	char *page;

	if (!mm)
		return 0;
	page = kmalloc(PAGE_SIZE);
	if (!page)
		err = -ENOMEM;
	while (!err && rq->count && rq->left) {
		u64 len = MIN(rq->iov->iov_len, rq->left);

		total += transfer(mm, addr + total, (u64)rq->iov->iov_base, len,
				  rq->dir == IO_WRITE, page, &err);
		rq->left -= len;
		rq->iov++;
		rq->count--;
	}
	kfree(page);
	mm_put(mm);
	if (rq->offset == IO_AT_POS)
		*pos = addr + total;
	return total ? (s64)total : err;
}
