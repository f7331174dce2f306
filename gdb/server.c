// SPDX-License-Identifier: MIT
/*
 * See server.h; gdb's manual, appendix "GDB Remote Serial Protocol".
 *
 * All-stop: either every thread is stopped and the debugger asks, or it has resumed some and waits
 * for a stop reply. Whatever the debugger sends, the worst that happens is that its own tracees get
 * what it could give them anyway; a connection that ends, in whichever way, detaches.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gdb/files.h"
#include "gdb/objects.h"
#include "gdb/protocol.h"
#include "gdb/server.h"
#include "gdb/signals.h"
#include "gdb/tracee.h"

#define GDB_SIGNAL_TRAP 5
#define GDB_SIGNAL_INT	2
/* While no debugger is there, how often is looked whether a signal wants the program to go on. */
#define LOOK_MS		300
/* How long the end of the last process waits for the debugger to go: a second without a packet. */
#define FAREWELL_MS	1000

static struct {
	int fd;		  /* the connection, or -1 */
	bool no_ack;	  /* QStartNoAckMode */
	bool extended;	  /* "!" */
	bool broken;	  /* nothing more can be sent or read */
	bool running;	  /* resumed: a stop reply is owed */
	bool interrupted; /* the debugger wants that now */
	bool no_resumed;  /* it understands the stop reply N */
	bool at_start;	  /* this debugger has the program from its first instruction */
	s32 general;	  /* the thread of Hg, or 0 */
	s32 resume;	  /* of Hc: 0 and -1 are all */
	s32 last;	  /* the thread of the last stop reply */
	s32 first;	  /* the first process */
	bool first_ended;
	int last_signal;
	struct packet_reader reader;
} server = {.fd = -1};

static struct reply reply;

/* -- The connection ---------------------------------------------------------------------------- */

static void send_all(const char *data, size_t len)
{
	while (len && !server.broken) {
		ssize_t n = write(server.fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			server.broken = true;
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

static void send_reply(void)
{
	static char frame[sizeof(reply.data) + 4];

	if (reply.full) { /* no reply of ours is so long, unless memory is odd: an error */
		reply_clear(&reply);
		reply_text(&reply, "E01");
	}
	send_all(frame, reply_frame(&reply, frame));
}

/* -- Stop replies ------------------------------------------------------------------------------ */

static void put_register(const struct registers *r, u32 n)
{
	u8 value[REGISTER_BYTES];
	u32 size = register_get(r, n, value);

	if (!size)
		return;
	reply_format(&reply, "%x:", n);
	reply_hex(&reply, value, size);
	reply_text(&reply, ";");
}

/* Fills in the reason of a stop. Returns gdb's number of the signal. */
static int put_reason(const struct thread *t, struct reply *r)
{
	const struct debug_slot *slot = &t->proc->slots[t->slot];
	u64 v = t->value;

	switch (t->event) {
	case EVENT_SIGNAL:
		return signal_to_gdb((int)v);
	case EVENT_INTERRUPTED:
		return GDB_SIGNAL_INT;
	case EVENT_BREAKPOINT:
		reply_text(r, "swbreak:;");
		break;
	case EVENT_HARDWARE:
		reply_text(r, "hwbreak:;");
		break;
	case EVENT_WATCH:
		reply_format(r, "%s:%lx;", (slot->kind & 3) == 1 ? "watch" : "awatch",
			     (unsigned long)v);
		break;
	case EVENT_FORK:
	case EVENT_VFORK:
		reply_format(r, "%s:p%x.%x;", t->event == EVENT_FORK ? "fork" : "vfork", (s32)v,
			     (s32)v);
		break;
	case EVENT_VFORK_DONE:
		reply_text(r, "vforkdone:;");
		break;
	case EVENT_EXEC:
		reply_text(r, "exec:");
		program_path(r, t->proc);
		reply_text(r, ";");
		break;
	case EVENT_SYSCALL_ENTRY:
	case EVENT_SYSCALL_RETURN:
		reply_format(r, "%s:%lx;",
			     t->event == EVENT_SYSCALL_ENTRY ? "syscall_entry" : "syscall_return",
			     (unsigned long)v);
		break;
	default:
		break;
	}
	return GDB_SIGNAL_TRAP;
}

static void put_stop(const struct thread *t, int signal, const struct reply *reason)
{
	static struct registers r;

	reply_format(&reply, "T%02x%.*s", signal, (int)reason->len, reason->data);
	reply_format(&reply, "thread:p%x.%x;", t->proc->pid, t->tid);
	if (!tracee_registers(t, &r))
		return;
	put_register(&r, REGISTER_RBP);
	put_register(&r, REGISTER_RSP);
	put_register(&r, REGISTER_RIP);
}

/* Makes the stop reply of a thread's event, which is told with it. */
static void tell(struct thread *t)
{
	static struct reply reason;
	reply_clear(&reply);
	reply_clear(&reason);
	server.last_signal = put_reason(t, &reason);
	put_stop(t, server.last_signal, &reason);
	server.last = server.general = t->tid;
	t->event = EVENT_NONE;
}

static void tell_end(struct process *p)
{
	reply_clear(&reply);
	if (WIFSIGNALED(p->status))
		reply_format(&reply, "X%02x", signal_to_gdb(WTERMSIG(p->status)));
	else
		reply_format(&reply, "W%02x", WEXITSTATUS(p->status));
	reply_format(&reply, ";process:%x", p->pid);
}

static bool some_live(void)
{
	const struct process *p;

	TAILQ_FOREACH (p, &processes, link)
		if (!p->ended)
			return true;
	return false;
}

/* Forgets processes whose ends were told; the first one only if told to, since all end with it. */
static void forget_told(bool first_too)
{
	struct process *p, *next;

	for (p = TAILQ_FIRST(&processes); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (!p->ended || !p->told || (p->pid == server.first && !first_too))
			continue;
		server.first_ended |= p->pid == server.first;
		tracee_forget(p);
	}
}

/* The thread that a stop is told of when nothing has happened to any. */
static struct thread *usual_thread(void)
{
	struct thread *t = thread_of(server.last);

	return t && !t->ending && !t->proc->ended ? t : thread_first(NULL);
}

/* Sends the stop reply that is due, if the debugger waits for one. */
static void report(void)
{
	struct process *p = tracee_end(false);
	struct thread *t = tracee_news();

	if (!server.running)
		return;
	if (!t && !p && !server.interrupted && (tracee_running() || !server.no_resumed))
		return;
	tracee_stop_all();
	server.running = false;
	p = tracee_end(false);
	t = tracee_news();
	reply_clear(&reply);
	if (p) {
		tell_end(p);
		p->told = true;
	} else if (t) {
		tell(t);
	} else if (server.interrupted && (t = usual_thread())) {
		t->event = EVENT_INTERRUPTED;
		tell(t);
	} else {
		reply_text(&reply, "N"); /* what was resumed has ended */
	}
	server.interrupted = false;
	send_reply();
	tracee_all_halted();
	forget_told(false);
}

/* -- Packets ----------------------------------------------------------------------------------- */

static void ok(void)
{
	reply_text(&reply, "OK");
}

static void error(int number)
{
	reply_format(&reply, "E%02x", number & 0xff);
}

/* The thread that packets about registers and memory are for, or NULL. */
static struct thread *general_thread(void)
{
	struct thread *t = thread_of(server.general);

	return t && !t->ending && !t->proc->ended ? t : thread_first(NULL);
}

static struct thread *find_thread(const struct thread_id *id)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (!t->ending && !p->ended && id_matches(id, p->pid, t->tid))
				return t;
	return NULL;
}

/* Each function serves packets of one kind; text is what follows the word of the table. */

static void do_supported(const char *text, u32 size)
{
	(void)size;
	tracee_options.forks =
		strstr(text, "fork-events+") == text || strstr(text, ";fork-events+");
	tracee_options.vforks = strstr(text, "vfork-events+") != NULL;
	tracee_options.execs = strstr(text, "exec-events+") != NULL;
	server.no_resumed = strstr(text, "no-resumed+") != NULL;
	reply_format(&reply,
		     "PacketSize=%x;QStartNoAckMode+;multiprocess+;fork-events+;vfork-events+;"
		     "exec-events+;swbreak+;hwbreak+;vContSupported+;QPassSignals+;"
		     "QCatchSyscalls+;no-resumed+",
		     PACKET_MAX);
	objects_supported(&reply);
}

static void do_no_ack(const char *text, u32 size)
{
	(void)text, (void)size;
	server.no_ack = true;
	ok();
}

static void do_extended(const char *text, u32 size)
{
	(void)text, (void)size;
	server.extended = true;
	ok();
}

/* What gdb tells or asks and for which nothing has to be done. */
static void do_ok(const char *text, u32 size)
{
	(void)text, (void)size;
	ok();
}

static void do_non_stop(const char *text, u32 size)
{
	(void)size;
	if (*text == '0')
		ok();
	else
		error(1);
}

static void do_why(const char *text, u32 size)
{
	static const struct reply none;
	struct process *p = tracee_end(true);
	struct thread *t = usual_thread();

	(void)text, (void)size;
	if (t) {
		server.last = server.general = t->tid;
		put_stop(t, server.last_signal, &none);
	} else if (p) {
		tell_end(p);
	} else {
		reply_text(&reply, "W00");
	}
}

static void do_thread(const char *text, u32 size)
{
	char what = *text;
	struct thread_id id;
	struct thread *t;

	(void)size;
	if ((what != 'g' && what != 'c') || (++text, !read_thread_id(&text, &id))) {
		error(22);
		return;
	}
	t = find_thread(&id);
	if (what == 'c')
		server.resume = id.tid > 0 ? id.tid : 0;
	else if (t)
		server.general = t->tid;
	if (t || what == 'c')
		ok();
	else
		error(3);
}

static void do_alive(const char *text, u32 size)
{
	struct thread_id id;

	(void)size;
	if (read_thread_id(&text, &id) && find_thread(&id))
		ok();
	else
		error(3);
}

static void do_current(const char *text, u32 size)
{
	const struct thread *t = general_thread();

	(void)text, (void)size;
	if (t)
		reply_format(&reply, "QCp%x.%x", t->proc->pid, t->tid);
	else
		error(3);
}

static void do_attached(const char *text, u32 size)
{
	const struct thread *t = general_thread();
	const struct process *p = t ? t->proc : NULL;
	u64 pid;

	(void)size;
	if (read_word(&text, ":") && read_number(&text, &pid))
		p = process_of((s32)pid);
	reply_text(&reply, p && !p->was_running ? "0" : "1");
}

static void do_thread_list(const char *text, u32 size)
{
	const struct process *p;
	const struct thread *t;
	char separator = 'm';

	(void)text, (void)size;
	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link) {
			if (t->ending || p->ended || reply.len > PACKET_MAX - 32)
				continue;
			reply_format(&reply, "%cp%x.%x", separator, p->pid, t->tid);
			separator = ',';
		}
	if (separator == 'm')
		reply_text(&reply, "l");
}

static void do_list_end(const char *text, u32 size)
{
	(void)text, (void)size;
	reply_text(&reply, "l");
}

static void do_thread_info(const char *text, u32 size)
{
	struct thread_id id;
	const struct thread *t;
	char name[64];

	(void)size;
	t = read_thread_id(&text, &id) ? find_thread(&id) : NULL;
	if (!t) {
		error(3);
		return;
	}
	thread_name(t, name, sizeof(name));
	reply_hex(&reply, name, (u32)strlen(name));
}

static void do_object(const char *text, u32 size)
{
	/* The packet as a whole: the word is a part of it. */
	objects_packet(&reply, general_thread(), text - strlen("qXfer:"),
		       size + (u32)strlen("qXfer:"));
}

static void do_file(const char *text, u32 size)
{
	files_packet(&reply, text, size);
}

/* -- Registers and memory ---------------------------------------------------------------------- */

static struct registers registers;

static const struct thread *read_registers(void)
{
	const struct thread *t = general_thread();

	return t && tracee_registers(t, &registers) ? t : NULL;
}

static void put_value(u32 n)
{
	u8 value[REGISTER_BYTES];

	if (register_get(&registers, n, value)) {
		reply_hex(&reply, value, register_size(n));
		return;
	}
	for (u32 i = 0; i < register_size(n); i++)
		reply_text(&reply, "xx");
}

static void do_get_registers(const char *text, u32 size)
{
	(void)text, (void)size;
	if (!read_registers()) {
		error(1);
		return;
	}
	for (u32 n = 0; n < registers_count(); n++)
		put_value(n);
}

static void do_get_register(const char *text, u32 size)
{
	u64 n;

	(void)size;
	if (!read_number(&text, &n) || n >= registers_count() || !read_registers())
		error(1);
	else
		put_value((u32)n);
}

static void do_set_registers(const char *text, u32 size)
{
	const struct thread *t = read_registers();
	u8 value[REGISTER_BYTES];
	u32 at = 0;

	for (u32 n = 0; t && n < registers_count(); n++) {
		u32 bytes = register_size(n);
		char digits[2 * REGISTER_BYTES + 1];

		if (at + 2 * bytes > size)
			break;
		memcpy(digits, text + at, 2 * bytes);
		digits[2 * bytes] = '\0';
		at += 2 * bytes;
		/* "xx": that register stays. */
		if (read_hex(digits, value, bytes))
			register_set(&registers, n, value);
	}
	if (t && tracee_set_registers(t, &registers))
		ok();
	else
		error(1);
}

static void do_set_register(const char *text, u32 size)
{
	const struct thread *t = read_registers();
	u8 value[REGISTER_BYTES];
	u64 n;

	(void)size;
	if (t && read_number(&text, &n) && n < registers_count() && read_word(&text, "=") &&
	    read_hex(text, value, register_size((u32)n)) &&
	    register_set(&registers, (u32)n, value) && tracee_set_registers(t, &registers))
		ok();
	else
		error(1);
}

static void do_read(const char *text, u32 size)
{
	static u8 data[PACKET_MAX / 2];
	const struct thread *t = general_thread();
	const char *rest;
	u64 addr, len;

	(void)size;
	if (!t || !read_range(text, &addr, &len, &rest)) {
		error(22);
		return;
	}
	len = MIN(len, sizeof(data));
	addr = len ? addr : 0;
	len = tracee_read(t->proc, addr, data, len);
	if (len)
		reply_hex(&reply, data, (u32)len);
	else
		error(14);
}

static void write_memory(u64 addr, const void *data, u64 len)
{
	const struct thread *t = general_thread();

	if (t && tracee_write(t->proc, addr, data, len) == len)
		ok();
	else
		error(14);
}

static void do_write(const char *text, u32 size)
{
	static u8 data[PACKET_MAX / 2];
	const char *rest;
	u64 addr, len;

	(void)size;
	if (!read_range(text, &addr, &len, &rest) || len > sizeof(data) ||
	    !read_hex(rest, data, (u32)len))
		error(22);
	else
		write_memory(addr, data, len);
}

static void do_write_binary(const char *text, u32 size)
{
	const char *rest;
	u64 addr, len;

	if (!read_range(text, &addr, &len, &rest) || len != size - (u32)(rest - text))
		error(22);
	else
		write_memory(addr, rest, len);
}

static void change_point(const char *text, int (*change)(struct process *, const struct point *))
{
	const struct thread *t = general_thread();
	struct point z;
	int err = t && read_point(text, &z) ? change(t->proc, &z) : 22;

	if (err)
		error(err);
	else
		ok();
}

static void do_set_point(const char *text, u32 size)
{
	(void)size;
	change_point(text, point_set);
}

static void do_remove_point(const char *text, u32 size)
{
	(void)size;
	change_point(text, point_remove);
}

/* -- Running ----------------------------------------------------------------------------------- */

static void resume(const char *actions)
{
	forget_told(true);
	if (!vcont_is_valid(actions)) {
		error(22);
		return;
	}
	server.running = true;
	tracee_resume(actions);
}

static void do_vcont(const char *text, u32 size)
{
	(void)size;
	if (strcmp(text, "?") == 0)
		reply_text(&reply, "vCont;c;C;s;S;t;r");
	else
		resume(text);
}

/* c, C, s and S, which are older than vCont: for the thread of Hc, or all. */
static void resume_old(char kind, const char *text, bool with_signal)
{
	const struct thread *t = server.resume ? thread_of(server.resume)
				 : kind == 's' ? general_thread()
					       : NULL;
	char actions[64];
	u64 signal = 0;

	if (with_signal && !read_number(&text, &signal)) {
		error(22);
		return;
	}
	if (t)
		snprintf(actions, sizeof(actions), ";%c%02x:p%x.%x", kind == 's' ? 'S' : 'C',
			 (unsigned)(signal & 0xff), t->proc->pid, t->tid);
	else
		snprintf(actions, sizeof(actions), ";C%02x", (unsigned)(signal & 0xff));
	resume(actions);
}

static void do_continue(const char *text, u32 size)
{
	(void)size;
	resume_old('c', text, false);
}

static void do_continue_signal(const char *text, u32 size)
{
	(void)size;
	resume_old('c', text, true);
}

static void do_step(const char *text, u32 size)
{
	(void)size;
	resume_old('s', text, false);
}

static void do_step_signal(const char *text, u32 size)
{
	(void)size;
	resume_old('s', text, true);
}

/* Of packets that end something: a debugger may send them while the program runs. */
static void halt(void)
{
	tracee_stop_all();
	server.running = false;
}

static void do_detach(const char *text, u32 size)
{
	struct process *p = TAILQ_FIRST(&processes), *next;
	u64 pid;

	(void)size;
	halt();
	if (read_word(&text, ";")) {
		p = read_number(&text, &pid) ? process_of((s32)pid) : NULL;
		if (!p) {
			error(3);
			return;
		}
		next = NULL;
	} else {
		next = p ? TAILQ_NEXT(p, link) : NULL;
	}
	for (; p; p = next, next = p ? TAILQ_NEXT(p, link) : NULL) {
		if (p->ended)
			p->told = true;
		else
			tracee_detach(p);
	}
	ok();
}

static void do_kill(const char *text, u32 size)
{
	struct process *p;
	u64 pid;

	(void)size;
	halt();
	p = read_number(&text, &pid) ? process_of((s32)pid) : NULL;
	if (!p) {
		error(3);
		return;
	}
	if (!p->ended)
		tracee_kill(p);
	p->told = true;
	forget_told(false);
	ok();
}

/* No reply: the connection ends. */
static void do_kill_all(const char *text, u32 size)
{
	struct process *p;

	(void)text, (void)size;
	halt();
	TAILQ_FOREACH (p, &processes, link) {
		if (!p->ended)
			tracee_kill(p);
		p->told = true;
	}
	server.broken = true;
}

static void do_attach(const char *text, u32 size)
{
	struct thread *t;
	u64 pid;
	int err;

	(void)size;
	err = read_number(&text, &pid) && pid <= INT32_MAX ? tracee_attach((s32)pid) : 22;
	t = err ? NULL : thread_first(process_of((s32)pid));
	if (!t) {
		error(err ? err : 3);
		return;
	}
	server.last = server.general = t->tid;
	put_stop(t, 0, &(struct reply){.len = 0});
}

static void do_pass_signals(const char *text, u32 size)
{
	u64 number;

	(void)size;
	sigemptyset(&tracee_options.passed);
	while (read_number(&text, &number)) {
		int sig = number < 256 ? signal_from_gdb((int)number) : 0;

		if (sig)
			sigaddset(&tracee_options.passed, sig);
		read_word(&text, ";");
	}
	ok();
}

static void do_catch_syscalls(const char *text, u32 size)
{
	const struct thread *t = general_thread();
	struct process *p = t ? t->proc : NULL;
	u64 nr;

	(void)size;
	if (!p || (*text != '0' && *text != '1')) {
		error(22);
		return;
	}
	p->catches = *text++ == '1';
	p->catches_all = p->catches && !*text;
	memset(p->caught, 0, sizeof(p->caught));
	while (read_word(&text, ";") && read_number(&text, &nr))
		if (nr < SYSCALLS_MAX)
			p->caught[nr / 64] |= 1UL << nr % 64;
	ok();
}

/* The first row whose word begins the packet. */
static const struct {
	const char *word;
	void (*serve)(const char *text, u32 size);
} packets[] = {
	{"qSupported:", do_supported},
	{"qSupported", do_supported},
	{"QStartNoAckMode", do_no_ack},
	{"QNonStop:", do_non_stop},
	{"QPassSignals:", do_pass_signals},
	{"QCatchSyscalls:", do_catch_syscalls},
	{"qXfer:", do_object},
	{"qSymbol:", do_ok},
	{"qAttached", do_attached},
	{"qC", do_current},
	{"qfThreadInfo", do_thread_list},
	{"qsThreadInfo", do_list_end},
	{"qThreadExtraInfo,", do_thread_info},
	{"vCont", do_vcont},
	{"vFile:", do_file},
	{"vKill;", do_kill},
	{"vAttach;", do_attach},
	{"!", do_extended},
	{"?", do_why},
	{"H", do_thread},
	{"T", do_alive},
	{"g", do_get_registers},
	{"G", do_set_registers},
	{"p", do_get_register},
	{"P", do_set_register},
	{"m", do_read},
	{"M", do_write},
	{"X", do_write_binary},
	{"Z", do_set_point},
	{"z", do_remove_point},
	{"c", do_continue},
	{"C", do_continue_signal},
	{"s", do_step},
	{"S", do_step_signal},
	{"D", do_detach},
	{"k", do_kill_all},
};

static void serve_packet(void)
{
	struct packet_reader *in = &server.reader;
	bool was_no_ack = server.no_ack;

	in->len = packet_unescape(in->data, in->len);
	in->data[in->len] = '\0';
	reply_clear(&reply);
	for (u32 i = 0; i < ARRAY_SIZE(packets); i++) {
		const char *text = in->data;

		if (!read_word(&text, packets[i].word))
			continue;
		packets[i].serve(text, in->len - (u32)(text - in->data));
		break;
	}
	if (!was_no_ack)
		send_all("+", 1);
	/* A packet that resumes is answered when something stops. */
	if (!server.running && !server.broken)
		send_reply();
	report();
}

static void serve_byte(u8 byte)
{
	switch (packet_feed(&server.reader, byte)) {
	case PACKET_READY:
		serve_packet();
		break;
	case PACKET_BROKEN:
		/* Without acknowledgements nothing can be sent again. */
		if (server.no_ack)
			server.broken = true;
		else
			send_all("-", 1);
		break;
	case PACKET_INTERRUPT:
		server.interrupted = server.running;
		report();
		break;
	case PACKET_RESEND:
		if (!server.no_ack && !server.running)
			send_reply();
		break;
	default:
		break;
	}
}

/* -- Connections ------------------------------------------------------------------------------- */

static void on_child(int sig)
{
	(void)sig; /* only ends ppoll */
}

/* Waits for input at fd or news of a tracee. Returns whether there is input. */
static bool wait_for(int fd, int timeout_ms, bool *silent)
{
	struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ppoll(&p, 1, timeout_ms < 0 ? NULL : &ts, &none);
	if (silent)
		*silent = n == 0;
	return n > 0;
}

static void serve_input(void)
{
	static u8 data[65536];
	ssize_t n = read(server.fd, data, sizeof(data));

	if (n <= 0) {
		server.broken |= n == 0 || errno != EINTR;
		return;
	}
	for (ssize_t i = 0; i < n && !server.broken; i++)
		serve_byte(data[i]);
}

static void serve_connection(void)
{
	bool silent = false;

	while (!server.broken) {
		bool farewell = !TAILQ_EMPTY(&processes) && !some_live();

		if (wait_for(server.fd, farewell ? FAREWELL_MS : -1, &silent))
			serve_input();
		else if (farewell && silent)
			break;
		tracee_collect();
		report();
	}
}

/* No debugger is there: everything goes on, untraced unless its bugs are waited for. */
static void leave(bool keep)
{
	struct process *p, *next;

	tracee_stop_all();
	for (p = TAILQ_FIRST(&processes); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->ended)
			p->told = true;
		else if (!keep)
			tracee_detach(p);
		else
			p->was_running = true;
	}
	forget_told(true);
	if (keep)
		tracee_resume_all();
}

/*
 * No debugger is there, and the tracees run until one has a bug. Returns true if one has, or a
 * debugger connects.
 */
static void await_bug(int listener)
{
	struct thread *t;

	tracee_options = (struct tracee_options){.forks = true, .vforks = true};
	sigemptyset(&tracee_options.passed);
	for (;;) {
		struct process *p;

		tracee_collect();
		while ((p = tracee_end(false)))
			tracee_forget(p);
		while ((t = tracee_news()) && t->event != EVENT_BUG)
			tracee_resume_all();
		if (t) {
			tracee_stop_all();
			server.last = t->tid;
			t->event = EVENT_NONE;
			return;
		}
		if (wait_for(listener, -1, NULL))
			return;
	}
}

/* Signals that do nothing unless a program handles them: signal(7). */
#define HARMLESS_SIGNALS                                                                           \
	(1UL << (SIGCHLD - 1) | 1UL << (SIGCONT - 1) | 1UL << (SIGURG - 1) | 1UL << (SIGWINCH - 1))

/* Returns true if a signal waits for the first process that would do something to it. */
static bool is_signalled(s32 pid)
{
	unsigned long value, pending = 0, held = HARMLESS_SIGNALS;
	char path[40], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "SigPnd: %lx", &value) == 1 ||
		    sscanf(line, "ShdPnd: %lx", &value) == 1)
			pending |= value;
		if (sscanf(line, "SigBlk: %lx", &value) == 1 ||
		    sscanf(line, "SigIgn: %lx", &value) == 1)
			held |= value;
	}
	if (f)
		fclose(f);
	return pending & ~held;
}

/*
 * Waits until a debugger connects. What is stopped meanwhile goes on when a signal comes from
 * outside, Ctrl-C for example: nobody may be there who could pass it on.
 */
static void await_debugger(int listener)
{
	bool silent;

	for (;;) {
		bool stopped = some_live();

		if (wait_for(listener, stopped ? LOOK_MS : -1, &silent))
			return;
		tracee_collect();
		if (stopped && silent && is_signalled(server.first))
			leave(false);
	}
}

static void connected(int fd)
{
	struct tracee_options none = {0};

	memset(&server.reader, 0, sizeof(server.reader));
	server.fd = fd;
	server.no_ack = server.extended = server.broken = server.no_resumed = false;
	server.running = server.interrupted = false;
	server.general = server.resume = 0;
	server.last_signal = GDB_SIGNAL_TRAP;
	tracee_options = none;
	sigemptyset(&tracee_options.passed);
	if (TAILQ_EMPTY(&processes))
		tracee_attach(server.first);
	tracee_stop_all();
	tracee_all_halted();
	serve_connection();
	files_close();
	close(fd);
	server.fd = -1;
}

void server_run(int listener, s32 first, bool halted)
{
	sigset_t child;

	server.first = first;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGCHLD, on_child);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd;

		if (!halted && !TAILQ_EMPTY(&processes))
			await_bug(listener);
		await_debugger(listener);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			leave(false);
			return;
		}
		connected(fd);
		leave(!halted);
		if (server.first_ended && TAILQ_EMPTY(&processes))
			return; /* in a sandbox the end of the first ends us as well */
	}
}
