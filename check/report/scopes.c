// SPDX-License-Identifier: MIT
/* See scopes.h. */
#include <dwarf.h>
#include "check/report/scopes.h"

#define DEPTH_MAX 256 /* of nested DIEs; a forged file may have more */

struct walk {
	u64 pc;
	bool nested; /* also look for functions in functions that do not contain pc */
	u32 depth;
	struct scopes *found;
};

static bool descend(struct walk *w, Dwarf_Die *die);

/* Returns whether die is a piece of code that can contain others. */
static bool is_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

/* Returns whether functions may stand in die although it is no code. Rust nests them so. */
static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type || tag == DW_TAG_module ||
	       tag == DW_TAG_interface_type;
}

static bool look_into(struct walk *w, Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	if (!is_code(tag))
		return holds_functions(tag) && descend(w, die);
	if (dwarf_haspc(die, w->pc) <= 0)
		return w->nested && tag == DW_TAG_subprogram && descend(w, die);
	if (!descend(w, die) && tag == DW_TAG_lexical_block)
		return false; /* code between functions */
	if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
		return w->found->count > 0;
	/* The function has to be there, so the last inlined one gives way. */
	if (w->found->count == SCOPES_MAX)
		w->found->count--;
	w->found->die[w->found->count++] = *die;
	return true;
}

/* Looks for pc in the children of die. Adds the functions that contain it, innermost first. */
static bool descend(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Die child;
	bool found = false;

	if (w->depth == DEPTH_MAX || dwarf_child(die, &child) != 0)
		return false;
	w->depth++;
	do
		found = look_into(w, &child);
	while (!found && dwarf_siblingof(&child, &child) == 0);
	w->depth--;
	return found;
}

bool scopes_find(Dwarf_Die *unit, u64 pc, struct scopes *s)
{
	struct walk w = {.pc = pc, .found = s};

	s->count = 0;
	if (descend(&w, unit))
		return true;
	s->count = 0;
	w.nested = true;
	return descend(&w, unit);
}
