/* SPDX-License-Identifier: MIT */
/*
 * A finding: a report, understood. What the outputs (text, JSON, SARIF, HTML) are made from. All
 * text in it is printable UTF-8; strings are never NULL, "" stands for what is not known.
 */
#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include "check/abi/check.h"

struct report_frame {
	u64 pc;		      /* as it lay on the stack */
	u64 offset;	      /* from the start of the module */
	const char *function; /* demangled */
	const char *file;
	const char *directory; /* of .file when that is relative; the worker's only */
	u32 line, column;      /* 0: not known */
	const char *module;
	const char *source; /* lines of the file around .line ... */
	u32 source_first;   /* ... from this one on */
	u32 flags;	    /* FRAME_* */
	u32 elided;	    /* frames behind this one that are left out: they repeat those shown */
};

enum {
	FRAME_INLINED = 1 << 0, /* into the next frame */
};

struct report_stack {
	struct report_frame *frame;
	u32 count;
	u32 cut; /* frames that were left out at its end, at least; 0: it is whole */
};

/* The instruction at fault. */
struct report_insn {
	bool known;
	u32 access; /* enum check_access: what it does to .start; NONE: nothing that fits */
	u32 size;   /* bytes of it; 0: not known (REP) */
	u64 start;  /* first byte of the access, from the registers */
	bool rep;   /* a string instruction that repeats */
	const char *text;
	const char *operand; /* "rax + 16", the address as the instruction makes it */
};

/* A file whose frames have no names. */
struct report_module {
	const char *path, *build_id;
};

enum { REPORT_STACK_ACCESS, REPORT_STACK_ALLOC, REPORT_STACK_FREE, REPORT_STACKS };

/* What the worker made of a report. Strings lie in .bytes. */
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
	const char *where_module; /* CHECK_WHERE_GLOBAL and CODE: file of the address; "" */
	bool where_mapped;	  /* the address is in a mapping */
	char where_access[4];	  /* which is "rwx" */
	bool analysed;		  /* false: the worker failed, stacks have module and offset only */
	char *title;		  /* one line, without the kind */
	char *suppression;	  /* a line for a suppression file */
	u64 occurrences;
	u32 number; /* from 1 */
};

/* First byte that the access touched, as far as it is known. */
u64 report_address(const struct report_finding *f);

/* Bytes of the access; 0: not known. */
u64 report_size(const struct report_finding *f);

/* enum check_access, with the instruction's word where the kernel had none. */
u32 report_access(const struct report_finding *f);

/* Found some time after the mistake: what ran then has nothing to do with it. */
bool report_found_late(const struct report_finding *f);

/* The stack that says whose bug it is: of the access, or of the allocation if it was found late. */
const struct report_stack *report_main_stack(const struct report_finding *f);

/* Frees the finding and what it has. */
void report_finding_free(struct report_finding *f);

#endif
