#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The kernel's own sample of an event header compiles unmodified and works, end to end; others of its
# event headers compile, given their types. All are taken out of Debian's linux-source-6.1 when the
# test runs.
. "$(dirname "$0")/lib.sh"
tarball=/usr/src/linux-source-6.1.tar.xz
header=linux-source-6.1/samples/trace_events/trace-events-sample.h

[[ -r $tarball ]] || { echo "no $tarball (package linux-source-6.1)"; exit 77; }
events=linux-source-6.1/include/trace/events
# Chosen for the macros that they use and the few types that they need.
others="bpf_test_run cma cpuhp error_report gpio host1x hwmon iommu ipi kyber lock nbd netlink
	printk qrtr regulator rseq scmi"
# Members are in order: no need to unpack all of it.
tar -xJf "$tarball" -C "$dir" --occurrence=1 "$header" $(printf "$events/%s.h " $others) ||
	{ echo "it lacks headers that are expected"; exit 77; }

expected='registered 2
foo hello 10 TEN BIT2|BIT4 {0x1,0x2,0x3} {0x1,0x2,0x3} Gandalf hello (00000000,00000f0f) (00000000,00000f0f) iter=10 [8] MASK
foo HELLO 10
foo Some times print 10
bar I have to be different 10
foo_rel_loc Hello __rel_loc, 10, 00000000,deadbeef, 00000000,00000f0f
foo Look at me 10
foo Look at me too 10
foo hello 8 EIGHT BIT4 {0x1,0x2,0x3} {0x1,0x2,0x3} Gandalf hell (00000000,00000f0f) (00000000,00000f0f) iter=8 [8] MASK
foo HELLO 8
foo prints other times 8
bar I have to be different 8
foo_rel_loc Hello __rel_loc, 8, 00000000,deadbeef, 00000000,00000f0f
foo Look at me 8
foo Look at me too 8
registered 0
probed 7'

for cc in $(compilers); do
	is_cxx "$cc" && continue # the header is C
	name="kernel sample header with $cc"
	if ! $cc -std=gnu11 -O2 -Wall -Werror $sanitize -I"$root/include/compat" -I"$root/include" \
		-I"$dir/${header%/*}" "$root/tests/tracepoint/sample_app.c" -o "$dir/app" \
		-L"$BUILD" -lrawtp -Wl,-rpath,"$BUILD" -pthread; then
		not_ok "$name" "does not compile"
		continue
	fi
	# %*pbl is the kernel's: libc prints the pointer.
	got=$("$dir/app" | sed 's/\] 0x[0-9a-f]*bl$/] MASK/')
	if [[ $got == "$expected" ]]; then
		ok "$name"
	else
		diff <(echo "$expected") <(echo "$got")
		not_ok "$name" "other output"
	fi
done

# Types for the others: as little as compiles. What they include of the kernel is empty.
mkdir -p "$dir/stub"
cat >"$dir/stub/types.h" <<'END'
#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>
#define TASK_COMM_LEN 16
#define MAJOR(dev) ((dev) >> 20)
#define MINOR(dev) ((dev) & 0xfffff)
#define BIT(n) (1UL << (n))
#define IS_ENABLED(option) 0
typedef u64 sector_t;
typedef u64 phys_addr_t;
typedef unsigned int gfp_t;
#define cpumask_bits(mask) ((const void *)(mask))
size_t strlcpy(char *to, const char *from, size_t size);
ssize_t strscpy(void *to, const void *from, size_t size);
unsigned int raw_smp_processor_id(void);
struct device;
const char *dev_name(const struct device *dev);
const char *dev_driver_string(const struct device *dev);
END
for h in $others; do
	file=$dir/$events/$h.h
	sed -nE 's,^#include <([^>]*)>.*,\1,p' "$file" |
		grep -vE '^(trace/define_trace.h|linux/tracepoint.h|linux/types.h)$' | while read -r stub; do
		mkdir -p "$dir/stub/${stub%/*}"
		: >"$dir/stub/$stub"
	done
	{
		echo '#include "types.h"'
		grep -ohE 'struct [a-zA-Z_0-9]+' "$file" | sort -u | sed 's/$/;/'
		printf '#define CREATE_TRACE_POINTS\n#include "%s.h"\n' "$h"
	} >"$dir/$h.c"
	for cc in $(compilers); do
		is_cxx "$cc" && continue
		name="kernel header $h.h with $cc"
		if $cc -std=gnu11 -O0 -Werror -I"$root/include/compat" -I"$root/include" -I"$dir/stub" \
			-I"$dir/${events%/trace/events}" -I"$dir/$events" -c "$dir/$h.c" \
			-o "$dir/$h.o" >"$dir/log" 2>&1 && objdump -h "$dir/$h.o" | grep -q rawtp_sites; then
			ok "$name"
		else
			grep -m 5 error "$dir/log"
			not_ok "$name" "does not compile"
		fi
	done
done
exit $failed
