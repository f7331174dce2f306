// SPDX-License-Identifier: MIT
/* See overlay.h: copying, and the helper process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/jail/overlay_layer.h"
#include "vm/vm.h"

static struct overlay *overlays;
static u32 overlay_count;
static int helper = -1; /* our end of its socket */
static pid_t helper_pid;
static struct layer layer = {.dir = -1, .data = -1};

/* ---- copying -------------------------------------------------------------------------------- */

static int failed(const struct overlay *o, const char *path)
{
	message("--overlay: cannot copy %s%s%s: %s", o->path, *path ? "/" : "", path,
		strerror(errno));
	return EXIT_HOST;
}

static struct overlay_entry *add_entry(struct overlay *o, const char *path, const struct stat *host)
{
	struct overlay_entry *more;

	if (o->count == o->space) {
		o->space = o->space ? 2 * o->space : 256;
		more = reallocarray(o->entry, o->space, sizeof(*more));
		if (!more)
			return NULL;
		o->entry = more;
	}
	more = &o->entry[o->count];
	*more = (struct overlay_entry){.path = strdup(path), .host = *host};
	return more->path ? (o->count++, more) : NULL;
}

/* Returns the path of an earlier name of the same file, NULL if there is none. */
static const char *other_name(const struct overlay *o, const struct stat *st)
{
	for (u32 i = 0; st->st_nlink > 1 && i + 1 < o->count; i++)
		if (o->entry[i].host.st_ino == st->st_ino && o->entry[i].host.st_dev == st->st_dev)
			return o->entry[i].path;
	return NULL;
}

static int copy_directory(struct overlay *o, int from, int to, const char *path);

/* Copies one name. path: below the overlay's directory. Returns 0 or an exit_status. */
static int copy_one(struct overlay *o, int from, int to, const char *name, const char *path)
{
	struct timespec times[2];
	const char *other;
	struct stat st;
	u32 index = o->count;
	bool done = true;
	int ret = 0;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed(o, path);
	/* Sockets and devices lead out of the sandbox; the copy is without them. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode) &&
	    !S_ISFIFO(st.st_mode))
		return 0;
	if (!add_entry(o, path, &st))
		return failed(o, path);
	other = S_ISREG(st.st_mode) ? other_name(o, &st) : NULL;
	if (other) {
		done = linkat(o->copy, other, to, name, 0) == 0;
	} else if (S_ISREG(st.st_mode)) {
		done = copy_file(from, name, to, &(mode_t){st.st_mode & 01777});
	} else if (S_ISLNK(st.st_mode)) {
		done = copy_link(from, name, to);
	} else if (S_ISFIFO(st.st_mode)) {
		done = mkfifoat(to, name, st.st_mode & 0777) == 0;
	} else {
		int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int out = -1;

		if (in >= 0 && mkdirat(to, name, 0700) == 0)
			out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		done = out >= 0;
		if (done)
			ret = copy_directory(o, in, out, path);
		if (done && ret == 0)
			done = fchmod(out, st.st_mode & 03777) == 0;
		if (out >= 0)
			close(out);
		if (in >= 0)
			close(in);
	}
	if (!done)
		return failed(o, path);
	if (ret)
		return ret;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	/* An ordinary user cannot give files away: inside they are the user's own then. */
	if (fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW))
		errno = 0;
	if (utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) ||
	    fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed(o, path);
	o->entry[index].copied = st.st_ctim;
	o->entry[index].ino = st.st_ino;
	o->entry[index].uid = st.st_uid;
	o->entry[index].gid = st.st_gid;
	return 0;
}

/* Copies what is in a directory. Returns 0 or an exit_status. */
static int copy_directory(struct overlay *o, int from, int to, const char *path)
{
	int list = fcntl(from, F_DUPFD_CLOEXEC, 0);
	DIR *dir = list >= 0 ? fdopendir(list) : NULL;
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return failed(o, path);
	while (ret == 0 && (entry = readdir(dir))) {
		char child[PATH_MAX];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if ((size_t)snprintf(child, sizeof(child), "%s%s%s", path, *path ? "/" : "",
				     entry->d_name) >= sizeof(child)) {
			errno = ENAMETOOLONG;
			ret = failed(o, path);
		} else {
			ret = copy_one(o, from, to, entry->d_name, child);
		}
	}
	closedir(dir);
	return ret;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct overlay_entry *)a)->path,
		      ((const struct overlay_entry *)b)->path);
}

static void finish_journal(const struct layer *journal, const struct overlay *o, struct changes *c)
{
	changes_sweep(c, o->host, journal->temporary);
	changes_commit(c, o->path, o->host, journal->data, journal->temporary);
	message("--commit: an earlier commit of %s is finished", o->path);
}

/* Finishes a commit that was killed, if this run commits too. Returns 0 or an exit_status. */
static int finish_earlier(const struct overlay *o, bool commit)
{
	struct changes c = {0};
	struct layer journal;
	int found = journal_open(&journal, o, false, &c);

	if (found > 0 && commit) {
		finish_journal(&journal, o, &c);
		journal_remove(&journal, o);
	} else if (found > 0) {
		message("--overlay: an earlier commit of %s was killed: the next --commit finishes "
			"it",
			o->path);
		layer_close(&journal);
	}
	changes_free(&c);
	return found < 0 ? EXIT_HOST : 0;
}

/* Returns true if a directory is below another one. */
static bool is_within(const char *path, const char *dir)
{
	char *a = realpath(path, NULL), *b = realpath(dir, NULL);
	size_t len = b ? strlen(b) : 0;
	bool within = a && b && !strncmp(a, b, len) && (a[len] == '/' || a[len] == '\0');

	free(a);
	free(b);
	return within;
}

/* Opens what is to be made in the copy besides. Returns 0 or an exit_status. */
static int open_earlier(const struct jail_policy *p, const struct overlay *o, struct changes *c)
{
	int ret;

	if (!p->layer)
		return finish_earlier(o, p->commit);
	ret = layer_open(&layer, p->layer, o, c);
	if (ret == 0 && is_within(p->layer, o->path)) {
		message("--layer: %s is in the directory of --overlay", p->layer);
		ret = EXIT_USAGE;
	}
	return ret;
}

static int make_one(struct overlay *o, const struct jail_policy *p, const struct path_rule *rule,
		    u32 number, int scratch)
{
	struct changes earlier = {0};
	char name[32];
	struct stat st;
	int list, ret;

	o->path = rule->path;
	o->host = open(rule->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->host < 0 || fstat(o->host, &st)) {
		policy_error(&rule->place, "overlay", "%s: %s", rule->path, strerror(errno));
		return EXIT_USAGE;
	}
	snprintf(name, sizeof(name), "overlay%u", number);
	list = mkdirat(scratch, name, 0700)
		       ? -1
		       : openat(scratch, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list < 0)
		return failed(o, "");
	o->copy = list;
	ret = open_earlier(p, o, &earlier);
	if (ret == 0)
		ret = copy_directory(o, o->host, list, "");
	if (ret == 0 && fchmod(list, st.st_mode & 01777))
		ret = failed(o, "");
	if (fchown(list, st.st_uid, st.st_gid))
		errno = 0;
	if (ret == 0)
		qsort(o->entry, o->count, sizeof(*o->entry), by_path);
	if (ret == 0 && layer.dir >= 0)
		ret = layer_apply(&layer, o, &earlier);
	changes_free(&earlier);
	return ret;
}

int overlay_make(const struct jail_policy *p, int scratch)
{
	int ret = 0;

	for (u32 i = 0; i < p->paths.count; i++)
		overlay_count += p->paths.rule[i].kind == PATH_OVERLAY;
	overlays = calloc(overlay_count + 1, sizeof(*overlays));
	if (!overlays)
		return EXIT_HOST;
	overlay_count = 0;
	for (u32 i = 0; i < p->paths.count && ret == 0; i++)
		if (p->paths.rule[i].kind == PATH_OVERLAY) {
			ret = make_one(&overlays[overlay_count], p, &p->paths.rule[i],
				       overlay_count, scratch);
			overlay_count++;
		}
	return ret;
}

int overlay_copy_of(const char *path)
{
	for (u32 i = 0; i < overlay_count; i++)
		if (!strcmp(overlays[i].path, path))
			return overlays[i].copy;
	return -1;
}

/* ---- the helper ----------------------------------------------------------------------------- */

enum { TELL_FAILED = 'f', TELL_SUCCEEDED = 's', ANSWER_DONE = 'd', ANSWER_NOT_ALL = 'n' };

/* Writes changes back. Returns false, after messages, if some are not. */
static bool commit_plainly(const struct overlay *o, struct changes *c)
{
	struct changes earlier = {0};
	struct layer journal;
	bool done, has = journal_open(&journal, o, true, &earlier) > 0;
	int data = o->copy;

	/* Somebody else's commit was killed since this run began. */
	if (has && earlier.count > 0)
		finish_journal(&journal, o, &earlier);
	changes_free(&earlier);
	if (has && layer_save(&journal, o, c, o->copy))
		data = journal.data;
	else
		message("--commit: there is no journal: it cannot be finished if it is killed");
	done = changes_commit(c, o->path, o->host, data, journal.temporary);
	if (has)
		journal_remove(&journal, o);
	return done;
}

/* Does what the policy says with what changed. Returns false, after messages, if it cannot. */
static bool finish(const struct jail_policy *p, const struct overlay *o, bool commit)
{
	struct changes c = changes_find(o);
	bool done = !c.failed;

	if (p->diff && p->diff_patch)
		changes_print_patch(&c, o->path, o->host, o->copy);
	else if (p->diff)
		changes_print(&c, o->path);
	if (!done) {
		message("--overlay: not all changes of %s could be found: nothing is written",
			o->path);
	} else if (layer.dir >= 0) {
		done = layer_save(&layer, o, &c, o->copy);
		if (done && commit) {
			done = changes_commit(&c, o->path, o->host, layer.data, layer.temporary);
			done = layer_save(&layer, o, &c, layer.data) && done;
		}
	} else if (commit && c.count > 0) {
		done = commit_plainly(o, &c);
	}
	changes_free(&c);
	return done;
}

/*
 * Waits for the end of the program, and does what the policy says. Without a word from the monitor,
 * which was killed then, nothing is written back.
 */
static void help(const struct jail_policy *p, int socket)
{
	bool all = true, commit;
	char told = 0;

	/* A commit that has begun is finished, whatever the terminal says to the others. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	while (read(socket, &told, 1) < 0 && errno == EINTR)
		;
	if (told != TELL_FAILED && told != TELL_SUCCEEDED && !p->layer)
		_exit(0);
	commit = p->commit && (told == TELL_SUCCEEDED || (p->commit_always && told == TELL_FAILED));
	for (u32 i = 0; i < overlay_count; i++)
		all = finish(p, &overlays[i], commit) && all;
	told = all ? ANSWER_DONE : ANSWER_NOT_ALL;
	if (write(socket, &told, 1) != 1)
		_exit(1);
	_exit(0);
}

int overlay_helper_start(const struct jail_policy *p)
{
	int pair[2];

	if (overlay_count == 0 || (!p->diff && !p->commit && !p->layer))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		message("--overlay: %s", strerror(errno));
		return EXIT_HOST;
	}
	helper_pid = fork();
	if (helper_pid == 0) {
		close(pair[0]);
		help(p, pair[1]);
	}
	close(pair[1]);
	if (helper_pid < 0) {
		message("--overlay: cannot start a process: %s", host_error(errno));
		close(pair[0]);
		return EXIT_HOST;
	}
	helper = pair[0];
	return 0;
}

bool overlay_helper_end(bool succeeded)
{
	char tell = succeeded ? TELL_SUCCEEDED : TELL_FAILED, answer = ANSWER_NOT_ALL;

	if (helper < 0)
		return true;
	if (write(helper, &tell, 1) == 1)
		while (read(helper, &answer, 1) < 0 && errno == EINTR)
			;
	close(helper);
	helper = -1;
	while (waitpid(helper_pid, NULL, 0) < 0 && errno == EINTR)
		;
	return answer == ANSWER_DONE;
}
