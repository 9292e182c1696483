#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A check that cannot fail shows nothing: each is run on a small tree with one thing wrong, and must
# refuse it for that reason; and on the same tree without it, where it must be content.
set -u
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

good_tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree"/{src/base,src/wire,src/tracepoint,src/bpf,src/link,src/agent,include/rawtp,cli,mk,scripts,man}
	cd "$work/tree" || exit 1
	ln -s "$top/scripts" scripts/real
	local header='/* SPDX-License-Identifier: MIT */'
	printf '%s\n#include <stdint.h>\n' "$header" >src/base/low.h
	printf '%s\n#include "base/low.h"\n' "$header" >src/tracepoint/record.h
	printf '%s\n#include "base/low.h"\n' "$header" >src/bpf/prog.h
	printf '%s\n#include "bpf/prog.h"\n#include "tracepoint/record.h"\n' "$header" >src/link/both.h
	printf '%s\n/**\n * rawtp_one - a call\n */\nint rawtp_one(void);\n' "$header" >include/rawtp/bpf.h
	printf '%s\n#include <bpf/libbpf.h>\n#include "link/both.h"\n' "$header" >cli/cmd_x.c
	printf '# SPDX-License-Identifier: MIT\n' | tee Makefile >mk/a.mk
	local page
	for page in rawtp_one.3 rawtp.1 rawtp-x.1; do
		printf '.TH %s %s 2026-01-01 "rawtp" "Manual"\n.SH NAME\n%s \\- a page\n.SH SYNOPSIS\n.B x\n.SH DESCRIPTION\nText.\n.SH "SEE ALSO"\n.BR rawtp (1)\n' \
			"${page%.*}" "${page##*.}" "${page%.*}" >man/$page
	done
	cp "$top/.clang-format" .
}

expect() { # check, what must be in its words ("" = content), name of the case
	local out rc
	out=$("$top/scripts/check-$1" 2>&1)
	rc=$?
	if [[ -z $2 && $rc -eq 0 || -n $2 && $rc -ne 0 && $out == *"$2"* ]]; then
		echo "ok $1: $3"
	else
		echo "not ok $1: $3 (exit $rc): $out"
		failed=1
	fi
}

spdx='/* SPDX-License-Identifier: MIT */'
while IFS='|' read -r check name command words; do
	[[ -z $check ]] && continue
	good_tree
	expect "$check" "" "content without: $name"
	eval "$command"
	expect "$check" "$words" "$name"
done <<'END'
layers|base includes bpf|echo '#include "bpf/prog.h"' >>src/base/low.h|base includes src/bpf/prog.h of bpf
layers|bpf includes tracepoint|echo '#include "tracepoint/record.h"' >>src/bpf/prog.h|bpf includes src/tracepoint/record.h
layers|tracepoint includes bpf|echo '#include "bpf/prog.h"' >>src/tracepoint/record.h|tracepoint includes src/bpf/prog.h
layers|tracepoint includes the public BPF header|echo '#include "rawtp/bpf.h"' >>src/tracepoint/record.h|tracepoint includes include/rawtp/bpf.h
layers|a relative path around the rule|echo '#include "../link/both.h"' >>src/bpf/prog.h|bpf includes src/link/both.h
layers|libbpf in the library|echo '#include <bpf/libbpf.h>' >>src/link/both.h|only libc
layers|a room that nobody named|mkdir src/utils; echo "$spdx" >src/utils/a.h|belongs to no room
layers|the library includes the tool|echo "$spdx" >cli/cli.h; echo '#include "../../cli/cli.h"' >>src/agent/a.c|agent includes cli/cli.h
sizes|a long file|{ echo "$spdx"; head -800 < <(yes '/* */'); } >src/base/long.c|src/base/long.c: 801 lines
sizes|a long function|{ echo "$spdx"; echo 'int f(int a)'; echo '{'; head -61 < <(yes ';'); echo '}'; } >src/base/f.c|src/base/f.c:f: 61 lines
text|no licence|echo 'int a;' >src/base/a.c|src/base/a.c: no SPDX line
text|a note to self|echo "/* T""ODO */" >>src/base/low.h|src/base/low.h:3
text|a path of a machine|echo "/* /ho""me/me */" >>src/base/low.h|src/base/low.h:3
text|space at the end of a line|printf 'int a; \n' >>src/base/low.h|space at the end
format|a line that is not in shape|printf 'int  f ( void ) ;\n' >>src/base/low.h|src/base/low.h
docs|a function without a page|rm man/rawtp_one.3|rawtp_one() has no page
docs|a command without a page|rm man/rawtp-x.1|rawtp x has no page
docs|a page with an unknown macro|echo '.QQ' >>man/rawtp.1|rawtp.1
docs|a page without DESCRIPTION|sed -i '/DESCRIPTION/d' man/rawtp.1|no section DESCRIPTION
docs|a page that sends to nowhere|echo '.BR rawtp_none (3)' >>man/rawtp.1|does not exist
docs|a link to nowhere|echo '[a](doc/none.md)' >README.md|links to doc/none.md
docs|a path to nowhere|echo '`src/none.c`' >README.md|names src/none.c
END

# The library's symbols, on libraries made for it.
library() { # source, options of the linker ...
	local source=$1
	shift
	mkdir -p "$work/tree/build"
	${CC:-gcc} -shared -fPIC -o "$work/tree/build/librawtp.so" -x c - "$@" <<<"$source" 2>&1
}
symbols() { # name, words, source, map, options
	local name=$1 words=$2 source=$3 map=$4
	shift 4
	good_tree
	echo "$map" >src/rawtp.map
	library "$source" -Wl,-soname,librawtp.so.0 "$@"
	BUILD=build expect symbols "$words" "$name"
}
one='int rawtp_one(void) { return 1; }'
map_one='RAWTP_0.1 { global: rawtp_one; local: *; };'
symbols "content with what the map names" "" "$one" "$map_one" -Wl,--version-script=src/rawtp.map
symbols "a symbol more than the map" "does not name" "$one int rawtp_two;" "$map_one"
symbols "a symbol less than the map" "does not export" "$one" \
	'RAWTP_0.1 { global: rawtp_one; rawtp_two; local: *; };' -Wl,--version-script=src/rawtp.map
symbols "a name that is not ours" "neither rawtp_" "int one;" 'RAWTP_0.1 { global: one; local: *; };' \
	-Wl,--version-script=src/rawtp.map
symbols "a name by a pattern" "by a pattern" "$one" 'RAWTP_0.1 { global: rawtp_*; local: *; };' \
	-Wl,--version-script=src/rawtp.map
symbols "a library besides libc" "needs libm" "$one" "$map_one" -Wl,--version-script=src/rawtp.map \
	-Wl,--no-as-needed -lm
symbols "too large" "more than" "$one __attribute__((used)) static char a[400000] = {1};" "$map_one" \
	-Wl,--version-script=src/rawtp.map
exit $failed
