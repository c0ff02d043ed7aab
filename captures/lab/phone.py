"""The scripted phone: it signs in as Communicator Phone Edition does, again and again until it may."""

import base64
import contextlib
import json
import random
import re
import signal
import socket
import time
from dataclasses import dataclass, field

from cryptography import x509

import dhcp
import dns
import ldap
import ntlm
import ntp
import pool_web
import revocation
import sip
import tls10
import trust
from web_client import Dropped, WebClient

UPDATE_HOST = "ucupdates-r2.contoso.com"
WINDOWS_CE_PARAMETERS = (1, 3, 6, 15, 42, 43, 44, 46, 47, 119)
SRV_NAMES = ("_sipinternaltls._tcp", "_sip._tls", "_sipinternal._tcp")
A_NAMES = ("sipinternal", "sip", "sipexternal")


@dataclass
class Settings:
    """One phone, and how it behaves in a case."""

    mac: str = "00:04:f2:1a:2b:3c"
    host_name: str = "CPE-1A2B3C"
    vendor_class: bytes = b"CPE-OCPhone"
    dhcp_parameters: tuple = WINDOWS_CE_PARAMETERS
    sip_domain: str = "contoso.com"
    directory_domain: str = "contoso.com"
    user: str = "kim"
    user_agent: str = "CPE/1.0.522.101 OCPhone/1.0.522.101 (Microsoft Office Communicator 2007 Phone Edition)"
    attempts: int = 4
    leaves_by: str = "fin"             # fin, rst, or the number of an alert
    power_on_clock: float = 1136073600  # 2006-01-01, until a time server says better
    needs_time: bool = True
    asks_updates: bool = False
    strict_domain: bool = False        # takes no registrar outside its SIP domain
    begins_at_dhcp: bool = False       # gives everything up after a drop, its address too
    dhcp_waits: tuple = dhcp.Client.waits  # seconds that each DISCOVER or REQUEST is waited for
    needs_options: tuple = ()          # DHCP options without which it takes no answer
    probes_address: bool = False       # ARP for the address that it was given (RFC 5227)
    asks_revocation: bool = False      # of the server's certificate, in the middle of the handshake
    negotiates: bool = False           # puts NTLM into Negotiate, where a web server offers nothing else
    resets: bool = False               # leaves a silent handshake by RST, so that its stack repeats nothing later
    spoils_finished: bool = False      # a stack that derives other keys than the server
    power_cuts: int = 0                # so many handshakes are cut off by the power
    address: tuple = ()                # (own, gateway, DNS server) where it is set without DHCP
    hello: str = "tls"                 # or sslv2
    patience: float = 5                # seconds for a TCP connection
    tls_patience: float = 10
    lingers: float = 0                 # seconds after the last attempt until a last ARP announcement
    begins_again: float = 0            # seconds of a last attempt, which the capture's end cuts off
    pause: tuple = (2.5, 4.0)          # between attempts; field phones take up to a minute
    stays: float = 12                  # seconds signed in before the script ends
    keep_alive: float = 4
    rules: trust.Rules = field(default_factory=trust.Rules)


class Phone(WebClient):
    """State that outlives an attempt: the lease, the clock, the session."""

    via = "TLS"

    def __init__(self, settings, log, key_log=None):
        self.settings, self.log_path, self.key_log = settings, log, key_log
        self.random = random.Random(settings.mac)
        self.powered_on = time.monotonic()
        self.dhcp = None
        self.clock_base = settings.power_on_clock
        self.dns = self.has_time = self.session = None
        self.cuts = 0

    def run(self):
        """Attempt after attempt, from the first stage that is still to be done."""
        for _ in range(self.settings.attempts):
            self.log("attempt")
            try:
                self.sign_in()
            except Dropped as reason:
                self.log("drop", reason=str(reason))
            else:
                self.log("signed-in")
                return
            if self.settings.begins_at_dhcp:
                self.dns = self.has_time = None
                dhcp.ip("addr", "flush", "dev", "eth0")
            time.sleep(self.random.uniform(*self.settings.pause))
        if self.settings.lingers:
            time.sleep(self.settings.lingers)
            self.dhcp.announce(self.ip)
        if self.settings.begins_again:
            self.log("attempt")
            signal.setitimer(signal.ITIMER_REAL, self.settings.begins_again)
            with contextlib.suppress(Dropped):
                self.sign_in()
            signal.pause()  # until that time is over

    def sign_in(self):
        self.get_address()
        self.set_time()
        self.think()
        fetched = self.fetch_certificates(self.locate_ca())
        self.think()
        connection, name = self.connect()
        self.session = self.handshake(connection, name, fetched)
        self.register(self.session)
        self.stay(self.session)

    def think(self):
        """A slow processor, and screens to draw."""
        time.sleep(self.random.uniform(0.05, 0.3))

    def clock(self):
        """The phone's own idea of the time, as Unix seconds."""
        return self.clock_base + time.monotonic() - self.powered_on

    def log(self, event, **more):
        with open(self.log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "time": time.time(), **more}) + "\n")

    # The stages, in their order.

    def get_address(self):
        if self.dns:
            return
        if self.settings.address:
            self.ip, _, server = self.settings.address
        else:
            self.ip, server = self._lease()
        self.dns = dns.Resolver(server, self.random)

    def _lease(self):
        options = [(12, self.settings.host_name.encode()), (55, bytes(self.settings.dhcp_parameters))]
        if self.settings.vendor_class:
            options.insert(1, (60, self.settings.vendor_class))
        self.dhcp = self.dhcp or dhcp.Client(self.settings.mac, options, f"{self.settings.host_name}{self.cuts or ''}",
                                             probes=self.settings.probes_address, needs=self.settings.needs_options,
                                             waits=self.settings.dhcp_waits)
        try:
            answer = self.dhcp.lease()
        except dhcp.NoLease as reason:
            raise Dropped(f"no lease: {reason}") from reason
        if 6 not in answer["options"]:
            time.sleep(sum(dns.Resolver.waits))  # as long as it would wait for a server
            raise Dropped("no DNS server")
        return answer["your"], socket.inet_ntoa(answer["options"][6][:4])

    def set_time(self):
        """SRV `_ntp._udp`, else time.windows.com; the phone needs one of them."""
        if self.has_time is not None:
            return
        services = self.services(f"_ntp._udp.{self.settings.sip_domain}")
        target = services[0][0] if services else "time.windows.com"
        now = next((ntp.ask(address, self.clock) for address in self._addresses(target)), None)
        if now is None and self.settings.needs_time:
            raise Dropped("no time")
        self.has_time = now is not None
        if now is not None:
            self.clock_base = now - (time.monotonic() - self.powered_on)
        if self.settings.asks_updates:
            self.ask_for_update()

    def ask_for_update(self):
        """A side road: whatever comes back, the phone goes on."""
        inventory = f"MAC={self.settings.mac.replace(':', '-').upper()}&SN=0004F2{self.settings.host_name[-6:]}"
        if self._addresses(UPDATE_HOST):
            with contextlib.suppress(Dropped):
                self.post(UPDATE_HOST, pool_web.UPDATE, "application/x-www-form-urlencoded", inventory)

    def locate_ca(self):
        """The CA host's name, from the directory."""
        services = self.services(f"_ldap._tcp.dc._msdcs.{self.settings.directory_domain}")
        if not services:
            raise Dropped("no domain controller")
        try:
            client = ldap.Client(self.address_of(services[0][0]), self.random)
            client.search("", 0, None, "configurationNamingContext")
            self.bind(client)
            client.search(ldap.KEY_SERVICES, 2, "certificationAuthority", "cACertificate")
            hosts = client.search(ldap.KEY_SERVICES, 2, "pKIEnrollmentService", "dNSHostName")
            client.close()
        except (OSError, ldap.Failed) as error:
            raise Dropped(f"directory: {error}") from error
        if not hosts:
            raise Dropped("directory: no CA")
        return hosts[0]

    def bind(self, client):
        """To the directory, by NTLM."""
        client.bind()

    def fetch_certificates(self, host):
        """The CA chain over HTTP; NTLM in three legs on one connection."""
        connection = self.tcp(self.address_of(host), 80)
        if connection is None:
            raise Dropped("enrolment port closed")
        with connection:
            code, body = self._get(connection, host)
            offered = self.response.all("WWW-Authenticate")
            if code == 401 and "NTLM" in offered:
                code, body = self._get_with_ntlm(connection, host)
            elif code == 401 and self.settings.negotiates and "Negotiate" in offered:
                code, body = self._begin_to_negotiate(connection, host)
        if code != 200:
            raise Dropped(f"enrolment: {code}")
        return self._certificates(body)

    def connect(self):
        """The first registrar of the list that accepts a connection, and its name."""
        for name, ports in self._registrars():
            for address in self._addresses(name):
                for port in ports:
                    connection = self.tcp(address, port)
                    if connection:
                        return connection, name
        raise Dropped("no registrar")

    def handshake(self, connection, name, fetched):
        session = tls10.Session(connection, self.clock, self.key_log)
        connection.settimeout(self.settings.tls_patience)
        time.sleep(0.08)  # a slow processor between connect and hello
        try:
            session.hello(self.settings.hello == "sslv2")
            sent = session.server_certificates()
        except (tls10.Closed, tls10.Alerted, TimeoutError) as reason:
            if self.settings.resets:
                tls10.reset(connection)
            connection.close()
            raise Dropped(f"TLS: {reason!r}") from reason
        time.sleep(self.random.uniform(0.1, 0.3))  # public-key work; the acknowledgement goes out meanwhile
        try:
            trust.check(self.settings.rules, sent, fetched, name, self.clock())
        except trust.Refused as reason:
            self._leave(session)
            raise Dropped(f"certificate: {reason}") from reason
        if self.settings.asks_revocation:
            self._check_revocation(session, [x509.load_der_x509_certificate(one) for one in sent])
        if self.settings.power_cuts > self.cuts:
            self._lose_power(session)
        try:
            session.finish(self.settings.spoils_finished)
        except (tls10.Closed, tls10.Alerted) as reason:
            connection.close()
            raise Dropped(f"TLS: {reason!r}") from reason
        return session

    def _check_revocation(self, session, sent):
        """Silence is as bad as revoked."""
        try:
            good = revocation.is_good(self, sent)
        except Dropped:
            good = False
        if not good:
            self._leave(session)
            raise Dropped("certificate: revoked, or nobody says that it is not")

    def _lose_power(self, session):
        """Nothing more leaves this phone; some seconds later it starts from nothing."""
        self.cuts += 1
        dhcp.ip("link", "set", "eth0", "down")
        tls10.reset(session.socket)
        time.sleep(2)
        self.powered_on, self.clock_base = time.monotonic(), self.settings.power_on_clock
        self.dhcp = self.dns = self.has_time = None
        dhcp.ip("addr", "flush", "dev", "eth0")
        dhcp.ip("link", "set", "eth0", "up")
        raise Dropped("no power")

    def register(self, session):
        """REGISTER bare, with an empty token, with the NTLM answer ([MS-SIPAE])."""
        self.call = f"{self.random.getrandbits(128):032x}"
        answer = self._request(session, 1, "REGISTER")
        if answer.code == 401 and self.accepts(answer.all("WWW-Authenticate")):
            answer = self._request(session, 2, "REGISTER", self._credentials(""))
            challenge = base64.b64decode(re.search(r'gssapi-data="([^"]+)"', answer["WWW-Authenticate"])[1])
            token = base64.b64encode(ntlm.authenticate(challenge, self.random.randbytes(8))).decode()
            answer = self._request(session, 3, "REGISTER", self._credentials(token))
        if answer.code != 200:
            session.socket.close()
            raise Dropped(f"REGISTER: {answer.code}")

    def accepts(self, schemes):
        """Has it credentials for one of these?"""
        return any(scheme.startswith("NTLM") for scheme in schemes)

    def stay(self, session):
        """Signed in: a subscription, then keep-alives until the server cuts or the script ends."""
        for number, event in enumerate(("vnd-microsoft-provisioning-v2", "vnd-microsoft-roaming-contacts"), 4):
            self._request(session, number, "SUBSCRIBE", ("Event", event))
        ends = time.monotonic() + self.settings.stays
        try:
            while time.monotonic() < ends:
                session.receive(self.settings.keep_alive)
                session.send(b"\r\n\r\n")
        except tls10.Closed as reason:
            session.socket.close()
            raise Dropped(f"session cut: {reason}") from reason

    # What the stages are made of.

    def services(self, name):
        services = self.dns.services(name)
        if services is None:
            raise Dropped(f"no DNS answer for {name}")
        return services

    def _addresses(self, name):
        addresses = self.dns.addresses(name)
        if addresses is None:
            raise Dropped(f"no DNS answer for {name}")
        return addresses

    def address_of(self, name):
        addresses = self._addresses(name)
        if not addresses:
            raise Dropped(f"no address for {name}")
        return addresses[0]

    def _registrars(self):
        """SRV targets; only where no SRV record helps, the A names with 5061 and then 443."""
        domain, found = self.settings.sip_domain, False
        for prefix in SRV_NAMES:
            for target, port in self.services(f"{prefix}.{domain}"):
                if self.settings.strict_domain and not target.endswith(f".{domain}"):
                    continue
                found = True
                yield target, (port,)
        if not found:
            yield from ((f"{prefix}.{domain}", (5061, 443)) for prefix in A_NAMES)

    def tcp(self, address, port):
        try:
            return socket.create_connection((address, port), self.settings.patience)
        except OSError:
            return None

    def _certificates(self, body):
        """Label or not, the content is PKCS#7: Microsoft writes BEGIN CERTIFICATE above it."""
        text = b"".join(line for line in body.splitlines() if not line.startswith(b"-----"))
        try:
            return trust.read_bundle(base64.b64decode(text, validate=True))
        except ValueError as error:  # not base64, or not PKCS#7
            raise Dropped("enrolment: no certificate in the answer") from error

    def _leave(self, session):
        way = self.settings.leaves_by
        if way == "rst":
            tls10.reset(session.socket)
            return
        if way.isdigit():
            session.alert(int(way))
        session.socket.close()

    def _credentials(self, token):
        opaque = 'opaque="6A3D1F20", ' if token else ""
        return ("Authorization", f'NTLM qop="auth", {opaque}realm="SIP Communications Service", '
                                 f'targetname="pool01.contoso.com", gssapi-data="{token}", version=3')

    def _request(self, session, number, method, *headers):
        """Send a request, wait for its answer."""
        address = f"sip:{self.settings.user}@{self.settings.sip_domain}"
        target = f"sip:{self.settings.sip_domain}" if method == "REGISTER" else address
        session.send(sip.render(f"{method} {target} SIP/2.0", [
            ("Via", f"SIP/2.0/{self.via} {self.ip}:{session.socket.getsockname()[1]}"), ("Max-Forwards", "70"),
            ("From", f"<{address}>;tag={self.call[:10]};epid={self.settings.mac.replace(':', '')[-10:]}"),
            ("To", f"<{address}>"), ("Call-ID", self.call), ("CSeq", f"{number} {method}"),
            ("Contact", f"<sip:{self.ip}:{session.socket.getsockname()[1]};transport={self.via.lower()}>;methods=\"INVITE, MESSAGE, NOTIFY\""),
            ("User-Agent", self.settings.user_agent), ("ms-keep-alive", "UAC;hop-hop=yes"),
            ("Expires", "7200"), *headers]))
        buffer = b""
        while True:
            received = session.receive(10)
            if not received:
                raise Dropped(f"{method}: silence")
            buffer += received
            message, _ = sip.take(buffer)
            if message:
                return message
