// SPDX-License-Identifier: MIT
/* See words.h. The sentences are short and begin with the fact. */
#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include "check/report/kind.h"
#include "check/report/maps.h"
#include "check/report/words.h"

const char *report_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void put_count(FILE *out, u64 n, const char *what)
{
	fprintf(out, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

/* "an object of 32 bytes" */
static void put_object(FILE *out, const struct check_object *o)
{
	fputs("an object of ", out);
	put_count(out, o->size, "byte");
}

/* Writes where [addr, addr + size) lies: "8 bytes after the end of an object of 32 bytes". */
static void put_relation(FILE *out, const struct report_finding *f)
{
	const struct check_object *o = &f->head.object;
	u64 addr = report_address(f), size = report_size(f), end = o->start + o->size;

	if (addr < o->start && size > o->start - addr && size < UINT64_MAX - addr) {
		fputs("the first ", out);
		put_count(out, o->start - addr, "byte");
		fputs(" before the start of ", out);
	} else if (addr < o->start) {
		put_count(out, o->start - addr, "byte");
		fputs(" before the start of ", out);
	} else if (addr == end) {
		fputs("right after the end of ", out);
	} else if (addr > end) {
		put_count(out, addr - end, "byte");
		fputs(" after the end of ", out);
	} else if (size > end - addr && o->state == CHK_STATE_LIVE) {
		fputs("the last ", out);
		put_count(out, size - (end - addr), "byte");
		fputs(" after the end of ", out);
	} else if (addr == o->start) {
		fputs("at the start of ", out);
	} else {
		put_count(out, addr - o->start, "byte");
		fputs(" inside ", out);
	}
	put_object(out, o);
}

static const char *state_words(const struct check_object *o)
{
	static const char *const words[] = {
		[0] = "",
		[CHK_STATE_LIVE] = "",
		[CHK_STATE_FREED] = " that was freed",
		[CHK_STATE_REALLOCATED] = " that realloc moved elsewhere",
	};

	return words[o->state];
}

static char *syscall_name(const struct report_finding *f)
{
	return seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)f->head.syscall);
}

/* "read of 4 bytes at 0x1234" */
static void put_access(FILE *out, const struct report_finding *f)
{
	u64 size = report_size(f), addr = report_address(f);
	u32 access = report_access(f);
	char *name = NULL;

	switch (access) {
	case CHECK_ACCESS_SYSCALL_READ:
	case CHECK_ACCESS_SYSCALL_WRITE:
		name = syscall_name(f);
		fprintf(out, "system call %s was given a buffer to %s", name ? name : "?",
			access == CHECK_ACCESS_SYSCALL_READ ? "read from" : "write to");
		free(name);
		if (size)
			fputs(", ", out);
		break;
	case CHECK_ACCESS_EXEC:
		fprintf(out, "jump to 0x%" PRIx64, addr);
		return;
	default:
		fputs(access == CHECK_ACCESS_READ    ? "read"
		      : access == CHECK_ACCESS_WRITE ? "write"
						     : "access",
		      out);
		if (size)
			fputs(" of ", out);
		break;
	}
	if (size)
		put_count(out, size, "byte");
	fprintf(out, " at 0x%" PRIx64, addr);
}

/* Writes what is at an address that is not the start of an object. */
static void put_where(FILE *out, const struct report_finding *f)
{
	switch (f->head.where) {
	case CHECK_WHERE_STACK:
		fputs("on the stack of a thread", out);
		break;
	case CHECK_WHERE_GLOBAL:
		fprintf(out, "data of %s", f->where_module[0] ? f->where_module : "the program");
		break;
	case CHECK_WHERE_CODE:
		fprintf(out, "code of %s", f->where_module[0] ? f->where_module : "the program");
		break;
	case CHECK_WHERE_INTERIOR:
		put_relation(out, f);
		fputs(state_words(&f->head.object), out);
		break;
	case CHECK_WHERE_MAPPED:
		fputs("memory that the heap did not give out", out);
		break;
	case CHECK_WHERE_OLD_HEAP:
		fputs("in an object that was freed long ago", out);
		break;
	default:
		if (f->head.object.state)
			put_relation(out, f);
		else
			fputs("no memory of the program", out);
		break;
	}
}

static const char *function(const struct report_finding *f)
{
	return f->head.fn ? report_function_name(f->head.fn) : "free";
}

static void title_access(FILE *out, const struct report_finding *f)
{
	put_access(out, f);
	fputs(", ", out);
	if (f->head.object.state) {
		put_relation(out, f);
		fputs(state_words(&f->head.object), out);
	} else {
		put_where(out, f);
	}
}

static void title_double_free(FILE *out, const struct report_finding *f)
{
	fprintf(out, "%s of 0x%" PRIx64 ", ", function(f), f->head.addr);
	if (f->head.object.state) {
		put_object(out, &f->head.object);
		fputs(f->head.object.state == CHK_STATE_REALLOCATED
			      ? " that realloc moved elsewhere"
			      : " that was freed already",
		      out);
	} else {
		fputs("which was freed already", out);
	}
}

static void title_invalid_free(FILE *out, const struct report_finding *f)
{
	fprintf(out, "%s of 0x%" PRIx64 ", which is ", function(f), f->head.addr);
	put_where(out, f);
}

/* Writes the alignment that an operator new or delete was given, if it has such an argument. */
static void put_alignment(FILE *out, u32 align_code)
{
	if (align_code)
		fprintf(out, " for an alignment of %" PRIu64, chk_code_align(align_code));
}

static void title_mismatched_free(FILE *out, const struct report_finding *f)
{
	fputs(function(f), out);
	put_alignment(out, f->head.align_code);
	fprintf(out, " of 0x%" PRIx64 ", ", f->head.addr);
	put_object(out, &f->head.object);
	fprintf(out, " that was made by %s", report_function_name(f->head.object.alloc_fn));
	put_alignment(out, f->head.object.align_code);
	if (!(f->head.flags & CHECK_REPORT_SIZED))
		return;
	fputs(", as one of ", out);
	put_count(out, f->head.size, "byte");
}

static void title_overwritten(FILE *out, const struct report_finding *f)
{
	const struct check_object *o = &f->head.object;

	if (report_size(f)) {
		put_count(out, report_size(f), "byte");
		fputs(" at ", out);
	}
	fprintf(out, "0x%" PRIx64 ", ", f->head.addr);
	put_relation(out, f);
	fputs(state_words(o), out);
	fprintf(out, ", %s overwritten; found ", report_size(f) == 1 ? "was" : "were");
	if (f->head.fn)
		fprintf(out, "by %s", report_function_name(f->head.fn));
	else
		fputs("at exit", out);
}

static void title_bad_size(FILE *out, const struct report_finding *f)
{
	fprintf(out, "%s of ", f->head.fn ? report_function_name(f->head.fn) : "allocation");
	put_count(out, f->head.size, "byte");
	if ((s64)f->head.size < 0)
		fprintf(out, " (as a signed number %" PRId64 ")", (s64)f->head.size);
}

static void title_leak(FILE *out, const struct report_finding *f)
{
	bool one = f->head.count == 1;

	if (one) {
		fputs("an object of ", out);
		put_count(out, f->head.object.size, "byte");
	} else {
		put_count(out, f->head.count, "object");
		fputs(" of ", out);
		put_count(out, f->head.object.size, "byte");
		fputs(" in all", out);
	}
	fprintf(out, ", made by %s, %s not freed", report_function_name(f->head.object.alloc_fn),
		one ? "was" : "were");
	if (f->head.kind == CHECK_LEAK && f->head.indirect == f->head.count)
		fprintf(out, ", and only lost objects point to %s", one ? "it" : "them");
	else if (f->head.kind == CHECK_LEAK)
		fprintf(out, ", and no pointer to %s is left", one ? "it" : "them");
}

/* Returns whether the bug is a general protection fault that no non-canonical address caused. */
static bool is_refused(const struct report_finding *f)
{
	return f->head.kind == CHECK_WILD_POINTER && f->head.access == CHECK_ACCESS_NONE &&
	       report_is_canonical(report_address(f));
}

static void title_refused(FILE *out, const struct report_finding *f)
{
	const struct report_insn *insn = &f->analysis.insn;

	if (insn->known && insn->access != CHECK_ACCESS_NONE) {
		put_access(out, f);
		fprintf(out, ", which is not aligned to %u bytes as the instruction %s needs it",
			insn->size, insn->text);
	} else if (insn->known) {
		fprintf(out,
			"the processor refused the instruction %s (general protection fault): an "
			"operand is not valid, or it is not for programs",
			insn->text);
	} else {
		fputs("the processor refused an instruction (general protection fault)", out);
	}
}

/* A jump to where an object is, which is no code. */
static void put_data_jump(FILE *out, const struct report_finding *f)
{
	fputs(", ", out);
	put_relation(out, f);
	fputs(", whose memory is data and not code", out);
}

static void title_pointer(FILE *out, const struct report_finding *f)
{
	u64 addr = report_address(f);

	if (is_refused(f)) {
		title_refused(out, f);
		return;
	}
	put_access(out, f);
	if (f->head.kind == CHECK_NULL_POINTER && addr == 0)
		fputs(", a NULL pointer", out);
	else if (f->head.kind == CHECK_NULL_POINTER)
		fprintf(out, ", offset %" PRIu64 " from a NULL pointer", addr);
	else if (!report_is_canonical(addr))
		fputs(", a non-canonical address, which no x86-64 pointer can have", out);
	else if (f->head.object.state)
		put_data_jump(out, f);
	else if (f->where_mapped && f->head.where != CHECK_WHERE_UNMAPPED)
		fprintf(out, ", where memory is mapped with other rights (%s)", f->where_access);
	else
		fputs(", where no memory is mapped", out);
}

static void title_stack_overflow(FILE *out, const struct report_finding *f)
{
	put_access(out, f);
	fputs(", beyond the end of the stack", out);
}

void report_words_title(FILE *out, const struct report_finding *f)
{
	static void (*const by_kind[CHECK_KINDS])(FILE *, const struct report_finding *) = {
		[CHECK_USE_AFTER_FREE] = title_access,
		[CHECK_USE_AFTER_REALLOC] = title_access,
		[CHECK_DOUBLE_FREE] = title_double_free,
		[CHECK_INVALID_FREE] = title_invalid_free,
		[CHECK_MISMATCHED_FREE] = title_mismatched_free,
		[CHECK_HEAP_OVERFLOW] = title_access,
		[CHECK_HEAP_UNDERFLOW] = title_access,
		[CHECK_SLACK_OVERWRITTEN] = title_overwritten,
		[CHECK_FREED_OVERWRITTEN] = title_overwritten,
		[CHECK_BAD_SIZE] = title_bad_size,
		[CHECK_LEAK] = title_leak,
		[CHECK_REACHABLE_AT_EXIT] = title_leak,
		[CHECK_NULL_POINTER] = title_pointer,
		[CHECK_WILD_POINTER] = title_pointer,
		[CHECK_STACK_OVERFLOW] = title_stack_overflow,
	};

	by_kind[f->head.kind](out, f);
}

/*
 * Returns whether a pointer is eight characters of text: then text overwrote it, or it never was
 * a pointer.
 */
static bool is_text(u64 value, char text[9])
{
	memcpy(text, &value, 8);
	text[8] = '\0';
	for (int i = 0; i < 8; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* Tells the objects that only lost objects point to from the others of the same place. */
static void put_indirect(FILE *out, const struct report_finding *f)
{
	put_count(out, f->head.count - f->head.indirect, "object");
	fputs(" of ", out);
	put_count(out, f->head.object.size - f->head.indirect_bytes, "byte");
	fputs(" directly; ", out);
	put_count(out, f->head.indirect, "object");
	fputs(" of ", out);
	put_count(out, f->head.indirect_bytes, "byte");
	fputs(" indirectly: only lost objects point there", out);
}

void report_words_explanation(FILE *out, const struct report_finding *f)
{
	u64 addr = report_address(f);
	char text[9];

	if (f->head.kind == CHECK_LEAK && f->head.indirect && f->head.indirect < f->head.count)
		put_indirect(out, f);
	else if (f->head.kind == CHECK_WILD_POINTER && is_text(addr, text))
		fprintf(out, "the bytes of the pointer are the text \"%s\"", text);
	else if (f->head.kind == CHECK_HEAP_OVERFLOW && f->head.access != CHECK_ACCESS_NONE &&
		 f->head.addr > addr && f->head.addr - addr < 4096 && f->analysis.insn.known)
		fprintf(out, "the first byte that is not there is 0x%" PRIx64, f->head.addr);
	else if (f->analysis.insn.known && f->analysis.insn.rep &&
		 f->head.flags & CHECK_REPORT_REGS)
		fprintf(out, "%s repeats: %" PRIu64 " times were left", f->analysis.insn.text,
			f->head.reg[USER_RCX]);
	else if (f->head.kind == CHECK_STACK_OVERFLOW && f->head.flags & CHECK_REPORT_REGS)
		fprintf(out, "the stack pointer is 0x%" PRIx64, f->head.reg[USER_RSP]);
}

/* Writes what a function did and in which thread, as far as that is known. */
static void put_thread(FILE *out, const char *what, u32 fn, s32 tid, const char *name)
{
	fputs(what, out);
	if (fn)
		fprintf(out, " by %s", report_function_name(fn));
	if (tid)
		fprintf(out, " in thread %d", tid);
	if (tid && name[0])
		fprintf(out, " \"%s\"", name);
}

/* Writes which thread was created where, of those of enum REPORT_STACK_*. */
static void put_creation(FILE *out, const struct report_finding *f, u32 which)
{
	const s32 tid[CHECK_THREADS] = {f->head.tid, f->head.object.alloc_tid,
					f->head.object.free_tid};

	fprintf(out, "thread %d", tid[which]);
	if (f->head.thread[which].name[0])
		fprintf(out, " \"%s\"", f->head.thread[which].name);
	fprintf(out, " was created by thread %d", f->head.thread[which].creator);
}

void report_words_stack(FILE *out, const struct report_finding *f, u32 stack)
{
	const struct check_object *o = &f->head.object;

	switch (stack) {
	case REPORT_STACK_ACCESS:
		put_thread(out, report_found_late(f) ? "found" : "happened", 0, f->head.tid,
			   f->head.thread[REPORT_STACK_ACCESS].name);
		fprintf(out, " of process %d (%s)", f->head.pid, f->head.comm);
		break;
	case REPORT_STACK_ALLOC:
		if (f->head.kind == CHECK_LEAK || f->head.kind == CHECK_REACHABLE_AT_EXIT)
			fprintf(out, "allocated by %s in process %d (%s)",
				report_function_name(o->alloc_fn), f->head.pid, f->head.comm);
		else
			put_thread(out, "the object was allocated", o->alloc_fn, o->alloc_tid,
				   f->head.thread[REPORT_STACK_ALLOC].name);
		break;
	case REPORT_STACK_FREE:
		put_thread(out, o->state == CHK_STATE_REALLOCATED ? "moved" : "freed", o->free_fn,
			   o->free_tid, f->head.thread[REPORT_STACK_FREE].name);
		break;
	default:
		put_creation(out, f, stack - REPORT_STACK_CREATED);
		break;
	}
}

/* Returns the length of the template's name and arguments at the start of text: up to its '>'. */
static size_t template_length(const char *text)
{
	size_t at = strcspn(text, "<");
	u32 depth = 0;

	for (; text[at]; at++) {
		depth += text[at] == '<';
		if (text[at] == '>' && !--depth)
			return at + 1;
	}
	return 0;
}

/*
 * Returns the length of an argument at the start of text that is the default of the C++ library's
 * containers, with the comma before it; 0: there is none.
 */
static size_t default_argument(const char *text)
{
	static const char *const defaults[] = {
		", std::allocator<", ", std::char_traits<", ", std::less<",
		", std::hash<",	     ", std::equal_to<",    ", std::default_delete<",
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (strncmp(text, defaults[i], strlen(defaults[i])) == 0)
			return template_length(text);
	return 0;
}

/*
 * Writes a function's name as its author would: std::string and std::vector<int>, without the
 * arguments that are defaults. JSON has the whole name.
 */
void report_words_name(FILE *out, const char *name)
{
	static const char string[] = "basic_string<char>";
	char *text = malloc(strlen(name) + 1), *to = text;

	if (!text) {
		fputs(name, out);
		return;
	}
	while (*name) {
		size_t skip = default_argument(name);

		/* libstdc++'s namespaces of its ABI are nobody's words. */
		if (!skip && strncmp(name, "__cxx11::", 9) == 0)
			skip = 9;
		if (!skip && name[0] == ' ' && name[1] == '>')
			skip = 1;
		if (skip)
			name += skip;
		else
			*to++ = *name++;
	}
	*to = '\0';
	for (char *at = text, *found; *at; at = found + strlen(string)) {
		found = strstr(at, string);
		if (!found) {
			fputs(at, out);
			break;
		}
		fprintf(out, "%.*sstring", (int)(found - at), at);
	}
	free(text);
}

void report_words_frame(FILE *out, const struct report_frame *frame)
{
	const char *module = report_basename(frame->module);

	if (frame->function[0])
		report_words_name(out, frame->function);
	if (frame->line) {
		fprintf(out, "%s%s:%u", frame->function[0] ? " at " : "", frame->file, frame->line);
		if (frame->column)
			fprintf(out, ":%u", frame->column);
	} else {
		if (frame->function[0])
			fputs(" in ", out);
		if (module[0])
			fprintf(out, "%s+0x%" PRIx64, module, frame->offset);
		else
			fprintf(out, "0x%" PRIx64, frame->pc);
	}
	if (frame->flags & FRAME_INLINED)
		fputs(" (inlined)", out);
}

void report_words_elided(FILE *out, const struct report_stack *stack, u32 index)
{
	const struct report_frame *f = &stack->frame[index];

	if (!f->elided)
		return;
	fputs("... ", out);
	put_count(out, f->elided, "more frame");
	if (f->function[0])
		fprintf(out, " of %s", f->function);
}
