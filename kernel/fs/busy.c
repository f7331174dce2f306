// SPDX-License-Identifier: MIT
/* See busy.h. */
#include "kernel/fs/busy.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/mm/mm.h"

#define W_OK 2 /* access(2) */

static struct mutex writers_lock = MUTEX_INIT(LOCK_WRITERS);
static LIST_HEAD(, host_file) writers GUARDED_BY(writers_lock) = LIST_HEAD_INITIALIZER(writers);

void busy_opened(struct host_file *f, const struct stat *st)
{
	if ((st->st_mode & S_IFMT) != S_IFREG)
		return;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	mutex_lock(&writers_lock);
	LIST_INSERT_HEAD(&writers, f, writer);
	mutex_unlock(&writers_lock);
}

void busy_closed(struct host_file *f)
{
	if (!f->ino)
		return;
	mutex_lock(&writers_lock);
	LIST_REMOVE(f, writer);
	mutex_unlock(&writers_lock);
}

bool busy_is_written(u64 dev, u64 ino)
{
	struct host_file *f;

	mutex_lock(&writers_lock);
	LIST_FOREACH (f, &writers, writer)
		if (f->ino == ino && f->dev == dev)
			break;
	mutex_unlock(&writers_lock);
	return f;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Returns true if a process executes a file with this name; or, with st, that file. */
static bool is_executed(const char *name, const struct stat *st)
{
	struct process *p;
	bool found = false;

	mutex_lock(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		const struct mm *mm = p->mm;

		if (!mm || !mm->exe_path)
			continue;
		found |= st ? mm->exe_ino == st->st_ino && mm->exe_dev == st->st_dev
			    : !strcmp(last_name(mm->exe_path), name);
	}
	mutex_unlock(&task_lock);
	return found;
}

int busy_check(const struct fs_path *p)
{
	struct stat st;
	s64 r;

	/* The name comes first because most opens then need no stat. */
	if (!is_executed(last_name(p->path), NULL) ||
	    hc_newfstatat(p->dir, p->path, &st, sizeof(st), p->at) < 0)
		return 0;
	if (!is_executed(NULL, &st))
		return 0;
	/* As on Linux, that the file may not be written counts more. */
	r = fs_nointr(hc_faccessat2(p->dir, p->path, W_OK, (u32)p->at | AT_EACCESS));
	return r < 0 ? (int)r : -ETXTBSY;
}
