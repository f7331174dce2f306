// SPDX-License-Identifier: MIT
/* The hostcalls of a jailed guest (calls.h), and what the files of the calls share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "vm/jail/audit.h"
#include "vm/jail/calls.h"

struct jail_link jail_link(int fd)
{
	struct jail_link link;

	snprintf(link.path, sizeof(link.path), "/proc/self/fd/%d", fd);
	return link;
}

s64 jail_may_change_handle(int handle)
{
	const struct view_node *rule;
	struct stat st;
	s64 flags;

	if (handle < 0)
		return -EBADF;
	rule = view_rule_of(handle);
	if (rule && !rule->write) {
		audit_note("read", rule->path);
		audit_note_path(handle, "", true);
		return -EROFS;
	}
	if (rule)
		return HOST_CALL(fstat, (u64)handle, (u64)&st) < 0 ? -EBADF
								   : view_check_inode(&st, true);
	/* It came from outside, or was made without a path: whoever gave it away meant it so. */
	flags = HOST_CALL(fcntl, (u64)handle, F_GETFL);
	if (flags < 0)
		return flags;
	return flags & O_PATH || (flags & O_ACCMODE) == O_RDONLY ? -EROFS : 0;
}

s64 jail_read_only(const struct view_at *at, const struct view_node *rule)
{
	audit_note("read", rule->path);
	audit_note_path(at->from, at->path, true);
	return -EROFS;
}

s64 jail_may_change(const struct view_at *at)
{
	s64 err;

	if (!at->rule)
		return jail_may_change_handle(at->fd);
	if (!at->rule->write)
		return jail_read_only(at, at->rule);
	err = view_check_inode(&at->st, true);
	if (err < 0)
		audit_note_path(at->from, at->path, true);
	return err;
}

s64 jail_find_new(int dir, const char *path, bool directory, struct view_at *at)
{
	s64 err = view_find(dir, path, VIEW_NAME, 0, at);

	if (err < 0)
		return err;
	if (at->dot || at->fd >= 0)
		return -EEXIST;
	if (at->slash && !directory)
		return -ENOENT;
	/*
	 * Something else than a directory at the path of a node would lead past the rules below it.
	 */
	if (at->node && (!directory || at->node->has_right || at->node->fd >= 0))
		return jail_read_only(at, at->node);
	return at->dir_rule->write ? 0 : jail_read_only(at, at->dir_rule);
}

/* Calls that are the same in a jail: none of them has a path, or changes a file's attributes. */
static const bool same[HC_MAX] = {
	[HC_exit] = true,
	[HC_panic] = true,
	[HC_boot_failed] = true,
	[HC_log] = true,
	[HC_trace] = true,
	[HC_ready] = true,
	[HC_stats] = true,
	[HC_end_info] = true,
	[HC_executed] = true,
	[HC_release] = true,
	[HC_ram_grow] = true,
	[HC_ram_discard] = true,
	[HC_window_map] = true,
	[HC_window_unmap] = true,
	[HC_window_file_size] = true,
	[HC_window_sync] = true,
	[HC_window_advise] = true,
	[HC_window_resident] = true,
	[HC_debug_regs] = true,
	[HC_vcpu_start] = true,
	[HC_vcpu_kick] = true,
	[HC_wait] = true,
	[HC_wake] = true,
	[HC_sched_yield] = true,
	[HC_sched_getaffinity] = true,
	[HC_sched_setaffinity] = true,
	[HC_cpu_time] = true,
	[HC_getcpu] = true,
	[HC_tick] = true,
	[HC_clock_read] = true,
	[HC_clock_gettime] = true,
	[HC_clock_getres] = true,
	[HC_clock_nanosleep] = true,
	[HC_timer_create] = true,
	[HC_timer_settime] = true,
	[HC_timer_gettime] = true,
	[HC_timer_delete] = true,
	[HC_close] = true,
	[HC_fstatfs] = true,
	[HC_fgetxattr] = true,
	[HC_flistxattr] = true,
	[HC_readv] = true,
	[HC_writev] = true,
	[HC_preadv2] = true,
	[HC_pwritev2] = true,
	[HC_lseek] = true,
	[HC_ftruncate] = true,
	[HC_fallocate] = true,
	[HC_fsync] = true,
	[HC_fdatasync] = true,
	[HC_syncfs] = true,
	[HC_sync_file_range] = true,
	[HC_fadvise64] = true,
	[HC_readahead] = true,
	[HC_flock] = true,
	[HC_fcntl_lock] = true,
	[HC_copy_file_range] = true,
	[HC_sendfile] = true,
	[HC_splice] = true,
	[HC_tee] = true,
	[HC_same_file] = true,
	[HC_handle_info] = true,
	[HC_file_events] = true,
	[HC_cachestat] = true,
	[HC_memfd_create] = true,
	[HC_pipe2] = true,
	[HC_eventfd2] = true,
	[HC_timerfd_create] = true,
	[HC_timerfd_settime] = true,
	[HC_timerfd_gettime] = true,
	[HC_inotify_init1] = true,
	[HC_inotify_rm_watch] = true,
	[HC_poll] = true,
	[HC_epoll_create1] = true,
	[HC_epoll_ctl] = true,
	[HC_epoll_wait] = true,
	[HC_poll_many] = true,
	[HC_socketpair] = true,
	[HC_listen] = true,
	[HC_shutdown] = true,
	[HC_getrandom] = true,
	[HC_uname] = true,
	[HC_sysinfo] = true,
	[HC_membarrier] = true,
	[HC_check_report] = true,
	[HC_check_summary] = true,
	[HC_check_library] = true,
	[HC_gdb_stub] = true,
};

jail_call *jail_find_call(u32 nr, jail_call *run)
{
	jail_call *(*const files[])(u32 nr) = {jail_open_call, jail_file_call, jail_name_call,
					       jail_socket_call};

	audit_forget();
	if (same[nr])
		return run;
	for (u32 i = 0; i < ARRAY_SIZE(files); i++) {
		jail_call *own = files[i](nr);

		if (own)
			return own;
	}
	return NULL;
}
