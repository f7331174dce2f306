// SPDX-License-Identifier: MIT
/*
 * Operator new and delete of C++ in all their forms, by their mangled names (Itanium C++ ABI,
 * 5.1.3). The release of an object by a function that does not match its allocation is a bug;
 * chk_releases (check/abi/call.h) decides that.
 *
 * Without memory, make() calls the program's new_handler, then throws std::bad_alloc with the
 * function of the program's C++ library. Both are looked up only then.
 */
#include "check/preload/library.h"
#include "check/preload/symbol.h"
#include "libc/string.h"

typedef __SIZE_TYPE__ size_t;

/* The caller's state comes in registers: its address would keep the callers from jumping. */
__attribute__((noinline)) static void *make(size_t size, u64 align, u32 fn, bool throws, u64 rip,
					    u64 rsp, u64 rbp)
{
	const struct chk_frame from = {rip, rsp, rbp};

	for (;;) {
		void *p = chk_alloc(size, align, fn, &from);
		void (*(*get_handler)(void))(void);
		void (*fail)(void);

		if (p)
			return p;
		get_handler = chk_symbol("_ZSt15get_new_handlerv");
		if (get_handler && get_handler()) {
			get_handler()();
			continue;
		}
		fail = throws ? chk_symbol("_ZSt17__throw_bad_allocv") : NULL;
		if (fail)
			fail();
		return NULL;
	}
}

__attribute__((noinline)) static void release(void *p, u32 fn, u64 size, u64 rip, u64 rsp, u64 rbp)
{
	const struct chk_frame from = {rip, rsp, rbp};

	if (p)
		chk_release(p, fn, size, &from);
}

/*
 * A library may define operators of its own, and calls within it may be bound to them
 * (-Bsymbolic). If this library took only the other calls over, the two would not fit. So where the
 * operator behind this library is not the C++ library's, the program keeps it. An allocator that
 * defines malloc, too, is replaced as a whole.
 */
static bool is_runtime(const char *name)
{
	static const char *const runtimes[] = {"libstdc++", "libc++", "libcxxrt", "libsupc++"};

	for (const char *s = name; s && *s; s++)
		for (u32 i = 0; i < ARRAY_SIZE(runtimes); i++)
			if (!strncmp(s, runtimes[i], strlen(runtimes[i])))
				return true;
	return false;
}

static void *look_up(const char *name)
{
	const struct link_map *in;
	void *to = chk_symbol_next(name, &in);

	return !to || is_runtime(in->name) || symbol_in(in, "malloc", NULL) ? NULL : to;
}

/* The result of look_up, which is taken once for each operator. */
struct theirs {
	u32 known;
	void *to;
};

static void *theirs(struct theirs *t, const char *name)
{
	if (__builtin_expect(!__atomic_load_n(&t->known, __ATOMIC_ACQUIRE), 0)) {
		t->to = look_up(name);
		__atomic_store_n(&t->known, 1, __ATOMIC_RELEASE);
	}
	return t->to;
}

/* The code of an alignment, if the user wants alignments and sizes to be compared; else 0. */
static u32 code(u64 align)
{
	return chk_started()->config.flags & CHECK_SIZED_DELETE ? chk_align_code(align) : 0;
}

static u64 said(u64 size)
{
	return chk_started()->config.flags & CHECK_SIZED_DELETE ? size : CHK_SIZE_UNKNOWN;
}

/* The call of the program's own operator has to be a jump, so that this library is in no stack. */
#define NEW(name, fn, code, throws, align, arguments, ...)                                         \
	CHK_EXPORT void *name(__VA_ARGS__);                                                        \
	CHK_EXPORT void *name(__VA_ARGS__)                                                         \
	{                                                                                          \
		static struct theirs own;                                                          \
		const struct chk_frame from = CHK_CALLER;                                          \
		__typeof__(&name) to = theirs(&own, #name);                                        \
                                                                                                   \
		if (__builtin_expect(to != NULL, 0))                                               \
			return to arguments;                                                       \
		return make(size, align, CHK_FN(fn, code), throws, from.rip, from.rsp, from.rbp);  \
	}

#define DELETE(name, fn, code, size, arguments, ...)                                               \
	CHK_EXPORT void name(__VA_ARGS__);                                                         \
	CHK_EXPORT void name(__VA_ARGS__)                                                          \
	{                                                                                          \
		static struct theirs own;                                                          \
		const struct chk_frame from = CHK_CALLER;                                          \
		__typeof__(&name) to = theirs(&own, #name);                                        \
                                                                                                   \
		if (__builtin_expect(to != NULL, 0)) {                                             \
			to arguments;                                                              \
			return;                                                                    \
		}                                                                                  \
		release(p, CHK_FN(fn, code), size, from.rip, from.rsp, from.rbp);                  \
	}

/* clang-format off */
NEW(_Znwm,                              CHK_FN_NEW,       0,           true,  1,     (size), size_t size)
NEW(_Znam,                              CHK_FN_NEW_ARRAY, 0,           true,  1,     (size), size_t size)
NEW(_ZnwmRKSt9nothrow_t,                CHK_FN_NEW,       0,           false, 1,     (size, tag), size_t size, const void *tag)
NEW(_ZnamRKSt9nothrow_t,                CHK_FN_NEW_ARRAY, 0,           false, 1,     (size, tag), size_t size, const void *tag)
NEW(_ZnwmSt11align_val_t,               CHK_FN_NEW,       code(align), true,  align, (size, align), size_t size, size_t align)
NEW(_ZnamSt11align_val_t,               CHK_FN_NEW_ARRAY, code(align), true,  align, (size, align), size_t size, size_t align)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, CHK_FN_NEW,       code(align), false, align, (size, align, tag), size_t size, size_t align, const void *tag)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, CHK_FN_NEW_ARRAY, code(align), false, align, (size, align, tag), size_t size, size_t align, const void *tag)

DELETE(_ZdlPv,                              CHK_FN_DELETE,       0,           CHK_SIZE_UNKNOWN, (p), void *p)
DELETE(_ZdaPv,                              CHK_FN_DELETE_ARRAY, 0,           CHK_SIZE_UNKNOWN, (p), void *p)
DELETE(_ZdlPvm,                             CHK_FN_DELETE,       0,           said(size),       (p, size), void *p, size_t size)
DELETE(_ZdaPvm,                             CHK_FN_DELETE_ARRAY, 0,           said(size),       (p, size), void *p, size_t size)
DELETE(_ZdlPvRKSt9nothrow_t,                CHK_FN_DELETE,       0,           CHK_SIZE_UNKNOWN, (p, tag), void *p, const void *tag)
DELETE(_ZdaPvRKSt9nothrow_t,                CHK_FN_DELETE_ARRAY, 0,           CHK_SIZE_UNKNOWN, (p, tag), void *p, const void *tag)
DELETE(_ZdlPvSt11align_val_t,               CHK_FN_DELETE,       code(align), CHK_SIZE_UNKNOWN, (p, align), void *p, size_t align)
DELETE(_ZdaPvSt11align_val_t,               CHK_FN_DELETE_ARRAY, code(align), CHK_SIZE_UNKNOWN, (p, align), void *p, size_t align)
DELETE(_ZdlPvmSt11align_val_t,              CHK_FN_DELETE,       code(align), said(size),       (p, size, align), void *p, size_t size, size_t align)
DELETE(_ZdaPvmSt11align_val_t,              CHK_FN_DELETE_ARRAY, code(align), said(size),       (p, size, align), void *p, size_t size, size_t align)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, CHK_FN_DELETE,       code(align), CHK_SIZE_UNKNOWN, (p, align, tag), void *p, size_t align, const void *tag)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, CHK_FN_DELETE_ARRAY, code(align), CHK_SIZE_UNKNOWN, (p, align, tag), void *p, size_t align, const void *tag)
/* clang-format on */
