// SPDX-License-Identifier: MIT
/* The table of kinds. Published names must not change, because suppression files contain them. */
#include <string.h>
#include "check/report/kind.h"

static const struct report_kind kinds[CHECK_KINDS] = {
	[CHECK_USE_AFTER_FREE] =
		{"heap-use-after-free", "Memory is used after it was freed",
		 "A pointer to the object outlived it. Look at who still holds one where the "
		 "object is freed: another list, a callback, an iterator, a second owner.",
		 true},
	[CHECK_USE_AFTER_REALLOC] =
		{"heap-use-after-realloc", "Memory is used after realloc moved it",
		 "realloc gave the object a new address; a copy of the old pointer is still used. "
		 "Keep an index instead, or renew every copy where the array grows.",
		 true},
	[CHECK_DOUBLE_FREE] =
		{"double-free", "An object is freed a second time",
		 "Two owners free the same object, often on an error path. Decide who owns it, and "
		 "set the pointer to NULL where it is freed.",
		 true},
	[CHECK_INVALID_FREE] =
		{"invalid-free", "What is freed is not the start of an object of the heap",
		 "The pointer was moved after the allocation, or never came from one: a local or "
		 "global variable, a pointer that was not initialised.",
		 true},
	[CHECK_MISMATCHED_FREE] =
		{"mismatched-free", "An object is released by the wrong function",
		 "malloc goes with free, new with delete, new[] with delete[]; a delete "
		 "that is given a size or an alignment, with the same at new.",
		 true},
	[CHECK_HEAP_OVERFLOW] =
		{"heap-overflow", "Memory behind the end of an object is used",
		 "An index or length is larger than what was allocated: off by one, a missing byte "
		 "for the NUL, a size whose computation overflowed.",
		 true},
	[CHECK_HEAP_UNDERFLOW] =
		{"heap-underflow", "Memory before the start of an object is used",
		 "An index is negative, or a pointer ran backwards past the start.", true},
	[CHECK_SLACK_OVERWRITTEN] =
		{"heap-slack-overwritten", "Bytes behind the end of an object were overwritten",
		 "The write itself was not seen, it hit the bytes between the object's end and the "
		 "guard. Run with --align=1 and --level=page to stop at the write.",
		 true},
	[CHECK_FREED_OVERWRITTEN] =
		{"heap-freed-overwritten", "A freed object was overwritten",
		 "The write itself was not seen. Run with --level=page to stop at the write.",
		 true},
	[CHECK_BAD_SIZE] = {"bad-size", "An allocation of a size that no object can have",
			    "The size was computed from a negative number, or it overflowed.",
			    true},
	[CHECK_LEAK] = {"leak", "Objects were not freed and no pointer to them is left",
			"The last pointer was overwritten or went out of scope.", false},
	[CHECK_REACHABLE_AT_EXIT] = {"still-reachable",
				     "Objects were not freed, but something points to them",
				     "Often harmless: kept until the program ends.", false},
	[CHECK_NULL_POINTER] = {"null-pointer", "A NULL pointer is used",
				"A small address is an offset from NULL: a member of a structure "
				"or an element of an array that is not there.",
				true},
	[CHECK_WILD_POINTER] = {"wild-pointer", "A pointer to no memory of the program is used",
				"The pointer was not initialised, was overwritten, or is no "
				"pointer at all: its bytes may be text.",
				true},
	[CHECK_STACK_OVERFLOW] = {"stack-overflow", "The stack is used up",
				  "Recursion without an end, or a local array that is too large.",
				  true},
};

static const struct report_kind unknown = {"unknown", "A report of a kind that is not known", "",
					   true};

static const char *const functions[CHK_FUNCTIONS] = {
	[CHK_FN_NONE] = "an unknown function",
	[CHK_FN_MALLOC] = "malloc",
	[CHK_FN_CALLOC] = "calloc",
	[CHK_FN_REALLOC] = "realloc",
	[CHK_FN_MEMALIGN] = "memalign",
	[CHK_FN_NEW] = "operator new",
	[CHK_FN_NEW_ARRAY] = "operator new[]",
	[CHK_FN_FREE] = "free",
	[CHK_FN_DELETE] = "operator delete",
	[CHK_FN_DELETE_ARRAY] = "operator delete[]",
};

static const char *const levels[] = {
	[CHK_LEVEL_AUTO] = "auto",	 [CHK_LEVEL_PAGE] = "page", [CHK_LEVEL_ALIAS] = "alias",
	[CHK_LEVEL_SAMPLED] = "sampled", [CHK_LEVEL_NONE] = "none",
};

const struct report_kind *report_kind(u32 kind)
{
	return kind < CHECK_KINDS && kinds[kind].name ? &kinds[kind] : &unknown;
}

u32 report_kind_by_name(const char *name)
{
	for (u32 i = 0; i < CHECK_KINDS; i++)
		if (kinds[i].name && strcmp(kinds[i].name, name) == 0)
			return i;
	return 0;
}

const char *report_function_name(u32 fn)
{
	return fn < CHK_FUNCTIONS ? functions[fn] : "?";
}

const char *report_level_name(u32 level)
{
	return level < sizeof(levels) / sizeof(levels[0]) ? levels[level] : "?";
}
