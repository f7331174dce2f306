// SPDX-License-Identifier: MIT
/*
 * How the changes of an overlay are made on the host (overlay_changes.h).
 *
 * Each file is written under a temporary name beside its place, flushed, and renamed: at any moment
 * the host has the old file or the new one, whole. A file that somebody changed on the host since
 * it was copied is not written; it is named. What the host has already is not made again, so that a
 * commit which was killed can be made once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vm/jail/overlay_changes.h"
#include "vm/vm.h"

#define NOREPLACE 1 /* RENAME_NOREPLACE */

struct commit {
	struct changes *c;
	const char *path; /* of the overlay, for messages */
	int host, data;
	const char *temporary;
};

static int parents(const char *path, int a, int b, int dir[2], const char **name)
{
	dir[0] = open_parent(a, path, name);
	dir[1] = open_parent(b, path, name);
	return dir[0] < 0 || dir[1] < 0 ? -1 : 0;
}

static void close_both(const int dir[2])
{
	int error = errno;

	for (u32 i = 0; i < 2; i++)
		if (dir[i] >= 0)
			close(dir[i]);
	errno = error;
}

/* Returns the attributes of a name below a directory, without following links; or false. */
static bool look(int root, const char *path, struct stat *st)
{
	const char *name;
	int dir = open_parent(root, path, &name);
	bool there = dir >= 0 && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0;

	if (dir >= 0)
		close(dir);
	return there;
}

/* Returns true if the host's file is what it was when it was copied. */
static bool host_is_unchanged(int host, const struct change *ch)
{
	struct stat st;

	return look(host, ch->path, &st) && st.st_ino == ch->base.st_ino &&
	       st.st_mode == ch->base.st_mode &&
	       (S_ISDIR(st.st_mode) ||
		(st.st_size == ch->base.st_size && same_time(&st.st_mtim, &ch->base.st_mtim) &&
		 /* Other names of the file may have gone. */
		 (ch->base.st_nlink > 1 || same_time(&st.st_ctim, &ch->base.st_ctim))));
}

bool change_is_made(const struct changes *c, u32 index, int host, int data)
{
	const struct change *ch = &c->change[index], *next = ch + 1;
	mode_t kept = S_IFMT | 0777;
	struct stat st;

	if (!look(host, ch->path, &st))
		return ch->kind == DELETED;
	/* A file of another kind takes the place of one that went. */
	if (ch->kind == DELETED)
		return index + 1 < c->count && !strcmp(next->path, ch->path) &&
		       ((st.st_mode ^ next->copy.st_mode) & S_IFMT) == 0;
	if (S_ISLNK(st.st_mode))
		kept = S_IFMT;
	return ((st.st_mode ^ ch->copy.st_mode) & kept) == 0 &&
	       (!S_ISREG(st.st_mode) || st.st_size == ch->copy.st_size) &&
	       same_content(host, ch->path, data, ch->path, st.st_mode);
}

/* Writes a regular file or a link under a temporary name. Returns false with errno on failure. */
static bool write_beside(int from, int to, const char *name, const char *temporary,
			 const struct change *ch)
{
	struct timespec times[2] = {ch->copy.st_atim, ch->copy.st_mtim};
	char text[PATH_MAX];
	ssize_t n;
	int in, out, old;
	bool done;

	if (S_ISLNK(ch->copy.st_mode)) {
		n = readlinkat(from, name, text, sizeof(text) - 1);
		text[MAX(n, 0)] = '\0';
		return n > 0 && symlinkat(text, to, temporary) == 0;
	}
	if (S_ISFIFO(ch->copy.st_mode))
		return mkfifoat(to, temporary, ch->copy.st_mode & 0777) == 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (in < 0)
		return false;
	out = openat(to, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	done = out >= 0;
	done = done && copy_data(in, out);
	old = done && ch->kind == MODIFIED
		      ? openat(to, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
		      : -1;
	if (old >= 0) {
		copy_attributes(old, out);
		close(old);
	}
	if (done)
		copy_attributes(in, out);
	/* Who may not give files away keeps what is new. */
	if (done && fchown(out, ch->copy.st_uid, ch->copy.st_gid))
		done = ch->kind == ADDED || ch->base.st_uid == geteuid();
	done = done && fchmod(out, ch->copy.st_mode & 0777) == 0 && futimens(out, times) == 0 &&
	       fsync(out) == 0;
	if (out >= 0)
		close(out);
	close(in);
	return done;
}

/* Gives a file that is on the host already, and as it should be, the temporary name. */
static bool link_beside(const struct commit *m, int to, const struct change *ch)
{
	const char *name;
	int dir = ch->link ? open_parent(m->host, ch->link, &name) : -1;
	struct stat st;
	bool done = dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && ((st.st_mode ^ ch->copy.st_mode) & 0777) == 0 &&
		    same_content(m->host, ch->link, m->data, ch->path, st.st_mode) &&
		    linkat(dir, name, to, m->temporary, 0) == 0;

	if (dir >= 0)
		close(dir);
	return done;
}

static bool put_file(const struct commit *m, const struct change *ch)
{
	const char *name;
	int dir[2];
	bool done = parents(ch->path, m->data, m->host, dir, &name) == 0;

	if (done) {
		done = (link_beside(m, dir[1], ch) ||
			write_beside(dir[0], dir[1], name, m->temporary, ch)) &&
		       renameat2(dir[1], m->temporary, dir[1], name,
				 ch->kind == ADDED ? NOREPLACE : 0) == 0;
		if (!done) {
			int error = errno;

			unlinkat(dir[1], m->temporary, 0);
			errno = error;
		}
	}
	close_both(dir);
	return done;
}

static bool put_directory(const struct commit *m, const struct change *ch)
{
	const char *name;
	int to = open_parent(m->host, ch->path, &name), dir;
	bool done = to >= 0 && (ch->kind == MODIFIED || mkdirat(to, name, 0700) == 0);
	struct stat st;

	/* A commit that was killed had made it, without its mode; or somebody else has made one. */
	if (to >= 0 && !done && errno == EEXIST)
		done = fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	if (done) {
		dir = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir >= 0 && fchown(dir, ch->copy.st_uid, ch->copy.st_gid))
			errno = 0; /* as a file's */
		done = dir >= 0 && fchmod(dir, ch->copy.st_mode & 01777) == 0;
		if (dir >= 0)
			close(dir);
	}
	if (to >= 0)
		close(to);
	return done;
}

static bool take_away(const struct commit *m, const struct change *ch)
{
	const char *name;
	int dir = open_parent(m->host, ch->path, &name);
	bool done =
		dir >= 0 && unlinkat(dir, name, S_ISDIR(ch->base.st_mode) ? AT_REMOVEDIR : 0) == 0;

	if (dir >= 0)
		close(dir);
	return done;
}

/* Makes one change on the host. Returns false after a message. */
static bool apply(const struct commit *m, u32 index)
{
	const struct change *ch = &m->c->change[index];
	bool done;

	if (change_is_made(m->c, index, m->host, m->data))
		return true;
	if (ch->kind != ADDED && !host_is_unchanged(m->host, ch)) {
		message("--commit: %s/%s was changed outside meanwhile: it stays as it is", m->path,
			changes_printable(ch->path));
		return false;
	}
	if (ch->kind == DELETED)
		done = take_away(m, ch);
	else if (S_ISDIR(ch->copy.st_mode))
		done = put_directory(m, ch);
	else
		done = put_file(m, ch);
	if (!done)
		message("--commit: %s/%s: %s", m->path, changes_printable(ch->path),
			strerror(errno));
	return done;
}

bool changes_commit(struct changes *c, const char *path, int host, int data, const char *temporary)
{
	const struct commit m = {c, path, host, data, temporary};
	bool *made = calloc(c->count + 1, sizeof(*made));
	u32 left = 0;

	if (!made) {
		message("--commit: no memory");
		return false;
	}
	/* What goes, from the deepest name up, makes place for what comes, from the top down. */
	for (u32 i = c->count; i > 0; i--)
		if (c->change[i - 1].kind == DELETED)
			made[i - 1] = apply(&m, i - 1);
	for (u32 i = 0; i < c->count; i++)
		if (c->change[i].kind != DELETED)
			made[i] = apply(&m, i);
	for (u32 i = 0; i < c->count; i++) {
		if (made[i]) {
			free(c->change[i].path);
			free(c->change[i].link);
		} else {
			c->change[left++] = c->change[i];
		}
	}
	c->count = left;
	free(made);
	return left == 0;
}

void changes_sweep(const struct changes *c, int host, const char *temporary)
{
	for (u32 i = 0; i < c->count; i++) {
		const char *name;
		int dir = open_parent(host, c->change[i].path, &name);

		if (dir >= 0 && unlinkat(dir, temporary, 0))
			errno = 0; /* there is none, as a rule */
		if (dir >= 0)
			close(dir);
	}
}
