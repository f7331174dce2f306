// SPDX-License-Identifier: MIT
/*
 * See symbols.h. Linkers let names share their ends ("malloc" is the tail of "__libc_malloc"), so a
 * wanted name may stand anywhere in the string table. The first pass, over the strings, collects
 * candidates: the places where a wanted name ends at a NUL. The second pass, over the symbols,
 * takes those whose name begins at a candidate. The third pass finds the next symbol behind each.
 */
#include <asm/errno.h>
#include <linux/elf.h>
#include "common/layout.h"
#include "kernel/check/symbols.h"
#include "libc/string.h"

#define CANDIDATES_MAX	 (SYMBOL_BUFFER / 2 / sizeof(struct candidate))
#define SYMBOLS_PER_READ (SYMBOL_BUFFER / 2 / sizeof(Elf64_Sym))

struct range {
	u64 offset, size;
};

struct tables {
	struct range symbols, strings;
};

/* A place in the string table where a wanted name stands. */
struct candidate {
	u32 offset, index;
};

static bool inside(const struct symbol_file *f, const struct range *r)
{
	return r->offset <= f->size && r->size <= f->size - r->offset;
}

static int read_section(const struct symbol_file *f, const Elf64_Ehdr *e, u32 i, Elf64_Shdr *s)
{
	return f->read(f->arg, s, sizeof(*s), e->e_shoff + (u64)i * sizeof(*s));
}

/* Finds the first symbol table of this type (SHT_*) and its strings. */
static int find_tables(const struct symbol_file *f, u32 type, struct tables *t)
{
	Elf64_Ehdr e;
	struct range headers;
	int ret;

	if (f->size < sizeof(e))
		return -ENOEXEC;
	ret = f->read(f->arg, &e, sizeof(e), 0);
	if (ret < 0)
		return ret;
	if (e.e_shoff == 0 || e.e_shnum == 0)
		return -ENOENT;
	headers = (struct range){e.e_shoff, (u64)e.e_shnum * sizeof(Elf64_Shdr)};
	if (e.e_shentsize != sizeof(Elf64_Shdr) || !inside(f, &headers))
		return -ENOEXEC;
	for (u32 i = 0; i < e.e_shnum; i++) {
		Elf64_Shdr s, strings;

		ret = read_section(f, &e, i, &s);
		if (ret < 0)
			return ret;
		if (s.sh_type != type)
			continue;
		if (s.sh_link >= e.e_shnum || s.sh_entsize != sizeof(Elf64_Sym))
			return -ENOEXEC;
		ret = read_section(f, &e, s.sh_link, &strings);
		if (ret < 0)
			return ret;
		t->symbols = (struct range){s.sh_offset, s.sh_size - s.sh_size % sizeof(Elf64_Sym)};
		t->strings = (struct range){strings.sh_offset, strings.sh_size};
		if (strings.sh_type != SHT_STRTAB || strings.sh_size > UINT32_MAX ||
		    !inside(f, &t->symbols) || !inside(f, &t->strings))
			return -ENOEXEC;
		return 0;
	}
	return -ENOENT;
}

/*
 * Adds the candidates whose NUL is text[end], at offset at of the string table. text[0 .. end - 1]
 * has the bytes before it that were read. c is sorted by offset; candidates come nearly in order,
 * because the NULs' offsets ascend. Returns the new number of candidates.
 */
static u32 add_candidates(struct candidate *c, u32 n, const struct symbol *wanted, u32 count,
			  const char *text, u64 end, u64 at)
{
	for (u32 i = 0; i < count && n < CANDIDATES_MAX; i++) {
		u64 len = wanted[i].len;
		u32 to = n;

		if (len > end || memcmp(text + end - len, wanted[i].name, len) != 0)
			continue;
		for (; to > 0 && c[to - 1].offset > at - len; to--)
			c[to] = c[to - 1];
		c[to] = (struct candidate){(u32)(at - len), i};
		n++;
	}
	return n;
}

/* The first pass. Returns the number of candidates or -errno. */
static int find_candidates(const struct symbol_file *f, const struct tables *t,
			   const struct symbol *wanted, u32 count, struct candidate *c,
			   char *buffer)
{
	u64 kept = 0; /* bytes of the previous read, so that a name in two reads is found */
	u32 n = 0;

	for (u64 at = 0; at < t->strings.size;) {
		u64 len = MIN(t->strings.size - at, SYMBOL_BUFFER / 2 - SYMBOL_NAME_MAX);
		int ret = f->read(f->arg, buffer + kept, len, t->strings.offset + at);
		u64 have = kept + len;

		if (ret < 0)
			return ret;
		for (u64 i = kept; i < have; i++)
			if (buffer[i] == '\0')
				n = add_candidates(c, n, wanted, count, buffer, i, at + i - kept);
		if (n == CANDIDATES_MAX)
			return -ENOEXEC;
		at += len;
		kept = MIN(have, (u64)SYMBOL_NAME_MAX);
		memmove(buffer, buffer + have - kept, kept);
	}
	return (int)n;
}

static bool is_global(const Elf64_Sym *s)
{
	u32 bind = ELF64_ST_BIND(s->st_info);

	return (bind == STB_GLOBAL || bind == STB_WEAK) && s->st_shndx != SHN_UNDEF;
}

/*
 * A local function counts if no global symbol has the name, because the linker makes functions that
 * the C library hides local in a static PIE. If several local functions have one name at different
 * addresses, none of them is taken.
 */
static void take(struct symbol *w, const Elf64_Sym *s)
{
	u32 type = ELF64_ST_TYPE(s->st_info);
	bool local = !is_global(s);

	if (s->st_shndx == SHN_UNDEF || (local && type != STT_FUNC))
		return;
	if (w->state != SYMBOL_MISSING && (local || !w->local)) {
		if (w->local && w->value != s->st_value)
			w->state = SYMBOL_ODD;
		return;
	}
	w->state = type == STT_FUNC && s->st_shndx < SHN_LORESERVE ? SYMBOL_FUNCTION : SYMBOL_ODD;
	w->local = local;
	w->value = s->st_value;
	w->space = UINT64_MAX;
}

/* A pass over the symbols: visit is called with each. */
struct pass {
	struct symbol *wanted;
	u32 count;
	const struct candidate *candidate;
	u32 candidates;
	void (*visit)(struct pass *p, const Elf64_Sym *s);
};

static int each_symbol(const struct symbol_file *f, const struct tables *t, struct pass *p,
		       Elf64_Sym *buffer)
{
	for (u64 at = 0; at < t->symbols.size;) {
		u64 len = MIN(t->symbols.size - at, SYMBOLS_PER_READ * sizeof(*buffer));
		int ret = f->read(f->arg, buffer, len, t->symbols.offset + at);

		if (ret < 0)
			return ret;
		for (u64 i = 0; i < len / sizeof(*buffer); i++)
			p->visit(p, &buffer[i]);
		at += len;
	}
	return 0;
}

static void visit_name(struct pass *p, const Elf64_Sym *s)
{
	u32 low = 0, high = p->candidates;

	while (low < high) {
		u32 middle = (low + high) / 2;
		const struct candidate *c = &p->candidate[middle];

		if (c->offset == s->st_name) {
			take(&p->wanted[c->index], s);
			return;
		}
		if (c->offset < s->st_name)
			low = middle + 1;
		else
			high = middle;
	}
}

static void visit_next(struct pass *p, const Elf64_Sym *s)
{
	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= SHN_LORESERVE)
		return;
	for (u32 i = 0; i < p->count; i++) {
		struct symbol *w = &p->wanted[i];

		if (w->state == SYMBOL_FUNCTION && s->st_value > w->value)
			w->space = MIN(w->space, s->st_value - w->value);
	}
}

int symbols_find(const struct symbol_file *f, struct symbol *wanted, u32 count, void *buffer)
{
	/* The buffer's second half has the candidates. */
	struct candidate *candidate = (void *)((char *)buffer + SYMBOL_BUFFER / 2);
	struct pass p = {.wanted = wanted, .count = count, .candidate = candidate};
	struct tables t;
	int ret;

	_Static_assert(CANDIDATES_MAX * sizeof(*candidate) <= SYMBOL_BUFFER / 2, "they fit");
	for (u32 i = 0; i < count; i++) {
		wanted[i].state = SYMBOL_MISSING;
		wanted[i].len = (u32)strlen(wanted[i].name);
	}
	ret = find_tables(f, SHT_SYMTAB, &t);
	if (ret < 0)
		return ret;
	ret = find_candidates(f, &t, wanted, count, candidate, buffer);
	if (ret < 0)
		return ret;
	p.candidates = (u32)ret;
	p.visit = visit_name;
	ret = each_symbol(f, &t, &p, buffer);
	if (ret < 0)
		return ret;
	p.visit = visit_next;
	return each_symbol(f, &t, &p, buffer);
}

int symbols_exported(const struct symbol_file *f, struct symbol *out, u32 max)
{
	struct tables t;
	int ret = find_tables(f, SHT_DYNSYM, &t);
	u32 n = 0;

	if (ret < 0)
		return ret;
	for (u64 at = 0; at < t.symbols.size && n < max; at += sizeof(Elf64_Sym)) {
		struct symbol *o = &out[n];
		Elf64_Sym s;
		u64 len;

		ret = f->read(f->arg, &s, sizeof(s), t.symbols.offset + at);
		if (ret < 0)
			return ret;
		if (!is_global(&s) || s.st_name >= t.strings.size)
			continue;
		len = MIN((u64)sizeof(o->name), t.strings.size - s.st_name);
		ret = f->read(f->arg, o->name, len, t.strings.offset + s.st_name);
		if (ret < 0)
			return ret;
		if (o->name[0] == '\0' || !memchr(o->name, '\0', len))
			continue;
		o->state = SYMBOL_MISSING;
		take(o, &s);
		n += o->state == SYMBOL_FUNCTION;
	}
	return (int)n;
}
