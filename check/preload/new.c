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

typedef __SIZE_TYPE__ size_t;

static void *make(size_t size, u64 align, enum chk_function fn, bool throws,
		  const struct chk_frame *from)
{
	for (;;) {
		void *p = chk_alloc(size, align, fn, from);
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

#define NEW(name, fn, throws, align, ...)                                                          \
	CHK_EXPORT void *name(__VA_ARGS__);                                                        \
	CHK_EXPORT void *name(__VA_ARGS__)                                                         \
	{                                                                                          \
		const struct chk_frame from = CHK_CALLER;                                          \
                                                                                                   \
		return make(size, align, fn, throws, &from);                                       \
	}

#define DELETE(name, fn, ...)                                                                      \
	CHK_EXPORT void name(__VA_ARGS__);                                                         \
	CHK_EXPORT void name(__VA_ARGS__)                                                          \
	{                                                                                          \
		const struct chk_frame from = CHK_CALLER;                                          \
                                                                                                   \
		if (p)                                                                             \
			chk_release(p, fn, &from);                                                 \
	}

#define UNUSED __attribute__((unused))

/* clang-format off */
NEW(_Znwm,                              CHK_FN_NEW,       true,  1,     size_t size)
NEW(_Znam,                              CHK_FN_NEW_ARRAY, true,  1,     size_t size)
NEW(_ZnwmRKSt9nothrow_t,                CHK_FN_NEW,       false, 1,     size_t size, UNUSED const void *nothrow)
NEW(_ZnamRKSt9nothrow_t,                CHK_FN_NEW_ARRAY, false, 1,     size_t size, UNUSED const void *nothrow)
NEW(_ZnwmSt11align_val_t,               CHK_FN_NEW,       true,  align, size_t size, size_t align)
NEW(_ZnamSt11align_val_t,               CHK_FN_NEW_ARRAY, true,  align, size_t size, size_t align)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, CHK_FN_NEW,       false, align, size_t size, size_t align, UNUSED const void *nothrow)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, CHK_FN_NEW_ARRAY, false, align, size_t size, size_t align, UNUSED const void *nothrow)

DELETE(_ZdlPv,                              CHK_FN_DELETE,       void *p)
DELETE(_ZdaPv,                              CHK_FN_DELETE_ARRAY, void *p)
DELETE(_ZdlPvm,                             CHK_FN_DELETE,       void *p, UNUSED size_t size)
DELETE(_ZdaPvm,                             CHK_FN_DELETE_ARRAY, void *p, UNUSED size_t size)
DELETE(_ZdlPvRKSt9nothrow_t,                CHK_FN_DELETE,       void *p, UNUSED const void *nothrow)
DELETE(_ZdaPvRKSt9nothrow_t,                CHK_FN_DELETE_ARRAY, void *p, UNUSED const void *nothrow)
DELETE(_ZdlPvSt11align_val_t,               CHK_FN_DELETE,       void *p, UNUSED size_t align)
DELETE(_ZdaPvSt11align_val_t,               CHK_FN_DELETE_ARRAY, void *p, UNUSED size_t align)
DELETE(_ZdlPvmSt11align_val_t,              CHK_FN_DELETE,       void *p, UNUSED size_t size, UNUSED size_t align)
DELETE(_ZdaPvmSt11align_val_t,              CHK_FN_DELETE_ARRAY, void *p, UNUSED size_t size, UNUSED size_t align)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, CHK_FN_DELETE,       void *p, UNUSED size_t align, UNUSED const void *nothrow)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, CHK_FN_DELETE_ARRAY, void *p, UNUSED size_t align, UNUSED const void *nothrow)
/* clang-format on */
