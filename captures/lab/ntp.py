"""NTP as a simple client and server speak it (RFC 4330, RFC 5905)."""

import socket
import struct
import time

EPOCH_1900 = 2208988800
CLIENT, SERVER = 3, 4
UNSYNCHRONISED = 3


def ask(server, clock, tries=3, wait=2):
    """The server's time as Unix seconds, or None. `clock` is the asking device's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(wait)
        for _ in range(tries):
            request = bytes([3 << 3 | CLIENT]) + bytes(39) + stamp(clock())
            try:
                sender.sendto(request, (server, 123))
                answer = sender.recv(512)
            except OSError:
                continue
            if answer[24:32] == request[40:48] and _is_synchronised(answer):
                return struct.unpack("!I", answer[40:44])[0] - EPOCH_1900
            time.sleep(wait)
    return None


def _is_synchronised(answer):
    """RFC 4330 section 5: what a client must not take."""
    return answer[0] >> 6 != UNSYNCHRONISED and 0 < answer[1] < 16


def serve(address, shift=0, synchronised=True):
    """A stratum 2 server whose clock is `shift` seconds off, or one that says it knows no time."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 123))
    while True:
        request, client = server.recvfrom(512)
        now = time.time() + shift
        leap, stratum = (0, 2) if synchronised else (UNSYNCHRONISED, 16)
        flags = leap << 6 | request[0] & 0x38 | SERVER
        header = struct.pack("!BBbbII4s", flags, stratum, 6, -20, 0x00000A00, 0x00000C00,
                             socket.inet_aton("198.51.100.17"))
        server.sendto(header + stamp(now - 40) + request[40:48] + stamp(now) + stamp(now), client)


def stamp(seconds):
    return struct.pack("!II", int(seconds) + EPOCH_1900 & 0xFFFFFFFF, int(seconds % 1 * 2**32))
