<?php
/* An echo client with PHP's socket_* functions: sends some bytes, and is content when the same ones come back.
 *
 *     outlet run -- php echo-client.php echo 7
 */
$host = $argv[1] ?? "echo";
$port = (int)($argv[2] ?? 7);
$want = (int)($argv[3] ?? 20000);

function fail(string $what, $socket = null): never
{
	fwrite(STDERR, "echo-client: $what: " . socket_strerror(socket_last_error($socket)) . "\n");
	exit(1);
}

$address = gethostbyname($host);
$socket = socket_create(AF_INET, SOCK_STREAM, SOL_TCP) ?: fail("socket_create");
socket_set_option($socket, SOL_TCP, TCP_NODELAY, 1) or fail("socket_set_option", $socket);
@socket_connect($socket, $address, $port) or fail("socket_connect to $host ($address) port $port", $socket);
socket_getsockname($socket, $here, $from);
socket_getpeername($socket, $there, $to);

/* A pattern in which any lost, repeated or exchanged byte shows. */
$sent = "";
for ($i = 0; strlen($sent) < $want; $i++)
	$sent .= hash("sha256", "block $i", true);
$sent = substr($sent, 0, $want);

for ($at = 0; $at < $want; $at += $n) {
	$n = socket_write($socket, substr($sent, $at, 8192));
	if ($n === false)
		fail("socket_write", $socket);
}
socket_shutdown($socket, 1) or fail("socket_shutdown", $socket);	/* all is said; the answer may still come */

$got = "";
while (true) {
	$n = socket_recv($socket, $piece, 65536, 0);
	if ($n === false)
		fail("socket_recv", $socket);
	if ($n === 0)
		break;
	$got .= $piece;
}
socket_close($socket);

if ($got !== $sent) {
	fwrite(STDERR, "echo-client: $want bytes went out, " . strlen($got) . " came back, and not the same\n");
	exit(1);
}
echo "echo-client: $want bytes from $here:$from to $there:$to and back, every one right\n";
