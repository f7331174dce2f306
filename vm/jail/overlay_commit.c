// SPDX-License-Identifier: MIT
/*
 * What changed in an overlay, and how it is written back (overlay.h).
 *
 * Each file is written under a temporary name beside its place, flushed, and renamed: at any moment
 * the host has the old file or the new one, whole. A file that somebody changed on the host since
 * it was copied is not written; it is named. Names and contents come from the guest: names are
 * opened one by one without following links, and printed without control characters.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "vm/jail/overlay.h"
#include "vm/vm.h"

enum kind { ADDED = 'A', MODIFIED = 'M', DELETED = 'D' };

struct change {
	enum kind kind;
	char *path;
	const struct overlay_entry *entry; /* NULL: added */
	struct stat copy;		   /* not for DELETED */
};

struct changes {
	const struct overlay *o;
	struct change *change;
	u32 count, space;
	bool failed; /* memory is exhausted, or the copy cannot be read */
};

static void add(struct changes *c, enum kind kind, const char *path,
		const struct overlay_entry *entry, const struct stat *copy)
{
	struct change *more = c->change;

	if (c->count == c->space) {
		c->space = c->space ? 2 * c->space : 64;
		more = reallocarray(c->change, c->space, sizeof(*more));
		if (more)
			c->change = more;
	}
	if (!more || !(c->change[c->count].path = strdup(path))) {
		c->failed = true;
		return;
	}
	more = &c->change[c->count++];
	more->kind = kind;
	more->entry = entry;
	if (copy)
		more->copy = *copy;
}

static const struct overlay_entry *find(const struct overlay *o, const char *path)
{
	u32 low = 0, high = o->count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		int order = strcmp(o->entry[middle].path, path);

		if (order == 0)
			return &o->entry[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/*
 * Opens the directory that has the last component of path, without following links. *name becomes
 * that component. Returns -1 with errno on failure.
 */
static int open_parent(int root, const char *path, const char **name)
{
	int dir = fcntl(root, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (dir >= 0 && (slash = strchr(path, '/'))) {
		char part[NAME_MAX + 1];
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
		path = slash + 1;
	}
	*name = path;
	return dir;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_data(int a, int b)
{
	char x[65536], y[65536];
	ssize_t n;

	do {
		n = read(a, x, sizeof(x));
		/* Regular files give all that they have. */
		if (n < 0 || read(b, y, sizeof(y)) != n || memcmp(x, y, (size_t)n) != 0)
			return false;
	} while (n > 0);
	return true;
}

static bool same_link(int dir_a, int dir_b, const char *name)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(dir_a, name, a, sizeof(a));

	return n >= 0 && readlinkat(dir_b, name, b, sizeof(b)) == n && !memcmp(a, b, (size_t)n);
}

/* Compares the contents of a name in the copy with the host's. */
static bool same_content(const struct overlay *o, const char *path, mode_t mode)
{
	const char *name;
	int a = open_parent(o->copy, path, &name), b = open_parent(o->host, path, &name);
	int x = -1, y = -1;
	bool same = true;

	if (a < 0 || b < 0) {
		same = false;
	} else if (S_ISLNK(mode)) {
		same = same_link(a, b, name);
	} else if (S_ISREG(mode)) {
		x = openat(a, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		y = openat(b, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		same = x >= 0 && y >= 0 && same_data(x, y);
	}
	for (u32 i = 0; i < 4; i++)
		if ((const int[]){a, b, x, y}[i] >= 0)
			close((const int[]){a, b, x, y}[i]);
	return same;
}

/* Returns true if the host's file is what it was when it was copied. */
static bool host_is_unchanged(const struct overlay *o, const struct overlay_entry *e)
{
	const char *name;
	int dir = open_parent(o->host, e->path, &name);
	struct stat st;
	bool same = dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == e->host.st_ino && st.st_mode == e->host.st_mode &&
		    (S_ISDIR(st.st_mode) ||
		     (st.st_size == e->host.st_size && same_time(&st.st_mtim, &e->host.st_mtim) &&
		      /* Other names of the file may have gone. */
		      (e->host.st_nlink > 1 || same_time(&st.st_ctim, &e->host.st_ctim))));

	if (dir >= 0)
		close(dir);
	return same;
}

static bool is_changed(const struct overlay *o, const struct overlay_entry *e,
		       const struct stat *copy)
{
	if (same_time(&copy->st_ctim, &e->copied) && same_time(&copy->st_mtim, &e->host.st_mtim))
		return false;
	if ((copy->st_mode ^ e->host.st_mode) & 0777)
		return true;
	if (S_ISDIR(copy->st_mode))
		return false;
	return copy->st_size != e->host.st_size || !same_content(o, e->path, copy->st_mode);
}

/* Looks for what is new or changed below a directory of the copy. Takes dir over. */
static void look_below(struct changes *c, int dir, const char *path)
{
	DIR *list = dir >= 0 ? fdopendir(dir) : NULL;
	struct dirent *d;

	if (!list) {
		c->failed = true;
		if (dir >= 0)
			close(dir);
		return;
	}
	while (!c->failed && (d = readdir(list))) {
		char child[PATH_MAX];
		const struct overlay_entry *e;
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if ((size_t)snprintf(child, sizeof(child), "%s%s%s", path, *path ? "/" : "",
				     d->d_name) >= sizeof(child) ||
		    fstatat(dirfd(list), d->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			c->failed = true;
			break;
		}
		e = find(c->o, child);
		if (e && (e->host.st_mode ^ st.st_mode) & S_IFMT) {
			add(c, DELETED, child, e, NULL);
			e = NULL;
		}
		if (!e && !S_ISSOCK(st.st_mode))
			add(c, ADDED, child, NULL, &st);
		else if (e && is_changed(c->o, e, &st))
			add(c, MODIFIED, child, e, &st);
		if (S_ISDIR(st.st_mode))
			look_below(c,
				   openat(dirfd(list), d->d_name,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				   child);
	}
	closedir(list);
}

static int by_path(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	/* A file of another kind takes the place of one that goes first. */
	return order ? order : (y->kind == DELETED) - (x->kind == DELETED);
}

/* Finds all changes, sorted by path, so that a directory comes before what is in it. */
static struct changes find_changes(const struct overlay *o)
{
	struct changes c = {.o = o};

	look_below(&c, openat(o->copy, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "");
	for (u32 i = 0; i < o->count && !c.failed; i++) {
		const char *name;
		int dir = open_parent(o->copy, o->entry[i].path, &name);
		struct stat st;

		if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
			add(&c, DELETED, o->entry[i].path, &o->entry[i], NULL);
		if (dir >= 0)
			close(dir);
	}
	if (c.count)
		qsort(c.change, c.count, sizeof(*c.change), by_path);
	return c;
}

static void forget(struct changes *c)
{
	while (c->count > 0)
		free(c->change[--c->count].path);
	free(c->change);
}

static const char *printable(const char *path)
{
	static char text[4 * PATH_MAX];
	char *to = text;

	for (; *path; path++)
		if (isprint((unsigned char)*path) && *path != '\\')
			*to++ = *path;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*path);
	*to = '\0';
	return text;
}

void overlay_print_changes(const struct overlay *o)
{
	struct changes c = find_changes(o);

	for (u32 i = 0; i < c.count; i++) {
		const struct change *ch = &c.change[i];
		const char *path = printable(ch->path);

		if (S_ISDIR(ch->kind == DELETED ? ch->entry->host.st_mode : ch->copy.st_mode))
			message("%c %s/%s/", ch->kind, o->path, path);
		else if (ch->kind == MODIFIED)
			message("%c %s/%s (%ld -> %ld bytes)", ch->kind, o->path, path,
				(long)ch->entry->host.st_size, (long)ch->copy.st_size);
		else
			message("%c %s/%s (%ld bytes)", ch->kind, o->path, path,
				(long)(ch->kind == DELETED ? ch->entry->host.st_size
							   : ch->copy.st_size));
	}
	if (c.failed)
		message("--overlay: not all changes of %s could be found", o->path);
	forget(&c);
}

/* ---- writing back --------------------------------------------------------------------------- */

/* Writes a regular file or a link under a temporary name. Returns false with errno on failure. */
static bool write_beside(int from, int to, const char *name, const char *temporary,
			 const struct change *ch)
{
	struct timespec times[2] = {ch->copy.st_atim, ch->copy.st_mtim};
	char text[PATH_MAX];
	ssize_t n;
	int in, out;
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
	while (done && (n = sendfile(out, in, NULL, 1U << 30)) != 0)
		done = n > 0;
	/* The owner is that of the file which is replaced, or who started the sandbox. */
	if (done && ch->entry && fchown(out, ch->entry->host.st_uid, ch->entry->host.st_gid))
		done = ch->entry->host.st_uid == geteuid();
	done = done && fchmod(out, ch->copy.st_mode & 0777) == 0 && futimens(out, times) == 0 &&
	       fsync(out) == 0;
	if (out >= 0)
		close(out);
	close(in);
	return done;
}

static bool put_file(const struct overlay *o, const struct change *ch)
{
	const char *name;
	char temporary[64];
	int from = open_parent(o->copy, ch->path, &name),
	    to = open_parent(o->host, ch->path, &name);
	bool done = false;

	snprintf(temporary, sizeof(temporary), ".buffervm-%d", getpid());
	if (from >= 0 && to >= 0) {
		done = write_beside(from, to, name, temporary, ch) &&
		       renameat2(to, temporary, to, name, ch->entry ? 0 : 1 /* NOREPLACE */) == 0;
		if (!done) {
			int error = errno;

			unlinkat(to, temporary, 0);
			errno = error;
		}
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return done;
}

static bool put_directory(const struct overlay *o, const struct change *ch)
{
	const char *name;
	int to = open_parent(o->host, ch->path, &name), dir;
	bool done = to >= 0 && (ch->entry || mkdirat(to, name, 0700) == 0);

	if (done) {
		dir = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		done = dir >= 0 && fchmod(dir, ch->copy.st_mode & 01777) == 0;
		if (dir >= 0)
			close(dir);
	}
	if (to >= 0)
		close(to);
	return done;
}

static bool take_away(const struct overlay *o, const struct change *ch)
{
	const char *name;
	int dir = open_parent(o->host, ch->path, &name);
	bool done = dir >= 0 &&
		    unlinkat(dir, name, S_ISDIR(ch->entry->host.st_mode) ? AT_REMOVEDIR : 0) == 0;

	if (dir >= 0)
		close(dir);
	return done;
}

/* Makes one change on the host. Returns false after a message. */
static bool apply(const struct overlay *o, const struct change *ch)
{
	bool done;

	if (ch->entry && !host_is_unchanged(o, ch->entry)) {
		message("--commit: %s/%s was changed outside meanwhile: it stays as it is", o->path,
			printable(ch->path));
		return false;
	}
	if (ch->kind == DELETED)
		done = take_away(o, ch);
	else if (S_ISDIR(ch->copy.st_mode))
		done = put_directory(o, ch);
	else
		done = put_file(o, ch);
	if (!done)
		message("--commit: %s/%s: %s", o->path, printable(ch->path), strerror(errno));
	return done;
}

bool overlay_commit(const struct overlay *o)
{
	struct changes c = find_changes(o);
	bool all = !c.failed;

	/* What goes, from the deepest name up, makes place for what comes, from the top down. */
	for (u32 i = c.count; i > 0 && !c.failed; i--)
		if (c.change[i - 1].kind == DELETED)
			all &= apply(o, &c.change[i - 1]);
	for (u32 i = 0; i < c.count && !c.failed; i++)
		if (c.change[i].kind != DELETED)
			all &= apply(o, &c.change[i]);
	if (c.failed)
		message("--commit: the copy of %s cannot be read: nothing is written", o->path);
	forget(&c);
	return all;
}
