/* SPDX-License-Identifier: MIT */
/* An intrusive doubly linked list with a head, in the kernel's manner. Not thread-safe by itself. */
#ifndef RAWTP_BASE_LIST_H
#define RAWTP_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rawtp_list {
	struct rawtp_list *next, *prev;
};

#define RAWTP_LIST_INIT(name)    \
	{                        \
		&(name), &(name) \
	}

static inline void rawtp_list_init(struct rawtp_list *head)
{
	head->next = head->prev = head;
}

static inline bool rawtp_list_empty(const struct rawtp_list *head)
{
	return head->next == head;
}

static inline void rawtp_list_add_tail(struct rawtp_list *node, struct rawtp_list *head)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Takes @node out and leaves it an empty list, so that a second call does no harm. */
static inline void rawtp_list_del(struct rawtp_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	rawtp_list_init(node);
}

#define rawtp_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define rawtp_list_for_each(pos, head, member)                                 \
	for (pos = rawtp_container_of((head)->next, __typeof__(*pos), member); \
	     &pos->member != (head);                                           \
	     pos = rawtp_container_of(pos->member.next, __typeof__(*pos), member))

#define rawtp_list_for_each_safe(pos, tmp, head, member)                          \
	for (pos = rawtp_container_of((head)->next, __typeof__(*pos), member),    \
	    tmp = rawtp_container_of(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head);                                              \
	     pos = tmp, tmp = rawtp_container_of(tmp->member.next, __typeof__(*tmp), member))

#endif
