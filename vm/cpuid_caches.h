/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells the guest of caches.
 *
 * Leaf 2: the caches of leaf 4 by descriptors.
 *
 * Processors with caches that no descriptor names say 0xff in leaf 2: "ask leaf 4". glibc then asks
 * leaf 4 again and again at the start of each program, and where the host traps CPUID each question
 * is an exit. So every cache of leaf 4 that a descriptor names exactly is named in leaf 2, in front
 * of 0xff, and 0xff goes where no cache is left for it. Programs find the same sizes in either way.
 */
#ifndef VM_CPUID_CACHES_H
#define VM_CPUID_CACHES_H

#include <linux/kvm.h>
#include "common/types.h"

/*
 * Changes leaf 2 of cpuid by its leaf 4. Leaves it as it is where leaf 2 does not send to leaf 4,
 * or has no room for the descriptors.
 */
void cpuid_describe_caches(struct kvm_cpuid2 *cpuid);

/*
 * Adds AMD's leaves 0x80000005 and 0x8000001d as the host CPU answers them, up to max entries in
 * all, where KVM has zeros or nothing, as Linux 6.1 has for both: glibc takes the caches for 0
 * bytes large then. Does nothing on CPUs without these leaves.
 */
void cpuid_add_amd_caches(struct kvm_cpuid2 *cpuid, u32 max);

#endif
