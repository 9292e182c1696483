/* SPDX-License-Identifier: MIT */
/*
 * Items of several sources in the order of their times. Each source alone may be out of order too, by
 * as long as a producer takes from reading the clock to handing over: so items wait for a window of
 * time. Bounded: with too many waiting, the oldest goes at once.
 */
#ifndef RAWTP_CLI_ORDER_H
#define RAWTP_CLI_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAWTP_ORDER_MAX_BYTES (64u << 20)

struct rawtp_order;

/* @late: items of later times have been handed on already. */
typedef void (*rawtp_order_fn)(void *source, void *data, size_t size, bool late, void *context);

/* NULL: out of memory. @window: nanoseconds. */
struct rawtp_order *rawtp_order_new(uint64_t window, rawtp_order_fn fn, void *context);
/* Keeps a copy of @data. Equal times stay in the order of these calls. */
void rawtp_order_add(struct rawtp_order *order, uint64_t time, void *source, const void *data,
		     size_t size);
/* All that came before @now (ns) has been added: hands on what is older than the window. */
void rawtp_order_advance(struct rawtp_order *order, uint64_t now);
/* Hands on everything. */
void rawtp_order_flush(struct rawtp_order *order);
/* How many were handed on late. */
uint64_t rawtp_order_late(const struct rawtp_order *order);
void rawtp_order_free(struct rawtp_order *order);

#endif
