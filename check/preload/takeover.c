// SPDX-License-Identifier: MIT
/* See takeover.h. Only glibc has namespaces and RTLD_DEEPBIND. */
#include <linux/mman.h>
#include "check/preload/library.h"
#include "check/preload/malloc.h"
#include "check/preload/symbol.h"
#include "check/preload/syscall.h"
#include "check/preload/takeover.h"
#include "common/layout.h"
#include "libc/string.h"

#define SYS_mprotect  10

/* dlfcn.h, which is a header of a C library and not available here. */
#define LM_ID_NEWLM   (-1L)
#define RTLD_NOW      2
#define RTLD_DI_LMID  1
#define LIBC_NAME     "libc.so.6"
#define GLIBC_VERSION "gnu_get_libc_version" /* a function that no other C library has */

CHK_EXPORT void *dlmopen(long space, const char *file, int mode);

static const struct {
	const char *name;
	const void *ours;
} entries[] = {
	{"malloc", malloc},
	{"calloc", calloc},
	{"realloc", realloc},
	{"reallocarray", reallocarray},
	{"posix_memalign", posix_memalign},
	{"memalign", memalign},
	{"aligned_alloc", aligned_alloc},
	{"valloc", valloc},
	{"pvalloc", pvalloc},
	{"free", free},
	{"malloc_usable_size", malloc_usable_size},
};

/* jmp *(rip); the target's address follows. */
struct jump {
	u8 opcode[6];
	u8 target[8];
};
_Static_assert(sizeof(struct jump) == 14, "without holes");

static bool is_glibc(const struct link_map *m)
{
	return symbol_in(m, GLIBC_VERSION, NULL) && symbol_in(m, "malloc", NULL);
}

static void write_jump(u8 *at, const void *to)
{
	struct jump jump = {.opcode = {0xff, 0x25}};
	u64 page = ALIGN_DOWN((u64)at, PAGE_SIZE);
	u64 len = ALIGN_UP((u64)at + sizeof(jump), PAGE_SIZE) - page;

	memcpy(jump.target, &to, sizeof(to));
	/* Executable all the time: a signal handler may run code of the same page meanwhile. */
	if (chk_linux_call3(SYS_mprotect, page, len, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return;
	memcpy(at, &jump, sizeof(jump));
	chk_linux_call3(SYS_mprotect, page, len, PROT_READ | PROT_EXEC);
}

/* Takes over all entries of a C library or, if one of them is too short for a jump, none. */
static void take_over(const struct link_map *m)
{
	void *at[ARRAY_SIZE(entries)];
	u64 size;

	for (u32 i = 0; i < ARRAY_SIZE(entries); i++) {
		at[i] = symbol_in(m, entries[i].name, &size);
		if (at[i] && size < sizeof(struct jump))
			return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		if (at[i])
			write_jump(at[i], entries[i].ours);
}

/* Returns whether the program uses a malloc of its own, in its file or an earlier library. */
static bool has_own_malloc(void)
{
	const void *used = chk_symbol("malloc");

	return used && used != (const void *)malloc;
}

void takeover_libc(void)
{
	if (has_own_malloc())
		return;
	for (const struct link_map *m = symbol_modules(); m; m = m->next)
		if (is_glibc(m))
			take_over(m);
}

/*
 * Makes a namespace with a C library that is taken over before any code in it runs. Returns the
 * namespace, or LM_ID_NEWLM if that fails. The reference to that C library is dropped at the next
 * call: the namespace has to exist until the caller has opened its file in it.
 */
static long new_namespace(void *(*open)(long, const char *, int))
{
	static void *last;
	int (*info)(void *, int, void *) = chk_symbol("dlinfo");
	int (*close)(void *) = chk_symbol("dlclose");
	struct link_map *m;
	long space;
	void *before;

	if (!info || !close || has_own_malloc())
		return LM_ID_NEWLM;
	/* First: static TLS is given back only in the reverse order of its allocation. */
	before = __atomic_exchange_n(&last, NULL, __ATOMIC_ACQ_REL);
	if (before)
		close(before);
	m = open(LM_ID_NEWLM, LIBC_NAME, RTLD_NOW);
	if (!m || info(m, RTLD_DI_LMID, &space) < 0)
		return LM_ID_NEWLM;
	if (is_glibc(m))
		take_over(m);
	before = __atomic_exchange_n(&last, m, __ATOMIC_ACQ_REL);
	if (before) /* of another thread */
		close(before);
	return space;
}

/*
 * The last statement has to be a jump and not a call: the C library searches for the file on behalf
 * of the module that it returns to.
 */
CHK_EXPORT void *dlmopen(long space, const char *file, int mode)
{
	void *(*open)(long, const char *, int) = chk_symbol_next("dlmopen", NULL);

	if (!open)
		return NULL;
	if (space == LM_ID_NEWLM && file)
		space = new_namespace(open);
	return open(space, file, mode);
}
