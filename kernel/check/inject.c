// SPDX-License-Identifier: MIT
/* See inject.h. */
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include "kernel/exec/exec.h"
#include "kernel/exec/stack.h"
#include "kernel/fs/file.h"
#include "kernel/check/heap.h"
#include "kernel/check/inject.h"
#include "kernel/hostcall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/task.h"

#define PRELOAD	  "LD_PRELOAD="
#define MOVED_MAX 64 /* words that an ld.so may have had as its own arguments */

static struct {
	struct mutex lock;
	struct ofile *file; /* NULL until it is first opened; never closed */
} library = {.lock = MUTEX_INIT(LOCK_CHECK_LIBRARY)};

struct ofile *chk_library(void)
{
	struct ofile *f = NULL;

	mutex_lock(&library.lock);
	if (!library.file) {
		s64 handle = hc_check_library(HC_NONE);

		if (handle >= 0) {
			library.file = host_file_new((s32)handle, O_RDONLY);
			if (!library.file)
				hc_close((s32)handle);
		}
	}
	if (library.file)
		f = ofile_get(library.file);
	mutex_unlock(&library.lock);
	return f;
}

static bool begins_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool chk_is_musl(const char *path)
{
	return begins_with(name_of(path), "ld-musl");
}

bool chk_is_loader(const char *path)
{
	const char *name = name_of(path);

	return begins_with(name, "ld-linux") || chk_is_musl(path) || begins_with(name, "ld.so") ||
	       begins_with(name, "ld-2.");
}

char *chk_preload(const struct exec_chunk *chunk, u32 chunks, u32 argc)
{
	const char *own = NULL;
	char *string;
	u64 size;
	u32 index = 0;

	for (u32 i = 0; i < chunks; i++)
		for (u64 at = 0; at < chunk[i].size; index++) {
			const char *s = chunk[i].data + at;

			at += strlen(s) + 1;
			if (index < argc)
				continue;
			if (begins_with(s, "LD_TRACE_LOADED_OBJECTS="))
				return NULL;
			if (!own && begins_with(s, PRELOAD) && s[strlen(PRELOAD)])
				own = s + strlen(PRELOAD);
		}
	size = sizeof(PRELOAD CHK_LIBRARY_PATH) + (own ? strlen(own) + 1 : 0);
	string = kmalloc(size);
	if (string)
		snprintf(string, size, PRELOAD CHK_LIBRARY_PATH "%s%s", own ? ":" : "",
			 own ? own : "");
	return string;
}

/* Replaces the word at a user address, unless the program changed it. */
static void put_back(u64 addr, u64 ours, u64 theirs)
{
	u64 now;

	if (get_user(&now, addr) == 0 && now == ours)
		put_user(theirs, addr);
}

/*
 * An ld.so that was run as the program moves envp and the auxiliary vector down, over its own
 * arguments in argv[]. Searches for the two added slots. Returns how far they moved, in bytes.
 */
static u64 moved_down(const struct exec_preload *in)
{
	u64 word[EXEC_PRELOADS];

	for (u64 by = 0; by <= MOVED_MAX * sizeof(u64) && by <= in->added; by += sizeof(u64))
		if (get_user(&word, in->added - by) == 0 && word[0] == in->string &&
		    word[1] == in->string)
			return by;
	return 0;
}

void chk_inject_undo(void)
{
	struct mm *mm = current_mm();
	struct exec_preload in;
	u64 moved;

	mutex_lock(&mm->lock);
	in = mm->check->preload;
	mm->check->preload = (struct exec_preload){0};
	mutex_unlock(&mm->lock);
	if (!in.string)
		return;
	moved = moved_down(&in);
	if (in.slot)
		put_back(in.slot - moved, in.string, in.slot_value);
	put_back(in.added - moved, in.string, 0);
	put_back(in.added - moved + sizeof(u64), in.string, AT_IGNORE);
}

struct ofile *chk_path(const char *path)
{
	return strcmp(path, CHK_LIBRARY_PATH) == 0 ? chk_library() : NULL;
}
