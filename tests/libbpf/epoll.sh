#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ring buffers in epoll sets: with the routes linked in, and preloaded.
set -u
. "$(dirname "$0")/lib.sh"
$CC $flags -rdynamic -o "$out/epoll_routed" $here/epoll.c tests/harness.c preload/route*.c $link || exit 1
$CC $flags -o "$out/epoll" $here/epoll.c tests/harness.c $link || exit 1
timeout 120 "$out/epoll_routed" 2>"$out/epoll.log" | sed 's/^\(not \)\?ok /&linked_/'
((PIPESTATUS[0] == 0)) || failed=1
if [[ $can_preload ]]; then
	RAWTP_TARGET=self LD_PRELOAD=$preload timeout 120 "$out/epoll" 2>>"$out/epoll.log" |
		sed 's/^\(not \)\?ok /&preloaded_/'
	((PIPESTATUS[0] == 0)) || failed=1
else
	echo "skip preloaded_epoll # under ThreadSanitizer"
fi
((failed)) && sed 's/^/    /' "$out/epoll.log"
exit $failed
