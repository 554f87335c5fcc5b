#!/bin/sh
# tshark reads our captures: no malformed frame, no bad checksum.  Runs only scenarios whose wires damage nothing.
# Usage: tshark.sh SIM    Exit: 0 good, 1 not, 77 skipped.
set -eu
sim=$1
command -v tshark >/dev/null 2>&1 || { echo "SKIP: tshark is not installed (apt-get install tshark)"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
bad='_ws.malformed or ip.checksum.status == "Bad" or tcp.checksum.status == "Bad" or udp.checksum.status == "Bad" or icmp.checksum.status == "Bad" or icmpv6.checksum.status == "Bad"'
failed=0
for run in "tcp_clean 1" "tcp_clean 2" "tcp_loss 1" "tcp_loss 2" "tcp_loss 3" "tcp_cut 1"; do
	set -- $run
	"$sim" "$1" --seed "$2" --capture "$dir/c.pcapng" --quiet
	tshark -n -r "$dir/c.pcapng" -T fields -e frame.number -e frame.comment 2>"$dir/err" > "$dir/all"
	tshark -n -d tcp.port==61234,data -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-r "$dir/c.pcapng" -Y "$bad" > "$dir/bad" 2>>"$dir/err"
	frames=$(grep -c '^[0-9]' "$dir/all" || true)
	commented=$(grep -c '^[0-9].*host: ' "$dir/all" || true)
	if [ "$frames" -lt 20 ] || [ -s "$dir/bad" ] || grep -qi 'cut short\|damaged\|corrupt' "$dir/err" || [ "$commented" -ne "$frames" ]; then
		echo "$1 from seed $2: $frames frames, $commented with comments, bad ones:"
		head -5 "$dir/bad" "$dir/err"
		failed=1
	else
		echo "$1 from seed $2: $frames frames, all dissect, no bad checksum"
	fi
done
# The question itself must be able to find something: a wire that damages packets gives bad checksums.
"$sim" tcp_storm --seed 1 --capture "$dir/c.pcapng" --quiet
if [ -z "$(tshark -n -d tcp.port==61234,data -o tcp.check_checksum:TRUE -r "$dir/c.pcapng" -Y "$bad" 2>/dev/null | head -1)" ]; then
	echo "tcp_storm from seed 1: no bad checksum found where there must be some"
	failed=1
fi
exit $failed
