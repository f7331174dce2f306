/* SPDX-License-Identifier: MIT */
/*
 * A finding is a report with its analysis, from which the outputs (text, JSON, SARIF, HTML) are
 * made. All text in it is printable UTF-8. Strings are never NULL; "" means not known.
 */
#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include <stdio.h>
#include "check/abi/check.h"

struct report_frame {
	u64 pc;		      /* the address on the stack, which for callers is a return address */
	u64 offset;	      /* from the start of the module */
	const char *function; /* demangled */
	const char *file;
	const char *directory; /* of .file if that is relative; only in the worker */
	u32 line, column;      /* 0: not known */
	const char *module;
	const char *source; /* lines of the file around .line */
	u32 source_first;   /* number of the first line in .source */
	u32 flags;	    /* FRAME_* */
	u32 elided;	    /* frames left out behind this one, because they repeat those shown */
};

enum {
	FRAME_INLINED = 1 << 0, /* the function was inlined into that of the next frame */
};

struct report_stack {
	struct report_frame *frame;
	u32 count;
	u32 cut; /* how many frames, at least, are left out at the end; 0: the stack is complete */
};

/* The instruction at fault. */
struct report_insn {
	bool known;
	u32 access; /* enum check_access: what it does at .start; NONE: no operand fits */
	u32 size;   /* bytes of the access, with REP of one repetition; 0: not known */
	u64 start;  /* first byte of the access, from the registers */
	bool rep;   /* a string instruction that repeats */
	const char *text;
	const char *operand; /* how the instruction computes the address: "rax + 16" */
};

/* A file without function names for some of the frames. */
struct report_module {
	const char *path, *build_id;
};

enum {
	REPORT_STACK_ACCESS,
	REPORT_STACK_ALLOC,
	REPORT_STACK_FREE,
	REPORT_STACK_CREATED, /* where the threads of the three stacks above were created */
	REPORT_STACKS = REPORT_STACK_CREATED + CHECK_THREADS,
};

/* The worker's analysis of a report. The strings point into .bytes. */
struct report_analysis {
	struct report_stack stack[REPORT_STACKS];
	struct report_insn insn;
	struct report_module *module;
	u32 modules;
	char *bytes;
};

struct report_finding {
	struct check_report head; /* its parts are not kept */
	struct check_object *around;
	u32 around_count;
	struct check_sample *samples;
	u32 samples_count;
	struct report_analysis analysis;
	const char *where_module; /* file that is mapped at the address, or "" */
	bool where_mapped;	  /* the address is in a mapping */
	char where_access[4];	  /* access rights of that mapping, as "r-x" */
	bool analysed;		  /* false: the worker failed, stacks have module and offset only */
	char *title;		  /* one line, without the kind */
	char *suppression;	  /* a line for a suppression file */
	u64 occurrences;
	u32 number; /* from 1 */
};

/* Returns the first byte of the access if the instruction tells it, else the address at fault. */
u64 report_address(const struct report_finding *f);

/* Returns the bytes of the access; 0: not known. */
u64 report_size(const struct report_finding *f);

/* Returns the kernel's enum check_access, or the decoded instruction's if the kernel had none. */
u32 report_access(const struct report_finding *f);

/* Returns whether the bug was found late: the code that ran then has nothing to do with it. */
bool report_found_late(const struct report_finding *f);

/*
 * Returns the stack that tells bugs apart: of the access, or of the allocation if the bug was found
 * late or the stack of the access is not known.
 */
const struct report_stack *report_main_stack(const struct report_finding *f);

/*
 * Returns the frame of a stack that its reader can change: the innermost one with a line that is
 * neither in a header or library of the system nor in the language's runtime; else the innermost
 * one with a line, else the innermost one; NULL: the stack is empty.
 */
const struct report_frame *report_own_frame(const struct report_stack *s);

/* Returns what put writes of f to a stream; the caller frees it. NULL: no memory. */
char *report_finding_text(void (*put)(FILE *out, const struct report_finding *f),
			  const struct report_finding *f);

/* Frees the finding and all that belongs to it. f may be NULL. */
void report_finding_free(struct report_finding *f);

#endif
