/* SPDX-License-Identifier: MIT */
/*
 * What the verifier's rooms share. Verbs carry a contract: check_ may refuse, mark_ changes the
 * state, is_ asks. Every function that returns int returns 0 (or what it says) or a negative errno,
 * and a refusal has been reported when it returns.
 */
#ifndef RAWTP_BPF_VERIFIER_ENV_H
#define RAWTP_BPF_VERIFIER_ENV_H

#include "bpf/helpers/helper.h"
#include "bpf/maps/map.h"
#include "bpf/opcodes.h"
#include "bpf/verifier/messages.h"
#include "bpf/verifier/state.h"
#include "bpf/verifier/verifier.h"

#include <errno.h>
#include <stdarg.h>

#define RAWTP_MAX_PENDING      8192 /* branches left to walk, as in the kernel */
#define RAWTP_MAX_OFFSET       (1 << 29)
#define RAWTP_FAR_OFFSET       (1LL << 40)
#define RAWTP_MAX_FROZEN       (16 << 20) /* bytes of a map that are looked at as constants */
#define RAWTP_CHECKPOINT_BYTES (128u << 20)
#define RAWTP_NO_INSN          UINT32_MAX

_Static_assert(RAWTP_N_OPS <= UINT8_MAX, "rawtp_insn_aux.op is a byte");

enum rawtp_through { RAWTP_THROUGH_NONE, RAWTP_THROUGH_SAFE, RAWTP_THROUGH_BTF };

#define RAWTP_NO_KEY UINT16_MAX

struct rawtp_insn_aux {
	/*
	 * Of a lookup in an array: 1 + the key that every path has there, and the array too; 0: none yet,
	 * or RAWTP_NO_KEY.
	 */
	uint16_t key;
	uint16_t live;     /* registers that may be read from here on, before they are written */
	uint8_t op;        /* enum rawtp_op; 0 for the second half of a 64-bit immediate */
	uint8_t through;   /* loads: what kind of pointer, enum rawtp_through */
	bool is_jump_goal; /* worth a checkpoint */
	bool is_loop; /* comes back here by itself, and ends by itself: a helper that calls back */
	bool is_reachable;
	bool is_walked;
};

/*
 * The graph of values: every number that a register can hold has a node with the nodes that it was
 * computed from. "Precise" means that a proof depended on what was known of it: then, and only then,
 * must a state that is to be pruned know as much.
 */
struct rawtp_value {
	uint32_t from[2]; /* 0: none; always lower than its own number */
	uint32_t insn;
	bool is_precise;
};

struct rawtp_checkpoint {
	struct rawtp_checkpoint *parent; /* on the path that came here */
	struct rawtp_checkpoint *next;   /* at the same instruction */
	struct rawtp_state state;
	uint64_t read[RAWTP_MAX_CALL_FRAMES]; /* slots that something after it read */
	uint32_t open;                        /* paths from here that are not walked to their end */
	uint32_t pc;
	uint32_t region;     /* marks are not complete while env->region is this; 0: they are */
	uint32_t generation; /* of env, when it was made */
	uint32_t hits, misses;
	bool is_retired; /* in env->retired rather than at its instruction */
	struct rawtp_checkpoint **link;
};

struct rawtp_pending {
	struct rawtp_pending *next;
	struct rawtp_state state;
	uint32_t pc;
	bool is_again; /* its path had ended, in a way that did not hold */
};

struct rawtp_text_log {
	char *buf;
	uint32_t size, used, level;
	bool is_full;
};

struct rawtp_env {
	struct rawtp_prog *prog;
	struct rawtp_insn_aux *aux;        /* n_insns */
	struct rawtp_checkpoint **visited; /* n_insns lists */
	struct rawtp_checkpoint *retired;
	struct rawtp_backedge *backedges;
	uint32_t region, n_regions; /* the one that is walked, or 0; how many there were */
	uint32_t region_pending;    /* branches that waited when it began */
	bool is_strict;             /* no more time for optimism in it */
	uint32_t n_activations, generation;
	uint32_t n_carried; /* backedges looked at */
	struct rawtp_subprog subprogs[RAWTP_MAX_SUBPROGS];
	uint32_t n_subprogs;
	struct rawtp_text_log log;

	struct rawtp_state cur;
	uint32_t pc, next_pc; /* next_pc is RAWTP_NO_INSN where the path ends */
	struct rawtp_pending *pending;
	uint32_t n_pending, max_pending;

	struct rawtp_value *values;
	uint32_t n_values, max_values;
	uint32_t *worklist; /* of rawtp_mark_precise(); as long as values */
	bool no_memory;     /* sticks; looked at after each instruction */
	uint32_t n_ids;     /* of null checks and references */

	uint32_t n_walked, n_jumps, n_checkpoints;
	uint32_t last_walked, last_jumps; /* when the last checkpoint was made */
	uint64_t checkpoint_bytes;
	uint32_t max_ctx_access, ctx_slots_read;
};

/* Passes, in order. */
int rawtp_copy_frozen(struct rawtp_env *env);
int rawtp_check_decode(struct rawtp_env *env);
int rawtp_check_shape(struct rawtp_env *env);
int rawtp_mark_liveness(struct rawtp_env *env);
int rawtp_check_walk(struct rawtp_env *env);
int rawtp_check_stack_depth(struct rawtp_env *env);
int rawtp_check_percpu_maps(struct rawtp_env *env);
int rawtp_rewrite(struct rawtp_env *env);

/* Whether instruction @i loads the address of a map, or of a value of one; its imm is which. */
static inline bool rawtp_names_map(const struct rawtp_env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->prog->insns[i];

	return rawtp_opcodes[env->aux[i].op].kind == RAWTP_KIND_LD_IMM64 &&
	       (insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE);
}

/* transfer.c */
int rawtp_check_insn(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_check_reg_read(struct rawtp_env *env, uint32_t regno);

static inline struct rawtp_reg *rawtp_reg(struct rawtp_env *env, uint32_t regno)
{
	return &rawtp_state_top(&env->cur)->regs[regno];
}

/* pointer.c: dst = pointer op scalar. */
int rawtp_check_pointer_alu(struct rawtp_env *env, const struct bpf_insn *insn,
			    struct rawtp_reg *dst, const struct rawtp_reg *src);

/* memory.c */
enum rawtp_access { RAWTP_READ = 1, RAWTP_WRITE = 2 };
int rawtp_check_load(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_check_store(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_check_atomic(struct rawtp_env *env, const struct bpf_insn *insn);
/* [off, off + size) beyond what @regno points at; access is a set of enum rawtp_access. */
int rawtp_check_range(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size,
		      int access);

/* btf_ptr.c */
int rawtp_check_attach_type(struct rawtp_env *env);
/* A load of [off, off + size) of the context of a program with typed arguments, aligned and inside. */
int rawtp_check_argument(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			 struct rawtp_reg *out);
/* A load through a pointer of kind BTF. */
int rawtp_check_btf_load(struct rawtp_env *env, const struct bpf_insn *insn, uint32_t size,
			 struct rawtp_reg *out);

/* stack.c */
int rawtp_check_stack_load(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			   bool sign_extended, struct rawtp_reg *out);
int rawtp_check_stack_store(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			    const struct rawtp_reg *value);
/* A helper or an atomic reads [off, off + size). */
int rawtp_check_stack_read(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size);
/* Is the number of @size bytes there, which have been checked, a known one? A proof depends on it. */
bool rawtp_stack_constant(struct rawtp_env *env, uint32_t regno, uint32_t size, uint64_t *value);
/* A helper fills [off, off + size); unless @is_exact, perhaps less of it. */
int rawtp_check_stack_fill(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size,
			   bool is_exact);

/* dynptr.c. At @regno there is one, whose reference, if it has any, is *ref. */
int rawtp_check_dynptr(struct rawtp_env *env, uint32_t regno, const char *helper, bool is_ringbuf,
		       uint32_t *ref);
/* There is room for one; then one is there. */
int rawtp_check_dynptr_place(struct rawtp_env *env, uint32_t regno, const char *helper);
int rawtp_mark_dynptr(struct rawtp_env *env, uint32_t regno, uint32_t ref);

/* branch.c */
int rawtp_check_jump(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_push_pending(struct rawtp_env *env, uint32_t pc, struct rawtp_state **state);
/* The next branch to walk, into env->cur and env->pc; 0: none is left, 1: there was one. */
int rawtp_pop_pending(struct rawtp_env *env);

/* call.c, subprog.c */
int rawtp_check_helper_call(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_check_subprog_call(struct rawtp_env *env, const struct bpf_insn *insn);
int rawtp_check_exit(struct rawtp_env *env);

/* callback.c */
int rawtp_push_callback(struct rawtp_env *env, uint32_t helper, uint32_t map);
int rawtp_check_callback_exit(struct rawtp_env *env);
int rawtp_find_subprog(const struct rawtp_env *env, uint32_t start);
uint32_t rawtp_subprog_at(const struct rawtp_env *env, uint32_t insn);

/* prune.c */
/* 1: what follows is proved already; 0: walk on. */
int rawtp_check_visited(struct rawtp_env *env);
void rawtp_end_path(struct rawtp_env *env);
/* How much of two states must agree. */
enum rawtp_inclusion {
	RAWTP_IN_USED, /* what the rest of the walk read or depended on, as far as is known */
	RAWTP_IN_ALL,  /* everything that is live */
	RAWTP_SAME,
};
bool rawtp_state_included(struct rawtp_env *env, const struct rawtp_checkpoint *old,
			  const struct rawtp_state *now, enum rawtp_inclusion inclusion);
/* A path from @at is to be walked after all. */
void rawtp_reopen(struct rawtp_checkpoint *at);
/* The slot of a frame of @state is read: every checkpoint on its path that had it then is told. */
bool rawtp_mark_slot_read(struct rawtp_state *state, uint32_t frame, uint32_t slot);
/* @state goes on as @old did. True where something was learnt from that. */
bool rawtp_carry_marks_over(struct rawtp_env *env, const struct rawtp_checkpoint *old,
			    struct rawtp_state *state);
void rawtp_free_checkpoints(struct rawtp_env *env);
/* Frees what left its list and is walked to its end. */
void rawtp_free_retired(struct rawtp_env *env);

/* loops.c */
struct rawtp_backedge {
	struct rawtp_backedge *next;
	const struct rawtp_checkpoint *to;
	struct rawtp_state from;
	bool is_optimistic; /* was included as far as was known */
};
/* The walk arrives at a loop. */
void rawtp_enter_loop(struct rawtp_env *env);
/* Is @old, whose paths are not walked to their end, another round of the loop at hand? */
bool rawtp_is_same_loop(const struct rawtp_env *env, const struct rawtp_checkpoint *old);
/* What was learnt in this round and no proof depended on, may be anything in the next. */
void rawtp_forget_differences(struct rawtp_env *env, uint32_t pc);
void rawtp_begin_region(struct rawtp_env *env);
int rawtp_add_backedge(struct rawtp_env *env, const struct rawtp_checkpoint *to,
		       bool is_optimistic);
/* At the end of a path. */
int rawtp_end_region(struct rawtp_env *env);
void rawtp_free_backedges(struct rawtp_env *env);

static inline bool rawtp_is_incomplete(const struct rawtp_env *env,
				       const struct rawtp_checkpoint *checkpoint)
{
	return checkpoint->region && checkpoint->region == env->region;
}

/* values.c */
/* *reg becomes a number that was computed from others (0: from none), with a node of its own. */
void rawtp_mark_scalar(struct rawtp_env *env, struct rawtp_reg *reg, struct rawtp_scalar var,
		       uint32_t from, uint32_t also_from);
/* True where it was not before. */
bool rawtp_mark_precise(struct rawtp_env *env, const struct rawtp_reg *reg);

static inline void rawtp_mark_unknown(struct rawtp_env *env, struct rawtp_reg *reg)
{
	rawtp_mark_scalar(env, reg, rawtp_scalar_unknown(), 0, 0);
}

/* log.c, explain.c */
void rawtp_log(struct rawtp_env *env, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void rawtp_log_step(struct rawtp_env *env);
void rawtp_log_statistics(struct rawtp_env *env);
void rawtp_log_insn(struct rawtp_env *env, uint32_t pc);
/* "scalar(0..255)", "map value of counts, offset 8". */
const char *rawtp_describe(struct rawtp_env *env, const struct rawtp_reg *reg, char *buf,
			   size_t size);
const char *rawtp_map_name(const struct rawtp_env *env, uint32_t index);
/* Reports a refusal at env->pc and returns its errno. @regno, if any, is the one to tell about. */
#define RAWTP_NO_REG 255
int rawtp_report(struct rawtp_env *env, enum rawtp_message message, uint32_t regno, ...);
#define rawtp_refuse(env, id, regno, ...)       \
	(RAWTP_CHECK_FORMAT(id, ##__VA_ARGS__), \
	 rawtp_report(env, RAWTP_MSG_##id, regno, ##__VA_ARGS__))

#endif
