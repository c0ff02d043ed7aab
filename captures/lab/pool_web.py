"""The pool's web services that a Lync phone asks in the clear: device update and root chain, HTTP 80."""

import base64
import http.server

UPDATE, ROOT_CHAIN = "/RequestHandler/ucdevice.upx", "/CertProv/CertProvisioningService.svc/anon"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>\
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>"""
ASK_CHAIN = ENVELOPE.format('<GetRootCertChains xmlns="http://schemas.microsoft.com/OCS/AuthWebServices/"/>')
CHAIN = ENVELOPE.format('<GetRootCertChainsResponse xmlns="http://schemas.microsoft.com/OCS/AuthWebServices/">'
                        "<X509CertificateChain>{}</X509CertificateChain></GetRootCertChainsResponse>")


def serve(address, bundle):
    Page.bundle = base64.b64encode(base64.b64decode(
        b"".join(line for line in bundle.splitlines() if not line.startswith(b"-----")))).decode()
    http.server.ThreadingHTTPServer((address, 80), Page).serve_forever()


class Page(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    bundle = ""

    def version_string(self):
        return "Microsoft-IIS/7.5"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == UPDATE:
            self._answer(200, "text/plain", b"")
        elif self.path == ROOT_CHAIN:
            self._answer(200, "text/xml; charset=utf-8", CHAIN.format(self.bundle).encode())
        else:
            self._answer(404, "text/html", b"")

    def _answer(self, code, content_type, body):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Powered-By", "ASP.NET")
        self.end_headers()
        self.wfile.write(body)
