// SPDX-License-Identifier: MIT
/* What the system reports of itself: names, memory, load, random bytes. */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"

#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

DEFINE_SYSCALL1(uname, uva, to)
{
	struct new_utsname name;
	s64 err = hc_uname(&name, sizeof(name));

	if (err)
		return err;
	strlcpy(name.nodename, boot->hostname, sizeof(name.nodename));
	return copy_to_user(to, &name, sizeof(name));
}

/* sysinfo(2): uptime and load are the host's, memory and processes are the sandbox's. */
DEFINE_SYSCALL1(sysinfo, uva, to)
{
	struct frame_stats frames;
	struct sysinfo host, info;
	struct process *p;
	s64 err = hc_sysinfo(&host, sizeof(host));

	if (err)
		return err;
	frame_stats(&frames);
	memset(&info, 0, sizeof(info));
	info.uptime = host.uptime;
	memcpy(info.loads, host.loads, sizeof(info.loads));
	info.totalram = frames.total * PAGE_SIZE;
	info.freeram = frames.free * PAGE_SIZE;
	info.mem_unit = 1;
	mutex_lock(&task_lock);
	LIST_FOREACH (p, &all_processes, all)
		info.procs += (u16)p->nthreads;
	mutex_unlock(&task_lock);
	return copy_to_user(to, &info, sizeof(info));
}

DEFINE_SYSCALL3(getrandom, uva, buf, u64, len, u32, flags)
{
	u64 done = 0;
	s64 err = 0;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	len = MIN(len, (u64)INT32_MAX);
	while (done < len) {
		struct user_segs *segs = user_segs_new();

		if (!segs)
			return -ENOMEM;
		user_segs_continue(done);
		err = user_segs_add(segs, buf + done, len - done, true);
		if (err == 0)
			err = hc_getrandom(&segs->segs, flags);
		user_segs_put(segs);
		if (err <= 0)
			break;
		done += (u64)err;
		if (done < len && signal_pending())
			break;
	}
	if (done)
		return (s64)done;
	return err == -EINTR ? -ERESTARTSYS : err;
}
