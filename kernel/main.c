// SPDX-License-Identifier: MIT
/* Initialization of the kernel, from the bootstrap's jump to the first program's start. */
#include "common/boot_info.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/exec/debugger.h"
#include "kernel/exec/init.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/frame.h"
#include "kernel/proc/proc.h"
#include "kernel/task/process.h"

#define COST_ROUNDS 8

void kernel_main(u64 boot_info_gpa);

/* Logs what a hostcall costs on this host, measured with one that fails at once. */
static void announce_cost(void)
{
	for (int i = 0; i < COST_ROUNDS; i++)
		hc_lseek(-1, 0, 0);
	klog(1, "a hostcall costs %lu ns (%lu TSC cycles)", hostcall_cost_ns(), hostcall_cost());
}

static void on_thread_stack(void *arg)
{
	struct thread *t = arg;

	arch_kstack_use(t->context.kstack);
	arch_announce();
	if (boot->flags & BOOT_VERBOSE) {
		arch_describe_cpu();
		announce_cost();
	}
	exec_first_program();
	exec_debugger();
	arch_exit_to_program(thread_frame(t));
}

void kernel_main(u64 boot_info_gpa)
{
	struct thread *first;

	arch_init(boot_info_gpa);
	KASSERT(boot->magic == BOOT_INFO_MAGIC && boot->abi_version == ABI_VERSION);
	arch_vcpu_init();
	arch_fpu_init();
	frame_init();
	stubs_init();
	task_init();
	proc_init();

	first = TAILQ_FIRST(&init_process->threads);
	arch_kstack_bind(first->context.kstack, first, 0);
	arch_enter_stack(thread_frame(first), on_thread_stack, first);
}
