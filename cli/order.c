/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <stdlib.h>
#include <string.h>

struct item {
	uint64_t time, number;
	void *source;
	size_t size;
	char data[];
};

/* A binary heap, the oldest first. */
struct rawtp_order {
	struct item **items;
	size_t n, allocated, bytes;
	uint64_t window, next_number, late;
	uint64_t handed_on; /* the latest time of what was */
	rawtp_order_fn fn;
	void *context;
};

struct rawtp_order *rawtp_order_new(uint64_t window, rawtp_order_fn fn, void *context)
{
	struct rawtp_order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	order->window = window;
	order->fn = fn;
	order->context = context;
	return order;
}

static bool is_before(const struct item *one, const struct item *two)
{
	return one->time != two->time ? one->time < two->time : one->number < two->number;
}

static void swap(struct rawtp_order *order, size_t i, size_t j)
{
	struct item *item = order->items[i];

	order->items[i] = order->items[j];
	order->items[j] = item;
}

static struct item *take_oldest(struct rawtp_order *order)
{
	struct item *oldest = order->items[0];
	size_t i = 0, child;

	order->items[0] = order->items[--order->n];
	for (child = 1; child < order->n; child = 2 * i + 1) {
		if (child + 1 < order->n && is_before(order->items[child + 1], order->items[child]))
			child++;
		if (!is_before(order->items[child], order->items[i]))
			break;
		swap(order, child, i);
		i = child;
	}
	order->bytes -= sizeof(*oldest) + oldest->size;
	return oldest;
}

static void hand_on(struct rawtp_order *order)
{
	struct item *item = take_oldest(order);
	bool late = item->time < order->handed_on;

	order->late += late;
	if (!late)
		order->handed_on = item->time;
	order->fn(item->source, item->data, item->size, late, order->context);
	free(item);
}

static bool has_room(struct rawtp_order *order)
{
	size_t n = order->allocated ? 2 * order->allocated : 256;
	struct item **grown;

	if (order->n < order->allocated)
		return true;
	grown = realloc(order->items, n * sizeof(*grown));
	if (!grown)
		return false;
	order->items = grown;
	order->allocated = n;
	return true;
}

void rawtp_order_add(struct rawtp_order *order, uint64_t time, void *source, const void *data,
		     size_t size)
{
	struct item *item;
	size_t i;

	while (order->n && order->bytes + sizeof(*item) + size > RAWTP_ORDER_MAX_BYTES)
		hand_on(order);
	item = malloc(sizeof(*item) + size);
	if (!item || !has_room(order)) {
		/* Rather out of order than lost; the consumer takes what it is given for its own. */
		free(item);
		order->late++;
		order->fn(source, (void *)(uintptr_t)data, size, true, order->context);
		return;
	}
	item->time = time;
	item->number = order->next_number++;
	item->source = source;
	item->size = size;
	memcpy(item->data, data, size);
	order->bytes += sizeof(*item) + size;
	order->items[order->n++] = item;
	for (i = order->n - 1; i && is_before(order->items[i], order->items[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(order, i, (i - 1) / 2);
}

void rawtp_order_advance(struct rawtp_order *order, uint64_t now)
{
	while (order->n && order->items[0]->time + order->window <= now)
		hand_on(order);
}

void rawtp_order_flush(struct rawtp_order *order)
{
	while (order->n)
		hand_on(order);
}

uint64_t rawtp_order_late(const struct rawtp_order *order)
{
	return order->late;
}

void rawtp_order_free(struct rawtp_order *order)
{
	if (!order)
		return;
	while (order->n)
		free(take_oldest(order));
	free(order->items);
	free(order);
}
