// SPDX-License-Identifier: MIT
/*
 * Finds functions of the program that the library needs now and then, such as those that find errno
 * and throw bad_alloc. The library searches as ld.so does, without calling it: the program's
 * dynamic section leads to the list of loaded objects (r_debug, link.h), each of which has a hash
 * table of its symbols.
 *
 * A static program has no such list, so nothing is found in it.
 */
#include <elf.h>
#include "check/preload/library.h"
#include "check/preload/symbol.h"
#include "libc/string.h"

/* The library's own ELF header, from the linker. */
extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

struct r_debug {
	int version;
	struct link_map *map;
};

struct object {
	u64 bias;
	const Elf64_Sym *symtab;
	const char *strtab;
	const u32 *gnu_hash, *hash;
};

static const struct link_map *first_object(void)
{
	const struct chk_start *s = chk_started();
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)s->phdr, *self = NULL;
	const Elf64_Dyn *dynamic = NULL;
	u64 bias;

	for (u64 i = 0; phdr && i < s->phnum; i++)
		if (phdr[i].p_type == PT_PHDR)
			self = &phdr[i];
	/* If ld.so is run as the program, the kernel does not know the program that it loads. */
	bias = self ? s->phdr - self->p_vaddr : 0;
	for (u64 i = 0; self && i < s->phnum; i++)
		if (phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const Elf64_Dyn *)(bias + phdr[i].p_vaddr);
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++)
		if (dynamic->d_tag == DT_DEBUG && dynamic->d_un.d_ptr)
			return ((const struct r_debug *)dynamic->d_un.d_ptr)->map;
	return NULL;
}

/* Returns an address in a dynamic section, to which glibc has added the bias, but not musl. */
static const void *address(const struct link_map *m, u64 value)
{
	return (const void *)(value < m->bias ? value + m->bias : value);
}

static struct object object_of(const struct link_map *m)
{
	struct object o = {.bias = m->bias};

	for (const Elf64_Dyn *d = m->dynamic; d && d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_SYMTAB:
			o.symtab = address(m, d->d_un.d_ptr);
			break;
		case DT_STRTAB:
			o.strtab = address(m, d->d_un.d_ptr);
			break;
		case DT_GNU_HASH:
			o.gnu_hash = address(m, d->d_un.d_ptr);
			break;
		case DT_HASH:
			o.hash = address(m, d->d_un.d_ptr);
			break;
		}
	}
	return o;
}

static bool is_it(const struct object *o, u32 index, const char *name)
{
	const Elf64_Sym *s = &o->symtab[index];

	return s->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
	       !strcmp(o->strtab + s->st_name, name);
}

/*
 * Searches DT_GNU_HASH. Each bucket is a run of consecutive symbols. The lowest bit of a stored
 * hash marks the last symbol of a bucket.
 */
static u32 find_gnu(const struct object *o, const char *name)
{
	u32 buckets = o->gnu_hash[0], first = o->gnu_hash[1], bloom = o->gnu_hash[2];
	const u32 *bucket = o->gnu_hash + 4 + 2 * bloom, *chain = bucket + buckets;
	u32 hash = 5381, i;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (u8)*c;
	i = buckets ? bucket[hash % buckets] : 0;
	if (i < first)
		return 0;
	for (;; i++) {
		if ((chain[i - first] | 1) == (hash | 1) && is_it(o, i, name))
			return i;
		if (chain[i - first] & 1)
			return 0;
	}
}

static u32 find_sysv(const struct object *o, const char *name)
{
	u32 buckets = o->hash[0], hash = 0;
	const u32 *bucket = o->hash + 2, *chain = bucket + buckets;

	for (const char *c = name; *c; c++) {
		hash = (hash << 4) + (u8)*c;
		hash ^= hash >> 24 & 0xf0;
	}
	hash &= 0x0fffffff;
	for (u32 i = buckets ? bucket[hash % buckets] : 0; i; i = chain[i])
		if (is_it(o, i, name))
			return i;
	return 0;
}

const struct link_map *symbol_modules(void)
{
	return first_object();
}

void *symbol_in(const struct link_map *m, const char *name, u64 *size)
{
	const struct object o = object_of(m);
	u32 i = 0;

	if (!o.symtab || !o.strtab)
		return NULL;
	if (o.gnu_hash)
		i = find_gnu(&o, name);
	else if (o.hash)
		i = find_sysv(&o, name);
	if (!i)
		return NULL;
	if (size)
		*size = o.symtab[i].st_size;
	return (void *)(o.bias + o.symtab[i].st_value);
}

static void *find_from(const struct link_map *m, const char *name, const struct link_map **in)
{
	for (; m; m = m->next) {
		void *p = symbol_in(m, name, NULL);

		if (!p)
			continue;
		if (in)
			*in = m;
		return p;
	}
	return NULL;
}

void *chk_symbol(const char *name)
{
	return find_from(first_object(), name, NULL);
}

void *chk_symbol_next(const char *name, const struct link_map **in)
{
	const struct link_map *m = first_object();

	while (m && m->bias != (u64)__ehdr_start)
		m = m->next;
	return m ? find_from(m->next, name, in) : NULL;
}

void chk_set_errno(int error)
{
	int *(*location)(void) = (int *(*)(void))chk_started()->errno_location;

	if (!location)
		location = chk_symbol("__errno_location");
	if (location)
		*location() = error;
}
