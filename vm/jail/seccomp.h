/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a monitor that runs a sandbox (seccomp(2)): a list of those that serve a
 * hostcall or a vCPU. Any other call ends the process. docs/sandbox.md says what the list stops;
 * seccomp_filter.c has it.
 */
#ifndef VM_JAIL_SECCOMP_H
#define VM_JAIL_SECCOMP_H

#include "common/types.h"
#include "vm/jail/net.h"

/*
 * Stands for the monitor's process number in a filter, which is made before there is a process: no
 * process has such a number (PID_MAX_LIMIT of Linux is 2^22).
 */
#define SECCOMP_OWN_PID	    0x7ffffe01
/* The value of FILE_SIGNAL (vm.h). */
#define SECCOMP_FILE_SIGNAL 36

/*
 * Restricts the calling thread and those that it starts. It is the only thread and has no_new_privs
 * set. network: which Internet sockets there may be; beside them there are unix and route ones.
 * Returns 0, or -errno of what the host refused; nothing is restricted then.
 */
int seccomp_confine(enum net_mode network);
/* The same for the process of the proxy. */
int seccomp_confine_proxy(void);

#endif
