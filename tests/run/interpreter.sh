#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests of whole programs once more, where programs are interpreted.
export RAWTP_JIT=0
failed=0
for name in engine_tail syscall_objects; do
	"$BUILD/tests/$name" | sed "s/^\(ok\|not ok\|skip\) /\1 interpreter /"
	((PIPESTATUS[0])) && failed=1
done
exit $failed
