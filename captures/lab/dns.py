"""DNS questions of the phone (RFC 1035, RFC 2782, RFC 3596), and a forwarder with a broken zone."""

import socket
import struct
import time

A, AAAA, SRV = 1, 28, 33
SERVER_FAILURE = 2
TRUNCATED = 0x0200


class Resolver:
    """A stub resolver with one server."""

    # How long each copy of a question waits for its answer.
    waits = (1, 2, 2)

    def __init__(self, server, random):
        self.server, self.random = server, random
        self.family = socket.AF_INET6 if ":" in server else socket.AF_INET

    def addresses(self, name):
        """The addresses of a name, of the server's version of IP: [] when it has none, None when nobody answered."""
        wanted = AAAA if self.family == socket.AF_INET6 else A
        answer = self._ask(name, wanted)
        return answer and [socket.inet_ntop(self.family, data) for kind, data in answer["records"] if kind == wanted]

    def services(self, name):
        """The (target, port) pairs of an SRV name, best first; None when nobody answered."""
        answer = self._ask(name, SRV)
        return answer and [(target, port) for _, _, port, target in sorted(
            struct.unpack("!HHH", data[:6]) + (_name(data, 6)[0],)
            for kind, data in answer["records"] if kind == SRV)]

    def _ask(self, name, kind):
        """The answer, falsy-by-None on silence; an error code leaves no records."""
        question = self.random.getrandbits(16)
        query = (struct.pack("!HHHHHH", question, 0x0100, 1, 0, 0, 0)
                 + encode_name(name) + struct.pack("!HH", kind, 1))
        with socket.socket(self.family, socket.SOCK_DGRAM) as sender:
            for wait in self.waits:
                sender.settimeout(wait)
                started = time.monotonic()
                try:
                    sender.sendto(query, (self.server, 53))
                    data = sender.recv(4096)
                except OSError:  # silence, or no way there at all
                    time.sleep(max(0, wait - (time.monotonic() - started)))
                    continue
                if data[:2] == query[:2]:
                    is_cut = struct.unpack("!H", data[2:4])[0] & TRUNCATED
                    return self._ask_by_tcp(query) if is_cut else _parse(data)
        return None

    def _ask_by_tcp(self, query):
        """Once more, for the whole answer (RFC 7766 section 5)."""
        try:
            with socket.create_connection((self.server, 53), sum(self.waits)) as connection:
                connection.sendall(struct.pack("!H", len(query)) + query)
                data = b""
                while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
                    received = connection.recv(4096)
                    if not received:
                        return None
                    data += received
                return _parse(data[2:])
        except OSError:
            return None


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def forward_with_failures(address, upstream_port, broken):
    """Relay to the real server on this host; SERVFAIL for the zone `broken`."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    upstream.settimeout(1)
    while True:
        query, client = server.recvfrom(4096)
        if not _name(query, 12)[0].endswith(broken):
            upstream.sendto(query, ("127.0.0.1", upstream_port))
            server.sendto(upstream.recv(4096), client)
        else:
            flags = 0x8180 | SERVER_FAILURE
            server.sendto(query[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0) + query[12:], client)


def _parse(data):
    flags, questions, answers = struct.unpack("!HHH", data[2:8])
    offset, records = 12, []
    for _ in range(questions):
        offset = _name(data, offset)[1] + 4
    for _ in range(answers):
        offset = _name(data, offset)[1]
        kind, _, _, size = struct.unpack("!HHIH", data[offset:offset + 10])
        offset += 10
        body = data[offset:offset + size]
        if kind == SRV:  # the target is in place: RFC 2782 forbids its compression
            body = data[offset:offset + 6] + encode_name(_name(data, offset + 6)[0])
        records.append((kind, body))
        offset += size
    return {"code": flags & 15, "records": records}


def _name(data, offset):
    """A name and the offset behind it; follows compression pointers (RFC 1035 section 4.1.4)."""
    labels, end = [], None
    while size := data[offset]:
        if size & 0xC0:
            end = end or offset + 2
            offset = struct.unpack("!H", data[offset:offset + 2])[0] & 0x3FFF
        else:
            labels.append(data[offset + 1:offset + 1 + size].decode())
            offset += 1 + size
    return ".".join(labels), end or offset + 1
