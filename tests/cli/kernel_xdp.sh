#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/xdp_exception: one object file counts exactly, in a program and in the kernel. The packets
# go between two network namespaces that this test makes, and nowhere else.
. tests/cli/lib.sh

ex=$BUILD/examples/xdp_exception
object=$ex/xdp_exception.bpf.o
[[ -e $object && -x $ex/xdp_exception ]] || skip_all "no examples here"

# A program: 50 packets of each action on each device.
"$rawtp" run --json -o "$dir/report" "$object" -- "$ex/xdp_exception" 1000 >"$dir/out"
check user-output grep -qx '800 of 1000 packets passed' "$dir/out"
have_json && check user-counts json "$dir/report" 'sorted((e["key"]["action"], e["key"]["ifindex"], e["value"])
	for e in j["maps"][0]["entries"]) ==
	[("XDP_ABORTED", 1, 50), ("XDP_ABORTED", 2, 50), ("XDP_TX", 1, 50), ("XDP_TX", 2, 50)]'

unable() {
	((failed)) && exit 1
	skip_all "the kernel's half: $*"
}
"$rawtp" test -k "$object" on_exception 0 0 0 >/dev/null 2>&1 || unable "its bpf(2) is not permitted here"
type -P ip nsenter >/dev/null || unable "no ip or nsenter"
have_json || unable "no python3"

# XDP: frames of the first experimental type are aborted, others pass.
"$CLANG" -O2 -g -target bpf -x c -idirafter "/usr/include/$("$CC" -print-multiarch)" -c -o "$dir/abort.bpf.o" - <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int abort_88b5(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_PASS;
	return *(__u16 *)(data + 12) == bpf_htons(0x88b5) ? XDP_ABORTED : XDP_PASS;
}
char LICENSE[] SEC("license") = "GPL";
END
# send DEVICE N: N frames of each experimental type, few at a time, since a veth's queue is short.
cat >"$dir/send.c" <<'END'
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	unsigned char frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
	long i, n = argc > 2 ? atol(argv[2]) : 0;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	for (i = 0; i < 2 * n; i++) {
		frame[13] = i % 2 ? 0xb6 : 0xb5;
		if (sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) != sizeof(frame))
			return 1;
		if (i % 16 == 15)
			usleep(1000);
	}
	usleep(20000);
	return 0;
}
END
"$CC" -o "$dir/send" "$dir/send.c" || exit 1

# Two namespaces, each held open by a process; the links vanish with them.
unshare -n sleep 300 2>/dev/null &
left=$!
unshare -n sleep 300 2>/dev/null &
right=$!
pids+=("$left" "$right")
here=$(readlink /proc/self/ns/net)
for ((i = 0; i < 100; i++)); do
	[[ $(readlink "/proc/$left/ns/net") != "$here" && $(readlink "/proc/$right/ns/net") != "$here" ]] && break
	sleep 0.02
done
((i < 100)) && kill -0 "$left" "$right" 2>/dev/null || unable "no network namespace can be made"
in_ns() { nsenter -t "$1" -n "${@:2}"; }
in_ns "$left" ip link add name left index 101 type veth peer name right index 102 netns "$right" 2>/dev/null ||
	unable "no veth pair can be made"
in_ns "$left" ip link set dev left xdp obj "$dir/abort.bpf.o" sec xdp 2>/dev/null &&
	in_ns "$right" ip link set dev right xdp obj "$dir/abort.bpf.o" sec xdp 2>/dev/null ||
	unable "XDP cannot be attached to a veth"
in_ns "$left" ip link set dev left up && in_ns "$right" ip link set dev right up || unable "links do not come up"

: >"$dir/kernel"
"$rawtp" attach -k --json "$object" >"$dir/kernel" 2>"$dir/err" &
tracer=$!
pids+=("$tracer")
for ((i = 0; i < 200; i++)); do
	grep -q '"targets"' "$dir/kernel" && break
	sleep 0.05
done
check kernel-send-right in_ns "$left" "$dir/send" left 700
check kernel-send-left in_ns "$right" "$dir/send" right 300
kill -INT "$tracer"
wait "$tracer"
check kernel-status test $? = 0
check kernel-counts json "$dir/kernel" 'sorted((e["key"]["action"], e["key"]["ifindex"], e["value"])
	for e in j["maps"][0]["entries"]) == [("XDP_ABORTED", 101, 300), ("XDP_ABORTED", 102, 700)] and
	j["totals"][0]["events"] == 1000 and j["totals"][0]["misses"] == 0'
check kernel-nothing-outside test -z "$(ip -o link show 2>/dev/null | grep -E '^10[12]: (left|right)')"
exit $failed
