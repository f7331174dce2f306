// SPDX-License-Identifier: MIT
/*
 * Our /proc: the names that are about processes. On the host they would all show the monitor. One
 * table has these names. A name directly in /proc that is not in the table is the host's.
 *
 * The kernel writes a file's text into a memfd on the host, when the file is opened and again when
 * a program seeks to its start or reads there. So reads, seeks and polls are those of a host file.
 * Only /proc/PID/mem and pagemap have no text. A directory's handle is the host's /proc; its
 * entries come from here.
 */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_info.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/path.h"
#include "kernel/fs/pseudo.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/map_files.h"
#include "kernel/proc/proc_mem.h"
#include "kernel/proc/proc_text.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"
#include "libc/stdlib.h"

/* Kinds of directories. */
enum proc_dir {
	NOWHERE,
	ROOT = 1 << 0,	  /* /proc */
	PROCESS = 1 << 1, /* /proc/PID */
	TASKS = 1 << 2,	  /* /proc/PID/task */
	TASK = 1 << 3,	  /* /proc/PID/task/TID */
	FDS = 1 << 4,	  /* .../fd */
	FDINFOS = 1 << 5, /* .../fdinfo */
	SYSVIPC = 1 << 6, /* /proc/sysvipc */
	MAPS = 1 << 7,	  /* /proc/PID/map_files */
};
#define EACH	  (PROCESS | TASK)

#define WRITE_MAX 4096 /* longest write to a file */

static const struct pseudo_fs proc_fs;
static const struct file_ops proc_file_ops, proc_dir_ops, proc_mem_ops;

typedef void text_fn(struct text *t, const struct proc_ctx *c);
typedef s64 link_fn(const struct proc_ctx *c, char *buf, u64 size);
typedef s64 write_fn(const struct proc_ctx *c, const char *text);
typedef s64 raw_fn(u64 mm, u64 *pos, struct io_request *rq);

struct proc_entry {
	u32 in;		  /* the kinds of directories that have the entry: enum proc_dir */
	const char *name; /* NULL: any number */
	u32 mode;
	u32 holds; /* for a directory: its own kind */
	text_fn *text;
	link_fn *link;
	write_fn *write;
	bool host;   /* the name is the host's: its content is the same for monitor and guest */
	raw_fn *raw; /* of a file without a text */
};

static link_fn link_self, link_thread_self, link_exe, link_cwd, link_root, link_fd, link_map;
static write_fn write_comm, write_oom_adj, write_oom_score_adj, write_timerslack;
static write_fn write_clear_refs, write_coredump_filter;

#define DIR(dirs, name, mode, holds)                                                               \
	{                                                                                          \
		dirs, name, S_IFDIR | mode, holds, 0, 0, 0, false, 0                               \
	}
#define FILE(dirs, name, mode, write)                                                              \
	{                                                                                          \
		dirs, #name, S_IFREG | mode, 0, proc_text_##name, 0, write, false, 0               \
	}
#define LINK(dirs, name, link)                                                                     \
	{                                                                                          \
		dirs, name, S_IFLNK | 0777, 0, 0, link, 0, false, 0                                \
	}
#define HOST(dirs, name, mode)                                                                     \
	{                                                                                          \
		dirs, name, mode, 0, 0, 0, 0, true, 0                                              \
	}

/* A file without a text: proc_mem.h. */
#define RAW(dirs, name, mode, raw)                                                                 \
	{                                                                                          \
		dirs, name, S_IFREG | mode, 0, 0, 0, 0, false, raw                                 \
	}

static const struct proc_entry root_entry = DIR(NOWHERE, "", 0555, ROOT);

static const struct proc_entry entries[] = {
	LINK(ROOT, "self", link_self),
	LINK(ROOT, "thread-self", link_thread_self),
	FILE(ROOT, meminfo, 0444, NULL),
	DIR(ROOT, "sysvipc", 0555, SYSVIPC),
	FILE(SYSVIPC, msg, 0444, NULL),
	FILE(SYSVIPC, sem, 0444, NULL),
	FILE(SYSVIPC, shm, 0444, NULL),
	DIR(ROOT, NULL, 0555, PROCESS),

	FILE(EACH, auxv, 0400, NULL),
	FILE(TASK, children, 0444, NULL),
	FILE(EACH, clear_refs, 0200, write_clear_refs),
	FILE(EACH, cmdline, 0444, NULL),
	FILE(EACH, comm, 0644, write_comm),
	FILE(PROCESS, coredump_filter, 0644, write_coredump_filter),
	LINK(EACH, "cwd", link_cwd),
	FILE(EACH, environ, 0400, NULL),
	LINK(EACH, "exe", link_exe),
	DIR(EACH, "fd", 0500, FDS),
	DIR(EACH, "fdinfo", 0555, FDINFOS),
	FILE(EACH, limits, 0444, NULL),
	DIR(PROCESS, "map_files", 0500, MAPS),
	FILE(EACH, maps, 0444, NULL),
	FILE(EACH, numa_maps, 0444, NULL),
	FILE(EACH, oom_adj, 0644, write_oom_adj),
	FILE(EACH, oom_score, 0444, NULL),
	FILE(EACH, oom_score_adj, 0644, write_oom_score_adj),
	FILE(EACH, personality, 0400, NULL),
	RAW(EACH, "mem", 0600, proc_mem_transfer),
	RAW(EACH, "pagemap", 0400, proc_pagemap_transfer),
	LINK(EACH, "root", link_root),
	FILE(EACH, schedstat, 0444, NULL),
	FILE(EACH, smaps, 0444, NULL),
	FILE(EACH, smaps_rollup, 0444, NULL),
	FILE(EACH, stack, 0400, NULL),
	FILE(EACH, stat, 0444, NULL),
	FILE(EACH, statm, 0444, NULL),
	FILE(EACH, status, 0444, NULL),
	FILE(EACH, syscall, 0400, NULL),
	FILE(PROCESS, timers, 0444, NULL),
	FILE(PROCESS, timerslack_ns, 0666, write_timerslack),
	FILE(EACH, wchan, 0444, NULL),
	DIR(PROCESS, "task", 0555, TASKS),
	DIR(TASKS, NULL, 0555, TASK),
	{FDS, NULL, S_IFLNK, 0, 0, link_fd, 0, false, 0},
	{MAPS, NULL, S_IFLNK, 0, 0, link_map, 0, false, 0},
	{FDINFOS, NULL, S_IFREG | 0444, 0, proc_text_fdinfo, 0, 0, false, 0},

	/* The monitor shares these with the programs. vm/hostcall_file.c allows them. */
	HOST(EACH, "attr", S_IFDIR | 0555),
	HOST(EACH, "cgroup", S_IFREG | 0444),
	HOST(EACH, "cpuset", S_IFREG | 0444),
	HOST(EACH, "gid_map", S_IFREG | 0644),
	HOST(EACH, "io", S_IFREG | 0400),
	HOST(EACH, "loginuid", S_IFREG | 0644),
	HOST(EACH, "mountinfo", S_IFREG | 0444),
	HOST(EACH, "mounts", S_IFREG | 0444),
	HOST(PROCESS, "mountstats", S_IFREG | 0400),
	HOST(EACH, "net", S_IFDIR | 0555),
	HOST(EACH, "ns", S_IFDIR | 0511),
	HOST(EACH, "projid_map", S_IFREG | 0644),
	HOST(EACH, "sessionid", S_IFREG | 0444),
	HOST(EACH, "setgroups", S_IFREG | 0644),
	HOST(PROCESS, "timens_offsets", S_IFREG | 0644),
	HOST(EACH, "uid_map", S_IFREG | 0644),
};

/* A name of our /proc: its row in the table, and the numbers in its path. */
struct proc_node {
	const struct proc_entry *entry;
	s32 pid, tid; /* 0: the name is not below a process, or a task */
	s32 fd;	      /* number of fd/N and fdinfo/N */
	u64 map;      /* of map_files/START-END: START */
};
_Static_assert(sizeof(struct proc_node) <= sizeof(((struct pseudo_node *)0)->own),
	       "a node has room for ours");

static const struct proc_node *of(const struct pseudo_node *node)
{
	return (const struct proc_node *)node->own;
}

/*
 * An open file or directory of our /proc. The handle of a file is the memfd with the text, that of
 * a directory is the host's /proc.
 */
struct proc_file {
	struct ofile file;
	struct pseudo_node node;
	char *path; /* the name by which it was opened; owned */
	u64 pos;    /* of a directory: position of the next entry, see POS_*; of mem: the address */
	u64 mm;	    /* of mem: the number from proc_mem_open */
};

static struct proc_file *file_of(struct ofile *f)
{
	_Static_assert(offsetof(struct proc_file, file) == 0, "the cast is right");
	return (struct proc_file *)f;
}

static const struct proc_node *node_of(struct ofile *f)
{
	return of(&file_of(f)->node);
}

static bool is_link(const struct proc_node *node)
{
	return S_ISLNK(node->entry->mode);
}

static bool proc_is_link(const struct pseudo_node *node)
{
	return is_link(of(node));
}

static bool proc_is_magic(const struct pseudo_node *node)
{
	link_fn *link = of(node)->entry->link;

	return link != link_self && link != link_thread_self;
}

/* -- The processes behind the names -------------------------------------------------------- */

/* Returns a reference to the file of descriptor c->fd; NULL: the descriptor is not open. */
static struct ofile *fd_of(const struct proc_ctx *c)
{
	return c->p->files ? fdtable_get(c->p->files, c->fd) : NULL;
}

/*
 * Finds the process and thread of the node. Returns 0 with task_lock held, or -ENOENT without it if
 * they are gone.
 */
UNCHECKED_LOCKING static s64 ctx_get(const struct proc_node *node, struct proc_ctx *c)
{
	mutex_lock(&task_lock);
	c->p = node->pid ? process_find(node->pid) : current_process();
	c->t = NULL;
	if (c->p)
		c->t = node->tid ? thread_find(node->tid) : TAILQ_FIRST(&c->p->threads);
	if (!c->p || (c->t && c->t->proc != c->p) || (node->tid && !c->t)) {
		mutex_unlock(&task_lock);
		return -ENOENT;
	}
	c->whole = !node->tid;
	c->tid = c->whole ? c->p->pid : node->tid;
	c->fd = node->fd;
	c->map = node->map;
	c->self = c->t && c->t == current();
	c->running = c->t && (c->t == current() || sched_is_runnable(c->t));
	c->file = node->entry->in & (FDS | FDINFOS) ? fd_of(c) : NULL;
	return 0;
}

/* Ends ctx_get. Puts the file after task_lock is free: the end of a terminal's master takes it. */
UNCHECKED_LOCKING static void ctx_put(struct proc_ctx *c)
{
	mutex_unlock(&task_lock);
	ofile_put(c->file);
}

static bool exists(const struct proc_node *node)
{
	struct proc_ctx c;

	if (ctx_get(node, &c) < 0)
		return false;
	ctx_put(&c);
	return true;
}

static bool fd_exists(const struct proc_node *node)
{
	struct proc_ctx c;
	struct ofile *f;

	if (ctx_get(node, &c) < 0)
		return false;
	f = fd_of(&c);
	ctx_put(&c);
	ofile_put(f);
	return f != NULL;
}

/* -- Names --------------------------------------------------------------------------------- */

static const struct proc_entry *find(u32 dir, const char *name, u64 len)
{
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].in & dir && entries[i].name && strlen(entries[i].name) == len &&
		    !memcmp(entries[i].name, name, len))
			return &entries[i];
	return NULL;
}

static const struct proc_entry *find_number(u32 dir)
{
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].in & dir && !entries[i].name)
			return &entries[i];
	return NULL;
}

/*
 * step for a number: a process, a thread or a descriptor. Directly in /proc, the number of a thread
 * is found, too, but not listed.
 */
static int step_number(struct proc_node *node, s32 number)
{
	u32 dir = node->entry->holds;

	switch (dir) {
	case ROOT:
		node->pid = number;
		mutex_lock(&task_lock);
		if (number && !process_find(number)) {
			struct thread *t = thread_find(number);

			node->pid = t ? t->proc->pid : 0;
			node->tid = t ? number : 0;
		}
		mutex_unlock(&task_lock);
		/* The host's first process is not in the sandbox, and programs ask what it is. */
		if (!node->pid)
			return number == 1 ? 0 : -ENOENT;
		break;
	case TASKS:
		node->tid = number;
		if (!number || !exists(node))
			return -ENOENT;
		break;
	case FDS:
	case FDINFOS:
		node->fd = number;
		if (!fd_exists(node))
			return -ENOENT;
		break;
	default:
		return -ENOENT;
	}
	node->entry = find_number(dir);
	return 1;
}

/* As map_file_next, for the process of a node. */
static s64 map_of_node(const struct proc_node *node, u64 addr, struct map_file *m)
{
	struct proc_ctx c;
	s64 r = ctx_get(node, &c);

	if (r < 0)
		return r;
	r = map_file_next(c.p, addr, m);
	ctx_put(&c);
	return r;
}

/* step for a name of map_files. */
static int step_map(struct proc_node *node, const char *name, u64 len)
{
	struct map_file *m;
	u64 start, end;
	s64 r = -ENOMEM;

	if (!map_file_range(name, len, &start, &end))
		return -ENOENT;
	m = kmalloc(sizeof(*m));
	if (m)
		r = map_of_node(node, start, m);
	if (r == 0 || (r > 0 && (m->start != start || m->end != end)))
		r = -ENOENT;
	kfree(m);
	if (r < 0)
		return (int)r;
	node->map = start;
	node->entry = find_number(MAPS);
	return 1;
}

/*
 * Looks up a name in the directory node. Returns 1 and makes node that name, 0 if the name is the
 * host's, or -ENOENT.
 */
static int step(struct proc_node *node, const char *name, u64 len)
{
	u32 dir = node->entry->holds;
	const struct proc_entry *e = find(dir, name, len);
	s32 number = path_number(name, len);

	if (e && !e->host) {
		node->entry = e;
		return 1;
	}
	if (e)
		return 0;
	if (dir == MAPS)
		return step_map(node, name, len);
	if (number >= 0)
		return step_number(node, number);
	return dir == ROOT ? 0 : -ENOENT;
}

/* Rewrites a name of a process's directory that is the host's: all share those of the monitor. */
static int name_of_monitor(char *path, const char *rest)
{
	static const char self[] = "/proc/self/";
	u64 len = strlen(rest);

	if (sizeof(self) + len > HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	memmove(path + sizeof(self) - 1, rest, len + 1);
	memcpy(path, self, sizeof(self) - 1);
	return 0;
}

static int proc_lookup(char *path, struct pseudo_node *found, const char **tail)
{
	struct proc_node *node = (struct proc_node *)found->own;
	char *rest = path + strlen("/proc");

	found->fs = &proc_fs;
	*node = (struct proc_node){.entry = &root_entry};
	while (*rest) {
		u64 len;
		int r;

		if (is_link(node))
			break;
		if (!S_ISDIR(node->entry->mode))
			return -ENOTDIR;
		len = strcspn(++rest, "/");
		r = step(node, rest, len);
		if (r < 0)
			return r;
		if (r == 0)
			return node->pid ? name_of_monitor(path, rest) : 0;
		rest += len;
	}
	*tail = rest;
	return 1;
}

/* -- Links --------------------------------------------------------------------------------- */

static s64 link_self(const struct proc_ctx *c, char *buf, u64 size)
{
	(void)c;
	return snprintf(buf, size, "%d", current_process()->pid);
}

static s64 link_thread_self(const struct proc_ctx *c, char *buf, u64 size)
{
	(void)c;
	return snprintf(buf, size, "%d/task/%d", current_process()->pid, current()->tid);
}

static s64 link_exe(const struct proc_ctx *c, char *buf, u64 size)
{
	const char *path = c->p->mm ? c->p->mm->exe_path : NULL;

	return path ? (s64)strlcpy(buf, path, size) : -ENOENT;
}

static s64 link_root(const struct proc_ctx *c, char *buf, u64 size)
{
	struct fs_info *fs = c->p->fs;
	s64 r;

	if (!fs)
		return -ENOENT;
	mutex_lock(&fs->lock);
	r = (s64)strlcpy(buf, fs->root_name ? fs->root_name : "/", size);
	mutex_unlock(&fs->lock);
	return MIN(r, (s64)size);
}

static s64 file_link(struct ofile *f, s32 handle, char *buf, u64 size)
{
	return f ? ofile_name(f, buf, size) : fs_nointr(hc_handle_path(handle, buf, size));
}

static s64 link_cwd(const struct proc_ctx *c, char *buf, u64 size)
{
	struct fs_info *fs = c->p->fs;
	s64 r;

	if (!fs)
		return -ENOENT;
	mutex_lock(&fs->lock);
	r = file_link(fs->cwd_file, fs->cwd, buf, size);
	mutex_unlock(&fs->lock);
	return r;
}

static s64 link_fd(const struct proc_ctx *c, char *buf, u64 size)
{
	return c->file ? file_link(c->file, c->file->handle, buf, size) : -ENOENT;
}

static s64 link_map(const struct proc_ctx *c, char *buf, u64 size)
{
	struct map_file *m = kmalloc(sizeof(*m));
	s64 r = m ? map_file_next(c->p, c->map, m) : -ENOMEM;

	if (r == 0 || (r > 0 && m->start != c->map))
		r = -ENOENT;
	if (r > 0)
		r = (s64)strlcpy(buf, m->name, size);
	kfree(m);
	return r;
}

static s64 proc_readlink(const struct pseudo_node *node, char *buf, u64 size)
{
	struct proc_ctx c;
	s64 r = ctx_get(of(node), &c);

	if (r < 0)
		return r;
	r = of(node)->entry->link(&c, buf, size);
	ctx_put(&c);
	return MIN(r, (s64)size);
}

static struct ofile *proc_link_file(const struct pseudo_node *node)
{
	struct ofile *f = NULL;
	struct proc_ctx c;

	if (of(node)->entry->link != link_fd || ctx_get(of(node), &c) < 0)
		return NULL;
	f = c.file;
	c.file = NULL; /* the caller gets the reference */
	ctx_put(&c);
	return f;
}

/* -- Attributes ---------------------------------------------------------------------------- */

/* A link of fd/ shows how the file is open: proc(5). */
static u32 fd_link_mode(const struct proc_ctx *c)
{
	static const u32 mode[O_ACCMODE + 1] = {
		[O_RDONLY] = 0500, [O_WRONLY] = 0300, [O_RDWR] = 0700};
	const struct ofile *f = c->file;

	return f && !(f->flags & O_PATH) ? mode[f->flags & O_ACCMODE] : 0;
}

/* As fd_link_mode, for a link of map_files/. */
static u32 map_link_mode(const struct proc_ctx *c)
{
	struct map_file *m = kmalloc(sizeof(*m));
	u32 prot = m && map_file_next(c->p, c->map, m) > 0 ? m->prot : 0;

	kfree(m);
	return (prot & PROT_READ ? 0400 : 0) | (prot & PROT_WRITE ? 0200 : 0);
}

/* Fills in *st, except the device, and the times of names outside of /proc/PID. */
static void attributes(const struct proc_node *node, struct stat *st)
{
	const struct proc_entry *e = node->entry;
	struct __kernel_timespec now;
	struct proc_ctx c;

	st->st_mode = e->mode;
	st->st_nlink = S_ISDIR(e->mode) ? 2 : 1;
	st->st_uid = st->st_gid = 0;
	st->st_size = 0;
	st->st_blocks = 0;
	st->st_blksize = 1024;
	/* The number is made from process, thread, descriptor and row, so that names differ. */
	st->st_ino = 0x100000000 + ((u64)(node->pid ^ node->tid << 8) << 24) +
		     ((u64)node->fd << 8) + (node->map >> 4) +
		     (e == &root_entry ? 0xff : (u64)(e - entries));
	if (!node->pid || ctx_get(node, &c) < 0)
		return;
	/* The current time, as on Linux, which makes the inode at the lookup. */
	now = clock_to_timespec(clock_realtime_ns());
	st->st_atime = st->st_mtime = st->st_ctime = now.tv_sec;
	st->st_atime_nsec = st->st_mtime_nsec = st->st_ctime_nsec = now.tv_nsec;
	st->st_uid = c.p->creds.euid;
	st->st_gid = c.p->creds.egid;
	for (u32 i = 0; e->holds & EACH && i < ARRAY_SIZE(entries); i++)
		st->st_nlink += entries[i].in & e->holds && S_ISDIR(entries[i].mode);
	if (e->holds == TASKS)
		st->st_nlink += MAX(c.p->nthreads, 1U);
	if (e->link == link_fd || e->link == link_map) {
		st->st_size = 64;
		st->st_mode |= e->link == link_fd ? fd_link_mode(&c) : map_link_mode(&c);
	}
	ctx_put(&c);
}

static s64 proc_stat(const struct pseudo_node *node, struct stat *st)
{
	/* The device and the times are those of the host's /proc. */
	s64 r = hc_newfstatat(current_process()->fs->root, "/proc", st, sizeof(*st), 0);

	if (r >= 0)
		attributes(of(node), st);
	return r;
}

/* Gives only what stat gives. */
static s64 proc_statx(const struct pseudo_node *node, u32 mask, struct statx *stx)
{
	struct stat st = {0};
	s64 r = hc_statx(current_process()->fs->root, "/proc", 0, mask, stx, sizeof(*stx));

	if (r < 0)
		return r;
	attributes(of(node), &st);
	stx->stx_mask = STATX_BASIC_STATS;
	stx->stx_mode = st.st_mode;
	stx->stx_nlink = st.st_nlink;
	stx->stx_uid = st.st_uid;
	stx->stx_gid = st.st_gid;
	stx->stx_ino = st.st_ino;
	stx->stx_size = st.st_size;
	stx->stx_blocks = st.st_blocks;
	stx->stx_blksize = st.st_blksize;
	return 0;
}

/* Checks the owner's bits of the mode, as if the running process owned the file. */
static s64 proc_access(const struct pseudo_node *node, u32 mode)
{
	struct stat st = {0};

	attributes(of(node), &st);
	if (mode & ~7U)
		return -EINVAL;
	/* The superuser may read and write any file, and execute one with any execute bit. */
	if (current_creds()->ruid == 0 && (!(mode & 1) || st.st_mode & 0111))
		return 0;
	return (st.st_mode >> 6 & mode) == mode ? 0 : -EACCES;
}

/* -- Files --------------------------------------------------------------------------------- */

void text_flush(struct text *t)
{
	struct hostcall_seg seg[4];
	struct segs segs;
	u64 done = 0;

	if (t->memory) {
		done = MIN(t->len, t->memory_size - t->written);
		memcpy(t->memory + t->written, t->buf, done);
		t->written += done;
		t->len = 0;
		return;
	}
	while (done < t->len && !t->error) {
		s64 r = kernel_segs(seg, ARRAY_SIZE(seg), t->buf + done, t->len - done, &segs);

		if (r >= 0)
			r = hc_pwritev2(t->handle, &segs, t->written + done, 0);
		if (r <= 0)
			t->error = r ? r : -EIO;
		else
			done += r;
	}
	t->written += done;
	t->len = 0;
}

/* Writes the current text of a file into its memfd. Returns 0 or -errno. */
static s64 refresh(struct ofile *f)
{
	const struct proc_node *node = node_of(f);
	struct proc_ctx c;
	struct text *t;
	s64 r;

	t = kmalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->handle = f->handle;
	t->memory = NULL;
	t->written = t->len = 0;
	t->error = ctx_get(node, &c);
	if (!t->error) {
		node->entry->text(t, &c);
		ctx_put(&c);
		text_flush(t);
	}
	r = t->error;
	if (r >= 0)
		r = fs_nointr(hc_ftruncate(f->handle, t->written));
	kfree(t);
	return r;
}

/* Returns the error of an open with these flags, or 0. */
static int check_flags(const struct proc_entry *e, u32 flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_PATH)
		return flags & O_DIRECTORY && !S_ISDIR(e->mode) ? -ENOTDIR : 0;
	if (S_ISDIR(e->mode))
		return write || flags & O_CREAT ? -EISDIR : 0;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if (!e->text)
		return 0; /* proc_mem_open checks the permission */
	/* The superuser may open any file for writing, but the write fails. */
	return write && !e->write && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

/* Finds the number of the address space of a file mem. Returns 0 or -errno. */
static int open_mem(const struct proc_node *node, u64 *mm)
{
	struct proc_ctx c;
	int err = (int)ctx_get(node, &c);

	if (err)
		return err;
	*mm = proc_mem_open(c.p, &err);
	ctx_put(&c);
	return err;
}

static struct ofile *proc_open(const struct pseudo_node *node, const char *path, u32 flags,
			       int *err)
{
	const struct proc_entry *entry = of(node)->entry;
	bool dir = S_ISDIR(entry->mode), mem = entry->raw != NULL;
	struct ofile *f;
	s64 handle;
	u64 mm = 0;

	*err = check_flags(entry, flags);
	if (!*err && mem && !(flags & O_PATH))
		*err = open_mem(of(node), &mm);
	if (*err)
		return NULL;
	if (dir)
		handle = hc_openat(current_process()->fs->root, "/proc", O_RDONLY | O_DIRECTORY, 0);
	else
		handle = hc_memfd_create("proc", 0);
	if (handle < 0) {
		*err = fs_nointr(handle);
		return NULL;
	}
	f = ofile_new(dir   ? &proc_dir_ops
		      : mem ? &proc_mem_ops
			    : &proc_file_ops,
		      handle, flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY));
	if (!f) {
		hc_close(handle);
		*err = -ENOMEM;
		return NULL;
	}
	f->mode = entry->mode & S_IFMT;
	file_of(f)->node = *node;
	file_of(f)->mm = mm;
	file_of(f)->path = kstrdup(path);
	if (!file_of(f)->path)
		*err = -ENOMEM;
	else if (!dir && !mem && !(flags & O_PATH))
		*err = refresh(f);
	if (*err) {
		ofile_put(f);
		return NULL;
	}
	return f;
}

/* -- Writes -------------------------------------------------------------------------------- */

static s64 write_comm(const struct proc_ctx *c, const char *text)
{
	char name[TASK_COMM] = "";

	/* As on Linux, the name is all that was written, with the newline of echo. */
	strlcpy(name, text, sizeof(name));
	memcpy(c->t ? c->t->comm : c->p->comm, name, sizeof(name));
	return 0;
}

static s64 number(const char *text, s64 *value)
{
	char *end;

	*value = strtol(text, &end, 0);
	return end == text || (*end && *end != '\n') ? -EINVAL : 0;
}

static s64 write_oom_score_adj(const struct proc_ctx *c, const char *text)
{
	s64 value, r = number(text, &value);

	if (r < 0 || value < -1000 || value > 1000)
		return -EINVAL;
	if (value < c->p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	c->p->oom_score_adj = value;
	return 0;
}

/* Converts from the older scale, OOM_ADJ_MIN to OOM_ADJ_MAX: proc(5). */
static s64 write_oom_adj(const struct proc_ctx *c, const char *text)
{
	s64 value, r = number(text, &value);

	if (r < 0 || value < OOM_ADJ_MIN || value > OOM_ADJ_MAX)
		return -EINVAL;
	value = value == OOM_ADJ_MAX ? 1000 : value * 1000 / -OOM_ADJ_MIN;
	if (value < c->p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	c->p->oom_score_adj = (s32)value;
	return 0;
}

/*
 * 1 to 3 clear referenced bits, which this kernel does not keep. 4 clears soft-dirty bits and
 * fails, as on a kernel without them. 5 sets the peak of the resident size to the current size.
 */
static s64 write_clear_refs(const struct proc_ctx *c, const char *text)
{
	s64 value, r = number(text, &value);

	if (r < 0 || value < 1 || value > 5 || value == 4)
		return -EINVAL;
	if (value == 5 && c->p->mm) {
		mutex_lock(&c->p->mm->lock);
		c->p->mm->peak_pages = c->p->mm->resident_pages;
		mutex_unlock(&c->p->mm->lock);
	}
	return 0;
}

static s64 write_coredump_filter(const struct proc_ctx *c, const char *text)
{
	s64 value, r = number(text, &value);

	if (r < 0)
		return r;
	c->p->coredump_filter = (u32)value & COREDUMP_FILTER_ALL;
	return 0;
}

static s64 write_timerslack(const struct proc_ctx *c, const char *text)
{
	s64 value, r = number(text, &value);

	if (r < 0 || value < 0)
		return -EINVAL;
	if (!c->t)
		return -ESRCH;
	c->t->timer_slack = value ? value : 50000; /* the default: prctl(2) */
	return 0;
}

/* Handles a text that was written to the file. Returns len or -errno. */
static s64 take_text(struct ofile *f, const char *text, u64 len)
{
	const struct proc_node *node = node_of(f);
	struct proc_ctx c;
	s64 r;

	if (!node->entry->write)
		return -EINVAL;
	r = ctx_get(node, &c);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	/* A process may not change one of another user. */
	if (c.p != current_process() && !creds_may_change(c.p, CAP_SYS_RESOURCE))
		r = -EACCES;
	else
		r = node->entry->write(&c, text);
	ctx_put(&c);
	return r < 0 ? r : (s64)len;
}

/* -- Directories --------------------------------------------------------------------------- */

/*
 * Positions in a directory: 0 and 1 are "." and "..", then come the rows of the table. From
 * POS_HOST on, in /proc only, they are the host's positions in its /proc. From POS_NUMBERS on they
 * are the numbers of processes, threads or descriptors.
 */
#define POS_HOST    (1UL << 32)
#define POS_NUMBERS (1UL << 62)
#define HOST_BUF    4096
#define ENTRY_MAX   280 /* bytes of an entry whose name has 255 */

struct listing {
	const struct proc_node *node;
	char *buf;
	u64 size, used;
};

struct dirent_out {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
};

/* Adds an entry; next is the position after it. Returns false if there is no space. */
static bool emit(struct listing *l, const char *name, u32 mode, u64 ino, u64 next)
{
	u64 len = strlen(name);
	u64 reclen = ALIGN_UP(offsetof(struct dirent_out, name) + len + 1, sizeof(u64));
	struct dirent_out *d = (void *)(l->buf + l->used);

	if (l->size - l->used < reclen)
		return false;
	memset(d, 0, reclen);
	d->ino = ino;
	d->off = next;
	d->reclen = reclen;
	d->type = (mode & S_IFMT) >> 12; /* DT_* */
	memcpy(d->name, name, len + 1);
	l->used += reclen;
	return true;
}

static bool emit_row(struct listing *l, u64 pos)
{
	const struct proc_entry *e = pos < 2 ? NULL : &entries[pos - 2];

	if (pos < 2)
		return emit(l, pos ? ".." : ".", S_IFDIR, 1 + pos, pos + 1);
	if (!(e->in & l->node->entry->holds) || !e->name)
		return true;
	return emit(l, e->name, e->mode, 0x100000000 + pos, pos + 1);
}

/*
 * Adds names of the host's /proc that are neither numbers nor in the table. Returns 1 if there may
 * be more, 0 at the end, or -errno.
 */
static s64 emit_host(struct listing *l, struct proc_file *f)
{
	u64 space = MIN(l->size - l->used, (u64)HOST_BUF);
	char *tmp = kmalloc(HOST_BUF);
	s64 r = tmp ? fs_nointr(hc_getdents64(f->file.handle, tmp, space, HC_NONE)) : -ENOMEM;

	for (s64 at = 0; at < r;) {
		const struct dirent_out *d = (void *)(tmp + at);
		u64 len = strlen(d->name);

		at += d->reclen;
		f->pos = POS_HOST + d->off;
		if (*d->name != '.' && path_number(d->name, len) < 0 && !find(ROOT, d->name, len))
			emit(l, d->name, (u32)d->type << 12, d->ino, f->pos);
	}
	kfree(tmp);
	return r > 0 ? 1 : r;
}

/* Returns the smallest number >= from of a process, thread or descriptor; -1: there is none. */
static s32 next_number(const struct proc_node *node, s32 from)
{
	struct proc_ctx c;
	s32 best = -1;

	if (ctx_get(node, &c) < 0)
		return -1;
	if (node->entry->holds == ROOT) {
		struct process *p;

		LIST_FOREACH (p, &all_processes, all)
			if (p->pid >= from && (best < 0 || p->pid < best))
				best = p->pid;
	} else if (node->entry->holds == TASKS) {
		struct thread *t;

		TAILQ_FOREACH (t, &c.p->threads, link)
			if (t->tid >= from && (best < 0 || t->tid < best))
				best = t->tid;
	} else if (c.p->files) {
		best = fdtable_next(c.p->files, from);
	}
	ctx_put(&c);
	return best;
}

static s64 emit_numbers(struct listing *l, struct proc_file *f)
{
	const struct proc_entry *e = find_number(l->node->entry->holds);
	char name[12];
	s32 n;

	while (e && (n = next_number(l->node, f->pos - POS_NUMBERS)) >= 0) {
		snprintf(name, sizeof(name), "%d", n);
		if (!emit(l, name, e->mode, 0x200000000 + n, POS_NUMBERS + n + 1))
			break;
		f->pos = POS_NUMBERS + n + 1;
	}
	return 0;
}

/* Lists map_files. A position is that of the page from which on mappings are still to come. */
static s64 emit_maps(struct listing *l, struct proc_file *f)
{
	struct map_file *m = kmalloc(sizeof(*m));
	s64 r = m ? 1 : -ENOMEM;
	char name[36];

	while (m) {
		r = map_of_node(l->node, (f->pos - POS_NUMBERS) << PAGE_SHIFT, m);
		if (r <= 0)
			break;
		snprintf(name, sizeof(name), "%lx-%lx", m->start, m->end);
		if (!emit(l, name, S_IFLNK, 0x300000000 + (m->start >> PAGE_SHIFT),
			  POS_NUMBERS + (m->end >> PAGE_SHIFT)))
			break;
		f->pos = POS_NUMBERS + (m->end >> PAGE_SHIFT);
	}
	kfree(m);
	return MIN(r, 0L);
}

static s64 dir_seek(struct ofile *f, s64 pos, u32 whence)
{
	s64 host;

	if (whence == SEEK_CUR)
		pos += file_of(f)->pos;
	if (whence > SEEK_CUR || pos < 0)
		return -EINVAL;
	host = (u64)pos < POS_HOST || (u64)pos >= POS_NUMBERS ? 0 : pos - (s64)POS_HOST;
	file_of(f)->pos = pos;
	host = fs_nointr(hc_lseek(f->handle, host, SEEK_SET));
	return host < 0 ? host : pos;
}

static s64 dir_getdents(struct ofile *file, char *buf, u64 size)
{
	struct proc_file *f = file_of(file);
	struct listing l = {.node = of(&f->node), .buf = buf, .size = size};
	bool root = l.node->entry->holds == ROOT;

	if (!exists(l.node))
		return -ENOENT;
	while (f->pos < ARRAY_SIZE(entries) + 2) {
		if (!emit_row(&l, f->pos))
			return l.used ? (s64)l.used : -EINVAL;
		f->pos++;
	}
	if (f->pos < POS_HOST)
		f->pos = root ? POS_HOST : POS_NUMBERS;
	while (f->pos < POS_NUMBERS) {
		s64 r;

		if (l.size - l.used < ENTRY_MAX)
			return l.used ? (s64)l.used : -EINVAL;
		r = emit_host(&l, f);
		if (r < 0)
			return l.used ? (s64)l.used : r;
		if (r == 0)
			f->pos = POS_NUMBERS;
	}
	if (l.node->entry->holds == MAPS) {
		s64 r = emit_maps(&l, f);

		if (r < 0 && !l.used)
			return r;
	} else {
		emit_numbers(&l, f);
	}
	return l.used;
}

/* -- As open files and as a file system ------------------------------------------------------- */

static s64 proc_read(struct ofile *f, struct io_request *rq)
{
	s64 r = 0;

	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (rq->offset == 0)
		r = refresh(f);
	return r < 0 ? r : io_transfer(f, rq);
}

static s64 proc_write(struct ofile *f, struct io_request *rq)
{
	u64 len = rq->count ? MIN(rq->iov->iov_len, (u64)WRITE_MAX - 1) : 0;
	char *text;
	s64 r;

	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!len)
		return 0;
	text = kmalloc(WRITE_MAX);
	if (!text)
		return -ENOMEM;
	r = copy_from_user(text, (u64)rq->iov->iov_base, len);
	if (r >= 0) {
		text[len] = 0;
		r = take_text(f, text, len);
	}
	kfree(text);
	return r;
}

/* A seek to the start makes the text again, so that the program reads the current one. */
static s64 proc_seek(struct ofile *f, s64 offset, u32 whence)
{
	s64 r = offset == 0 && whence == SEEK_SET ? refresh(f) : 0;

	if (whence > SEEK_CUR)
		return -EINVAL; /* on Linux the text has no end before it is read */
	return r < 0 ? r : host_seek(f, offset, whence);
}

static s64 proc_fstat(struct ofile *f, struct stat *st)
{
	return proc_stat(&file_of(f)->node, st);
}

/* Returns the flags of open(2) and F_SETFL, and not those of the memfd. */
static s64 proc_get_flags(struct ofile *f)
{
	return f->flags | O_LARGEFILE;
}

static s64 proc_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	const u32 kept = O_APPEND | O_NONBLOCK | O_NOATIME;

	(void)fd;
	if (flags & O_DIRECT)
		return -EINVAL;
	f->flags = (f->flags & ~kept) | (flags & kept);
	return 0;
}

/* The memfd has seals; a file of /proc has none. */
static s64 proc_fcntl(struct ofile *f, u32 cmd, u64 arg)
{
	if (cmd == F_ADD_SEALS || cmd == F_GET_SEALS)
		return -EINVAL;
	return fs_nointr(hc_fcntl(f->handle, cmd, arg));
}

/* On Linux, files outside of /proc/PID have an operation mmap that fails with EIO. */
static int proc_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared,
		     struct vm_opened *out)
{
	(void)offset, (void)len, (void)prot, (void)shared, (void)out;
	return node_of(f)->pid ? -ENODEV : -EIO;
}

static struct ofile *proc_reopen(struct ofile *f, u32 flags, int *err)
{
	/* The path would lead to what the link names. */
	if (is_link(node_of(f))) {
		*err = -ELOOP;
		return NULL;
	}
	return file_open(AT_FDCWD, file_of(f)->path, flags, 0, err);
}

static s64 proc_name(struct ofile *f, char *buf, u64 size)
{
	return strlcpy(buf, file_of(f)->path, size);
}

static void proc_info(struct ofile *f, struct file_info *info)
{
	info->flags = f->flags;
}

static void dir_info(struct ofile *f, struct file_info *info)
{
	info->pos = (s64)file_of(f)->pos;
	info->flags = f->flags;
}

static const struct pseudo_node *proc_node(struct ofile *f)
{
	return &file_of(f)->node;
}

static bool dir_process(struct ofile *f, struct process **p)
{
	const struct proc_node *node = node_of(f);

	if (node->entry->holds != PROCESS)
		return false;
	*p = process_find(node->pid);
	return true;
}

static void proc_release(struct ofile *f)
{
	kfree(file_of(f)->path);
}

/* The operations that files and directories share. */
/* clang-format off */
#define PROC_OPS \
	.size = sizeof(struct proc_file), \
	.stat = proc_fstat, \
	.poll_handle = host_poll_handle, \
	.ioctl = host_ioctl, \
	.fcntl = proc_fcntl, \
	.get_flags = proc_get_flags, \
	.set_flags = proc_set_flags, \
	.reopen = proc_reopen, \
	.name = proc_name, \
	.node = proc_node, \
	.release = proc_release

static const struct file_ops proc_file_ops = {
	PROC_OPS,
	.read = proc_read,
	.write = proc_write,
	.seek = proc_seek,
	.mmap = proc_mmap,
	.info = proc_info,
};

static s64 mem_transfer(struct ofile *f, struct io_request *rq)
{
	u32 unwanted = rq->dir == IO_READ ? O_WRONLY : O_RDONLY;

	if ((f->flags & O_ACCMODE) == unwanted)
		return -EBADF;
	return node_of(f)->entry->raw(file_of(f)->mm, &file_of(f)->pos, rq);
}

/* Positions are addresses: any value is valid, and SEEK_END is not. */
static s64 mem_seek(struct ofile *f, s64 offset, u32 whence)
{
	if (whence > SEEK_CUR)
		return -EINVAL;
	if (whence == SEEK_CUR)
		offset += (s64)file_of(f)->pos;
	file_of(f)->pos = (u64)offset;
	return offset;
}

static void mem_info(struct ofile *f, struct file_info *info)
{
	info->pos = (s64)file_of(f)->pos;
	info->flags = f->flags;
}

static const struct file_ops proc_mem_ops = {
	.size = sizeof(struct proc_file),
	.read = mem_transfer,
	.write = mem_transfer,
	.seek = mem_seek,
	.stat = proc_fstat,
	.get_flags = proc_get_flags,
	.set_flags = proc_set_flags,
	.reopen = proc_reopen,
	.name = proc_name,
	.info = mem_info,
	.node = proc_node,
	.release = proc_release,
};

/* The host gives the right errors for reading and writing a directory. */
static const struct file_ops proc_dir_ops = {
	PROC_OPS,
	.read = io_transfer,
	.write = io_transfer,
	.seek = dir_seek,
	.getdents = dir_getdents,
	.info = dir_info,
	.process = dir_process,
};
/* clang-format on */

static const struct pseudo_fs proc_fs = {
	.root = "/proc",
	.lookup = proc_lookup,
	.is_link = proc_is_link,
	.is_magic = proc_is_magic,
	.readlink = proc_readlink,
	.link_file = proc_link_file,
	.stat = proc_stat,
	.statx = proc_statx,
	.access = proc_access,
	.open = proc_open,
};

void proc_init(void)
{
	pseudo_fs_register(&proc_fs);
}
