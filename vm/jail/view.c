// SPDX-License-Identifier: MIT
/*
 * The way from a path to a file (view.h).
 *
 * A walk keeps a level for each directory between the view's root and the present one, so that ".."
 * means the directory above it in the view. A path that begins at a handle begins with one level;
 * the levels above it are found when they are needed, from the name that the host has for the
 * handle at that moment. That name is only a guess until a walk along it ends at the handle's file.
 *
 * Most paths have neither links nor "..". For such a path the nearest content is found by comparing
 * text, and one openat2(2) that refuses links and mounts leads from there to the file. Directories
 * in between are not looked at then. So this is done only as long as all directories that are known
 * by their inode are where they were at the start: a watch tells when one, or one above it, is
 * moved.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/audit.h"
#include "vm/jail/view_node.h"

#define LINKS_MAX  40 /* as Linux: path_resolution(7) */
#define LEVELS_MAX 4096

struct level {
	int fd;
	bool own; /* close fd */
	const struct view_node *node, *rule;
};

struct walk {
	struct level *level;
	u32 count, space;
	u32 base;      /* ".." does not go above it */
	bool floating; /* level[0] is not the root: those above it are not known */
	u32 links;
	u64 resolve;
	struct stat st; /* of the last level */
};

const struct view_node *view_root(void)
{
	return view_tree.root;
}

s64 view_add_handle(int fd, const struct view_node *rule, const struct view_node *node)
{
	return handle_add_tagged(fd, node ? node->tag : rule ? rule->tag | VIEW_TAG_BELOW : 0);
}

const struct view_node *view_rule_of(int handle)
{
	u32 tag = handle_tag(handle) & ~VIEW_TAG_BELOW;

	return tag ? view_tree.node[tag - 1]->rule : NULL;
}

const struct view_node *view_node_of(int handle)
{
	u32 tag = handle_tag(handle);

	return tag && !(tag & VIEW_TAG_BELOW) ? view_tree.node[tag - 1] : NULL;
}

const struct view_node *view_name_node(const struct view_node *dir, const char *name)
{
	return dir ? view_child(dir, name, strlen(name)) : NULL;
}

/* ---- what is forbidden wherever it is -------------------------------------------------------- */

/* Returns what is known of an inode, NULL if nothing is. */
static const struct view_inode *find_inode(const struct stat *st)
{
	u32 low = 0, high = view_tree.inodes;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (view_tree.inode[middle].ino < st->st_ino)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < view_tree.inodes && view_tree.inode[low].ino == st->st_ino; low++)
		if (view_tree.inode[low].dev == st->st_dev)
			return &view_tree.inode[low];
	return NULL;
}

s64 view_check_inode(const struct stat *st, bool write)
{
	const struct view_inode *i = find_inode(st);

	if (!i || !(i->refusal || write))
		return 0;
	audit_note(!i->refusal		  ? "protect"
		   : i->refusal == EACCES ? "deny"
					  : "hide",
		   "of another name of this file");
	return i->refusal ? -i->refusal : -EROFS;
}

/* Returns true if a directory that is known by its inode may not be where it was at the start. */
static bool moves_seen(void)
{
	static _Atomic bool seen;
	char event[sizeof(struct inotify_event) + NAME_MAX + 1];

	if (!seen && view_tree.watch >= 0 &&
	    HOST_CALL(read, (u64)view_tree.watch, (u64)event, sizeof(event)) > 0)
		seen = true;
	return seen || view_tree.watch == VIEW_UNWATCHED;
}

/*
 * Returns true for a file of a procfs, unless it is at the path of a node: these files tell about
 * processes outside, and about the monitor. A content holds its file system, whose device number is
 * then no other one's.
 */
static bool is_foreign_proc(int fd, const struct stat *st, const struct view_node *node)
{
	struct statfs fs;

	if (node)
		return false;
	for (u32 i = 0; i < view_tree.devices; i++)
		if (view_tree.device[i] == st->st_dev)
			return false;
	return HOST_CALL(fstatfs, (u64)fd, (u64)&fs) < 0 || fs.f_type == PROC_SUPER_MAGIC;
}

/* Checks a file that was found at a path whose node is `node`. Returns 0 or -errno. */
static s64 check_found(int fd, const struct stat *st, const struct view_node *node)
{
	s64 err = view_tree.inodes ? view_check_inode(st, false) : 0;

	if (err == 0 && is_foreign_proc(fd, st, node)) {
		audit_note(NULL, NULL);
		err = -EACCES;
	}
	return err;
}

/* ---- levels --------------------------------------------------------------------------------- */

static void drop_level(struct walk *w)
{
	struct level *l = &w->level[--w->count];

	if (l->own)
		HOST_CALL(close, (u64)l->fd);
}

static void drop_to(struct walk *w, u32 count)
{
	while (w->count > count)
		drop_level(w);
}

/* Adds a level; takes over fd if own is set, also on failure. Returns 0 or -errno. */
static s64 push(struct walk *w, int fd, bool own, const struct view_node *node,
		const struct view_node *rule)
{
	struct level *more;

	if (w->count == w->space) {
		u32 space = w->space ? 2 * w->space : 16;

		more = w->count < LEVELS_MAX ? reallocarray(w->level, space, sizeof(*more)) : NULL;
		if (!more) {
			if (own)
				HOST_CALL(close, (u64)fd);
			return w->count < LEVELS_MAX ? -ENOMEM : -ENAMETOOLONG;
		}
		w->level = more;
		w->space = space;
	}
	w->level[w->count++] = (struct level){fd, own, node, rule};
	return 0;
}

static struct level *top(struct walk *w)
{
	return &w->level[w->count - 1];
}

/* Goes to the view's root. */
static s64 to_root(struct walk *w)
{
	const struct view_node *root = view_tree.root;

	drop_to(w, 0);
	w->floating = false;
	return push(w, root->fd, false, root, root);
}

/*
 * Adds the level of one name below the present one. Returns 0, or -errno without a new level;
 * -ENOENT only if the file does not exist.
 */
static s64 enter(struct walk *w, const char *name, size_t len)
{
	const struct level *in = top(w);
	const struct view_node *node = in->node ? view_child(in->node, name, len) : NULL;
	const struct view_node *rule = node && node->has_right ? node : in->rule;
	char text[NAME_MAX + 1];
	s64 err, fd;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	if (node && node->refusal) {
		audit_note(node->refusal == EACCES ? "deny" : "hide", node->path);
		return -node->refusal;
	}
	if (node && node->fd >= 0) {
		err = HOST_CALL(fstat, (u64)node->fd, (u64)&w->st);
		return err < 0 ? err : push(w, node->fd, false, node, rule);
	}
	memcpy(text, name, len);
	text[len] = '\0';
	fd = HOST_CALL(openat, (u64)in->fd, (u64)text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -ENOENT && in->node && in->node->is_virtual) {
		/* No rule allows it, whether the host has it or not. */
		audit_note(NULL, NULL);
		return -EACCES;
	}
	if (fd < 0)
		return fd;
	err = HOST_CALL(fstat, (u64)fd, (u64)&w->st);
	if (err == 0)
		err = check_found((int)fd, &w->st, node);
	if (err < 0) {
		HOST_CALL(close, (u64)fd);
		return err;
	}
	/* What is protected stays so when somebody outside has moved it here. */
	if (!node && S_ISDIR(w->st.st_mode)) {
		const struct view_inode *known = find_inode(&w->st);

		rule = known ? known->node : rule;
	}
	return push(w, (int)fd, true, node, rule);
}

/* ---- handles -------------------------------------------------------------------------------- */

/* Reads the name that the host has for a descriptor at this moment. Returns its length or -errno.
 */
static s64 host_name(int fd, char *name, u64 size)
{
	char link[32];
	s64 n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = HOST_CALL(readlink, (u64)link, (u64)name, size);
	if (n >= (s64)size)
		return -ENAMETOOLONG;
	if (n >= 0)
		name[n] = '\0';
	return n;
}

/*
 * Writes the path in the view that an open file has if its name on the host is right. Returns its
 * length or -errno.
 */
s64 view_path_of(int fd, const struct view_node *rule, char *path, u64 size)
{
	const struct view_node *content = rule->content;
	char above[HOSTCALL_PATH_MAX], name[HOSTCALL_PATH_MAX];
	s64 n = host_name(fd, name, sizeof(name));
	s64 len = host_name(content->fd, above, sizeof(above));
	const char *below;
	int written;

	if (n < 0 || len < 0)
		return n < 0 ? n : len;
	if (len == 1) /* "/" */
		len = 0;
	if (memcmp(name, above, (size_t)MIN(len, n)) != 0 || len > n ||
	    (name[len] != '/' && name[len] != '\0'))
		return -ENOENT; /* it was moved to where the view does not reach */
	below = name + len;
	if (!strcmp(below, "/"))
		below = "";
	written = snprintf(path, size, "%s%s", content->parent ? content->path : "", below);
	if (written == 0)
		written = snprintf(path, size, "/");
	return written < 0 || (u64)written >= size ? -ERANGE : written;
}

s64 view_path(int handle, char *path, u64 size)
{
	const struct view_node *rule = view_rule_of(handle);
	char text[HOSTCALL_PATH_MAX];
	s64 n;

	if (rule)
		n = view_path_of(handle, rule, text, sizeof(text));
	else
		n = host_name(handle, text, sizeof(text));
	/* A file that was open before: only a terminal's name means something inside. */
	if (n > 0 && !rule && text[0] == '/' && strncmp(text, "/memfd:", 7) != 0 &&
	    strncmp(text, "/dev/", 5) != 0)
		n = snprintf(text, sizeof(text), "(outside)");
	if (n > (s64)size)
		return -ERANGE;
	if (n > 0)
		memcpy(path, text, (size_t)n);
	return n;
}

/* Finds the levels above a handle's directory, which is the only one so far. Returns 0 or -errno.
 */
static s64 ground(struct walk *w)
{
	struct level start = *top(w);
	char path[HOSTCALL_PATH_MAX] = "";
	struct stat want;
	s64 err = HOST_CALL(fstat, (u64)start.fd, (u64)&want);

	if (err == 0 && want.st_nlink == 0)
		err = -ENOENT;
	if (err == 0)
		err = MIN(view_path_of(start.fd, start.rule, path, sizeof(path)), 0L);
	if (err == 0)
		err = to_root(w);
	for (const char *at = path; err == 0 && *at;) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len > 0)
			err = enter(w, at, len);
		at += len;
	}
	if (err == 0)
		err = HOST_CALL(fstat, (u64)top(w)->fd, (u64)&w->st);
	if (err == 0 && (w->st.st_dev != want.st_dev || w->st.st_ino != want.st_ino))
		err = -EACCES;
	return err;
}

/* Makes the first level of a path. Returns 0 or -errno. */
static s64 begin(struct walk *w, int dir, const char *path)
{
	const struct view_node *rule;
	s64 err;

	if (path[0] == '/' && !(w->resolve & RESOLVE_IN_ROOT)) {
		if (w->resolve & RESOLVE_BENEATH)
			return -EXDEV;
		return to_root(w);
	}
	if (dir < 0)
		return -EBADF;
	rule = view_rule_of(dir);
	if (!rule && HOST_CALL(fstat, (u64)dir, (u64)&w->st) == 0 && !S_ISDIR(w->st.st_mode))
		return -ENOTDIR;
	if (!rule)
		return -EACCES;
	err = push(w, dir, false, view_node_of(dir), rule);
	if (err < 0)
		return err;
	w->floating = true;
	if (w->resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH))
		err = ground(w);
	w->base = w->count - 1;
	if (!(w->resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH)))
		w->base = 0;
	return err;
}

/* ---- paths ---------------------------------------------------------------------------------- */

static s64 go_up(struct walk *w)
{
	s64 err = 0;

	if (w->floating && w->count == 1)
		err = ground(w);
	if (err == 0 && w->count - 1 > w->base)
		drop_level(w);
	else if (err == 0 && w->resolve & RESOLVE_BENEATH)
		err = -EXDEV;
	return err;
}

/*
 * Replaces *rest, allocated, by the target of the link that is the present level, followed by what
 * *at points to in it, and leaves the link. Returns 0 or -errno.
 */
static s64 follow(struct walk *w, char **rest, const char **at)
{
	char text[HOSTCALL_PATH_MAX];
	size_t tail = strlen(*at);
	char *joined;
	s64 n;

	if (++w->links > LINKS_MAX || w->resolve & RESOLVE_NO_SYMLINKS)
		return -ELOOP;
	n = HOST_CALL(readlinkat, (u64)top(w)->fd, (u64) "", (u64)text, sizeof(text) - 1);
	if (n <= 0)
		return n < 0 ? n : -ENOENT;
	drop_level(w);
	joined = malloc((size_t)n + tail + 1);
	if (!joined)
		return -ENOMEM;
	memcpy(joined, text, (size_t)n);
	memcpy(joined + n, *at, tail + 1);
	free(*rest);
	*rest = joined;
	*at = joined;
	if (joined[0] != '/')
		return 0;
	if (w->resolve & RESOLVE_BENEATH)
		return -EXDEV;
	if (!(w->resolve & RESOLVE_IN_ROOT))
		return to_root(w);
	drop_to(w, w->base + 1);
	return 0;
}

/* Forgets the name of a component after which the path goes on. */
static void forget_name(struct view_at *out)
{
	out->dot = true;
	out->slash = false;
	out->dir = -1;
	out->own_dir = false;
}

/* Notes the name of the last component, and the directory that has it: the present level. */
static void note_name(struct walk *w, struct view_at *out, const char *name, size_t len, bool slash)
{
	struct level *in = top(w);

	memcpy(out->name, name, len);
	out->name[len] = '\0';
	out->slash = slash;
	out->dot = false;
	out->dir = in->fd;
	out->own_dir = in->own;
	out->dir_node = in->node;
	out->dir_rule = in->rule;
}

/* Takes the present level out of the walk, as the file at which the path ended. */
static void note_file(struct walk *w, struct view_at *out)
{
	struct level *l = top(w);

	out->fd = l->fd;
	out->own_fd = l->own;
	out->node = l->node;
	out->rule = l->rule;
	out->st = w->st;
	l->own = false;
}

/*
 * Walks along a path. *rest is allocated and may be replaced. Returns 0 and fills *out, whose
 * descriptors still belong to the levels; or -errno.
 */
static s64 steps(struct walk *w, char **rest, u32 flags, struct view_at *out)
{
	const char *at = *rest;
	bool need_stat = true;
	s64 err;

	forget_name(out);
	for (;;) {
		size_t len;
		bool slash, last;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len == 0)
			break;
		slash = at[len] == '/';
		last = at[len + strspn(at + len, "/")] == '\0';
		forget_name(out);
		if (len == 1 && at[0] == '.') {
			if (need_stat && HOST_CALL(fstat, (u64)top(w)->fd, (u64)&w->st) < 0)
				return -EBADF;
			if (!S_ISDIR(w->st.st_mode))
				return -ENOTDIR;
			need_stat = false;
			at += len;
			continue;
		}
		if (len == 2 && !memcmp(at, "..", 2)) {
			err = go_up(w);
			if (err < 0)
				return err;
			need_stat = true;
			at += len;
			continue;
		}
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		if (last)
			note_name(w, out, at, len, slash);
		err = enter(w, at, len);
		if (err == -ENOENT && last && flags & VIEW_NAME) {
			const struct view_node *n = view_name_node(out->dir_node, out->name);

			if (n && n->refusal)
				return err;
			out->fd = -1;
			out->node = n;
			out->rule = out->dir_rule;
			return 0;
		}
		if (err < 0)
			return err;
		need_stat = false;
		at += len;
		if (S_ISLNK(w->st.st_mode) &&
		    (!last || flags & VIEW_FOLLOW || (slash && !(flags & VIEW_NAME)))) {
			forget_name(out);
			err = follow(w, rest, &at);
			if (err < 0)
				return err;
			need_stat = true;
		}
	}
	if (need_stat && HOST_CALL(fstat, (u64)top(w)->fd, (u64)&w->st) < 0)
		return -EBADF;
	if (out->slash && !out->dot && !(flags & VIEW_NAME) && !S_ISDIR(w->st.st_mode))
		return -ENOTDIR;
	note_file(w, out);
	return 0;
}

static s64 walk_path(int dir, const char *path, u32 flags, u64 resolve, struct view_at *at)
{
	struct walk w = {.resolve = resolve};
	char *rest = strdup(path);
	s64 err = rest ? begin(&w, dir, path) : -ENOMEM;

	if (err == 0)
		err = steps(&w, &rest, flags, at);
	if (err == 0 && at->own_dir) {
		/* The directory's level goes to the caller. */
		for (u32 i = 0; i < w.count; i++)
			if (w.level[i].fd == at->dir)
				w.level[i].own = false;
	}
	drop_to(&w, 0);
	free(w.level);
	free(rest);
	if (err < 0)
		*at = (struct view_at){.fd = -1, .dir = -1};
	return err;
}

/* ---- paths without links -------------------------------------------------------------------- */

/*
 * Compares a path with the nodes. Returns the content from which the file can be opened by *rest,
 * and the rule for it; -1 if only a walk can tell, or if the nodes refuse the path.
 */
static int nearest_content(int dir, const char *path, const char **rest,
			   const struct view_node **rule, const struct view_node **node)
{
	const struct view_node *n = NULL;
	int fd = -1;

	if (path[0] == '/') {
		*rule = n = view_tree.root;
		fd = n->fd;
	} else {
		*rule = dir >= 0 ? view_rule_of(dir) : NULL;
		if (!*rule)
			return -1;
		n = view_node_of(dir);
		fd = dir;
	}
	*rest = path + strspn(path, "/");
	for (const char *at = *rest; *at;) {
		size_t len = strcspn(at, "/");
		bool was_virtual = n && n->is_virtual;

		if (len > NAME_MAX || (len == 2 && !memcmp(at, "..", 2)))
			return -1;
		if (len == 1 && *at == '.') {
			at += len + strspn(at + len, "/");
			continue;
		}
		n = n ? view_child(n, at, len) : NULL;
		if ((n && n->refusal) || (!n && was_virtual))
			return -1;
		at += len;
		at += strspn(at, "/");
		if (n && n->fd >= 0) {
			fd = n->fd;
			*rest = at;
		}
		if (n && n->has_right)
			*rule = n;
	}
	*node = n;
	return **rest ? fd : -1;
}

/* Finds a file by one system call. Returns 0 and fills *at, or -1: walk. */
static s64 find_at_once(int dir, const char *path, u32 flags, struct view_at *at)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
	const struct view_node *rule = NULL, *node = NULL;
	const char *rest;
	int from = nearest_content(dir, path, &rest, &rule, &node);
	s64 fd;

	/* The inodes of directories in between are not seen. */
	if (from < 0 || (strchr(rest, '/') && moves_seen()))
		return -1;
	fd = HOST_CALL(openat2, (u64)from, (u64)rest, (u64)&how, sizeof(how));
	if (fd < 0)
		return -1;
	if (HOST_CALL(fstat, (u64)fd, (u64)&at->st) < 0 ||
	    check_found((int)fd, &at->st, node) < 0 ||
	    (S_ISLNK(at->st.st_mode) && flags & VIEW_FOLLOW)) {
		HOST_CALL(close, (u64)fd);
		return -1;
	}
	at->fd = (int)fd;
	at->own_fd = true;
	at->rule = rule;
	at->node = node;
	at->dot = true;
	return 0;
}

s64 view_find(int dir, const char *path, u32 flags, u64 resolve, struct view_at *at)
{
	s64 err;

	*at = (struct view_at){.fd = -1, .dir = -1};
	if (!*path) {
		if (!(flags & VIEW_EMPTY))
			return -ENOENT;
		if (dir < 0)
			return -EBADF;
		err = HOST_CALL(fstat, (u64)dir, (u64)&at->st);
		at->fd = at->from = dir;
		at->path = path;
		at->rule = view_rule_of(dir);
		at->dot = true;
		return err;
	}
	if (!(flags & VIEW_NAME) && resolve == 0 && find_at_once(dir, path, flags, at) == 0) {
		at->from = dir;
		at->path = path;
		return 0;
	}
	*at = (struct view_at){.fd = -1, .dir = -1};
	audit_forget();
	err = walk_path(dir, path, flags, resolve, at);
	if (err < 0)
		audit_note_path(dir, path, false);
	at->from = dir;
	at->path = path;
	return err;
}

void view_let_go(struct view_at *at)
{
	if (at->own_fd)
		HOST_CALL(close, (u64)at->fd);
	at->own_fd = false;
}

void view_put(struct view_at *at)
{
	if (at->own_fd)
		HOST_CALL(close, (u64)at->fd);
	if (at->own_dir)
		HOST_CALL(close, (u64)at->dir);
	at->own_fd = at->own_dir = false;
}
