#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Damaged files: cut short at many places, and with bits flipped. Whatever they hold, the command ends
# by itself with status 0 or 1, and a refusal is told (in one line where no report belongs to it).
. tests/cli/lib.sh

type -P python3 >/dev/null || skip_all "no python3 to damage files with"
program app || exit 1
bpf attach
strip -o "$dir/small" "$dir/app"

# The command takes the damaged file for @.
cat >"$dir/damage.py" <<'END'
import os, random, subprocess, sys

source, kind, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
command = sys.argv[4:]
good = open(source, "rb").read()
path = source + "." + kind
rng = random.Random(len(good))
bad = refused = 0
for i in range(count):
    data = bytearray(good)
    if kind == "cut":
        data = data[: len(good) * i // count]
    elif kind == "head":
        data[i % 64] ^= 1 << rng.randrange(8)
    elif kind == "bit":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        for _ in range(8):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    with open(path, "wb") as f:
        f.write(data)
    run = subprocess.run([a if a != "@" else path for a in command], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    told = run.stderr.decode(errors="replace").splitlines()
    refused += run.returncode == 1
    if run.returncode not in (0, 1) or (run.returncode and not told) or \
       (run.returncode and not told[-1 if told[0].endswith("left out") else 0].startswith("rawtp ")):
        print(f"case {i}: status {run.returncode}: {told[:3]}")
        os.rename(path, path + str(i))
        bad += 1
# What lies behind the last segment (section headers) is not needed to list a file.
if kind == "cut" and refused < count * 3 // 4:
    print(f"only {refused} of {count} files that were cut short were refused")
    bad += 1
sys.exit(bad != 0)
END
n=60
[[ $SAN ]] && n=15
damage() { # NAME FILE COMMAND...
	local name=$1 file=$2 kind
	shift 2
	for kind in cut head bit bytes; do
		check "$name-$kind" python3 "$dir/damage.py" "$file" $kind $n "$@"
	done
}
damage list "$dir/small" "$rawtp" list -v @
damage test "$dir/attach.bpf.o" "$rawtp" test @ on_tick 1 0

refuses fifo 1 'is no regular file' "$rawtp" list <(true)
: >"$dir/empty"
refuses empty-object 1 'is no ELF file' "$rawtp" test "$dir/empty" x
refuses foreign-object 1 'is no BPF object; compile it with' "$rawtp" test "$dir/app" x
refuses foreign-list 1 'is no program and no shared library' "$rawtp" list "$dir/attach.bpf.o"
exit $failed
