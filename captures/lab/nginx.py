"""nginx as a web server that is in the way: one configuration for each fault, its files in a folder of the run."""

# The CA's web server, port 80. `hung` stands before a back end that takes the request and never answers.
PAGES = {
    "redirect": "return 301 https://$host$request_uri;",
    "forbidden": "return 403;",
    "basic": 'auth_basic "Certificate Services"; auth_basic_user_file {folder}/users; root {folder};',
    "hung": "proxy_pass http://127.0.0.1:8080; proxy_read_timeout 60s;",
}
# The update service, where it gives no answer: nginx's 444 closes without one, by FIN or by RST.
UPDATES = {
    "hung": PAGES["hung"],
    "closes": "return 444;",
    "resets": "reset_timedout_connection on; return 444;",
}
# Two sites on one address, told apart by the name in the hello: without that name there is none to choose.
SITES = """\
ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
ssl_ciphers AES128-SHA:@SECLEVEL=0;
server {{ listen {address}:5061 ssl default_server; ssl_reject_handshake on; }}
server {{ listen {address}:5061 ssl; server_name pool01.contoso.com;
          ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem; }}"""
MUTUAL = """\
listen {address}:443 ssl; ssl_protocols TLSv1.2; ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
          ssl_client_certificate {folder}/makers.pem; ssl_verify_client on; ssl_verify_depth 2;"""
TOKENS = """\
ssl_protocols TLSv1.2;
server {{ listen {address}:443 ssl; ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
          location / {{ return 400 '{{"error":"authorization_pending"}}'; }} }}"""
WHOLE = """\
daemon off; worker_processes 1; user root; pid {folder}/nginx-{name}.pid; error_log {folder}/nginx-{name}.log;
events {{ worker_connections 64; }}
http {{
access_log off; server_tokens off; default_type text/plain;
client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
scgi_temp_path {folder};
{servers}
}}
"""


def page(network, host, address, folder, name):
    """A web server on port 80 of which every page is like that."""
    (folder / "users").write_text("clerk:{PLAIN}lab-only\n")
    body = PAGES[name].format(folder=folder)
    _start(network, host, folder, name, f"server {{ listen {address}:80 default_server; location / {{ {body} }} }}")
    if name == "hung":
        _hang(network, host)


def updates(network, host, address, folder, way):
    """A device-update service that answers with a status code, or in another way of `UPDATES`."""
    body = UPDATES.get(way) or f"return {way};"
    body = f"location / {{ return 404; }} location /RequestHandler/ {{ {body} }}"
    _start(network, host, folder, "updates", f"server {{ listen {address}:80 default_server; {body} }}")
    if way == "hung":
        _hang(network, host)


def files(network, host, address, folder, answers, mutual):
    """A configuration server: a status code for each file, 404 for all others. Mutual TLS admits the phones of one maker alone."""
    exact = "".join(f'location = /{file} {{ return {code} "configuration"; }} ' for file, code in answers.items())
    listens = MUTUAL.format(address=address, folder=folder) if mutual else f"listen {address}:80 default_server;"
    _start(network, host, folder, "files", f"server {{ {listens} {exact} location / {{ return 404; }} }}")


def tokens(network, host, address, folder):
    """A server that gives tokens, and this time does not yet (RFC 8628 section 3.5)."""
    _start(network, host, folder, "tokens", TOKENS.format(folder=folder, address=address))


def web_service(network, host, address, folder):
    """A web service of the pool behind TLS: whatever is asked for is there."""
    body = (f"ssl_protocols TLSv1.2; server {{ listen {address}:443 ssl; ssl_certificate {folder}/chain.pem; "
            f'ssl_certificate_key {folder}/key.pem; location / {{ return 200 "address book"; }} }}')
    _start(network, host, folder, "web-service", body)


def revocation_list(network, host, address, folder):
    """A web server that has the revocation list."""
    body = f"location = /issuing.crl {{ root {folder}; }} location / {{ return 404; }}"
    _start(network, host, folder, "revocation-list", f"server {{ listen {address}:80 default_server; {body} }}")


def sites(network, host, address, folder):
    _start(network, host, folder, "sites", SITES.format(folder=folder, address=address))


def _hang(network, host):
    """A back end that takes the request and never answers."""
    network.execute(host, "socat", "TCP-LISTEN:8080,fork,bind=127.0.0.1", "SYSTEM:sleep 600")


def _start(network, host, folder, name, servers):
    path = folder / f"nginx-{name}.conf"
    path.write_text(WHOLE.format(folder=folder, name=name, servers=servers))
    network.execute(host, "nginx", "-c", str(path))
