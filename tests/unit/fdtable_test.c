// SPDX-License-Identifier: MIT
/*
 * Does the descriptor table do what POSIX says: always the lowest free number, references that
 * balance, close-on-exec kept per descriptor? Random operations are compared with a plain array.
 * sources: kernel/fs/fdtable.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/fs/file.h"
#include "kernel/mm/kmalloc.h"

/* Stands in for what fdtable.c needs of the kernel. Allocation fails on demand. */
static unsigned allocated, fail_after = -1U;

static bool fails(void)
{
	return fail_after != -1U && fail_after-- == 0;
}

void *kzalloc(u64 size)
{
	if (fails())
		return NULL;
	allocated++;
	return calloc(1, size);
}

void *krealloc(void *p, u64 size)
{
	if (fails())
		return NULL;
	allocated += !p;
	return realloc(p, size);
}

void kfree(void *p)
{
	allocated -= !!p;
	free(p);
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word++, 0);
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(--m->word, 0);
}

struct ofile *ofile_get(struct ofile *f)
{
	f->refs++;
	return f;
}

void ofile_put(struct ofile *f)
{
	if (f)
		assert_true(f->refs-- > 0);
}

void file_close(struct files *t, struct ofile *f)
{
	(void)t;
	ofile_put(f);
}

static void the_lowest_free_number_is_given(void **state)
{
	struct files *t = files_new();
	struct ofile f = {.refs = 100};

	(void)state;
	for (s32 i = 0; i < 5; i++)
		assert_int_equal(fdtable_install(t, &f, 0, 100, false), i);
	ofile_put(fdtable_remove(t, 1));
	ofile_put(fdtable_remove(t, 3));
	assert_int_equal(fdtable_install(t, &f, 2, 100, false), 3);
	assert_int_equal(fdtable_install(t, &f, 0, 100, false), 1);
	assert_int_equal(fdtable_install(t, &f, 0, 100, false), 5);
	assert_int_equal(fdtable_install(t, &f, 63, 100, false), 63);
	assert_int_equal(fdtable_install(t, &f, 63, 100, false), 64);
	assert_null(fdtable_remove(t, 99));
	files_put(t);
	assert_int_equal(allocated, 0);
}

static void limits_are_kept(void **state)
{
	struct files *t = files_new();
	struct ofile f = {.refs = 100}, *old;

	(void)state;
	assert_int_equal(fdtable_install(t, &f, 0, 0, false), -EMFILE);
	assert_int_equal(fdtable_install(t, &f, 0, 1, false), 0);
	assert_int_equal(fdtable_install(t, &f, 0, 1, false), -EMFILE);
	assert_int_equal(fdtable_install(t, &f, 7, 7, false), -EINVAL);
	assert_int_equal(fdtable_install(t, &f, -1, 7, false), -EINVAL);
	assert_int_equal(fdtable_replace(t, -1, &f, false, &old), -EBADF);
	assert_int_equal(fdtable_replace(t, FD_LIMIT, &f, false, &old), -EBADF);
	assert_int_equal(fdtable_replace(t, FD_LIMIT - 1, &f, false, &old), 0);
	assert_int_equal(fdtable_next(t, 1), FD_LIMIT - 1);
	assert_int_equal(fdtable_install(t, &f, FD_LIMIT - 1, -1UL, false), -EMFILE);
	assert_null(fdtable_get(t, -1));
	assert_null(fdtable_get(t, INT32_MAX));
	assert_int_equal(fdtable_get_cloexec(t, INT32_MIN), -EBADF);
	files_put(t);
	assert_int_equal(allocated, 0);
}

static void exec_closes_what_is_marked(void **state)
{
	struct files *t = files_new();
	struct ofile stays = {.refs = 1}, goes = {.refs = 2};

	(void)state;
	fdtable_install(t, &stays, 0, 100, false);
	fdtable_install(t, &goes, 0, 100, true);
	fdtable_install(t, &goes, 700, 1000, false);
	assert_int_equal(fdtable_set_cloexec(t, 700, true), 0);
	files_close_on_exec(t);
	assert_int_equal(stays.refs, 1);
	assert_int_equal(goes.refs, 0);
	/* A number that is used again does not inherit the mark. */
	goes.refs = 1;
	assert_int_equal(fdtable_install(t, &goes, 0, 100, false), 1);
	assert_int_equal(fdtable_get_cloexec(t, 1), 0);
	files_put(t);
}

static void without_memory_nothing_changes(void **state)
{
	struct ofile f = {.refs = 10};

	(void)state;
	for (unsigned n = 0; n < 4; n++) {
		struct files *t = files_new(), *copy;
		struct ofile *old;

		fail_after = n;
		if (n < 3)
			assert_int_equal(fdtable_install(t, &f, 0, 10, false), -ENOMEM);
		fail_after = -1U;
		assert_int_equal(fdtable_next(t, 0), -1);
		assert_int_equal(fdtable_install(t, &f, 0, 10, false), 0);
		fail_after = n;
		assert_int_equal(fdtable_replace(t, 5000, &f, false, &old), n < 3 ? -ENOMEM : 0);
		if (n == 3)
			f.refs++;
		fail_after = n;
		copy = files_dup(t);
		fail_after = -1U;
		if (copy)
			files_put(copy);
		files_put(t);
		f.refs = 10;
		assert_int_equal(allocated, 0);
	}
}

#define MODEL 2000

static void agrees_with_a_plain_array(void **state)
{
	struct files *t = files_new();
	struct ofile file[8] = {0};
	struct {
		struct ofile *f;
		bool cloexec;
	} model[MODEL] = {0};
	u32 refs = 0;

	(void)state;
	srandom(2);
	for (int round = 0; round < 200000; round++) {
		struct ofile *f = &file[random() % ARRAY_SIZE(file)], *old;
		s32 fd = random() % (random() % 8 ? 80 : MODEL), got;
		bool on = random() & 1;

		switch (random() % 8) {
		case 0:
		case 1:
		case 2:
			got = fdtable_install(t, ofile_get(f), fd, MODEL, on);
			while (fd < MODEL && model[fd].f)
				fd++;
			assert_int_equal(got, fd < MODEL ? fd : -EMFILE);
			if (got < 0)
				ofile_put(f);
			else
				model[fd].f = f, model[fd].cloexec = on;
			break;
		case 3:
		case 4:
		case 5:
			old = fdtable_remove(t, fd);
			assert_ptr_equal(old, model[fd].f);
			ofile_put(old);
			model[fd].f = NULL;
			break;
		case 6:
			assert_int_equal(fdtable_replace(t, fd, ofile_get(f), on, &old), 0);
			assert_ptr_equal(old, model[fd].f);
			ofile_put(old);
			model[fd].f = f, model[fd].cloexec = on;
			break;
		case 7:
			assert_int_equal(fdtable_get_cloexec(t, fd),
					 model[fd].f ? model[fd].cloexec : -EBADF);
			if (random() % 1000 == 0) {
				struct files *copy = files_dup(t);

				files_put(t);
				t = copy;
			}
			got = fdtable_next(t, fd);
			while (fd < MODEL && !model[fd].f)
				fd++;
			assert_int_equal(got, fd < MODEL ? fd : -1);
			break;
		}
	}
	for (s32 fd = 0; fd < MODEL; fd++)
		refs += model[fd].f != NULL;
	for (u32 i = 0; i < ARRAY_SIZE(file); i++)
		refs -= file[i].refs;
	assert_int_equal(refs, 0);
	files_put(t);
	for (u32 i = 0; i < ARRAY_SIZE(file); i++)
		assert_int_equal(file[i].refs, 0);
	assert_int_equal(allocated, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lowest_free_number_is_given),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(exec_closes_what_is_marked),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(agrees_with_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
