#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What clang makes of everyday programs, for three versions of its CPU: each is taken here, and runs
# as in the kernel, where that permits it. What a kernel of its age refuses is not held against it.
. tests/e2e/lib.sh
source=tests/verifier/shapes.bpf.c
programs=$(sed -n 's/^SEC("raw_tp\/\(.*\)")$/\1/p' $source)
cpu=$(taskset -pc $$ | grep -oE '[0-9]+([,-][0-9]+)*$' | grep -oE '^[0-9]+')
arguments=(5 3 9 1 0 1 2 3 4 5 6 7)

# run WHERE PROGRAM [OPTION]: the results in $work/WHERE
run() {
	taskset -c "$cpu" "$RAWTP" test --json ${3:+"$3"} "$object" "$2" "${arguments[@]}" \
		>"$work/$1" 2>"$work/$1.err"
}

for version in v1 v2 v3; do
	object=$work/shapes-$version.bpf.o
	"${CLANG:-clang}" -O2 -g -target bpf -mcpu=$version -Wall -Iinclude \
		-I"/usr/include/$(uname -m)-linux-gnu" -c -o "$object" $source || exit 1
	for program in $programs; do
		if ! run here "$program"; then
			not_ok "${program}_$version"
			sed 's/^/    /' "$work/here.err"
		elif run kernel "$program" -k && ! cmp -s "$work/here" "$work/kernel"; then
			not_ok "${program}_$version"
			diff "$work/here" "$work/kernel" | sed 's/^/    /'
		else
			ok "${program}_$version"
		fi
	done
done
finish
