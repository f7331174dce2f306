// SPDX-License-Identifier: MIT
/*
 * See registers.h. gdb's manual, "i386 Features", has the names and what each feature must have;
 * Intel's SDM, volume 1, "XSAVE Area", has the places.
 */
#include <cpuid.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "gdb/registers.h"

#define XSTATE_BV_AT 512 /* in the XSAVE area */
#define LEAF_XSTATE  0xd

/* Parts of the XSAVE area: bits of XCR0. */
enum part { X87, SSE, AVX, OPMASK = 5, ZMM_HIGH, HIGH_ZMM, PKRU = 9, GENERAL = 63 };
#define PARTS 10

/* Places of x87's control words in the legacy area (FXSAVE64). */
enum {
	FCW = 0,
	FSW = 2,
	FTW = 4,
	FOP = 6,
	FIOFF = 8,
	FISEG = 12,
	FOOFF = 16,
	FOSEG = 20,
	ST0 = 32,
	MXCSR = 24,
	XMM0 = 160
};

/* Registers with names that are numbered: name0, name1, ..., at places that are `step` apart. */
struct row {
	const char *feature, *name;
	const char *type;
	const char *group;
	enum part part;
	u16 bits;  /* for gdb */
	u16 first; /* number in the first name */
	u16 count; /* 0: one register, whose name has no number */
	u32 at;	   /* offset in struct user_regs_struct, or in the part */
	u16 bytes; /* that are stored there; gdb's register may be wider or narrower */
	u16 step;
};
#define FROM(field) offsetof(struct user_regs_struct, field), 8, 0
#define ONE	    0, 0
/* clang-format off */
static const struct row rows[] = {
	{"core", "rax", "int64", 0, GENERAL, 64, ONE, FROM(rax)},
	{"core", "rbx", "int64", 0, GENERAL, 64, ONE, FROM(rbx)},
	{"core", "rcx", "int64", 0, GENERAL, 64, ONE, FROM(rcx)},
	{"core", "rdx", "int64", 0, GENERAL, 64, ONE, FROM(rdx)},
	{"core", "rsi", "int64", 0, GENERAL, 64, ONE, FROM(rsi)},
	{"core", "rdi", "int64", 0, GENERAL, 64, ONE, FROM(rdi)},
	{"core", "rbp", "data_ptr", 0, GENERAL, 64, ONE, FROM(rbp)},
	{"core", "rsp", "data_ptr", 0, GENERAL, 64, ONE, FROM(rsp)},
	{"core", "r8", "int64", 0, GENERAL, 64, ONE, FROM(r8)},
	{"core", "r9", "int64", 0, GENERAL, 64, ONE, FROM(r9)},
	{"core", "r10", "int64", 0, GENERAL, 64, ONE, FROM(r10)},
	{"core", "r11", "int64", 0, GENERAL, 64, ONE, FROM(r11)},
	{"core", "r12", "int64", 0, GENERAL, 64, ONE, FROM(r12)},
	{"core", "r13", "int64", 0, GENERAL, 64, ONE, FROM(r13)},
	{"core", "r14", "int64", 0, GENERAL, 64, ONE, FROM(r14)},
	{"core", "r15", "int64", 0, GENERAL, 64, ONE, FROM(r15)},
	{"core", "rip", "code_ptr", 0, GENERAL, 64, ONE, FROM(rip)},
	{"core", "eflags", "i386_eflags", 0, GENERAL, 32, ONE, FROM(eflags)},
	{"core", "cs", "int32", 0, GENERAL, 32, ONE, FROM(cs)},
	{"core", "ss", "int32", 0, GENERAL, 32, ONE, FROM(ss)},
	{"core", "ds", "int32", 0, GENERAL, 32, ONE, FROM(ds)},
	{"core", "es", "int32", 0, GENERAL, 32, ONE, FROM(es)},
	{"core", "fs", "int32", 0, GENERAL, 32, ONE, FROM(fs)},
	{"core", "gs", "int32", 0, GENERAL, 32, ONE, FROM(gs)},
	{"core", "st", "i387_ext", 0, X87, 80, 0, 8, ST0, 10, 16},
	{"core", "fctrl", "int", "float", X87, 32, ONE, FCW, 2, 0},
	{"core", "fstat", "int", "float", X87, 32, ONE, FSW, 2, 0},
	{"core", "ftag", "int", "float", X87, 32, ONE, FTW, 2, 0},
	{"core", "fiseg", "int", "float", X87, 32, ONE, FISEG, 2, 0},
	{"core", "fioff", "int", "float", X87, 32, ONE, FIOFF, 4, 0},
	{"core", "foseg", "int", "float", X87, 32, ONE, FOSEG, 2, 0},
	{"core", "fooff", "int", "float", X87, 32, ONE, FOOFF, 4, 0},
	{"core", "fop", "int", "float", X87, 32, ONE, FOP, 2, 0},
	{"sse", "xmm", "vec128", 0, SSE, 128, 0, 16, XMM0, 16, 16},
	{"sse", "mxcsr", "i386_mxcsr", "vector", SSE, 32, ONE, MXCSR, 4, 0},
	{"linux", "orig_rax", "int", 0, GENERAL, 64, ONE, FROM(orig_rax)},
	{"segments", "fs_base", "int", 0, GENERAL, 64, ONE, FROM(fs_base)},
	{"segments", "gs_base", "int", 0, GENERAL, 64, ONE, FROM(gs_base)},
	{"avx", "ymm%uh", "uint128", 0, AVX, 128, 0, 16, 0, 16, 16},
	{"avx512", "xmm", "vec128", 0, HIGH_ZMM, 128, 16, 16, 0, 16, 64},
	{"avx512", "ymm%uh", "uint128", 0, HIGH_ZMM, 128, 16, 16, 16, 16, 64},
	{"avx512", "k", "uint64", 0, OPMASK, 64, 0, 8, 0, 8, 8},
	{"avx512", "zmm%uh", "v2ui128", 0, ZMM_HIGH, 256, 0, 16, 0, 32, 32},
	{"avx512", "zmm%uh", "v2ui128", 0, HIGH_ZMM, 256, 16, 16, 32, 32, 64},
	{"pkeys", "pkru", "int", 0, PKRU, 32, ONE, 0, 4, 0},
};

/* The types of a feature, which its registers use. */
#define VEC128 \
	"<vector id=\"v8bf16\" type=\"bfloat16\" count=\"8\"/>" \
	"<vector id=\"v8h\" type=\"ieee_half\" count=\"8\"/>" \
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>" \
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>" \
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>" \
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>" \
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>" \
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>" \
	"<union id=\"vec128\">" \
	"<field name=\"v8_bfloat16\" type=\"v8bf16\"/><field name=\"v8_half\" type=\"v8h\"/>" \
	"<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>" \
	"<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>" \
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>" \
	"<field name=\"uint128\" type=\"uint128\"/></union>"
#define BIT(name, n) "<field name=\"" name "\" start=\"" n "\" end=\"" n "\" type=\"bool\"/>"
static const struct {
	const char *feature, *text;
} types[] = {
	{"core", "<flags id=\"i386_eflags\" size=\"4\">"
		BIT("CF", "0") BIT("", "1") BIT("PF", "2") BIT("AF", "4") BIT("ZF", "6")
		BIT("SF", "7") BIT("TF", "8") BIT("IF", "9") BIT("DF", "10") BIT("OF", "11")
		BIT("NT", "14") BIT("RF", "16") BIT("VM", "17") BIT("AC", "18") BIT("VIF", "19")
		BIT("VIP", "20") BIT("ID", "21") "</flags>"},
	{"sse", VEC128 "<flags id=\"i386_mxcsr\" size=\"4\">"
		BIT("IE", "0") BIT("DE", "1") BIT("ZE", "2") BIT("OE", "3") BIT("UE", "4")
		BIT("PE", "5") BIT("DAZ", "6") BIT("IM", "7") BIT("DM", "8") BIT("ZM", "9")
		BIT("OM", "10") BIT("UM", "11") BIT("PM", "12") BIT("FZ", "15") "</flags>"},
	{"avx512", VEC128 "<vector id=\"v2ui128\" type=\"uint128\" count=\"2\"/>"},
};
/* clang-format on */

static struct {
	bool present;
	u32 at, size;
} parts[PARTS];
static char description[32768];
static u32 count;

static bool is_present(const struct row *row)
{
	return row->part == GENERAL || parts[row->part].present;
}

static u32 registers_of(const struct row *row)
{
	return row->count ? row->count : 1;
}

static void find_parts(u64 features)
{
	static const u8 optional[] = {AVX, OPMASK, ZMM_HIGH, HIGH_ZMM, PKRU};
	u32 a, b, c, d;

	memset(parts, 0, sizeof(parts));
	parts[X87].present = parts[SSE].present = true; /* their places are absolute */
	parts[X87].size = parts[SSE].size = XSTATE_BV_AT;
	for (u32 i = 0; i < ARRAY_SIZE(optional); i++) {
		u32 part = optional[i];

		if (!(features >> part & 1) ||
		    !__get_cpuid_count(LEAF_XSTATE, part, &a, &b, &c, &d))
			continue;
		parts[part].present = a && (u64)a + b <= XSAVE_MAX;
		parts[part].at = b;
		parts[part].size = a;
	}
	/* gdb has one feature for all of AVX-512. */
	if (!parts[OPMASK].present || !parts[ZMM_HIGH].present || !parts[HIGH_ZMM].present)
		parts[OPMASK].present = parts[ZMM_HIGH].present = parts[HIGH_ZMM].present = false;
}

static char *describe_row(char *to, const char *end, const struct row *row)
{
	for (u32 i = 0; i < registers_of(row); i++) {
		char name[16];

		if (!row->count)
			snprintf(name, sizeof(name), "%s", row->name);
		else if (strchr(row->name, '%'))
			snprintf(name, sizeof(name), "%.3s%uh", row->name, row->first + i);
		else
			snprintf(name, sizeof(name), "%s%u", row->name, row->first + i);
		to += snprintf(to, (size_t)(end - to),
			       "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s%s%s/>", name,
			       row->bits, row->type, row->group ? " group=\"" : "",
			       row->group ? row->group : "", row->group ? "\"" : "");
	}
	return to;
}

void registers_init(u64 features)
{
	char *to = description;
	const char *end = description + sizeof(description), *open = NULL;

	find_parts(features);
	count = 0;
	to += snprintf(to, (size_t)(end - to),
		       "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
		       "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>");
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (!is_present(row))
			continue;
		if (!open || strcmp(open, row->feature) != 0) {
			to += snprintf(to, (size_t)(end - to),
				       "%s<feature name=\"org.gnu.gdb.i386.%s\">",
				       open ? "</feature>" : "", row->feature);
			open = row->feature;
			for (u32 t = 0; t < ARRAY_SIZE(types); t++)
				if (strcmp(types[t].feature, open) == 0)
					to += snprintf(to, (size_t)(end - to), "%s", types[t].text);
		}
		to = describe_row(to, end, row);
		count += registers_of(row);
	}
	snprintf(to, (size_t)(end - to), "</feature></target>");
}

const char *registers_description(void)
{
	return description;
}

u32 registers_count(void)
{
	return count;
}

/* Finds the row of register n; *index is its place in the row. */
static const struct row *find(u32 n, u32 *index)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!is_present(&rows[i]))
			continue;
		if (n < registers_of(&rows[i])) {
			*index = n;
			return &rows[i];
		}
		n -= registers_of(&rows[i]);
	}
	return NULL;
}

u32 register_size(u32 n)
{
	u32 index;
	const struct row *row = find(n, &index);

	return row ? row->bits / 8u : 0;
}

static u64 live_parts(const struct registers *r)
{
	u64 bv;

	memcpy(&bv, r->xsave + XSTATE_BV_AT, sizeof(bv));
	return bv;
}

/* What a part has that is in its initial state: zero, but for some control words. */
static void initial(const struct row *row, u8 *value)
{
	u16 word = row->part != X87 ? 0 : row->at == FCW ? 0x37f : row->at == FTW ? 0xffff : 0;

	memcpy(value, &word, sizeof(word));
	if (row->part == SSE && row->at == MXCSR)
		memcpy(value, &(u32){0x1f80}, sizeof(u32));
}

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static u16 tag_of(const u8 *st)
{
	u64 mantissa;
	u16 exponent;

	memcpy(&mantissa, st, sizeof(mantissa));
	memcpy(&exponent, st + sizeof(mantissa), sizeof(exponent));
	exponent &= 0x7fff;
	if (exponent == 0x7fff)
		return TAG_SPECIAL;
	if (exponent == 0)
		return mantissa ? TAG_SPECIAL : TAG_ZERO;
	return mantissa >> 63 ? TAG_VALID : TAG_SPECIAL;
}

/* The tag word of 16 bits, of which FXSAVE keeps one bit for each register. */
static u16 full_tags(const u8 *area)
{
	u32 top = area[FSW + 1] >> 3 & 7;
	u16 tags = 0;

	for (u32 i = 0; i < 8; i++) {
		u32 st = (i + 8 - top) % 8;
		u16 tag = area[FTW] >> i & 1 ? tag_of(area + ST0 + 16 * st) : TAG_EMPTY;

		tags = (u16)(tags | tag << 2 * i);
	}
	return tags;
}

u32 register_get(const struct registers *r, u32 n, u8 value[REGISTER_BYTES])
{
	u32 index;
	const struct row *row = find(n, &index);
	const u8 *from;

	if (!row)
		return 0;
	memset(value, 0, REGISTER_BYTES);
	if (row->part == GENERAL) {
		from = (const u8 *)&r->general + row->at;
	} else {
		u32 at = parts[row->part].at + row->at + index * row->step;
		u64 live = live_parts(r);

		if (at + row->bytes > r->xsave_size)
			return 0;
		from = r->xsave + at;
		/* MXCSR belongs to AVX as well. */
		if (!(live >> row->part & 1) &&
		    !(row->at == MXCSR && row->part == SSE && live >> AVX & 1)) {
			initial(row, value);
			return row->bits / 8u;
		}
	}
	memcpy(value, from, MIN(row->bytes, row->bits / 8u));
	if (row->part == X87 && row->at == FTW)
		memcpy(value, &(u16){full_tags(r->xsave)}, sizeof(u16));
	if (row->part == X87 && row->at == FOP)
		value[1] &= 7;
	return row->bits / 8u;
}

/* A part that was in its initial state gets it in memory, since one of its registers changes. */
static void enliven(struct registers *r, enum part part)
{
	u64 live = live_parts(r);

	if (live >> part & 1)
		return;
	if (part == X87) {
		memset(r->xsave, 0, MXCSR);
		memset(r->xsave + ST0, 0, XMM0 - ST0);
		memcpy(r->xsave + FCW, &(u16){0x37f}, sizeof(u16));
	} else if (part == SSE) {
		memset(r->xsave + XMM0, 0, 256);
		if (!(live >> AVX & 1))
			memcpy(r->xsave + MXCSR, &(u32){0x1f80}, sizeof(u32));
	} else {
		memset(r->xsave + parts[part].at, 0, parts[part].size);
	}
	live |= 1UL << part;
	memcpy(r->xsave + XSTATE_BV_AT, &live, sizeof(live));
}

bool register_set(struct registers *r, u32 n, const u8 *value)
{
	u8 old[REGISTER_BYTES];
	u32 index, size = register_get(r, n, old);
	const struct row *row = find(n, &index);
	u8 *to;

	if (!row || !size)
		return false;
	/* What does not change is not written: a G packet has every register. */
	if (memcmp(old, value, size) == 0)
		return true;
	if (row->part == GENERAL) {
		memcpy((u8 *)&r->general + row->at, value, MIN(row->bytes, size));
		r->general_changed = true;
		return true;
	}
	enliven(r, row->part);
	r->xsave_changed = true;
	to = r->xsave + parts[row->part].at + row->at + index * row->step;
	if (row->part == X87 && row->at == FTW) {
		u16 tags;

		memcpy(&tags, value, sizeof(tags));
		*to = 0;
		for (u32 i = 0; i < 8; i++)
			if ((tags >> 2 * i & 3) != TAG_EMPTY)
				*to = (u8)(*to | 1u << i);
		return true;
	}
	memcpy(to, value, MIN(row->bytes, size));
	return true;
}
