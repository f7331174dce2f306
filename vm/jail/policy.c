// SPDX-License-Identifier: MIT
/* The lists of a policy, its defaults, and the check of its rules against each other (policy.h). */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vm/jail/policy.h"
#include "vm/vm.h"

#define MEM_DEFAULT  (2UL << 30)
#define PIDS_DEFAULT 256
#define FDS_DEFAULT  1024

/* Makes room for one more element of a list. Returns false if memory is exhausted. */
static bool grow(void *list, u32 count, u32 *space, size_t size)
{
	u32 more = count < 16 ? 16 : 2 * count;
	void *bigger, *old;

	if (count < *space)
		return true;
	memcpy(&old, list, sizeof(old));
	bigger = reallocarray(old, more, size);
	if (!bigger)
		return false;
	memcpy(list, &bigger, sizeof(bigger));
	*space = more;
	return true;
}

int text_list_add(struct text_list *list, const char *text)
{
	if (!grow(&list->text, list->count, &list->space, sizeof(list->text[0])))
		return -ENOMEM;
	list->text[list->count++] = text;
	return 0;
}

/*
 * Returns path as an absolute one without empty components, "." and "..", allocated; NULL if memory
 * is exhausted. ".." takes away the component before it, as a shell's `cd` does.
 */
static char *normal_path(const char *path)
{
	char *cwd = path[0] == '/' ? strdup("") : getcwd(NULL, 0), *out, *to;

	if (!cwd)
		return NULL;
	out = malloc(strlen(cwd) + strlen(path) + 3);
	if (!out) {
		free(cwd);
		return NULL;
	}
	to = stpcpy(out, strcmp(cwd, "/") != 0 ? cwd : "");
	free(cwd);
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !memcmp(path, "..", 2)) {
			while (to > out && *--to != '/')
				;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			*to++ = '/';
			memcpy(to, path, len);
			to += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	if (to == out)
		*to++ = '/';
	*to = '\0';
	return out;
}

int policy_add_path(struct jail_policy *p, enum path_kind kind, const char *path,
		    const char *source, bool optional, const struct policy_place *place)
{
	struct path_rules *list = &p->paths;
	struct path_rule rule = {.kind = kind, .optional = optional, .place = *place};

	rule.path = normal_path(path);
	if (source)
		rule.source = normal_path(source);
	if (!rule.path || (source && !rule.source) ||
	    !grow(&list->rule, list->count, &list->space, sizeof(rule)))
		return -ENOMEM;
	list->rule[list->count++] = rule;
	return 0;
}

const char *path_kind_word(enum path_kind kind)
{
	static const char *const words[PATH_KINDS] = {
		[PATH_READ] = "read",	[PATH_WRITE] = "write", [PATH_PROTECT] = "protect",
		[PATH_TMPFS] = "tmpfs", [PATH_BIND] = "bind",	[PATH_OVERLAY] = "overlay",
		[PATH_DENY] = "deny",	[PATH_HIDE] = "hide",
	};

	return words[kind];
}

/* ---- defaults ------------------------------------------------------------------------------- */

/* A default that the host may lack. */
static int add(struct jail_policy *p, enum path_kind kind, const char *path)
{
	return policy_add_path(p, kind, path, NULL, true, &(struct policy_place){0});
}

struct default_path {
	enum path_kind kind;
	const char *path;
};

/* The system's files without its secrets; --root replaces them. */
static const struct default_path system_paths[] = {
	{PATH_READ, "/usr"},
	{PATH_READ, "/lib"},
	{PATH_READ, "/lib32"},
	{PATH_READ, "/lib64"},
	{PATH_READ, "/libx32"},
	{PATH_READ, "/bin"},
	{PATH_READ, "/sbin"},
	{PATH_READ, "/etc"},
	{PATH_DENY, "/etc/shadow"},
	{PATH_DENY, "/etc/shadow-"},
	{PATH_DENY, "/etc/gshadow"},
	{PATH_DENY, "/etc/gshadow-"},
	{PATH_DENY, "/etc/security/opasswd"},
	{PATH_DENY, "/etc/sudoers"},
	{PATH_DENY, "/etc/sudoers.d"},
	{PATH_DENY, "/etc/machine-id"},
	{PATH_DENY, "/etc/krb5.keytab"},
	{PATH_DENY, "/etc/ssl/private"},
	{PATH_DENY, "/etc/letsencrypt"},
	{PATH_DENY, "/etc/wireguard"},
	{PATH_DENY, "/etc/openvpn"},
	{PATH_DENY, "/etc/NetworkManager/system-connections"},
	{PATH_DENY, "/etc/kubernetes"},
	{PATH_DENY, "/etc/rancher"},
	{PATH_DENY, "/etc/docker"},
	{PATH_DENY, "/etc/cloud"},
	{PATH_DENY, "/etc/netrc"},
};

/* Devices, memory, and what the guest kernel asks the host's /proc and /sys. */
static const struct default_path machine_paths[] = {
	{PATH_TMPFS, "/tmp"},
	{PATH_TMPFS, "/dev/shm"},
	{PATH_WRITE, "/dev/null"},
	{PATH_WRITE, "/dev/zero"},
	{PATH_WRITE, "/dev/full"},
	{PATH_WRITE, "/dev/random"},
	{PATH_WRITE, "/dev/urandom"},
	{PATH_WRITE, "/dev/tty"},
	{PATH_WRITE, "/dev/ptmx"},
	{PATH_WRITE, "/dev/pts"},
	{PATH_READ, "/proc/cpuinfo"},
	{PATH_READ, "/proc/filesystems"},
	{PATH_READ, "/proc/version"},
	{PATH_READ, "/proc/uptime"},
	{PATH_READ, "/proc/sys/vm/overcommit_memory"},
	{PATH_READ, "/proc/sys/kernel/osrelease"},
	{PATH_READ, "/proc/sys/kernel/pid_max"},
	{PATH_READ, "/proc/sys/kernel/cap_last_cap"},
	{PATH_READ, "/proc/sys/kernel/random/uuid"},
	{PATH_READ, "/proc/sys/net/core/somaxconn"},
	{PATH_READ, "/sys/devices/system/cpu"},
};

static int add_all(struct jail_policy *p, const struct default_path *list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (add(p, list[i].kind, list[i].path))
			return -ENOMEM;
	return 0;
}

/* With --root, a path is one of the image; these are the host's. */
static int add_machine(struct jail_policy *p)
{
	int ret = add_all(p, machine_paths, ARRAY_SIZE(machine_paths));

	for (u32 i = 0; p->root && ret == 0 && i < ARRAY_SIZE(machine_paths); i++) {
		const char *path = machine_paths[i].path;

		if (machine_paths[i].kind != PATH_TMPFS)
			ret = policy_add_path(p, PATH_BIND, path, path, true,
					      &(struct policy_place){0});
	}
	return ret;
}

/* Denies the private keys of the host's sshd, whose names no list has. */
static int deny_host_keys(struct jail_policy *p)
{
	DIR *dir = opendir("/etc/ssh");
	struct dirent *entry;
	char path[PATH_MAX];
	int ret = 0;

	while (dir && ret == 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 4, "_key") != 0)
			continue;
		snprintf(path, sizeof(path), "/etc/ssh/%s", entry->d_name);
		ret = add(p, PATH_DENY, path);
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* Returns true if path is dir or lies below it. */
static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true;
	return !strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0');
}

/* Returns the kind of place that a directory is if it shows too much to be a default, else NULL. */
const char *policy_too_wide(const char *dir)
{
	const char *home = getenv("HOME"), *what = NULL;
	struct passwd *user;
	FILE *users;

	if (is_below("/tmp", dir) || is_below("/var/tmp", dir))
		return "/tmp, or above it";
	if (home && home[0] == '/' && is_below(home, dir))
		return "a home, or above one";
	if (is_below("/root", dir) || is_below("/home", dir))
		return "a home, or above one";
	/* Not getpwent(3), which a static program cannot have: it loads libraries. */
	users = fopen("/etc/passwd", "re");
	while (users && !what && (user = fgetpwent(users)))
		/* Daemons have homes like /usr/sbin, which are no secret. */
		if (user->pw_uid >= 1000 && user->pw_dir[0] == '/' && user->pw_dir[1] &&
		    is_below(user->pw_dir, dir) && strcmp(user->pw_dir, "/nonexistent") != 0)
			what = "a home, or above one";
	if (users)
		fclose(users);
	return what;
}

bool policy_default_covers(const char *path, bool write)
{
	static const struct {
		const struct default_path *path;
		u32 count;
	} lists[] = {{system_paths, ARRAY_SIZE(system_paths)},
		     {machine_paths, ARRAY_SIZE(machine_paths)}};

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		for (u32 k = 0; k < lists[i].count; k++) {
			const struct default_path *d = &lists[i].path[k];

			if (d->kind != PATH_TMPFS && (d->kind != PATH_READ || !write) &&
			    is_below(path, d->path))
				return true;
		}
	return false;
}

/* Returns true if the user has said what a path of the sandbox shows. */
static bool is_given(const struct jail_policy *p, const char *path)
{
	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];

		if ((r->kind == PATH_READ || r->kind == PATH_WRITE || r->kind == PATH_BIND ||
		     r->kind == PATH_OVERLAY) &&
		    is_below(path, r->path))
			return true;
	}
	return false;
}

static int add_cwd(struct jail_policy *p, bool given)
{
	char *cwd = getcwd(NULL, 0), *real = cwd ? realpath(cwd, NULL) : NULL;
	const char *what = real ? policy_too_wide(real) : "no directory that has a name";
	int ret = 0;

	if (given)
		what = NULL;
	else if (!what)
		ret = add(p, p->learn ? PATH_OVERLAY : PATH_READ, real);
	else if (!p->cwd)
		message("the working directory is %s: it is not readable inside; allow with -r .",
			what);
	free(real);
	free(cwd);
	return ret;
}

/* The program's own file is readable, also if it lies where nothing else is. */
static int add_program(struct jail_policy *p, const char *program)
{
	char *real = program ? realpath(program, NULL) : NULL;
	int ret = real ? add(p, PATH_READ, real) : 0;

	if (ret == 0 && real)
		ret = add(p, PATH_READ, program);
	free(real);
	return ret;
}

static bool has_variable(const struct jail_policy *p, const char *name)
{
	for (u32 i = 0; i < p->env.count; i++)
		if (strcspn(p->env.text[i], "=") == strlen(name) &&
		    !strncmp(p->env.text[i], name, strlen(name)))
			return true;
	return false;
}

static int add_defaults(struct jail_policy *p, const char *program)
{
	static const char *const env[] = {"PATH", "HOME", "LANG", "TERM", "USER"};
	char *cwd = getcwd(NULL, 0);
	bool given = cwd && is_given(p, cwd);
	int ret = 0;

	free(cwd);

	if (!p->root) {
		if (p->learn)
			ret = add(p, PATH_READ, "/");
		if (ret == 0)
			ret = add_all(p, system_paths, ARRAY_SIZE(system_paths));
		if (ret == 0)
			ret = deny_host_keys(p);
		if (ret == 0)
			ret = add_cwd(p, given);
		if (ret == 0)
			ret = add_program(p, program);
	}
	if (ret == 0)
		ret = add_machine(p);
	for (u32 i = 0; i < ARRAY_SIZE(env) && ret == 0; i++)
		if (!has_variable(p, env[i]))
			ret = text_list_add(&p->env, env[i]);
	return ret;
}

/* ---- the whole policy ----------------------------------------------------------------------- */

/* Rules of these kinds give a path its content, so there may be one at a path. */
static bool is_content(enum path_kind kind)
{
	return kind == PATH_TMPFS || kind == PATH_BIND || kind == PATH_OVERLAY;
}

static bool is_refusal(enum path_kind kind)
{
	return kind == PATH_DENY || kind == PATH_HIDE;
}

/* Returns true if two rules for the same path cannot both hold. */
static bool contradict(const struct path_rule *a, const struct path_rule *b)
{
	if (is_refusal(a->kind) != is_refusal(b->kind))
		return true;
	if (is_refusal(a->kind))
		return a->kind != b->kind;
	if (is_content(a->kind) && is_content(b->kind))
		return a->kind != b->kind || a->kind != PATH_BIND ||
		       strcmp(a->source, b->source) != 0;
	if ((a->kind == PATH_OVERLAY && b->kind == PATH_WRITE) ||
	    (a->kind == PATH_WRITE && b->kind == PATH_OVERLAY))
		return true;
	return (a->kind == PATH_PROTECT && b->kind == PATH_WRITE) ||
	       (a->kind == PATH_WRITE && b->kind == PATH_PROTECT);
}

/*
 * Removes defaults for a path about which the user says something, and looks for contradictions.
 * User rules come first. Returns 0 or EXIT_USAGE after a message.
 */
static int settle_paths(struct jail_policy *p, u32 own)
{
	struct path_rules *list = &p->paths;
	u32 kept = own;

	for (u32 i = 1; i < own; i++)
		for (u32 k = 0; k < i; k++)
			if (!strcmp(list->rule[i].path, list->rule[k].path) &&
			    contradict(&list->rule[i], &list->rule[k])) {
				policy_error(
					&list->rule[i].place, path_kind_word(list->rule[i].kind),
					"%s contradicts the %s of the same path",
					list->rule[i].path, path_kind_word(list->rule[k].kind));
				return EXIT_USAGE;
			}
	for (u32 i = own; i < list->count; i++) {
		bool said = false;

		for (u32 k = 0; k < kept && !said; k++)
			said = !strcmp(list->rule[i].path, list->rule[k].path) &&
			       (k < own || list->rule[i].kind == list->rule[k].kind);
		if (!said)
			list->rule[kept++] = list->rule[i];
	}
	list->count = kept;
	p->own_paths = own;
	return 0;
}

/* Checks what is to be done with changes. Returns 0 or EXIT_USAGE after a message. */
static int settle_overlays(const struct jail_policy *p)
{
	u32 overlays = 0;

	for (u32 i = 0; i < p->paths.count; i++)
		overlays += p->paths.rule[i].kind == PATH_OVERLAY;
	if (overlays == 0 && (p->diff || p->commit || p->layer)) {
		message("--%s: there is no --overlay", p->diff	   ? "diff"
						       : p->commit ? "commit"
								   : "layer");
		return EXIT_USAGE;
	}
	if (overlays > 1 && p->layer) {
		message("--layer: it belongs to one --overlay");
		return EXIT_USAGE;
	}
	return 0;
}

const char *policy_state(void)
{
	static char path[4096];
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = 0;

	if (state && *state == '/')
		n = snprintf(path, sizeof(path), "%s/buffervm/commits", state);
	else if (home && *home == '/')
		n = snprintf(path, sizeof(path), "%s/.local/state/buffervm/commits", home);
	return n > 0 && (size_t)n < sizeof(path) ? path : NULL;
}

/* What a later commit trusts is no program's to change. Returns 0 or -errno. */
static int deny_commits(struct jail_policy *p)
{
	const char *state = policy_state();
	const u32 count = p->paths.count;
	int ret = 0;

	for (u32 i = 0; state && i < count && ret == 0; i++)
		if (p->paths.rule[i].kind == PATH_WRITE && is_below(state, p->paths.rule[i].path)) {
			ret = add(p, PATH_DENY, state);
			break;
		}
	if (ret == 0 && p->layer)
		for (u32 i = 0; i < count && ret == 0; i++)
			if (p->paths.rule[i].kind == PATH_WRITE) {
				ret = add(p, PATH_DENY, p->layer);
				break;
			}
	return ret;
}

/* Checks options that need another one. Returns 0 or EXIT_USAGE after a message. */
static int settle_options(const struct jail_policy *p)
{
	const struct {
		const char *word, *other;
		bool wrong;
	} check[] = {
		{"merge", "learn", p->merge && !p->learn},
		{"collapse", "learn", p->collapse && !p->learn},
		{"used", "show", p->used && (!p->show || p->show_json)},
	};

	for (u32 i = 0; i < ARRAY_SIZE(check); i++)
		if (check[i].wrong) {
			message("--%s: this is for --%s", check[i].word, check[i].other);
			return EXIT_USAGE;
		}
	return p->used ? policy_used_read(p->used) : 0;
}

int policy_complete(struct jail_policy *p, const char *program)
{
	u32 own = p->paths.count;

	if (settle_overlays(p) || settle_options(p) || policy_settle_network(p))
		return EXIT_USAGE;

	if (!p->no_defaults) {
		if (add_defaults(p, program)) {
			message("no memory for the policy");
			return EXIT_HOST;
		}
		p->mem = p->mem ? p->mem : MEM_DEFAULT;
		p->pids = p->pids ? p->pids : PIDS_DEFAULT;
		p->fds = p->fds ? p->fds : FDS_DEFAULT;
	}
	if (deny_commits(p)) {
		message("no memory for the policy");
		return EXIT_HOST;
	}
	return settle_paths(p, own);
}
