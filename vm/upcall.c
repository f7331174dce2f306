// SPDX-License-Identifier: MIT
/*
 * Upcalls: the monitor makes a vCPU look at its upcall word.
 *
 * The vCPU has just left KVM_RUN because of a kick. If a program was running, the monitor does what
 * the CPU does at an interrupt: it stores RIP, CS, RFLAGS, RSP, SS and an error code of 0 at the
 * top of the kernel stack, and sets RIP to the kernel's upcall entry. If the kernel was running, it
 * finds the word set before it leaves to the program. Only the last instructions of its way out
 * come after that check; the monitor sends a vCPU in them back to their start (exit_restart). Both
 * ring modes work alike, and need no interrupts.
 *
 * At that moment KVM may have an exception queued, which it would deliver at the RIP that the
 * monitor sets. The exception enters the kernel anyway, so the monitor then leaves the vCPU alone.
 *
 * All that is read here comes from the guest: a wrong value harms only the guest.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include "vm/vm.h"

#define FRAME_REGS_SIZE (23 * 8) /* struct trapframe, kernel/arch/x86_64/arch.h */

/*
 * Stubs of patched call sites (kernel/arch/x86_64/stubs.h). The first part of a stub always ends in
 * the kernel, which then reads the upcall word, so it counts as kernel code. The second part leads
 * back to the program, and counts as the program's code.
 */
static bool in_stub_entry(u64 rip)
{
	return rip - PATCH_IN_BASE < PATCH_SLOTS * PATCH_IN_SIZE;
}

static bool in_stub_exit(u64 rip)
{
	return rip - PATCH_OUT_BASE < PATCH_SLOTS * PATCH_OUT_SIZE;
}

static bool in_program(struct sandbox *s, const struct kvm_regs *r, const struct kvm_sregs *sr)
{
	/* In ring-3 mode the kernel's code is what is in the top 2 GiB. */
	return s->ring_mode == RING_MODE_3 ? r->rip < KERNEL_BASE || in_stub_exit(r->rip)
					   : sr->ss.dpl == 3;
}

/*
 * Returns true if the program jumped into the kernel's text (ring-3 mode): the vCPU executes that
 * text although its data page says that a program runs. On the way in and out the page says so,
 * too. There the vCPU is on the kernel stack, or in the first instructions of the entry code or the
 * last of the way out, which change the stack.
 */
static bool strayed(struct vcpu *v, const struct kvm_regs *r, const struct kvm_sregs *sr)
{
	const struct hostcall_kernel_info *k = &v->sandbox->kernel;
	u64 entry_page = VCPU_AREA_BASE + v->id * VCPU_AREA_STRIDE;

	return v->sandbox->ring_mode == RING_MODE_3 && r->rip >= KERNEL_BASE &&
	       !in_stub_entry(r->rip) && sr->cs.selector == SEL_USER_CS &&
	       READ_ONCE(v->data->in_program) &&
	       READ_ONCE(v->data->kstack_top) - r->rsp > KSTACK_SIZE &&
	       (r->rip < k->exit_start || r->rip >= k->exit_end) &&
	       r->rip - entry_page >= k->entry_head;
}

static bool exception_queued(struct vcpu *v)
{
	struct kvm_vcpu_events events;

	return ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events) < 0 || events.exception.injected;
}

static void note_stray(struct vcpu *v)
{
	__atomic_store_n(&v->data->stray, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
}

bool upcall_stray_exit(struct vcpu *v)
{
	if (v->sandbox->ring_mode != RING_MODE_3 || !READ_ONCE(v->data->in_program))
		return false;
	note_stray(v);
	/* KVM finishes the access at the next KVM_RUN; a read gets zeros. */
	if (v->run->exit_reason == KVM_EXIT_MMIO && !v->run->mmio.is_write)
		memset(v->run->mmio.data, 0, sizeof(v->run->mmio.data));
	v->run->immediate_exit = 1;
	return true;
}

void upcall_deliver(struct vcpu *v)
{
	struct sandbox *s = v->sandbox;
	const struct hostcall_kernel_info *k = &s->kernel;
	struct kvm_regs r;
	struct kvm_sregs sr;
	u64 top = READ_ONCE(v->data->kstack_top);
	bool program;

	if (!atomic_load(&s->ready) || ioctl(v->fd, KVM_GET_REGS, &r) < 0 ||
	    ioctl(v->fd, KVM_GET_SREGS, &sr) < 0)
		return;
	program = in_program(s, &r, &sr);
	if (!program && strayed(v, &r, &sr)) {
		program = true;
		note_stray(v);
	}
	if (!READ_ONCE(v->data->upcall) || (program && exception_queued(v)))
		return;
	if (program) {
		u64 frame[6] = {0, r.rip, sr.cs.selector, r.rflags, r.rsp, sr.ss.selector};
		gpa_t to = {READ_ONCE(v->data->kstack_top_gpa) - sizeof(frame)};
		void *at = memory_at(s, to, sizeof(frame));

		/*
		 * The kernel stack must not be behind a window: the file may be shorter, and the
		 * monitor would fault.
		 */
		if (!at || to.raw >= s->mem.window_base)
			return;
		memcpy(at, frame, sizeof(frame));
		r.rip = k->upcall_entry;
		r.rsp = top - sizeof(frame);
		r.rflags &= ~(u64)(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
		if (s->ring_mode == RING_MODE_0) {
			r.rflags &= ~(u64)RFLAGS_IF;
			sr.cs = (struct kvm_segment){
				.limit = ~0u,
				.selector = SEL_KERNEL_CS,
				.type = 0xb,
				.present = 1,
				.s = 1,
				.l = 1,
				.g = 1,
			};
			sr.ss = (struct kvm_segment){
				.limit = ~0u,
				.selector = SEL_KERNEL_DS,
				.type = 3,
				.present = 1,
				.s = 1,
				.db = 1,
				.g = 1,
			};
			ioctl(v->fd, KVM_SET_SREGS, &sr);
		}
		v->upcalls++;
	} else if (r.rip >= k->exit_start && r.rip < k->exit_end) {
		r.rip = k->exit_restart;
		r.rsp = top - FRAME_REGS_SIZE;
	} else {
		return;
	}
	ioctl(v->fd, KVM_SET_REGS, &r);
}

int upcall_window_fault(struct vcpu *v)
{
	struct sandbox *s = v->sandbox;
	struct kvm_regs r;
	struct kvm_sregs sr;

	if (!atomic_load(&s->ready) || ioctl(v->fd, KVM_GET_REGS, &r) < 0 ||
	    ioctl(v->fd, KVM_GET_SREGS, &sr) < 0)
		return -EFAULT;
	if (!in_program(s, &r, &sr)) {
		if (r.rip < s->kernel.copy_start || r.rip >= s->kernel.copy_end)
			return -EFAULT;
		r.rip = s->kernel.copy_fixup;
		return ioctl(v->fd, KVM_SET_REGS, &r) < 0 ? -EFAULT : 0;
	}
	__atomic_store_n(&v->data->window_fault, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
	upcall_deliver(v);
	return 0;
}
