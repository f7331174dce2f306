// SPDX-License-Identifier: MIT
/*
 * System calls about file systems and mounts, file handles and the page cache. The mounts are those
 * of the monitor's namespace, as in /proc/self/mountinfo.
 */
#include "kernel/fs/fs.h"

/* Not in linux/fcntl.h of Linux 6.1: name_to_handle_at(2). */
#define HANDLE_MNT_ID_UNIQUE 0x001
#define HANDLE_CONNECTABLE   0x002
#define HANDLE_FID	     AT_REMOVEDIR

#define HANDLE_MAX	     128 /* MAX_HANDLE_SZ */

struct file_handle_max {
	u32 bytes;
	s32 type;
	u8 data[HANDLE_MAX];
};

static s64 handle_of(s32 dirfd, uva path, u32 flags, struct file_handle_max *h, u64 *mount)
{
	int at = flags & AT_EMPTY_PATH;
	struct fs_path p;
	s64 r;

	if (!(flags & AT_SYMLINK_FOLLOW))
		at |= AT_SYMLINK_NOFOLLOW;
	r = path_get_host(&p, dirfd, path, at | PATH_BY_HANDLE);
	if (r < 0)
		return r == -EPERM ? -EOPNOTSUPP : r;
	r = fs_nointr(hc_name_to_handle(p.dir, p.path, h, sizeof(*h), mount, sizeof(*mount),
					(flags & ~(u32)AT_EMPTY_PATH) | (u32)p.at));
	path_put(&p);
	return r;
}

DEFINE_SYSCALL5(name_to_handle_at, s32, dirfd, uva, path, uva, handle, uva, mount_id, u32, flags)
{
	struct file_handle_max h;
	u64 mount, most = 0;
	u32 bytes;
	s64 r;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | HANDLE_FID | HANDLE_MNT_ID_UNIQUE |
			   HANDLE_CONNECTABLE))
		return -EINVAL;
	r = handle_of(dirfd, path, flags, &h, &mount);
	if (r < 0)
		return r;
	if (get_user(&bytes, handle))
		return -EFAULT;
	if (bytes > HANDLE_MAX)
		return -EINVAL;
	/* Without space for the handle, the program gets only the size that it needs. */
	if (bytes < h.bytes)
		r = -EOVERFLOW;
	else
		most = MIN(h.bytes, (u32)HANDLE_MAX);
	if (copy_to_user(mount_id, &mount,
			 flags & HANDLE_MNT_ID_UNIQUE ? sizeof(u64) : sizeof(s32)) ||
	    copy_to_user(handle, &h, offsetof(struct file_handle_max, data) + most))
		return -EFAULT;
	return r;
}

/* cachestat(2). */
DEFINE_SYSCALL4(cachestat, s32, fd, uva, user_range, uva, user_stat, u32, flags)
{
	struct ofile *f = fd_get(fd);
	u64 range[2], stat[5] = {0};
	s64 r = f ? 0 : -EBADF;

	if (!r && get_user(&range, user_range))
		r = -EFAULT;
	if (!r && flags)
		r = -EINVAL;
	/* A file without a handle has no page in the host's cache. */
	if (!r && f->handle >= 0)
		r = fs_nointr(hc_cachestat(f->handle, range, sizeof(range), stat, sizeof(stat), 0));
	ofile_put(f);
	return r < 0 ? r : copy_to_user(user_stat, stat, sizeof(stat));
}

/* -- Mounts -------------------------------------------------------------------------------- */

/* linux/mount.h, struct mnt_id_req. */
struct mount_request {
	u32 size;
	u32 spare;
	u64 id, param, ns;
};
#define REQUEST_SIZE_0 offsetof(struct mount_request, ns)
#define STATMOUNT_MAX  8192 /* most bytes in the answer of hostcall statmount */
#define IDS_MAX	       512  /* most numbers in the answer of hostcall listmount */
#define IDS_LIMIT      1000000

static s64 read_request(struct mount_request *rq, uva from)
{
	u32 size;
	s64 r;

	if (get_user(&size, from))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < REQUEST_SIZE_0)
		return -EINVAL;
	r = copy_struct_from_user(rq, sizeof(*rq), from, size);
	if (r < 0)
		return r;
	if (rq->spare)
		return -EINVAL;
	if (rq->ns)
		return -EPERM; /* other namespaces are not for programs in a sandbox */
	rq->size = REQUEST_SIZE_0;
	return 0;
}

DEFINE_SYSCALL4(statmount, uva, request, uva, out, u64, size, u32, flags)
{
	struct mount_request rq;
	u32 len = (u32)MIN(size, (u64)STATMOUNT_MAX);
	void *buf;
	s64 r;

	if (flags)
		return -EINVAL;
	r = read_request(&rq, request);
	if (r < 0)
		return r;
	buf = kzalloc(MAX(len, 8U));
	if (!buf)
		return -ENOMEM;
	r = fs_nointr(hc_statmount(&rq, REQUEST_SIZE_0, buf, len, 0));
	/* The struct begins with its size. */
	if (r >= 0 && copy_to_user(out, buf, MIN(len, *(u32 *)buf)))
		r = -EFAULT;
	kfree(buf);
	return r;
}

DEFINE_SYSCALL4(listmount, uva, request, uva, out, u64, most, u32, flags)
{
	struct mount_request rq;
	u64 *ids, total = 0;
	s64 r;

	if (flags & ~1U) /* LISTMOUNT_REVERSE */
		return -EINVAL;
	if (most > IDS_LIMIT)
		return -EOVERFLOW;
	r = read_request(&rq, request);
	if (r < 0)
		return r;
	ids = kmalloc(IDS_MAX * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	do {
		u64 n = MIN(most - total, (u64)IDS_MAX);

		r = fs_nointr(
			hc_listmount(&rq, REQUEST_SIZE_0, ids, (u32)(n * sizeof(*ids)), flags));
		if (r <= 0)
			break;
		r = MIN(r, (s64)n);
		rq.param = ids[r - 1];
		if (copy_to_user(out + total * sizeof(*ids), ids, (u64)r * sizeof(*ids)))
			r = -EFAULT;
		else
			total += (u64)r;
	} while (r == IDS_MAX && total < most);
	kfree(ids);
	return r < 0 ? r : (s64)total;
}

/* -- Answers from the host's /proc ------------------------------------------------------------ */

#define TEXT_MAX 65536

/*
 * Reads the first TEXT_MAX - 1 bytes of a file on the host. Returns a NUL-terminated text that the
 * caller frees; NULL: no such file, or no memory.
 */
static char *host_text(const char *path)
{
	char *text = kmalloc(TEXT_MAX);
	u64 len = 0;
	s64 r = -ENOMEM, handle = hc_openat(current_process()->fs->root, path, O_RDONLY, 0);

	while (text && handle >= 0 && len < TEXT_MAX - 1) {
		struct hostcall_seg seg[2];
		struct segs segs;

		r = kernel_segs(seg, 2, text + len, TEXT_MAX - 1 - len, &segs);
		if (r >= 0)
			r = hc_readv((s32)handle, &segs);
		if (r <= 0)
			break;
		len += (u64)r;
	}
	if (handle >= 0)
		hc_close((s32)handle);
	if (text && handle >= 0 && r >= 0) {
		text[len] = 0;
		return text;
	}
	kfree(text);
	return NULL;
}

/* Returns the type at the end of a line of /proc/filesystems: "nodev\tproc" or "\text4". */
static const char *type_of_line(const char *line, u64 *len)
{
	const char *tab = line + strcspn(line, "\t\n");

	if (*tab == '\t')
		tab++;
	*len = strcspn(tab, "\n");
	return tab;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* sysfs(2). Option 1: the index of a name; 2: the name of an index; 3: the number of types. */
static s64 file_system_types(s32 option, const char *name, u64 index, uva out, const char *line)
{
	u64 n = 0;

	for (; *line; line = next_line(line), n++) {
		u64 len;
		const char *type = type_of_line(line, &len);

		if (option == 1 && strlen(name) == len && !memcmp(name, type, len))
			return (s64)n;
		if (option == 2 && n == index)
			return copy_to_user(out, type, len) || put_user((char)0, out + len)
				       ? -EFAULT
				       : 0;
	}
	return option == 3 ? (s64)n : -EINVAL;
}

DEFINE_SYSCALL3(sysfs, s32, option, u64, arg, uva, out)
{
	char name[64] = "", *text;
	s64 r = 0;

	if (option < 1 || option > 3)
		return -EINVAL;
	if (option == 1)
		r = strncpy_from_user(name, arg, sizeof(name));
	if (r < 0)
		return r == -ENAMETOOLONG ? -EINVAL : r;
	text = host_text("/proc/filesystems");
	r = text ? file_system_types(option, name, arg, out, text) : -ENOMEM;
	kfree(text);
	return r;
}

struct ustat_user {
	s32 free_blocks;
	u64 free_inodes;
	char name[6], pack[6];
};

/*
 * Finds a mount point of a device in the lines of /proc/self/mountinfo: proc(5). Returns false if
 * there is none that fits path.
 */
static bool mounted_at(const char *line, u32 device, char *path, u64 size)
{
	char wanted[32];
	u64 want_len = (u64)snprintf(wanted, sizeof(wanted), "%u:%u", device >> 8 & 0xfff,
				     (device & 0xff) | (device >> 12 & 0xfff00));

	for (; *line; line = next_line(line)) {
		const char *at = line;
		u64 len;

		for (int field = 0; field < 2; field++)
			at += strcspn(at, " ") + 1;
		if (strcspn(at, " ") != want_len || memcmp(at, wanted, want_len) != 0)
			continue;
		for (int field = 2; field < 4; field++)
			at += strcspn(at, " ") + 1;
		len = strcspn(at, " ");
		if (len >= size || memchr(at, '\\', len))
			continue; /* the name has escapes; another mount point may have none */
		memcpy(path, at, len);
		path[len] = 0;
		return true;
	}
	return false;
}

/* ustat(2), the predecessor of statfs(2): the free space of a mounted device. */
DEFINE_SYSCALL2(ustat, u32, device, uva, out)
{
	char path[256], *text = host_text("/proc/self/mountinfo");
	struct ustat_user u = {0};
	struct statfs st;
	bool found = text && mounted_at(text, device, path, sizeof(path));
	s64 r;

	kfree(text);
	if (!found)
		return -EINVAL;
	r = fs_nointr(hc_statfs(current_process()->fs->root, path, &st, sizeof(st)));
	if (r < 0)
		return r;
	u.free_blocks = (s32)st.f_bfree;
	u.free_inodes = (u64)st.f_ffree;
	return put_user(u, out);
}
