/* SPDX-License-Identifier: MIT */
/* Memory mapping. The constants are those of Linux's own header. */
#ifndef LIBC_PROGRAM_SYS_MMAN_H
#define LIBC_PROGRAM_SYS_MMAN_H

#include <stddef.h>
#include <linux/mman.h>

#define MAP_FAILED ((void *)-1)

void *mmap(void *addr, size_t len, int prot, int flags, int fd, long offset);
int munmap(void *addr, size_t len);
int mprotect(void *addr, size_t len, int prot);

#endif
