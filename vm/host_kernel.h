/* SPDX-License-Identifier: MIT */
/*
 * The monitor's side of the Linux module in host_kernel/, which serves some hostcalls inside the
 * host's kernel (common/host_kernel.h, docs/host_kernel.md). Without the module, or if a step
 * fails, the vCPU's calls go to the monitor as ever.
 *
 * The module is used in ring-0 mode only: a KVM without hardware leaves KVM_RUN for each doorbell.
 */
#ifndef VM_HOST_KERNEL_H
#define VM_HOST_KERNEL_H

#include "vm/vm.h"

/*
 * Registers the VM, and its RAM of so many bytes. Called by vCPU 0's thread when the ring mode is
 * known, before further vCPUs exist.
 */
void host_kernel_open(struct sandbox *s);
/* Registers the calling thread as that of v. Called after host_kernel_open, before v runs again. */
void host_kernel_vcpu(struct vcpu *v);
/* Tells the module that the RAM has grown. The caller holds the lock of s->mem. */
void host_kernel_grown(struct sandbox *s);
/* Returns the descriptor of the module's device, or -1 if the module does not serve this VM. */
int host_kernel_device(void);
/* Tells the user (-v) what the module has done. */
void host_kernel_report(struct sandbox *s);

#endif
