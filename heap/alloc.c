/* The work behind malloc and its family: each object is the kernel's, see common/heap_call.h. */
#include <asm/errno.h>
#include "heap/library.h"
#include "heap/syscall.h"

void *heap_alloc(u64 size, u64 align, enum heap_function fn, const struct heap_frame *from)
{
	s64 p;

	heap_started();
	p = heap_syscall4(HEAP_CALL_ALLOC, size, align, fn, heap_stack_id(from));
	if (p > 0)
		return (void *)p;
	heap_set_errno(ENOMEM);
	return NULL;
}

void heap_release(void *p, enum heap_function fn, const struct heap_frame *from)
{
	heap_started();
	heap_syscall4(HEAP_CALL_FREE, (u64)p, fn, heap_stack_id(from), 0);
}

void *heap_resize(void *p, u64 size, const struct heap_frame *from)
{
	s64 q = heap_syscall4(HEAP_CALL_REALLOC, (u64)p, size, heap_stack_id(from), 0);

	if (q > 0)
		return (void *)q;
	heap_set_errno(ENOMEM);
	return NULL;
}

u64 heap_size(const void *p)
{
	s64 size = heap_syscall1(HEAP_CALL_SIZE, (u64)p);

	return size > 0 ? (u64)size : 0;
}

void heap_bad_size(u64 size, enum heap_function fn, const struct heap_frame *from)
{
	const struct heap_bug bug = {
		.kind = CHECK_BAD_SIZE,
		.fn = fn,
		.stack = heap_stack_id(from),
		.size = size,
	};

	heap_syscall1(HEAP_CALL_BUG, (u64)&bug);
}
