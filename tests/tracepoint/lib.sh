# SPDX-License-Identifier: MIT
# Common to the scripts of this folder: paths, a scratch directory, and how cases are reported.
set -u
cd "$(dirname "$0")/../.."
root=$PWD
BUILD=$(realpath "${BUILD:-build}")
CC=${CC:-gcc} CXX=${CXX:-g++} CLANG=${CLANG:-clang}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
sanitize=${SAN:+-fsanitize=$SAN}

ok() { echo "ok $1"; }
not_ok() {
	echo "not ok $1: $2"
	failed=1
}
# Two compilers in two languages, of those there are; a sanitized library fits its own compiler only.
compilers() {
	local c list="$CC $CXX $CLANG $CLANG++"

	[[ ${SAN:-} ]] && list="$CC $CXX"
	for c in $list; do
		type -P "$c" >/dev/null && echo "$c"
	done
}
is_cxx() { [[ $1 == *++* ]]; }
