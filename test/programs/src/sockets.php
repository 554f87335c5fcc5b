<?php
// `sockets.php serve PORT`: an echo server of the socket_* functions, with socket_select.
// `sockets.php talk HOST PORT FILE`: their client; `sockets.php open HOST PORT FILE`: fsockopen; each compares.
function fail($what) { fwrite(STDERR, "$what: " . socket_strerror(socket_last_error()) . "\n"); exit(1); }

function serve($port) {
	$l = socket_create(AF_INET, SOCK_STREAM, SOL_TCP) or fail('socket_create');
	socket_set_option($l, SOL_SOCKET, SO_REUSEADDR, 1) or fail('SO_REUSEADDR');
	if (socket_get_option($l, SOL_SOCKET, SO_REUSEADDR) != 1)
		fail('SO_REUSEADDR is not 1');
	socket_bind($l, '0.0.0.0', $port) or fail('socket_bind');
	socket_listen($l, 16) or fail('socket_listen');
	$open = [$l];
	for (;;) {
		$read = $open; $write = null; $except = null;
		if (socket_select($read, $write, $except, null) === false)
			fail('socket_select');
		foreach ($read as $s) {
			if ($s === $l) {
				$open[] = socket_accept($l) ?: fail('socket_accept');
				continue;
			}
			$data = @socket_read($s, 65536);
			if ($data === false || $data === '') {
				socket_close($s);
				unset($open[array_search($s, $open, true)]);
				continue;
			}
			for ($at = 0; $at < strlen($data); $at += $n)
				if (($n = socket_write($s, substr($data, $at))) === false)
					break;
		}
	}
}

function talk($host, $port, $want) {
	$s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP) or fail('socket_create');
	socket_connect($s, gethostbyname($host), $port) or fail('socket_connect');
	socket_getpeername($s, $address, $peer_port) or fail('socket_getpeername');
	if ($peer_port != $port)
		fail("the peer's port is $peer_port");
	$got = '';
	foreach (str_split($want, 8192) as $part) {
		for ($at = 0; $at < strlen($part); $at += $n)
			($n = socket_write($s, substr($part, $at))) !== false or fail('socket_write');
		for ($left = strlen($part); $left > 0; $left -= strlen($more)) {
			$more = socket_read($s, $left);
			if ($more === false || $more === '')
				fail('socket_read');
			$got .= $more;
		}
	}
	socket_shutdown($s, 1) or fail('socket_shutdown');
	if (socket_read($s, 1) !== '')
		fail('no end after the end');
	socket_close($s);
	return $got;
}

function open($host, $port, $want) {
	$f = fsockopen($host, $port, $code, $text, 10) or exit("fsockopen: $text\n");
	stream_set_timeout($f, 20);
	$got = '';
	foreach (str_split($want, 8192) as $part) {
		fwrite($f, $part);
		$got .= stream_get_contents($f, strlen($part));
	}
	fclose($f);
	return $got;
}

if ($argv[1] === 'serve')
	serve((int)$argv[2]);
$want = file_get_contents($argv[4]);
if ($argv[1]($argv[2], (int)$argv[3], $want) !== $want)
	fail('other bytes came back');
