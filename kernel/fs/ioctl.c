// SPDX-License-Identifier: MIT
/*
 * ioctl(2). common/ioctl.def lists the requests and the data that each moves. By the kind of the
 * request, this file passes the data to the hostcall and back, or turns descriptors into handles.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fs.h>
#include <linux/kd.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/vt.h>
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/tty.h"

enum ioctl_kind { VALUE, READ, WRITE, BOTH, HANDLE, OPENS, RANGE, CONF };

static const struct request {
	u32 nr;
	u8 kind;
	u16 size;
} requests[] = {
#define IOCTL(nr, kind, size) {nr, kind, size},
#include "common/ioctl.def"
};

#define DATA_MAX 128  /* no size in the table is larger */
#define CONF_MAX 4080 /* bytes of struct ifreq that a hostcall brings */

static const struct request *find(u32 nr)
{
	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].nr == nr)
			return &requests[i];
	return NULL;
}

/* Requests of kind READ, WRITE or BOTH. */
static s64 with_data(s32 handle, const struct request *rq, u64 arg)
{
	u8 data[DATA_MAX] = {0};
	s64 r = 0;

	KASSERT(rq->size <= sizeof(data));
	if (rq->kind != READ && copy_from_user(data, arg, rq->size) < 0)
		return -EFAULT;
	r = fs_restart(hc_ioctl(handle, rq->nr, data, rq->size, 0));
	if (r >= 0 && rq->kind != WRITE && copy_to_user(arg, data, rq->size) < 0)
		return -EFAULT;
	return r;
}

static s64 clone_range(s32 handle, u64 arg)
{
	struct file_clone_range range;

	if (get_user(&range, arg) < 0)
		return -EFAULT;
	return WITH_FD(src, (s32)range.src_fd, ({
			       range.src_fd = src;
			       fs_restart(hc_ioctl(handle, FICLONERANGE, &range, sizeof(range), 0));
		       }));
}

/* SIOCGIFCONF: netdevice(7). */
static s64 interface_list(s32 handle, u64 arg)
{
	struct {
		s32 len, pad;
		uva array;
	} *conf = kzalloc(sizeof(*conf) + CONF_MAX);
	uva array;
	s64 r;

	if (!conf)
		return -ENOMEM;
	r = copy_from_user(conf, arg, sizeof(*conf));
	array = conf->array;
	if (r >= 0) {
		if (!array)
			conf->len = 0; /* the program asks for the length that it needs */
		conf->len = conf->len < 0 ? 0 : MIN(conf->len, CONF_MAX);
		r = fs_nointr(hc_ioctl(handle, SIOCGIFCONF, conf, sizeof(*conf) + conf->len, 0));
	}
	if (r >= 0 && array)
		r = copy_to_user(array, conf + 1, MIN(conf->len, CONF_MAX));
	if (r >= 0)
		r = put_user(conf->len, arg);
	kfree(conf);
	return r;
}

static s64 request(struct ofile *f, u32 nr, u64 arg)
{
	const struct request *rq = find(nr);

	if (!rq)
		return -ENOTTY;
	switch ((enum ioctl_kind)rq->kind) {
	case VALUE:
		return fs_restart(hc_ioctl(f->handle, nr, NULL, 0, arg));
	case READ:
	case WRITE:
	case BOTH:
		return with_data(f->handle, rq, arg);
	case HANDLE:
		return WITH_FD(other, (s32)arg,
			       fs_restart(hc_ioctl(f->handle, nr, NULL, 0, other)));
	case OPENS:
		return fd_new(fs_nointr(hc_ioctl(f->handle, nr, NULL, 0, arg)), arg,
			      arg & O_CLOEXEC);
	case RANGE:
		return clone_range(f->handle, arg);
	case CONF:
		return interface_list(f->handle, arg);
	}
	return -ENOTTY;
}

s64 host_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	s64 r;

	return tty_ioctl(f, nr, arg, &r) ? r : request(f, nr, arg);
}

DEFINE_SYSCALL3(ioctl, s32, fd, u32, nr, u64, arg)
{
	struct ofile *f = fd_get(fd);
	s64 r;

	if (!f)
		return -EBADF;
	if (nr == FIOCLEX || nr == FIONCLEX)
		r = fdtable_set_cloexec(current_process()->files, fd, nr == FIOCLEX);
	else if (nr == FIOASYNC)
		r = async_ioctl(f, fd, arg);
	else
		r = ofile_ioctl(f, nr, arg);
	ofile_put(f);
	return r;
}
