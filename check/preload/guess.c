// SPDX-License-Identifier: MIT
/*
 * See guess.h. A word counts as a return address only if it points into a module that is known
 * already, because asking the kernel about each word would cost a system call.
 */
#include "check/preload/guess.h"
#include "check/preload/modules.h"
#include "check/preload/peek.h"
#include "check/preload/unwind_kernel.h"

#define WORDS	     256 /* searched: frames of C libraries are small, qsort has 1 KiB */
#define WORDS_WEAK   8	 /* searched if the call may have called another function than pc's */
#define FUNCTION_MAX (16UL << 10) /* bytes of a function */
#define JUMP_WITHIN  48		  /* bytes of a function that ends in a tail call, as vsprintf */
#define CALL_INTO    FUNCTION_MAX
#define CALL_OPEN    (FUNCTION_MAX + 1)
#define NO_CALL	     (-1UL)
#define FRAME_MAX    (1UL << 20) /* bytes between a frame and the one that RBP points to */

enum call {
	CALL_NONE,
	CALL_TO,      /* a call of *target */
	CALL_THROUGH, /* a call of the address that is in memory at *target */
	CALL_ANYWHERE /* a call of an address that a register or a structure has */
};

/* Returns the kind of call in front of return address at, by the 8 bytes before it. */
static enum call call_before(u64 at, u64 *target)
{
	const u8 *b;
	u64 code;

	if (!peek(at - 8, &code))
		return CALL_NONE;
	b = (const u8 *)&code;
	*target = at + (u64)(s64)(s32)(code >> 32);
	if (b[3] == 0xe8) /* call rel32 */
		return CALL_TO;
	if (b[2] == 0xff && b[3] == 0x15) /* call *disp32(%rip) */
		return CALL_THROUGH;
	if (b[6] == 0xff && (b[7] & 0xf8) == 0xd0) /* call *%reg */
		return CALL_ANYWHERE;
	if (b[5] == 0xff && (b[6] & 0xf8) == 0x50) /* call *disp8(%reg) */
		return CALL_ANYWHERE;
	if (b[4] == 0xff && b[5] == 0x54) /* call *disp8(%rsp) and other sums */
		return CALL_ANYWHERE;
	if (b[2] == 0xff && (b[3] & 0xf8) == 0x90) /* call *disp32(%reg) */
		return CALL_ANYWHERE;
	return CALL_NONE;
}

/* Finds the word that a PLT entry jumps through. An endbr64 and a prefix may precede the jump. */
static bool plt_word(u64 entry, u64 *word)
{
	u64 code[2];

	if (!peek(entry, &code[0]) || !peek(entry + 8, &code[1]))
		return false;
	for (u32 i = 0; i <= 5; i++) {
		const u8 *b = (const u8 *)code + i;
		s32 distance;

		if (b[0] != 0xff || b[1] != 0x25) /* jmp *disp32(%rip) */
			continue;
		__builtin_memcpy(&distance, b + 2, sizeof(distance));
		*word = entry + i + 6 + (u64)(s64)distance;
		return true;
	}
	return false;
}

/*
 * If function soon jumps to at most FUNCTION_MAX before pc, returns how far before; else NO_CALL.
 */
static u64 jump_distance(u64 function, u64 pc)
{
	u8 code[JUMP_WITHIN + 8];

	for (u32 i = 0; i < sizeof(code); i += 8) {
		u64 word;

		if (!peek(function + i, &word))
			return NO_CALL;
		__builtin_memcpy(code + i, &word, sizeof(word));
	}
	for (u32 i = 0; i + 5 <= JUMP_WITHIN; i++) {
		s32 rel;
		u64 to;

		if (code[i] != 0xe9) /* jmp rel32 */
			continue;
		__builtin_memcpy(&rel, code + i + 1, sizeof(rel));
		to = function + i + 5 + (u64)(s64)rel;
		if (pc - to < FUNCTION_MAX)
			return pc - to;
	}
	return NO_CALL;
}

/*
 * Returns the distance of pc, in module m, from the function that the call before return address at
 * calls. CALL_INTO: another module calls a function of m, which may have jumped to pc's function.
 * CALL_OPEN: the called function is not known. NO_CALL: the call cannot have led to pc.
 */
static u64 distance(u64 at, u64 pc, const struct chk_module *m)
{
	struct chk_module from;
	u64 target;
	enum call call;

	if (at >= USER_TOP || !modules_known(at - 1, &from))
		return NO_CALL;
	/* The heap library calls no other module, but its old return addresses fill the stack. */
	if (modules_is_own(&from) && from.start != m->start)
		return NO_CALL;
	call = call_before(at, &target);
	if (call == CALL_ANYWHERE)
		return CALL_OPEN;
	if (call == CALL_TO && target - m->start >= m->end - m->start)
		call = plt_word(target, &target) ? CALL_THROUGH : CALL_NONE;
	if (call == CALL_NONE || (call == CALL_THROUGH && !peek(target, &target)))
		return NO_CALL;
	if (pc - target < FUNCTION_MAX)
		return pc - target;
	if (target - m->start >= m->end - m->start)
		return NO_CALL;
	target = jump_distance(target, pc);
	return target == NO_CALL && from.start != m->start ? CALL_INTO : target;
}

/* Returns whether rbp is a frame pointer of a function whose frame is above at. */
static bool is_frame(u64 rbp, u64 at)
{
	struct chk_module from;
	u64 caller, target;

	return rbp - at - 1 < FRAME_MAX && peek(rbp + 8, &caller) && caller < USER_TOP &&
	       modules_known(caller - 1, &from) && call_before(caller, &target);
}

/*
 * Returns the caller's RBP. If the function has saved it, it lies between RSP and the return
 * address. The search begins at the return address, because functions save registers first, and
 * words further below may be old.
 */
static u64 find_rbp(u64 rbp, u64 rsp, u64 end)
{
	u64 word;

	if (is_frame(rbp, end))
		return rbp;
	for (u64 at = end; at > rsp && peek(at - 8, &word); at -= 8)
		if (is_frame(word, end))
			return word;
	return rbp;
}

bool guess_caller(u64 pc, struct cfi_registers *r)
{
	u64 word, found = 0, caller = 0, nearest = NO_CALL;
	struct chk_module m, program;

	if (modules_find(pc, &m) < 0)
		return false;
	modules_find(unwind_program, &program); /* makes the most likely caller's module known */
	/* The function that starts nearest before pc is pc's own. Takes its innermost call. */
	for (u64 at = r->rsp; at < r->rsp + WORDS * 8 && peek(at, &word); at += 8) {
		u64 d = distance(word, pc, &m);

		/* Rather find no caller than one that an earlier call left in a large frame. */
		if (d >= nearest || (d >= CALL_INTO && at - r->rsp >= WORDS_WEAK * 8))
			continue;
		nearest = d;
		found = at;
		caller = word;
	}
	if (nearest == NO_CALL)
		return false;
	*r = (struct cfi_registers){caller, found + 8, find_rbp(r->rbp, r->rsp, found)};
	return true;
}
