// SPDX-License-Identifier: MIT
/* execve(2) under check: chooses how the heap library gets into the new program. */
#include "kernel/exec/binary.h"
#include "kernel/exec/stack.h"
#include "kernel/check/heap.h"
#include "kernel/check/inject.h"
#include "kernel/check/static.h"

int chk_exec(struct mm *mm, const struct binary *program, const char *loader, const char *filename,
	     struct exec_stack *stack)
{
	int ret;

	if (chk_is_loader(loader ? loader : filename)) {
		mm->check->musl = chk_is_musl(loader ? loader : filename);
		stack->inject = &mm->check->preload;
		stack->preload = chk_preload(stack->chunk, stack->chunks, stack->argc);
		return 0;
	}
	if (loader) {
		chk_unwatched(filename, "its interpreter is no ld.so that is known");
		return 0;
	}
	ret = chk_static(program, mm, filename);
	return ret < 0 ? binary_fail_errno(program, -ret) : 0;
}
