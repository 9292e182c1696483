/* SPDX-License-Identifier: MIT */
/*
 * arm64 sites: NOP is off, B is on. The architecture allows both to be exchanged, by one aligned
 * store, while other cores execute them (Arm ARM, B2.2.5 "Concurrent modification and execution of
 * instructions"); the kernel cleans and invalidates the caches when it writes text for us.
 */
#include "base/text_patch.h"
#include "base/err.h"

#define NOP      0xd503201fu
#define B        0x14000000u
#define BRK_MASK 0xffe0001fu
#define BRK      0xd4200000u

int rawtp_site_encode(const struct rawtp_text_patch *site, bool on, struct rawtp_text_bytes *out)
{
	intptr_t distance = site->target - site->code;
	uint32_t now = *(volatile const uint32_t *)(const void *)site->code;
	uint32_t jump = B | ((uint32_t)(distance >> 2) & 0x03ffffffu);
	uint32_t want = on ? jump : NOP;

	out->at = site->code;
	out->size = 0;
	if ((now & BRK_MASK) == BRK && !on)
		return 0;
	if ((now != NOP && now != jump) || distance < -(1 << 27) || distance >= 1 << 27)
		return -EBUSY;
	__builtin_memcpy(out->bytes, &want, sizeof(want));
	out->size = now == want ? 0 : sizeof(want);
	return 0;
}
