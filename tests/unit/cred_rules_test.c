// SPDX-License-Identifier: MIT
/*
 * Do the rules of credentials(7) and capabilities(7) give what Linux gives? Each table has a state,
 * a step and what Linux 6.x makes of it.
 *
 * sources: kernel/task/cred_rules.c
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel/task/cred_rules.h"

#define ALL    CAPABILITIES_ALL
#define BIT(n) (1UL << (n))
#define KEEP   NO_ID

static struct creds root(void)
{
	return (struct creds){.cap_effective = ALL, .cap_permitted = ALL, .cap_bounding = ALL};
}

static struct creds user(u32 id)
{
	return (struct creds){.ruid = id,
			      .euid = id,
			      .suid = id,
			      .fsuid = id,
			      .rgid = id,
			      .egid = id,
			      .sgid = id,
			      .fsgid = id,
			      .cap_bounding = ALL};
}

static void user_ids_change_as_their_manual_says(void **state)
{
	enum call { UID, REUID, RESUID };
	static const struct {
		u32 from[3]; /* real, effective, saved */
		bool privileged;
		enum call call;
		u32 arg[3];
		int result;
		u32 to[3];
	} row[] = {
		{{0, 0, 0}, true, UID, {5}, 0, {5, 5, 5}},
		{{5, 6, 7}, false, UID, {7}, 0, {5, 7, 7}},
		{{5, 6, 7}, false, UID, {6}, -EPERM, {0}},
		{{5, 6, 7}, false, UID, {KEEP}, -EINVAL, {0}},
		{{5, 6, 7}, false, REUID, {6, 5}, 0, {6, 5, 5}},
		{{5, 6, 7}, false, REUID, {KEEP, 7}, 0, {5, 7, 7}},
		{{5, 6, 7}, false, REUID, {KEEP, 5}, 0, {5, 5, 7}},
		{{5, 6, 7}, false, REUID, {7, KEEP}, -EPERM, {0}},
		{{5, 6, 7}, false, REUID, {KEEP, KEEP}, 0, {5, 6, 7}},
		{{5, 6, 7}, false, RESUID, {7, 5, 6}, 0, {7, 5, 6}},
		{{5, 6, 7}, false, RESUID, {KEEP, KEEP, 8}, -EPERM, {0}},
		{{5, 6, 7}, true, RESUID, {8, KEEP, 9}, 0, {8, 6, 9}},
	};

	(void)state;
	for (u32 i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct creds c = {.ruid = row[i].from[0],
				  .euid = row[i].from[1],
				  .suid = row[i].from[2],
				  .fsuid = 77};
		struct cred_ids ids = cred_user_ids(&c);
		const u32 *a = row[i].arg;
		int result = 1;

		switch (row[i].call) {
		case UID:
			result = cred_set_id(ids, row[i].privileged, a[0]);
			break;
		case REUID:
			result = cred_set_re_id(ids, row[i].privileged, a[0], a[1]);
			break;
		case RESUID:
			result = cred_set_res_id(ids, row[i].privileged, a[0], a[1], a[2]);
			break;
		}
		assert_int_equal(result, row[i].result);
		if (result)
			continue;
		assert_int_equal(c.ruid, row[i].to[0]);
		assert_int_equal(c.euid, row[i].to[1]);
		assert_int_equal(c.suid, row[i].to[2]);
		assert_int_equal(c.fsuid, row[i].to[1]);
	}
}

/* setresuid(ruid, euid, suid) of a root with all capabilities. */
static void capabilities_follow_user_ids(void **state)
{
	static const struct {
		u32 bits, to[3];
		u64 effective, permitted, ambient;
	} row[] = {
		{0, {5, 5, 5}, 0, 0, 0},
		{SECBIT_KEEP_CAPS, {5, 5, 5}, 0, ALL, 0},
		{SECBIT_NO_SETUID_FIXUP, {5, 5, 5}, ALL, ALL, BIT(CAP_KILL)},
		{0, {0, 5, 0}, 0, ALL, BIT(CAP_KILL)},
		{0, {5, 5, 0}, 0, ALL, BIT(CAP_KILL)},
		{0, {5, 0, 5}, ALL, ALL, BIT(CAP_KILL)},
	};
	struct creds c, old;

	(void)state;
	for (u32 i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		old = root();
		old.securebits = row[i].bits;
		old.cap_ambient = BIT(CAP_KILL);
		c = old;
		assert_int_equal(cred_set_res_id(cred_user_ids(&c), true, row[i].to[0],
						 row[i].to[1], row[i].to[2]),
				 0);
		cred_fix_caps(&c, &old);
		assert_int_equal(c.cap_effective, row[i].effective);
		assert_int_equal(c.cap_permitted, row[i].permitted);
		assert_int_equal(c.cap_ambient, row[i].ambient);
	}
	/* And back: seteuid(0) restores the permitted capabilities. */
	old = root();
	old.euid = 5;
	old.cap_effective = 0;
	old.cap_permitted = BIT(CAP_CHOWN);
	c = old;
	c.euid = 0;
	cred_fix_caps(&c, &old);
	assert_int_equal(c.cap_effective, BIT(CAP_CHOWN));
}

static void setfsuid_takes_what_concerns_files(void **state)
{
	struct creds old = root(), c = old;

	(void)state;
	c.fsuid = 5;
	cred_fix_fs_caps(&c, &old);
	assert_int_equal(c.cap_effective & (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN)), 0);
	assert_true(c.cap_effective & BIT(CAP_NET_BIND_SERVICE));
	old = c;
	c.fsuid = 0;
	cred_fix_fs_caps(&c, &old);
	assert_int_equal(c.cap_effective, ALL);
}

static void capset_gives_nothing_new(void **state)
{
	const u64 kill = BIT(CAP_KILL), chown = BIT(CAP_CHOWN);
	const struct {
		u64 permitted, bounding, effective; /* before */
		u64 to_effective, to_permitted, to_inheritable;
		int result;
	} row[] = {
		{kill, ALL, kill, 0, kill, 0, 0},
		{kill, ALL, 0, kill, kill, kill, 0},
		{kill, ALL, kill, chown, kill | chown, 0, -EPERM},
		{kill, ALL, kill, kill, 0, 0, -EPERM},
		{kill, ALL, kill, 0, 0, chown, -EPERM}, /* no CAP_SETPCAP */
		{ALL, ALL, ALL, 0, 0, ALL, 0},
		{ALL, kill, ALL, 0, 0, chown, -EPERM},
		{0, 0, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (u32 i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct creds c = {.cap_permitted = row[i].permitted,
				  .cap_bounding = row[i].bounding,
				  .cap_effective = row[i].effective,
				  .cap_ambient = ALL};

		assert_int_equal(cred_capset(&c, row[i].to_effective, row[i].to_permitted,
					     row[i].to_inheritable),
				 row[i].result);
		if (row[i].result)
			continue;
		assert_int_equal(c.cap_effective, row[i].to_effective);
		assert_int_equal(c.cap_permitted, row[i].to_permitted);
		assert_int_equal(c.cap_ambient, row[i].to_permitted & row[i].to_inheritable);
	}
}

static void ambient_needs_permitted_and_inheritable(void **state)
{
	struct creds c = root();

	(void)state;
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_RAISE, CAP_KILL), -EPERM);
	c.cap_inheritable = BIT(CAP_KILL);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_RAISE, CAP_KILL), 0);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_IS_SET, CAP_KILL), 1);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_IS_SET, CAP_LAST_CAP + 1), -EINVAL);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_LOWER, CAP_KILL), 0);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_IS_SET, CAP_KILL), 0);
	c.securebits = SECBIT_NO_CAP_AMBIENT_RAISE;
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_RAISE, CAP_KILL), -EPERM);
	assert_int_equal(cred_ambient(&c, PR_CAP_AMBIENT_CLEAR_ALL, 1), -EINVAL);
	assert_int_equal(cred_ambient(&c, 99, CAP_KILL), -EINVAL);
}

static void locked_bits_stay(void **state)
{
	struct creds c = root();

	(void)state;
	assert_int_equal(cred_set_securebits(&c, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED), 0);
	assert_int_equal(cred_set_securebits(&c, SECBIT_NOROOT), -EPERM);
	assert_int_equal(cred_set_securebits(&c, SECBIT_NOROOT_LOCKED), -EPERM);
	assert_int_equal(cred_set_securebits(&c, 1UL << 20 | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED),
			 -EPERM);
	c.cap_effective = 0;
	assert_int_equal(cred_set_securebits(&c, c.securebits), -EPERM);
}

static const struct file_caps none;

static void execve_makes_new_capabilities(void **state)
{
	struct creds c = root();

	(void)state;
	/* Root gets the capabilities of the bounding set. */
	c.cap_bounding = ALL & ~BIT(CAP_KILL);
	c.cap_permitted = c.cap_effective = 0;
	assert_int_equal(0, cred_exec(&c, NO_ID, NO_ID, &none));
	assert_int_equal(c.cap_permitted, c.cap_bounding);
	assert_int_equal(c.cap_effective, c.cap_bounding);
	/* With no_new_privs no more than before. */
	c.cap_permitted = c.cap_effective = BIT(CAP_CHOWN);
	c.no_new_privs = true;
	cred_exec(&c, NO_ID, NO_ID, &none);
	assert_int_equal(c.cap_permitted, BIT(CAP_CHOWN));
	/* With NOROOT root is treated like other users. */
	c = root();
	c.securebits = SECBIT_NOROOT | SECBIT_KEEP_CAPS;
	cred_exec(&c, NO_ID, NO_ID, &none);
	assert_int_equal(c.cap_permitted, 0);
	assert_int_equal(c.securebits, SECBIT_NOROOT);
	/* A user keeps the ambient capabilities, and only those. */
	c = user(5);
	c.cap_permitted = c.cap_effective = c.cap_inheritable = BIT(CAP_KILL) | BIT(CAP_CHOWN);
	c.cap_ambient = BIT(CAP_KILL);
	assert_int_equal(0, cred_exec(&c, NO_ID, NO_ID, &none));
	assert_int_equal(c.cap_permitted, BIT(CAP_KILL));
	assert_int_equal(c.cap_effective, BIT(CAP_KILL));
	/* A set-user-ID file. */
	c = user(5);
	c.cap_ambient = BIT(CAP_KILL);
	assert_int_equal(1, cred_exec(&c, 0, NO_ID, &none));
	assert_int_equal(c.ruid, 5);
	assert_int_equal(c.euid, 0);
	assert_int_equal(c.suid, 0);
	assert_int_equal(c.fsuid, 0);
	assert_int_equal(c.cap_effective, ALL);
	assert_int_equal(c.cap_ambient, 0);
	c = user(5);
	assert_int_equal(1, cred_exec(&c, 7, 8, &none));
	assert_int_equal(c.euid, 7);
	assert_int_equal(c.egid, 8);
	assert_int_equal(c.cap_permitted, 0);
	c = user(5);
	c.no_new_privs = true;
	cred_exec(&c, 0, NO_ID, &none);
	assert_int_equal(c.euid, 5);
	assert_int_equal(c.cap_permitted, 0);
}

/* capabilities(7), "Transformation of capabilities during execve". */
static void files_give_capabilities(void **state)
{
	const u64 kill = BIT(CAP_KILL), chown = BIT(CAP_CHOWN);
	struct file_caps f = {.present = true, .permitted = kill | chown, .effective = true};
	struct creds c = user(5);

	(void)state;
	c.cap_inheritable = c.cap_ambient = c.cap_permitted = BIT(CAP_SYS_NICE);
	assert_int_equal(1, cred_exec(&c, NO_ID, NO_ID, &f));
	assert_int_equal(c.cap_permitted, kill | chown);
	assert_int_equal(c.cap_effective, kill | chown);
	assert_int_equal(c.cap_ambient, 0);
	/* Not effective: the program has to raise them itself. */
	f.effective = false;
	c = user(5);
	assert_int_equal(1, cred_exec(&c, NO_ID, NO_ID, &f));
	assert_int_equal(c.cap_permitted, kill | chown);
	assert_int_equal(c.cap_effective, 0);
	/* The bounding set cuts them; a program that is not aware of that does not start. */
	c = user(5);
	c.cap_bounding = kill;
	assert_int_equal(1, cred_exec(&c, NO_ID, NO_ID, &f));
	assert_int_equal(c.cap_permitted, kill);
	f.effective = true;
	c = user(5);
	c.cap_bounding = kill;
	assert_int_equal(-EPERM, cred_exec(&c, NO_ID, NO_ID, &f));
	/* Inheritable ones need the process's as well. */
	f = (struct file_caps){.present = true, .inheritable = kill | chown, .effective = true};
	c = user(5);
	c.cap_inheritable = chown | BIT(CAP_SYS_NICE);
	assert_int_equal(1, cred_exec(&c, NO_ID, NO_ID, &f));
	assert_int_equal(c.cap_effective, chown);
	/* no_new_privs */
	f = (struct file_caps){.present = true, .permitted = kill, .effective = true};
	c = user(5);
	c.no_new_privs = true;
	cred_exec(&c, NO_ID, NO_ID, &f);
	assert_int_equal(c.cap_permitted, 0);
	/* Root has all without them; a set-user-ID file of root's that has some gives only these.
	 */
	c = root();
	assert_int_equal(0, cred_exec(&c, NO_ID, NO_ID, &f));
	assert_int_equal(c.cap_effective, ALL);
	c = user(5);
	assert_int_equal(1, cred_exec(&c, 0, NO_ID, &f));
	assert_int_equal(c.euid, 0);
	assert_int_equal(c.cap_effective, kill);
}

static void attributes_of_files(void **state)
{
	struct vfs_ns_cap_data d = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = 1U << CAP_KILL, .inheritable = 1U << CAP_CHOWN},
			 {.permitted = 1U << (CAP_SYSLOG - 32) | 0x80000000}},
	};
	struct file_caps f;

	(void)state;
	assert_true(cred_file_caps(&d, XATTR_CAPS_SZ_2, &f));
	assert_true(f.present && f.effective);
	assert_int_equal(f.permitted, BIT(CAP_KILL) | BIT(CAP_SYSLOG));
	assert_int_equal(f.inheritable, BIT(CAP_CHOWN));
	assert_false(cred_file_caps(&d, XATTR_CAPS_SZ_2 - 1, &f));
	assert_false(cred_file_caps(&d, XATTR_CAPS_SZ_3, &f));
	assert_false(cred_file_caps(&d, 2, &f));
	d.magic_etc = VFS_CAP_REVISION_3;
	assert_true(cred_file_caps(&d, XATTR_CAPS_SZ_3, &f));
	assert_false(f.effective);
	d.rootid = 1000;
	assert_false(cred_file_caps(&d, XATTR_CAPS_SZ_3, &f));
	assert_false(f.present);
	d.magic_etc = VFS_CAP_REVISION_1;
	assert_true(cred_file_caps(&d, XATTR_CAPS_SZ_1, &f));
	assert_int_equal(f.permitted, BIT(CAP_KILL));
	d.magic_etc = 0x04000000;
	assert_false(cred_file_caps(&d, XATTR_CAPS_SZ_3, &f));
}

static void access_is_asked_as_the_real_user(void **state)
{
	struct creds c = root(), view = {0};

	(void)state;
	assert_false(cred_access_view(&c, &view));
	c = user(5);
	assert_false(cred_access_view(&c, &view));
	c = root(); /* seteuid(5): real root has its capabilities */
	c.euid = c.fsuid = 5;
	c.cap_effective = 0;
	assert_true(cred_access_view(&c, &view));
	assert_int_equal(view.fsuid, 0);
	assert_int_equal(view.cap_effective, ALL);
	c = root(); /* setreuid(5, 0) */
	c.ruid = 5;
	assert_true(cred_access_view(&c, &view));
	assert_int_equal(view.fsuid, 5);
	assert_int_equal(view.cap_effective, 0);
	c.securebits = SECBIT_NO_SETUID_FIXUP;
	assert_true(cred_access_view(&c, &view));
	assert_int_equal(view.cap_effective, ALL);
	c = root(); /* capset */
	c.cap_effective = c.cap_permitted = 0;
	assert_false(cred_access_view(&c, &view));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_ids_change_as_their_manual_says),
		cmocka_unit_test(capabilities_follow_user_ids),
		cmocka_unit_test(setfsuid_takes_what_concerns_files),
		cmocka_unit_test(capset_gives_nothing_new),
		cmocka_unit_test(ambient_needs_permitted_and_inheritable),
		cmocka_unit_test(locked_bits_stay),
		cmocka_unit_test(execve_makes_new_capabilities),
		cmocka_unit_test(files_give_capabilities),
		cmocka_unit_test(attributes_of_files),
		cmocka_unit_test(access_is_asked_as_the_real_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
