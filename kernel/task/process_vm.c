// SPDX-License-Identifier: MIT
/*
 * process_vm_readv(2) and process_vm_writev(2): bytes go from one process to the other through a
 * page of kernel memory. A transfer that meets a bad page ends before it. As in Linux
 * (mm/process_vm_access.c), and other than the man page says, it ends at a page and not at an
 * element of a vector.
 */
#include <linux/uio.h>
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/remote.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/ptrace_access.h"

#define TRANSFER_MAX 0x7ffff000UL /* MAX_RW_COUNT */

/* A vector of the caller's, and the position of the transfer in it. */
struct vector {
	struct iovec *iov;
	u64 count;
	u64 at; /* how many bytes of iov[0] are done */
};

/* Skips elements that are done. Returns false if nothing is left. */
static bool vector_left(struct vector *v)
{
	while (v->count && v->at == v->iov->iov_len) {
		v->iov++;
		v->count--;
		v->at = 0;
	}
	return v->count;
}

static u64 vector_addr(const struct vector *v)
{
	return (u64)v->iov->iov_base + v->at;
}

/*
 * Reads a vector into *iov, which the caller frees in any case. Returns how many bytes the vector
 * has, at most TRANSFER_MAX, or -errno.
 */
static s64 read_vector(uva from, u64 count, struct iovec **iov)
{
	u64 total = 0;

	*iov = NULL;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (!count)
		return 0;
	*iov = kmalloc(count * sizeof(**iov));
	if (!*iov)
		return -ENOMEM;
	if (copy_from_user(*iov, from, count * sizeof(**iov)))
		return -EFAULT;
	for (u64 i = 0; i < count; i++) {
		if ((s64)(*iov)[i].iov_len < 0)
			return -EINVAL;
		/* At most TRANSFER_MAX bytes are moved, so later elements become empty. */
		(*iov)[i].iov_len = MIN((*iov)[i].iov_len, TRANSFER_MAX - total);
		total += (*iov)[i].iov_len;
	}
	return (s64)total;
}

/* Returns how many bytes were moved, or -EFAULT if none were. */
static s64 move(struct mm *mm, struct vector *local, struct vector *remote, bool write, char *page)
{
	u64 total = 0;

	while (vector_left(local) && vector_left(remote)) {
		u64 addr = vector_addr(remote);
		u64 n = MIN(local->iov->iov_len - local->at, remote->iov->iov_len - remote->at);
		u64 moved;

		n = MIN(n, PAGE_SIZE - (addr & PAGE_MASK));
		if (write && copy_from_user(page, vector_addr(local), n))
			break;
		moved = mm_remote_copy(mm, addr, page, n, write ? MM_REMOTE_WRITE : MM_REMOTE_READ);
		if (!write && moved && copy_to_user(vector_addr(local), page, moved))
			break;
		local->at += moved;
		remote->at += moved;
		total += moved;
		if (moved < n)
			break;
	}
	return total ? (s64)total : -EFAULT;
}

static s64 process_vm(s32 pid, uva local_iov, u64 local_count, uva remote_iov, u64 remote_count,
		      u64 flags, bool write)
{
	struct iovec *local = NULL, *remote = NULL;
	struct mm *mm = NULL;
	char *page = NULL;
	s64 ret, bytes;
	int err;

	if (flags)
		return -EINVAL;
	ret = read_vector(local_iov, local_count, &local);
	if (ret <= 0)
		goto out;
	ret = bytes = read_vector(remote_iov, remote_count, &remote);
	if (bytes <= 0)
		goto out;
	ret = -ENOMEM;
	page = kmalloc(PAGE_SIZE);
	if (!page)
		goto out;
	mm = ptrace_mm(pid, PTRACE_REALCREDS, &err);
	ret = err;
	if (mm)
		ret = move(mm, &(struct vector){local, local_count, 0},
			   &(struct vector){remote, remote_count, 0}, write, page);
out:
	if (mm)
		mm_put(mm);
	kfree(page);
	kfree(local);
	kfree(remote);
	return ret;
}

DEFINE_SYSCALL6(process_vm_readv, s32, pid, uva, local, u64, local_count, uva, remote, u64,
		remote_count, u64, flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, false);
}

DEFINE_SYSCALL6(process_vm_writev, s32, pid, uva, local, u64, local_count, uva, remote, u64,
		remote_count, u64, flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, true);
}
