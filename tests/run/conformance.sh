#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The public conformance cases of eBPF engines on each engine here, through vm-run. The cases are not
# ours: CONFORMANCE names the folder of their .data files (tests/ of the bpf_conformance project).
# Its own runner takes vm-run as a plugin; this needs python only, which assembles them.
set -u
cases=${CONFORMANCE:-}
if [[ -z $cases ]]; then
	echo "CONFORMANCE does not name a folder of .data files"
	exit 77
fi
if ! command -v python3 >/dev/null; then
	echo "python3 is not installed"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# A line a case: name, expected r0, program, memory; "-" is none.
cat >"$dir/assemble.py" <<'END'
import glob, os, re, struct, sys
ALU = "add sub mul div or and lsh rsh neg mod xor mov arsh".split()
JUMP = {name: code for code, name in enumerate("ja jeq jgt jge jset jne jsgt jsge call exit jlt jle jslt jsle".split())}
SIZE = {"w": 0x00, "h": 0x08, "b": 0x10, "dw": 0x18}
ATOMIC = {"add": 0x00, "or": 0x40, "and": 0x50, "xor": 0xa0, "xchg": 0xe1, "cmpxchg": 0xf1}
MOVSX = {"movsx832": (0xbc, 8), "movsx1632": (0xbc, 16), "movsx864": (0xbf, 8), "movsx1664": (0xbf, 16),
         "movsx3264": (0xbf, 32)}

def number(text): return int(text, 0)
def reg(text): return int(text[2:]) if re.fullmatch(r"%r\d+", text) else None
def memory(text):
    base, off = re.fullmatch(r"\[%r(\d+)([+-]\w+)?\]", text).groups()
    return int(base), number(off or "0")
def slot(code, dst=0, src=0, off=0, imm=0):
    imm &= 0xffffffff
    return struct.pack("<BBhI", code, dst | src << 4, off, imm)

def alu(name, args):
    wide = not name.endswith("32")
    name = name if wide else name[:-2]
    signed = name in ("sdiv", "smod")
    code = ALU.index(name[1:] if signed else name) << 4 | (7 if wide else 4)
    src = reg(args[1]) if len(args) > 1 else None
    if src is not None:
        return slot(code | 8, reg(args[0]), src, signed)
    return slot(code, reg(args[0]), 0, signed, number(args[1]) if len(args) > 1 else 0)

def jump(name, args, here):
    wide = not name.endswith("32")
    code = JUMP[name if wide else name[:-2]] << 4 | (5 if wide else 6)
    to = here(args[-1])
    if len(args) == 1:
        return slot(code, off=to if wide else 0, imm=0 if wide else to)
    if reg(args[1]) is not None:
        return slot(code | 8, reg(args[0]), reg(args[1]), to)
    return slot(code, reg(args[0]), 0, to, number(args[1]))

def insn(name, args, here):
    base = name[:-2] if name.endswith("32") else name
    swap = re.fullmatch(r"(le|be|swap|bswap)(16|32|64)", name)
    move = re.fullmatch(r"(ldxs?|stx?)(b|h|w|dw)", name)
    if name == "lock":
        fetch = args[0] == "fetch"
        op, where, value = args[1:] if fetch else args
        wide = not op.endswith("32")
        base, off = memory(where)
        return slot(0xdb if wide else 0xc3, base, reg(value), off, ATOMIC[op if wide else op[:-2]] | fetch)
    if name == "lddw":
        value = number(args[1]) & (1 << 64) - 1
        return slot(0x18, reg(args[0]), 0, 0, value) + slot(0, imm=value >> 32)
    if swap:
        return slot({"le": 0xd4, "be": 0xdc}.get(swap[1], 0xd7), reg(args[0]), imm=number(swap[2]))
    if name in MOVSX:
        return slot(MOVSX[name][0], reg(args[0]), reg(args[1]), MOVSX[name][1])
    if move:
        size = SIZE[move[2]]
        if move[1].startswith("ldx"):
            base, off = memory(args[1])
            return slot(size | (0x81 if move[1] == "ldxs" else 0x61), reg(args[0]), base, off)
        base, off = memory(args[0])
        if move[1] == "stx":
            return slot(size | 0x63, base, reg(args[1]), off)
        return slot(size | 0x62, base, 0, off, number(args[1]))
    if name == "call":
        if args[0] == "local":
            return slot(0x85, 0, 1, 0, here(args[1]))
        if reg(args[0]) is not None:
            raise LookupError("call by register is in no group of RFC 9669")
        return slot(0x85, imm=number(args[0]))
    if name == "exit":
        return slot(0x95)
    return jump(name, args, here) if base in JUMP else alu(name, args)

def assemble(lines):
    labels, statements, at = {}, [], 0
    for line in lines:
        line = line.split("#")[0].strip()
        while match := re.match(r"(\w+):\s*", line):
            labels[match[1]] = at
            line = line[match.end():]
        if not line:
            continue
        name, _, rest = line.partition(" ")
        if name == "exit":
            labels.setdefault("exit", at)
        args = [arg for part in re.sub(r"\s*([+-])\s*(?=\w+\])", r"\1", rest).split(",") for arg in part.split()]
        statements.append((at, name, args))
        at += 2 if name == "lddw" else 1
    code = b""
    for at, name, args in statements:
        def here(to): return labels[to] - at - 1 if to in labels else number(to)
        code += insn(name, args, here)
    return code

for path in sorted(glob.glob(os.path.join(sys.argv[1], "**", "*.data"), recursive=True)):
    parts, part = {}, None
    for line in open(path):
        if line.startswith("-- "):
            part = line[3:].strip()
            parts[part] = []
        elif part:
            parts[part].append(line)
    name = os.path.basename(path)[:-5]
    try:
        code = assemble(parts["asm"]).hex()
    except LookupError as why:
        print(f"skip {name} # {why}")
        continue
    result = "".join(line.split("#")[0] for line in parts["result"]).strip()
    data = "".join("".join(line.split("#")[0].split()) for line in parts.get("mem", []))
    print("case", name, f"{number(result) & (1 << 64) - 1:x}", code, data or "-")
END
python3 "$dir/assemble.py" "$cases" >"$dir/cases" || { echo "not ok assembling the cases"; exit 1; }
grep '^skip ' "$dir/cases"

failed=0
run_all() { # engine, vm-run...
	local engine=$1 kind name expected code memory got n=0 wrong=0
	shift
	while read -r kind name expected code memory; do
		[[ $kind == case ]] || continue
		[[ $memory == - ]] && memory=
		got=$("$@" ${memory:+"$memory"} <<<"$code" 2>&1)
		n=$((n + 1))
		[[ $got == "$expected" ]] && continue
		echo "not ok $engine $name: $got, not $expected"
		wrong=$((wrong + 1))
	done <"$dir/cases"
	((wrong)) && failed=1
	((n && !wrong)) && echo "ok $engine: $n cases" || { echo "not ok $engine: $wrong of $n"; failed=1; }
}

run_all interpreter "$BUILD/tests/vm-run" --engine interp
if "$BUILD/tests/vm-run" <<<"b700000000000000 9500000000000000" >"$dir/out" 2>&1; then
	run_all "$(uname -m)" "$BUILD/tests/vm-run" --engine jit
else
	echo "skip $(uname -m) # no JIT for this CPU, or executable memory is refused"
fi
# Made by arm64.sh.
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
if [[ $qemu && -x $BUILD/arm64/tests/vm-run ]]; then
	run_all arm64 "$qemu" "$BUILD/arm64/tests/vm-run" --engine jit
else
	echo "skip arm64 # qemu or the build for arm64 is missing"
fi
exit $failed
