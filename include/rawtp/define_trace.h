/* SPDX-License-Identifier: MIT */
/*
 * The last line of an event header, outside its guard. Where CREATE_TRACE_POINTS is defined it reads
 * the header again, once for each pass of rawtp/stages/, and so makes the code and the tables of its
 * events. TRACE_INCLUDE_PATH and TRACE_INCLUDE_FILE say where the header is, as in the kernel:
 * <trace/events/TRACE_SYSTEM.h> unless they are defined.
 */
#ifdef CREATE_TRACE_POINTS
#undef CREATE_TRACE_POINTS

/* clang-format off */
#undef RAWTP_INCLUDE
#undef RAWTP_INCLUDE_NAME
#ifndef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE TRACE_SYSTEM
#define RAWTP_UNDEF_INCLUDE_FILE
#endif
#ifndef TRACE_INCLUDE_PATH
#define RAWTP_INCLUDE_NAME(system) <trace/events/system.h>
#else
#define RAWTP_INCLUDE_NAME(system) RAWTP_STRING(TRACE_INCLUDE_PATH/system.h)
#endif
#define RAWTP_INCLUDE(system) RAWTP_INCLUDE_NAME(system)

#define TRACE_HEADER_MULTI_READ

/* Not every pass needs every argument, and who includes this may ask for such warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <rawtp/stages/layout.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/offsets.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/size.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/assign.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/fields.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/print.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/thunk.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#include <rawtp/stages/define.h>
#include RAWTP_INCLUDE(TRACE_INCLUDE_FILE)
#pragma GCC diagnostic pop
/* clang-format on */

#undef TRACE_HEADER_MULTI_READ
#include <rawtp/stages/entry_reset.h>
#include <rawtp/stages/declare.h>

#ifdef RAWTP_UNDEF_INCLUDE_FILE
#undef TRACE_INCLUDE_FILE
#undef RAWTP_UNDEF_INCLUDE_FILE
#endif

/* Other event headers may follow. */
#define CREATE_TRACE_POINTS
#endif
