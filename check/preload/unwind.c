// SPDX-License-Identifier: MIT
/*
 * See unwind.h. A walk goes up the stack frame by frame. The rule of each pc is made once from the
 * frame tables (cfi.h) and kept.
 *
 * The rules are a hash table of 64-bit words, each with the tag of a pc and its rule. A word is
 * read and written with one access, and a lost entry is made again, so threads need no locks.
 *
 * All rules and modules are forgotten when the kernel changes unwind_generation, because executable
 * mappings went or changed. No walk uses the rules of a module that goes: a module with a pc on
 * some thread's stack stays mapped.
 */
#include <asm/errno.h>
#include "check/preload/cfi.h"
#include "check/preload/guess.h"
#include "check/preload/modules.h"
#include "check/preload/peek.h"
#include "check/preload/unwind.h"
#include "check/preload/unwind_kernel.h"
#include "check/preload/unwind_memo.h"

#define FRAME_MAX    (UL(256) << 20) /* most bytes of one frame */
#define ADDRESS_BITS 47
#define SET_BITS     13
#define SETS	     (1u << SET_BITS)
#define WAYS	     2
#define RULE_BITS    30

/*
 * A rule tells how to get from a frame to its caller. It has 30 bits, enough for most frames.
 *
 *   bits 0-2   enum rule_kind
 *   bits 3-7   where the caller's RBP is: CFA - 8 * this; 0: still in RBP
 *   bits 8-29  CFA = register + 8 * this
 */
enum rule_kind {
	RULE_RSP = 1, /* CFA from RSP */
	RULE_RBP,     /* CFA from RBP */
	RULE_TABLES,  /* the rule does not fit: read the tables each time */
	RULE_GUESS,   /* no tables: look for something like a return address */
	RULE_HANDLER, /* no tables, but the code of sigreturn(2) */
	RULE_END,     /* there is no caller */
	RULE_NO_CODE, /* pc is not executable, so it is no return address */
};
#define RULE(kind, rbp, cfa) ((u32)(kind) | (u32)(rbp) << 3 | (u32)(cfa) << 8)
#define RULE_POINTER	     RULE(RULE_RBP, 2, 2) /* code that keeps a frame pointer */

static u32 rule_kind(u32 rule)
{
	return rule & 7;
}
static u64 rule_rbp(u32 rule)
{
	return (rule >> 3 & 31) * 8UL;
}
static u64 rule_cfa(u32 rule)
{
	return (u64)(rule >> 8) * 8;
}
_Static_assert(ADDRESS_BITS - SET_BITS + RULE_BITS <= 64, "a tag and a rule make a word");

static u64 rules[SETS][WAYS];

u32 unwind_generation;
static u32 seen_generation;

static void forget_all(u32 generation)
{
	u32 seen = seen_generation;

	if (!__atomic_compare_exchange_n(&seen_generation, &seen, generation, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	modules_forget();
	for (u32 i = 0; i < SETS; i++)
		for (u32 j = 0; j < WAYS; j++)
			if (READ_ONCE(rules[i][j])) /* most pages were never touched */
				WRITE_ONCE(rules[i][j], 0);
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* Returns whether pc is a sigreturn(2) trampoline: mov $15, %rax; syscall. musl's has no tables. */
static bool is_sigreturn(u64 pc)
{
	u64 words[2];

	return peek_allowed(pc) && peek_words(pc, pc + 1, words) &&
	       words[0] == UL(0x0f0000000fc0c748) && words[1] >> 56 == 0x05;
}

/* Makes a rule of a frame: RULE_TABLES unless the frame has the usual form. */
static u32 pack(const struct cfi_frame *f)
{
	u64 rbp = 0;

	if (f->ra.how == CFI_UNDEFINED)
		return RULE(RULE_END, 0, 0);
	if (f->signal || f->cfa.at != f->cfa.end || f->ra.how != CFI_OFFSET || f->ra.offset != -8 ||
	    (f->cfa_register != CFI_RSP && f->cfa_register != CFI_RBP))
		return RULE(RULE_TABLES, 0, 0);
	if (f->cfa_offset <= 0 || f->cfa_offset >> 25 || f->cfa_offset % 8)
		return RULE(RULE_TABLES, 0, 0);
	if (f->rbp.how == CFI_OFFSET) {
		rbp = -(u64)f->rbp.offset;
		if (rbp < 16 || rbp > 31 * 8 || rbp % 8)
			return RULE(RULE_TABLES, 0, 0);
	} else if (f->rbp.how != CFI_SAME && f->rbp.how != CFI_UNDEFINED) {
		return RULE(RULE_TABLES, 0, 0);
	}
	return RULE(f->cfa_register == CFI_RSP ? RULE_RSP : RULE_RBP, rbp / 8,
		    (u64)f->cfa_offset / 8);
}

/* Finds the frame of pc. Returns false if the tables lack it. *err: the result of modules_find. */
static bool find_frame(u64 pc, struct cfi_frame *frame, s64 *err)
{
	struct chk_module m;
	struct cfi_tables t;

	*err = modules_find(pc, &m);
	if (*err < 0 || (!m.frame_hdr && !m.frames))
		return false;
	t = (struct cfi_tables){m.tables,	  m.tables_end, m.frame_hdr,
				m.frame_hdr_size, m.frames,	m.frames_size};
	return cfi_find(&t, pc, frame);
}

static u32 make_rule(u64 pc)
{
	struct cfi_frame frame;
	s64 err;

	if (find_frame(pc, &frame, &err))
		return pack(&frame);
	if (err < 0 && err != -ENOENT)
		return RULE(RULE_NO_CODE, 0, 0);
	if (is_sigreturn(pc + 1))
		return RULE(RULE_HANDLER, 0, 0);
	/* Code made at run time has frame pointers as a rule, for debuggers and profilers. */
	return err == -ENOENT ? RULE_POINTER : RULE(RULE_GUESS, 0, 0);
}

/*
 * Permutes the addresses. The upper bits of the result are the set's number, the others the tag. A
 * word of the table is the tag and, in the bits below, the rule, which is never 0.
 */
static u64 mix(u64 pc)
{
	return (pc * UL(0x9e3779b97f4a7c15)) & ((1UL << ADDRESS_BITS) - 1);
}

static bool hit(u64 word, u64 tag)
{
	return (word ^ tag) - 1 < (1u << RULE_BITS) - 1;
}

/* Returns the rule of pc, which is below USER_TOP. */
static inline u32 rule_for(u64 pc)
{
	u64 mixed = mix(pc);
	u64 *set = rules[mixed >> (ADDRESS_BITS - SET_BITS)];
	u64 tag = mixed << RULE_BITS;
	u64 first = READ_ONCE(set[0]), second;
	u32 rule;

	if (hit(first, tag))
		return (u32)(first ^ tag);
	second = READ_ONCE(set[1]);
	if (hit(second, tag))
		return (u32)(second ^ tag);
	rule = make_rule(pc);
	WRITE_ONCE(set[1], first);
	WRITE_ONCE(set[0], tag | rule);
	return rule;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* Offsets from RSP of the interrupted registers in a signal handler's frame (struct ucontext). */
#define UCONTEXT_RBP 120
#define UCONTEXT_RSP 160
#define UCONTEXT_RIP 168

/* The current frame of a walk, and the words that are read for the step to its caller. */
struct walk {
	struct cfi_registers r;
	bool interrupted; /* r.rip is the instruction that a signal interrupted, no return address
			   */
	struct peek_step step;
};

/* Steps to the caller's frame at cfa. The caller's RBP is at cfa - rbp; rbp 0: it is unchanged. */
static inline bool step_to(struct walk *w, u64 cfa, u64 rbp)
{
	struct peek_step *s = &w->step;

	/* Stacks grow down, so a caller's frame is above, within FRAME_MAX. */
	if (cfa - w->r.rsp - 1 >= FRAME_MAX || !peek_allowed(cfa))
		return false;
	s->at[0] = cfa - 8;
	s->at[1] = rbp ? cfa - rbp : cfa - 8;
	if (!peek_words(s->at[0], s->at[1], s->value)) {
		s->at[0] = 0;
		return false;
	}
	w->r.rip = s->value[0];
	w->r.rsp = cfa;
	if (rbp)
		w->r.rbp = s->value[1];
	return true;
}

static bool step_by_tables(struct walk *w)
{
	struct cfi_frame frame;
	u64 rsp = w->r.rsp;
	s64 err;

	if (!find_frame(w->step.pc, &frame, &err) || !cfi_apply(&frame, &w->r))
		return false;
	w->interrupted = frame.signal;
	/* A signal handler may run on another stack than the code that it interrupted. */
	return frame.signal || w->r.rsp - rsp - 1 < FRAME_MAX;
}

static bool step_out_of_handler(struct walk *w)
{
	u64 at = w->r.rsp;

	w->interrupted = true;
	return peek(at + UCONTEXT_RIP, &w->r.rip) && peek(at + UCONTEXT_RSP, &w->r.rsp) &&
	       peek(at + UCONTEXT_RBP, &w->r.rbp);
}

static inline bool step(struct walk *w, u32 rule)
{
	switch (rule_kind(rule)) {
	case RULE_RSP:
		return step_to(w, w->r.rsp + rule_cfa(rule), rule_rbp(rule));
	case RULE_RBP:
		return step_to(w, w->r.rbp + rule_cfa(rule), rule_rbp(rule));
	case RULE_TABLES:
		return step_by_tables(w);
	case RULE_GUESS:
		return guess_caller(w->step.pc, &w->r);
	case RULE_HANDLER:
		return step_out_of_handler(w);
	default: /* RULE_END */
		return false;
	}
}

u32 unwind_stack(u64 *pcs, u32 max, u64 rip, u64 rsp, u64 rbp)
{
	struct walk w = {.r = {rip, rsp, rbp}};
	u32 generation = READ_ONCE(unwind_generation);
	struct memo_walk memo;
	bool on = true;
	u32 n = 0;

	if (generation != READ_ONCE(seen_generation))
		forget_all(generation);
	unwind_memo_begin(&memo, rsp, generation);
	while (on && n < max) {
		/* The call is before the return address, which may be in the next function. */
		u64 pc = w.interrupted ? w.r.rip : w.r.rip - 1;
		u32 rule;

		if (pc >= USER_TOP)
			break;
		n += unwind_memo_known(&memo, &pc, &w.r, max - n - 1, pcs + n);
		rule = rule_for(pc);
		if (rule_kind(rule) == RULE_NO_CODE)
			break;
		pcs[n++] = pc + 1;
		if (n == max)
			break;
		w.interrupted = false;
		w.step.pc = pc;
		w.step.rsp = w.r.rsp;
		w.step.rbp = w.r.rbp;
		w.step.at[0] = 0;
		on = step(&w, rule);
		unwind_memo_add(&memo, &w.step);
	}
	unwind_memo_end(&memo);
	return n;
}
