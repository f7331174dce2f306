// SPDX-License-Identifier: MIT
/* execve(2) and execveat(2): copies path and strings from the old program's memory. */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include "kernel/define_syscall.h"
#include "kernel/exec/exec.h"
#include "kernel/exec/stack.h"
#include "kernel/fs/file.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"

/*
 * Size of a chunk of strings. Any string fits into one chunk. EXEC_CHUNKS of them, each but the
 * first at least half full, hold more than Linux's 6 MiB. The first chunk is small, and most
 * programs need no other: kmalloc may not find a large block when RAM is nearly used up.
 */
#define CHUNK_SIZE  (2 * STACK_ARG_MAX)
#define CHUNK_FIRST (4 * PAGE_SIZE)

/* Chunks under construction: the last one has space behind .size. */
struct gatherer {
	struct exec_args args;
	char *space; /* of the last chunk */
	u64 space_size;
	uva pointer[64];
};

static int add_chunk(struct gatherer *g, u64 size)
{
	struct exec_chunk *p = &g->args.chunk[g->args.chunks];

	if (g->args.chunks == EXEC_CHUNKS)
		return -E2BIG;
	p->data = g->space = kmalloc(size);
	g->space_size = size;
	if (!p->data)
		return -ENOMEM;
	p->size = 0;
	g->args.chunks++;
	return 0;
}

static int add_string(struct gatherer *g, uva string)
{
	int ret = g->args.chunks ? 0 : add_chunk(g, CHUNK_FIRST);

	while (ret == 0) {
		struct exec_chunk *p = &g->args.chunk[g->args.chunks - 1];
		u64 left = MIN(g->space_size - p->size, (u64)STACK_ARG_MAX);
		s64 len = -ENAMETOOLONG;

		if (left)
			len = strncpy_from_user(g->space + p->size, string, left);
		if (len >= 0) {
			p->size += (u64)len + 1;
			return 0;
		}
		if (len != -ENAMETOOLONG)
			return (int)len;
		if (left == STACK_ARG_MAX)
			return -E2BIG;
		/* The first string has to begin the first chunk. */
		if (!p->size) {
			kfree(g->space);
			g->args.chunks--;
		}
		ret = add_chunk(g, CHUNK_SIZE);
	}
	return ret;
}

/* The strings of a NULL-terminated array of pointers; a NULL array is an empty one. */
static int add_strings(struct gatherer *g, uva array, u32 *count)
{
	if (array == 0)
		return 0;
	for (;;) {
		/* Read only to the end of the page: memory behind the NULL may be unmapped. */
		u64 n = (PAGE_SIZE - (array & PAGE_MASK)) / sizeof(uva);
		int ret;

		n = MIN(MAX(n, 1UL), (u64)ARRAY_SIZE(g->pointer));
		ret = copy_from_user(g->pointer, array, n * sizeof(uva));
		if (ret < 0)
			return ret;
		for (u64 i = 0; i < n; i++) {
			if (g->pointer[i] == 0)
				return 0;
			ret = add_string(g, g->pointer[i]);
			if (ret < 0)
				return ret;
			++*count;
		}
		array += n * sizeof(uva);
	}
}

static s64 exec_from_user(s32 dirfd, uva path, uva argv, uva envp, int flags)
{
	struct gatherer *g = NULL;
	struct exec_error *why = NULL;
	char *name;
	s64 ret;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	name = kmalloc(PATH_MAX);
	g = kzalloc(sizeof(*g));
	why = kmalloc(sizeof(*why));
	ret = -ENOMEM;
	if (!name || !g || !why)
		goto out;
	ret = strncpy_from_user(name, path, PATH_MAX);
	if (ret < 0)
		goto out;
	ret = -ENOENT;
	if (name[0] == '\0' && !(flags & AT_EMPTY_PATH))
		goto out;
	if (name[0] == '\0') {
		struct ofile *file;

		ret = -EACCES; /* the working directory */
		if (dirfd == AT_FDCWD)
			goto out;
		file = fd_get_any(dirfd);
		ret = -EBADF;
		if (!file)
			goto out;
		ofile_put(file);
	}
	ret = add_strings(g, argv, &g->args.argc);
	if (ret == 0)
		ret = add_strings(g, envp, &g->args.envc);
	if (ret == 0)
		ret = exec_program(dirfd, name, flags, &g->args, why);
	/* Linux has given up the old program by now, and the new one cannot run. */
	if (ret < 0 && why->late)
		signal_force_segv(SIGSEGV);
out:
	if (g)
		for (u32 i = 0; i < g->args.chunks; i++)
			kfree(UNCONST(g->args.chunk[i].data));
	kfree(g);
	kfree(why);
	kfree(name);
	return ret;
}

DEFINE_SYSCALL3(execve, uva, path, uva, argv, uva, envp)
{
	return exec_from_user(AT_FDCWD, path, argv, envp, 0);
}

DEFINE_SYSCALL5(execveat, s32, dirfd, uva, path, uva, argv, uva, envp, int, flags)
{
	return exec_from_user(dirfd, path, argv, envp, flags);
}
