// SPDX-License-Identifier: MIT
/* See jail.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/jail/audit.h"
#include "vm/jail/calls.h"
#include "vm/jail/jail.h"
#include "vm/jail/learn.h"
#include "vm/jail/overlay.h"
#include "vm/jail/owners.h"
#include "vm/jail/policy.h"

#define SCRATCH_DEFAULT (1UL << 30)
#define PATH_DEFAULT	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The directory in which the program starts; a path in the sandbox. */
static char *start_directory;

/* Makes the environment that of the policy. Returns 0 or an exit_status. */
static int clean_environment(const struct text_list *env)
{
	char **old = environ, **keep = calloc(env->count + 1, sizeof(*keep));
	u32 n = 0;

	if (!keep)
		return EXIT_HOST;
	for (u32 i = 0; i < env->count; i++) {
		const char *text = env->text[i];
		size_t len = strcspn(text, "=");
		bool later = false;

		/* The last one of a name counts. */
		for (u32 k = i + 1; k < env->count; k++)
			later |= strcspn(env->text[k], "=") == len &&
				 !memcmp(env->text[k], text, len);
		if (later)
			continue;
		if (text[len] == '=') {
			keep[n++] = UNCONST(text);
			continue;
		}
		for (char **e = old; *e; e++)
			if (!strncmp(*e, text, len) && (*e)[len] == '=')
				keep[n++] = *e;
	}
	environ = keep;
	return 0;
}

/*
 * Finds the directory to start in: --cwd, or the monitor's own if the view has it, or "/". Returns
 * 0 or an exit_status after a message.
 */
static int find_directory(const struct jail_policy *p)
{
	char *cwd = p->cwd ? strdup(p->cwd) : getcwd(NULL, 0);
	struct view_at at = {.fd = -1, .dir = -1};
	s64 err = cwd ? view_find(-1, cwd, VIEW_FOLLOW, 0, &at) : -ENOENT;

	if (err == 0 && !S_ISDIR(at.st.st_mode))
		err = -ENOTDIR;
	/* A directory that only the view has shows nothing: that is no place to work in. */
	if (err == 0 && at.node && at.node->is_virtual && p->cwd && strcmp(cwd, "/") != 0)
		err = -EACCES;
	view_put(&at);
	if (err < 0 && p->cwd) {
		message("--cwd: %s: %s", cwd, strerror((int)-err));
		return EXIT_USAGE;
	}
	start_directory = err < 0 ? strdup("/") : cwd;
	return start_directory ? 0 : EXIT_HOST;
}

static int scratch = -1;

int jail_begin(struct sandbox *s)
{
	u64 mem = s->opt.policy->mem;
	int ret;

	scratch = scratch_make(mem ? mem : SCRATCH_DEFAULT);
	if (audit_start(s->opt.policy) || learn_start(s->opt.policy))
		return EXIT_USAGE;
	if (scratch < 0) {
		message("cannot make a file system for the sandbox: %s", strerror(errno));
		return EXIT_HOST;
	}
	ret = overlay_make(s->opt.policy, scratch);
	return ret ? ret : overlay_helper_start(s->opt.policy);
}

int jail_prepare(struct sandbox *s)
{
	const struct jail_policy *p = s->opt.policy;
	int ret = view_build(p, scratch);

	if (ret == 0 && p->as_root) {
		int err = owners_start(scratch);

		if (err)
			message("--as-root: %s", host_error(-err));
		ret = err ? EXIT_HOST : 0;
	}
	if (ret == 0)
		ret = find_directory(p);
	if (ret == 0)
		ret = clean_environment(&p->env);
	s->opt.mem = p->mem;
	s->opt.mem_given = p->mem != 0;
	s->opt.pids = p->pids;
	s->opt.cpus = p->cpus;
	if (p->fds)
		s->opt.files = p->fds;
	return ret;
}

/* Opens a directory of the view for boot info. Returns a handle or -errno. */
static s64 start_handle(const char *path)
{
	struct view_at at;
	s64 fd = view_find(-1, path, VIEW_FOLLOW, 0, &at);

	if (fd == 0)
		fd = HOST_CALL(fcntl, (u64)at.fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		fd = view_add_handle((int)fd, at.rule, at.node);
	view_put(&at);
	return fd;
}

int jail_enter(struct sandbox *s)
{
	s64 root = start_handle("/"), cwd = start_handle(start_directory);
	__typeof__(s->boot->rlimit[0]) *files = &s->boot->rlimit[RLIMIT_NOFILE];

	if (root < 0 || cwd < 0)
		return (int)MIN(root, cwd);
	s->boot->root = (s32)root;
	s->boot->cwd = (s32)cwd;
	/* A process may not have more open files than all of them together. */
	if (s->opt.policy->fds) {
		files->cur = MIN(files->cur, s->opt.policy->fds);
		files->max = MIN(files->max, s->opt.policy->fds);
	}
	if (owners_are_ours())
		owners_identity(s->boot);
	snprintf(s->boot->hostname, sizeof(s->boot->hostname), "%s",
		 s->opt.policy->hostname ? s->opt.policy->hostname : "sandbox");
	hostcall_jail = jail_find_call;
	hostcall_jailed = audit_call;
	return 0;
}

static bool is_program(const char *path)
{
	struct view_at at;
	bool found = view_find(-1, path, VIEW_FOLLOW, 0, &at) == 0 && S_ISREG(at.st.st_mode) &&
		     at.st.st_mode & 0111;

	view_put(&at);
	return found;
}

const char *jail_find_program(const char *name)
{
	static char path[PATH_MAX];
	const char *dirs = getenv("PATH");

	if (strchr(name, '/') || !*name)
		return name;
	for (const char *d = dirs ? dirs : PATH_DEFAULT; d; d = strchr(d, ':')) {
		int len;

		d += *d == ':';
		len = (int)strcspn(d, ":");
		if (snprintf(path, sizeof(path), "%.*s%s%s", len, d, len ? "/" : "./", name) <
			    (int)sizeof(path) &&
		    path[0] == '/' && is_program(path))
			return path;
	}
	return name;
}

/* No call is made any more: other vCPUs may still run. */
static jail_call *frozen(u32 nr, jail_call *run)
{
	(void)nr, (void)run;
	return NULL;
}

bool jail_end(bool succeeded)
{
	bool all;

	if (scratch < 0)
		return true;
	hostcall_jail = frozen;
	all = overlay_helper_end(succeeded);
	view_end();
	return all;
}
