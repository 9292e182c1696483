/* SPDX-License-Identifier: MIT */
/*
 * THE list of refusals: (name, errno, category, problem, reason, suggestion). The problem is a
 * printf format, whose arguments are checked where it is used; the reason says what could happen at
 * run time; the suggestion what to try.
 */
#ifndef RAWTP_BPF_VERIFIER_MESSAGES_H
#define RAWTP_BPF_VERIFIER_MESSAGES_H

#include <errno.h>
#include <stdio.h>

/* clang-format off */
#define RAWTP_MESSAGES(M)                                                                          \
	M(UNSET_REGISTER, EACCES, "register", "R%u is read, but was never written on this path",   \
	  "it would hold whatever ran before left in it",                                          \
	  "set it on every path; a call overwrites R0 to R5")                                      \
	M(NO_SUCH_REGISTER, EINVAL, "instruction", "there is no R%u",                              \
	  "the registers are R0 to R10", "compile with -target bpf")                               \
	M(FRAME_POINTER_WRITTEN, EACCES, "register", "R10 is written",                             \
	  "it holds the address of the stack and must not change", "use another register")         \
	M(UNKNOWN_OPCODE, EINVAL, "instruction", "unknown opcode 0x%02x",                          \
	  "no instruction of BPF has it, or its operation is not one that BPF knows",              \
	  "compile with clang -target bpf -mcpu=v3; legacy packet access is not supported")        \
	M(RESERVED_FIELD, EINVAL, "instruction", "a reserved field is not zero",                   \
	  "a later version of BPF may give it a meaning", "compile with -target bpf")              \
	M(HALF_IMM64, EINVAL, "instruction", "the second half of a 64-bit immediate is missing",   \
	  "it takes two slots, and the program ends after the first", "load the whole program")    \
	M(UNKNOWN_IMM64, EINVAL, "instruction", "unknown kind %u of 64-bit immediate",             \
	  "it says what the immediate stands for, and nothing here has that number",               \
	  "load the object with libbpf")                                                           \
	M(CALLBACK_IS_GLOBAL, EINVAL, "instruction", "the address of a global function is taken",  \
	  "it is proved for its own arguments, not for those of a helper", "make it static")       \
	M(NO_KERNEL_SYMBOL, EINVAL, "instruction", "the address of a kernel variable is taken",    \
	  "the program runs in a user-space process", "remove the __ksym variable")                \
	M(NO_KERNEL_CALL, EINVAL, "call", "a kernel function is called",                           \
	  "the program runs in a user-space process", "remove the __ksym function, or guard the "  \
	  "call with bpf_ksym_exists()")                                                           \
	M(NO_SUCH_MAP, EINVAL, "instruction", "map number %u, and the program has %u",             \
	  "nothing is known of such a map", "load the object with libbpf")                         \
	M(NO_DIRECT_VALUE, EINVAL, "instruction", "the address of a value of map \"%s\" is taken", \
	  "only arrays with one entry have values at a fixed address", "use bpf_map_lookup_elem()") \
	M(DIRECT_VALUE_RANGE, EINVAL, "instruction",                                               \
	  "offset %u is no address of map \"%s\", with its value of %u bytes",                     \
	  "it would be another's memory",                                                          \
	  "use an array with one entry and an offset inside of its value")                         \
	M(DIVISION_BY_ZERO, EINVAL, "instruction", "division by the constant 0",                   \
	  "the result would always be 0", "divide by something else")                              \
	M(SHIFT_COUNT, EINVAL, "instruction", "a shift by %d of %u bits",                          \
	  "CPUs differ in what they do with it", "shift by less than the width")                   \
	M(JUMP_OUTSIDE, EINVAL, "control flow", "a jump to instruction %lld, outside of the function", \
	  "what is there is not part of this function", "compile with -target bpf")                \
	M(JUMP_INTO_IMM64, EINVAL, "control flow",                                                 \
	  "a jump to instruction %lld, the second half of a 64-bit immediate",                     \
	  "there is no instruction there", "compile with -target bpf")                             \
	M(FALLS_OFF, EINVAL, "control flow", "the function can run past its last instruction",     \
	  "what follows is not part of it", "end it with exit or a jump; a missing return in C?")  \
	M(UNREACHABLE, EINVAL, "control flow", "this instruction can never be reached",            \
	  "nothing can be proved of it", "remove it")                                              \
	M(TOO_MANY_SUBPROGS, E2BIG, "limit", "more than %u functions",                             \
	  "each costs memory in the verifier", "inline some: static __always_inline")              \
	M(CALLS_TOO_DEEP, E2BIG, "limit", "a function calls itself, or calls are more than %u deep", \
	  "the stack is small", "turn recursion into a loop, or inline functions")                 \
	M(STACKS_TOO_DEEP, EACCES, "limit", "the stacks of nested calls take %u bytes, more than %u", \
	  "the stack would overflow", "move large variables into a per-CPU array with one entry")  \
	M(TAIL_CALL_TOO_DEEP, EACCES, "limit", "a tail call in a function whose callers' stacks take " \
	  "%u bytes, %u or more",                                                                  \
	  "each program of a chain may have as much, and the stack would overflow",                \
	  "call from the program itself, or from functions with smaller stacks around them")       \
	M(ENDLESS_LOOP, EINVAL, "control flow", "this loop may never end",                         \
	  "the same state comes back here, so nothing would stop it",                              \
	  "give the loop a constant bound: for (i = 0; i < 64; i++)")                              \
	M(TOO_LONG, E2BIG, "limit", "%u instructions were walked and the end is not in sight",     \
	  "the verifier's time is bounded",                                                        \
	  "make loops shorter, or tell the verifier less of the numbers in them: fewer comparisons") \
	M(TOO_MANY_BRANCHES, E2BIG, "limit", "more than %u branches wait to be walked",            \
	  "the verifier's memory is bounded", "split the program, or use fewer nested conditions") \
	M(NOT_A_POINTER, EACCES, "memory", "R%u is a number, not a pointer that the verifier knows", \
	  "the address may be bad, and the process would crash",                                   \
	  "read through bpf_probe_read_user() or bpf_probe_read_kernel(), which survive a bad "    \
	  "address")                                                                               \
	M(NULL_VALUE, EACCES, "memory", "R%u may be null: a map lookup can fail",                  \
	  "the process would crash", "add: if (!value) return 0;")                                 \
	M(NULL_RECORD, EACCES, "memory", "R%u may be null: a ring buffer can be full",             \
	  "the process would crash", "add: if (!record) return 0;")                                \
	M(MAP_DEREFERENCED, EACCES, "memory", "R%u is the address of a map, not of its values",    \
	  "what lies there is the library's", "use bpf_map_lookup_elem()")                         \
	M(FUNCTION_DEREFERENCED, EACCES, "memory", "R%u is the address of a function, not of data", \
	  "what lies there is machine code", "pass it to bpf_loop() or bpf_for_each_map_elem()")   \
	M(KEY_WRITTEN, EACCES, "memory", "R%u points to a map's key, and is written through",      \
	  "the map would not find it any more", "copy the key to the stack")                       \
	M(OUT_OF_RANGE, EACCES, "memory",                                                          \
	  "R%u leaves %s: offset %lld to %lld, an access of %llu bytes, %llu bytes in all",        \
	  "another's memory would be read or written",                                             \
	  "check the index before: if (i < SIZE), or mask it: i & (SIZE - 1)")                     \
	M(NEGATIVE_OFFSET, EACCES, "memory",                                                       \
	  "the variable part of R%u's offset may be negative (offset %lld and up)",                \
	  "memory before the object would be read or written",                                     \
	  "use an unsigned index, or check: if (i >= 0 && i < SIZE)")                              \
	M(MAP_READ_ONLY, EACCES, "memory", "map \"%s\" is read-only for programs, and is written", \
	  "constants would change", "move the variable from .rodata to .data, or drop the flag")   \
	M(MAP_WRITE_ONLY, EACCES, "memory", "map \"%s\" is write-only for programs, and is read",  \
	  "its owner forbids it", "drop BPF_F_WRONLY_PROG from the map")                           \
	M(CONTEXT_WRITE, EACCES, "memory", "the context is written",                               \
	  "it holds the arguments that others read too", "copy what you need to the stack")        \
	M(CONTEXT_MOVED, EACCES, "memory", "R%u is the context plus an offset",                    \
	  "an argument is read at its own place only",                                             \
	  "read ctx->args[N] with a constant N; compilers keep it with volatile or barrier_var()") \
	M(CONTEXT_RANGE, EACCES, "memory",                                                         \
	  "%u bytes at offset %d of the context, which may be read from %u to %u, aligned to size", \
	  "there is no argument there", "ctx->args[0] to ctx->args[11] are the arguments")         \
	M(NO_SUCH_ARGUMENT, EACCES, "memory", "argument %u is read, and the tracepoint has %u",    \
	  "there is nothing",                                                                      \
	  "compare BPF_PROG() with the tracepoint's prototype: rawtp list -v")                     \
	M(PART_OF_ARGUMENT, EACCES, "memory", "%u bytes at offset %d are no argument",             \
	  "each argument has 8 bytes of the context, and a pointer is read whole",                 \
	  "use BPF_PROG() of <bpf/bpf_tracing.h>")                                                 \
	M(NO_SUCH_MEMBER, EACCES, "memory", "%u bytes at offset %u are no member of %s",           \
	  "a load through a typed pointer reads one member, a pointer whole",                      \
	  "compile with the types of the target, and mark them preserve_access_index")             \
	M(VARIABLE_MEMBER, EACCES, "memory", "R%u is a typed pointer plus a variable offset",      \
	  "what is there has no type that is known",                                               \
	  "use a constant index, or bpf_probe_read_kernel()")                                      \
	M(BEFORE_STRUCTURE, EACCES, "memory", "R%u is read at offset %lld, before the structure",  \
	  "what is there has no type that is known", "use bpf_probe_read_kernel()")                \
	M(STRUCTURE_WRITTEN, EACCES, "memory", "what R%u points to is written, or ordered",        \
	  "memory of the process is only read, as it is at that moment",                           \
	  "keep what changes in a map")                                                            \
	M(MIXED_POINTERS, EINVAL, "memory", "R%u is a typed pointer on one path and another kind " \
	  "on a different one",                                                                    \
	  "one instruction cannot do both loads",                                                  \
	  "load in each branch on its own; compilers merge them less with barrier_var()")          \
	M(NO_TARGET_BTF, EINVAL, "attach", "the types of the target are not known",                \
	  "a program with typed arguments is proved by the target's BTF",                          \
	  "compile the target with gcc -gbtf, or with -g and run pahole -J on it; "                \
	  "SEC(\"raw_tp/NAME\") needs no types")                                                   \
	M(NO_TRACEPOINT_TYPE, EINVAL, "attach", "type %u of the target's BTF is no tracepoint's",  \
	  "the types of the arguments are those of typedef btf_trace_NAME",                        \
	  "load the object with libbpf")                                                           \
	M(CONTEXT_ATOMIC, EACCES, "memory", "an atomic operation on the context",                  \
	  "it is read-only", "copy the argument to the stack or a map")                            \
	M(UNALIGNED_ATOMIC, EACCES, "memory", "an atomic operation on %u bytes is not aligned",    \
	  "it would not be atomic, or crash", "align the variable to its size")                    \
	M(STACK_RANGE, EACCES, "memory", "offset %lld to %lld is outside of the stack of %d bytes", \
	  "another's memory would be read or written",                                             \
	  "keep variables within the stack, check indexes, or use a per-CPU array")                \
	M(UNALIGNED_STACK, EACCES, "memory", "%u bytes at offset %d of the stack are not aligned", \
	  "values on the stack are followed in aligned pieces only",                               \
	  "align the variable; no __attribute__((packed)) on the stack")                           \
	M(PART_OF_POINTER, EACCES, "memory", "%u bytes of a pointer on the stack",                 \
	  "a part of a pointer is of no use", "store and load pointers whole, 8 bytes")            \
	M(STACK_POINTER_ESCAPES, EINVAL, "pointer", "a pointer to the stack is stored in the "     \
	  "caller's stack",                                                                        \
	  "it may outlive the function", "return what is needed by value")                         \
	M(STACK_POINTER_RETURNED, EINVAL, "pointer", "a function returns a pointer to the stack",  \
	  "the stack is gone when it has returned", "let the caller pass the buffer")              \
	M(POINTER_AND_POINTER, EACCES, "pointer", "R%u and another pointer in one operation",      \
	  "the result would point nowhere", "only the difference of two pointers can be taken")    \
	M(POINTER_IN_32_BITS, EACCES, "pointer", "R%u is a pointer, in 32-bit arithmetic",         \
	  "half of it would be lost", "use 64-bit types for addresses")                            \
	M(POINTER_OPERATOR, EACCES, "pointer", "R%u is a pointer; it can only be added to or "     \
	  "subtracted from",                                                                       \
	  "the result would point nowhere", "compute with indexes, then add to the pointer")       \
	M(POINTER_SUBTRACTED, EACCES, "pointer", "pointer R%u is subtracted from a number",        \
	  "the result would point nowhere", "subtract the number from the pointer")                \
	M(STACK_POINTER_SUBTRACTED, EACCES, "pointer", "a number is subtracted from stack pointer R%u", \
	  "the kernel's verifier refuses it too", "add the negative number")                       \
	M(ARITHMETIC_BEFORE_NULL_CHECK, EACCES, "pointer", "R%u may be null and is moved",         \
	  "the null check would no longer find it", "check for null first")                        \
	M(ARITHMETIC_ON_MAP, EACCES, "pointer", "R%u is the address of a map or a function and is moved", \
	  "what lies there is the library's", "use bpf_map_lookup_elem()")                         \
	M(UNBOUNDED_OFFSET, EACCES, "pointer", "R%u (%lld to %lld) is added to a pointer, without a " \
	  "bound",                                                                                 \
	  "it could point anywhere",                                                               \
	  "check it before: if (i < SIZE), or mask it: i & (SIZE - 1)")                            \
	M(FAR_POINTER, EACCES, "pointer", "R%u is moved too far",                                  \
	  "it could point anywhere", "keep offsets below 512 MiB")                                 \
	M(NO_SUCH_HELPER, EINVAL, "call", "helper bpf_%s (number %u) is not available here",       \
	  "nothing would do the work", "rawtp's manual lists the helpers and what to use instead") \
	M(ABSENT_HELPER, EINVAL, "call", "helper bpf_%s (number %u) cannot be had in a process: %s", \
	  "nothing would do the work", "rawtp's manual lists the helpers")                         \
	M(NOT_CONST_STR, EACCES, "call", "R%u of bpf_%s() must be a constant string",               \
	  "it is looked at when the program is verified, so it must not change afterwards",        \
	  "use a string literal: static const char text[] = \"...\"; or BPF_SNPRINTF()")           \
	M(TASK_DEREFERENCED, EACCES, "memory", "R%u is the name of a thread",                      \
	  "a process has no task_struct to be read",                                               \
	  "use bpf_get_current_pid_tgid() and bpf_get_current_comm()")                             \
	M(NO_DYNPTR, EINVAL, "call", "R%u of bpf_%s() must be the address of a dynptr of its kind", \
	  "the helper would take what lies there for an address",                                  \
	  "make it before, on every path: bpf_dynptr_from_mem(), bpf_ringbuf_reserve_dynptr()")    \
	M(NO_DYNPTR_PLACE, EINVAL, "call", "R%u of bpf_%s() must be a place for a dynptr on the stack", \
	  "16 bytes are written there, and followed from then on",                                 \
	  "declare it as a local variable: struct bpf_dynptr ptr;")                                \
	M(DYNPTR_READ, EACCES, "memory", "a dynptr is read",                                       \
	  "what is in it is the library's", "use bpf_dynptr_read() or bpf_dynptr_data()")          \
	M(BAD_FORMAT, EINVAL, "call", "the format of bpf_%s() does not fit its %u values, or is none", \
	  "nothing could be printed with it", "formats are those of bpf_trace_printk()")           \
	M(UNKNOWN_HELPER, EINVAL, "call", "there is no helper number %u",                          \
	  "nothing would do the work", "compile against the bpf_helpers.h of libbpf")              \
	M(WRONG_ARGUMENT, EACCES, "call", "R%u of bpf_%s() must be %s",                            \
	  "the helper would read or write another's memory", "look at the helper's prototype")     \
	M(WRONG_MAP, EINVAL, "call", "map \"%s\" of type %u cannot be used with bpf_%s()",         \
	  "this kind of map has no such operation", "use a map of another type")                   \
	M(NEGATIVE_SIZE, EACCES, "call", "R%u, a length, may be negative (%lld)",                  \
	  "it would be taken for a very large one", "use an unsigned type, or check it before")    \
	M(UNBOUNDED_SIZE, EACCES, "call", "R%u, a length, has no bound",                           \
	  "memory beyond the buffer would be read or written",                                     \
	  "check it before: if (size > sizeof(buf)) return 0;")                                    \
	M(ZERO_SIZE, EACCES, "call", "R%u, a length for bpf_%s(), may be 0",                       \
	  "the helper does not accept it", "check it before: if (!size) return 0;")                \
	M(ALLOC_NOT_CONST, EACCES, "call", "R%u, the size for bpf_%s(), is not a known constant",  \
	  "how much may be written could not be checked",                                          \
	  "use a constant, or bpf_ringbuf_output() for a variable size")                           \
	M(RECORD_MOVED, EINVAL, "call", "R%u is not the start of the record, for bpf_%s()",        \
	  "the ring buffer could not find the record", "keep the pointer that reserve returned")   \
	M(CALLBACK_RETURNS_POINTER, EACCES, "call", "R0, which a callback returns, is not a number", \
	  "the helper looks at it: 0 to go on, 1 to end the loop", "return 0 or 1")                \
	M(CALLBACK_RETURNS, EINVAL, "call", "a callback returns R0 (%lld to %lld), not 0 or 1",    \
	  "the helper looks at it: 0 to go on, 1 to end the loop", "return 0 or 1")                \
	M(TAIL_CALL_IN_CALLBACK, EINVAL, "call", "a tail call in a callback",                      \
	  "what the other program returns would end the loop, or not",                             \
	  "store the index, end the loop by returning 1, and call behind it")                      \
	M(RECORD_LEAKED, EINVAL, "reference",                                                      \
	  "the record reserved at instruction %u is neither submitted nor discarded",              \
	  "readers of the ring buffer would wait for it for ever",                                 \
	  "call bpf_ringbuf_submit() or bpf_ringbuf_discard() on every path")                      \
	M(TOO_MANY_RECORDS, E2BIG, "limit", "more than %u records are reserved at once",           \
	  "each is followed until it is given back", "submit them sooner")                         \
	M(TOO_MANY_PERCPU_MAPS, E2BIG, "limit", "the program uses %u per-CPU maps, more than %u",  \
	  "a run holds a slot in each", "merge them: one map, a struct as its value")              \
	M(UNKNOWN_TYPE, EINVAL, "limit", "programs of type %u are not supported",                  \
	  "nothing here could run it", "use SEC(\"raw_tp/NAME\")")                                 \
	M(BAD_LENGTH, E2BIG, "limit", "a program of %u instructions, 1 to %u are possible",        \
	  "the verifier's time is bounded", "split the program")
/* clang-format on */

#define RAWTP_MESSAGE_ID(name, ...) RAWTP_MSG_##name,
enum rawtp_message { RAWTP_MESSAGES(RAWTP_MESSAGE_ID) RAWTP_N_MESSAGES };
#undef RAWTP_MESSAGE_ID

/* The formats once more as arrays, for the compiler's check alone: nothing of them is stored. */
#define RAWTP_MESSAGE_FORMAT(name, error, category, problem, reason, suggestion) \
	static const char rawtp_format_##name[] __attribute__((unused)) = problem;
RAWTP_MESSAGES(RAWTP_MESSAGE_FORMAT)
#undef RAWTP_MESSAGE_FORMAT
#define RAWTP_CHECK_FORMAT(name, ...) ((void)sizeof(printf(rawtp_format_##name, ##__VA_ARGS__)))

struct rawtp_message_text {
	int error;
	const char *category, *problem, *reason, *suggestion;
};

/* Indexed by enum rawtp_message. */
extern const struct rawtp_message_text rawtp_messages[RAWTP_N_MESSAGES];

#endif
