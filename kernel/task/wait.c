/* wait4(2) and waitid(2): a parent learns how its children end. */
#include "kernel/task/task.h"
#include "kernel/kernel.h"
#include "kernel/syscall/syscall.h"

#include <linux/wait.h>

#define WAIT4_OPTIONS  (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define WAITID_EVENTS  (WEXITED | WSTOPPED | WCONTINUED)
#define WAITID_OPTIONS (WNOHANG | WNOWAIT | WAITID_EVENTS | __WNOTHREAD | __WCLONE | __WALL)

/* No process is created yet (clone is not there), so there is never a child to wait for. */
DEFINE_SYSCALL4(wait4, int, pid, uva, status, int, options, uva, usage)
{
	(void)status;
	(void)usage;
	if ((u32)options & ~(u32)WAIT4_OPTIONS)
		return -EINVAL;
	return pid == INT32_MIN ? -ESRCH : -ECHILD;
}

DEFINE_SYSCALL5(waitid, int, type, int, id, uva, info, int, options, uva, usage)
{
	(void)info;
	(void)usage;
	if (((u32)options & ~(u32)WAITID_OPTIONS) || !(options & WAITID_EVENTS))
		return -EINVAL;
	if (type < P_ALL || type > P_PIDFD || (type == P_PID && id <= 0) || id < 0)
		return -EINVAL;
	return type == P_PIDFD ? -EBADF : -ECHILD;
}
