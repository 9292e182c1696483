/* SPDX-License-Identifier: MIT */
/*
 * What comes over the agent's socket. Even first byte: messages of a client to the agent, with
 * descriptors of every kind, programs and maps whose bytes were changed among them. Odd: answers of a
 * target to a client, with the memfd that a list is in.
 *
 * Input, agent: messages of {flags, number of descriptors, their kinds, size u16, bytes}.
 * Input, client: command, flags, size u16, the answer's bytes; the rest is the list.
 */
#include "fuzz.h"

#include "agent/internal.h"
#include "client/internal.h"
#include "rawtp/bpf.h"
#include "rawtp/tracepoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

DECLARE_TRACE(fuzz_event, TP_PROTO(uint64_t value), TP_ARGS(value));
DEFINE_TRACE(fuzz_event, TP_PROTO(uint64_t value), TP_ARGS(value));

#define MAX_MESSAGES 6
#define MAX_KINDS    8
#define PROPER_HEAD  1 /* flag: size, version and id are what they should be */
#define NAMED        2 /* flag: the tracepoint is ours */

static int prog_fd = -1, map_fd = -1;

/* The agent's thread, which is not here. */
void rawtp_agent_go(void)
{
}

static void set_up(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 2,
		 .src_reg = BPF_PSEUDO_MAP_IDX_VALUE},
		{0},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 2, .src_reg = 0, .imm = BPF_ADD},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	map_fd = rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(*insns);
	attr.license = (uintptr_t) "GPL";
	attr.fd_array = (uintptr_t)&map_fd;
	prog_fd = rawtp_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	FUZZ_CHECK(map_fd >= 0 && prog_fd >= 0);
	rawtp_session_init();
}

/* A file as @fd's, some bytes of which are the input's; with all seals where @sealed. */
static int changed_copy(struct fuzz_input *input, int fd, bool sealed)
{
	static uint8_t bytes[65536];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	int copy = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint32_t changes = fuzz_u8(input) % 5, at;

	FUZZ_CHECK(n > 0 && copy >= 0);
	while (changes--) {
		at = fuzz_u16(input);
		/* A map's header is its last page. */
		if (at & 0x8000 && n > 4096)
			at = (uint32_t)n - 4096 + at % 128;
		bytes[at % n] = fuzz_u8(input);
	}
	FUZZ_CHECK(write(copy, bytes, (size_t)n) == n);
	fcntl(copy, F_ADD_SEALS,
	      sealed ? F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL
		     : F_SEAL_SHRINK | F_SEAL_GROW);
	return copy;
}

static int stats_file(size_t size)
{
	int fd = memfd_create("stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(ftruncate(fd, (off_t)size) == 0);
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

/* A descriptor of a kind; @keep: what must stay open while it is in use, or -1. */
static int make_fd(struct fuzz_input *input, uint8_t kind, int *keep)
{
	int pair[2];

	*keep = -1;
	switch (kind % 8) {
	case 0:
		return dup(prog_fd);
	case 1:
		return dup(map_fd);
	case 2:
		FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
		*keep = pair[1];
		return pair[0];
	case 3:
		return stats_file(1u << (kind >> 3));
	case 4:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 5:
		return changed_copy(input, prog_fd, true);
	case 6:
		return changed_copy(input, map_fd, false);
	default:
		return changed_copy(input, prog_fd, kind & 8);
	}
}

static void send_fds(int sock, const void *message, size_t size, const int *fds, uint32_t n_fds)
{
	char control[CMSG_SPACE(sizeof(int) * MAX_KINDS)] = {0};
	struct iovec iov = {(void *)(uintptr_t)message, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (n_fds) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void one_message(struct fuzz_input *input, int sock)
{
	union {
		struct rawtp_message head;
		struct rawtp_request_attach attach;
		char bytes[1024];
	} message;
	uint8_t flags = fuzz_u8(input), kind;
	uint32_t n_fds = fuzz_u8(input) % MAX_KINDS, size, i;
	int fds[MAX_KINDS], keep[MAX_KINDS];
	struct pollfd polled[RAWTP_SESSIONS];

	for (i = 0; i < n_fds; i++) {
		kind = fuzz_u8(input);
		fds[i] = make_fd(input, kind, &keep[i]);
	}
	size = fuzz_u16(input) % sizeof(message);
	memset(&message, 0, sizeof(message));
	fuzz_take(input, &message, size);
	if (flags & NAMED)
		strcpy(message.attach.tracepoint, "fuzz_event");
	if (flags & PROPER_HEAD) {
		size = flags & NAMED ? sizeof(message.attach) : size;
		message.head.size = size;
		message.head.version = RAWTP_WIRE_VERSION;
		message.head.error = 0;
		message.head.type %= RAWTP_COMMAND_COUNT;
	}
	send_fds(sock, &message, size, fds, n_fds);
	for (i = 0; i < n_fds; i++)
		close(fds[i]);
	rawtp_session_poll(polled);
	for (i = 0; i < RAWTP_SESSIONS; i++)
		polled[i].revents = POLLIN;
	rawtp_session_serve(polled);
	trace_fuzz_event(size);
	for (i = 0; i < n_fds; i++)
		if (keep[i] >= 0)
			close(keep[i]);
	while (rawtp_kept_reap())
		;
}

static void be_client(struct fuzz_input *input)
{
	uint32_t i;
	int pair[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ==
		   0);
	rawtp_session_add(pair[0]);
	for (i = 0; i < MAX_MESSAGES && input->left; i++)
		one_message(input, pair[1]);
	rawtp_kept_detach_all();
	rawtp_session_close_all();
	close(pair[1]);
	FUZZ_CHECK(rawtp_kept_count() == 0);
}

static int see_event(const struct rawtp_client_event *event, void *data)
{
	uint32_t i;

	*(size_t *)data += strlen(event->name) + strlen(event->object) + event->n_sites;
	for (i = 0; i < event->n_args; i++)
		*(size_t *)data += strlen(event->args[i].name) + strlen(event->args[i].type);
	return 0;
}

static int see_link(const struct rawtp_client_link_info *link, void *data)
{
	*(size_t *)data += strlen(link->tracepoint) + strlen(link->program);
	return 0;
}

static int list_file(const struct fuzz_input *input)
{
	int fd = memfd_create("list", MFD_CLOEXEC);

	FUZZ_CHECK(write(fd, input->at, input->left) == (ssize_t)input->left);
	return fd;
}

static void be_target(struct fuzz_input *input)
{
	uint8_t command = fuzz_u8(input) % RAWTP_COMMAND_COUNT, flags = fuzz_u8(input);
	uint32_t size = fuzz_u16(input) % 512;
	union {
		struct rawtp_message head;
		struct rawtp_reply_blob blob;
		char bytes[512];
	} answer;
	struct rawtp_client *client = calloc(1, sizeof(*client));
	size_t seen = 0;
	char log[64];
	int pair[2], list;

	memset(&answer, 0, sizeof(answer));
	fuzz_take(input, &answer, size);
	list = list_file(input);
	if (flags & PROPER_HEAD) {
		if (command == RAWTP_COMMAND_LIST || command == RAWTP_COMMAND_LINKS)
			answer.blob =
				(struct rawtp_reply_blob){.blob_size = input->left, .n = flags};
		size = size < sizeof(answer.blob) ? sizeof(answer.blob) : size;
		answer.head = (struct rawtp_message){.size = size,
						     .type = command | RAWTP_WIRE_REPLY,
						     .version = RAWTP_WIRE_VERSION,
						     .id = 1};
	}
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ==
		   0);
	client->sock = pair[0];
	send_fds(pair[1], &answer, size, &list, !(flags & 4));
	shutdown(pair[1], SHUT_WR);
	if (command == RAWTP_COMMAND_LIST)
		rawtp_client_list(client, see_event, &seen);
	else if (command == RAWTP_COMMAND_LINKS)
		rawtp_client_links(client, see_link, &seen);
	else if (command == RAWTP_COMMAND_ATTACH)
		rawtp_client_attach(client, prog_fd, "fuzz_event", pair[1], -1, 0, log,
				    sizeof(log));
	else if (command == RAWTP_COMMAND_DETACH)
		rawtp_client_detach(client, 1);
	else
		rawtp_client_hello(client, 100);
	close(list);
	close(pair[1]);
	close(pair[0]);
	free(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (prog_fd < 0)
		set_up();
	if (fuzz_u8(&input) & 1)
		be_target(&input);
	else
		be_client(&input);
	return 0;
}
