#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Puts the tables of a run of the benchmarks on this machine into doc/performance.md.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
{
	bench/peers/lttng.sh "$BUILD/bench/bench" -f markdown
	echo
	"$BUILD/bench/engines/engines" -f markdown "$BUILD/bench/engines/engines.bpf.o"
	echo
	FORMAT=markdown bench/mail_sum.sh
} >"$tables"
awk -v tables="$tables" '
	/^<!-- end -->/ { skip = 0 }
	!skip { print }
	/^<!-- tables -->/ {
		print ""
		while ((getline line < tables) > 0)
			print line
		print ""
		skip = 1
	}' doc/performance.md >"$tables.new"
mv "$tables.new" doc/performance.md
