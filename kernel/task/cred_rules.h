/* SPDX-License-Identifier: MIT */
/*
 * The rules of credentials(7) and capabilities(7) as pure functions, which
 * tests/unit/cred_rules_test.c tests.
 */
#ifndef KERNEL_TASK_CRED_RULES_H
#define KERNEL_TASK_CRED_RULES_H

#include "kernel/task/creds.h"

#define NO_ID ((u32)-1) /* "do not change": setresuid(2) */

/* The IDs of one kind, user or group, so that each rule is written once. */
struct cred_ids {
	u32 *real, *effective, *saved, *fs;
	unsigned cap; /* the capability that allows any change */
};
struct cred_ids cred_user_ids(struct creds *c);
struct cred_ids cred_group_ids(struct creds *c);

/*
 * setuid(2), setreuid(2), setresuid(2) and the same calls for groups. privileged: the caller has
 * .cap. Returns 0, -EPERM or -EINVAL. After an error some IDs may have changed, so the caller drops
 * them.
 */
int cred_set_id(struct cred_ids i, bool privileged, u32 id);
int cred_set_re_id(struct cred_ids i, bool privileged, u32 real, u32 effective);
int cred_set_res_id(struct cred_ids i, bool privileged, u32 real, u32 effective, u32 saved);
/* setfsuid(2): returns true if the fs ID may become id. */
bool cred_may_set_fs_id(struct cred_ids i, bool privileged, u32 id);

/*
 * capabilities(7), "Effect of user ID changes on capabilities". new has its new IDs already. The
 * first is for all calls that set user IDs except setfsuid(2), the second for setfsuid(2).
 */
void cred_fix_caps(struct creds *new, const struct creds *old);
void cred_fix_fs_caps(struct creds *new, const struct creds *old);

/* capset(2). Returns 0 or -EPERM. */
int cred_capset(struct creds *c, u64 effective, u64 permitted, u64 inheritable);

/* prctl(2), PR_CAP_AMBIENT. Returns the result of the call. */
s64 cred_ambient(struct creds *c, u64 op, u64 cap);
/* prctl(2), PR_SET_SECUREBITS. Returns 0 or -EPERM. */
int cred_set_securebits(struct creds *c, u64 bits);

/* The capabilities of a file: capabilities(7), "File capabilities". */
struct file_caps {
	bool present; /* false: the file has none, and the rest is 0 */
	bool effective;
	u64 permitted, inheritable;
};

/*
 * Reads the content of a file's attribute security.capability. Returns false if it is none that
 * counts: an unknown version, or for the root of another user namespace.
 */
bool cred_file_caps(const void *attribute, u64 len, struct file_caps *f);

/*
 * capabilities(7), "Transformation of capabilities during execve". uid and gid are the owner and
 * group of a set-user-ID or set-group-ID file; NO_ID: the file does not have the bit, or the bit is
 * not honoured. Returns 1 if the program must not trust its environment (AT_SECURE), 0, or -EPERM
 * if the program would lack capabilities that its file demands.
 */
int cred_exec(struct creds *c, u32 uid, u32 gid, const struct file_caps *f);

/*
 * access(2) asks the host with "the real user ID and group ID". Returns true and fills *view with
 * that identity if it differs from c in what the host checks.
 */
bool cred_access_view(const struct creds *c, struct creds *view);

#endif
