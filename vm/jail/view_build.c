// SPDX-License-Identifier: MIT
/*
 * Makes the tree of the view (view.h) from the rules of a policy.
 *
 * A rule names a path of the host, unless it lies below a --bind or --root: then it names a path in
 * what these show. A path of the host is resolved first. The rule holds for the file that it leads
 * to; links on the way are made again in directories that only the view has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vm/jail/overlay.h"
#include "vm/jail/view_node.h"
#include "vm/vm.h"

#define LINKS_MAX  40	/* as Linux: path_resolution(7) */
#define LINKED_MAX 8192 /* some milliseconds */

struct view_tree view_tree = {.watch = -1};

/* What a rule says, and of which file, while the tree is built. */
struct entry {
	struct view_node *node;
	const struct path_rule *rule; /* NULL: a link */
	const char *host;	      /* of the host's content; NULL: none of its own */
	const char *link;	      /* text of the link to be made at this node; NULL: none */
};

struct build {
	const struct jail_policy *policy;
	int scratch;
	u32 made; /* directories in scratch */
	struct entry *entry;
	u32 entries, space;
	u32 nodes;
	u32 linked_left; /* names that note_linked_files may still look at */
};

static int no_memory(void)
{
	message("no memory for the view");
	return EXIT_HOST;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

struct view_node *view_child(const struct view_node *node, const char *name, size_t len)
{
	for (struct view_node *n = node->child; n; n = n->next)
		if (strlen(n->name) == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

static struct view_node *new_node(struct build *b, struct view_node *parent, const char *path,
				  size_t len)
{
	struct view_node *n = calloc(1, sizeof(*n));
	char *copy = strndup(path, len);

	if (!n || !copy) {
		free(n);
		free(copy);
		return NULL;
	}
	n->path = copy;
	n->name = strrchr(copy, '/') + 1;
	n->fd = -1;
	n->tag = ++b->nodes;
	n->parent = parent;
	if (parent) {
		n->next = parent->child;
		parent->child = n;
	}
	return n;
}

/* Returns the node of a normal path; makes it and those above it. NULL if memory is exhausted. */
static struct view_node *node_at(struct build *b, const char *path)
{
	struct view_node *n = view_tree.root;

	for (const char *at = path; n && *at == '/' && at[1];) {
		size_t len = strcspn(++at, "/");
		struct view_node *child = view_child(n, at, len);

		at += len;
		n = child ? child : new_node(b, n, path, (size_t)(at - path));
	}
	return n;
}

static struct entry *add_entry(struct build *b, const char *path, const struct path_rule *rule)
{
	struct entry *more;

	if (b->entries == b->space) {
		b->space = b->space ? 2 * b->space : 64;
		more = reallocarray(b->entry, b->space, sizeof(*more));
		if (!more)
			return NULL;
		b->entry = more;
	}
	more = &b->entry[b->entries];
	*more = (struct entry){.node = node_at(b, path), .rule = rule};
	return more->node ? (b->entries++, more) : NULL;
}

/* ---- from rules to entries ------------------------------------------------------------------ */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return len == 1 || (!strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0'));
}

/* Returns the rule that gives a path of the view its content, apart from the host's same path. */
static const struct path_rule *foreign_content(const struct jail_policy *p, const char *path)
{
	const struct path_rule *best = NULL;

	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];

		if ((r->kind == PATH_TMPFS || r->kind == PATH_BIND) && is_below(path, r->path) &&
		    (!best || strlen(r->path) > strlen(best->path)))
			best = r;
	}
	return best;
}

/* Returns true if a rule of this path is about what a --bind or --root shows. */
static bool is_literal(const struct jail_policy *p, const char *path)
{
	const struct path_rule *r = foreign_content(p, path);

	if (!r)
		return p->root != NULL;
	return r->kind == PATH_BIND || !strcmp(r->path, path);
}

/* Returns true if the host's file at this path is in the view under the same path. */
static bool host_shows(const struct jail_policy *p, const char *path)
{
	const struct path_rule *foreign = foreign_content(p, path);

	for (u32 i = 0; i < p->paths.count; i++) {
		const struct path_rule *r = &p->paths.rule[i];

		/* A link that is the rule's own path is no content: the rule is for its target. */
		if ((r->kind == PATH_READ || r->kind == PATH_WRITE || r->kind == PATH_OVERLAY) &&
		    is_below(path, r->path) && strcmp(path, r->path) != 0 &&
		    (!foreign || strlen(r->path) > strlen(foreign->path)))
			return true;
	}
	return false;
}

/*
 * Follows the links in a path of the host and adds an entry for each. Writes what it leads to to
 * real (PATH_MAX bytes), also if the last component is missing. Returns 0 or -errno.
 */
static int follow_links(struct build *b, const char *path, char *real)
{
	/* The last directory that was asked about: most rules are beside each other. */
	static char no_link[PATH_MAX];
	char rest[PATH_MAX], text[PATH_MAX], joined[PATH_MAX];
	size_t len = 0;
	int links = 0;

	if (strlen(path) >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(rest, path);
	real[0] = '\0';
	for (char *at = rest; *at;) {
		size_t part;
		ssize_t n;

		at += strspn(at, "/");
		part = strcspn(at, "/");
		if (part == 0)
			break;
		if (part == 1 && at[0] == '.') {
			at += part;
			continue;
		}
		if (part == 2 && !memcmp(at, "..", 2)) {
			while (len > 0 && real[--len] != '/')
				;
			real[len] = '\0';
			at += part;
			continue;
		}
		if (len + part + 2 > PATH_MAX)
			return -ENAMETOOLONG;
		real[len] = '/';
		memcpy(real + len + 1, at, part);
		real[len + 1 + part] = '\0';
		n = !strcmp(real, no_link) ? -1 : readlink(real, text, sizeof(text) - 1);
		at += part;
		if (n < 0) {
			if (*at)
				strcpy(no_link, real);
			len += 1 + part;
			continue;
		}
		text[n] = '\0';
		if (++links > LINKS_MAX)
			return -ELOOP;
		if (!host_shows(b->policy, real)) {
			struct entry *e = add_entry(b, real, NULL);

			if (!e || !(e->link = strdup(text)))
				return -ENOMEM;
		}
		if ((size_t)snprintf(joined, sizeof(joined), "%s/%s", text, at) >= sizeof(joined))
			return -ENAMETOOLONG;
		strcpy(rest, joined);
		at = rest;
		len = text[0] == '/' ? 0 : len;
		real[len] = '\0';
	}
	if (len == 0)
		strcpy(real, "/");
	return 0;
}

static int place_error(const struct path_rule *r, int error)
{
	policy_error(&r->place, path_kind_word(r->kind), "%s: %s", r->source ? r->source : r->path,
		     strerror(error));
	return EXIT_USAGE;
}

/* Adds the entries of one rule. Returns 0 or an exit_status. */
static int add_rule(struct build *b, const struct path_rule *r)
{
	bool refuses = r->kind == PATH_DENY || r->kind == PATH_HIDE || r->kind == PATH_PROTECT;
	char real[PATH_MAX];
	struct entry *e;
	struct stat st;
	int err;

	if (r->kind == PATH_TMPFS || r->kind == PATH_BIND || is_literal(b->policy, r->path)) {
		e = add_entry(b, r->path, r);
		if (e)
			e->host = r->source;
		return e ? 0 : no_memory();
	}
	err = follow_links(b, r->path, real);
	if (err == -ENOMEM)
		return no_memory();
	if (err == 0 && lstat(real, &st))
		err = -errno;
	if (err < 0 && !r->optional)
		return place_error(r, -err);
	/* A refusal holds for the name, too, whatever the name will lead to. */
	if (refuses && strcmp(real, r->path) != 0 && !add_entry(b, r->path, r))
		return no_memory();
	if (err < 0 && !refuses)
		return 0;
	e = add_entry(b, real, r);
	if (!e)
		return no_memory();
	if (!refuses && r->kind != PATH_OVERLAY && !(e->host = strdup(real)))
		return no_memory();
	return 0;
}

/* ---- content -------------------------------------------------------------------------------- */

static int open_path(int dir, const char *path, u64 flags, u64 resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Makes a directory in scratch. Returns an O_PATH descriptor or -1. */
static int scratch_directory(struct build *b, mode_t mode)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", b->made++);
	/* chmod, because the umask of the user may be anything. */
	if (mkdirat(b->scratch, name, 0700) || fchmodat(b->scratch, name, mode, 0))
		return -1;
	return open_path(b->scratch, name, O_DIRECTORY, 0);
}

/* Adds an inode that is known beside its name. Returns false if memory is exhausted. */
static bool add_inode(const struct stat *st, const struct view_node *node)
{
	struct view_inode *more =
		reallocarray(view_tree.inode, view_tree.inodes + 1, sizeof(*more));

	if (!more)
		return false;
	view_tree.inode = more;
	more[view_tree.inodes++] = (struct view_inode){
		.dev = st->st_dev, .ino = st->st_ino, .refusal = node->refusal, .node = node};
	return true;
}

/*
 * Notes the files below a refused directory that have several names, since another one may be where
 * rules allow it. *most: how many names may be looked at, in all. Takes dir over. Returns false if
 * memory is exhausted.
 */
static bool note_linked_files(int dir, const struct view_node *node, u32 *most)
{
	DIR *list = dir >= 0 ? fdopendir(dir) : NULL;
	struct dirent *d;
	bool done = true;
	struct stat st;

	if (!list) {
		if (dir >= 0)
			close(dir);
		return true; /* what its user may not list is refused by the host's kernel as well
			      */
	}
	while (done && *most > 0 && (d = readdir(list))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		    fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		--*most;
		if (S_ISDIR(st.st_mode))
			done = note_linked_files(
				openat(dir, d->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				node, most);
		else if (st.st_nlink > 1)
			done = add_inode(&st, node);
	}
	closedir(list);
	return done;
}

/*
 * Has inotify tell when a directory, or one above it, gets another name. Without that the view sees
 * each directory on the way to a file, which takes more time.
 */
static void watch_moves(int dir, const char *name)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (view_tree.watch == -1)
		view_tree.watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) - NAME_MAX - 2);
	if (view_tree.watch < 0 || n <= 0)
		goto unwatched;
	snprintf(path + n, sizeof(path) - (size_t)n, "/%s", name);
	for (char *slash = path + strlen(path); slash && slash != path;
	     slash = strrchr(path, '/')) {
		*slash = '\0';
		if (inotify_add_watch(view_tree.watch, path, IN_MOVE_SELF | IN_ONLYDIR) < 0)
			goto unwatched;
	}
	return;
unwatched:
	if (view_tree.watch >= 0)
		close(view_tree.watch);
	view_tree.watch = VIEW_UNWATCHED;
}

/* Applies the rule of an entry to its node. */
static void set_right(const struct entry *e)
{
	struct view_node *n = e->node;

	switch (e->rule->kind) {
	case PATH_DENY:
		n->refusal = EACCES;
		return;
	case PATH_HIDE:
		n->refusal = ENOENT;
		return;
	case PATH_WRITE:
	case PATH_TMPFS:
	case PATH_OVERLAY:
		n->write = true;
		break;
	default:
		break;
	}
	n->has_right = true;
	n->keeps_devices |= e->rule->kind == PATH_READ || e->rule->kind == PATH_WRITE ||
			    e->rule->kind == PATH_BIND;
}

/* Opens the content that an entry gives its node. Returns 0 or an exit_status after a message. */
static int open_content(struct build *b, const struct entry *e)
{
	struct view_node *n = e->node;
	bool same_path = e->host && e->rule->kind != PATH_BIND;

	if (n->fd >= 0)
		return 0;
	if (e->rule->kind == PATH_TMPFS) {
		n->is_scratch = true;
		n->fd = scratch_directory(b, 01777);
		if (n->fd < 0) {
			message("cannot make a directory for %s: %s", n->path, strerror(errno));
			return EXIT_HOST;
		}
		return 0;
	}
	if (e->rule->kind == PATH_OVERLAY) {
		n->is_scratch = true;
		n->fd = open_path(overlay_copy_of(e->rule->path), ".", O_DIRECTORY, 0);
		return n->fd < 0 ? place_error(e->rule, errno) : 0;
	}
	if (!e->host)
		return 0;
	n->fd = open_path(AT_FDCWD, e->host, 0, same_path ? RESOLVE_NO_SYMLINKS : 0);
	if (n->fd < 0 && !e->rule->optional)
		return place_error(e->rule, errno);
	return 0;
}

/*
 * Makes the /proc of the view, also where a rule shows the host's root: the host's is about
 * processes outside. A rule for /proc itself stays.
 */
static int make_proc(struct build *b, struct view_node **proc)
{
	struct view_node *n = *proc = node_at(b, "/proc");

	if (!n)
		return no_memory();
	if (n->fd >= 0 || n->has_right || n->refusal)
		return 0;
	n->fd = scratch_directory(b, 0755);
	n->is_virtual = n->is_scratch = n->has_right = true;
	if (n->fd < 0)
		message("cannot make the directory of /proc: %s", strerror(errno));
	return n->fd < 0 ? EXIT_HOST : 0;
}

/*
 * Makes a directory or file of this name, so that the content that hides it can be listed. dir is
 * in scratch. Does nothing if the name is there.
 */
static int make_placeholder(int dir, const struct view_node *n, bool directory)
{
	int err = directory ? mkdirat(dir, n->name, 0755) : mknodat(dir, n->name, S_IFREG, 0);

	if (err && errno != EEXIST) {
		message("cannot make the name %s: %s", n->path, strerror(errno));
		return EXIT_HOST;
	}
	if (directory && fchmodat(dir, n->name, 0755, 0))
		errno = 0; /* it was there, and is not ours */
	return 0;
}

static const char *link_of(const struct build *b, const struct view_node *n)
{
	for (u32 i = 0; i < b->entries; i++)
		if (b->entry[i].node == n && b->entry[i].link)
			return b->entry[i].link;
	return NULL;
}

/* Returns true if a node at or below n shows something. Rules that only refuse need no directory.
 */
static bool shows_something(const struct build *b, const struct view_node *n)
{
	bool shows = n->fd >= 0 || link_of(b, n);

	for (const struct view_node *c = n->child; c && !shows; c = c->next)
		shows = shows_something(b, c);
	return shows;
}

/* A directory of the view while the tree is settled. */
struct place {
	int fd;	   /* O_PATH; -1: the host has no such directory */
	bool ours; /* it is in scratch */
};

/* Makes the links that programs expect in a /dev of the sandbox's own; the guest kernel knows them.
 */
static void make_dev_links(int dev)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "fd"},
		{"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"},
		{"/proc/self/fd/2", "stderr"},
	};

	for (u32 i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1]))
			errno = 0; /* a rule has made the name */
}

/* Returns true if only defaults say something of the node. */
static bool is_default(const struct build *b, const struct view_node *n)
{
	const struct jail_policy *p = b->policy;
	bool found = false;

	for (u32 i = 0; i < b->entries; i++) {
		const struct entry *e = &b->entry[i];

		if (e->node != n || !e->rule)
			continue;
		if (e->rule - p->paths.rule < (ptrdiff_t)p->own_paths)
			return false;
		found = true;
	}
	return found;
}

/*
 * Gives a node what it needs besides its rules: a name in a directory of ours, a directory if the
 * host has none. *in is the directory above it, *own becomes its own. Returns 0 or an exit_status.
 */
static int settle(struct build *b, struct view_node *n, const struct place *in, struct place *own)
{
	const char *link = link_of(b, n);
	struct stat st;

	*own = (struct place){.fd = n->fd, .ours = false};
	if (n->refusal ||
	    (n->has_right && !n->write && n->parent->rule && n->parent->rule->write)) {
		if (in->fd >= 0 && !fstatat(in->fd, n->name, &st, AT_SYMLINK_NOFOLLOW)) {
			if (!add_inode(&st, n))
				return no_memory();
			/*
			 * What the defaults deny are directories of the system, which only root
			 * renames. The end of a process that watches takes some 15 ms longer.
			 */
			if (S_ISDIR(st.st_mode) && !is_default(b, n))
				watch_moves(in->fd, n->name);
			if (S_ISDIR(st.st_mode) && n->refusal &&
			    !note_linked_files(
				    openat(in->fd, n->name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				    n, &b->linked_left))
				return no_memory();
		}
	}
	if (n->fd >= 0) {
		own->ours = n->is_scratch;
		if (!in->ours)
			return 0;
		return make_placeholder(in->fd, n, !fstat(n->fd, &st) && S_ISDIR(st.st_mode));
	}
	if (link) {
		if (in->ours && symlinkat(link, in->fd, n->name) && errno != EEXIST) {
			message("cannot make the link %s: %s", n->path, strerror(errno));
			return EXIT_HOST;
		}
		return 0;
	}
	if (!n->child || n->refusal)
		return 0;
	if (in->ours && shows_something(b, n) && make_placeholder(in->fd, n, true))
		return EXIT_HOST;
	if (in->fd < 0)
		return 0;
	own->fd = open_path(in->fd, n->name, O_DIRECTORY | O_NOFOLLOW, 0);
	own->ours = in->ours;
	if (own->ours)
		n->is_virtual = n->parent->is_virtual;
	if (own->fd < 0 && errno == ENOENT && !in->ours && shows_something(b, n)) {
		n->fd = own->fd = scratch_directory(b, 0755);
		n->is_virtual = n->has_right = n->is_scratch = true;
		own->ours = true;
		if (n->fd < 0)
			return EXIT_HOST;
	}
	if (n->is_virtual && !strcmp(n->path, "/dev"))
		make_dev_links(own->fd);
	return 0;
}

static int settle_below(struct build *b, struct view_node *n, const struct place *in)
{
	int ret = 0;

	n->content = n->fd >= 0 ? n : n->parent->content;
	n->rule = n->has_right ? n : n->parent->rule;
	for (struct view_node *c = n->child; c && ret == 0; c = c->next) {
		struct place own;

		ret = settle(b, c, in, &own);
		if (ret == 0)
			ret = settle_below(b, c, &own);
		if (own.fd >= 0 && own.fd != c->fd)
			close(own.fd);
	}
	return ret;
}

/* Gives the root its content: --root, the rule of "/", or a directory that only has nodes. */
static int settle_root(struct build *b, struct place *own)
{
	struct view_node *root = view_tree.root;

	if (b->policy->root) {
		if (root->fd >= 0)
			close(root->fd);
		root->fd = open_path(AT_FDCWD, b->policy->root, O_DIRECTORY, 0);
		if (root->fd < 0) {
			message("--root: %s: %s", b->policy->root, strerror(errno));
			return EXIT_USAGE;
		}
	}
	own->ours = root->fd < 0;
	if (root->fd < 0) {
		root->fd = scratch_directory(b, 0755);
		root->is_virtual = root->is_scratch = true;
		if (root->fd < 0) {
			message("cannot make the root: %s", strerror(errno));
			return EXIT_HOST;
		}
	}
	root->has_right = true;
	own->fd = root->fd;
	return 0;
}

static int by_ino(const void *a, const void *b)
{
	const struct view_inode *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	/* A refusal counts before a protection of the same file. */
	return (x->refusal == 0) - (y->refusal == 0);
}

static void number(struct view_node *n)
{
	view_tree.node[n->tag - 1] = n;
	for (struct view_node *c = n->child; c; c = c->next)
		number(c);
}

/* Notes the device of a node's content, unless that is on a procfs. */
static void note_device(const struct view_node *n)
{
	struct statfs fs;
	struct stat st;

	if (n->fd < 0 || fstatfs(n->fd, &fs) || fs.f_type == PROC_SUPER_MAGIC || fstat(n->fd, &st))
		return;
	for (u32 i = 0; i < view_tree.devices; i++)
		if (view_tree.device[i] == st.st_dev)
			return;
	view_tree.device[view_tree.devices++] = st.st_dev;
}

int view_build(const struct jail_policy *p, int scratch)
{
	struct build b = {.policy = p, .scratch = scratch, .linked_left = LINKED_MAX};
	struct view_node *proc = NULL;
	struct place own;
	int ret = 0;

	view_tree.root = new_node(&b, NULL, "/", 1);
	if (!view_tree.root)
		return no_memory();
	for (u32 i = 0; i < p->paths.count && ret == 0; i++)
		ret = add_rule(&b, &p->paths.rule[i]);
	for (u32 i = 0; i < b.entries && ret == 0; i++)
		if (b.entry[i].rule) {
			set_right(&b.entry[i]);
			ret = open_content(&b, &b.entry[i]);
		}
	if (ret == 0)
		ret = make_proc(&b, &proc);
	if (ret == 0)
		ret = settle_root(&b, &own);
	if (ret == 0)
		ret = settle_below(&b, view_tree.root, &own);
	if (ret == 0 && proc && proc->is_scratch &&
	    !view_make_own_files(view_tree.root->is_virtual ? view_tree.root->fd : -1, proc->fd,
				 p)) {
		message("cannot make the sandbox's own files: %s", strerror(errno));
		ret = EXIT_HOST;
	}
	if (ret)
		return ret;
	free(b.entry);
	view_tree.nodes = b.nodes;
	view_tree.node = calloc(b.nodes, sizeof(*view_tree.node));
	view_tree.device = calloc(b.nodes, sizeof(*view_tree.device));
	if (!view_tree.node || !view_tree.device)
		return no_memory();
	number(view_tree.root);
	for (u32 i = 0; i < b.nodes; i++)
		note_device(view_tree.node[i]);
	if (view_tree.inodes)
		qsort(view_tree.inode, view_tree.inodes, sizeof(*view_tree.inode), by_ino);
	return 0;
}

void view_end(void)
{
	scratch_end();
}

void view_each_right(void (*each)(const char *path, bool write, void *arg), void *arg)
{
	for (u32 i = 0; i < view_tree.nodes; i++) {
		const struct view_node *n = view_tree.node[i];
		char path[PATH_MAX];

		if (!n->has_right && n->fd < 0)
			continue;
		/* Below content that has other rights, the name there leads to the file. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s", n->content->fd,
			 n->path + (n->content->parent ? strlen(n->content->path) : 0));
		if (n->fd >= 0)
			snprintf(path, sizeof(path), "/proc/self/fd/%d", n->fd);
		each(path, n->write && n->has_right, arg);
	}
}
