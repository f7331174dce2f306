// SPDX-License-Identifier: MIT
/*
 * The system calls on user and group identity and capabilities. The rules are in cred_rules.c. The
 * host acts for a thread with the thread's identity (host_ids.h), so a change that the host refuses
 * is refused here.
 */
#include "kernel/define_syscall.h"
#include "kernel/task/cred_rules.h"
#include "kernel/task/host_ids.h"
#include "kernel/task/nproc.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"

#include <linux/capability.h>

bool capable(unsigned cap)
{
	return current_creds()->cap_effective >> cap & 1;
}

bool creds_may_signal(const struct process *p)
{
	const struct creds *c = current_creds();

	return c->euid == p->creds.suid || c->euid == p->creds.ruid || c->ruid == p->creds.suid ||
	       c->ruid == p->creds.ruid;
}

bool creds_may_change(const struct process *p, unsigned cap)
{
	const struct creds *c = current_creds();

	return (c->ruid == p->creds.ruid && c->ruid == p->creds.euid && c->ruid == p->creds.suid) ||
	       capable(cap);
}

int creds_commit(struct creds *new)
{
	struct thread *t = current();
	struct process *p = t->proc;
	int err;

	new->stamp = host_ids_stamp();
	err = host_ids_apply(new);
	if (err)
		return err;
	if (new->euid != t->creds.euid || new->egid != t->creds.egid)
		p->dumpable = false;
	mutex_lock(&task_lock);
	nproc_user_changes(new);
	new->no_new_privs |= t->creds.no_new_privs; /* another thread may set it: task/seccomp.c */
	t->creds = *new;
	if (t->tid == p->pid)
		p->creds = *new;
	mutex_unlock(&task_lock);
	return 0;
}

bool creds_have(unsigned cap)
{
	return capable(cap);
}

static bool is_one_of(struct cred_ids i, u32 id)
{
	return id == *i.real || id == *i.effective || id == *i.saved;
}

int creds_may_claim(s32 pid, u32 uid, u32 gid)
{
	struct creds *c = current_creds();
	struct process *p;

	if ((pid != current_process()->pid && !capable(CAP_SYS_ADMIN)) ||
	    (!is_one_of(cred_user_ids(c), uid) && !capable(CAP_SETUID)) ||
	    (!is_one_of(cred_group_ids(c), gid) && !capable(CAP_SETGID)))
		return -EPERM;
	mutex_lock(&task_lock);
	p = pid > 0 ? process_find(pid) : NULL;
	mutex_unlock(&task_lock);
	return p ? 0 : -ESRCH;
}

int creds_access_begin(void)
{
	struct creds *view = kmalloc(sizeof(*view));

	if (!view)
		return -ENOMEM;
	if (!cred_access_view(current_creds(), view)) {
		kfree(view);
		return 0;
	}
	host_ids_view_begin(view);
	return 1;
}

void creds_access_end(void)
{
	kfree(host_ids_view_end());
}

/* Commits a change of user IDs by any call except setfsuid(2). */
static int commit_users(struct creds *new)
{
	cred_fix_caps(new, current_creds());
	return creds_commit(new);
}

DEFINE_SYSCALL1(setuid, u32, uid)
{
	struct creds new = *current_creds();
	int err = cred_set_id(cred_user_ids(&new), capable(CAP_SETUID), uid);

	return err ? err : commit_users(&new);
}

DEFINE_SYSCALL1(setgid, u32, gid)
{
	struct creds new = *current_creds();
	int err = cred_set_id(cred_group_ids(&new), capable(CAP_SETGID), gid);

	return err ? err : creds_commit(&new);
}

DEFINE_SYSCALL2(setreuid, u32, ruid, u32, euid)
{
	struct creds new = *current_creds();
	int err = cred_set_re_id(cred_user_ids(&new), capable(CAP_SETUID), ruid, euid);

	return err ? err : commit_users(&new);
}

DEFINE_SYSCALL2(setregid, u32, rgid, u32, egid)
{
	struct creds new = *current_creds();
	int err = cred_set_re_id(cred_group_ids(&new), capable(CAP_SETGID), rgid, egid);

	return err ? err : creds_commit(&new);
}

DEFINE_SYSCALL3(setresuid, u32, ruid, u32, euid, u32, suid)
{
	struct creds new = *current_creds();
	int err = cred_set_res_id(cred_user_ids(&new), capable(CAP_SETUID), ruid, euid, suid);

	return err ? err : commit_users(&new);
}

DEFINE_SYSCALL3(setresgid, u32, rgid, u32, egid, u32, sgid)
{
	struct creds new = *current_creds();
	int err = cred_set_res_id(cred_group_ids(&new), capable(CAP_SETGID), rgid, egid, sgid);

	return err ? err : creds_commit(&new);
}

/* setfsuid(2) always returns the previous ID; a second call shows whether it has changed. */
DEFINE_SYSCALL1(setfsuid, u32, uid)
{
	struct creds new = *current_creds();
	u32 before = new.fsuid;

	if (uid != before && cred_may_set_fs_id(cred_user_ids(&new), capable(CAP_SETUID), uid)) {
		new.fsuid = uid;
		cred_fix_fs_caps(&new, current_creds());
		creds_commit(&new);
	}
	return before;
}

DEFINE_SYSCALL1(setfsgid, u32, gid)
{
	struct creds new = *current_creds();
	u32 before = new.fsgid;

	if (gid != before && cred_may_set_fs_id(cred_group_ids(&new), capable(CAP_SETGID), gid)) {
		new.fsgid = gid;
		creds_commit(&new);
	}
	return before;
}

DEFINE_SYSCALL0(getuid)
{
	return current_creds()->ruid;
}

DEFINE_SYSCALL0(geteuid)
{
	return current_creds()->euid;
}

DEFINE_SYSCALL0(getgid)
{
	return current_creds()->rgid;
}

DEFINE_SYSCALL0(getegid)
{
	return current_creds()->egid;
}

static s64 put_three(struct cred_ids i, uva real, uva effective, uva saved)
{
	if (put_user(*i.real, real) || put_user(*i.effective, effective) ||
	    put_user(*i.saved, saved))
		return -EFAULT;
	return 0;
}

DEFINE_SYSCALL3(getresuid, uva, ruid, uva, euid, uva, suid)
{
	return put_three(cred_user_ids(current_creds()), ruid, euid, suid);
}

DEFINE_SYSCALL3(getresgid, uva, rgid, uva, egid, uva, sgid)
{
	return put_three(cred_group_ids(current_creds()), rgid, egid, sgid);
}

DEFINE_SYSCALL2(getgroups, int, size, uva, list)
{
	const struct creds *c = current_creds();

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return c->ngroups;
	if ((u32)size < c->ngroups)
		return -EINVAL;
	if (copy_to_user(list, c->groups, c->ngroups * sizeof(c->groups[0])))
		return -EFAULT;
	return c->ngroups;
}

/* The limit is lower than Linux's 65536, because the list goes to the host in one hostcall. */
DEFINE_SYSCALL2(setgroups, u64, size, uva, list)
{
	struct creds new = *current_creds();

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size > ARRAY_SIZE(new.groups))
		return -EINVAL;
	if (copy_from_user(new.groups, list, size * sizeof(new.groups[0])))
		return -EFAULT;
	new.ngroups = (u32)size;
	return creds_commit(&new);
}

/*
 * Returns the number of 32-bit halves in this version of the structure, or 0 if the version is
 * unknown.
 */
static unsigned capability_words(u32 version)
{
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	default:
		return 0;
	}
}

/*
 * Reads the header of capget(2) and capset(2). For an unknown version it writes the preferred one
 * and returns -EINVAL.
 */
static int read_header(uva header, struct __user_cap_header_struct *h, unsigned *words)
{
	u32 preferred = _LINUX_CAPABILITY_VERSION_3;

	if (get_user(h, header))
		return -EFAULT;
	*words = capability_words(h->version);
	if (*words)
		return 0;
	return copy_to_user(header, &preferred, sizeof(preferred)) ? -EFAULT : -EINVAL;
}

DEFINE_SYSCALL2(capget, uva, header, uva, data)
{
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {0};
	struct __user_cap_header_struct h;
	struct thread *t;
	unsigned words;
	int err = read_header(header, &h, &words);

	if (err)
		return data == 0 && err == -EINVAL ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	mutex_lock(&task_lock);
	t = thread_find(h.pid);
	for (unsigned i = 0; t && i < ARRAY_SIZE(d); i++) {
		const struct creds *c = &t->creds;

		d[i].effective = (u32)(c->cap_effective >> 32 * i);
		d[i].permitted = (u32)(c->cap_permitted >> 32 * i);
		d[i].inheritable = (u32)(c->cap_inheritable >> 32 * i);
	}
	mutex_unlock(&task_lock);
	if (!t) /* init has capabilities, but none that a program could use */
		err = h.pid == 1 ? 0 : -ESRCH;
	if (err)
		return err;
	return copy_to_user(data, d, words * sizeof(d[0]));
}

DEFINE_SYSCALL2(capset, uva, header, uva, data)
{
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {0};
	struct __user_cap_header_struct h;
	struct creds new = *current_creds();
	u64 effective = 0, permitted = 0, inheritable = 0;
	unsigned words;
	int err = read_header(header, &h, &words);

	if (err)
		return err;
	if (h.pid != 0 && h.pid != current()->tid)
		return -EPERM;
	if (copy_from_user(d, data, words * sizeof(d[0])))
		return -EFAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(d); i++) {
		effective |= (u64)d[i].effective << 32 * i;
		permitted |= (u64)d[i].permitted << 32 * i;
		inheritable |= (u64)d[i].inheritable << 32 * i;
	}
	err = cred_capset(&new, effective, permitted, inheritable);
	return err ? err : creds_commit(&new);
}
