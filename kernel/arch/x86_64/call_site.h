/* SPDX-License-Identifier: MIT */
/*
 * Replacing a SYSCALL or CPUID instruction by a jump (SYSCALL stands for both below): which bytes
 * around it the jump replaces, and the code of the stub that does their work. Pure logic;
 * tests/unit/call_site_test.c.
 *
 * SYSCALL has two bytes, a jump through a pointer in the top 2 GiB (JMP *abs32) has seven. So
 * neighbouring instructions move into the stub. There are three forms:
 *
 *   in front   5 to 13 bytes in front of SYSCALL move, usually MOV $nr, %eax. The jump gets
 *              prefixes so that its sixth byte without them, the pointer's third, lies where
 *              SYSCALL was. That byte is 06, which is no instruction: a thread that jumps to the
 *              bare SYSCALL faults there.
 *   behind     5 bytes or more behind SYSCALL move. The jump begins where SYSCALL did.
 *   kept       7 to 13 bytes in front of SYSCALL move and make room for the jump. SYSCALL stays.
 *
 * A stub has two parts: `in` has the instructions from in front and goes to the kernel, `out` has
 * those from behind and goes back. Both hold the instructions byte for byte, so an address in the
 * moved code and one in the stub differ by a constant.
 */
#ifndef KERNEL_ARCH_X86_64_CALL_SITE_H
#define KERNEL_ARCH_X86_64_CALL_SITE_H

#include "common/types.h"
#include "common/layout.h"

#define SYSCALL_SIZE	 2 /* 0f 05; CPUID has two bytes as well, 0f a2 */
#define SITE_BEFORE_MIN	 5
#define SITE_BEFORE_MAX	 13 /* with the jump's 7 bytes and its prefixes: an instruction's 15 */
#define SITE_AFTER_MAX	 19
#define SITE_MAX	 (SYSCALL_SIZE + SITE_AFTER_MAX)
/*
 * Bytes of text on each side of SYSCALL that a plan needs. SITE_NEAR_SIDE is enough for one form;
 * for the others, the surrounding function is searched for branches.
 */
#define SITE_NEAR_SIDE	 256
#define SITE_WINDOW_SIDE 16384

struct call_site {
	u8 before, after; /* bytes that move, in front of SYSCALL and behind it; one of them is 0 */
	u8 size;	  /* bytes that the jump replaces; they begin with those in front */
	bool cpuid;	  /* the instruction is CPUID, not SYSCALL */
};

/*
 * Plans the jump from text[0, size), which has SYSCALL at offset at and SITE_NEAR_SIDE bytes on
 * either side of it, or fewer at the text's ends. Only bytes of [low, high) may be changed. Returns
 * false if no form fits: neighbours are too few, branch, or use addresses relative to RIP; a direct
 * branch leads between them; or the boundaries of the instructions in front are not certain.
 *
 * call_site_plan_near considers only the form in front that moves one instruction: no branch can
 * lead between instructions, and a branch to the SYSCALL itself faults. call_site_plan considers
 * all forms, and needs SITE_WINDOW_SIDE bytes on either side.
 */
bool call_site_plan_near(const u8 *text, u32 size, u32 at, u32 low, u32 high,
			 struct call_site *out);
bool call_site_plan(const u8 *text, u32 size, u32 at, u32 low, u32 high, struct call_site *out);

/* The address of slot's pointer. Its third byte is 06. */
static inline u64 call_site_pointer(u32 slot)
{
	return PATCH_JUMPS + (u64)(slot / PATCH_BANK) * PATCH_BANK_STRIDE +
	       (u64)(slot % PATCH_BANK) * sizeof(u64);
}

/* Writes the jump through slot's pointer: s->size bytes. */
void call_site_jump(const struct call_site *s, u32 slot, u8 *to);

/*
 * Write the two parts of the stub. region: the text that the jump will replace, and what moves with
 * it. in has PATCH_IN_SIZE bytes and will run at PATCH_IN_BASE + slot * PATCH_IN_SIZE; out has
 * PATCH_OUT_SIZE bytes. Processes that have the text at different addresses share the stub, so
 * neither part has an address of the text: `out` goes back through stub_end of the vCPU's data.
 */
void call_site_stub_in(const struct call_site *s, u32 slot, const u8 *region, u8 *in);
void call_site_stub_out(const struct call_site *s, const u8 *region, u8 *out);

/* Offset in `in` of the end of the stub's own instruction, which it uses if GS is the program's. */
#define STUB_OWN_END (PATCH_IN_OWN + SYSCALL_SIZE)

#endif
