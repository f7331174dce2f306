/* See guess.h. Only code of modules that were met before is looked at: it costs no system calls. */
#include "heap/guess.h"
#include "heap/modules.h"
#include "heap/peek.h"
#include "heap/unwind_kernel.h"

#define WORDS	     96		  /* of the stack: frames of C libraries are small */
#define FUNCTION_MAX (64UL << 10) /* bytes of a function */
#define FRAME_MAX    (1UL << 20)  /* between a frame and the one that RBP of its function shows */

/*
 * The 8 bytes in front of a return address. 0: no call; 1: a call of *target; 2: of what a
 * register or memory says.
 */
static int call_before(u64 at, u64 *target)
{
	const u8 *b;
	u64 code;

	if (!peek(at - 8, &code))
		return 0;
	b = (const u8 *)&code;
	if (b[3] == 0xe8) { /* call rel32 */
		*target = at + (u64)(s64)(s32)(code >> 32);
		return 1;
	}
	if (b[6] == 0xff && (b[7] & 0xf8) == 0xd0) /* call *%reg */
		return 2;
	if (b[5] == 0xff && (b[6] & 0xf8) == 0x50) /* call *disp8(%reg) */
		return 2;
	if (b[4] == 0xff && b[5] == 0x54) /* call *disp8(%rsp) and other sums */
		return 2;
	if (b[2] == 0xff &&
	    (b[3] == 0x15 || (b[3] & 0xf8) == 0x90)) /* call *disp32(%reg or %rip) */
		return 2;
	return 0;
}

/* Can the call before this address have led to pc, which is in module m? */
static bool leads_to(u64 at, u64 pc, const struct heap_module *m)
{
	struct heap_module from;
	u64 target = 0;
	int call;

	if (at >= USER_TOP || !modules_known(at - 1, &from))
		return false;
	call = call_before(at, &target);
	if (call != 1)
		return call == 2;
	/* Inside of a module it is a call of the function itself, else by way of the PLT. */
	return from.start != m->start ? target - m->start >= m->end - m->start
				      : pc - target < FUNCTION_MAX;
}

/* Is this a frame pointer of a function whose stack is above at? */
static bool is_frame(u64 rbp, u64 at)
{
	struct heap_module from;
	u64 caller, target;

	return rbp - at - 1 < FRAME_MAX && peek(rbp + 8, &caller) && caller < USER_TOP &&
	       modules_known(caller - 1, &from) && call_before(caller, &target);
}

/*
 * What RBP was. If the function has saved it, then between its RSP and its return address: near
 * that, for registers are saved first and what is below may be old.
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
	struct heap_module m, program;
	u64 word;

	if (modules_find(pc, &m) < 0)
		return false;
	modules_find(unwind_program, &program); /* the likeliest caller is to be known */
	for (u64 at = r->rsp; at < r->rsp + WORDS * 8; at += 8) {
		if (!peek(at, &word))
			return false;
		if (leads_to(word, pc, &m)) {
			*r = (struct cfi_registers){word, at + 8, find_rbp(r->rbp, r->rsp, at)};
			return true;
		}
	}
	return false;
}
