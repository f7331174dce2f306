/* SPDX-License-Identifier: MIT */
/* Attached System V shared memory, as the address space sees it. See shm.c. */
#ifndef KERNEL_IPC_SHM_H
#define KERNEL_IPC_SHM_H

#include "common/types.h"

struct shm;
struct window;

/* A VMA that shows the segment comes into being (also by fork(2) or a split), or goes. */
void shm_opened(struct shm *shm);
void shm_closed(struct shm *shm);
/* What is behind it; the caller's VMA keeps it. */
struct window *shm_window(struct shm *shm);
/* "/SYSV00000000 (deleted)": its name in /proc/PID/maps. */
void shm_name(const struct shm *shm, char *buf, u32 size);

#endif
