/* SPDX-License-Identifier: MIT */
/*
 * Walks the calling thread's stack: return addresses, innermost first.
 *
 * A function's .eh_frame says how its caller's registers are found (DWARF 5, section 6.4; Linux
 * Standard Base 5.0, "Exception Frames"); where there is none (machine code made at run time) frames
 * are taken to be linked by frame pointers. What lies on the stack may be anything: it is read with
 * rawtp_probe_read(), 1 KiB at a time, and every step must lead upwards. The tables of loaded
 * objects are trusted, as the C++ runtime trusts them, within the bounds of their object.
 *
 * Async-signal-safe; no lock, no malloc; about 2 KiB of stack. Objects are found by glibc's
 * _dl_find_object() (2.35); with another libc there are frame pointers alone.
 */
#ifndef RAWTP_BASE_UNWIND_H
#define RAWTP_BASE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAWTP_UNWIND_WINDOW 1024

struct rawtp_unwind {
	uintptr_t pc, sp, fp;
	bool is_exact; /* pc is where a signal came, and not behind a call */
	bool by_table; /* the last step was one by .eh_frame */
	uintptr_t window_at;
	uint64_t window[RAWTP_UNWIND_WINDOW / sizeof(uint64_t)];
};

/* Starts @unwind at the caller of the function in which this stands. */
#define rawtp_unwind_start(unwind)                                      \
	rawtp_unwind_at(unwind, (uintptr_t)__builtin_return_address(0), \
			(uintptr_t)__builtin_dwarf_cfa(),               \
			*(const uintptr_t *)__builtin_frame_address(0))

void rawtp_unwind_at(struct rawtp_unwind *unwind, uintptr_t pc, uintptr_t sp, uintptr_t fp);
/* To the caller's frame. False where there is none, or it cannot be found. */
bool rawtp_unwind_step(struct rawtp_unwind *unwind);
/* The frame that @unwind is at was called through a pointer: as far as its code shows. */
bool rawtp_unwind_was_called_indirectly(const struct rawtp_unwind *unwind);

/* Between unwind.c and unwind_cfi.c. A word of the stack; false where it cannot be read. */
bool rawtp_unwind_word(struct rawtp_unwind *unwind, uintptr_t at, uintptr_t *word);
/* 1: stepped; 0: the outermost frame, or what cannot be followed; -1: nothing is known of this pc. */
int rawtp_unwind_cfi(struct rawtp_unwind *unwind);

#endif
