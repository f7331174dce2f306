/* SPDX-License-Identifier: MIT */
/*
 * KVM's counters of a sandbox (KVM API, KVM_GET_STATS_FD), for --stats, --stats=kvm and -v: how
 * often the guest was entered, how often KVM_RUN returned, how many faults of shadow or nested
 * paging there were. Without one of these options the monitor opens no counters. It prints nothing
 * if KVM has none.
 */
#ifndef VM_KVM_STATS_H
#define VM_KVM_STATS_H

struct sandbox;
struct vcpu;

/*
 * Opens the counters of v and stores the descriptor in v->stats_fd; -1 if the user asked for none
 * or KVM has none. Called before v first runs, because KVM accepts this ioctl only while the vCPU
 * is not in KVM_RUN.
 */
void kvm_stats_open(struct vcpu *v);

/*
 * Prints the sums over all vCPUs and the VM's own counters, one line each. Other vCPUs may be
 * running.
 */
void kvm_stats_report(const struct sandbox *s);

#endif
