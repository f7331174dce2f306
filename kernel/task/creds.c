// SPDX-License-Identifier: MIT
/*
 * User and group identity, capabilities. Rules: credentials(7), capabilities(7).
 *
 * The kernel keeps the identity; the host decides what it may do with files. So whenever the
 * file-system IDs or groups change, the vCPU's host thread is given the same (hostcall fs_ids), and
 * a change that the host refuses is refused here.
 */
#include "kernel/define_syscall.h"
#include "kernel/task/creds.h"
#include "kernel/task/nproc.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"
#include "kernel/task/vcpu.h"

#include <linux/capability.h>

#define NO_ID ((u32)-1)

bool capable(unsigned cap)
{
	return current_process()->creds.cap_effective >> cap & 1;
}

bool creds_may_signal(const struct process *p)
{
	const struct creds *c = &current_process()->creds;

	return c->euid == p->creds.suid || c->euid == p->creds.ruid || c->ruid == p->creds.suid ||
	       c->ruid == p->creds.ruid;
}

bool creds_may_change(const struct process *p, unsigned cap)
{
	const struct creds *c = &current_process()->creds;

	return (c->ruid == p->creds.ruid && c->ruid == p->creds.euid && c->ruid == p->creds.suid) ||
	       capable(cap);
}

/* capabilities(7), "Effect of user ID changes on capabilities". */
static void adjust_capabilities(struct creds *new, const struct creds *old, bool keep)
{
	bool had_root = old->ruid == 0 || old->euid == 0 || old->suid == 0;
	bool has_root = new->ruid == 0 || new->euid == 0 || new->suid == 0;
	const u64 fs_caps = 1UL << CAP_CHOWN | 1UL << CAP_MKNOD | 1UL << CAP_DAC_OVERRIDE |
			    1UL << CAP_DAC_READ_SEARCH | 1UL << CAP_FOWNER | 1UL << CAP_FSETID |
			    1UL << CAP_LINUX_IMMUTABLE | 1UL << CAP_MAC_OVERRIDE;

	if (had_root && !has_root && !keep)
		new->cap_permitted = 0;
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
	if (old->fsuid == 0 && new->fsuid != 0)
		new->cap_effective &= ~fs_caps;
	if (old->fsuid != 0 && new->fsuid == 0)
		new->cap_effective |= new->cap_permitted &fs_caps;
	new->cap_effective &= new->cap_permitted;
}

/* Makes *new the identity of the running process. 0, or -errno and nothing has changed. */
static int commit(struct creds *new)
{
	struct process *p = current_process();
	int err = vcpu_fs_ids(new);

	if (err)
		return err;
	adjust_capabilities(new, &p->creds, p->keep_caps);
	if (new->euid != p->creds.euid || new->egid != p->creds.egid)
		p->dumpable = false;
	mutex_lock(&task_lock);
	nproc_user_changes(new);
	p->creds = *new;
	mutex_unlock(&task_lock);
	return 0;
}

/* The three IDs of one kind, user or group, so that the rules are written once. */
struct ids {
	u32 *real, *effective, *saved, *fs;
	unsigned cap; /* that allows any change */
};

static struct ids user_ids(struct creds *c)
{
	return (struct ids){&c->ruid, &c->euid, &c->suid, &c->fsuid, CAP_SETUID};
}

static struct ids group_ids(struct creds *c)
{
	return (struct ids){&c->rgid, &c->egid, &c->sgid, &c->fsgid, CAP_SETGID};
}

static bool one_of(const struct ids *i, u32 id)
{
	return id == *i->real || id == *i->effective || id == *i->saved;
}

static int set_id(struct ids i, u32 id)
{
	if (id == NO_ID)
		return -EINVAL;
	if (capable(i.cap)) {
		*i.real = id;
		*i.saved = id;
	} else if (id != *i.real && id != *i.saved) {
		return -EPERM;
	}
	*i.effective = id;
	*i.fs = id;
	return 0;
}

static int set_re_id(struct ids i, u32 real, u32 effective)
{
	u32 old_real = *i.real;

	if (!capable(i.cap) && ((real != NO_ID && real != *i.real && real != *i.effective) ||
				(effective != NO_ID && !one_of(&i, effective))))
		return -EPERM;
	if (real != NO_ID)
		*i.real = real;
	if (effective != NO_ID)
		*i.effective = effective;
	/* setreuid(2): the saved ID follows when the real one is set or the effective leaves it. */
	if (real != NO_ID || (effective != NO_ID && effective != old_real))
		*i.saved = *i.effective;
	*i.fs = *i.effective;
	return 0;
}

static int set_res_id(struct ids i, u32 real, u32 effective, u32 saved)
{
	if (!capable(i.cap) && ((real != NO_ID && !one_of(&i, real)) ||
				(effective != NO_ID && !one_of(&i, effective)) ||
				(saved != NO_ID && !one_of(&i, saved))))
		return -EPERM;
	if (real != NO_ID)
		*i.real = real;
	if (effective != NO_ID)
		*i.effective = effective;
	if (saved != NO_ID)
		*i.saved = saved;
	*i.fs = *i.effective;
	return 0;
}

DEFINE_SYSCALL1(setuid, u32, uid)
{
	struct creds new = current_process()->creds;
	int err = set_id(user_ids(&new), uid);

	return err ? err : commit(&new);
}

DEFINE_SYSCALL1(setgid, u32, gid)
{
	struct creds new = current_process()->creds;
	int err = set_id(group_ids(&new), gid);

	return err ? err : commit(&new);
}

DEFINE_SYSCALL2(setreuid, u32, ruid, u32, euid)
{
	struct creds new = current_process()->creds;
	int err = set_re_id(user_ids(&new), ruid, euid);

	return err ? err : commit(&new);
}

DEFINE_SYSCALL2(setregid, u32, rgid, u32, egid)
{
	struct creds new = current_process()->creds;
	int err = set_re_id(group_ids(&new), rgid, egid);

	return err ? err : commit(&new);
}

DEFINE_SYSCALL3(setresuid, u32, ruid, u32, euid, u32, suid)
{
	struct creds new = current_process()->creds;
	int err = set_res_id(user_ids(&new), ruid, euid, suid);

	return err ? err : commit(&new);
}

DEFINE_SYSCALL3(setresgid, u32, rgid, u32, egid, u32, sgid)
{
	struct creds new = current_process()->creds;
	int err = set_res_id(group_ids(&new), rgid, egid, sgid);

	return err ? err : commit(&new);
}

/* setfsuid(2): always returns the ID as it was; that is how failure shows. */
static s64 set_fs_id(struct creds *new, struct ids i, u32 id)
{
	u32 before = *i.fs;

	if (id != NO_ID && id != before && (capable(i.cap) || one_of(&i, id))) {
		*i.fs = id;
		commit(new);
	}
	return before;
}

DEFINE_SYSCALL1(setfsuid, u32, uid)
{
	struct creds new = current_process()->creds;

	return set_fs_id(&new, user_ids(&new), uid);
}

DEFINE_SYSCALL1(setfsgid, u32, gid)
{
	struct creds new = current_process()->creds;

	return set_fs_id(&new, group_ids(&new), gid);
}

DEFINE_SYSCALL0(getuid)
{
	return current_process()->creds.ruid;
}

DEFINE_SYSCALL0(geteuid)
{
	return current_process()->creds.euid;
}

DEFINE_SYSCALL0(getgid)
{
	return current_process()->creds.rgid;
}

DEFINE_SYSCALL0(getegid)
{
	return current_process()->creds.egid;
}

static s64 put_three(struct ids i, uva real, uva effective, uva saved)
{
	if (put_user(*i.real, real) || put_user(*i.effective, effective) ||
	    put_user(*i.saved, saved))
		return -EFAULT;
	return 0;
}

DEFINE_SYSCALL3(getresuid, uva, ruid, uva, euid, uva, suid)
{
	return put_three(user_ids(&current_process()->creds), ruid, euid, suid);
}

DEFINE_SYSCALL3(getresgid, uva, rgid, uva, egid, uva, sgid)
{
	return put_three(group_ids(&current_process()->creds), rgid, egid, sgid);
}

DEFINE_SYSCALL2(getgroups, int, size, uva, list)
{
	const struct creds *c = &current_process()->creds;

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

/* Fewer than Linux's 65536: the list goes to the host in one hostcall, and nobody uses more. */
DEFINE_SYSCALL2(setgroups, u64, size, uva, list)
{
	struct creds new = current_process()->creds;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size > ARRAY_SIZE(new.groups))
		return -EINVAL;
	if (copy_from_user(new.groups, list, size * sizeof(new.groups[0])))
		return -EFAULT;
	new.ngroups = (u32)size;
	return commit(&new);
}

/* Number of 32-bit halves that a version of the structure has; 0: unknown version. */
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

/* capget(2): an unknown version is answered with the one we like, and EINVAL. */
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
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];
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
		const struct creds *c = &t->proc->creds;

		d[i].effective = (u32)(c->cap_effective >> 32 * i);
		d[i].permitted = (u32)(c->cap_permitted >> 32 * i);
		d[i].inheritable = (u32)(c->cap_inheritable >> 32 * i);
	}
	mutex_unlock(&task_lock);
	if (!t)
		return -ESRCH;
	return copy_to_user(data, d, words * sizeof(d[0]));
}

DEFINE_SYSCALL2(capset, uva, header, uva, data)
{
	struct process *p = current_process();
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {0};
	struct __user_cap_header_struct h;
	struct creds new = p->creds;
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
	effective &= CAPABILITIES_ALL;
	permitted &= CAPABILITIES_ALL;
	inheritable &= CAPABILITIES_ALL;
	/* capset(2): only what is permitted may be kept; more may be inheritable with SETPCAP. */
	if ((permitted & ~new.cap_permitted) || (effective & ~permitted) ||
	    (inheritable & ~(new.cap_inheritable | new.cap_bounding)) ||
	    ((inheritable & ~(new.cap_inheritable | new.cap_permitted)) && !capable(CAP_SETPCAP)))
		return -EPERM;
	mutex_lock(&task_lock);
	p->creds.cap_effective = effective;
	p->creds.cap_permitted = permitted;
	p->creds.cap_inheritable = inheritable;
	mutex_unlock(&task_lock);
	return 0;
}
