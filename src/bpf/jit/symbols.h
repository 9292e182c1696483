/* SPDX-License-Identifier: MIT */
/*
 * The names of machine code, for those who look from outside:
 *
 *  - gdb: its JIT interface ("JIT Compilation Interface" in its manual), a list of object files in
 *    memory, with the functions' names and how to unwind them. Always: it costs 1 kB an image, and a
 *    debugger that comes later finds what was there before. gdb finds the list by the names of its
 *    head and of the function where it stops, so the library needs its symbols, or a file with them.
 *  - perf: lines in /tmp/perf-PID.map (tools/perf/Documentation/jit-interface.txt), only where
 *    RAWTP_PERF_MAP=1 was in the environment when the library was loaded.
 *
 * The main function of a program is bpf_prog_NAME, each other one bpf_prog_NAME_FUNCTION by its name
 * in BTF, or by its number.
 */
#ifndef RAWTP_BPF_JIT_SYMBOLS_H
#define RAWTP_BPF_JIT_SYMBOLS_H

#include "bpf/jit/compiler.h"

struct rawtp_jit_symbols;

/*
 * Announces the image that @jit has written, @size bytes. NULL: nobody will know its names. Any
 * thread; with no lock held that a child of fork(2) needs.
 */
struct rawtp_jit_symbols *rawtp_jit_announce(const struct rawtp_jit *jit, uint32_t size);
/* Before the image goes. NULL is allowed. */
void rawtp_jit_withdraw(struct rawtp_jit_symbols *symbols);

#endif
