// SPDX-License-Identifier: MIT
/*
 * Does a debug build of the kernel's mutex know its owner, and does it panic where a lock is used
 * against the rules of kernel/lock.h? The vCPUs are made up: the test says which one runs.
 */
#define BUFFERVM_DEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "kernel/lock.c"

static struct vcpu_data cpus[2] = {{.id = 0}, {.id = 1}};
static u32 running; /* its index */
static char said[512];
static jmp_buf out;
static u32 waits, wakes;
static struct mutex *let_go; /* Released by its holder as soon as another thread waits. */

struct vcpu_data *arch_vcpu_data(void)
{
	return &cpus[running];
}

u64 virt_to_phys(const void *p)
{
	return (u64)p;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	longjmp(out, 1);
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	(void)params;
	(void)count;
	if (nr == HC_wake) {
		wakes++;
		return 0;
	}
	assert_int_equal(nr, HC_wait);
	assert_int_equal(let_go->word, 2);
	waits++;
	running = 1;
	mutex_unlock(let_go);
	running = 0;
	return 0;
}

/* The statement panics, and the message has both texts. */
#define PANICS(statement, one, other)                                                              \
	do {                                                                                       \
		said[0] = 0;                                                                       \
		if (!setjmp(out)) {                                                                \
			statement;                                                                 \
			fail_msg("no panic: %s", #statement);                                      \
		}                                                                                  \
		assert_non_null(strstr(said, one));                                                \
		assert_non_null(strstr(said, other));                                              \
	} while (0)

static int setup(void **state)
{
	(void)state;
	memset(held, 0, sizeof(held));
	running = waits = wakes = 0;
	return 0;
}

static void the_owner_is_known(void **state)
{
	struct mutex m = MUTEX_INIT(LOCK_MM);

	(void)state;
	PANICS(ASSERT_HELD(&m), "mm.lock", "is not held");
	mutex_lock(&m);
	assert_ptr_equal(m.owner, &cpus[0]);
	ASSERT_HELD(&m);
	running = 1;
	PANICS(ASSERT_HELD(&m), "mm.lock", "is not held");
	PANICS(mutex_unlock(&m), "mm.lock", "released, but not held");
	running = 0;
	mutex_unlock(&m);
	PANICS(ASSERT_HELD(&m), "mm.lock", "is not held");
	PANICS(mutex_unlock(&m), "mm.lock", "released, but not held");
}

static void the_order_is_kept(void **state)
{
	struct mutex task = MUTEX_INIT(LOCK_TASK), mm = MUTEX_INIT(LOCK_MM);
	struct mutex frame = MUTEX_INIT(LOCK_FRAME);

	(void)state;
	mutex_lock(&task);
	mutex_lock(&mm);
	mutex_lock(&frame);
	PANICS(lock_assert_may_take(LOCK_TASK), "task_lock", "none like task_lock");
	lock_assert_may_take(LOCK_BELLS);
	/* The order of release does not matter. */
	mutex_unlock(&task);
	PANICS(lock_assert_may_take(LOCK_TASK), "mm.lock", "none like task_lock");
	PANICS(mutex_lock(&task), "task_lock", "mm.lock");
	mutex_unlock(&mm);
	PANICS(mutex_lock(&mm), "mm.lock", "frame_lock");
	mutex_unlock(&frame);
	mutex_lock(&mm);
	/* Another vCPU's locks do not count. */
	running = 1;
	mutex_lock(&task);
	mutex_unlock(&task);
	running = 0;
	mutex_unlock(&mm);
	lock_assert_none();
}

static void one_class_goes_by_address(void **state)
{
	struct mutex m[2] = {MUTEX_INIT(LOCK_FUTEX), MUTEX_INIT(LOCK_FUTEX)};

	(void)state;
	mutex_lock(&m[0]);
	mutex_lock(&m[1]);
	PANICS(mutex_lock(&m[1]), "bucket.lock", "by its holder");
	mutex_unlock(&m[0]);
	PANICS(mutex_lock(&m[0]), "bucket.lock", "against the order");
	mutex_unlock(&m[1]);
}

static void a_forgotten_class_is_found(void **state)
{
	struct mutex m = {0};

	(void)state;
	PANICS(mutex_lock(&m), "no class", "mutex_init");
	mutex_init(&m, LOCK_FS);
	mutex_lock(&m);
	PANICS(lock_assert_none(), "fs_info.lock", "still held");
	mutex_unlock(&m);
}

static void who_waits_is_woken(void **state)
{
	struct mutex m = MUTEX_INIT(LOCK_SCHED);

	(void)state;
	running = 1;
	mutex_lock(&m);
	running = 0;
	let_go = &m;
	mutex_lock(&m);
	assert_int_equal(waits, 1);
	assert_int_equal(wakes, 1);
	assert_ptr_equal(m.owner, &cpus[0]);
	mutex_unlock(&m);
	assert_int_equal(m.word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_owner_is_known, setup),
		cmocka_unit_test_setup(the_order_is_kept, setup),
		cmocka_unit_test_setup(one_class_goes_by_address, setup),
		cmocka_unit_test_setup(a_forgotten_class_is_found, setup),
		cmocka_unit_test_setup(who_waits_is_woken, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
