// SPDX-License-Identifier: MIT
/* See gone.h. */
#include <linux/mman.h>
#include "kernel/check/gone.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/fs/mapping.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/window.h"

#define GONE_MOST 256 /* mappings that are remembered; later ones are not */

struct chk_gone_map {
	struct chk_gone_map *next; /* in the order of unmapping */
	u64 start, end;
	u64 shown;  /* the address in the report's mappings that stands for start */
	u32 stacks; /* stacks with lower numbers were stored when it was unmapped */
	u64 offset; /* in the file */
	u64 dev, ino;
	u32 prot;
	u32 path_len;
	char path[];
};

/* The last one, whose library v may continue; NULL: none. */
static struct chk_gone_map *last_of(struct mm *mm, u32 *count)
{
	struct chk_gone_map *g = mm->check->gone;

	*count = 0;
	for (; g; g = g->next) {
		++*count;
		if (!g->next)
			return g;
	}
	return NULL;
}

static bool continues(const struct chk_gone_map *g, const struct vma *v, u32 stacks,
		      const char *path)
{
	return g && v->offset && g->stacks == stacks && v->start >= g->end &&
	       v->start - g->start < CHECK_GONE_SPACE / 2 && strcmp(g->path, path) == 0;
}

void chk_module_goes(struct mm *mm, struct vma *v)
{
	u32 stacks = mm->check->heap ? depot_next(mm->check->heap->depot) : 0;
	struct chk_gone_map *last, *g;
	char *path;
	u32 count;
	u64 len;

	ASSERT_HELD(&mm->lock);
	last = last_of(mm, &count);
	/* No stack leads into the library, or the stack is of a kind that needs no names. */
	if (!stacks || !vma_file(v) || count >= GONE_MOST)
		return;
	path = kmalloc(PAGE_SIZE);
	if (!path)
		return;
	mm_vma_name(mm, v, path, PAGE_SIZE);
	len = strcspn(path, "\n");
	path[len] = '\0';
	g = kmalloc(sizeof(*g) + len + 1);
	if (g) {
		*g = (struct chk_gone_map){
			.start = v->start,
			.end = v->end,
			.stacks = stacks,
			.offset = v->offset,
			.dev = vma_window(v) ? vma_window(v)->dev : 0,
			.ino = vma_window(v) ? vma_window(v)->ino : 0,
			.prot = v->prot,
			.path_len = (u32)len,
		};
		memcpy(g->path, path, len + 1);
		if (continues(last, v, stacks, path))
			g->shown = last->shown + (v->start - last->start);
		else
			g->shown = CHECK_GONE_BASE + CHECK_GONE_SPACE * (count + 1);
		if (last)
			last->next = g;
		else
			mm->check->gone = g;
	}
	kfree(path);
}

u64 gone_address(struct mm *mm, u32 id, u64 pc)
{
	ASSERT_HELD(&mm->lock);
	/* A return address may lie behind the last byte of a mapping. */
	for (const struct chk_gone_map *g = mm->check->gone; g; g = g->next)
		if (id < g->stacks && pc > g->start && pc <= g->end)
			return g->shown + (pc - g->start);
	return pc;
}

u64 gone_maps(struct mm *mm, char *to, u64 len)
{
	u64 done = 0;

	ASSERT_HELD(&mm->lock);
	for (const struct chk_gone_map *g = mm->check->gone; g; g = g->next) {
		s64 n;

		if (len - done <= g->path_len + 128UL)
			break;
		n = snprintf(to + done, len - done,
			     "%08lx-%08lx %c%c%cp %08lx %02lx:%02lx %lu %s\n", g->shown,
			     g->shown + (g->end - g->start), g->prot & PROT_READ ? 'r' : '-',
			     g->prot & PROT_WRITE ? 'w' : '-', g->prot & PROT_EXEC ? 'x' : '-',
			     g->offset, g->dev >> 8 & 0xfff,
			     (g->dev & 0xff) | (g->dev >> 12 & ~0xffUL), g->ino, g->path);
		done += (u64)n;
	}
	return done;
}

void gone_dup(struct mm *child, struct mm *mm)
{
	struct chk_gone_map **to = &child->check->gone;

	ASSERT_HELD(&mm->lock);
	for (const struct chk_gone_map *g = mm->check->gone; g; g = g->next) {
		u64 size = sizeof(*g) + g->path_len + 1;

		*to = kmalloc(size);
		if (!*to)
			return;
		memcpy(*to, g, size);
		(*to)->next = NULL;
		to = &(*to)->next;
	}
}

void gone_free(struct mm *mm)
{
	struct chk_gone_map *g;

	while ((g = mm->check->gone)) {
		mm->check->gone = g->next;
		kfree(g);
	}
}
