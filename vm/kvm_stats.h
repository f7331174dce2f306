/* SPDX-License-Identifier: MIT */
/*
 * What KVM counts of a sandbox (KVM API, KVM_GET_STATS_FD), for --stats, --stats=kvm and -v: how
 * often the guest was entered, how often KVM_RUN returned, how many faults of shadow or nested
 * paging there were. Nothing is opened without one of these options. Nothing is said where KVM has
 * no counters.
 */
#ifndef VM_KVM_STATS_H
#define VM_KVM_STATS_H

struct sandbox;
struct vcpu;

/*
 * Opens the counters of a vCPU that does not run yet: KVM answers this ioctl only between two
 * KVM_RUN. Does nothing where the user asked for no counters. v->stats_fd is -1 without them.
 */
void kvm_stats_open(struct vcpu *v);

/* Prints the sums over all vCPUs and the VM's own counters, a line each. Other vCPUs may run. */
void kvm_stats_report(const struct sandbox *s);

#endif
