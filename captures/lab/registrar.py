"""The registrar: OpenSSL's TLS in front of a small OCS, and the ways in which it can fail."""

import base64
import email.utils
import os
import re
import socket
import socketserver
import ssl
import time
import warnings

import ntlm
import sip
import tls10

REALM = 'realm="SIP Communications Service"'


def serve(address, port, settings):
    """Serve one port. `settings`: those of scenario.Registrar, certificates (file), key (file)."""
    Connection.settings = settings
    Connection.context = settings["mode"] == "tls" and _context(settings)
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer((address, port), Connection).serve_forever()


def _context(settings):
    warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what this lab is about
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    least, most = settings["versions"]
    context.minimum_version, context.maximum_version = ssl.TLSVersion[least], ssl.TLSVersion[most]
    context.set_ciphers(f"{settings['ciphers']}:@SECLEVEL=0")
    # A peer that leaves without close_notify is nothing to send an alert about.
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    context.load_cert_chain(settings["certificates"], settings["key"])
    return context


class Connection(socketserver.BaseRequestHandler):
    """One TCP connection of a phone."""

    settings, context, number = {}, None, -1

    def handle(self):
        mode = self.settings["mode"]
        if mode == "close-at-once":
            return
        if mode == "tls":
            self._tls()
            return
        if mode == "plain":
            Server(self.request, self._cut_after(), self.settings).run()
            return
        self.request.recv(4096)
        if mode == "hello-then-silent":
            self.request.recv(4096)  # until the phone gives up

    def _tls(self):
        try:
            with self.context.wrap_socket(self.request, server_side=True) as stream:
                Server(stream, self._cut_after(), self.settings).run()
        except (OSError, ssl.SSLError):
            return  # the phone left, or OpenSSL has sent its alert

    def _cut_after(self):
        """One connection after the other takes the next of the list."""
        cuts = self.settings["cut_after"]
        if not cuts:
            return None
        Connection.number += 1
        return cuts[self.number % len(cuts)]


class Server:
    """A registrar for one phone: NTLM in three legs ([MS-SIPAE]), then 200 to all."""

    def __init__(self, stream, cut_after, settings):
        self.stream, self.cut_after, self.settings = stream, cut_after, settings
        self.heard = time.monotonic()
        self.challenge = os.urandom(8)
        self.registered_at = None

    def run(self):
        buffer = b""
        self.stream.settimeout(0.5)
        while not self._is_time_to_cut():
            try:
                received = self.stream.recv(8192)
            except TimeoutError:
                continue
            if not received:
                return
            self.heard = time.monotonic()
            buffer += received
            message, buffer = sip.take(buffer)
            while message:
                self._on(message)
                message, buffer = sip.take(buffer)
        tls10.reset(socket.socket(fileno=self.stream.detach()))

    def _is_time_to_cut(self):
        now = time.monotonic()
        if self.settings["idle"] and now > self.heard + self.settings["idle"]:
            return True
        return self.cut_after and self.registered_at and now > self.registered_at + self.cut_after

    def _on(self, request):
        if request.method == "REGISTER" and not self.registered_at:
            self.stream.send(self._on_register(request))
        else:
            self.stream.send(sip.answer(request, 200, "OK", ("Expires", "7200")))

    def _offers(self):
        """One challenge for each scheme; the name that a ticket must be for has the service in front."""
        target = {"NTLM": "pool01.contoso.com", "Kerberos": "sip/pool01.contoso.com"}
        return [("WWW-Authenticate", f'{scheme} {REALM}, targetname="{target[scheme]}", version=3')
                for scheme in self.settings["schemes"]]

    def _on_register(self, request):
        token = re.search(r'gssapi-data="([^"]*)"', request["Authorization"])
        now = ("Date", email.utils.formatdate(usegmt=True))
        target = 'targetname="pool01.contoso.com", version=3'
        if not token:
            return sip.answer(request, 401, "Unauthorized", now, *self._offers())
        if not token[1]:
            offered = base64.b64encode(ntlm.challenge(self.challenge, computer="POOL01")).decode()
            return sip.answer(request, 401, "Unauthorized", now, ("WWW-Authenticate",
                              f'NTLM opaque="6A3D1F20", gssapi-data="{offered}", {REALM}, {target}'))
        if self.settings["refuses"]:
            reason = ("ms-diagnostics", '1000;reason="Final handshake failed";source="pool01.contoso.com";HRESULT="0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"')
            return sip.answer(request, 401, "Unauthorized", now, *self._offers(), reason)
        if self.settings["forbids"] or not ntlm.is_valid(base64.b64decode(token[1]), self.challenge):
            return sip.answer(request, 403, "Forbidden", now)
        self.registered_at = time.monotonic()
        return sip.answer(request, 200, "OK", ("Expires", "7200"), ("Contact", request["Contact"]),
                          ("ms-keep-alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300"),
                          ("Server", "RTC/3.5"), now)
