// SPDX-License-Identifier: MIT
/* The Linux module that serves hostcalls: host_kernel.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "common/host_kernel.h"
#include "vm/handle.h"
#include "vm/host_kernel.h"

/* Written by vCPU 0's thread before the others exist. -1: the module is not used. */
static int device = -1;

static int tell_ram(struct sandbox *s)
{
	const struct host_kernel_ram ram = {
		.gpa = RAM_BASE,
		.size = s->mem.ram_size,
		.host = (u64)s->mem.ram_host,
	};

	return ioctl(device, HOST_KERNEL_RAM, &ram);
}

void host_kernel_open(struct sandbox *s)
{
	const struct host_kernel_vm vm = {
		.version = HOST_KERNEL_VERSION,
		.flags = HOST_KERNEL_WRITES,
		.handles = handle_table(),
	};
	int fd;

	/* What `run` limits and what --files tells is counted in the monitor, which sees each call.
	 */
	if (s->opt.no_module || s->opt.policy || s->opt.files_report)
		return;
	if (s->ring_mode != RING_MODE_0) {
		verbose(s, "module: not used, because hostcalls of ring-3 mode cannot be served in "
			   "the host's kernel");
		return;
	}
	fd = open(HOST_KERNEL_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		verbose(s, "module: not used: %s: %s", HOST_KERNEL_DEVICE, strerror(errno));
		return;
	}
	device = fd;
	if (ioctl(fd, HOST_KERNEL_VM, &vm) < 0 || tell_ram(s) < 0) {
		verbose(s, "module: not used: %s",
			errno == EPROTO ? "it is of another version" : strerror(errno));
		device = -1;
		close(fd);
	}
}

void host_kernel_vcpu(struct vcpu *v)
{
	struct host_kernel_vcpu vcpu = {.frame = (u64)v->frame};
	struct kvm_ioeventfd port = {
		.addr = HOSTCALL_SERVED_PORT + v->id,
		.len = sizeof(u32),
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	if (device < 0 || v->id >= HOST_KERNEL_VCPUS)
		return;
	vcpu.doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vcpu.doorbell < 0)
		return;
	/* KVM and the module keep references of their own to the eventfd. */
	port.fd = vcpu.doorbell;
	if (ioctl(device, HOST_KERNEL_VCPU, &vcpu) == 0 &&
	    ioctl(v->sandbox->vm, KVM_IOEVENTFD, &port) == 0)
		WRITE_ONCE(v->data->module_serves, 1);
	close(vcpu.doorbell);
}

void host_kernel_grown(struct sandbox *s)
{
	/* On failure the module knows less RAM, and leaves calls with the rest to the monitor. */
	if (device >= 0)
		tell_ram(s);
}

int host_kernel_device(void)
{
	return device;
}

void host_kernel_report(struct sandbox *s)
{
	struct host_kernel_counts counts;

	if (device >= 0 && ioctl(device, HOST_KERNEL_COUNTS, &counts) == 0)
		verbose(s, "module: served %lu hostcalls, left %lu to the monitor", counts.served,
			counts.passed);
}
