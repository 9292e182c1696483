/* SPDX-License-Identifier: MIT */
/*
 * What every object file with tracepoints carries once, however many of its sources use them: the
 * note, the descriptor, and entries in .init_array and .fini_array that announce it. All of it is
 * one COMDAT group, so the linker keeps one copy for each program or shared library; the tables'
 * first entries are in it too, so that they always exist.
 */
#ifndef RAWTP_OBJECT_H
#define RAWTP_OBJECT_H

#include <rawtp/cpu/cpu.h>
#include <rawtp/record.h>

#if defined(RAWTP_NO_PATCH) || !defined(RAWTP_SITE_CODE)
#define RAWTP_SITE_IS_BRANCH 1
#else
#define RAWTP_SITE_IS_BRANCH 0
#endif

/* "R": a linker that collects garbage must not take what only __start_ and __stop_ name. */
#ifndef RAWTP_SITE_SECTION_FLAGS
#define RAWTP_SITE_SECTION_FLAGS "aR?"
#endif

#if defined(RAWTP_NO_OBJECT)
/* A source that wants the calls and has no events. */
#elif defined(RAWTP_OBJECT_ENTRY)
__asm__(".ifndef .Lrawtp_object\n"
	".pushsection rawtp_events,\"awGR\",%progbits,rawtp_object,comdat\n"
	".balign 8\n.8byte 0\n"
	".popsection\n"
	".pushsection rawtp_sites,\"aGR\",%progbits,rawtp_object,comdat\n"
	".balign 4\n.4byte 0, 0, 0\n"
	".popsection\n"
	".pushsection .data.rawtp_object,\"awG\",%progbits,rawtp_object,comdat\n"
	".balign 8\n"
	".Lrawtp_object:\n"
	".hidden __start_rawtp_events\n.hidden __stop_rawtp_events\n"
	".hidden __start_rawtp_sites\n.hidden __stop_rawtp_sites\n"
	".4byte 1, 72\n"
	".8byte __start_rawtp_events, __stop_rawtp_events\n"
	".8byte __start_rawtp_sites, __stop_rawtp_sites\n"
	".8byte 0, 0, 0, 0\n"
	".popsection\n"
	".pushsection .note.rawtp,\"aG\",%note,rawtp_object,comdat\n"
	".balign 4\n"
	".4byte 6, 56, 1\n"
	".asciz \"rawtp\"\n"
	".balign 4\n"
	".4byte 1, 104, 16, 12\n"
	".8byte __start_rawtp_events - .\n"
	".8byte __stop_rawtp_events - .\n"
	".8byte __start_rawtp_sites - .\n"
	".8byte __stop_rawtp_sites - .\n"
	".8byte .Lrawtp_object - .\n"
	".popsection\n"
	".pushsection .text.unlikely.rawtp_object,\"axG\",%progbits,rawtp_object,comdat\n"
	".balign 4\n"
	".Lrawtp_object_init:\n" RAWTP_OBJECT_ENTRY(
		".Lrawtp_object",
		"rawtp_object_register") ".balign 4\n"
					 ".Lrawtp_object_exit:\n" RAWTP_OBJECT_ENTRY(
						 ".Lrawtp_object",
						 "rawtp_object_unregister") ".popsection\n"
									    /* 101: before the constructors of the object itself, after its destructors. */
									    ".pushsection "
									    ".init_array.00101,"
									    "\"awG\",%init_array,"
									    "rawtp_object,comdat\n"
									    ".balign 8\n.8byte "
									    ".Lrawtp_object_init\n"
									    ".popsection\n"
									    ".pushsection "
									    ".fini_array.00101,"
									    "\"awG\",%fini_array,"
									    "rawtp_object,comdat\n"
									    ".balign 8\n.8byte "
									    ".Lrawtp_object_exit\n"
									    ".popsection\n"
									    ".endif\n");
#else
/* A CPU that rawtp/cpu/ does not know: the same in C, in every source; no note. */
extern const struct rawtp_event *__start_rawtp_events[] __attribute__((weak, visibility("hidden")));
extern const struct rawtp_event *__stop_rawtp_events[] __attribute__((weak, visibility("hidden")));
extern const struct rawtp_site __start_rawtp_sites[] __attribute__((weak, visibility("hidden")));
extern const struct rawtp_site __stop_rawtp_sites[] __attribute__((weak, visibility("hidden")));
__attribute__((weak, visibility("hidden"))) struct rawtp_object rawtp_object = {
	1,
	sizeof(struct rawtp_object),
	__start_rawtp_events,
	__stop_rawtp_events,
	__start_rawtp_sites,
	__stop_rawtp_sites,
	(struct rawtp_object *)0,
	(uint32_t *)0,
	{(void *)0, (void *)0}};
static __attribute__((constructor(101))) void rawtp_object_init(void)
{
	rawtp_object_register(&rawtp_object);
}
static __attribute__((destructor(101))) void rawtp_object_exit(void)
{
	rawtp_object_unregister(&rawtp_object);
}
#endif

#endif
