// SPDX-License-Identifier: MIT
/*
 * ioctl(2) for the guest: only requests whose data is known, which have a row in common/ioctl.def.
 * All others fail with ENOTTY, as with a file that does not know the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <string.h>
#include "common/ioctl_table.h"
#include "vm/handle.h"
#include "vm/hostcall.h"

/* FICLONERANGE: the data names the second file. */
static s64 clone_range(struct call *c, int file, struct file_clone_range *range)
{
	int src = handle_get((u64)range->src_fd);
	s64 ret;

	if (src < 0)
		return src;
	ret = HOST_AGAIN(c, ioctl, (u64)file, FICLONERANGE, (u64)range);
	handle_put(src);
	return ret;
}

/*
 * SIOCGIFCONF: the array follows the struct in the data. Only ifc_len goes back to the guest,
 * because ifc_buf is a pointer of the monitor's.
 */
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

/*
 * SIOCETHTOOL: the command's struct follows the struct ifreq in the data. The pointer to it is the
 * monitor's, and does not go to the guest.
 */
static s64 ask_device(int file, u8 *data, u32 data_len)
{
	struct ifreq rq;
	u32 nr, size;

	if (data_len < sizeof(rq) + sizeof(nr))
		return -EINVAL;
	memcpy(&rq, data, sizeof(rq));
	memcpy(&nr, data + sizeof(rq), sizeof(nr));
	size = ioctl_ethtool_size(nr);
	if (!size)
		return -EOPNOTSUPP;
	if (data_len - sizeof(rq) < size)
		return -EINVAL;
	rq.ifr_data = (char *)data + sizeof(rq);
	return HOST_CALL(ioctl, (u64)file, SIOCETHTOOL, (u64)&rq);
}

s64 hc_do_ioctl(struct call *c, int file, u64 request, void *data, u32 data_len, u64 arg)
{
	const struct ioctl_request *r = ioctl_request((u32)request);
	int other;
	s64 ret;

	if (!r)
		return -ENOTTY;
	if (data_len < r->size)
		return -EINVAL;
	switch (r->kind) {
	case VALUE:
		return HOST_AGAIN(c, ioctl, (u64)file, r->nr, arg);
	case READ: /* no READ request waits */
		return HOST_CALL(ioctl, (u64)file, r->nr, (u64)data);
	case WRITE:
	case BOTH:
		return HOST_AGAIN(c, ioctl, (u64)file, r->nr, (u64)data);
	case HANDLE:
		other = handle_get(arg);
		if (other < 0)
			return other;
		ret = HOST_AGAIN(c, ioctl, (u64)file, r->nr, (u64)other);
		handle_put(other);
		return ret;
	case OPENS:
		ret = HOST_CALL(ioctl, (u64)file, r->nr, arg | O_CLOEXEC | O_NOCTTY);
		return ret < 0 ? ret : handle_add((int)ret);
	case RANGE:
		return clone_range(c, file, data);
	case CONF:
		return interface_list(file, data, data_len);
	case ETHTOOL_REQUEST:
		return ask_device(file, data, data_len);
	default:
		return -ENOTTY;
	}
}
