// SPDX-License-Identifier: MIT
/*
 * Hardware breakpoints and watchpoints of tracees (Intel SDM 3B, 18.2). PTRACE_POKEUSER may write
 * what Linux's arch/x86/kernel/ptrace.c and hw_breakpoint.c allow.
 *
 * Some hosts accept the registers but never raise an exception: kvm_pvm, with KVM_SET_DEBUGREGS as
 * with KVM_SET_GUEST_DEBUG, and an AMD-V that QEMU emulates. There the thread is stepped, and after
 * each instruction its RIP and memory are compared with the breakpoints. A watchpoint is then hit
 * when the content of its memory changes. A read, or a write of the same content, is not noticed.
 * What a system call writes does not count. The first watchpoint that is hit shows which kind the
 * host is; until then both methods are used.
 *
 * The host sets the registers of a vCPU (hostcall debug_regs), in both ring modes, and only while
 * the vCPU's thread has a breakpoint, which loaded[] says. After an exception the kernel asks the
 * host for the CPU's DR6. The DR6 for PEEKUSER is kept with the reserved bits inverted, so that 0
 * is its initial value.
 */
#include <asm/siginfo.h>
#include "common/x86.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/remote.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_debug.h"
#include "kernel/task/vcpu.h"

#define SLOTS	     4
#define DR6	     6
#define DR7	     7
#define DR6_RESERVED 0xffff0ff0UL
#define DR6_STEP     (1UL << 14)
#define DR7_ENABLED  3UL /* of a slot: the local and the global bit */
#define DR7_FIXED    (1UL << 10)

enum { RW_EXECUTE, RW_WRITE, RW_IO, RW_ACCESS }; /* what a slot watches */

static bool loaded[VCPUS_MAX]; /* of each vCPU, used only by that vCPU */

/* Whether the registers work on this host; written by the first vCPU that finds out. */
enum host_regs { HOST_UNTRIED, HOST_WORKS, HOST_FAILS };
static enum host_regs host_regs;

static bool slot_enabled(u64 dr7, u32 slot)
{
	return dr7 >> 2 * slot & DR7_ENABLED;
}
static u32 slot_kind(u64 dr7, u32 slot)
{
	return dr7 >> (16 + 4 * slot) & 3;
}
/* Returns how many bytes the slot watches. */
static u64 slot_len(u64 dr7, u32 slot)
{
	static const u8 len[4] = {1, 2, 8, 4};

	return len[dr7 >> (18 + 4 * slot) & 3];
}

/* Returns true if Linux accepts a slot with this address, as DR7 describes it. */
static bool slot_valid(u64 dr7, u32 slot, u64 addr)
{
	u64 len = slot_len(dr7, slot);

	if (slot_kind(dr7, slot) == RW_IO || (slot_kind(dr7, slot) == RW_EXECUTE && len != 1))
		return false;
	return addr + len - 1 < USER_TOP && !(addr & (len - 1));
}

u64 ptrace_debug_get(const struct thread *t, u32 nr)
{
	ASSERT_HELD(&task_lock);
	return nr == DR6 ? t->ptrace.debug[nr] ^ DR6_RESERVED : t->ptrace.debug[nr];
}

static int set_address(u64 *debug, u32 slot, u64 value)
{
	if (value >= USER_TOP ||
	    (slot_enabled(debug[DR7], slot) && !slot_valid(debug[DR7], slot, value)))
		return -EINVAL;
	debug[slot] = value;
	return 0;
}

static int set_control(u64 *debug, u64 value)
{
	for (u32 i = 0; i < SLOTS; i++)
		if ((slot_enabled(value, i) || debug[i]) && !slot_valid(value, i, debug[i]))
			return -EINVAL;
	debug[DR7] = value;
	return 0;
}

int ptrace_debug_set(struct thread *t, u32 nr, u64 value)
{
	u64 *debug = t->ptrace.debug;

	ASSERT_HELD(&task_lock);
	if (nr < SLOTS)
		return set_address(debug, nr, value);
	if (nr == DR7)
		return set_control(debug, value);
	if (nr != DR6)
		return -EIO;
	debug[DR6] = value ^ DR6_RESERVED;
	return 0;
}

/*
 * Computes the registers for the CPU: the addresses, and in DR7 only the slots that are enabled.
 * Returns true if a slot is enabled.
 */
static bool hardware(const struct thread *t, u64 hw[DEBUG_REGS])
{
	const u64 *debug = t->ptrace.debug;

	memset(hw, 0, DEBUG_REGS * sizeof(*hw));
	hw[DR6] = DR6_RESERVED;
	hw[DR7] = DR7_FIXED;
	for (u32 i = 0; i < SLOTS; i++) {
		if (!slot_enabled(debug[DR7], i))
			continue;
		hw[i] = debug[i];
		hw[DR7] |= 1UL << 2 * i | (debug[DR7] & 0xfUL << (16 + 4 * i));
	}
	return hw[DR7] != DR7_FIXED;
}

/* Returns the slots that were hit since the last question, as bits of the CPU's DR6. */
static u64 ask_host(const struct thread *t)
{
	u64 hw[DEBUG_REGS];

	hardware(t, hw);
	return hc_debug_regs(hw, sizeof(hw)) ? 0 : hw[DR6] & ((1UL << SLOTS) - 1);
}

/*
 * A watchpoint may be hit for the first time: asks the host whether its registers work. found: one
 * bit for each slot whose memory has changed. Returns the slots that are hit.
 */
static u64 try_host(const struct thread *t, u64 found)
{
	bool reads = false;
	u64 told;

	for (u32 i = 0; i < SLOTS; i++)
		reads |= slot_enabled(t->ptrace.debug[DR7], i) &&
			 slot_kind(t->ptrace.debug[DR7], i) == RW_ACCESS;
	if (READ_ONCE(host_regs) != HOST_UNTRIED || (!found && !reads))
		return found;
	told = ask_host(t);
	if (told || found)
		WRITE_ONCE(host_regs, told ? HOST_WORKS : HOST_FAILS);
	return found | told;
}

/* Returns the content of the memory that the slot watches, or 0 if there is no memory. */
static u64 content(const struct thread *t, u32 slot)
{
	u64 value = 0;

	mm_remote_copy(current_mm(), t->ptrace.debug[slot], &value,
		       slot_len(t->ptrace.debug[DR7], slot), MM_REMOTE_READ | MM_REMOTE_FORCE);
	return value;
}

/*
 * Returns one bit for each slot that is hit where the thread is now. data: watchpoints are checked,
 * too.
 */
static u64 hits(struct thread *t, bool data)
{
	struct ptrace_state *s = &t->ptrace;
	struct trapframe *frame = thread_frame(t);
	u64 hit = 0, changed = 0;
	u8 next = 0;

	for (u32 i = 0; i < SLOTS; i++) {
		u64 now;

		if (!slot_enabled(s->debug[DR7], i))
			continue;
		if (slot_kind(s->debug[DR7], i) == RW_EXECUTE) {
			if (frame->rip == s->debug[i] && !(frame->rflags & RFLAGS_RF))
				hit |= 1UL << i;
			continue;
		}
		now = content(t, i);
		/*
		 * If the instruction cannot have stored there, another thread has, and the hit is
		 * that thread's.
		 */
		if (now != s->seen[i] && (s->may_store >> i & 1))
			changed |= 1UL << i;
		s->seen[i] = now;
		next |= (u8)(arch_may_store(frame, s->debug[i], slot_len(s->debug[DR7], i)) << i);
	}
	s->may_store = next;
	return data ? hit | try_host(t, changed) : hit;
}

bool ptrace_debug_arm(struct thread *t)
{
	t->ptrace.debug[DR6] = hits(t, false);
	return t->ptrace.debug[DR6];
}

bool ptrace_debug_look(struct thread *t)
{
	t->ptrace.debug[DR6] = hits(t, true);
	return t->ptrace.debug[DR6];
}

void ptrace_debug_load(struct thread *t)
{
	u64 hw[DEBUG_REGS];
	bool wanted = hardware(t, hw);
	s64 err;

	if (READ_ONCE(host_regs) != HOST_FAILS && (wanted || loaded[t->vcpu])) {
		err = hc_debug_regs(hw, sizeof(hw));
		loaded[t->vcpu] = wanted && !err;
		if (err)
			WRITE_ONCE(host_regs, HOST_FAILS);
	}
	t->ptrace.watched = wanted && READ_ONCE(host_regs) != HOST_WORKS;
}

int ptrace_debug_trap(struct thread *t)
{
	struct trapframe *frame = thread_frame(t);
	u64 hw[DEBUG_REGS], hit;

	if (t->ptrace.watched) {
		/* ptrace_debug_look was called before, unless the tracer steps the thread. */
		hit = t->ptrace.step ? hits(t, true) : t->ptrace.debug[DR6];
		for (u32 i = 0; i < SLOTS; i++)
			if (hit & 1UL << i && slot_kind(t->ptrace.debug[DR7], i) == RW_EXECUTE)
				frame->rflags |= RFLAGS_RF;
		t->ptrace.debug[DR6] = hit | (t->ptrace.step ? DR6_STEP : 0);
		return hit ? TRAP_HWBKPT : TRAP_TRACE;
	}
	t->ptrace.debug[DR6] = 0;
	if (!loaded[t->vcpu]) {
		t->ptrace.debug[DR6] = DR6_STEP;
		return TRAP_TRACE;
	}
	/* Sets the same registers again; the host returns the previous DR6. */
	hardware(t, hw);
	if (hc_debug_regs(hw, sizeof(hw)))
		hw[DR6] = DR6_STEP;
	hit = hw[DR6] & ((1UL << SLOTS) - 1);
	for (u32 i = 0; i < SLOTS; i++) {
		if (!slot_enabled(t->ptrace.debug[DR7], i))
			hit &= ~(1UL << i);
		/*
		 * The exception is a fault, so the instruction is still to come. RF keeps it from
		 * trapping again.
		 */
		else if (hit & 1UL << i && slot_kind(t->ptrace.debug[DR7], i) == RW_EXECUTE)
			frame->rflags |= RFLAGS_RF;
	}
	t->ptrace.debug[DR6] = hit | (hw[DR6] & DR6_STEP);
	return hit ? TRAP_HWBKPT : TRAP_TRACE;
}
