// SPDX-License-Identifier: MIT
/*
 * ioctl(2). common/ioctl.def lists the requests and the data that each moves. By the kind of the
 * request, this file passes the data to the hostcall and back, or turns descriptors into handles.
 */
#include "common/ioctl_table.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/tty.h"

#define DATA_MAX    128	 /* no size in the table is larger */
#define CONF_MAX    4080 /* bytes of struct ifreq that a hostcall brings */

/* struct ifreq: a name, then a pointer to the data of SIOCETHTOOL. */
#define IFREQ_SIZE  40
#define IFREQ_NAME  16
#define ETHTOOL_MAX 256 /* no struct in ethtool.def is larger */

/* Requests of kind READ, WRITE or BOTH. */
static s64 with_data(s32 handle, const struct ioctl_request *rq, u64 arg)
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

/* SIOCETHTOOL: netdevice(7), linux/ethtool.h. */
static s64 ask_device(s32 handle, uva arg)
{
	struct {
		char name[IFREQ_NAME];
		uva data;
		u8 rest[IFREQ_SIZE - IFREQ_NAME - sizeof(uva)];
		u8 command[ETHTOOL_MAX];
	} rq;
	uva data;
	u32 nr, size;
	s64 r;

	_Static_assert(offsetof(__typeof__(rq), command) == IFREQ_SIZE, "as struct ifreq");
	memset(&rq, 0, sizeof(rq));
	if (copy_from_user(&rq, arg, IFREQ_SIZE) < 0 || get_user(&nr, rq.data))
		return -EFAULT;
	data = rq.data;
	size = ioctl_ethtool_size(nr);
	if (!size)
		return -EOPNOTSUPP;
	KASSERT(size <= sizeof(rq.command));
	if (copy_from_user(rq.command, data, size) < 0)
		return -EFAULT;
	r = fs_nointr(hc_ioctl(handle, SIOCETHTOOL, &rq, IFREQ_SIZE + size, 0));
	return r < 0 ? r : copy_to_user(data, rq.command, size);
}

static s64 request(struct ofile *f, u32 nr, u64 arg)
{
	const struct ioctl_request *rq = ioctl_request(nr);

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
	case ETHTOOL_REQUEST:
		return ask_device(f->handle, arg);
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
	else if (nr == FIOSETOWN || nr == SIOCSPGRP || nr == FIOGETOWN || nr == SIOCGPGRP)
		r = async_owner_ioctl(f, nr, arg);
	else
		r = ofile_ioctl(f, nr, arg);
	ofile_put(f);
	return r;
}
