// SPDX-License-Identifier: MIT
/* See init.h. */
#include <linux/fcntl.h>
#include "common/boot_info.h"
#include "common/exit_status.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/exec/exec.h"
#include "kernel/exec/init.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/task/thread.h"
#include "kernel/trace.h"

__attribute__((noreturn)) static void boot_failed(const struct exec_error *why)
{
	struct hostcall_boot_failure *failure = kzalloc(sizeof(*failure));

	if (!failure)
		panic("%s", why->text);
	failure->status = why->status;
	strlcpy(failure->text, why->text, sizeof(failure->text));
	hc_boot_failed(failure, sizeof(*failure));
	panic("the monitor went on after boot_failed");
}

void exec_first_program(void)
{
	const char *path = phys_to_virt(boot->blob_gpa);
	struct exec_args *args = kzalloc(sizeof(*args));
	struct exec_error *why = kzalloc(sizeof(*why));

	if (!args || !why)
		panic("no memory for the first program");
	KASSERT(boot->blob_size > 0 && path[boot->blob_size - 1] == '\0');
	args->chunk[0].data = path + strlen(path) + 1;
	args->chunk[0].size = boot->blob_size - strlen(path) - 1;
	args->chunks = 1;
	args->argc = boot->argc;
	args->envc = boot->envc;
	if (!CHECK_BUILT && (boot->check.flags & CHECK_ON)) {
		why->status = EXIT_BAD_KERNEL;
		strlcpy(why->text, "the kernel was built without check", sizeof(why->text));
		boot_failed(why);
	}
	if (exec_program(AT_FDCWD, path, 0, args, why) < 0)
		boot_failed(why); /* the message has only the text, not the errno */
	if (boot->flags & BOOT_TRACE)
		trace_first_program(path, args->chunk[0].data, boot->argc, boot->envc,
				    thread_frame(current())->rsp + (boot->argc + 2) * sizeof(u64));
	kfree(args);
	kfree(why);
}
