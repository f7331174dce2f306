// SPDX-License-Identifier: MIT
/* See overlay_changes.h: what changed in an overlay. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "vm/jail/overlay_changes.h"
#include "vm/vm.h"

#define PIECE (1L << 30) /* bytes of one sendfile(2) */

struct change *changes_add(struct changes *c, enum change_kind kind, const char *path,
			   const char *link)
{
	struct change *more = c->change, *new;

	if (c->count == c->space) {
		c->space = c->space ? 2 * c->space : 64;
		more = reallocarray(c->change, c->space, sizeof(*more));
		if (more)
			c->change = more;
	}
	if (!more) {
		c->failed = true;
		return NULL;
	}
	new = &more[c->count];
	*new = (struct change){
		.kind = kind, .path = strdup(path), .link = link ? strdup(link) : NULL};
	if (!new->path || (link && !new->link)) {
		free(new->path);
		c->failed = true;
		return NULL;
	}
	c->count++;
	return new;
}

static void add(struct changes *c, enum change_kind kind, const char *path,
		const struct overlay_entry *entry, const struct stat *copy)
{
	struct change *new = changes_add(c, kind, path, NULL);

	if (new &&entry)
		new->base = entry->host;
	if (!new || !copy)
		return;
	new->copy = *copy;
	/* The program did not give it away: so the owner stays. */
	if (entry && copy->st_uid == entry->uid && copy->st_gid == entry->gid) {
		new->copy.st_uid = entry->host.st_uid;
		new->copy.st_gid = entry->host.st_gid;
	}
}

struct overlay_entry *overlay_find(const struct overlay *o, const char *path)
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

int open_parent(int root, const char *path, const char **name)
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

bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool copy_data(int from, int to)
{
	struct stat st;
	off_t at = 0, hole;

	if (fstat(from, &st))
		return false;
	while (at < st.st_size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break; /* only a hole is left */
		hole = at < 0 ? -1 : lseek(from, at, SEEK_HOLE);
		if (hole < 0 || lseek(to, at, SEEK_SET) != at)
			return false;
		while (at < hole) {
			ssize_t n = sendfile(to, from, &at, (size_t)MIN(hole - at, PIECE));

			if (n < 0)
				return false;
			if (n == 0)
				break; /* somebody has made it shorter */
		}
		if (at < hole)
			break;
	}
	return ftruncate(to, st.st_size) == 0;
}

void copy_attributes(int from, int to)
{
	char names[4096], value[4096];
	ssize_t len = flistxattr(from, names, sizeof(names));

	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		ssize_t n;

		if (strncmp(name, "user.", 5) != 0 && strcmp(name, "system.posix_acl_access") != 0)
			continue;
		n = fgetxattr(from, name, value, sizeof(value));
		if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0))
			errno = 0; /* not every file system has them */
	}
}

bool copy_file(int from, const char *name, int to, const mode_t *mode)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int out = in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = out >= 0 && copy_data(in, out);
	int error;

	if (done)
		copy_attributes(in, out);
	done = done && (!mode || fchmod(out, *mode) == 0);
	error = errno;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = error;
	return done;
}

bool copy_link(int from, const char *name, int to)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	return symlinkat(text, to, name) == 0;
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

static bool same_link(int dir_a, const char *name_a, int dir_b, const char *name_b)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(dir_a, name_a, a, sizeof(a));

	return n >= 0 && readlinkat(dir_b, name_b, b, sizeof(b)) == n && !memcmp(a, b, (size_t)n);
}

bool same_content(int root_a, const char *path_a, int root_b, const char *path_b, mode_t mode)
{
	const char *name_a, *name_b;
	int a = open_parent(root_a, path_a, &name_a), b = open_parent(root_b, path_b, &name_b);
	int x = -1, y = -1;
	bool same = true;

	if (a < 0 || b < 0) {
		same = false;
	} else if (S_ISLNK(mode)) {
		same = same_link(a, name_a, b, name_b);
	} else if (S_ISREG(mode)) {
		x = openat(a, name_a, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		y = openat(b, name_b, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		same = x >= 0 && y >= 0 && same_data(x, y);
	}
	for (u32 i = 0; i < 4; i++)
		if ((const int[]){a, b, x, y}[i] >= 0)
			close((const int[]){a, b, x, y}[i]);
	return same;
}

static bool is_changed(const struct overlay *o, const struct overlay_entry *e,
		       const struct stat *copy)
{
	if (same_time(&copy->st_ctim, &e->copied) && same_time(&copy->st_mtim, &e->host.st_mtim))
		return false;
	if ((copy->st_mode ^ e->host.st_mode) & 0777 || copy->st_uid != e->uid ||
	    copy->st_gid != e->gid)
		return true;
	if (S_ISDIR(copy->st_mode))
		return false;
	return copy->st_size != e->host.st_size ||
	       !same_content(o->copy, e->path, o->host, e->path, copy->st_mode);
}

/* Looks for what is new or changed below a directory of the copy. Takes dir over. */
static void look_below(const struct overlay *o, struct changes *c, int dir, const char *path)
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
		e = overlay_find(o, child);
		if (e && (e->host.st_mode ^ st.st_mode) & S_IFMT) {
			add(c, DELETED, child, e, NULL);
			e = NULL;
		}
		if (!e && !S_ISSOCK(st.st_mode))
			add(c, ADDED, child, NULL, &st);
		else if (e && is_changed(o, e, &st))
			add(c, MODIFIED, child, e, &st);
		if (S_ISDIR(st.st_mode))
			look_below(o, c,
				   openat(dirfd(list), d->d_name,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				   child);
	}
	closedir(list);
}

void overlay_forget(struct overlay *o, const char *path, bool itself)
{
	size_t len = strlen(path);
	u32 left = 0;

	for (u32 i = 0; i < o->count; i++) {
		const char *at = o->entry[i].path;

		if (!strncmp(at, path, len) && (at[len] == '/' || (itself && at[len] == '\0')))
			free(o->entry[i].path);
		else
			o->entry[left++] = o->entry[i];
	}
	o->count = left;
}

static int by_path(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	/* A file of another kind takes the place of one that goes first. */
	return order ? order : (y->kind == DELETED) - (x->kind == DELETED);
}

void changes_sort(struct changes *c)
{
	if (c->count)
		qsort(c->change, c->count, sizeof(*c->change), by_path);
}

/* Returns true if a name in the copy is that file. */
static bool is_file(const struct overlay *o, const char *path, ino_t ino)
{
	const char *name;
	int dir = open_parent(o->copy, path, &name);
	struct stat st;
	bool is = dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == ino;

	if (dir >= 0)
		close(dir);
	return is;
}

/* Returns another name of a changed file: of an earlier change, or of a file as it was copied. */
static const char *other_name(const struct overlay *o, const struct changes *c, u32 index)
{
	const struct change *ch = &c->change[index];

	if (ch->kind == DELETED || !S_ISREG(ch->copy.st_mode) || ch->copy.st_nlink < 2)
		return NULL;
	for (u32 i = 0; i < index; i++)
		if (c->change[i].kind != DELETED && c->change[i].copy.st_ino == ch->copy.st_ino)
			return c->change[i].path;
	for (u32 i = 0; ch->kind == ADDED && i < o->count; i++)
		if (o->entry[i].ino == ch->copy.st_ino &&
		    is_file(o, o->entry[i].path, ch->copy.st_ino))
			return o->entry[i].path;
	return NULL;
}

struct changes changes_find(const struct overlay *o)
{
	struct changes c = {0};

	look_below(o, &c, openat(o->copy, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "");
	for (u32 i = 0; i < o->count && !c.failed; i++) {
		const char *name;
		int dir = open_parent(o->copy, o->entry[i].path, &name);
		struct stat st;

		if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
			add(&c, DELETED, o->entry[i].path, &o->entry[i], NULL);
		if (dir >= 0)
			close(dir);
	}
	changes_sort(&c);
	for (u32 i = 0; i < c.count && !c.failed; i++) {
		const char *other = other_name(o, &c, i);

		c.failed = other && !(c.change[i].link = strdup(other));
	}
	return c;
}

void changes_free(struct changes *c)
{
	while (c->count > 0) {
		free(c->change[--c->count].path);
		free(c->change[c->count].link);
	}
	free(c->change);
	*c = (struct changes){0};
}

const char *changes_printable(const char *path)
{
	static char text[4 * PATH_MAX];
	char *to = text;

	for (; *path && to < text + sizeof(text) - 5; path++)
		if (isprint((unsigned char)*path) && *path != '\\')
			*to++ = *path;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*path);
	*to = '\0';
	return text;
}

void changes_print(const struct changes *c, const char *top)
{
	for (u32 i = 0; i < c->count; i++) {
		const struct change *ch = &c->change[i];
		const char *path = changes_printable(ch->path);

		if (S_ISDIR(ch->kind == DELETED ? ch->base.st_mode : ch->copy.st_mode))
			message("%c %s/%s/", ch->kind, top, path);
		else if (ch->kind == MODIFIED)
			message("%c %s/%s (%ld -> %ld bytes)", ch->kind, top, path,
				(long)ch->base.st_size, (long)ch->copy.st_size);
		else
			message("%c %s/%s (%ld bytes)", ch->kind, top, path,
				(long)(ch->kind == DELETED ? ch->base.st_size : ch->copy.st_size));
	}
}
