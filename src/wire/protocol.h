/* SPDX-License-Identifier: MIT */
/*
 * What client and agent say to each other, over one SOCK_SEQPACKET unix socket: one message is one
 * request or one reply, and every request gets one reply, in order. Both sides are of one machine,
 * so numbers are in its own byte order. File descriptors travel beside a message (SCM_RIGHTS).
 *
 * Each side takes the other for hostile: a message whose size, type, version or number of
 * descriptors is not what the table says is refused, and ends the session.
 */
#ifndef RAWTP_WIRE_PROTOCOL_H
#define RAWTP_WIRE_PROTOCOL_H

#include <stdint.h>

#define RAWTP_WIRE_VERSION 1
#define RAWTP_WIRE_REPLY   0x8000 /* in the type of a reply, beside the type of its request */
#define RAWTP_NAME_SIZE    256    /* of a tracepoint, with its NUL */
#define RAWTP_WIRE_MAPS    64     /* of one program */
#define RAWTP_WIRE_FDS     (3 + RAWTP_WIRE_MAPS)
#define RAWTP_WIRE_REQUEST 512         /* bytes: more than any request */
#define RAWTP_WIRE_ANSWER  (64 * 1024) /* bytes: more than any reply */
#define RAWTP_WIRE_BLOB    (64 << 20)  /* bytes: more than any list */
#define RAWTP_WIRE_LOG     (RAWTP_WIRE_ANSWER - 1024)

/*
 * The commands: NAME, handler and struct suffix, and how many descriptors a request brings.
 * The numbers on the wire are the order of this list.
 */
#define RAWTP_COMMANDS(X)                    \
	X(HELLO, hello, 0, 0)                \
	X(LIST, list, 0, 0)                  \
	X(LINKS, links, 0, 0)                \
	X(ATTACH, attach, 2, RAWTP_WIRE_FDS) \
	X(DETACH, detach, 0, 0)              \
	X(GO, go, 0, 0)                      \
	X(LEND, lend, 1, RAWTP_WIRE_FDS)

enum rawtp_command {
#define RAWTP_COMMAND_NUMBER(NAME, name, min_fds, max_fds) RAWTP_COMMAND_##NAME,
	RAWTP_COMMANDS(RAWTP_COMMAND_NUMBER)
#undef RAWTP_COMMAND_NUMBER
		RAWTP_COMMAND_COUNT
};

/* Begins every message. */
struct rawtp_message {
	uint32_t size; /* of the whole message, this included */
	uint16_t type;
	uint16_t version;
	uint32_t id;   /* of the request; its reply repeats it */
	int32_t error; /* replies: 0 or -errno; requests: 0 */
};

/* Requests. */
struct rawtp_request_hello {
	struct rawtp_message head;
};
struct rawtp_request_list {
	struct rawtp_message head;
};
struct rawtp_request_links {
	struct rawtp_message head;
};
struct rawtp_request_go {
	struct rawtp_message head;
};
struct rawtp_request_detach {
	struct rawtp_message head;
	uint64_t link_id;
};

#define RAWTP_WIRE_TAILS 63 /* programs lent for one ATTACH */

/*
 * A program that the next ATTACH may go to by tail calls. Descriptors: program, the program's maps.
 * The reply is that of ATTACH, without a link.
 */
struct rawtp_request_lend {
	struct rawtp_message head;
	uint32_t n_maps;
	uint32_t log_level;
};

#define RAWTP_ATTACH_STATS 1u /* the third descriptor is a memfd for struct rawtp_link_stats */

/* Descriptors: program, link end, [stats,] the program's maps in its order. */
struct rawtp_request_attach {
	struct rawtp_message head;
	uint64_t cookie;
	uint32_t flags;
	uint32_t n_maps;
	uint32_t log_level;
	uint32_t pad;
	char tracepoint[RAWTP_NAME_SIZE];
};

/* Replies. GO and DETACH have the head alone; so has every refusal but those of ATTACH, LEND. */
struct rawtp_reply_hello {
	struct rawtp_message head;
	int32_t pid; /* as the target sees itself */
	uint32_t uid;
	uint32_t n_events;
	uint32_t n_links;
};

/*
 * LIST and LINKS answer with a memfd that holds a blob (wire/blob.h), however long it is: the agent
 * has no part in how fast it is read.
 *   LIST:  per event: strings name, system, class, object, site kind, prototype; u32 sites,
 *          attached, args; per argument: string name; u32 size, flags (RAWTP_ARG_*)
 *   LINKS: per link: u64 id, hits, misses; u32 holder; strings tracepoint, program
 */
struct rawtp_reply_blob {
	struct rawtp_message head;
	uint64_t blob_size; /* bytes */
	uint32_t n;         /* entries */
	uint32_t pad;
};

/* Behind it lies the log: text without NUL, to the message's end. */
struct rawtp_reply_attach {
	struct rawtp_message head;
	uint64_t link_id;
};

#endif
