// SPDX-License-Identifier: MIT
/*
 * Do the checker and the interpreter of seccomp(2)'s filters do what Linux does? Each single rule
 * is tested on a program that breaks it and on one that does not. Random programs are then given to
 * the host's Linux, too: it must accept the same programs, and they must have the same results.
 *
 * sources: kernel/task/bpf.c
 */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "kernel/task/bpf.h"

#define LEN(program) ((u32)(sizeof(program) / sizeof((program)[0])))
#define ALLOW	     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static u16 scratch[BPF_LENGTH_MAX];

static int check(const struct sock_filter *program, u32 len)
{
	/* An exact copy, so that the address sanitizer sees a read or a write beyond it. */
	struct sock_filter *copy = malloc(len * sizeof(*copy));
	u16 *own = malloc(len * sizeof(*own));
	int ret;

	memcpy(copy, program, len * sizeof(*copy));
	memset(own, 0x5a, len * sizeof(*own));
	ret = bpf_check(copy, len, own);
	free(own);
	free(copy);
	return ret;
}

/* ---- single rules --------------------------------------------------------------------------- */

static void single_instructions(void **state)
{
	static const struct {
		struct sock_filter insn;
		int result;
	} table[] = {
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), 0},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), 0},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 61), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffff000), -EINVAL}, /* SKF_AD_OFF */
		{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), -EINVAL},
		{BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), 0},
		{BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), 0},
		{BPF_STMT(BPF_LD | BPF_IMM, 7), 0},
		{BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 7), -EINVAL},
		{BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 7), 0},
		{BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), -EINVAL},
		{BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), 0},
		{BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31), 0},
		{BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), -EINVAL},
		{BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), -EINVAL},
		{BPF_STMT(BPF_ALU | BPF_NEG, 0), 0},
		{BPF_STMT(BPF_ST, 15), 0},
		{BPF_STMT(BPF_ST, 16), -EINVAL},
		{BPF_STMT(BPF_STX, 16), -EINVAL},
		{BPF_STMT(BPF_LD | BPF_MEM, 0), -EINVAL}, /* nothing stored it */
		{BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0), 0},
		{BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), -EINVAL},
		{BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), -EINVAL},
		{BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0), 0},
		{BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), -EINVAL},
		{BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 255), -EINVAL},
		{BPF_STMT(0x1000 | BPF_RET, 0), -EINVAL},
	};

	(void)state;
	for (unsigned i = 0; i < LEN(table); i++) {
		const struct sock_filter program[] = {table[i].insn, ALLOW};

		print_message("# %u\n", i);
		assert_int_equal(check(program, 2), table[i].result);
		/* The last instruction has to return. */
		assert_int_equal(check(program, 1), BPF_CLASS(table[i].insn.code) == BPF_RET
							    ? table[i].result
							    : -EINVAL);
	}
}

static void memory_is_stored_on_every_way(void **state)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), /* over the store */
		BPF_STMT(BPF_ST, 2),
		BPF_STMT(BPF_LD | BPF_MEM, 2),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	(void)state;
	assert_int_equal(check(program, LEN(program)), -EINVAL);
	program[1].jf = 0;
	assert_int_equal(check(program, LEN(program)), 0);
	program[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0);
	assert_int_equal(check(program, LEN(program)), -EINVAL);
	/* What nothing reaches may load anything. */
	program[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0);
	assert_int_equal(check(program, LEN(program)), 0);
}

static void results(void **state)
{
	const struct seccomp_data data = {
		.nr = 39,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = 0x123456789abcdef0,
		.args = {1, 2, 3, 4, 5, 0xfedcba9876543210},
	};
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 56), /* the lower half of the last argument */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), /* the upper half of the address */
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	(void)state;
	assert_int_equal(check(program, LEN(program)), 0);
	assert_int_equal(bpf_run(program, &data), 0x76543210U + 0x12345678U);
	/* Division by 0 ends the program with 0. */
	program[1] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0);
	program[3] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0);
	program[4] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 9);
	assert_int_equal(bpf_run(program, &data), 0);
}

static void translated_lengths(void **state)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000, 1, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
		ALLOW,
	};

	(void)state;
	assert_int_equal(bpf_translated_len(program, LEN(program)), 3 + 1 + 1 + 1 + 2 + 3 + 1 + 2);
}

/* ---- beside Linux --------------------------------------------------------------------------- */

#define BATCH	  50 /* programs that one child tries */
#define BATCHES	  60
#define BODY	  24   /* most instructions of the random part */
#define FIRST_NR  2000 /* system calls that do not exist */
#define DATA_ARGS 6

/* One program: what Linux said is filled in by the child. */
struct trial {
	struct sock_filter program[BODY + 10];
	u32 len;
	u64 arg[DATA_ARGS];
	int accepted; /* 0 or the errno */
	int result;   /* the errno that the call had, which is 12 bits of the accumulator */
};

static unsigned seed = 1;

static u32 rnd(u32 below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static u32 interesting(void)
{
	static const u32 values[] = {0, 1, 2, 3, 31, 32, 60, 63, 64, 0x7fffffff, 0x80000000, -1U};

	return rnd(2) ? values[rnd(LEN(values))] : rnd(1 << 24) * rnd(1 << 24);
}

/* A random instruction; mostly a valid one, with left instructions behind it. */
static struct sock_filter random_insn(u32 left)
{
	static const u16 codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
	};
	struct sock_filter i = {codes[rnd(LEN(codes))], 0, 0, interesting()};
	u16 mode = BPF_MODE(i.code);

	if (BPF_CLASS(i.code) == BPF_LD && mode == BPF_ABS)
		i.k = 4 * rnd(16);
	else if (i.code == BPF_ST || i.code == BPF_STX || mode == BPF_MEM)
		i.k = rnd(4);
	else if (i.code == (BPF_ALU | BPF_RSH | BPF_K) || i.code == (BPF_ALU | BPF_LSH | BPF_K))
		i.k = rnd(32);
	else if (i.code == (BPF_JMP | BPF_JA))
		i.k = rnd(left);
	else if (BPF_CLASS(i.code) == BPF_JMP)
		i = (struct sock_filter){i.code, (u8)rnd(left), (u8)rnd(left), interesting()};
	switch (rnd(200)) { /* and sometimes anything */
	case 0:
		i.code = (u16)rnd(0x110);
		break;
	case 1:
		i.k = interesting();
		break;
	case 2:
		i.jt = (u8)rnd(256);
		break;
	default:
		break;
	}
	return i;
}

/* The call nr leads to a random program, whose result becomes an errno; others are allowed. */
static void make_trial(struct trial *t, u32 nr)
{
	const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 1, 0),
		ALLOW,
		BPF_STMT(BPF_LD | BPF_IMM, 0),
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_ST, 1),
	};
	const struct sock_filter tail[] = {
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, rnd(21)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO | 0x800),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	u32 body = 1 + rnd(BODY);

	memcpy(t->program, head, sizeof(head));
	for (u32 i = 0; i < body; i++)
		t->program[LEN(head) + i] = random_insn(body - i + 1);
	memcpy(t->program + LEN(head) + body, tail, sizeof(tail));
	t->len = LEN(head) + body + LEN(tail);
	for (unsigned i = 0; i < DATA_ARGS; i++)
		t->arg[i] = (u64)interesting() << 32 | interesting();
	/* The address of the call is not known here. */
	for (u32 i = LEN(head); i < t->len; i++)
		if (t->program[i].code == (BPF_LD | BPF_W | BPF_ABS) &&
		    (t->program[i].k == 8 || t->program[i].k == 12))
			t->program[i].k = 4;
}

/* Makes only system calls: whatever a filter does, the child must get to its end. */
static void try_in_child(struct trial *t)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (u32 i = 0; i < BATCH; i++) {
		struct sock_fprog fprog = {(unsigned short)t[i].len, t[i].program};
		long ret = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog);

		t[i].accepted = ret ? errno : 0;
		if (ret)
			continue;
		errno = 0;
		ret = syscall(FIRST_NR + i, t[i].arg[0], t[i].arg[1], t[i].arg[2], t[i].arg[3],
			      t[i].arg[4], t[i].arg[5]);
		t[i].result = errno;
	}
	_exit(0);
}

static void random_programs_do_as_on_linux(void **state)
{
	struct trial *t = mmap(NULL, BATCH * sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u32 valid = 0, ran = 0;

	(void)state;
	assert_true(t != MAP_FAILED);
	for (u32 batch = 0; batch < BATCHES; batch++) {
		int status;
		pid_t pid;

		for (u32 i = 0; i < BATCH; i++) {
			make_trial(&t[i], FIRST_NR + i);
			t[i].accepted = t[i].result = -1;
		}
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			try_in_child(t);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		for (u32 i = 0; i < BATCH; i++) {
			struct seccomp_data data = {.nr = (int)(FIRST_NR + i),
						    .arch = AUDIT_ARCH_X86_64};
			u32 result;

			if (t[i].accepted < 0)
				break; /* the child was ended before */
			if (t[i].accepted == EPERM || t[i].accepted == EACCES ||
			    t[i].accepted == ENOSYS)
				skip(); /* a place where filters are forbidden */
			if (check(t[i].program, t[i].len) != -t[i].accepted) {
				print_message("seed before: batch %u, program %u\n", batch, i);
				assert_int_equal(check(t[i].program, t[i].len), -t[i].accepted);
			}
			if (t[i].accepted)
				continue;
			valid++;
			memcpy(data.args, t[i].arg, sizeof(data.args));
			result = bpf_run(t[i].program, &data);
			/* Another action may have ended the child: then the rest is not known. */
			if ((result & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO) {
				if (WIFSIGNALED(status) && t[i].result < 0)
					break;
				continue;
			}
			ran++;
			assert_int_equal(result, SECCOMP_RET_ERRNO | (u32)t[i].result);
		}
	}
	munmap(t, BATCH * sizeof(*t));
	print_message("# %u programs were valid, %u ran\n", valid, ran);
	assert_true(ran > 50);
}

/* Whatever the program: no access outside of it, and valid ones end. */
static void any_bytes(void **state)
{
	struct sock_filter program[40];
	const struct seccomp_data data = {.nr = 1};
	u32 valid = 0;

	(void)state;
	for (u32 n = 0; n < 300000; n++) {
		u32 len = 1 + rnd(LEN(program));

		for (u32 i = 0; i < len; i++)
			program[i] = random_insn(len - i);
		program[len - 1] = (struct sock_filter)ALLOW;
		if (bpf_check(program, len, scratch) < 0)
			continue;
		valid++;
		bpf_run(program, &data);
	}
	assert_true(valid > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_instructions),
		cmocka_unit_test(memory_is_stored_on_every_way),
		cmocka_unit_test(results),
		cmocka_unit_test(translated_lengths),
		cmocka_unit_test(random_programs_do_as_on_linux),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
