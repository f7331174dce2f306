// SPDX-License-Identifier: MIT
/*
 * System V shared memory: shmget(2), shmop(2), shmctl(2).
 *
 * A segment is a window onto fresh memory. An attachment is a VMA whose backing is the segment, and
 * the segment counts its VMAs. The segment is destroyed when it is marked for removal and has no
 * VMA.
 *
 * segments.lock guards everything. It is taken inside mm.lock; only the locks of windows and of the
 * heap are taken inside.
 */
#include <asm/resource.h>
#include <asm/shmbuf.h>
#include <linux/mman.h>
#include <linux/shm.h>
#include "kernel/define_syscall.h"
#include "kernel/ipc/ipc.h"
#include "kernel/kernel.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/proc/proc_text.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

#define ULONG_MAX    (~0UL) /* used by linux/shm.h */

/* Flags in perm.mode, as IPC_STAT reports them. The headers of glibc and of Linux hide them. */
#define SHM_DEST_    01000
#define SHM_LOCKED_  02000

#define SHM_SIZE_MAX (1UL << 46) /* more than fits into any address space */

struct shm {
	struct ipc_perm_k perm; /* first: the table points to it */
	struct vm_backing backing;
	u64 size;
	u64 attached; /* VMAs, and callers of shmat(2) that hold the segment */
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
};

static struct ipc_table segments = IPC_TABLE_INIT(SHMMNI, LOCK_SHM);
static u64 all_pages; /* of all segments */

static u64 pages_of(const struct shm *shm)
{
	return ALIGN_UP(shm->size, PAGE_SIZE) >> PAGE_SHIFT;
}

/* segments.lock is held. */
static void destroy(struct shm *shm)
{
	ASSERT_HELD(&segments.lock);
	all_pages -= pages_of(shm);
	ipc_remove(&segments, &shm->perm);
	window_put(shm->backing.window);
	kfree(shm);
}

/* -- As a backing ------------------------------------------------------------------------------ */

static struct shm *shm_of(struct vm_backing *b)
{
	return container_of(b, struct shm, backing);
}

/* A VMA that shows the segment was created. shm_closed: it was removed. mm.lock may be held. */
static void shm_opened(struct vm_backing *b)
{
	struct shm *shm = shm_of(b);

	mutex_lock(&segments.lock);
	shm->attached++;
	shm->atime = ipc_now();
	shm->lpid = current_process()->pid;
	mutex_unlock(&segments.lock);
}

static void shm_closed(struct vm_backing *b)
{
	struct shm *shm = shm_of(b);

	mutex_lock(&segments.lock);
	shm->attached--;
	shm->dtime = ipc_now();
	shm->lpid = current_process()->pid;
	if (!shm->attached && (shm->perm.mode & SHM_DEST_))
		destroy(shm);
	mutex_unlock(&segments.lock);
}

static void shm_name(const struct vma *v, char *buf, u32 size)
{
	snprintf(buf, size, "/SYSV%08x (deleted)", (u32)shm_of(v->backing)->perm.key);
}

static const struct vm_backing_ops shm_backing = {
	.traits = VM_SEPARATE | VM_SHMEM,
	.get = shm_opened,
	.put = shm_closed,
	.populate = window_populate,
	.truncate = window_truncate,
	.advise = window_advise,
	.resident = window_resident,
	.name = shm_name,
};

static bool is_segment(const struct vma *v)
{
	return v->backing && v->backing->ops == &shm_backing;
}

/* -- shmget, shmat, shmdt ---------------------------------------------------------------------- */

/* Returns the identifier or -errno. segments.lock is held. */
static s32 create(s32 key, u64 size, u32 flags)
{
	struct shm *shm;
	s32 id, err;

	ASSERT_HELD(&segments.lock);
	if (size < SHMMIN || size > SHMMAX)
		return -EINVAL;
	if (segments.used >= segments.max)
		return -ENOSPC;
	/* Huge pages are the host's, and the sandbox reserves none. */
	if (size > SHM_SIZE_MAX || (flags & SHM_HUGETLB))
		return -ENOMEM;
	shm = kzalloc(sizeof(*shm));
	if (!shm)
		return -ENOMEM;
	shm->size = size;
	shm->ctime = ipc_now();
	shm->cpid = current_process()->pid;
	shm->backing.ops = &shm_backing;
	err = window_anon(ALIGN_UP(size, PAGE_SIZE), &shm->backing.window);
	if (err)
		goto free;
	id = ipc_add(&segments, &shm->perm, key, flags);
	if (id >= 0) {
		all_pages += pages_of(shm);
		return id;
	}
	window_put(shm->backing.window);
	err = id;
free:
	kfree(shm);
	return err;
}

DEFINE_SYSCALL3(shmget, s32, key, u64, size, u32, flags)
{
	struct shm *shm;
	int err;

	mutex_lock(&segments.lock);
	shm = ipc_get(&segments, key, flags, &err);
	if (shm && size > shm->size)
		err = -EINVAL;
	else if (shm)
		err = ipc_allowed(&shm->perm, flags) ? shm->perm.id : -EACCES;
	else if (!err)
		err = create(key, size, flags);
	mutex_unlock(&segments.lock);
	return err;
}

/* Chooses the address and the mmap(2) flags of shmat(2). Returns 0 or -EINVAL. */
static int choose_address(u64 *addr, u32 flags, u32 *map)
{
	*map = MAP_SHARED;
	if (*addr == 0)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (!IS_ALIGNED(*addr, PAGE_SIZE)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr = ALIGN_DOWN(*addr, PAGE_SIZE);
		if (*addr == 0 && (flags & SHM_REMAP))
			return -EINVAL;
	}
	*map |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/*
 * Finds the segment and counts one more attachment, so that it is not destroyed; the caller drops
 * it with release. Returns NULL and sets *err if this fails.
 */
static struct shm *hold(s32 id, u32 access, int *err)
{
	struct shm *shm;

	mutex_lock(&segments.lock);
	shm = ipc_find(&segments, id);
	*err = shm ? 0 : -EINVAL;
	if (shm && !ipc_allowed(&shm->perm, access))
		*err = -EACCES;
	if (*err)
		shm = NULL;
	else
		shm->attached++;
	mutex_unlock(&segments.lock);
	return shm;
}

static void release(struct shm *shm)
{
	mutex_lock(&segments.lock);
	if (--shm->attached == 0 && (shm->perm.mode & SHM_DEST_))
		destroy(shm);
	mutex_unlock(&segments.lock);
}

/* A segment as the source of a mapping; the caller holds the segment. */
struct shm_source {
	struct vm_source source;
	struct shm *shm;
};

static int open_segment(const struct vm_source *s, __attribute__((unused)) u64 offset,
			__attribute__((unused)) u64 len, u32 prot,
			__attribute__((unused)) bool shared, struct vm_opened *out)
{
	struct shm *shm = ((const struct shm_source *)s)->shm;

	shm_opened(&shm->backing);
	out->backing = &shm->backing;
	out->quiet = shm->backing.window->quiet;
	/*
	 * mprotect(2) cannot make a SHM_RDONLY attachment writable, as with a file that is open for
	 * reading.
	 */
	if (!(prot & PROT_WRITE))
		out->max_prot &= ~PROT_WRITE;
	return 0;
}

/* Returns the address or -errno. */
static s64 attach(struct mm *mm, u64 addr, u32 prot, u32 map, struct shm *shm)
{
	const struct shm_source s = {.source = {open_segment, .memory = true}, .shm = shm};
	s64 ret = -ENOMEM;

	mutex_lock(&mm->lock);
	if (mm_may_expand(mm, pages_of(shm), false))
		ret = mm_map_locked(mm, addr, pages_of(shm) * PAGE_SIZE, prot, map, &s.source, 0);
	mutex_unlock(&mm->lock);
	return ret;
}

DEFINE_SYSCALL3(shmat, s32, id, u64, addr, u32, flags)
{
	u32 prot = PROT_READ, access = IPC_READ, map;
	struct mm *mm = current_mm();
	struct shm *shm;
	int err;
	s64 at;

	if (id < 0)
		return -EINVAL;
	err = choose_address(&addr, flags, &map);
	if (err)
		return err;
	if (!(flags & SHM_RDONLY)) {
		prot |= PROT_WRITE;
		access |= IPC_WRITE;
	}
	if (flags & SHM_EXEC) {
		prot |= PROT_EXEC;
		access |= IPC_EXEC;
	}
	shm = hold(id, access, &err);
	if (!shm)
		return err;
	at = attach(mm, addr, prot, map, shm);
	release(shm);
	return at == -EEXIST ? -EINVAL : at;
}

/*
 * Unmaps what is left of the attachment at addr. Returns false if there is none. mm->lock is held.
 */
static bool detach(struct mm *mm, u64 addr)
{
	const struct vm_backing *shm = NULL;
	struct vma *v = vma_find(mm, addr);

	while (v) {
		u64 start = v->start, end = v->end;

		/* The first VMA tells which segment it is. Holes may lie between the others. */
		if (is_segment(v) && v->start - v->offset == addr && (!shm || v->backing == shm)) {
			shm = v->backing;
			if (mm_unmap_locked(mm, start, end - start) < 0)
				break;
		} else if (shm && start - addr >= SHM_SIZE_MAX) {
			break;
		}
		v = vma_find(mm, end);
	}
	return shm != NULL;
}

DEFINE_SYSCALL1(shmdt, u64, addr)
{
	struct mm *mm = current_mm();
	bool found;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	mutex_lock(&mm->lock);
	found = detach(mm, addr);
	mutex_unlock(&mm->lock);
	return found ? 0 : -EINVAL;
}

/* -- shmctl ------------------------------------------------------------------------------------ */

static s64 limits(uva out)
{
	const struct shminfo64 i = {
		.shmmax = SHMMAX,
		.shmmin = SHMMIN,
		.shmmni = SHMMNI,
		.shmseg = SHMSEG,
		.shmall = SHMALL,
	};
	s32 highest;

	mutex_lock(&segments.lock);
	highest = ipc_highest(&segments);
	mutex_unlock(&segments.lock);
	return put_user(i, out) ? -EFAULT : highest;
}

static s64 usage(uva out)
{
	struct shm_info i = {0};
	s32 highest;

	mutex_lock(&segments.lock);
	i.used_ids = (s32)segments.used;
	i.shm_tot = all_pages;
	for (u32 n = 0; n < segments.size; n++) {
		const struct shm *shm = ipc_at(&segments, (s32)n);

		/* The kernel does not know how much of it the host has in memory. */
		if (shm)
			i.shm_rss += pages_of(shm);
	}
	highest = ipc_highest(&segments);
	mutex_unlock(&segments.lock);
	return put_user(i, out) ? -EFAULT : highest;
}

/* IPC_STAT, SHM_STAT, SHM_STAT_ANY. */
static s64 stat(s32 id, u32 cmd, uva out)
{
	struct shmid64_ds ds = {0};
	struct shm *shm;
	s64 result = 0;

	mutex_lock(&segments.lock);
	shm = cmd == IPC_STAT ? ipc_find(&segments, id) : ipc_at(&segments, id);
	if (!shm) {
		result = -EINVAL;
	} else if (cmd != SHM_STAT_ANY && !ipc_allowed(&shm->perm, IPC_READ)) {
		result = -EACCES;
	} else {
		ds.shm_perm = ipc_stat(&shm->perm);
		ds.shm_segsz = shm->size;
		ds.shm_atime = shm->atime;
		ds.shm_dtime = shm->dtime;
		ds.shm_ctime = shm->ctime;
		ds.shm_cpid = shm->cpid;
		ds.shm_lpid = shm->lpid;
		ds.shm_nattch = shm->attached;
		result = cmd == IPC_STAT ? 0 : shm->perm.id;
	}
	mutex_unlock(&segments.lock);
	return result >= 0 && put_user(ds, out) ? -EFAULT : result;
}

/*
 * IPC_RMID: processes that have the segment attached keep it, and its key finds it no more.
 * segments.lock is held.
 */
static void mark(struct shm *shm)
{
	ASSERT_HELD(&segments.lock);
	if (!shm->attached) {
		destroy(shm);
		return;
	}
	shm->perm.mode |= SHM_DEST_;
	shm->perm.key = IPC_PRIVATE;
}

/* IPC_SET, IPC_RMID. */
static s64 change(s32 id, u32 cmd, uva arg)
{
	struct shmid64_ds ds;
	struct shm *shm;
	s64 err = 0;

	if (cmd == IPC_SET && get_user(&ds, arg))
		return -EFAULT;
	mutex_lock(&segments.lock);
	shm = ipc_find(&segments, id);
	if (!shm)
		err = -EINVAL;
	else if (!ipc_owned(&shm->perm))
		err = -EPERM;
	else if (cmd == IPC_RMID)
		mark(shm);
	else
		err = ipc_set(&shm->perm, &ds.shm_perm);
	if (!err && cmd == IPC_SET)
		shm->ctime = ipc_now();
	mutex_unlock(&segments.lock);
	return err;
}

/* SHM_LOCK, SHM_UNLOCK: only a mark, because the host decides whether memory is swapped. */
static s64 lock(s32 id, u32 cmd)
{
	struct process *p = current_process();
	struct shm *shm;
	s64 err = 0;

	mutex_lock(&segments.lock);
	shm = ipc_find(&segments, id);
	if (!shm)
		err = -EINVAL;
	else if (!capable(CAP_IPC_LOCK) &&
		 ((p->creds.euid != shm->perm.uid && p->creds.euid != shm->perm.cuid) ||
		  (cmd == SHM_LOCK && !p->rlimit[RLIMIT_MEMLOCK].cur)))
		err = -EPERM;
	else if (cmd == SHM_LOCK)
		shm->perm.mode |= SHM_LOCKED_;
	else
		shm->perm.mode &= ~(u32)SHM_LOCKED_;
	mutex_unlock(&segments.lock);
	return err;
}

DEFINE_SYSCALL3(shmctl, s32, id, u32, cmd, uva, arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return limits(arg);
	case SHM_INFO:
		return usage(arg);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat(id, cmd, arg);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, arg);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock(id, cmd);
	default:
		return -EINVAL;
	}
}

/* /proc/sysvipc/shm: proc(5). */
void proc_text_shm(struct text *t, const struct proc_ctx *c)
{
	(void)c;
	text_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid"
		       "   gid  cuid  cgid      atime      dtime      ctime"
		       "                   rss                  swap\n");
	mutex_lock(&segments.lock);
	for (u32 i = 0; i < segments.size; i++) {
		const struct shm *shm = ipc_at(&segments, (s32)i);

		if (shm)
			text_printf(t,
				    "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u %10ld "
				    "%10ld %10ld %21lu %21u\n",
				    shm->perm.key, shm->perm.id, shm->perm.mode, shm->size,
				    shm->cpid, shm->lpid, shm->attached, shm->perm.uid,
				    shm->perm.gid, shm->perm.cuid, shm->perm.cgid, shm->atime,
				    shm->dtime, shm->ctime, pages_of(shm) * PAGE_SIZE, 0U);
	}
	mutex_unlock(&segments.lock);
}
