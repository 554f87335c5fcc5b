#!/usr/bin/env python3
"""fuzz/seeds.py TARGET DIR: writes scripts that the target would find late by chance: a transfer with losses told by SACK, a
connection of each congestion control, both families; guests that talk; the example networks.  What came of them stands
minimised in fuzz/corpus/; this is for a fresh start, or after a target has changed what its bytes mean."""
import hashlib, sys
from pathlib import Path

top = Path(__file__).resolve().parent


def near(segments):                     # offset(): so many pieces of 536 bytes away
    return (segments << 1 | 1) & 0xff


def call(sock, op, *more):
    return bytes([8, sock << 4 | op, *more])


def later(ms):
    return bytes([7, ms << 2 | 2])


def ack(behind=0, blocks=(), flags=0x10, which=0):
    o = [2, which, flags, 0x58 | (2 if behind else 0)] + ([near(-behind)] if behind else [])
    o += [len(blocks), 1]               # options: how many blocks, the low byte of TSval
    for start, n in blocks:
        o += [near(-start), n * 2]
    return bytes(o + [0, 0, 1])         # put_ip: no twist, no text, identification


send, info = call(2, 11, 1, 10, 40), call(2, 9, 0x61, 11, 79)
lossy = send + ack(19, [(10, 4)]) + later(10) + ack(19, [(10, 7)]) + info + ack(19, [(10, 10)]) + later(30) + ack(8) + info + ack() + send
close = call(2, 8) + ack() + ack(flags=0x11) + later(60)
stack = [bytes([0x21]) + call(2, 9, 0x41, 13, 79) + name.ljust(79, b'\0') + 3 * (lossy + ack()) + close for name in (b'\0', b'\1', b'\2')]
stack += [bytes([0x21]) + send + later(50) * 6 + info + ack(12) + later(63) * 3 + ack() + close,          # timeouts
          bytes([0x21]) + send + ack(19, [(10, 4)]) + ack(19, [(10, 10)]) + later(60) * 3 + ack(19) + later(63) * 8 + close,
          bytes([0x23]) + lossy * 3 + close,                                                             # few buffers
          bytes([0x01]) + lossy + close,                                                                 # no options
          bytes([0]) + bytes([1, 1, 0, 9, 0, 0, 0]) + bytes([2, 0, 0x10, 0, 0, 0]) + call(0, 5, 2) + lossy + close]

# Fast Open: a cookie is asked for, and used; the text is read and answered before the ACK; or we ask, and use what we get
def syn(port, option, text=0):
    return bytes([1, port << 1, 0, 9 + port, 0x58, option, 0, text, 0]) + bytes(text)


taken = syn(0, 2) + syn(1, 1, 100) + call(0, 5, 3)
fast_send = call(4, 0, 2) + call(4, 11, 0x82, 100, 0x50, 29) + bytes([2, 1, 0x12, 0x58, 0x18]) + bytes(range(10)) + bytes([0, 0, 1]) + call(4, 8)
stack += [bytes([0x41]) + taken + call(3, 13, 0, 1) + call(3, 11, 1, 10, 40) + later(63) * 5 + ack(which=1) + call(3, 8) + later(60),
          bytes([0xc1]) + syn(1, 1, 100) + call(0, 5, 3) + ack(flags=0x14, which=1) + syn(2, 1, 50) * 3,
          bytes([0x41]) + taken + call(3, 8) + taken + call(0, 8), bytes([0x41]) + fast_send * 3]

# Routers: an advertisement with a prefix, redirects, a claim on our address, and time for what follows of them
def router(how, *more):
    return bytes([252, how, *more])


prefix = [1, 0xc0, 14, 16, 7, 8]        # a prefix option, on the link and for addresses: valid and preferred for an hour or so
heard = router(0x10, 64, 0, 200, 1, 1, *prefix) + later(40)
stack += [bytes([0x0d, 0, 0, 0, 0, 0, 0]) + heard + router(0x04, 1, 0, 1) + send + router(0x0c, 1, 1) + later(60) + router(0x10, 0, 8, 0, 0, 0, *prefix) + later(63) * 4,
          bytes([0]) + router(0x07, 2, 1) + router(0x0e) + later(60) + router(0x16) + heard * 3 + later(63) * 6,
          bytes([0]) + router(0x87, 1, 1) + later(63) * 4 + router(0x07, 1, 0)]

hello = b'hello'
ipc = [b'\1' + bytes([7, 0x10, len(hello)]) + hello + b'\5\x14' + bytes([7, 0x23, 1]) + bytes([7, 0x21, 200]) + 4 * b'\5\x14' +
       bytes([7, 0x13, 255]) * 3 + bytes([7, 0x25, 1]) + b'\5\x32' + bytes([7, 0x16, 0]) + b'\6\2' + bytes([7, 0x26, 0]) + b'\6\x7f']
ipc += [b'\1' + bytes([0x32, v]) + bytes([0]) + b'\5\x14' + bytes([7, 0x21, 60]) + b'\5\x64' for v in range(16)]

network = [p.read_bytes() for p in (top.parent / 'example').glob('*.yaml')]
network += [b'seed: 1\nwires:\n  a: {subnet: [10.1.0.0/24, fd01::/64], faults: loss=1% delay=2ms}\nhosts:\n  x: {wire: a}\n'
            b'  y: {wire: a, gateway: 10.1.0.1, settings: {tcp_sack: 0}}\nrouters:\n  r:\n    interfaces:\n'
            b'    - {wire: a, address: 10.1.0.1/24}\n    routes:\n    - {to: 10.2.0.0/16, via: 10.1.0.9, metric: 3}\n']

ONE, TRAIN, AGAIN, AHEAD, SWAP, BARE, ODD, END, LATER, READ, TELL = 16, 0, 24, 28, 32, 36, 44, 48, 52, 56, 60    # fuzz/twins.c
gro = [bytes(b) for b in (
    [0, ONE, END, ODD, 9 | 5 << 4, AGAIN, 1, TRAIN, 3, END],                    # the first of a train is refused for its timestamp
    [0, ONE, END, ODD, 10 | 3 << 4, AGAIN, 1, TRAIN, 3, END, TELL, 200, END],
    [16, ONE, ODD, 3 << 4, TRAIN, 3, END, TELL, 1, TRAIN, 3, END],              # CE
    [1, TRAIN, 15, TRAIN | 1, 15, TRAIN | 2, 15, END, LATER, 50, READ, 255, READ | 1, 255, READ | 2, 255],
    [2, TRAIN, 15, TRAIN, 15, TRAIN, 15, TRAIN, 15, END, READ, 255, TRAIN, 15, END, LATER, 60],
    [4, TRAIN, 3, AHEAD, 50, TRAIN, 3, END, SWAP, TRAIN, 5, END],
    [8, TELL, 100, TELL, 100, TRAIN, 5, END, BARE, END, LATER, 200, TELL, 255, TRAIN, 4, END, 40, 0x11, END, LATER, 255])]

states = [bytes([how, 0, 0, 0x10, 1, 0, 0, 0, 4, 0x3c, 5, 0x10, 0, 4, 1, 0, 1, 1, 6, 3, 0, 2, 1, 0, 0, 0, 3]) for how in range(256)]


def syn(peer, how, wscale=7, mss=1460):
    return bytes([peer << 2, how, wscale, 9, 1] + ([mss >> 8, mss & 255] if how & 8 else []))


cookie = [syn(0, 15) + b'\1', syn(1, 8) + b'\5', syn(2, 15) + b'\3\x46\x09', syn(3, 15) + b'\3\x82\x0d',
          syn(0, 7) + b'\2\0\x09\x09\1' + syn(1, 15, 14, 9000) + b'\x45\5', syn(0, 8) + b'\x21\x41\x61\1',
          syn(0, 8) + b'\2\0\x01\x09\2\0\x02\x09\1', syn(0, 8) + b'\3\xc8\1' + syn(1, 8) + b'\3\xc8\5']

def opening(slot, how, client, text=0, twist=0):
    return bytes([slot << 4, how, client, 9 + slot, text, twist])


ASKS, EXACT, NEAR, ANOTHERS, SHORT = 1, 2, 3, 4, 5     # fuzz/fuzz_fastopen.c
known = opening(0, ASKS, 0) + b'\3'
fastopen = [bytes([mode]) + known + b''.join(rest) for mode in (0, 1) for rest in (
    [opening(1, EXACT, 0, 100), b'\x13', opening(2, EXACT, 0, 50), b'\x24', b'\x25'],
    [opening(i, EXACT, 0, 10) for i in range(1, 7)] + [b'\x17\x1f', opening(7, EXACT, 0, 10)],
    [opening(i, EXACT, 0, 10) + bytes([i << 4 | 5]) for i in range(1, 6)] + [b'\7\x37', opening(6, EXACT, 0, 10), b'\7\x0f', opening(7, EXACT, 0, 10), b'\x73'],
    [opening(1, NEAR, 0, 10, 33), opening(2, ANOTHERS, 0, 10), opening(3, SHORT, 0, 10), opening(4, ASKS, 1), opening(5, ANOTHERS, 0, 9)],
    [b'\6\x05', opening(1, EXACT, 0, 80), b'\x13', opening(2, EXACT, 0, 80), b'\6\x08', opening(3, EXACT, 0, 80)],
    [b'\x17\x48', opening(1, EXACT, 0, 80), b'\x13', b'\x17\x90', opening(2, EXACT, 0, 80)])]

option = [bytes([2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10] + [0] * 8), bytes([1, 1, 8, 10] + [1] * 8), bytes([1, 1, 5, 18] + [3] * 16),
          bytes([34, 10] + [1] * 8), bytes([254, 8, 0xf9, 0x89, 1, 2, 3, 4])]


def frames(*hexes):
    return b''.join(bytes([len(b)]) + b for b in (bytes.fromhex(h) for h in hexes))


def segment(seq, ident, text=5, flags=0x10):
    return (bytes([0x45, 0, 0, 0]) + ident.to_bytes(2, 'big') + bytes.fromhex('400040060000 0a090001 0a090002 00500051') + seq.to_bytes(4, 'big') +
            bytes(4) + bytes([0x50, flags, 1, 0, 9, 9, 0, 0]) + bytes(text)).hex()


# fuzz/fuzz_serial.c: PPP opened step by step, ended, begun anew; segments that follow each other
opened = ('ff03c021 0150000a 0206 00000000', 'ff03c021 0201001800', 'ff03c021 0401000a 0206 00000000', 'ff03c021 02020004', 'f00f', 'ff038021 01600004',
          'ff038021 0160000a 0306 0a090002', 'ff038021 04010010 0206002d0f01 0306 00000000', 'ff038021 02020004', 'ff038057 0163000e 010a 0000000000000009',
          'ff030021 45', 'ff038021 01610010 0206 002d 03 01 0306 0a090002', 'ff030057 60', 'ff03c021 0942 0008 00000000', 'ff03802b 01010004',
          'ff03c021 0533 0006 6279', 'f0ff', 'ff03c021 0151000a 0506 11223344', 'f1', 'f1ff', 'f2', 'f2ff', 'f37eff7d23c021', 'ff03c021 0801 0006 8021')
serial = [bytes([2, 0]) + frames(*opened), bytes([2, 1]) + frames(*opened[::-1]),
          bytes([1, 15]) + frames(*[segment(100 + 5 * i, i) for i in range(6)], segment(100, 9), segment(130, 10, 0, 0x38), segment(130, 11, 7)),
          bytes([5, 0]) + frames(*[segment(100 + 5 * i, i) for i in range(4)], '48 00 0000 01', '08 0000 01', 'fe', '0f0000'),
          bytes([3, 0]) + frames(segment(9, 1), '75' + segment(9, 1)[2:], 'c8 00 0000 01', '88000001'), bytes([7, 0]) + frames(segment(9, 1), 'f3c045dbdcdbdd'),
          bytes([0, 3]) + bytes.fromhex('c0c045dbdcdbdd07c0db'), bytes([4, 0xff]) + bytes.fromhex('7eff7d23c0217d5e7d7e7e7e010203047e')]

if __name__ == '__main__':
    seeds = {'serial': serial, 'stack': stack, 'ipc': ipc, 'netfile': network, 'gro': gro, 'tcp_states': states, 'cookie': cookie, 'fastopen': fastopen, 'tcp_option': option}
    if len(sys.argv) != 3 or sys.argv[1] not in seeds:
        sys.exit(f'{__doc__}\nTargets: {", ".join(seeds)}')
    where = Path(sys.argv[2])
    where.mkdir(parents=True, exist_ok=True)
    for s in seeds[sys.argv[1]]:
        (where / hashlib.sha1(s).hexdigest()).write_bytes(s)
