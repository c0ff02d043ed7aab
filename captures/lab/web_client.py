"""What a phone asks web servers for: certificates, updates, revocation."""

import base64

import ntlm
import sip

RETRIEVER = "Microsoft-CryptoAPI/6.1"  # how Windows names itself where it fetches lists
ENROLMENT_PAGE = "/certsrv/certnew.p7b?ReqID=CACert&Renewal=-1&Enc=b64"


class Dropped(Exception):
    """The attempt is over. The text is for the lab's own log."""


class WebClient:
    """The HTTP of a phone, which opens its connections and looks its names up."""

    def post(self, host, path, content_type, body):
        connection = self.tcp(self.address_of(host), 80)
        if connection is None:
            raise Dropped(f"{host}: port 80 closed")
        content = body if isinstance(body, bytes) else body.encode()
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {self.settings.user_agent}",
                 f"Content-Type: {content_type}", f"Content-Length: {len(content)}", "Connection: Keep-Alive"]
        with connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
            return self._response(connection)

    def _get(self, connection, host, *headers):
        lines = [f"GET {ENROLMENT_PAGE} HTTP/1.1", f"Host: {host}", "Accept: */*", "Connection: Keep-Alive", *headers]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return self._response(connection)

    def _response(self, connection):
        """Status code and body; the headers of the last response stay at hand."""
        buffer = b""
        connection.settimeout(5)
        try:
            while b"\r\n\r\n" not in buffer:
                buffer += _received(connection)
            head, _, body = buffer.partition(b"\r\n\r\n")
            self.response = sip.Message(head.decode() + "\r\n\r\n")
            while len(body) < int(self.response["Content-Length"] or 0):
                body += _received(connection)
        except OSError as error:
            raise Dropped(f"HTTP: {error}") from error
        return self.response.code, body

    def _get_with_ntlm(self, connection, host):
        def leg(message):
            return self._get(connection, host, f"Authorization: NTLM {base64.b64encode(message).decode()}")

        leg(ntlm.negotiate())
        offered = base64.b64decode(self.response["WWW-Authenticate"].removeprefix("NTLM "))
        return leg(ntlm.authenticate(offered, self.random.randbytes(8)))

    def _begin_to_negotiate(self, connection, host):
        """NTLM as the mechanism within Negotiate (RFC 4559): without a challenge there is no second leg."""
        return self._get(connection, host, f"Authorization: Negotiate {base64.b64encode(ntlm.negotiate()).decode()}")


def _received(connection):
    data = connection.recv(16384)
    if not data:
        raise ConnectionError("closed")
    return data
