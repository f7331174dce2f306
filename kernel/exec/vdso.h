/* SPDX-License-Identifier: MIT */
/* The vDSO in a program's address space: the clock's page, then the code of kernel/vdso/. */
#ifndef KERNEL_EXEC_VDSO_H
#define KERNEL_EXEC_VDSO_H

struct mm;

/*
 * Maps both, and sets mm->vdso to the address of the ELF header (AT_SYSINFO_EHDR). Returns 0 or
 * -errno. Takes mm->lock.
 */
int vdso_map(struct mm *mm);

#endif
