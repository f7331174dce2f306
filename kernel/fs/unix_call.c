// SPDX-License-Identifier: MIT
/*
 * sendmsg(2) and recvmsg(2) on the unix sockets that the guest kernel keeps: buffers, and control
 * data in both directions (cmsg(3), unix(7)).
 */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"

#define CONTROL_MAX 20480 /* most control data of a message to send: net.core.optmem_max */
#define LENGTH_MAX  0x7ffff000UL
#define ID_OVERFLOW 65534U /* of a sender that is not known */

/* -- Buffers ------------------------------------------------------------------------------------
 */

/* Reads the array of buffers at user into *iov, which the caller frees, and describes it in rq. */
static s64 buffers(uva user, u64 count, enum io_direction dir, struct iovec **iov,
		   struct io_request *rq)
{
	u64 sum = 0;
	s64 r;

	*iov = NULL;
	if (count > UIO_MAXIOV)
		return -EMSGSIZE;
	*iov = kmalloc(count * sizeof(**iov) + 1);
	if (!*iov)
		return -ENOMEM;
	r = copy_from_user(*iov, user, count * sizeof(**iov));
	for (u64 i = 0; r >= 0 && i < count; i++) {
		if ((s64)(*iov)[i].iov_len < 0)
			r = -EINVAL;
		sum = MIN(sum + (*iov)[i].iov_len, LENGTH_MAX);
	}
	*rq = (struct io_request){
		.dir = dir, .iov = *iov, .count = (u32)count, .left = sum, .offset = IO_AT_POS};
	return r;
}

static struct io_request one_buffer(const struct iovec *iov, enum io_direction dir)
{
	return (struct io_request){
		.dir = dir, .iov = iov, .count = 1, .left = iov->iov_len, .offset = IO_AT_POS};
}

/* -- Control data to send -----------------------------------------------------------------------
 */

/* Adds the files of an SCM_RIGHTS to scm. */
static s64 take_rights(const struct cmsghdr *c, struct unix_scm *scm)
{
	const u64 n = (c->len - sizeof(*c)) / sizeof(s32);
	const s32 *fd = (const s32 *)(c + 1);

	if (!n)
		return 0;
	if (!scm->files)
		scm->files = kzalloc(sizeof(*scm->files) + UNIX_FILES_MAX * sizeof(struct ofile *));
	if (!scm->files)
		return -ENOMEM;
	if (n > UNIX_FILES_MAX - scm->files->count)
		return -EINVAL;
	for (u64 i = 0; i < n; i++) {
		struct ofile *f = fd_get_any(fd[i]);

		if (!f)
			return -EBADF;
		scm->files->file[scm->files->count++] = f;
		scm->files->sockets += unix_file_of(f) != NULL;
	}
	return 0;
}

static s64 take_claim(const struct cmsghdr *c, struct unix_scm *scm)
{
	if (c->len != sizeof(*c) + sizeof(scm->cred))
		return -EINVAL;
	memcpy(&scm->cred, c + 1, sizeof(scm->cred));
	scm->has_cred = true;
	return creds_may_claim(scm->cred.pid, scm->cred.uid, scm->cred.gid);
}

static s64 parse_control(void *control, u64 len, struct unix_scm *scm)
{
	s64 r = 0;

	for (u64 at = 0;
	     r >= 0 && len >= sizeof(struct cmsghdr) && at <= len - sizeof(struct cmsghdr);) {
		const struct cmsghdr *c = cmsg_at(control, len, at);

		if (!c)
			return -EINVAL;
		if (c->level == SOL_SOCKET) {
			if (c->type == SCM_RIGHTS)
				r = take_rights(c, scm);
			else if (c->type == SCM_CREDENTIALS)
				r = take_claim(c, scm);
			else
				r = -EINVAL;
		}
		at += cmsg_size(c);
	}
	return r;
}

static s64 control_from_user(const struct msghdr *hdr, struct unix_scm *scm)
{
	void *control;
	s64 r;

	if (!hdr->control || !hdr->controllen)
		return 0;
	if (hdr->controllen > CONTROL_MAX)
		return -ENOBUFS;
	control = kmalloc(hdr->controllen);
	if (!control)
		return -ENOBUFS;
	r = copy_from_user(control, hdr->control, hdr->controllen);
	if (r >= 0)
		r = parse_control(control, hdr->controllen, scm);
	kfree(control);
	return r;
}

/* -- Control data to receive --------------------------------------------------------------------
 */

/* The program's control buffer while it is filled. */
struct filler {
	char data[2048]; /* more than all that a message can have */
	u64 size;	 /* of the program's buffer, at most that of data */
	u64 used;
	u32 flags; /* MSG_CTRUNC */
};

/* Adds a control message, cut if it does not fit: Linux's put_cmsg. */
static void add_control(struct filler *f, s32 type, const void *value, u64 len)
{
	const u64 space = f->size - f->used, whole = sizeof(struct cmsghdr) + len;
	struct cmsghdr c = {MIN(whole, space), SOL_SOCKET, type};

	if (space < sizeof(c)) {
		f->flags |= MSG_CTRUNC;
		return;
	}
	if (whole > space)
		f->flags |= MSG_CTRUNC;
	memcpy(f->data + f->used, &c, sizeof(c));
	memcpy(f->data + f->used + sizeof(c), value, c.len - sizeof(c));
	f->used += MIN(ALIGN_UP(whole, sizeof(u64)), space);
}

/*
 * Makes descriptors for as many of the files as the buffer has space for and the process may have.
 * Puts the others.
 */
static void add_files(struct filler *f, struct unix_files *files, bool cloexec)
{
	const u64 space = f->size - f->used;
	const u64 most =
		space > sizeof(struct cmsghdr) ? (space - sizeof(struct cmsghdr)) / sizeof(s32) : 0;
	s32 fd[UNIX_FILES_MAX];
	u32 n;

	for (n = 0; n < MIN((u64)files->count, most); n++) {
		fd[n] = fd_install(ofile_get(files->file[n]), 0, cloexec);
		if (fd[n] < 0) {
			ofile_put(files->file[n]);
			break;
		}
	}
	if (n)
		add_control(f, SCM_RIGHTS, fd, n * sizeof(*fd));
	if (n < files->count)
		f->flags |= MSG_CTRUNC;
}

static void add_sender(struct filler *f, const struct unix_end *e, const struct unix_scm *scm)
{
	struct unix_cred cred =
		scm->has_cred ? scm->cred : (struct unix_cred){0, ID_OVERFLOW, ID_OVERFLOW};

	if (e->pass_cred)
		add_control(f, SCM_CREDENTIALS, &cred, sizeof(cred));
}

static void add_pidfd(struct filler *f, const struct unix_end *e, const struct unix_scm *scm)
{
	s32 fd;

	if (!e->pass_pidfd || !scm->has_cred)
		return;
	if (f->size - f->used < sizeof(struct cmsghdr) + sizeof(fd)) {
		f->flags |= MSG_CTRUNC;
		return;
	}
	fd = pidfd_of_number(scm->cred.pid);
	add_control(f, SCM_PIDFD, &fd, sizeof(fd));
}

/* Passes scm to the program, and puts its files. Fills in hdr->controllen and hdr->flags. */
static s64 control_to_user(struct msghdr *hdr, const struct unix_end *e, struct unix_scm *scm,
			   u32 asked)
{
	struct filler *f = NULL;
	s64 r = 0;

	if (!hdr->control || !hdr->controllen) {
		if (scm->files || e->pass_cred || e->pass_pidfd)
			hdr->flags |= MSG_CTRUNC;
		hdr->controllen = 0;
	} else if (!scm->files && !e->pass_cred && !e->pass_pidfd) {
		hdr->controllen = 0;
	} else {
		f = kmalloc(sizeof(*f));
		r = f ? 0 : -ENOMEM;
	}
	if (f) {
		memset(f, 0, sizeof(*f));
		f->size = MIN(hdr->controllen, sizeof(f->data));
		add_sender(f, e, scm);
		if (scm->files)
			add_files(f, scm->files, asked & MSG_CMSG_CLOEXEC);
		add_pidfd(f, e, scm);
		r = copy_to_user(hdr->control, f->data, f->used);
		hdr->controllen = f->used;
		hdr->flags |= f->flags;
		kfree(f);
	}
	unix_files_put(scm->files);
	return r;
}

/* -- Calls --------------------------------------------------------------------------------------
 */

/* Returns 0 if the kernel can serve a send with these flags and length of the address. */
static s64 check_send(struct ofile *f, u32 flags, u32 addr_len)
{
	const struct unix_end *e = unix_file_of(f)->end;
	const u32 type = e->pair->type;
	s64 r;

	if (addr_len && type == SOCK_STREAM) {
		if (READ_ONCE(e->pair->on_host))
			return ON_HOST;
		return READ_ONCE(e->connected) ? -EISCONN : -EOPNOTSUPP;
	}
	if (!(flags & MSG_OOB) && (!addr_len || type == SOCK_SEQPACKET))
		return 0;
	r = ofile_handle(f);
	return r < 0 ? r : ON_HOST;
}

s64 unix_sendmsg(struct ofile *f, const struct msghdr *hdr, u32 flags)
{
	struct unix_scm scm = {0};
	struct io_request rq;
	struct iovec *iov;
	s64 r;

	if (hdr->name && hdr->namelen < 0)
		return -EINVAL;
	r = check_send(f, flags, hdr->name ? (u32)hdr->namelen : 0);
	if (r < 0)
		return r;
	r = buffers(hdr->iov, hdr->iovlen, IO_WRITE, &iov, &rq);
	if (r >= 0)
		r = control_from_user(hdr, &scm);
	if (r >= 0)
		r = unix_send(f, &rq, &scm, flags);
	if (r < 0)
		unix_files_put(scm.files);
	kfree(iov);
	return r;
}

s64 unix_sendto(struct ofile *f, uva buf, u64 len, u32 flags, u32 addr_len)
{
	const struct iovec iov = {(void *)buf, len};
	struct io_request rq = one_buffer(&iov, IO_WRITE);
	struct unix_scm none = {0};
	s64 r = check_send(f, flags, addr_len);

	return r < 0 ? r : unix_send(f, &rq, &none, flags);
}

/* Returns 0 if the kernel can serve a receive with these flags. */
static s64 check_receive(struct ofile *f, u32 flags)
{
	s64 r = flags & MSG_OOB ? ofile_handle(f) : 0;

	return r < 0 || !(flags & MSG_OOB) ? r : ON_HOST;
}

static s64 name_to_user(struct ofile *f, struct msghdr *hdr)
{
	struct address a;
	u32 space = (u32)MAX(hdr->namelen, 0);

	unix_sender(f, &a);
	hdr->namelen = hdr->name ? (s32)a.len : 0;
	return hdr->name ? copy_to_user(hdr->name, a.bytes, MIN(space, a.len)) : 0;
}

s64 unix_recvmsg(struct ofile *f, struct msghdr *hdr, u32 flags)
{
	u32 message_flags = flags;
	struct unix_scm scm;
	struct io_request rq;
	struct iovec *iov;
	s64 r = check_receive(f, flags), err;

	if (r < 0)
		return r;
	r = buffers(hdr->iov, hdr->iovlen, IO_READ, &iov, &rq);
	if (r >= 0)
		r = unix_receive(f, &rq, &scm, &message_flags);
	kfree(iov);
	if (r < 0)
		return r;
	hdr->flags = message_flags | (flags & MSG_CMSG_CLOEXEC);
	err = control_to_user(hdr, unix_file_of(f)->end, &scm, flags);
	if (err >= 0)
		err = name_to_user(f, hdr);
	return err < 0 ? err : r;
}

s64 unix_recvfrom(struct ofile *f, uva buf, u64 len, u32 flags)
{
	const struct iovec iov = {(void *)buf, len};
	struct io_request rq = one_buffer(&iov, IO_READ);
	struct unix_scm scm;
	s64 r = check_receive(f, flags);

	if (r < 0)
		return r;
	r = unix_receive(f, &rq, &scm, &flags);
	if (r >= 0)
		unix_files_put(scm.files);
	return r;
}
