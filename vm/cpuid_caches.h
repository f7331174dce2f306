/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells the guest about caches.
 *
 * Processors with caches that no descriptor of leaf 2 names have 0xff there, which means "ask leaf
 * 4". glibc then executes CPUID for leaf 4 many times at the start of each program, and each time
 * is an exit on hosts that intercept CPUID. So leaf 2 names every cache of leaf 4 for which there
 * is an exact descriptor, before 0xff. If all caches have one, 0xff is left out. Programs find the
 * same sizes either way.
 */
#ifndef VM_CPUID_CACHES_H
#define VM_CPUID_CACHES_H

#include <linux/kvm.h>
#include "common/types.h"

/*
 * Adds descriptors for the caches of leaf 4 to leaf 2 of cpuid. Changes nothing if leaf 2 does not
 * have 0xff or has no space for the descriptors.
 */
void cpuid_describe_caches(struct kvm_cpuid2 *cpuid);

/*
 * Adds AMD's leaves 0x80000005 and 0x8000001d as the host CPU answers them, if KVM has zeros for
 * them or lacks them. This is so for both in Linux 6.1, and glibc then takes the caches for 0 bytes
 * large. cpuid has at most max entries afterwards. Does nothing on CPUs without these leaves.
 */
void cpuid_add_amd_caches(struct kvm_cpuid2 *cpuid, u32 max);

#endif
