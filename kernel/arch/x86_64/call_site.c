// SPDX-License-Identifier: MIT
/* See call_site.h. */
#include "kernel/arch/x86_64/call_site.h"
#include "common/vcpu_area.h"
#include "kernel/arch/x86_64/insn_length.h"
#include "libc/string.h"

#define SYSCALL_BYTE  0x05 /* after 0f */
#define CPUID_BYTE    0xa2
#define JUMP_SIZE     7
#define JUMP_PREFIX   0x3e /* DS: a near jump ignores it */
#define NO_INSN	      0x06 /* PUSH ES: undefined in 64-bit mode */

/*
 * Decoding begins at STARTS addresses, STRIDE bytes apart, the first SYNC bytes in front of
 * SYSCALL. Decoding from a wrong address usually meets the true boundaries after a few
 * instructions, but not in text that repeats itself, such as wrappers of system calls. So three
 * quarters of the starts that meet SYSCALL, which are at least STARTS_MEET, have to agree.
 */
#define SYNC	      160
#define STARTS	      20
#define STRIDE	      5
#define STARTS_MEET   10
#define AFTER_SYSCALL 136 /* a short branch reaches 128 bytes back */

/* Boundaries of instructions in front of SYSCALL as distances from it, the nearest first. */
struct front {
	u32 count;
	u8 distance[SITE_BEFORE_MAX + 1];
	u32 start; /* offset of the first start that found them */
};

/* Decodes from start on. Returns false if no instruction ends where SYSCALL begins. */
static bool front_from(const u8 *text, u32 start, u32 at, struct front *f)
{
	bool boundary[SITE_BEFORE_MAX + 1] = {false};
	struct insn i;

	for (u32 p = start; p < at; p += i.length) {
		if (at - p <= SITE_BEFORE_MAX)
			boundary[at - p] = true;
		if (!insn_decode(text + p, at - p, &i))
			return false;
	}
	f->start = start;
	f->count = 0;
	for (u8 d = 1; d <= SITE_BEFORE_MAX; d++)
		if (boundary[d])
			f->distance[f->count++] = d;
	return true;
}

static bool same_front(const struct front *a, const struct front *b)
{
	return a->count == b->count && !memcmp(a->distance, b->distance, a->count);
}

/* Finds the boundaries in front of SYSCALL. Returns false if they are not certain. */
static bool find_front(const u8 *text, u32 at, struct front *f)
{
	struct front seen[STARTS];
	u32 votes[STARTS] = {0}, met = 0, kinds = 0;

	if (at < SYNC)
		return false;
	for (u32 n = 0; n < STARTS; n++) {
		u32 k = 0;

		if (!front_from(text, at - SYNC + n * STRIDE, at, &seen[kinds]))
			continue;
		while (!same_front(&seen[k], &seen[kinds]))
			k++;
		if (k == kinds)
			kinds++;
		votes[k]++;
		met++;
	}
	for (u32 k = 0; k < kinds; k++)
		if (met >= STARTS_MEET && votes[k] * 4 >= met * 3) {
			*f = seen[k];
			return true;
		}
	return false;
}

/* NOP of any length, or ENDBR, which has an opcode of NOP: both can mark the target of a jump. */
static bool is_nop(const u8 *insn, u32 length)
{
	u32 p = 0;

	while (p < length &&
	       (insn[p] == 0x66 || insn[p] == 0xf3 || insn[p] == 0x2e || (insn[p] & 0xf0) == 0x40))
		p++;
	return p < length && (insn[p] == 0x90 || (insn[p] == 0x0f && p + 1 < length &&
						  (insn[p + 1] == 0x1e || insn[p + 1] == 0x1f)));
}

static bool is_movable(const u8 *code, u32 size, struct insn *i)
{
	return insn_decode(code, size, i) && i->flow == INSN_PLAIN && !i->rip_relative &&
	       !is_nop(code, i->length);
}

/* MOV $15, %eax or %rax: unwinders recognize rt_sigreturn's caller by these bytes. */
static bool is_sigreturn(const u8 *code, u32 length)
{
	return (length == 5 && code[0] == 0xb8 && code[1] == 15 && !code[2]) ||
	       (length == 7 && code[0] == 0x48 && code[1] == 0xc7 && code[3] == 15 && !code[4]);
}

/* Returns the fewest bytes in front that can move, but at least `least`; 0: none. */
static u8 plan_before(const u8 *text, u32 at, const struct front *f, u32 least)
{
	struct insn i;

	for (u32 n = 0; n < f->count; n++) {
		u8 d = f->distance[n];

		if (!is_movable(text + at - d, d, &i) || is_sigreturn(text + at - d, i.length))
			return 0;
		if (d >= least)
			return d;
	}
	return 0;
}

/*
 * The instruction may set GS: MOV or POP to a segment register, LSS, LFS, LGS, WRGSBASE. The end of
 * the stub needs the kernel's GS. Takes some other instructions for one of these.
 */
static bool may_set_gs(const u8 *insn, u32 length)
{
	u32 p = 0;

	while (p < length &&
	       (insn[p] == 0x66 || insn[p] == 0xf3 || insn[p] == 0xf2 || insn[p] == 0x2e ||
		insn[p] == 0x3e || insn[p] == 0x26 || insn[p] == 0x36 || insn[p] == 0x64 ||
		insn[p] == 0x65 || insn[p] == 0x67 || (insn[p] & 0xf0) == 0x40))
		p++;
	if (p + 1 >= length)
		return false;
	if (insn[p] != 0x0f)
		return insn[p] == 0x8e;
	switch (insn[p + 1]) {
	case 0xa1: /* POP FS, GS */
	case 0xa9:
	case 0xb2: /* LSS, LFS, LGS */
	case 0xb4:
	case 0xb5:
	case 0xae: /* WRGSBASE, and others with state of the CPU */
		return true;
	default:
		return false;
	}
}

static u8 plan_after(const u8 *text, u32 size, u32 at)
{
	u32 p = at + SYSCALL_SIZE;
	struct insn i;

	while (p < at + JUMP_SIZE) {
		if (!is_movable(text + p, size - p, &i) || may_set_gs(text + p, i.length))
			return 0;
		p += i.length;
	}
	return (u8)(p - at - SYSCALL_SIZE);
}

/* The target lies strictly inside the region: neither at its start nor at its end. */
static bool inside(u32 at, const struct call_site *s, s64 target)
{
	s64 start = (s64)at - s->before;

	return target > start && target < start + s->size;
}

/* Returns whether a direct branch of the text leads into the region. start: from find_front. */
static bool branched_into(const u8 *text, u32 size, u32 at, u32 start, const struct call_site *s)
{
	u32 end = size - at > AFTER_SYSCALL ? at + AFTER_SYSCALL : size;
	u32 inner = at - s->before + 1; /* offset of the first byte inside; sums may wrap around */
	struct insn i;

	/* Short branches: decode the neighbourhood. A byte that cannot be decoded is data. */
	for (u32 p = start; p < end; p += i.length) {
		if (!insn_decode(text + p, size - p, &i)) {
			i.length = 1;
			continue;
		}
		if ((i.flow == INSN_BRANCH || i.flow == INSN_JUMP) &&
		    inside(at, s, (s64)p + i.length + i.target))
			return true;
	}
	/* Long branches: take any bytes for one that look like one, at any offset. */
	for (u32 p = 1; p + 4 <= size; p++) {
		u32 distance;

		memcpy(&distance, text + p, sizeof(distance));
		if (p + 4 + distance - inner < s->size - 1u &&
		    (text[p - 1] >> 1 == 0xe8 >> 1 || text[p - 1] >> 4 == 8))
			return true;
	}
	return false;
}

/* The forms that the neighbours allow, in order of preference. */
struct forms {
	struct call_site form[3];
	struct front front;
	bool single; /* form[0] is the form of call_site_plan_near */
};

static bool find_forms(const u8 *text, u32 size, u32 at, struct forms *f)
{
	struct call_site in_front, behind;
	u8 before, after, kept;

	if (at + SYSCALL_SIZE > size || text[at] != 0x0f ||
	    (text[at + 1] != SYSCALL_BYTE && text[at + 1] != CPUID_BYTE) ||
	    !find_front(text, at, &f->front))
		return false;
	before = plan_before(text, at, &f->front, SITE_BEFORE_MIN);
	after = plan_after(text, size, at);
	kept = plan_before(text, at, &f->front, JUMP_SIZE);
	in_front = (struct call_site){.before = before, .size = before + SYSCALL_SIZE};
	behind = (struct call_site){.after = after, .size = SYSCALL_SIZE + after};
	/* One instruction in front is best, because no boundary lies inside the region. */
	f->single = before && before == f->front.distance[0];
	f->form[0] = f->single ? in_front : behind;
	f->form[1] = f->single ? behind : in_front;
	f->form[2] = (struct call_site){.before = kept, .size = kept};
	return true;
}

/* Chooses the first of count forms that fits. */
static bool choose(const u8 *text, u32 size, u32 at, u32 low, u32 high, const struct forms *f,
		   u32 count, struct call_site *out)
{
	for (u32 n = 0; n < count; n++) {
		const struct call_site *s = &f->form[n];

		if ((!s->before && !s->after) || at < low + s->before ||
		    at - s->before + s->size > high ||
		    branched_into(text, size, at, f->front.start, s))
			continue;
		*out = *s;
		out->cpuid = text[at + 1] == CPUID_BYTE;
		return true;
	}
	return false;
}

bool call_site_plan_near(const u8 *text, u32 size, u32 at, u32 low, u32 high, struct call_site *out)
{
	struct forms f;

	return find_forms(text, size, at, &f) && f.single &&
	       choose(text, size, at, low, high, &f, 1, out);
}

bool call_site_plan(const u8 *text, u32 size, u32 at, u32 low, u32 high, struct call_site *out)
{
	struct forms f;

	return find_forms(text, size, at, &f) &&
	       choose(text, size, at, low, high, &f, sizeof(f.form) / sizeof(f.form[0]), out);
}

static u8 *put(u8 *to, const void *from, u32 size)
{
	memcpy(to, from, size);
	return to + size;
}

void call_site_jump(const struct call_site *s, u32 slot, u8 *to)
{
	static const u8 jump[] = {0xff, 0x24, 0x25};
	u32 pointer = (u32)call_site_pointer(slot);
	/* Form in front: the pointer's byte 06 has to lie where SYSCALL began. */
	u32 prefixes = s->before && s->size > s->before ? s->before - SITE_BEFORE_MIN : 0;
	u8 *end = to + s->size;

	memset(to, JUMP_PREFIX, prefixes);
	to = put(to + prefixes, jump, sizeof(jump));
	to = put(to, &pointer, sizeof(pointer));
	memset(to, NO_INSN, (u32)(end - to));
}

void call_site_stub_in(const struct call_site *s, u32 slot, const u8 *region, u8 *in)
{
	static const u8 mov_r11d[] = {0x41, 0xbb}, mov_edx[] = {0xba};
	const u8 own[] = {0x0f, s->cpuid ? CPUID_BYTE : SYSCALL_BYTE};
	u64 shared = PATCH_IN_BASE + (s->cpuid ? PATCH_IN_CPUID : 0);
	u64 at = PATCH_IN_BASE + (u64)slot * PATCH_IN_SIZE;
	u8 *p = put(in, region, s->before);
	s32 distance;

	p = s->cpuid ? put(p, mov_edx, sizeof(mov_edx)) : put(p, mov_r11d, sizeof(mov_r11d));
	p = put(p, &slot, sizeof(slot));
	*p++ = 0xe9;
	distance = (s32)(shared - (at + (u32)(p - in) + sizeof(distance)));
	p = put(p, &distance, sizeof(distance));
	memset(p, 0xcc, PATCH_IN_SIZE - (u32)(p - in));
	put(in + PATCH_IN_OWN, own, sizeof(own));
}

void call_site_stub_out(const struct call_site *s, const u8 *region, u8 *out)
{
	static const u8 jump_gs[] = {0x65, 0xff, 0x24, 0x25}; /* jmp *%gs:abs32 */
	static const u32 stub_end = VD_STUB_END;
	u8 *p = put(out, region + s->before + SYSCALL_SIZE, s->after);

	p = put(p, jump_gs, sizeof(jump_gs));
	p = put(p, &stub_end, sizeof(stub_end));
	memset(p, 0xcc, PATCH_OUT_SIZE - (u32)(p - out));
}
