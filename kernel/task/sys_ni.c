// SPDX-License-Identifier: MIT
/*
 * System calls that are refused and not missing. They return what a kernel returns that is built or
 * configured without the feature, or to a user without the permission. syscall_refused counts
 * them for the report at the end. Each has one row.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/trace.h"

/*        name                errno   why */
#define REFUSED(X)                                                                                 \
	X(rseq, ENOSYS, "its promise, an abort on preemption, is the host scheduler's to keep")    \
	X(userfaultfd, ENOSYS, "kernel without CONFIG_USERFAULTFD")                                \
	X(perf_event_open, EACCES, "as under kernel.perf_event_paranoid=3")                        \
	X(bpf, EPERM, "as under kernel.unprivileged_bpf_disabled")                                 \
	X(io_uring_setup, ENOSYS,                                                                  \
	  "as under kernel.io_uring_disabled; programs fall back to epoll")                        \
	X(io_uring_enter, ENOSYS, "as io_uring_setup")                                             \
	X(io_uring_register, ENOSYS, "as io_uring_setup")                                          \
	X(add_key, ENOSYS, "kernel without CONFIG_KEYS")                                           \
	X(request_key, ENOSYS, "kernel without CONFIG_KEYS")                                       \
	X(keyctl, ENOSYS, "kernel without CONFIG_KEYS")                                            \
	X(setns, EPERM, "namespaces are not for programs in a sandbox")                            \
	X(reboot, EPERM, "the machine is not the sandbox's")                                       \
	X(kexec_load, EPERM, "as reboot")                                                          \
	X(kexec_file_load, EPERM, "as reboot")                                                     \
	X(sethostname, EPERM, "as reboot")                                                         \
	X(setdomainname, EPERM, "as reboot")                                                       \
	X(syslog, EPERM, "as under kernel.dmesg_restrict")                                         \
	X(iopl, EPERM, "there are no I/O ports")                                                   \
	X(ioperm, EPERM, "there are no I/O ports")                                                 \
	X(modify_ldt, ENOSYS, "kernel without CONFIG_MODIFY_LDT_SYSCALL")                          \
	X(set_thread_area, ENOSYS, "for 32-bit programs")                                          \
	X(get_thread_area, ENOSYS, "for 32-bit programs")                                          \
	X(init_module, EPERM, "as reboot")                                                         \
	X(finit_module, EPERM, "as reboot")                                                        \
	X(delete_module, EPERM, "as reboot")                                                       \
	X(acct, EPERM, "as reboot")                                                                \
	X(vhangup, EPERM, "the terminal is the host's")                                            \
	X(mount, EPERM, "as for a user without CAP_SYS_ADMIN")                                     \
	X(umount2, EPERM, "as mount")                                                              \
	X(pivot_root, EPERM, "as mount")                                                           \
	X(move_mount, EPERM, "as mount")                                                           \
	X(open_tree, EPERM, "as mount")                                                            \
	X(fsopen, EPERM, "as mount")                                                               \
	X(fsconfig, EPERM, "as mount")                                                             \
	X(fsmount, EPERM, "as mount")                                                              \
	X(fspick, EPERM, "as mount")                                                               \
	X(mount_setattr, EPERM, "as mount")                                                        \
	X(open_tree_attr, EPERM, "as mount")                                                       \
	X(map_shadow_stack, EOPNOTSUPP, "a CPU without shadow stacks")                             \
	X(lsm_get_self_attr, EOPNOTSUPP, "no security module is there")                            \
	X(lsm_set_self_attr, EOPNOTSUPP, "as lsm_get_self_attr")                                   \
	X(open_by_handle_at, EPERM, "as for a user without CAP_DAC_READ_SEARCH")                   \
	X(swapon, EPERM, "as reboot")                                                              \
	X(swapoff, EPERM, "as reboot")                                                             \
	X(quotactl, EPERM, "as reboot")                                                            \
	X(quotactl_fd, EPERM, "as reboot")                                                         \
	X(landlock_create_ruleset, ENOSYS, "a rule that is not enforced must not be accepted")     \
	X(landlock_add_rule, ENOSYS, "as landlock_create_ruleset")                                 \
	X(landlock_restrict_self, ENOSYS, "as landlock_create_ruleset")                            \
	X(memfd_secret, ENOSYS, "kernel without CONFIG_SECRETMEM")                                 \
	X(process_madvise, EPERM, "its caller may not advise others' memory")                      \
	X(process_mrelease, EPERM, "as process_madvise")                                           \
	X(lookup_dcookie, EPERM, "as perf_event_open")                                             \
	X(fanotify_init, EPERM, "as for a user without CAP_SYS_ADMIN")                             \
	X(fanotify_mark, EBADF, "no fanotify file can exist")

#define X(name, error, why)                                                                        \
	DEFINE_SYSCALL0(name)                                                                      \
	{                                                                                          \
		syscall_refused(error);                                                            \
		return -error;                                                                     \
	}
REFUSED(X)
#undef X
