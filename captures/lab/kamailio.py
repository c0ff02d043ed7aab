"""Kamailio as the registrar: one configuration, and a route for each way in which it answers a REGISTER."""

import os

BASE = """\
#!KAMAILIO
debug=0
log_stderror=yes
children=1
disable_tcp=no
dns=no
rev_dns=no
auto_aliases=no
listen=udp:{address}:5060
listen=tcp:{address}:5060
{tls}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("auth", "nonce_expire", {nonce_life})
request_route {{
    if (!is_method("REGISTER")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    {route}
    save("location");
    exit;
}}
"""
TLS = """\
enable_tls=yes
listen=tls:{address}:5061
listen=tls:{address}:5091
loadmodule "tls.so"
modparam("tls", "config", "{folder}/tls.cfg")
"""
TLS_DOMAIN = """\
[server:default]
method = {method}
certificate = {folder}/chain.pem
private_key = {folder}/key.pem
cipher_list = DEFAULT:@SECLEVEL=0
{client}
"""
MUTUAL = "ca_list = {folder}/{authorities}.pem\nverify_certificate = yes\nrequire_certificate = yes\n"
AUTHORITIES = {"mutual": "clients", "crowded": "crowd", "makers": "makers"}  # whose names it sends to clients
PLAIN = "verify_certificate = no\nrequire_certificate = no\n"
# The machine's own settings would refuse what some cases are about.
OPENSSL = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = weak\n[weak]\nCipherString = DEFAULT:@SECLEVEL=0\n"

DIGEST = """\
if (!pv_www_authenticate("contoso.com", "lab-only", "0")) {
        www_challenge("contoso.com", "0");
        exit;
    }
"""


def _answer(code, reason, *headers):
    lines = "".join(f"""append_to_reply('{header}\\r\\n');\n    """ for header in headers)
    return f'{lines}sl_send_reply("{code}", "{reason}");\n    exit;\n'


def _moved(host):
    return _answer(301, "Redirect request to Home Server", f"Contact: <sip:{host}:5060;transport=udp>;q=0.7")


ROUTES = {
    "ok": DIGEST,
    "no-challenge": _answer(401, "Unauthorized"),
    "unknown-user": _answer(404, "Not Found"),
    "broken": DIGEST + "    " + _answer(500, "Server Internal Error"),
    "old-client": DIGEST + "    " + _answer(
        403, "Forbidden", 'ms-diagnostics: 17002;reason="Client version is invalid";source="pbx.contoso.com"'),
    "skew": DIGEST + '    append_to_reply(\'ms-diagnostics: 1013;reason="Significant time skew detected during '
                     'authentication";source="pbx.contoso.com"\\r\\n\');\n'
                     '    www_challenge("contoso.com", "0");\n    exit;\n',
    "brief": DIGEST + '    if ($(hdr(Expires){s.int}) < 3600) {\n    '
             + _answer(423, "Interval Too Brief", "Min-Expires: 3600") + "    }\n",
    "domain-only": _answer(
        401, "Unauthorized", 'WWW-Authenticate: NTLM realm="SIP Communications Service", targetname="pbx.contoso.com", version=4',
        'WWW-Authenticate: Kerberos realm="SIP Communications Service", targetname="sip/pbx.contoso.com", version=4'),
    "moved": _moved("pool02.contoso.com"),
    "circle": _moved("pool02.contoso.com"),
    "moved-back": _moved("pbx.contoso.com"),
    # -4: the nonce is too old; flag 16 says so in the new challenge.
    "short-nonce": """\
if (!pv_www_authenticate("contoso.com", "lab-only", "0")) {
        if ($rc == -4) {
            www_challenge("contoso.com", "16");
        } else {
            www_challenge("contoso.com", "0");
        }
        exit;
    }
""",
}


def start(network, host, address, folder, route, tls=""):
    """Start it on a host, at an address (of IPv6 in brackets); `tls` (plain, or of `AUTHORITIES`, perhaps with a version) adds port 5061. Returns the process."""
    own = folder / f"kamailio-{host}"
    own.mkdir(exist_ok=True)
    if tls:
        kind, _, version = tls.partition("-")
        client = (MUTUAL if kind in AUTHORITIES else PLAIN).format(folder=folder, authorities=AUTHORITIES.get(kind))
        (folder / "tls.cfg").write_text(TLS_DOMAIN.format(folder=folder, client=client, method="TLSv1.2+" if version else "TLSv1.2"))
        (folder / "openssl.cnf").write_text(OPENSSL)
    text = BASE.format(address=address, route=ROUTES[route], nonce_life=4 if route == "short-nonce" else 300,
                       tls=TLS.format(address=address, folder=folder) if tls else "")
    (own / "kamailio.cfg").write_text(text)
    return network.execute(host, "kamailio", "-f", str(own / "kamailio.cfg"), "-DD", "-E", "-m", "32", "-M", "8", "-Y", str(own),
                           "-P", str(own / "pid"), environment=os.environ | {"OPENSSL_CONF": str(folder / "openssl.cnf")} if tls else None)
