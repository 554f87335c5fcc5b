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
	tshark -n -r "$dir/c.pcapng" -T fields -e frame.number 2>"$dir/err" | wc -l > "$dir/count"
	tshark -n -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-r "$dir/c.pcapng" -Y "$bad" > "$dir/bad" 2>>"$dir/err"
	commented=$(tshark -n -r "$dir/c.pcapng" -Y 'frame.comment contains "host: "' -T fields -e frame.number 2>/dev/null | wc -l)
	frames=$(cat "$dir/count")
	if [ "$frames" -lt 20 ] || [ -s "$dir/bad" ] || grep -qi 'cut short\|damaged\|corrupt' "$dir/err" || [ "$commented" -ne "$frames" ]; then
		echo "$1 from seed $2: $frames frames, $commented with comments, bad ones:"
		head -5 "$dir/bad" "$dir/err"
		failed=1
	else
		echo "$1 from seed $2: $frames frames, all dissect, no bad checksum"
	fi
done
exit $failed
