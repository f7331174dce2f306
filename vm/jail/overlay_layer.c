// SPDX-License-Identifier: MIT
/* See overlay_layer.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>
#include "vm/jail/overlay_layer.h"
#include "vm/vm.h"

#define FORMAT	  1
#define INDEX	  "layer.json"
#define INDEX_NEW "layer.json.new"
#define OWNER_ALL 0700

static int failed(const struct layer *l, const char *what)
{
	message("--layer: %s: %s: %s", l->path, what, strerror(errno));
	return EXIT_HOST;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Removes a name and all below it. Returns false with errno on failure. */
static bool remove_tree(int dir, const char *name)
{
	DIR *list;
	struct dirent *d;
	bool done = true;
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return true;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* In the copy, a directory may be one that even its owner may not change. */
	list = fd >= 0 && fchmod(fd, OWNER_ALL) == 0 ? fdopendir(fd) : NULL;
	if (!list) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (done && (d = readdir(list)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			done = remove_tree(fd, d->d_name);
	closedir(list);
	return done && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

/* Makes the directories above path. Returns false with errno on failure. */
static bool make_parents(int root, const char *path)
{
	char text[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *name;
		int dir;
		bool done;

		snprintf(text, sizeof(text), "%.*s", (int)(slash - path), path);
		dir = open_parent(root, text, &name);
		done = dir >= 0 && (mkdirat(dir, name, OWNER_ALL) == 0 || errno == EEXIST);
		if (dir >= 0)
			close(dir);
		if (!done)
			return false;
	}
	return true;
}

/*
 * Makes a file of one directory below another one at the same path, where nothing is yet but
 * perhaps a directory; without attributes. Returns false with errno on failure.
 */
static bool transfer(const struct change *ch, int from, int to)
{
	const char *name, *other;
	int a = open_parent(from, ch->path, &name), b = open_parent(to, ch->path, &name);
	int linked = ch->link ? open_parent(to, ch->link, &other) : -1;
	bool done = a >= 0 && b >= 0;
	int error;

	if (!done)
		;
	else if (S_ISDIR(ch->copy.st_mode))
		done = mkdirat(b, name, OWNER_ALL) == 0 || errno == EEXIST;
	else if (S_ISLNK(ch->copy.st_mode))
		done = copy_link(a, name, b);
	else if (S_ISFIFO(ch->copy.st_mode))
		done = mkfifoat(b, name, 0600) == 0;
	else
		done = (linked >= 0 &&
			same_content(to, ch->link, from, ch->path, ch->copy.st_mode) &&
			linkat(linked, other, b, name, 0) == 0) ||
		       copy_file(a, name, b, NULL);
	error = errno;
	for (u32 i = 0; i < 3; i++)
		if ((const int[]){a, b, linked}[i] >= 0)
			close((const int[]){a, b, linked}[i]);
	errno = error;
	return done;
}

/* ---- the index ------------------------------------------------------------------------------ */

static void put_number(json_object *to, const char *name, u64 value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static u64 number_of(json_object *from, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(from, name, &value) ? json_object_get_uint64(value) : 0;
}

static const char *text_of(json_object *from, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(from, name, &value) ? json_object_get_string(value) : NULL;
}

static json_object *put_stat(const struct stat *st)
{
	json_object *to = json_object_new_object();

	put_number(to, "ino", st->st_ino);
	put_number(to, "mode", st->st_mode);
	put_number(to, "nlink", st->st_nlink);
	put_number(to, "uid", st->st_uid);
	put_number(to, "gid", st->st_gid);
	put_number(to, "size", (u64)st->st_size);
	put_number(to, "atime", (u64)st->st_atim.tv_sec);
	put_number(to, "atime_ns", (u64)st->st_atim.tv_nsec);
	put_number(to, "mtime", (u64)st->st_mtim.tv_sec);
	put_number(to, "mtime_ns", (u64)st->st_mtim.tv_nsec);
	put_number(to, "ctime", (u64)st->st_ctim.tv_sec);
	put_number(to, "ctime_ns", (u64)st->st_ctim.tv_nsec);
	return to;
}

/* Returns false if the index has no such member, or a kind of file that no layer keeps. */
static bool get_stat(json_object *change, const char *name, struct stat *st)
{
	json_object *from;

	if (!json_object_object_get_ex(change, name, &from))
		return false;
	*st = (struct stat){
		.st_ino = number_of(from, "ino"),
		.st_mode = (mode_t)number_of(from, "mode"),
		.st_nlink = number_of(from, "nlink"),
		.st_uid = (uid_t)number_of(from, "uid"),
		.st_gid = (gid_t)number_of(from, "gid"),
		.st_size = (off_t)number_of(from, "size"),
		.st_atim = {(time_t)number_of(from, "atime"), (long)number_of(from, "atime_ns")},
		.st_mtim = {(time_t)number_of(from, "mtime"), (long)number_of(from, "mtime_ns")},
		.st_ctim = {(time_t)number_of(from, "ctime"), (long)number_of(from, "ctime_ns")}};
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode) ||
	       S_ISFIFO(st->st_mode);
}

/* Returns true for a path that leads nowhere else: an index is a file that anybody may edit. */
static bool is_path(const char *path)
{
	if (!path || strlen(path) >= PATH_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || len > NAME_MAX || (len <= 2 && !strncmp(path, "..", len)))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

static bool read_change(json_object *from, struct changes *c)
{
	const char *kind = text_of(from, "kind"), *path = text_of(from, "path");
	const char *link = text_of(from, "link");
	struct change *ch;

	if (!kind || !*kind || !strchr("AMD", *kind) || !is_path(path) || (link && !is_path(link)))
		return false;
	ch = changes_add(c, (enum change_kind) * kind, path, link);
	return ch && (*kind == ADDED || get_stat(from, "base", &ch->base)) &&
	       (*kind == DELETED || get_stat(from, "copy", &ch->copy));
}

enum index_answer { INDEX_READ, INDEX_NONE, INDEX_OTHER, INDEX_WRONG };

/* Reads the index of a layer. */
static enum index_answer read_index(struct layer *l, const struct overlay *o, struct changes *c)
{
	int fd = openat(l->dir, INDEX, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	json_object *all, *list;
	enum index_answer answer = INDEX_WRONG;
	const char *lower, *temporary;
	struct stat st;
	char data[32];

	if (fd < 0)
		return errno == ENOENT ? INDEX_NONE : INDEX_WRONG;
	all = json_object_from_fd(fd);
	close(fd);
	lower = text_of(all, "lower");
	temporary = text_of(all, "temporary");
	if (number_of(all, "format") != FORMAT || !lower || !temporary || fstat(o->host, &st) ||
	    strlen(temporary) >= sizeof(l->temporary) || !is_path(temporary) ||
	    strchr(temporary, '/') || !json_object_object_get_ex(all, "changes", &list) ||
	    !json_object_is_type(list, json_type_array))
		goto out;
	answer = INDEX_OTHER;
	if (strcmp(lower, o->path) != 0 || number_of(all, "inode") != st.st_ino)
		goto out;
	strcpy(l->temporary, temporary);
	l->number = number_of(all, "data");
	snprintf(data, sizeof(data), "data.%lu", l->number);
	l->data = openat(l->dir, data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	answer = l->data >= 0 ? INDEX_READ : INDEX_WRONG;
	for (size_t i = 0; i < json_object_array_length(list) && answer == INDEX_READ; i++)
		if (!read_change(json_object_array_get_idx(list, i), c))
			answer = INDEX_WRONG;
	changes_sort(c);
out:
	json_object_put(all);
	return answer;
}

static bool write_index(const struct layer *l, const struct overlay *o, const struct changes *c)
{
	json_object *all = json_object_new_object(), *list = json_object_new_array();
	struct stat st = {0};
	const char *text;
	bool done;
	size_t len;
	int fd;

	fstat(o->host, &st);
	put_number(all, "format", FORMAT);
	json_object_object_add(all, "lower", json_object_new_string(o->path));
	put_number(all, "inode", st.st_ino);
	put_number(all, "data", l->number);
	json_object_object_add(all, "temporary", json_object_new_string(l->temporary));
	for (u32 i = 0; i < c->count; i++) {
		const struct change *ch = &c->change[i];
		const char kind[2] = {(char)ch->kind};
		json_object *to = json_object_new_object();

		json_object_object_add(to, "kind", json_object_new_string(kind));
		json_object_object_add(to, "path", json_object_new_string(ch->path));
		if (ch->link)
			json_object_object_add(to, "link", json_object_new_string(ch->link));
		if (ch->kind != ADDED)
			json_object_object_add(to, "base", put_stat(&ch->base));
		if (ch->kind != DELETED)
			json_object_object_add(to, "copy", put_stat(&ch->copy));
		json_object_array_add(list, to);
	}
	json_object_object_add(all, "changes", list);
	text = json_object_to_json_string_length(
		all, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	fd = openat(l->dir, INDEX_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	done = fd >= 0;
	while (done && len > 0) {
		ssize_t n = write(fd, text, len);

		done = n > 0;
		text += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	done = done && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	json_object_put(all);
	return done && renameat(l->dir, INDEX_NEW, l->dir, INDEX) == 0 && fsync(l->dir) == 0;
}

/* ---- layers --------------------------------------------------------------------------------- */

static bool make_name(struct layer *l)
{
	u64 random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return false;
	snprintf(l->temporary, sizeof(l->temporary), ".buffervm-%016lx", random);
	return true;
}

static bool is_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	u32 names = 0;

	while (list && readdir(list))
		names++;
	if (list)
		closedir(list);
	return names == 2; /* "." and ".." */
}

int layer_open(struct layer *l, const char *path, const struct overlay *o, struct changes *c)
{
	const char *wrong = NULL;

	*l = (struct layer){.dir = -1, .data = -1, .path = path};
	if (mkdir(path, OWNER_ALL) && errno != EEXIST)
		return failed(l, "cannot make it");
	l->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir < 0)
		return failed(l, "cannot open it");
	if (flock(l->dir, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return failed(l, "cannot lock it");
		wrong = "it is in use";
	} else {
		switch (read_index(l, o, c)) {
		case INDEX_READ:
			changes_sweep(c, o->host, l->temporary);
			break;
		case INDEX_NONE:
			if (!is_empty(l->dir))
				wrong = "it is no layer, and not empty";
			else if (!make_name(l) || !layer_save(l, o, c, -1))
				return EXIT_HOST;
			break;
		case INDEX_OTHER:
			wrong = "it belongs to another directory";
			break;
		case INDEX_WRONG:
			wrong = "it cannot be read: " INDEX;
			break;
		}
	}
	if (!wrong)
		return 0;
	message("--layer: %s: %s", path, wrong);
	layer_close(l);
	return EXIT_USAGE;
}

bool layer_save(struct layer *l, const struct overlay *o, const struct changes *c, int data)
{
	char old[32], name[32];
	int next = -1;
	bool done;

	snprintf(old, sizeof(old), "data.%lu", l->number);
	snprintf(name, sizeof(name), "data.%lu", l->number + 1);
	done = !c->failed && remove_tree(l->dir, name) && mkdirat(l->dir, name, OWNER_ALL) == 0;
	if (done)
		next = openat(l->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	done = next >= 0;
	for (u32 i = 0; i < c->count && done; i++)
		if (c->change[i].kind != DELETED)
			done = make_parents(next, c->change[i].path) &&
			       transfer(&c->change[i], data, next);
	/* The data is on the disk before the index says so. */
	done = done && (c->count == 0 || syncfs(next) == 0);
	l->number++;
	if (!done || !write_index(l, o, c)) {
		failed(l, "the changes are not kept");
		l->number--;
		if (next >= 0)
			close(next);
		return false;
	}
	if (l->data >= 0)
		close(l->data);
	l->data = next;
	if (l->number > 1 && !remove_tree(l->dir, old))
		failed(l, old);
	return true;
}

void layer_close(struct layer *l)
{
	if (l->data >= 0)
		close(l->data);
	if (l->dir >= 0)
		close(l->dir);
	l->data = l->dir = -1;
}

/* ---- journals ------------------------------------------------------------------------------- */

static bool journal_name(const struct overlay *o, char *name, size_t size)
{
	struct stat st;

	if (fstat(o->host, &st))
		return false;
	snprintf(name, size, "%lx-%lx", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	return true;
}

int journal_open(struct layer *l, const struct overlay *o, bool make, struct changes *c)
{
	static char path[PATH_MAX];
	const char *state = policy_state();
	struct stat st;
	char name[64];

	*l = (struct layer){.dir = -1, .data = -1, .path = path};
	if (make && !make_name(l))
		return 0;
	if (!state || !journal_name(o, name, sizeof(name)) ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", state, name) >= sizeof(path))
		return 0;
	for (char *slash = strchr(path + 1, '/'); make && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, OWNER_ALL))
			errno = 0; /* the last one decides */
		*slash = '/';
	}
	do {
		if (l->dir >= 0)
			close(l->dir);
		if (make && mkdir(path, OWNER_ALL) && errno != EEXIST)
			return 0;
		l->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (l->dir < 0)
			return 0;
		/* Another commit of the same directory goes first, and removes its journal. */
		while (flock(l->dir, LOCK_EX) && errno == EINTR)
			;
	} while (fstat(l->dir, &st) == 0 && st.st_nlink == 0);
	switch (read_index(l, o, c)) {
	case INDEX_READ:
		return 1;
	case INDEX_NONE:
		if (make)
			return 1;
		/* A commit was killed before it began. */
		journal_remove(l, o);
		return 0;
	default:
		message("--commit: the journal of an earlier commit cannot be used: %s", path);
		layer_close(l);
		return -1;
	}
}

void journal_remove(struct layer *l, const struct overlay *o)
{
	const char *state = policy_state();
	int above = state ? open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	char name[64];

	/* Without the index nothing is to be finished. */
	if ((unlinkat(l->dir, INDEX, 0) && errno != ENOENT) || above < 0 ||
	    !journal_name(o, name, sizeof(name)) || !remove_tree(above, name))
		failed(l, "cannot remove it");
	if (above >= 0)
		close(above);
	layer_close(l);
}

/* ---- a layer over a fresh copy --------------------------------------------------------------- */

/* Removes a name of the copy, but no directory in which the host has something new. */
static bool take_away(int dir, const char *name)
{
	return unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0 ||
	       errno == ENOENT || errno == ENOTEMPTY;
}

/* Removes what the host has now where a layer's file comes. Returns false with errno on failure. */
static bool make_place(struct overlay *o, int dir, const char *name, const struct change *ch)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return true;
	if (S_ISDIR(st.st_mode) && S_ISDIR(ch->copy.st_mode))
		return true;
	overlay_forget(o, ch->path, ch->kind == ADDED);
	return remove_tree(dir, name);
}

/* Makes one change in the copy. Returns false with errno on failure. */
static bool apply(const struct layer *l, struct overlay *o, const struct change *ch)
{
	const struct timespec times[2] = {ch->copy.st_atim, ch->copy.st_mtim};
	const char *name;
	int dir = open_parent(o->copy, ch->path, &name);
	struct stat parent;
	bool done;

	if (dir < 0)
		return ch->kind == DELETED;
	/* The program may have taken away its own right to change the directory since. */
	done = fstat(dir, &parent) == 0 && fchmod(dir, parent.st_mode | OWNER_ALL) == 0;
	if (done && ch->kind == DELETED) {
		done = take_away(dir, name);
	} else if (done) {
		done = make_place(o, dir, name, ch) && transfer(ch, l->data, o->copy);
		/* Inside, an ordinary user's files are all the user's own. */
		if (done &&
		    fchownat(dir, name, ch->copy.st_uid, ch->copy.st_gid, AT_SYMLINK_NOFOLLOW))
			errno = 0;
		done = done &&
		       (S_ISLNK(ch->copy.st_mode) ||
			fchmodat(dir, name, ch->copy.st_mode & 01777, 0) == 0) &&
		       utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == 0;
	}
	done = fchmod(dir, parent.st_mode) == 0 && done;
	close(dir);
	return done;
}

int layer_apply(const struct layer *l, struct overlay *o, struct changes *c)
{
	u32 left = 0;

	/* What a commit that was killed had written is in the copy already. */
	for (u32 i = 0; i < c->count; i++)
		if (!change_is_made(c, i, o->host, l->data)) {
			struct change keep = c->change[i];

			c->change[i] = c->change[left];
			c->change[left++] = keep;
		}
	for (u32 i = 0; i < left; i++) {
		u32 at = left - 1 - i;

		if (c->change[at].kind == DELETED && !apply(l, o, &c->change[at]))
			return failed(l, c->change[at].path);
	}
	for (u32 i = 0; i < left; i++)
		if (c->change[i].kind != DELETED && !apply(l, o, &c->change[i]))
			return failed(l, c->change[i].path);
	/* The index says what the host had when the change was made. */
	for (u32 i = 0; i < left; i++) {
		const struct change *ch = &c->change[i];
		struct overlay_entry *e = overlay_find(o, ch->path);
		const char *name;
		int dir = open_parent(o->copy, ch->path, &name);
		struct stat st;
		bool there = dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

		if (dir >= 0)
			close(dir);
		if (!e || ch->kind == ADDED || (there && ch->kind == DELETED))
			continue;
		e->host = ch->base;
		e->copied = (struct timespec){0, 0};
	}
	return 0;
}
