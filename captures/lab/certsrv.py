"""The CA's web pages as IIS serves them, with NTLM on one connection (RFC 4559 section 6)."""

import base64
import http.server
import os
import subprocess
import tempfile

import ntlm

LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Guest network</title></head>
<body><h1>Please sign in</h1><form method="post" action="/login">
<input name="user"><input name="password" type="password"><input type="submit"></form></body></html>
"""
ERROR_PAGE = b"<html><head><title>%s</title></head><body><h2>%s</h2></body></html>\r\n"


def bundle(*certificates):
    """The chain as a Microsoft CA hands it out: base64 PKCS#7 under the label of a certificate."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write("".join(certificates))
        file.flush()
        made = subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile", file.name],
                              check=True, capture_output=True, text=True).stdout
    return made.replace("PKCS7", "CERTIFICATE").replace("\n", "\r\n").encode()


def serve(address, mode, body):
    """`mode`: ok, unauthorised, kerberos, html, 404 or 500."""
    Page.mode, Page.body = mode, body
    http.server.ThreadingHTTPServer((address, 80), Page).serve_forever()


class Page(http.server.BaseHTTPRequestHandler):
    """One connection; the NTLM challenge lives as long as it does."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together, as from IIS
    mode, body = "ok", b""
    challenge = None

    def version_string(self):
        return "Microsoft-IIS/6.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.mode in ("404", "500"):
            self._error(int(self.mode))
        elif self.mode == "html":
            self._answer(200, LOGIN_PAGE, "text/html")
        elif self._authenticated():
            self._answer(200, self.body, "application/x-pkcs7-certificates")

    def _authenticated(self):
        """The three legs of NTLM; answers 401 itself until the last one is good."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if self.mode == "kerberos":  # the provider "Negotiate:Kerberos" takes no NTLM in it
            self._error(401, ["Negotiate"])
            return False
        if scheme != "NTLM":
            self._error(401, ["Negotiate", "NTLM"])
            return False
        message = base64.b64decode(token)
        if ntlm.kind(message) == 1:
            self.challenge = os.urandom(8)
            answer = base64.b64encode(ntlm.challenge(self.challenge)).decode()
            self._error(401, [f"NTLM {answer}"])
            return False
        if self.mode == "unauthorised" or not ntlm.is_valid(message, self.challenge):
            self._error(401, ["Negotiate", "NTLM"])
            return False
        return True

    def _error(self, code, schemes=()):
        reason = self.responses[code][0].encode()
        self._answer(code, ERROR_PAGE % (reason, reason), "text/html", schemes)

    def _answer(self, code, body, content_type, schemes=()):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", content_type)
        for scheme in schemes:
            self.send_header("WWW-Authenticate", scheme)
        self.send_header("X-Powered-By", "ASP.NET")
        self.end_headers()
        self.wfile.write(body)
