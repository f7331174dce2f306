/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own exit statuses, for runs that end without an exit status of the program. A test
 * compares the list in buffervm(1) with this table.
 */
#ifndef COMMON_EXIT_STATUS_H
#define COMMON_EXIT_STATUS_H

/* clang-format off */
/*           name            status  meaning */
#define EXIT_STATUS_TABLE(X) \
	X(USAGE,          64, "bad command line") \
	X(BAD_ELF,        65, "the program, or its interpreter, is a corrupt ELF file") \
	X(FOREIGN_ELF,    66, "the program is for another architecture, byte order or word size") \
	X(BAD_KERNEL,     67, "the kernel file is not a BufferVM kernel or has another ABI") \
	X(NO_KVM,         68, "/dev/kvm does not exist or may not be opened") \
	X(KVM_LACKS,      69, "this KVM lacks something that is needed") \
	X(INTERNAL,       70, "a bug of BufferVM: kernel panic or monitor invariant") \
	X(HOST,           71, "the host refused something (memory, files, threads)") \
	X(NO_MEMORY,      72, "--mem is too small, or guest RAM is exhausted") \
	X(NO_INTERPRETER, 73, "the program's interpreter is missing or cannot be run") \
	X(TOO_BIG,        74, "arguments and environment are larger than Linux allows") \
	X(WALL,           75, "a wall of the sandbox that has to hold does not (run --require)") \
	X(CPU_TIME,       76, "the sandbox used up its CPU time (run --cpu-time)") \
	X(TIME,           124, "the sandbox used up its time (run --time), as with timeout(1)") \
	X(NOT_EXECUTABLE, 126, "the program is a directory, not executable, or of no known format") \
	X(NOT_FOUND,      127, "no such program")
/* clang-format on */

enum exit_status {
#define X(name, value, text) EXIT_##name = value,
	EXIT_STATUS_TABLE(X)
#undef X
};

#endif
