// SPDX-License-Identifier: MIT
/*
 * See static.h. The functions that the library exports are replaced. Either all of them are or none
 * is, because a library's free cannot release the objects of the program's malloc. C++'s operators
 * may be left out as a group, because they call malloc and free.
 */
#include <linux/elf.h>
#include <linux/mman.h>
#include <asm/stat.h>
#include "kernel/exec/binary.h"
#include "kernel/fs/file.h"
#include "kernel/check/heap.h"
#include "kernel/check/inject.h"
#include "kernel/check/static.h"
#include "kernel/check/symbols.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"

#define EXPORTS_MAX 64
#define RELOCS_MAX  65536
#define DYNAMIC_MAX 64

/* jmp rel32 */
#define JUMP_OPCODE 0xe9
#define JUMP_SIZE   5
#define JUMP_REACH  (1UL << 31)

#define LOWEST	    0x10000UL	  /* Linux's default vm.mmap_min_addr */
#define BRK_SPACE   (256UL << 20) /* left to brk(2) if the library is mapped above the program */

/* The C libraries' other names of malloc: glibc's, musl's; and what the library asks for errno. */
enum { LIBC_GLIBC, LIBC_MUSL, LIBC_MALLOCS, LIBC_ERRNO = LIBC_MALLOCS, LIBC_NAMES };
static const char *const libc_names[LIBC_NAMES] = {
	[LIBC_GLIBC] = "__libc_malloc",
	[LIBC_MUSL] = "default_malloc",
	[LIBC_ERRNO] = "__errno_location",
};

/*
 * Exports of the library that need other functions of the program, which it finds only where there
 * is an ld.so: the program keeps its own.
 */
static const char *const dynamic_only[] = {"dlmopen", "malloc_info", "pthread_create"};

struct takeover {
	const struct binary *program;
	struct mm *mm;
	struct binary library;
	struct exec_error why; /* where binary_adopt notes an error; not used */
	u32 count;
	struct symbol ours[EXPORTS_MAX];
	struct symbol theirs[EXPORTS_MAX + LIBC_NAMES]; /* same indices; then libc_names */
	char text[128];
	u8 buffer[SYMBOL_BUFFER];
};

void chk_unwatched(const char *filename, const char *why)
{
	/* Hashes of the names in earlier messages: a build may run a tool a thousand times. */
	static struct mutex lock = MUTEX_INIT(LOCK_CHECK_SAID);
	static u64 said[64];
	static u32 count;
	u64 hash = 0xcbf29ce484222325; /* FNV-1a */
	bool again = false;

	for (const char *s = filename; *s; s++)
		hash = (hash ^ (u8)*s) * 0x100000001b3;
	mutex_lock(&lock);
	for (u32 i = 0; i < MIN(count, (u32)ARRAY_SIZE(said)); i++)
		again |= said[i] == hash;
	if (!again)
		said[count++ % ARRAY_SIZE(said)] = hash;
	mutex_unlock(&lock);
	if (!again)
		klog(0, "check: %s: %s: its heap is not watched, only the kernel's checks apply",
		     filename, why);
}

static int read_binary(void *arg, void *to, u64 len, u64 offset)
{
	return binary_read(arg, to, len, offset);
}

static struct symbol_file symbol_file(const struct binary *b)
{
	return (struct symbol_file){read_binary, UNCONST(b), b->file_size};
}

/* Reads the library's headers and exports. */
static int open_library(struct takeover *t)
{
	struct binary *b = &t->library;
	struct symbol_file file;
	int ret;

	b->why = &t->why;
	b->bad_format = ENOEXEC;
	ret = binary_adopt(b, chk_library());
	if (ret == 0)
		ret = binary_check(b);
	if (ret < 0)
		return ret;
	file = symbol_file(b);
	ret = symbols_exported(&file, t->ours, EXPORTS_MAX);
	if (ret < 0)
		return ret;
	t->count = (u32)ret;
	return 0;
}

static bool is_operator(const struct symbol *s)
{
	return s->name[0] == '_' && s->name[1] == 'Z';
}

/* Returns whether the function is long enough for a jump, and lies in a segment of code. */
static bool is_replaceable(const struct binary *b, const struct symbol *s)
{
	if (s->state != SYMBOL_FUNCTION || s->space < JUMP_SIZE)
		return false;
	for (u32 i = 0; i < b->image.segments; i++) {
		const struct elf_segment *g = &b->segment[i];

		if ((g->prot & PROT_EXEC) && s->value >= g->vaddr &&
		    s->value - g->vaddr < g->filesz &&
		    g->filesz - (s->value - g->vaddr) >= JUMP_SIZE)
			return true;
	}
	return false;
}

/* Returns whether the linker made one function of two with the same code, such as new and new[]. */
static bool is_folded(const struct takeover *t, u32 i)
{
	for (u32 j = 0; j < t->count; j++)
		if (j != i && t->theirs[j].state != SYMBOL_MISSING &&
		    t->theirs[j].value == t->theirs[i].value)
			return true;
	return false;
}

static void leave_operators(struct takeover *t)
{
	for (u32 i = 0; i < t->count; i++)
		if (is_operator(&t->theirs[i]))
			t->theirs[i].state = SYMBOL_MISSING;
}

static void leave_dynamic_only(struct takeover *t)
{
	for (u32 i = 0; i < t->count; i++)
		for (u32 k = 0; k < ARRAY_SIZE(dynamic_only); k++)
			if (strcmp(t->ours[i].name, dynamic_only[k]) == 0)
				t->theirs[i].state = SYMBOL_MISSING;
}

/*
 * Returns whether malloc, if the program has one, is the C library's and not the program's own.
 * Notes which C library it is.
 */
static bool is_libc_malloc(const struct takeover *t)
{
	const struct symbol *libc = &t->theirs[t->count];

	for (u32 i = 0; i < t->count; i++) {
		const struct symbol *s = &t->theirs[i];
		bool same = false;

		if (s->state == SYMBOL_MISSING || strcmp(s->name, "malloc") != 0)
			continue;
		for (u32 k = 0; k < LIBC_MALLOCS; k++) {
			if (libc[k].state == SYMBOL_MISSING || libc[k].value != s->value)
				continue;
			same = true;
			t->mm->check->musl = k == LIBC_MUSL;
		}
		return same;
	}
	return true;
}

/*
 * Fills in .theirs with the program's functions that are to be replaced. Returns NULL, or the
 * reason why none is replaced.
 */
static const char *choose(struct takeover *t)
{
	struct symbol_file file = symbol_file(t->program);
	bool any = false;
	int ret;

	for (u32 i = 0; i < t->count; i++)
		memcpy(t->theirs[i].name, t->ours[i].name, sizeof(t->theirs[i].name));
	for (u32 k = 0; k < LIBC_NAMES; k++)
		snprintf(t->theirs[t->count + k].name, SYMBOL_NAME_MAX, "%s", libc_names[k]);
	ret = symbols_find(&file, t->theirs, t->count + LIBC_NAMES, t->buffer);
	if (ret == -ENOENT)
		return "a static program without symbols";
	if (ret < 0)
		return "its symbol table cannot be read";
	leave_dynamic_only(t);
	if (!is_libc_malloc(t))
		return "it has a malloc of its own";
	for (u32 i = 0; i < t->count; i++) {
		const struct symbol *s = &t->theirs[i];

		if (s->state != SYMBOL_MISSING && is_operator(s) &&
		    (!is_replaceable(t->program, s) || is_folded(t, i)))
			leave_operators(t);
	}
	for (u32 i = 0; i < t->count; i++) {
		const struct symbol *s = &t->theirs[i];

		if (s->state == SYMBOL_MISSING)
			continue;
		any = true;
		if (is_replaceable(t->program, s))
			continue;
		snprintf(t->text, sizeof(t->text),
			 s->state == SYMBOL_ODD ? "its %s is not an ordinary function"
						: "its %s is too short to be replaced",
			 s->name);
		return t->text;
	}
	return any ? NULL : "a static program without malloc";
}

/*
 * Finds an address for the library that a jump from anywhere in the program reaches: below the
 * program, else above its heap. Returns 0 if there is none.
 */
static u64 find_address(struct takeover *t)
{
	const struct binary *p = t->program;
	u64 start = p->bias + p->image.start, end = p->bias + p->image.end;
	u64 size = t->library.image.end, high = start + JUMP_REACH;
	u64 low = end > JUMP_REACH + LOWEST ? end - JUMP_REACH : LOWEST;
	u64 at = 0, align = t->library.image.align;

	if (end - start >= JUMP_REACH)
		return 0;
	mutex_lock(&t->mm->lock);
	if (low < start)
		at = vma_gap_down(t->mm, ALIGN_UP(low, PAGE_SIZE), start, size, align);
	if (!at && t->mm->brk_start + BRK_SPACE < high)
		at = vma_gap_down(t->mm, t->mm->brk_start + BRK_SPACE, high, size, align);
	mutex_unlock(&t->mm->lock);
	return at;
}

/* Applies the R_X86_64_RELATIVE relocations; cmake/heap-check makes sure that no others exist. */
static int relocate(struct takeover *t, u64 rela, u64 count)
{
	u64 bias = t->library.bias;

	if (count > RELOCS_MAX)
		return -ENOEXEC;
	for (u64 i = 0; i < count; i++) {
		Elf64_Rela r;
		u64 value;
		int ret = mm_copy_from(t->mm, &r, bias + rela + i * sizeof(r), sizeof(r));

		if (ret < 0)
			return ret;
		value = bias + (u64)r.r_addend;
		ret = mm_copy_to(t->mm, bias + r.r_offset, &value, sizeof(value));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int relocate_library(struct takeover *t)
{
	const struct binary *b = &t->library;
	u64 rela = 0, size = 0;

	for (u32 i = 0; i < b->image.headers; i++) {
		Elf64_Phdr p;

		memcpy(&p, b->table + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_DYNAMIC)
			continue;
		for (u32 j = 0; j < MIN(p.p_memsz / sizeof(Elf64_Dyn), (u64)DYNAMIC_MAX); j++) {
			Elf64_Dyn d;
			int ret = mm_copy_from(t->mm, &d, b->bias + p.p_vaddr + j * sizeof(d),
					       sizeof(d));

			if (ret < 0)
				return ret;
			if (d.d_tag == DT_RELA)
				rela = d.d_un.d_ptr;
			else if (d.d_tag == DT_RELASZ)
				size = d.d_un.d_val;
		}
	}
	return relocate(t, rela, size / sizeof(Elf64_Rela));
}

/* Writes to code, in the program's private copy of the page. */
static int write_code(struct mm *mm, u64 addr, const void *bytes, u64 len)
{
	u64 page = ALIGN_DOWN(addr, PAGE_SIZE), size = ALIGN_UP(addr + len, PAGE_SIZE) - page;
	struct vma *v;
	u32 prot;
	s64 ret;

	mutex_lock(&mm->lock);
	v = vma_find(mm, addr);
	prot = v ? v->prot : 0;
	mutex_unlock(&mm->lock);
	ret = mm_protect(mm, page, size, PROT_READ | PROT_WRITE);
	if (ret == 0)
		ret = mm_copy_to(mm, addr, bytes, len);
	if (ret == 0)
		ret = mm_protect(mm, page, size, prot);
	return (int)ret;
}

static int write_jumps(struct takeover *t)
{
	for (u32 i = 0; i < t->count; i++) {
		u64 from = t->program->bias + t->theirs[i].value;
		u64 to = t->library.bias + t->ours[i].value;
		u32 distance = (u32)(to - (from + JUMP_SIZE));
		u8 jump[JUMP_SIZE] = {JUMP_OPCODE};
		int ret;

		if (t->theirs[i].state == SYMBOL_MISSING)
			continue;
		memcpy(jump + 1, &distance, sizeof(distance));
		ret = write_code(t->mm, from, jump, sizeof(jump));
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int take_over(struct takeover *t, const char *filename)
{
	const char *why;
	u64 at;
	int ret = open_library(t);

	if (ret < 0)
		return ret;
	why = choose(t);
	at = why ? 0 : find_address(t);
	if (!at) {
		chk_unwatched(filename, why ? why : "there is no room near it");
		return 0;
	}
	ret = binary_map(&t->library, t->mm, at);
	if (ret == 0)
		ret = relocate_library(t);
	if (ret == 0)
		ret = write_jumps(t);
	if (t->theirs[t->count + LIBC_ERRNO].state == SYMBOL_FUNCTION)
		t->mm->check->errno_location =
			t->program->bias + t->theirs[t->count + LIBC_ERRNO].value;
	return ret;
}

int chk_static(const struct binary *program, struct mm *mm, const char *filename)
{
	struct takeover *t = kzalloc(sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	t->program = program;
	t->mm = mm;
	ret = take_over(t, filename);
	binary_close(&t->library);
	kfree(t);
	return ret;
}
