/* SPDX-License-Identifier: MIT */
/* The last line of the kernel's event headers. */
#include <rawtp/define_trace.h>
