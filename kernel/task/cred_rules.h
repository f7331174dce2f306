/* SPDX-License-Identifier: MIT */
/* The rules of credentials(7) and capabilities(7) as pure functions: tests/unit/cred_rules_test.c.
 */
#ifndef KERNEL_TASK_CRED_RULES_H
#define KERNEL_TASK_CRED_RULES_H

#include "kernel/task/creds.h"

#define NO_ID ((u32)-1) /* "leave it": setresuid(2) */

/* The three IDs of one kind, user or group, so that the rules are written once. */
struct cred_ids {
	u32 *real, *effective, *saved, *fs;
	unsigned cap; /* that allows any change */
};
struct cred_ids cred_user_ids(struct creds *c);
struct cred_ids cred_group_ids(struct creds *c);

/*
 * setuid(2), setreuid(2), setresuid(2) and their kin of groups. privileged: the caller has .cap. 0,
 * -EPERM or -EINVAL; after a failure the IDs may be half changed, and are to be dropped.
 */
int cred_set_id(struct cred_ids i, bool privileged, u32 id);
int cred_set_re_id(struct cred_ids i, bool privileged, u32 real, u32 effective);
int cred_set_res_id(struct cred_ids i, bool privileged, u32 real, u32 effective, u32 saved);
/* setfsuid(2): may fs become id? */
bool cred_may_set_fs_id(struct cred_ids i, bool privileged, u32 id);

/* "Effect of user ID changes on capabilities": new has its IDs already; set*uid and setfsuid. */
void cred_fix_caps(struct creds *new, const struct creds *old);
void cred_fix_fs_caps(struct creds *new, const struct creds *old);

/* capset(2) of these three. 0 or -EPERM. */
int cred_capset(struct creds *c, u64 effective, u64 permitted, u64 inheritable);

/* prctl(2): PR_CAP_AMBIENT. Its result. */
s64 cred_ambient(struct creds *c, u64 op, u64 cap);
/* prctl(2): PR_SET_SECUREBITS. 0 or -EPERM. */
int cred_set_securebits(struct creds *c, u64 bits);

/*
 * "Transformation of capabilities during execve", of a file without capabilities of its own. A
 * set-user-ID or set-group-ID file gives its owner or group in uid and gid; NO_ID: it has no such
 * bit, or it is not honoured. Returns whether the program is to be told to distrust its
 * environment (AT_SECURE).
 */
bool cred_exec(struct creds *c, u32 uid, u32 gid);

/*
 * access(2): with which identity the host is asked, "the real user ID and group ID". True: it
 * differs from c in what counts there, and *view is it.
 */
bool cred_access_view(const struct creds *c, struct creds *view);

#endif
