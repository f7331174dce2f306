// SPDX-License-Identifier: MIT
/* See units.h. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include "check/report/dwp.h"
#include "check/report/units.h"

#define RANGES_MAX (1u << 24) /* of a module; a forged file may have more */

struct unit_range {
	u64 low, high;
	Dwarf_Die die; /* of the unit in the module's own file */
};

struct unit_module {
	struct unit_module *next;
	Dwfl_Module *mod;
	u64 bias;
	struct unit_range *range; /* by .low */
	u32 count, space;
};

static int compare(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* Returns false without memory. */
static bool add(struct unit_module *m, u64 low, u64 high, const Dwarf_Die *die)
{
	if (low >= high)
		return true;
	if (m->count == m->space) {
		u32 space = MAX(2 * m->space, 64u);
		struct unit_range *range = NULL;

		if (space <= RANGES_MAX)
			range = realloc(m->range, space * sizeof(*range));
		if (!range)
			return false;
		m->range = range;
		m->space = space;
	}
	m->range[m->count++] = (struct unit_range){low, high, *die};
	return true;
}

static void read_module(struct unit_module *m)
{
	Dwarf *dwarf = dwfl_module_getdwarf(m->mod, &m->bias);
	Dwarf_CU *cu = NULL;
	Dwarf_Half version;
	Dwarf_Die die;
	uint8_t type;
	bool more = true;

	while (more && dwarf && dwarf_get_units(dwarf, cu, &cu, &version, &type, &die, NULL) == 0) {
		Dwarf_Addr base, low, high;
		ptrdiff_t at = 0;

		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		while (more && (at = dwarf_ranges(&die, at, &base, &low, &high)) > 0)
			more = add(m, low, high, &die);
	}
	if (m->count)
		qsort(m->range, m->count, sizeof(*m->range), compare);
}

static struct unit_module *module_of(struct units *units, Dwfl_Module *mod)
{
	struct unit_module *m = units->first;

	while (m && m->mod != mod)
		m = m->next;
	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->mod = mod;
	m->next = units->first;
	units->first = m;
	read_module(m);
	return m;
}

bool units_find(struct units *units, Dwfl_Module *mod, u64 addr, struct unit *u)
{
	const struct unit_module *m = module_of(units, mod);
	u32 low = 0, high = m ? m->count : 0;
	Dwarf_Die split;
	uint64_t id;
	uint8_t type = 0;

	if (!m)
		return false;
	u->pc = addr - m->bias;
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (m->range[mid].low <= u->pc)
			low = mid + 1;
		else
			high = mid;
	}
	/* Ranges may overlap in forged files and in those of some linkers: look back a little. */
	for (u32 i = low; i > 0 && low - i < 8; i--) {
		if (u->pc >= m->range[i - 1].high)
			continue;
		u->die = u->skeleton = m->range[i - 1].die;
		if (dwarf_cu_info(u->die.cu, NULL, &type, NULL, NULL, &id, NULL, NULL) == 0 &&
		    type == DW_UT_skeleton)
			dwp_expect(mod, id);
		u->is_split = dwarf_cu_info(u->die.cu, NULL, &type, NULL, &split, NULL, NULL,
					    NULL) == 0 &&
			      type == DW_UT_skeleton && split.addr;
		dwp_expect(NULL, 0);
		u->is_lost = type == DW_UT_skeleton && !u->is_split;
		if (u->is_split)
			u->die = split;
		return true;
	}
	return false;
}

void units_free(struct units *units)
{
	struct unit_module *m;

	while ((m = units->first)) {
		units->first = m->next;
		free(m->range);
		free(m);
	}
}

const char *unit_directory(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr(die, DW_AT_comp_dir, &attr));
}
