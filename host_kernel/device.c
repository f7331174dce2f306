// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/buffervm: serves hostcalls of BufferVM's guests inside the kernel (docs/host_kernel.md).
 *
 * The life of a call. The guest writes a frame and executes OUT to the port that the monitor bound
 * to an eventfd (KVM_IOEVENTFD). KVM signals the eventfd in the vCPU's own thread, with interrupts
 * off: rung(), a callback in the eventfd's wait queue, adds a task work. The task work, answer(),
 * runs before the thread enters the guest again: in process context, without any lock of KVM's. It
 * copies the frame, makes the call, and writes the result into the frame. If it cannot serve the
 * call it says so in the frame, and the guest rings the monitor's own doorbell.
 *
 * Lifetime. The open file of the device owns a struct vm, which owns its struct vcpus. A task work
 * that was added holds a reference to its vm and one to this module. release() takes the callbacks
 * out of the wait queues first, so no new task work is added after it.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include "host_kernel/serve.h"

struct vm {
	struct kref refs;
	struct mm_struct *mm; /* of the process that opened the device; only compared */
	struct mutex lock;    /* guards the ioctls against each other */
	bool made;	      /* HOST_KERNEL_VM was called; handles and flags are valid */
	u64 handles;
	u32 flags;
	struct host_kernel_ram ram; /* .size is published last and only grows */
	u32 vcpus;
	struct vcpu *vcpu[HOST_KERNEL_VCPUS];
	atomic64_t served, passed;
	struct sleepers sleepers;
};

struct vcpu {
	struct vm *vm;
	struct task_struct *task; /* the vCPU's thread; a reference */
	u8 __user *area;
	struct file *doorbell; /* the eventfd; a reference */
	wait_queue_head_t *queue;
	wait_queue_entry_t entry;
	poll_table table;
	struct callback_head work;
	unsigned long busy; /* bit 0: the work is added and has not begun */
	struct iovec iov[HOST_KERNEL_SEGS];
};

static void vm_free(struct kref *refs)
{
	struct vm *vm = container_of(refs, struct vm, refs);
	u32 i;

	for (i = 0; i < vm->vcpus; i++) {
		put_task_struct(vm->vcpu[i]->task);
		kfree(vm->vcpu[i]);
	}
	mmdrop(vm->mm);
	kfree(vm);
}

/* Makes the call in the vCPU's frame, if there is one. */
static void answer_frame(struct vcpu *vcpu)
{
	struct hostcall_frame __user *at = (struct hostcall_frame __user *)vcpu->area;
	struct vm *vm = vcpu->vm;
	struct hostcall_frame frame;
	struct serve_call call = {
		.handles = vm->handles,
		.flags = vm->flags,
		.area = vcpu->area,
		.iov = vcpu->iov,
		.sleepers = &vm->sleepers,
	};
	long ret;

	/* An exec or the end of the process came first: the addresses mean nothing any more. */
	if (current->mm != vm->mm)
		return;
	if (copy_from_user(&frame, at, sizeof(frame)) || frame.state != HOSTCALL_SUBMITTED)
		return;
	call.ram.size = smp_load_acquire(&vm->ram.size);
	call.ram.gpa = vm->ram.gpa;
	call.ram.host = vm->ram.host;
	call.plan = plan_call(&frame);
	ret = serve(&call);
	if (ret == SERVE_PASS) {
		atomic64_inc(&vm->passed);
		put_user(HOSTCALL_LATER, &at->state);
		return;
	}
	atomic64_inc(&vm->served);
	if (!put_user(ret, &at->ret)) {
		smp_wmb();
		put_user(HOSTCALL_DONE, &at->state);
	}
}

static void answer(struct callback_head *work)
{
	struct vcpu *vcpu = container_of(work, struct vcpu, work);
	struct vm *vm = vcpu->vm;

	clear_bit_unlock(0, &vcpu->busy);
	if (!(current->flags & PF_EXITING))
		answer_frame(vcpu);
	kref_put(&vm->refs, vm_free);
	/* The last instructions of this function may run after it: see host_kernel_exit. */
	module_put(THIS_MODULE);
}

/* The eventfd was signalled. Called with interrupts off and the wait queue's lock held. */
static int rung(wait_queue_entry_t *entry, unsigned int mode, int sync, void *key)
{
	struct vcpu *vcpu = container_of(entry, struct vcpu, entry);

	/* Anybody who has the eventfd can signal it, but only the vCPU's own thread is served. */
	if (current != vcpu->task || !((__poll_t)(unsigned long)key & EPOLLIN) ||
	    test_and_set_bit_lock(0, &vcpu->busy))
		return 0;
	/* Both exist: release() has not taken this entry out of the queue yet. */
	kref_get(&vcpu->vm->refs);
	__module_get(THIS_MODULE);
	if (task_work_add(current, &vcpu->work, TWA_RESUME)) {
		/* The thread is past its last task work, so the VM will not run again. release()
		 * still holds a reference of its own. */
		kref_put(&vcpu->vm->refs, vm_free);
		module_put(THIS_MODULE);
	}
	return 0;
}

static void queue_found(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct vcpu *vcpu = container_of(table, struct vcpu, table);

	vcpu->queue = queue;
	add_wait_queue(queue, &vcpu->entry);
}

static int device_open(struct inode *inode, struct file *file)
{
	struct vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return -ENOMEM;
	if (!current->mm) {
		kfree(vm);
		return -EINVAL;
	}
	kref_init(&vm->refs);
	mutex_init(&vm->lock);
	sleepers_init(&vm->sleepers);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	file->private_data = vm; /* misc_open had set it to the device */
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct vm *vm = file->private_data;
	u32 i;

	for (i = 0; i < vm->vcpus; i++) {
		struct vcpu *vcpu = vm->vcpu[i];

		remove_wait_queue(vcpu->queue, &vcpu->entry);
		fput(vcpu->doorbell);
	}
	kref_put(&vm->refs, vm_free);
	return 0;
}

static long set_vm(struct vm *vm, const struct host_kernel_vm *arg)
{
	if (arg->version != HOST_KERNEL_VERSION)
		return -EPROTO;
	if ((arg->flags & ~(u32)HOST_KERNEL_WRITES) || !arg->handles ||
	    !access_ok((void __user *)arg->handles, HANDLE_CHUNKS * sizeof(u64)))
		return -EINVAL;
	if (vm->made)
		return -EBUSY;
	vm->flags = arg->flags;
	vm->handles = arg->handles;
	smp_store_release(&vm->made, true);
	return 0;
}

static long set_ram(struct vm *vm, const struct host_kernel_ram *arg)
{
	if (!vm->made)
		return -ENODEV;
	if (!arg->size || arg->gpa + arg->size < arg->gpa ||
	    !access_ok((void __user *)arg->host, arg->size))
		return -EINVAL;
	if (vm->ram.size &&
	    (arg->gpa != vm->ram.gpa || arg->host != vm->ram.host || arg->size < vm->ram.size))
		return -EINVAL;
	vm->ram.gpa = arg->gpa;
	vm->ram.host = arg->host;
	smp_store_release(&vm->ram.size, arg->size);
	return 0;
}

static long add_vcpu(struct vm *vm, const struct host_kernel_vcpu *arg)
{
	struct eventfd_ctx *ctx;
	struct vcpu *vcpu;
	u32 i;

	if (!vm->made)
		return -ENODEV;
	if (arg->reserved || arg->frame % 8 ||
	    !access_ok((void __user *)arg->frame, HOSTCALL_AREA_SIZE))
		return -EINVAL;
	for (i = 0; i < vm->vcpus; i++)
		if (vm->vcpu[i]->task == current)
			return -EEXIST;
	if (vm->vcpus == HOST_KERNEL_VCPUS)
		return -ENOSPC;
	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return -ENOMEM;
	vcpu->doorbell = fget(arg->doorbell);
	if (!vcpu->doorbell) {
		kfree(vcpu);
		return -EBADF;
	}
	ctx = eventfd_ctx_fileget(vcpu->doorbell);
	if (IS_ERR(ctx)) {
		fput(vcpu->doorbell);
		kfree(vcpu);
		return -EINVAL;
	}
	eventfd_ctx_put(ctx); /* it only had to be one */
	vcpu->vm = vm;
	vcpu->task = get_task_struct(current);
	vcpu->area = (u8 __user *)arg->frame;
	init_task_work(&vcpu->work, answer);
	init_waitqueue_func_entry(&vcpu->entry, rung);
	init_poll_funcptr(&vcpu->table, queue_found);
	vfs_poll(vcpu->doorbell, &vcpu->table);
	vm->vcpu[vm->vcpus] = vcpu;
	vm->vcpus++;
	return 0;
}

static long counts(struct vm *vm, struct host_kernel_counts *out)
{
	if (!vm->made)
		return -ENODEV;
	out->served = (u64)atomic64_read(&vm->served);
	out->passed = (u64)atomic64_read(&vm->passed);
	return 0;
}

/* HOST_KERNEL_WAIT and HOST_KERNEL_WAKE, which do not take the lock of the others. */
static long sleep_or_wake(struct vm *vm, unsigned int cmd, const struct host_kernel_wait *arg)
{
	if (!smp_load_acquire(&vm->made))
		return -ENODEV;
	if (arg->reserved || arg->word % sizeof(u32) ||
	    !access_ok((void __user *)arg->word, sizeof(u32)))
		return -EINVAL;
	return cmd == HOST_KERNEL_WAIT
		       ? sleepers_wait(&vm->sleepers, arg->word, arg->value, arg->timeout_ns)
		       : sleepers_wake(&vm->sleepers, arg->word, arg->value);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long where)
{
	struct vm *vm = file->private_data;
	union {
		struct host_kernel_vm vm;
		struct host_kernel_ram ram;
		struct host_kernel_vcpu vcpu;
		struct host_kernel_counts counts;
		struct host_kernel_wait wait;
	} arg = {};
	long ret;

	if (current->mm != vm->mm)
		return -EPERM;
	if (_IOC_SIZE(cmd) > sizeof(arg))
		return -ENOTTY;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) &&
	    copy_from_user(&arg, (void __user *)where, _IOC_SIZE(cmd)))
		return -EFAULT;
	if (cmd == HOST_KERNEL_WAIT || cmd == HOST_KERNEL_WAKE)
		return sleep_or_wake(vm, cmd, &arg.wait);
	if (mutex_lock_interruptible(&vm->lock))
		return -EINTR;
	switch (cmd) {
	case HOST_KERNEL_VM:
		ret = set_vm(vm, &arg.vm);
		break;
	case HOST_KERNEL_RAM:
		ret = set_ram(vm, &arg.ram);
		break;
	case HOST_KERNEL_VCPU:
		ret = add_vcpu(vm, &arg.vcpu);
		break;
	case HOST_KERNEL_COUNTS:
		ret = counts(vm, &arg.counts);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&vm->lock);
	if (!ret && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user((void __user *)where, &arg, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations device_ops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "buffervm",
	.fops = &device_ops,
	.mode = 0660,
};

static int __init host_kernel_init(void)
{
	return misc_register(&device);
}

static void __exit host_kernel_exit(void)
{
	misc_deregister(&device);
	/* A task work that has put its reference to the module may still be in its last lines. */
	synchronize_rcu_tasks();
}

module_init(host_kernel_init);
module_exit(host_kernel_exit);
MODULE_DESCRIPTION("Serves hostcalls of BufferVM's guests inside the kernel");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION("0.1.0");
