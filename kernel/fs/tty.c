// SPDX-License-Identifier: MIT
/*
 * Controlling terminals and job control: see credentials(7), tty_ioctl(4), termios(3).
 *
 * To the host, all guest processes are one, the monitor, in one group of one session. So the guest
 * kernel keeps the sessions, their terminals and foreground groups. On the host, the foreground
 * group of the terminal on which the sandbox was started stays as it is. Signals of that terminal's
 * keys reach the monitor, and the kernel passes them to its own foreground group. For a
 * pseudo-terminal that was opened in the sandbox, the host knows no session. The kernel then looks
 * for the keys in what is written to the master.
 *
 * task_lock guards all of this. A session has at most one terminal, and a terminal one session.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/capability.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/tty.h"
#include "kernel/task/stop.h"

#define PTS_MAJOR  136 /* of the slaves: Linux, Documentation/admin-guide/devices.txt */
#define PTS_MAJORS 8

struct tty {
	LIST_ENTRY(tty) link;
	u32 device; /* number from TIOCGDEV */
	s32 sid;
	s32 foreground; /* a process group */
};

static LIST_HEAD(, tty) ttys = LIST_HEAD_INITIALIZER(ttys);
static struct tty boot_tty;

/* True once any foreground group differs from that at the start. */
static bool moved;

/* Finds the terminal on which the sandbox was started, at the first call. */
static void find_boot_tty(void)
{
	static bool looked;
	s64 h;

	if (looked)
		return;
	looked = true;
	h = hc_openat(boot->root, "/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (h < 0)
		return;
	if (hc_ioctl(h, TIOCGDEV, &boot_tty.device, sizeof(boot_tty.device), 0) >= 0) {
		boot_tty.sid = boot->sid;
		boot_tty.foreground = boot->pgid;
		LIST_INSERT_HEAD(&ttys, &boot_tty, link);
	}
	hc_close(h);
}

static struct tty *tty_of_session(s32 sid)
{
	struct tty *t;

	ASSERT_HELD(&task_lock);
	find_boot_tty();
	LIST_FOREACH (t, &ttys, link)
		if (t->sid == sid)
			return t;
	return NULL;
}

/* Returns the process's controlling terminal, or NULL. */
static struct tty *tty_of(const struct process *p)
{
	ASSERT_HELD(&task_lock);
	return p->no_tty ? NULL : tty_of_session(p->sid);
}

static struct tty *tty_of_device(u32 device)
{
	struct tty *t;

	ASSERT_HELD(&task_lock);
	find_boot_tty();
	LIST_FOREACH (t, &ttys, link)
		if (t->device == device)
			return t;
	return NULL;
}

/*
 * Returns the device number of the terminal that f is, or is the master of; else -ENOTTY. Keeps the
 * answer in the file. -ERESTARTNOINTR: a kick interrupted the hostcall.
 */
static s64 device_of(struct ofile *f)
{
	struct host_file *host = host_file_of(f);
	u32 device, number;
	s64 r;

	if (!host)
		return -ENOTTY;
	if (host->tty_device)
		return host->tty_device;
	if (f->flags & O_PATH)
		return -ENOTTY;
	r = hc_ioctl(f->handle, TIOCGDEV, &device, sizeof(device), 0);
	if (r == -EINTR)
		return -ERESTARTNOINTR;
	host->tty_master = hc_ioctl(f->handle, TIOCGPTN, &number, sizeof(number), 0) >= 0;
	host->tty_device = r < 0 ? -ENOTTY : (s64)device;
	return host->tty_device;
}

static void forget(struct tty *t)
{
	LIST_REMOVE(t, link);
	if (t != &boot_tty)
		kfree(t);
}

static void signal_foreground(const struct tty *t, int sig)
{
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	signal_group(t->foreground, &info);
}

void tty_signal(int sig)
{
	struct tty *t;
	siginfo_t info;
	s32 group;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	mutex_lock(&task_lock);
	t = tty_of_session(boot->sid);
	group = t ? t->foreground : boot->pgid;
	signal_group(group, &info);
	/* The terminal hung up, and the session's leader is the first process. */
	if (sig == SIGHUP && init_process->pid == boot->sid && init_process->pgid != group)
		signal_send_locked(init_process, NULL, &info);
	mutex_unlock(&task_lock);
}

/* Signals the end of the terminal to its session's leader and foreground group, and frees t. */
static void hang_up(struct tty *t)
{
	struct process *leader = process_find(t->sid);
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	memset(&info, 0, sizeof(info));
	info.si_code = SI_KERNEL;
	info.si_signo = SIGHUP;
	if (leader && leader->pgid != t->foreground)
		signal_send_locked(leader, NULL, &info);
	signal_foreground(t, SIGHUP);
	signal_foreground(t, SIGCONT);
	forget(t);
}

void tty_session_ends(struct process *p)
{
	struct tty *t;

	ASSERT_HELD(&task_lock);
	if (p->pid != p->sid || p->sid == boot->sid)
		return;
	t = tty_of_session(p->sid);
	if (t)
		hang_up(t);
}

void tty_master_closed(struct ofile *f)
{
	struct tty *t;

	mutex_lock(&task_lock);
	t = tty_of_device((u32)host_file_of(f)->tty_device);
	if (t && t != &boot_tty)
		hang_up(t);
	mutex_unlock(&task_lock);
}

void tty_describe(const struct process *p, u32 *device, s32 *foreground)
{
	const struct tty *t = tty_of(p);

	ASSERT_HELD(&task_lock);
	*device = t ? t->device : 0;
	*foreground = t ? t->foreground : -1;
}

/* -- The background ------------------------------------------------------------------------ */

static bool wants_tostop(struct ofile *f)
{
	struct termios settings;

	return hc_ioctl(f->handle, TCGETS, &settings, sizeof(settings), 0) >= 0 &&
	       (settings.c_lflag & TOSTOP);
}

/* tty_check for a process whose group is in the background. */
static s64 stop_background(enum tty_access access)
{
	struct process *p = current_process();
	int sig = access == TTY_READ ? SIGTTIN : SIGTTOU;
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	if (signal_unwanted(sig))
		return access == TTY_READ ? -EIO : 0;
	if (process_orphaned(p))
		return -EIO;
	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	signal_group(p->pgid, &info);
	return -ERESTARTSYS;
}

s64 tty_check(struct ofile *f, enum tty_access access)
{
	struct process *p = current_process();
	struct tty *t;
	s64 device, r = 0;

	/* Without job control no lock is taken: each read and write comes through here. */
	if (!READ_ONCE(moved) && p->pgid == boot->pgid && p->sid == boot->sid)
		return 0;
	mutex_lock(&task_lock);
	t = tty_of(p);
	if (t && t->foreground != p->pgid) {
		device = device_of(f);
		if (device == -ERESTARTNOINTR)
			r = device;
		else if (device == t->device && !host_file_of(f)->tty_master &&
			 (access != TTY_WRITE || wants_tostop(f)))
			r = stop_background(access);
	}
	mutex_unlock(&task_lock);
	return r;
}

/* -- Whose terminal ------------------------------------------------------------------------ */

/* Gives the terminal to the running process's session, which has none. Returns 0 or -ENOMEM. */
static s64 acquire(u32 device)
{
	struct process *p = current_process();
	struct tty *t = kzalloc(sizeof(*t));

	ASSERT_HELD(&task_lock);
	if (!t)
		return -ENOMEM;
	t->device = device;
	t->sid = p->sid;
	t->foreground = p->pgid;
	LIST_INSERT_HEAD(&ttys, t, link);
	WRITE_ONCE(moved, true);
	return 0;
}

void tty_opened(struct ofile *f, u32 flags)
{
	struct process *p = current_process();
	s64 device;

	if (p->pid != p->sid || (flags & (O_NOCTTY | O_PATH)))
		return;
	mutex_lock(&task_lock);
	if (!tty_of_session(p->sid)) {
		device = device_of(f);
		if (device > 0 && !host_file_of(f)->tty_master && !tty_of_device((u32)device))
			acquire((u32)device);
	}
	mutex_unlock(&task_lock);
}

s64 tty_own_path(char *path, u64 size)
{
	struct process *p = current_process();
	struct tty *t;
	s64 r = 0;

	mutex_lock(&task_lock);
	t = tty_of(p);
	if (!t) {
		r = -ENXIO;
	} else if (t == &boot_tty) {
		strlcpy(path, "/dev/tty", size);
	} else {
		u32 major = t->device >> 8 & 0xfff;
		u32 minor = (t->device & 0xff) | (t->device >> 12 & 0xfff00);

		if (major - PTS_MAJOR >= PTS_MAJORS)
			r = -ENXIO;
		else
			snprintf(path, size, "/dev/pts/%u", (major - PTS_MAJOR) << 20 | minor);
	}
	mutex_unlock(&task_lock);
	return r;
}

/* -- ioctl(2); task_lock is held, device is that of f --------------------------------------- */

/* Returns f's terminal if it is that of the running process's session, or f is a master. */
static struct tty *own_tty(struct ofile *f, u32 device)
{
	struct tty *t = tty_of_device(device);

	ASSERT_HELD(&task_lock);
	return t && (host_file_of(f)->tty_master || t == tty_of(current_process())) ? t : NULL;
}

static s64 get_foreground(struct ofile *f, u32 device, s32 *group)
{
	struct tty *t = own_tty(f, device);
	s32 outside;

	ASSERT_HELD(&task_lock);
	*group = 0;
	if (!t)
		return host_file_of(f)->tty_master ? 0 : -ENOTTY;
	*group = t->foreground;
	/* The whole sandbox may be a background job of a shell on the host. */
	if (t == &boot_tty && hc_ioctl(f->handle, TIOCGPGRP, &outside, sizeof(outside), 0) >= 0 &&
	    outside != boot->pgid)
		*group = outside;
	return 0;
}

static s64 set_foreground(struct ofile *f, u32 device, s32 group)
{
	struct tty *t = own_tty(f, device);
	s32 sid = current_process()->sid, of;

	ASSERT_HELD(&task_lock);
	if (!t || t->sid != sid)
		return -ENOTTY;
	if (group < 0)
		return -EINVAL;
	of = group_session(group);
	if (of != sid)
		return of ? -EPERM : -ESRCH;
	t->foreground = group;
	if (t != &boot_tty || group != boot->pgid)
		WRITE_ONCE(moved, true);
	return 0;
}

static s64 make_own(u32 device, u64 steal)
{
	struct process *p = current_process();
	struct tty *t = tty_of_device(device);

	ASSERT_HELD(&task_lock);
	if (t && t->sid == p->sid && p->pid == p->sid)
		return 0;
	if (p->pid != p->sid || tty_of_session(p->sid))
		return -EPERM;
	if (t) {
		if (steal != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		forget(t);
	}
	return acquire(device);
}

static s64 give_up(u32 device)
{
	struct process *p = current_process();
	struct tty *t = tty_of(p);

	ASSERT_HELD(&task_lock);
	if (!t || t->device != device)
		return -ENOTTY;
	if (p->pid == p->sid)
		hang_up(t);
	else
		p->no_tty = true;
	return 0;
}

/* TIOCSIG: the signal of a key, from the master. */
static s64 send_key(struct ofile *f, u32 device, u64 sig)
{
	struct tty *t = tty_of_device(device);

	ASSERT_HELD(&task_lock);
	if (!host_file_of(f)->tty_master)
		return -ENOTTY;
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	if (t)
		signal_foreground(t, (int)sig);
	return 0;
}

static s64 answer(struct ofile *f, u32 device, u32 nr, u64 arg, s32 *value)
{
	struct tty *t;

	ASSERT_HELD(&task_lock);
	switch (nr) {
	case TIOCGPGRP:
		return get_foreground(f, device, value);
	case TIOCSPGRP:
		return set_foreground(f, device, *value);
	case TIOCGSID:
		t = own_tty(f, device);
		*value = t ? t->sid : 0;
		return t ? 0 : -ENOTTY;
	case TIOCSCTTY:
		return make_own(device, arg);
	case TIOCSIG:
		return send_key(f, device, arg);
	case TIOCSTI:
		return -EIO;
	default: /* TIOCNOTTY */
		return give_up(device);
	}
}

/* TIOCSWINSZ. The host sends SIGWINCH only for a terminal whose session it knows. */
static s64 set_size(struct ofile *f, u32 device, u64 arg)
{
	u16 before[4] = {0}, size[4];
	struct tty *t;
	s64 r;

	if (get_user(&size, arg))
		return -EFAULT;
	hc_ioctl(f->handle, TIOCGWINSZ, before, sizeof(before), 0);
	r = fs_restart(hc_ioctl(f->handle, TIOCSWINSZ, size, sizeof(size), 0));
	if (r >= 0 && memcmp(before, size, sizeof(size))) {
		mutex_lock(&task_lock);
		t = tty_of_device(device);
		if (t && t != &boot_tty)
			signal_foreground(t, SIGWINCH);
		mutex_unlock(&task_lock);
	}
	return r;
}

bool tty_ioctl(struct ofile *f, u32 nr, u64 arg, s64 *result)
{
	s64 device;
	s32 value = 0;

	switch (nr) {
	case TCGETS: /* isatty(3) of a file that was just opened */
		if (f->mode != S_IFREG)
			return false;
		path_prefetch_still(f);
		*result = -ENOTTY;
		return true;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
		*result = tty_check(f, TTY_CHANGE);
		return *result < 0;
	case TIOCGPTN: /* asked of masters: note that f is one */
		device_of(f);
		return false;
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCSWINSZ:
	case TIOCSIG:
	case TIOCSTI: /* refused as with the sysctl dev.tty.legacy_tiocsti=0 */
		break;
	default:
		return false;
	}
	device = device_of(f);
	if (device <= 0) {
		*result = device;
		return true;
	}
	if (nr == TIOCSWINSZ) {
		*result = set_size(f, (u32)device, arg);
		return true;
	}
	if (nr == TIOCSPGRP) {
		*result = tty_check(f, TTY_CHANGE);
		if (*result == 0 && get_user(&value, arg))
			*result = -EFAULT;
		if (*result < 0)
			return true;
	}
	mutex_lock(&task_lock);
	*result = answer(f, (u32)device, nr, arg, &value);
	mutex_unlock(&task_lock);
	if (*result >= 0 && (nr == TIOCGPGRP || nr == TIOCGSID) && put_user(value, arg))
		*result = -EFAULT;
	return true;
}

/* -- Keys ---------------------------------------------------------------------------------- */

void tty_master_written(struct ofile *f, uva addr, u64 len)
{
	static const struct {
		u8 key, sig;
	} keys[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};
	struct termios settings;
	struct tty *t;
	u8 bytes[64];

	if (!host_file_of(f)->tty_master)
		return;
	mutex_lock(&task_lock);
	t = tty_of_device((u32)host_file_of(f)->tty_device);
	mutex_unlock(&task_lock);
	if (!t || t == &boot_tty ||
	    hc_ioctl(f->handle, TCGETS, &settings, sizeof(settings), 0) < 0 ||
	    !(settings.c_lflag & ISIG))
		return;
	while (len) {
		u64 n = MIN(len, sizeof(bytes));

		if (copy_from_user(bytes, addr, n))
			return;
		for (u64 i = 0; i < n; i++) {
			for (u32 k = 0; k < ARRAY_SIZE(keys); k++) {
				if (bytes[i] == 0 || bytes[i] != settings.c_cc[keys[k].key])
					continue;
				mutex_lock(&task_lock);
				t = tty_of_device((u32)host_file_of(f)->tty_device);
				if (t)
					signal_foreground(t, keys[k].sig);
				mutex_unlock(&task_lock);
			}
		}
		addr += n;
		len -= n;
	}
}
