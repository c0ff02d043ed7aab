"""The LDAP dialogue by which the phone finds a CA (RFC 4511), client and domain controller."""

import os
import socket
import socketserver

import ber
import kerberos
import ntlm

BIND_REQUEST, BIND_RESPONSE, SEARCH_REQUEST, SEARCH_ENTRY, SEARCH_DONE = 0x60, 0x61, 0x63, 0x64, 0x65
UNBIND = b"\x42\x00"
SUCCESS, SASL_BIND_IN_PROGRESS, NO_SUCH_OBJECT, INVALID_CREDENTIALS = 0, 14, 32, 49
WRONG_PASSWORD = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1"
NO_CONTAINER = "0000208D: NameErr: DSID-03100288, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'{0}'\n"
MECHANISM = "GSS-SPNEGO"
CONFIGURATION = "CN=Configuration,DC=contoso,DC=com"
SERVICES = f"CN=Services,{CONFIGURATION}"
KEY_SERVICES = f"CN=Public Key Services,{SERVICES}"


class Failed(Exception):
    """The directory did not give what the phone needs."""


class Client:
    """One connection to a domain controller."""

    def __init__(self, address, random, wait=5):
        self.socket = socket.create_connection((address, 389), wait)
        self.random, self.buffer, self.number = random, b"", 0

    def close(self):
        self._send(UNBIND)
        self.socket.close()

    def bind(self):
        """SASL in two steps; result 14 is the normal middle one (RFC 4511 section 4.2.2)."""
        _, answer = self._bind(ntlm.negotiate())
        token = next(body for tag, body in answer if tag == 0x87)
        code, _ = self._bind(ntlm.authenticate(token, self.random.randbytes(8)))
        if code != SUCCESS:
            raise Failed(f"bind {code}")

    def bind_with(self, token):
        """SASL in one step: a ticket says all."""
        code, _ = self._bind(token)
        if code != SUCCESS:
            raise Failed(f"bind {code}")

    def search(self, base, scope, category, attribute):
        """Values of an attribute of the entries of an object category, or of all entries."""
        if category:
            wanted = ber.encode(0xA3, ber.octets("objectCategory"), ber.octets(category))
        else:
            wanted = ber.octets("objectClass", 0x87)
        self._send(ber.encode(
            SEARCH_REQUEST, ber.octets(base), ber.integer(scope, ber.ENUMERATED), ber.integer(0, ber.ENUMERATED),
            ber.integer(0), ber.integer(0), ber.boolean(False), wanted, ber.sequence(ber.octets(attribute))))
        values = []
        while True:
            tag, body = self._receive()
            if tag == SEARCH_DONE:
                code = ber.walk(body)[0][1][0]
                if code != SUCCESS:
                    raise Failed(f"search {code}")
                return values
            for _, found in ber.walk(ber.walk(body)[1][1]):
                values += [value.decode() for _, value in ber.walk(ber.walk(found)[1][1])]

    def _bind(self, token):
        credentials = ber.encode(0xA3, ber.octets(MECHANISM), ber.octets(token))
        self._send(ber.encode(BIND_REQUEST, ber.integer(3), ber.octets(""), credentials))
        answer = ber.walk(self._receive()[1])
        return answer[0][1][0], answer

    def _send(self, operation):
        self.number += 1
        self.socket.sendall(ber.sequence(ber.integer(self.number), operation))

    def _receive(self):
        """The next operation, as (tag, body)."""
        while (element := ber.decode(self.buffer)) is None:
            received = self.socket.recv(4096)
            if not received:
                raise Failed("connection closed")
            self.buffer += received
        _, body, self.buffer = element
        return ber.walk(body)[1]


def serve(address, mode, ca_host, keytab):
    """A domain controller that publishes no CA certificate, but an enrolment service if `mode` is not empty."""
    Controller.mode, Controller.ca_host, Controller.keytab = mode, ca_host, keytab
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer((address, 389), Controller).serve_forever()


class Controller(socketserver.BaseRequestHandler):
    """One client's connection."""

    mode, ca_host, keytab = "ok", None, None

    def handle(self):
        buffer = b""
        self.challenge = os.urandom(8)
        while received := self.request.recv(4096):
            if self.mode == "hangs":
                continue
            buffer += received
            while (element := ber.decode(buffer)) is not None:
                _, body, buffer = element
                number, (tag, operation) = ber.walk(body)[0], ber.walk(body)[1]
                if tag == BIND_REQUEST:
                    self._reply(number, self._bind(operation))
                elif tag == SEARCH_REQUEST:
                    self._reply(number, *self._search(operation))

    def _reply(self, number, *operations):
        head = ber.encode(*number)
        self.request.sendall(b"".join(ber.sequence(head, operation) for operation in operations))

    def _bind(self, operation):
        token = ber.walk(ber.walk(operation)[2][1])[1][1]
        if kerberos.is_negotiation(token) and kerberos.is_valid(token, kerberos.key_of(self.keytab)):
            return _result(BIND_RESPONSE, SUCCESS, ber.octets(kerberos.completed(), 0x87))
        if ntlm.kind(token) == 1:
            answer = ber.octets(ntlm.challenge(self.challenge, computer="DC01"), 0x87)
            return _result(BIND_RESPONSE, SASL_BIND_IN_PROGRESS, answer)
        valid = self.mode != "rejects" and ntlm.is_valid(token, self.challenge)
        if valid:
            return _result(BIND_RESPONSE, SUCCESS)
        return _result(BIND_RESPONSE, INVALID_CREDENTIALS, text=WRONG_PASSWORD)

    def _search(self, operation):
        parts = ber.walk(operation)
        base, (filter_tag, filter_body) = parts[0][1].decode(), parts[6]
        done = _result(SEARCH_DONE, SUCCESS)
        if not base:
            return _entry("", "configurationNamingContext", CONFIGURATION), done
        if self.mode == "no-container":
            return (_result(SEARCH_DONE, NO_SUCH_OBJECT, text=NO_CONTAINER.format(SERVICES), matched=SERVICES),)
        category = ber.walk(filter_body)[1][1] if filter_tag == 0xA3 else b""
        if category == b"pKIEnrollmentService" and self.mode != "empty":
            name = f"CN=Contoso Issuing CA,CN=Enrollment Services,{KEY_SERVICES}"
            return _entry(name, "dNSHostName", self.ca_host), done
        return (done,)


def _result(tag, code, *more, text="", matched=""):
    return ber.encode(tag, ber.integer(code, ber.ENUMERATED), ber.octets(matched), ber.octets(text), *more)


def _entry(name, attribute, value):
    values = ber.encode(ber.SET, ber.octets(value))
    return ber.encode(SEARCH_ENTRY, ber.octets(name), ber.sequence(ber.sequence(ber.octets(attribute), values)))
