/* SPDX-License-Identifier: MIT */
/*
 * The types that the kernel's trace-events-sample.h expects, and a program that passes its events
 * with a probe and with the recording path attached. Prints what TP_printk makes of each.
 */
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the header takes from the rest of the kernel. */
#define BITS_PER_BYTE       8
#define nr_cpumask_bits     64
#define num_possible_cpus() 64
typedef struct cpumask {
	unsigned long bits[1];
} cpumask_t;
#define cpumask_bits(mask) ((mask)->bits)
static inline size_t strlcpy(char *to, const char *from, size_t size)
{
	return (size_t)snprintf(to, size, "%s", from);
}

#define CREATE_TRACE_POINTS
#include "trace-events-sample.h"

static int registered;

int foo_bar_reg(void)
{
	registered++;
	return 0;
}

void foo_bar_unreg(void)
{
	registered--;
}

static unsigned long long buffer[128];

static void *reserve(struct rawtp_sink *to, size_t size)
{
	return size <= sizeof(buffer) ? buffer : NULL;
}

static void commit(struct rawtp_sink *to, void *entry, size_t size)
{
	char text[512];
	int (*print)(char *, size_t, const void *) = *(void **)(to + 1);

	print(text, sizeof(text), entry);
	printf("%s\n", text);
}

static struct printing_sink {
	struct rawtp_sink sink;
	void *print;
} sinks[16];

static void attach(const struct rawtp_event *event, struct printing_sink *to)
{
	to->sink = (struct rawtp_sink){reserve, commit};
	to->print = (void *)event->print;
	if (tracepoint_probe_register(event->tracepoint, event->record, to))
		printf("cannot register %s\n", event->name);
}

static void detach(const struct rawtp_event *event, struct printing_sink *to)
{
	if (tracepoint_probe_unregister(event->tracepoint, event->record, to))
		printf("cannot unregister %s\n", event->name);
}

static int probed;

static void probe(void *data, const char *foo, int bar)
{
	probed += bar;
}

/* The table that the macros made, as the library sees it. */
extern const struct rawtp_event *__start_rawtp_events[], *__stop_rawtp_events[];

static void each(void (*fn)(const struct rawtp_event *, struct printing_sink *))
{
	const struct rawtp_event **event;
	struct printing_sink *to = sinks;

	for (event = __start_rawtp_events; event < __stop_rawtp_events; event++)
		if (*event)
			fn(*event, to++);
}

static void pass_events(int cnt, const char *format, ...)
{
	static const int list[] = {1, 2, 3, 0};
	unsigned long mask = 0xdeadbeefUL;
	const struct cpumask cpus = {{0xf0f}};
	va_list va;

	va_start(va, format);
	trace_foo_bar("hello", cnt, list, "Gandalf", &cpus, format, &va);
	va_end(va);
	trace_foo_with_template_simple("HELLO", cnt);
	trace_foo_bar_with_cond("Some times print", cnt);
	trace_foo_with_template_cond("prints other times", cnt);
	trace_foo_with_template_print("I have to be different", cnt);
	trace_foo_rel_loc("Hello __rel_loc", cnt, &mask, &cpus);
	trace_foo_bar_with_fn("Look at me", cnt);
	trace_foo_with_template_fn("Look at me too", cnt);
}

int main(void)
{
	pass_events(10, "iter=%d", 10);
	each(attach);
	printf("registered %d\n", registered);
	pass_events(10, "iter=%d", 10);
	pass_events(8, "iter=%d", 8);
	each(detach);
	printf("registered %d\n", registered);
	register_trace_foo_with_template_simple(probe, NULL);
	pass_events(7, "iter=%d", 7);
	unregister_trace_foo_with_template_simple(probe, NULL);
	pass_events(7, "iter=%d", 7);
	printf("probed %d\n", probed);
	return 0;
}
