/* The heap library's system calls (common/heap_call.h). */
#include "common/heap_call.h"
#include "kernel/heap/heap.h"
#include "kernel/heap/inject.h"
#include "kernel/heap/module.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/syscall.h"

static s64 call_start(const struct syscall_args *args)
{
	struct heap_start start = {.config = boot->check};

	heap_inject_undo();
	return copy_to_user(args->a[0], &start, sizeof(start));
}

static s64 (*const calls[HEAP_CALLS])(const struct syscall_args *args) = {
	[HEAP_CALL_START] = call_start,
	[HEAP_CALL_UNWIND] = heap_call_unwind,
	[HEAP_CALL_MODULE] = heap_call_module,
};

s64 heap_call(u64 op, const struct syscall_args *args)
{
	return op < HEAP_CALLS ? calls[op](args) : -ENOSYS;
}
