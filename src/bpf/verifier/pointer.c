/* SPDX-License-Identifier: MIT */
/*
 * Pointer arithmetic. A pointer may leave its object: the bounds are checked where it is used. Only
 * its least offset must stay near (RAWTP_MAX_OFFSET), as in the kernel, so that an offset that may
 * wrap around is refused here, where its cause is.
 */
#include "bpf/verifier/env.h"

static int check_may_move(struct rawtp_env *env, const struct rawtp_reg *ptr, uint32_t regno)
{
	if (rawtp_reg_maybe_null(ptr))
		return rawtp_refuse(env, ARITHMETIC_BEFORE_NULL_CHECK, regno, regno);
	if (ptr->type == RAWTP_REG_MAP || ptr->type == RAWTP_REG_FUNC)
		return rawtp_refuse(env, ARITHMETIC_ON_MAP, regno, regno);
	return 0;
}

static bool is_near(int64_t offset)
{
	return offset > -RAWTP_MAX_OFFSET && offset < RAWTP_MAX_OFFSET;
}

int rawtp_check_pointer_alu(struct rawtp_env *env, const struct bpf_insn *insn,
			    struct rawtp_reg *dst, const struct rawtp_reg *src)
{
	bool dst_is_pointer = rawtp_reg_is_pointer(dst);
	struct rawtp_reg ptr = dst_is_pointer ? *dst : *src;
	struct rawtp_reg num = dst_is_pointer ? *src : *dst;
	uint32_t regno = dst_is_pointer ? insn->dst_reg : insn->src_reg;
	uint32_t num_regno = dst_is_pointer ? insn->src_reg : insn->dst_reg;
	uint8_t op = BPF_OP(insn->code);
	int err;

	if (op != BPF_ADD && op != BPF_SUB)
		return rawtp_refuse(env, POINTER_OPERATOR, regno, regno);
	if (op == BPF_SUB && !dst_is_pointer)
		return rawtp_refuse(env, POINTER_SUBTRACTED, regno, regno);
	if (op == BPF_SUB && ptr.type == RAWTP_REG_STACK)
		return rawtp_refuse(env, STACK_POINTER_SUBTRACTED, regno, regno);
	err = check_may_move(env, &ptr, regno);
	if (err)
		return err;
	rawtp_mark_precise(env, &num);
	if (BPF_SRC(insn->code) == BPF_K)
		num_regno = regno;
	if (!is_near(num.var.r64.smin) || (op == BPF_SUB && !is_near(num.var.r64.smax)))
		return rawtp_refuse(env, UNBOUNDED_OFFSET, num_regno, num_regno,
				    (long long)num.var.r64.smin, (long long)num.var.r64.smax);
	if (rawtp_scalar_is_const(&num.var)) {
		int64_t by = num.var.r64.smin;

		ptr.off += op == BPF_ADD ? by : -by;
	} else {
		ptr.var = rawtp_scalar_alu(&ptr.var, &num.var, op, true, false);
	}
	if (!is_near(ptr.off) || !is_near(ptr.var.r64.smin))
		return rawtp_refuse(env, FAR_POINTER, regno, regno);
	*dst = ptr;
	return 0;
}
