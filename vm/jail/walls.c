// SPDX-License-Identifier: MIT
/* See walls.h. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "common/exit_status.h"
#include "vm/jail/namespaces.h"
#include "vm/jail/seccomp.h"
#include "vm/jail/walls.h"
#include "vm/vm.h"

/* Returns true if the wall is to be raised. */
static bool wanted(const struct walls *w, enum wall wall)
{
	return !(w->without & WALL_BIT(wall));
}

/* Records that a wall holds (ret 0), or why it does not. */
static void record(struct walls *w, enum wall wall, int ret)
{
	if (ret == 0)
		w->up |= WALL_BIT(wall);
	else
		w->why[wall] = host_error(-ret);
}

/*
 * Checks the walls from first to last: names those that were tried in vain, and fails if one of
 * them is required. Returns 0 or EXIT_WALL.
 */
static int judge(const struct walls *w, enum wall first, enum wall last)
{
	int ret = 0;

	for (u32 i = first; i <= (u32)last; i++) {
		bool required = w->required & WALL_BIT(i);

		if (w->up & WALL_BIT(i) || (!w->why[i] && !required))
			continue;
		message("%s: %s does not hold: %s", required ? "--require" : "warning",
			wall_names[i].name, w->why[i] ? w->why[i] : "this run does not have it");
		if (required)
			ret = EXIT_WALL;
	}
	return ret;
}

/* Returns true if the process may make namespaces without a user namespace. */
static bool is_admin(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &head, set) == 0 &&
	       set[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

#define NAMESPACES                                                                                 \
	(WALL_BIT(WALL_mountns) | WALL_BIT(WALL_netns) | WALL_BIT(WALL_ipcns) |                    \
	 WALL_BIT(WALL_utsns) | WALL_BIT(WALL_userns))

/* Returns true if the monitor's network is to be an empty one. */
static bool wants_netns(const struct walls *w)
{
	return wanted(w, WALL_netns) && !net_is_hosts(w->network);
}

void walls_prepare(const struct walls *w)
{
	/* A process with two threads cannot enter a user namespace. */
	if (!(w->required & WALL_BIT(WALL_userns)) && wants_netns(w) && is_admin())
		namespace_net_begin();
}

/*
 * A user namespace hides the owners of all files but the user's, which programs notice. So an
 * ordinary user gets namespaces only if they are required.
 */
static void raise_namespaces(struct walls *w)
{
	static const struct {
		enum wall wall;
		int (*raise)(void);
	} kinds[] = {
		{WALL_mountns, namespace_mount},
		{WALL_netns, namespace_net},
		{WALL_ipcns, namespace_ipc},
		{WALL_utsns, namespace_uts},
	};
	bool admin = is_admin();

	if (w->required & WALL_BIT(WALL_userns) || (!admin && w->required & NAMESPACES)) {
		int ret = namespace_user();

		record(w, WALL_userns, ret);
		admin |= ret == 0;
	}
	for (u32 i = 0; admin && i < ARRAY_SIZE(kinds); i++) {
		enum wall wall = kinds[i].wall;

		if (!wanted(w, wall) || (wall == WALL_netns && !wants_netns(w)))
			continue;
		record(w, wall, kinds[i].raise());
	}
}

int walls_drop_privileges(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0}, left[2];

	/* Not permitted without CAP_SETPCAP; no_new_privs then has the same effect. */
	for (unsigned cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break; /* not permitted, or the first that this Linux does not know */
	/* Linux before 4.3 has no ambient capabilities. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) || syscall(SYS_capget, &head, left))
		return -errno;
	for (u32 i = 0; i < ARRAY_SIZE(left); i++)
		if (left[i].effective | left[i].permitted | left[i].inheritable)
			return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

int walls_begin(struct walls *w)
{
	/* Every host that BufferVM runs on has these two. */
	w->required |= (WALL_BIT(WALL_privileges) | WALL_BIT(WALL_seccomp)) & ~w->without;
	if (wanted(w, WALL_policy))
		record(w, WALL_policy, 0);
	raise_namespaces(w);
	if (wanted(w, WALL_privileges))
		record(w, WALL_privileges, walls_drop_privileges());
	/* Landlock and seccomp need it, also where a test leaves that wall out. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return judge(w, 0, WALL_privileges);
}

int walls_confine(struct walls *w, const struct landlock_rules *rules)
{
	int ret;

	if (wanted(w, WALL_landlock)) {
		record(w, WALL_landlock, landlock_confine(rules, &w->landlock_lacks));
		if (w->landlock_lacks && w->required & WALL_BIT(WALL_landlock))
			message("warning: this host's Landlock does not restrict %s",
				w->landlock_lacks);
	}
	ret = judge(w, WALL_landlock, WALL_landlock);
	if (ret)
		return ret;
	if (wanted(w, WALL_seccomp))
		record(w, WALL_seccomp, seccomp_confine(w->network));
	return judge(w, WALL_seccomp, WALL_seccomp);
}

bool walls_require_netns(const struct walls *w)
{
	return w->required & WALL_BIT(WALL_netns);
}

void walls_describe(const struct walls *w, struct sandbox *s)
{
	if (w->landlock_lacks)
		verbose(s, "this host's Landlock does not restrict %s", w->landlock_lacks);
	for (u32 i = 0; i < WALLS; i++)
		verbose(s, "wall %s: %s (%s)", wall_names[i].name,
			w->up & WALL_BIT(i) ? "holds" : "not raised", wall_names[i].text);
}
