/* SPDX-License-Identifier: MIT */
/*
 * x86-64 sites: "test $imm32,%eax" (a9 imm32) is off, "jmp rel32" (e9 rel32) is on.
 *
 * Only the first byte is ever written. Why other threads may run through it meanwhile:
 *  - A store of one byte is atomic (Intel SDM vol. 3, 9.1.1; AMD APM vol. 2, 7.3.2), whatever its
 *    alignment and wherever cache lines end, so a fetch finds the old or the new opcode, never a
 *    mixture. The other four bytes are the same in both states and never written.
 *  - Both are complete instructions of five bytes, so whichever was fetched, the next instruction
 *    begins where the compiler put it, and no thread can stand between the two halves of a change.
 *  - AMD APM vol. 2, 7.6.1 allows cross-modification by stores that are naturally aligned within a
 *    quadword, without a stop of the other CPUs: they execute the old or the new instruction.
 *  - Intel SDM vol. 3, 9.1.3 asks for a serializing instruction on the other CPUs before they rely on
 *    the new one, and its errata ("unsynchronized cross-modifying code") warn of an instruction of
 *    which parts were taken from before and from after the write. With one byte there are no parts;
 *    that is the property on which the documented int3 way rests for its first store, too. We do
 *    wait for a core-serializing event on every CPU (membarrier SYNC_CORE) before we rely on the
 *    new state, but nothing is wrong while some CPUs still execute the old one.
 *  - test writes nothing but the flags, jmp nothing; neither touches memory nor can fault.
 */
#include "base/text_patch.h"
#include "base/err.h"

#define OPCODE_TEST  0xa9
#define OPCODE_JMP   0xe9
#define OPCODE_BREAK 0xcc

int rawtp_site_encode(const struct rawtp_text_patch *site, bool on, struct rawtp_text_bytes *out)
{
	uint8_t opcode = *(volatile const uint8_t *)site->code;
	int32_t displacement;

	out->at = site->code;
	out->size = 0;
	if (opcode == OPCODE_BREAK && !on)
		return 0;
	__builtin_memcpy(&displacement, site->code + 1, sizeof(displacement));
	if ((opcode != OPCODE_TEST && opcode != OPCODE_JMP) ||
	    site->code + 5 + displacement != site->target)
		return -EBUSY;
	out->bytes[0] = on ? OPCODE_JMP : OPCODE_TEST;
	out->size = opcode != out->bytes[0];
	return 0;
}
