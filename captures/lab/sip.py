"""SIP text (RFC 3261): messages read from a stream, and answers built from requests."""


class Message:
    """A start line, headers (the last of each name, lower case) and a body."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.strip().lower(), []).append(value.strip())

    def __getitem__(self, name):
        return self.headers.get(name.lower(), [""])[-1]

    def all(self, name):
        """Every value of a header."""
        return self.headers.get(name.lower(), [])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def code(self):
        return int(self.start.split(" ")[1])


def take(buffer):
    """The first whole message of a stream and the rest; (None, buffer) while it is not there."""
    while buffer.startswith(b"\r\n"):
        buffer = buffer[2:]  # keep-alives (RFC 5626 section 3.5.1)
    head, found, rest = buffer.partition(b"\r\n\r\n")
    if not found:
        return None, buffer
    message = Message(head.decode() + "\r\n\r\n")
    size = int(message["Content-Length"] or 0)
    if len(rest) < size:
        return None, buffer
    message.body = rest[:size].decode()
    return message, rest[size:]


def render(start, headers, body=""):
    lines = [start, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def answer(request, code, reason, *headers):
    """An answer carries the request's Via, From, To, Call-ID and CSeq (RFC 3261 section 8.2.6)."""
    to = request["To"] if "tag=" in request["To"] else request["To"] + ";tag=1F2E3D4C"
    same = [("Via", request["Via"]), ("From", request["From"]), ("To", to),
            ("Call-ID", request["Call-ID"]), ("CSeq", request["CSeq"])]
    return render(f"SIP/2.0 {code} {reason}", [*same, *headers])
