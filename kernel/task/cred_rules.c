// SPDX-License-Identifier: MIT
/* See cred_rules.h. */
#include "kernel/task/cred_rules.h"

#include <linux/prctl.h>
#include <linux/securebits.h>
#include "kernel/kernel.h"

/* Capabilities that follow the file-system user ID. */
#define FS_CAPS                                                                                    \
	(1UL << CAP_CHOWN | 1UL << CAP_MKNOD | 1UL << CAP_DAC_OVERRIDE |                           \
	 1UL << CAP_DAC_READ_SEARCH | 1UL << CAP_FOWNER | 1UL << CAP_FSETID |                      \
	 1UL << CAP_LINUX_IMMUTABLE | 1UL << CAP_MAC_OVERRIDE)

struct cred_ids cred_user_ids(struct creds *c)
{
	return (struct cred_ids){&c->ruid, &c->euid, &c->suid, &c->fsuid, CAP_SETUID};
}

struct cred_ids cred_group_ids(struct creds *c)
{
	return (struct cred_ids){&c->rgid, &c->egid, &c->sgid, &c->fsgid, CAP_SETGID};
}

static bool one_of(const struct cred_ids *i, u32 id)
{
	return id == *i->real || id == *i->effective || id == *i->saved;
}

int cred_set_id(struct cred_ids i, bool privileged, u32 id)
{
	if (id == NO_ID)
		return -EINVAL;
	if (privileged) {
		*i.real = id;
		*i.saved = id;
	} else if (id != *i.real && id != *i.saved) {
		return -EPERM;
	}
	*i.effective = id;
	*i.fs = id;
	return 0;
}

int cred_set_re_id(struct cred_ids i, bool privileged, u32 real, u32 effective)
{
	u32 old_real = *i.real;

	if (!privileged && ((real != NO_ID && real != *i.real && real != *i.effective) ||
			    (effective != NO_ID && !one_of(&i, effective))))
		return -EPERM;
	if (real != NO_ID)
		*i.real = real;
	if (effective != NO_ID)
		*i.effective = effective;
	/*
	 * setreuid(2): the saved ID follows if the real ID is set, or if the effective ID becomes
	 * different from the real one.
	 */
	if (real != NO_ID || (effective != NO_ID && effective != old_real))
		*i.saved = *i.effective;
	*i.fs = *i.effective;
	return 0;
}

int cred_set_res_id(struct cred_ids i, bool privileged, u32 real, u32 effective, u32 saved)
{
	if (!privileged && ((real != NO_ID && !one_of(&i, real)) ||
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

bool cred_may_set_fs_id(struct cred_ids i, bool privileged, u32 id)
{
	return id != NO_ID && (privileged || one_of(&i, id) || id == *i.fs);
}

static bool has_root(const struct creds *c)
{
	return c->ruid == 0 || c->euid == 0 || c->suid == 0;
}

void cred_fix_caps(struct creds *new, const struct creds *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (has_root(old) && !has_root(new)) {
		if (!(new->securebits &SECBIT_KEEP_CAPS))
			new->cap_permitted = new->cap_effective = 0;
		/*
		 * Also if permitted capabilities are kept: a later execve(2) must not keep them by
		 * default.
		 */
		new->cap_ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
}

void cred_fix_fs_caps(struct creds *new, const struct creds *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (old->fsuid == 0 && new->fsuid != 0)
		new->cap_effective &= ~FS_CAPS;
	if (old->fsuid != 0 && new->fsuid == 0)
		new->cap_effective |= new->cap_permitted &FS_CAPS;
}

static bool has(const struct creds *c, unsigned cap)
{
	return c->cap_effective >> cap & 1;
}

int cred_capset(struct creds *c, u64 effective, u64 permitted, u64 inheritable)
{
	effective &= CAPABILITIES_ALL;
	permitted &= CAPABILITIES_ALL;
	inheritable &= CAPABILITIES_ALL;
	/*
	 * capset(2): permitted capabilities can only be dropped. With CAP_SETPCAP, all of the
	 * bounding set may become inheritable.
	 */
	if ((permitted & ~c->cap_permitted) || (effective & ~permitted) ||
	    (inheritable & ~(c->cap_inheritable | c->cap_bounding)) ||
	    ((inheritable & ~(c->cap_inheritable | c->cap_permitted)) && !has(c, CAP_SETPCAP)))
		return -EPERM;
	c->cap_effective = effective;
	c->cap_permitted = permitted;
	c->cap_inheritable = inheritable;
	c->cap_ambient &= permitted & inheritable;
	return 0;
}

s64 cred_ambient(struct creds *c, u64 op, u64 cap)
{
	u64 bit;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap)
			return -EINVAL;
		c->cap_ambient = 0;
		return 0;
	}
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	bit = 1UL << cap;
	switch (op) {
	case PR_CAP_AMBIENT_IS_SET:
		return c->cap_ambient >> cap & 1;
	case PR_CAP_AMBIENT_LOWER:
		c->cap_ambient &= ~bit;
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->cap_permitted & c->cap_inheritable & bit) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		c->cap_ambient |= bit;
		return 0;
	default:
		return -EINVAL;
	}
}

int cred_set_securebits(struct creds *c, u64 bits)
{
	u32 locked = (c->securebits & SECURE_ALL_LOCKS) >> 1;

	/*
	 * A locked bit cannot change, a lock cannot be released, and other bits are unknown:
	 * capabilities(7).
	 */
	if ((locked & (c->securebits ^ bits)) || (c->securebits & SECURE_ALL_LOCKS & ~bits) ||
	    (bits & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) || !has(c, CAP_SETPCAP))
		return -EPERM;
	c->securebits = (u32)bits;
	return 0;
}

bool cred_file_caps(const void *attribute, u64 len, struct file_caps *f)
{
	struct vfs_ns_cap_data d = {0};
	u32 words = VFS_CAP_U32_2, version;

	*f = (struct file_caps){0};
	memcpy(&d, attribute, MIN(len, sizeof(d)));
	version = d.magic_etc & VFS_CAP_REVISION_MASK;
	if (version == VFS_CAP_REVISION_1 && len == XATTR_CAPS_SZ_1)
		words = VFS_CAP_U32_1;
	else if (version == VFS_CAP_REVISION_3 && len == XATTR_CAPS_SZ_3 && d.rootid != 0)
		return false;
	else if (!(version == VFS_CAP_REVISION_2 && len == XATTR_CAPS_SZ_2) &&
		 !(version == VFS_CAP_REVISION_3 && len == XATTR_CAPS_SZ_3))
		return false;
	f->present = true;
	f->effective = d.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
	for (u32 i = 0; i < words; i++) {
		f->permitted |= (u64)d.data[i].permitted << 32 * i;
		f->inheritable |= (u64)d.data[i].inheritable << 32 * i;
	}
	f->permitted &= CAPABILITIES_ALL;
	f->inheritable &= CAPABILITIES_ALL;
	return true;
}

/*
 * What root's programs get in place of their file's capabilities. A set-user-ID file of root's that
 * has capabilities gives only these to other users.
 */
static void grant_root(const struct creds *c, const struct file_caps *f, u64 *permitted, bool *all)
{
	if ((c->securebits & SECBIT_NOROOT) || (c->ruid != 0 && c->euid != 0) ||
	    (f->present && c->ruid != 0))
		return;
	*permitted = c->cap_inheritable | c->cap_bounding;
	*all = *all || c->euid == 0;
}

int cred_exec(struct creds *c, u32 uid, u32 gid, const struct file_caps *f)
{
	u64 old_permitted = c->cap_permitted;
	u64 permitted = (f->permitted & c->cap_bounding) | (f->inheritable & c->cap_inheritable);
	bool all = f->effective, changes;

	if (f->effective && (f->permitted & ~permitted))
		return -EPERM;
	if (uid != NO_ID)
		c->euid = uid;
	if (gid != NO_ID)
		c->egid = gid;
	changes = c->euid != c->ruid || c->egid != c->rgid;
	grant_root(c, f, &permitted, &all);
	if ((changes || (permitted & ~old_permitted)) && c->no_new_privs) {
		c->euid = c->ruid;
		c->egid = c->rgid;
		permitted &= old_permitted;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (changes || f->present)
		c->cap_ambient = 0;
	c->cap_permitted = permitted | c->cap_ambient;
	c->cap_effective = all ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~(u32)SECBIT_KEEP_CAPS;
	return changes || (c->ruid != 0 && (all || (c->cap_permitted & ~c->cap_ambient)));
}

bool cred_access_view(const struct creds *c, struct creds *view)
{
	u64 caps = c->cap_effective;

	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		caps = c->ruid == 0 ? c->cap_permitted : 0;
	if (c->fsuid == c->ruid && c->fsgid == c->rgid && caps == c->cap_effective)
		return false;
	*view = *c;
	view->fsuid = c->ruid;
	view->fsgid = c->rgid;
	view->cap_effective = caps;
	return true;
}
