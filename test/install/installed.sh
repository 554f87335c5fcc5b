#!/bin/sh
# What `meson install` puts in place serves a program of somebody else's: example/echo_pair, by pkg-config, with the shared library and with
# the archive, which holds nothing that only one compiler can read.
# Usage: installed.sh SOURCE BUILD CC...    Exit: 0 good, 1 not, 77 skipped.
set -eu
source=$1 build=$2
shift 2
for tool in pkg-config objdump; do
	command -v "$tool" >/dev/null 2>&1 || { echo "SKIP: $tool is not installed (apt-get install pkg-config binutils)"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
DESTDIR=$dir meson install -C "$build" --no-rebuild --quiet >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
pc=$(find "$dir" -name outlet.pc)
root=$(dirname "$pc")
prefix=$(pkg-config --variable=prefix "$pc")
export PKG_CONFIG_LIBDIR="$root" PKG_CONFIG_SYSROOT_DIR="$dir"
libs=$(dirname "$root")
archive=$libs/liboutlet.a
cd "$source/example"
objdump -h "$archive" >"$dir/sections"
if grep -q 'gnu\.\(debug\)\?lto' "$dir/sections"; then
	echo "liboutlet.a holds what only its compiler can read"
	exit 1
fi
# shellcheck disable=SC2046
"$@" -o "$dir/shared" echo_pair.c echo_client.c echo_server.c $(pkg-config --cflags --libs outlet)
"$@" -o "$dir/static" echo_pair.c echo_client.c echo_server.c $(pkg-config --cflags outlet) "$archive"
LD_LIBRARY_PATH=$libs "$dir/shared"
"$dir/static"
for program in outlet outletd; do
	[ -x "$dir$prefix/bin/$program" ] || { echo "$program is not in $prefix/bin"; exit 1; }
done
"$dir$prefix/bin/outlet" --version
