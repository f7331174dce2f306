// SPDX-License-Identifier: MIT
/* See stack.h. Writes to the address space only through mm_copy_to. */
#include <linux/auxvec.h>
#include "kernel/exec/stack.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"

/* Linux's bprm_stack_limits: a quarter of RLIMIT_STACK, but from ARGS_MIN to ARGS_MAX. */
#define ARGS_MIN 131072
#define ARGS_MAX (6UL << 20)

static u64 string_bytes(const struct exec_stack *s)
{
	u64 sum = 0;

	for (u32 i = 0; i < s->chunks; i++)
		sum += s->chunk[i].size;
	return sum;
}

/* Number of words of argc, argv[] with its NULL, and envp[] with its NULL. */
static u64 pointer_words(const struct exec_stack *s)
{
	return 1 + s->argc + 1 + s->envc + (s->preload ? EXEC_PRELOADS : 0) + 1;
}

/* The same with the largest auxiliary vector and AT_NULL. */
static u64 table_words(const struct exec_stack *s)
{
	return pointer_words(s) + 2 * (STACK_AUX_MAX + 1);
}

static u64 preload_size(const struct exec_stack *s)
{
	return s->preload ? strlen(s->preload) + 1 : 0;
}

int exec_stack_check(const struct exec_stack *s, u64 rlimit_stack)
{
	u64 limit = MAX(MIN(rlimit_stack / 4, ARGS_MAX), ARGS_MIN);
	u64 pointers = (u64)(s->argc + s->envc) * sizeof(u64);
	u64 count = 0;

	if (pointers >= limit || string_bytes(s) + strlen(s->execfn) + 1 > limit - pointers)
		return -E2BIG;
	for (u32 i = 0; i < s->chunks; i++) {
		const struct exec_chunk *p = &s->chunk[i];

		for (u64 at = 0; at < p->size; count++) {
			u64 size = strlen(p->data + at) + 1;

			if (size > STACK_ARG_MAX)
				return -E2BIG;
			at += size;
		}
	}
	KASSERT(count == (u64)s->argc + s->envc);
	return 0;
}

u64 exec_stack_size(const struct exec_stack *s)
{
	return sizeof(u64) + strlen(s->execfn) + 1 + string_bytes(s) + STACK_RANDOM_GAP +
	       strlen(s->platform) + 1 + sizeof(s->random) + preload_size(s) + 16 +
	       table_words(s) * sizeof(u64);
}

/* A writer of words at ascending addresses. It buffers them: 10,000 pointers are 20 copies. */
struct words {
	struct mm *mm;
	u64 addr; /* of word[0] */
	u32 count;
	int error;
	u64 word[504]; /* the struct is smaller than a page */
};

static void words_flush(struct words *w)
{
	if (!w->error)
		w->error = mm_copy_to(w->mm, w->addr, w->word, w->count * sizeof(u64));
	w->addr += w->count * sizeof(u64);
	w->count = 0;
}

static void words_put(struct words *w, u64 word)
{
	w->word[w->count++] = word;
	if (w->count == ARRAY_SIZE(w->word))
		words_flush(w);
}

/* Returns the address of the next word. */
static u64 words_at(const struct words *w)
{
	return w->addr + w->count * sizeof(u64);
}

/* Writes the pointer to an environment string at addr. Replaces that to the first LD_PRELOAD. */
static void put_env(struct exec_stack *s, struct words *w, u64 addr, const char *string)
{
	static const char preload[] = "LD_PRELOAD=";

	if (s->preload && !s->inject->slot && !strncmp(string, preload, sizeof(preload) - 1)) {
		s->inject->slot = words_at(w);
		s->inject->slot_value = addr;
		addr = s->inject->string;
	}
	words_put(w, addr);
}

/* Writes the strings, and to w a pointer to each, with the NULLs of argv[] and envp[]. */
static int write_strings(struct exec_stack *s, struct words *w)
{
	u64 addr = s->arg_start;
	u32 index = 0;
	int ret;

	for (u32 i = 0; i < s->chunks; i++) {
		const struct exec_chunk *p = &s->chunk[i];

		ret = mm_copy_to(w->mm, addr, p->data, p->size);
		if (ret < 0)
			return ret;
		for (u64 at = 0; at < p->size; at += strlen(p->data + at) + 1) {
			if (index == s->argc) {
				s->arg_end = addr + at;
				words_put(w, 0);
			}
			if (index++ < s->argc)
				words_put(w, addr + at);
			else
				put_env(s, w, addr + at, p->data + at);
		}
		addr += p->size;
	}
	s->env_end = addr;
	if (s->envc == 0) {
		s->arg_end = addr;
		words_put(w, 0);
	}
	if (s->preload)
		s->inject->added = words_at(w);
	for (u32 i = 0; s->preload && i < EXEC_PRELOADS; i++)
		words_put(w, s->inject->string);
	words_put(w, 0);
	return 0;
}

static void aux_add(struct exec_stack *s, u64 type, u64 value)
{
	KASSERT(s->aux_count < STACK_AUX_MAX);
	s->aux[s->aux_count++] = (struct exec_aux){type, value};
}

int exec_stack_write(struct exec_stack *s, struct mm *mm)
{
	u64 execfn_size = strlen(s->execfn) + 1, platform_size = strlen(s->platform) + 1;
	u64 execfn = s->top - sizeof(u64) - execfn_size;
	u64 platform, random;
	struct words *w = kmalloc(sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	s->arg_start = execfn - string_bytes(s);
	platform = ALIGN_DOWN(s->arg_start - s->gap, 16UL) - platform_size;
	random = platform - sizeof(s->random);
	aux_add(s, AT_RANDOM, random);
	aux_add(s, AT_EXECFN, execfn);
	aux_add(s, AT_PLATFORM, platform);
	if (s->preload)
		*s->inject = (struct exec_preload){.string = random - preload_size(s)};
	s->sp = random - preload_size(s);
	s->sp -= (pointer_words(s) + 2 * (s->aux_count + 1UL)) * sizeof(u64);
	s->sp = ALIGN_DOWN(s->sp, 16UL);

	w->mm = mm;
	w->addr = s->sp;
	w->count = 0;
	w->error = 0;
	words_put(w, s->argc);
	ret = write_strings(s, w);
	if (ret < 0)
		goto out;
	for (u32 i = 0; i < s->aux_count; i++) {
		words_put(w, s->aux[i].type);
		words_put(w, s->aux[i].value);
	}
	words_put(w, AT_NULL);
	words_put(w, 0);
	words_flush(w);
	ret = w->error;
	if (ret == 0)
		ret = mm_copy_to(mm, execfn, s->execfn, execfn_size);
	if (ret == 0)
		ret = mm_copy_to(mm, platform, s->platform, platform_size);
	if (ret == 0)
		ret = mm_copy_to(mm, random, s->random, sizeof(s->random));
	if (ret == 0 && s->preload)
		ret = mm_copy_to(mm, s->inject->string, s->preload, preload_size(s));
out:
	kfree(w);
	return ret;
}
