// SPDX-License-Identifier: MIT
/* Drives elfutils's unwinder with a report's registers and stack in place of a process. */
#include <stdlib.h>
#include <string.h>
#include "check/report/unwind.h"

/* Static, because elfutils keeps the argument of the first dwfl_attach_state. */
static struct {
	const struct report_input *in;
	u64 reg[17]; /* in DWARF's order, RIP last */
	u64 *pc;
	u32 count, max;
	u32 first; /* index in .pc of the first frame of the current run of the unwinder */
	bool tables_only;
} state;

/* DWARF's order of the registers: x86-64 psABI, figure 3.36. */
static const u8 dwarf_order[17] = {
	USER_RAX, USER_RDX, USER_RCX, USER_RBX, USER_RSI, USER_RDI, USER_RBP, USER_RSP, USER_R8,
	USER_R9,  USER_R10, USER_R11, USER_R12, USER_R13, USER_R14, USER_R15, USER_RIP,
};

static bool read_stack(const struct report_input *in, u64 addr, u64 *value)
{
	u64 offset = addr - in->head.stack_at;

	if (addr < in->head.stack_at || offset >= in->stack_len ||
	    in->stack_len - offset < sizeof(*value))
		return false;
	memcpy(value, in->stack + offset, sizeof(*value));
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	(void)dwfl;
	(void)arg;
	return read_stack(state.in, addr, result);
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = arg;
	return 1;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	(void)arg;
	return dwfl_thread_state_registers(thread, 0, ARRAY_SIZE(state.reg), state.reg);
}

static const Dwfl_Thread_Callbacks callbacks = {
	.next_thread = next_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

/* Returns whether a frame table has an entry for the function that contains pc. */
static bool has_table(Dwfl *dwfl, u64 pc)
{
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, pc);
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = mod ? dwfl_module_eh_cfi(mod, &bias) : NULL;
	bool has = cfi && dwarf_cfi_addrframe(cfi, pc - bias, &frame) == 0;

	if (!has && mod) {
		cfi = dwfl_module_dwarf_cfi(mod, &bias);
		has = cfi && dwarf_cfi_addrframe(cfi, pc - bias, &frame) == 0;
	}
	free(frame);
	return has;
}

static int each_frame(Dwfl_Frame *frame, void *arg)
{
	Dwarf_Addr pc;
	bool activation;

	(void)arg;
	/* Without a table elfutils follows RBP. The kernel's guess of the caller is better. */
	if (state.tables_only && state.count > state.first)
		return DWARF_CB_ABORT;
	if (state.count >= state.max || !dwfl_frame_pc(frame, &pc, &activation) || !pc)
		return DWARF_CB_ABORT;
	state.pc[state.count++] = pc;
	return DWARF_CB_OK;
}

/*
 * Finds the frames from .reg on. exact: RIP is not a return address. Returns true if the search
 * ended at the first frame, because tables_only is set and no table describes that frame.
 */
static bool frames_from(Dwfl *dwfl, bool exact, bool tables_only)
{
	state.first = state.count;
	if (!exact)
		state.reg[16]--;
	state.tables_only = tables_only && !has_table(dwfl, state.reg[16]);
	/* Fails, without harm, if state is attached already. */
	dwfl_attach_state(dwfl, NULL, 1, &callbacks, &state);
	dwfl_getthread_frames(dwfl, 1, each_frame, NULL);
	if (state.count == state.first && state.count < state.max)
		state.pc[state.count++] = state.reg[16];
	if (!exact && state.count > state.first)
		state.pc[state.first]++;
	return state.tables_only;
}

u32 report_unwind(struct report_symbols *s, const struct report_maps *maps,
		  const struct report_input *in, u64 *pc, u32 max)
{
	Dwfl *dwfl = report_symbols_dwfl(s);
	const struct report_map *map = report_maps_find(maps, in->head.reg[USER_RIP]);
	bool more;

	if (!(in->head.flags & CHECK_REPORT_REGS) || !max)
		return 0;
	state.in = in;
	state.pc = pc;
	state.max = max;
	state.count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(dwarf_order); i++)
		state.reg[i] = in->head.reg[dwarf_order[i]];
	/* After a call to an address without code, the return address is on top of the stack. */
	if (!map || !map->exec) {
		state.pc[state.count++] = in->head.reg[USER_RIP];
		if (!read_stack(in, in->head.reg[USER_RSP], &state.reg[16]))
			return state.count;
		state.reg[7] += sizeof(u64);
	}
	more = frames_from(dwfl, !state.count, map && in->callers_count);
	/*
	 * If the innermost functions have no table, go on from the callers that the kernel found.
	 */
	for (u32 i = 0; more && i < in->callers_count && state.count < max; i++) {
		state.reg[16] = in->callers[i].rip;
		state.reg[7] = in->callers[i].rsp;
		state.reg[6] = in->callers[i].rbp;
		more = frames_from(dwfl, false, i + 1 < in->callers_count);
	}
	return state.count;
}
