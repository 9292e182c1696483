/* SPDX-License-Identifier: MIT */
/*
 * What a tracepoint leaves behind in the object file that defines it, for the library (which finds
 * it when the object is loaded) and for tools that read the file (which need not run). Types only:
 * including this emits nothing.
 *
 * An object (a program or a shared library) with tracepoints has
 *
 *   section rawtp_events  pointers to struct rawtp_event; NULL entries are to be skipped
 *   section rawtp_sites   struct rawtp_site, one for each place that tests a tracepoint
 *   an ELF note           struct rawtp_note, in a PT_NOTE segment, which says where both are;
 *                         it survives strip. There may be two of the same tables (see
 *                         registry.c): readers take the first
 *
 * In a file that is not loaded, a pointer field of struct rawtp_event, struct tracepoint, struct
 * rawtp_arg and the entries of rawtp_events hold the virtual address in place where the file is
 * linked to a fixed address (ET_EXEC) or where DT_RELR covers them; otherwise the address is the
 * addend of the R_*_RELATIVE relocation (.rela.dyn) at the field's address. All of them point into
 * the same file, and none needs another kind of relocation, but those of functions that the file
 * takes from elsewhere (none of the fields below are).
 */
#ifndef RAWTP_RECORD_H
#define RAWTP_RECORD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define RAWTP_RECORD_VERSION 1
#define RAWTP_MAX_ARGS       12

/* One probe, as in the kernel. Arrays of them end with func == NULL. */
struct tracepoint_func {
	void *func;
	void *data;
	int prio;
	void *direct; /* the library's: the tracepoint's entry while this probe is the only one */
};

struct rawtp_object;

/* The kernel's record. Members after @name are the library's. */
struct tracepoint {
	const char *name;
	int32_t enabled;     /* read by sites of the "branch" kind */
	uint32_t first_site; /* 1 + index in the object's sites; 0: none */
	int (*regfunc)(void);
	void (*unregfunc)(void);
	struct tracepoint_func *funcs; /* NULL while nobody listens */
	struct rawtp_object *object;   /* NULL until its object is registered */
	/*
	 * What a site that is on calls, never NULL:
	 *
	 *	int entry(struct tracepoint *this, the tracepoint's arguments)
	 *
	 * At first, and where nothing better is, the walk along @funcs (__traceiter_NAME). Otherwise
	 * machine code that does all that the walk would have done, for the only probe; it stays
	 * where it is for ever, and calls @walk where it has become somebody else's.
	 */
	void *entry;
	void *walk; /* what @entry was at first; set by the library */
};

#define RAWTP_ARG_SIGNED  1u /* integers, and enums whose type is signed */
#define RAWTP_ARG_POINTER 2u
#define RAWTP_ARG_FLOAT   4u /* float, double, what has registers like them: its bits are passed */
#define RAWTP_ARG_STRUCT  8u /* struct or union by value: its bytes are passed */

/* One argument. 16 bytes on 64-bit machines. */
struct rawtp_arg {
	const char *name; /* as written in TP_ARGS */
	uint8_t size;     /* 1, 2, 4 or 8 */
	uint8_t flags;    /* RAWTP_ARG_* */
	uint8_t zero[6];
};

/*
 * Where TP_fast_assign puts its bytes. The recording path implements it.
 * reserve(): @size bytes aligned to 8, or NULL to drop the event. commit(): they are written.
 */
struct rawtp_sink {
	void *(*reserve)(struct rawtp_sink *sink, size_t size);
	void (*commit)(struct rawtp_sink *sink, void *entry, size_t size);
};

/* One member of TP_STRUCT__entry, for the description of recorded events. */
struct rawtp_field {
	const char *type;
	const char *name;
	uint32_t offset; /* in the entry */
	uint32_t size;   /* bytes; 4 for dynamic ones: a (length << 16 | offset) word */
	uint8_t is_signed;
	uint8_t dynamic; /* 1: __data_loc, offset from the entry's start; 2: __rel_loc */
	uint8_t zero[6];
};

#define RAWTP_EVENT_BRANCH 1u /* compiled to test a flag, not to be patched */

/*
 * One tracepoint with its types. @size: sizeof(struct rawtp_event) of who compiled it; later
 * versions add members at the end. 104 bytes on 64-bit machines.
 */
struct rawtp_event {
	uint32_t version; /* RAWTP_RECORD_VERSION */
	uint32_t size;
	uint32_t flags; /* RAWTP_EVENT_* */
	uint32_t n_args;
	const char *name;
	const char *system;     /* TRACE_SYSTEM, or "" */
	const char *class_name; /* of DECLARE_EVENT_CLASS; the event's own name where it has none */
	const char *proto;      /* "const struct net_device *dev, u32 act"; "void" */
	struct tracepoint *tracepoint;
	const struct rawtp_arg *args; /* n_args of them */
	/* void (*)(void *data, proto): __bpf_trace_<class>, jumps to bpf_trace_run<n_args>(). */
	void *thunk;
	/*
	 * NULL below for DECLARE_TRACE, which records nothing.
	 * record: a probe, void (*)(void *data, proto), whose data is a struct rawtp_sink *.
	 * print: TP_printk of @entry, as snprintf(): returns the length that it would have.
	 */
	void *record;
	int (*print)(char *buf, size_t size, const void *entry);
	const struct rawtp_field *(*fields)(void); /* ends with name == NULL */
	uint32_t entry_size;                       /* of its fixed part, header included */
	uint32_t zero;
};

/* Begins every recorded entry; the kernel's layout. */
struct trace_entry {
	uint16_t type;
	uint8_t flags;
	uint8_t preempt_count;
	int32_t pid; /* thread */
};

/*
 * One place in the text. Every member is an offset from its own address, so that the table needs
 * no relocation. An entry whose tracepoint is 0 is to be skipped.
 */
struct rawtp_site {
	int32_t code;       /* the instruction to be patched */
	int32_t target;     /* where it jumps to when on; 0: a load and test, not patched */
	int32_t tracepoint; /* its struct tracepoint */
};

#define RAWTP_NOTE_NAME "rawtp"
#define RAWTP_NOTE_TYPE 1

/*
 * The note's descriptor: 56 bytes, aligned to 4 only. The last five are offsets from the address of
 * the member itself: to the start and the end of the tables, and to the struct rawtp_object.
 */
struct rawtp_note {
	uint32_t version;    /* RAWTP_RECORD_VERSION */
	uint32_t event_size; /* sizeof(struct rawtp_event) */
	uint32_t arg_size;   /* sizeof(struct rawtp_arg) */
	uint32_t site_size;  /* sizeof(struct rawtp_site) */
	int64_t events_start, events_stop;
	int64_t sites_start, sites_stop;
	int64_t object;
} __attribute__((packed));

/* What the object's constructor announces; in the object's data, written by the library. */
struct rawtp_object {
	uint32_t version;
	uint32_t size;
	const struct rawtp_event **events_start, **events_stop;
	const struct rawtp_site *sites_start, *sites_stop;
	/* The library's, zero at first. */
	struct rawtp_object *next;
	uint32_t *next_site; /* chains of sites by tracepoint: 1 + index, 0 ends */
	void *private_data[2];
};

/*
 * Called by the constructor and the destructor of every object with tracepoints, once for each
 * object however many of its files use them; further calls do nothing. Not async-signal-safe.
 */
void rawtp_object_register(struct rawtp_object *object);
void rawtp_object_unregister(struct rawtp_object *object);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
