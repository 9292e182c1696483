/* SPDX-License-Identifier: MIT */
/* A function whose first instruction is the no-op of 5 bytes that the kernel can make a call of. */
#ifndef RAWTP_BENCH_NOP5_H
#define RAWTP_BENCH_NOP5_H

#define BENCH_NOP5_KIND "5-byte no-op"

void bench_nop5(const void *dev, const void *prog, unsigned int act);
__asm__(".pushsection .text\n"
	".balign 16\n"
	".globl bench_nop5\n"
	".hidden bench_nop5\n"
	".type bench_nop5, @function\n"
	"bench_nop5:\n"
	".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"ret\n"
	".size bench_nop5, . - bench_nop5\n"
	".popsection\n");

#endif
