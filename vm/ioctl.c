/*
 * ioctl(2) for the guest: the requests whose data is known here, row by row. Everything else is
 * ENOTTY, as for a file that does not know the request.
 *
 * Left out on purpose: TIOCSTI and TIOCLINUX (they type into the user's terminal), requests whose
 * structs hold pointers (SIOCETHTOOL, SG_IO), and those that send signals to an owner (FIOSETOWN).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/vt.h>
#include <linux/kd.h>
#include <string.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include "vm/handle.h"
#include "vm/hostcall.h"

/* <asm/termios.h>, which does not go with the headers above. */
#define WINSIZE (4 * sizeof(u16))
#define TERMIO	18

/* What the third argument is. */
enum ioctl_kind {
	VALUE,	/* an integer, passed on as it came */
	READ,	/* the host fills size bytes */
	WRITE,	/* the host reads size bytes */
	BOTH,	/* and fills them again */
	HANDLE, /* an open file */
	OPENS,	/* open flags; the result is a new handle */
	RANGE,	/* struct file_clone_range, which names an open file */
	CONF,	/* struct ifconf, which points to an array: that follows it in the data */
};

#define TERMIOS	 sizeof(struct termios)
#define TERMIOS2 sizeof(struct termios2)

static const struct request {
	u32 nr;
	u8 kind;
	u16 size;
} requests[] = {
	/* Terminals: ioctl_tty(2). */
	{TCGETS, READ, TERMIOS},
	{TCSETS, WRITE, TERMIOS},
	{TCSETSW, WRITE, TERMIOS},
	{TCSETSF, WRITE, TERMIOS},
	{TCGETS2, READ, TERMIOS2},
	{TCSETS2, WRITE, TERMIOS2},
	{TCSETSW2, WRITE, TERMIOS2},
	{TCSETSF2, WRITE, TERMIOS2},
	{TCGETA, READ, TERMIO},
	{TCSETA, WRITE, TERMIO},
	{TCSETAW, WRITE, TERMIO},
	{TCSETAF, WRITE, TERMIO},
	{TIOCGLCKTRMIOS, READ, TERMIOS},
	{TIOCGWINSZ, READ, WINSIZE},
	{TIOCSWINSZ, WRITE, WINSIZE},
	{TCSBRK, VALUE, 0},
	{TCSBRKP, VALUE, 0},
	{TIOCSBRK, VALUE, 0},
	{TIOCCBRK, VALUE, 0},
	{TCXONC, VALUE, 0},
	{TCFLSH, VALUE, 0},
	{TIOCGPGRP, READ, sizeof(s32)},
	{TIOCSPGRP, WRITE, sizeof(s32)},
	{TIOCGSID, READ, sizeof(s32)},
	{TIOCSCTTY, VALUE, 0},
	{TIOCNOTTY, VALUE, 0},
	{TIOCEXCL, VALUE, 0},
	{TIOCNXCL, VALUE, 0},
	{TIOCGEXCL, READ, sizeof(s32)},
	{TIOCGETD, READ, sizeof(s32)},
	{TIOCSETD, WRITE, sizeof(s32)},
	{TIOCOUTQ, READ, sizeof(s32)}, /* and SIOCOUTQ */
	{TIOCMGET, READ, sizeof(s32)},
	{TIOCMSET, WRITE, sizeof(s32)},
	{TIOCMBIS, WRITE, sizeof(s32)},
	{TIOCMBIC, WRITE, sizeof(s32)},
	{TIOCGSOFTCAR, READ, sizeof(s32)},
	{TIOCSSOFTCAR, WRITE, sizeof(s32)},
	{TIOCPKT, WRITE, sizeof(s32)},
	{TIOCGPKT, READ, sizeof(s32)},
	{TIOCGPTN, READ, sizeof(u32)},
	{TIOCSPTLCK, WRITE, sizeof(s32)},
	{TIOCGPTLCK, READ, sizeof(s32)},
	{TIOCGPTPEER, OPENS, 0},
	{TIOCGDEV, READ, sizeof(u32)},
	{TIOCVHANGUP, VALUE, 0},
	{KDGKBTYPE, READ, 1},
	{KDGKBMODE, READ, sizeof(s32)},
	{KDGETMODE, READ, sizeof(s32)},
	{VT_GETSTATE, READ, sizeof(struct vt_stat)},

	/* Any file. */
	{FIONREAD, READ, sizeof(s32)}, /* and SIOCINQ, TIOCINQ */
	{FIONBIO, WRITE, sizeof(s32)},
	{FIOQSIZE, READ, sizeof(s64)},
	{FIGETBSZ, READ, sizeof(s32)},
	{FIBMAP, BOTH, sizeof(s32)},

	/* File systems. FS_IOC_*FLAGS say long but move an int: ioctl_iflags(2). */
	{FS_IOC_GETFLAGS, READ, sizeof(s32)},
	{FS_IOC_SETFLAGS, WRITE, sizeof(s32)},
	{FS_IOC_GETVERSION, READ, sizeof(s32)},
	{FS_IOC_FSGETXATTR, READ, sizeof(struct fsxattr)},
	{FS_IOC_FSSETXATTR, WRITE, sizeof(struct fsxattr)},
	{FICLONE, HANDLE, 0},
	{FICLONERANGE, RANGE, sizeof(struct file_clone_range)},
	{FITRIM, BOTH, sizeof(struct fstrim_range)},

	/* Block devices. */
	{BLKGETSIZE64, READ, sizeof(u64)},
	{BLKGETSIZE, READ, sizeof(u64)},
	{BLKSSZGET, READ, sizeof(s32)},
	{BLKPBSZGET, READ, sizeof(s32)},
	{BLKBSZGET, READ, sizeof(s32)},
	{BLKIOMIN, READ, sizeof(s32)},
	{BLKIOOPT, READ, sizeof(s32)},
	{BLKALIGNOFF, READ, sizeof(s32)},
	{BLKROGET, READ, sizeof(s32)},
	{BLKRAGET, READ, sizeof(u64)},
	{BLKSECTGET, READ, sizeof(u16)},
	{BLKROTATIONAL, READ, sizeof(u16)},
	{BLKDISCARDZEROES, READ, sizeof(s32)},
	{BLKFLSBUF, VALUE, 0},

	/* Sockets and interfaces: netdevice(7). */
	{SIOCATMARK, READ, sizeof(s32)},
	{SIOCOUTQNSD, READ, sizeof(s32)},
	{SIOCGSTAMP_OLD, READ, 16},
	{SIOCGSTAMPNS_OLD, READ, 16},
	{SIOCGIFCONF, CONF, 0},
	{SIOCGIFNAME, BOTH, sizeof(struct ifreq)},
	{SIOCGIFINDEX, BOTH, sizeof(struct ifreq)},
	{SIOCGIFFLAGS, BOTH, sizeof(struct ifreq)},
	{SIOCGIFADDR, BOTH, sizeof(struct ifreq)},
	{SIOCGIFDSTADDR, BOTH, sizeof(struct ifreq)},
	{SIOCGIFBRDADDR, BOTH, sizeof(struct ifreq)},
	{SIOCGIFNETMASK, BOTH, sizeof(struct ifreq)},
	{SIOCGIFMETRIC, BOTH, sizeof(struct ifreq)},
	{SIOCGIFMTU, BOTH, sizeof(struct ifreq)},
	{SIOCGIFHWADDR, BOTH, sizeof(struct ifreq)},
	{SIOCGIFTXQLEN, BOTH, sizeof(struct ifreq)},
	{SIOCGIFCOUNT, BOTH, sizeof(struct ifreq)},

	/* Devices. */
	{RNDGETENTCNT, READ, sizeof(s32)},
	{RTC_RD_TIME, READ, sizeof(struct rtc_time)},
};

static const struct request *find(u32 nr)
{
	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].nr == nr)
			return &requests[i];
	return NULL;
}

/* Calls with an open file that the data, not the argument, names. */
static s64 clone_range(struct call *c, int file, struct file_clone_range *range)
{
	int src = handle_get((u64)range->src_fd);
	s64 ret;

	if (src < 0)
		return src;
	ret = HOST_SLEEP(c, ioctl, (u64)file, FICLONERANGE, (u64)range);
	handle_put(src);
	return ret;
}

/* The array lies in the data behind the struct; the host's pointer stays here. */
static s64 interface_list(int file, u8 *data, u32 data_len)
{
	struct ifconf conf;
	s64 ret;

	if (data_len < sizeof(conf))
		return -EINVAL;
	memcpy(&conf, data, sizeof(conf));
	if (conf.ifc_len < 0 || (u32)conf.ifc_len > data_len - sizeof(conf))
		conf.ifc_len = (int)(data_len - sizeof(conf));
	conf.ifc_buf = conf.ifc_len > 0 ? (char *)data + sizeof(conf) : NULL;
	ret = HOST_CALL(ioctl, (u64)file, SIOCGIFCONF, (u64)&conf);
	memcpy(data, &conf.ifc_len, sizeof(conf.ifc_len));
	return ret;
}

s64 hc_do_ioctl(struct call *c, int file, u64 request, void *data, u32 data_len, u64 arg)
{
	const struct request *r = find((u32)request);
	int other;
	s64 ret;

	if (!r)
		return -ENOTTY;
	if (data_len < r->size)
		return -EINVAL;
	switch (r->kind) {
	case VALUE:
		return HOST_SLEEP(c, ioctl, (u64)file, r->nr, arg);
	case READ:
	case WRITE:
	case BOTH:
		return HOST_SLEEP(c, ioctl, (u64)file, r->nr, (u64)data);
	case HANDLE:
		other = handle_get(arg);
		if (other < 0)
			return other;
		ret = HOST_SLEEP(c, ioctl, (u64)file, r->nr, (u64)other);
		handle_put(other);
		return ret;
	case OPENS:
		ret = HOST_CALL(ioctl, (u64)file, r->nr, arg | O_CLOEXEC | O_NOCTTY);
		return ret < 0 ? ret : handle_add((int)ret);
	case RANGE:
		return clone_range(c, file, data);
	case CONF:
		return interface_list(file, data, data_len);
	default:
		return -ENOTTY;
	}
}
