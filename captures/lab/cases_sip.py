"""Cases of the registration itself, in the clear. Kamailio is the registrar."""

from scenario import Case, DNS, dropping, signing_in
from sip_phone import SipPhone, SipSettings
from world import HOME_POOL, POOL

GENERIC = {"profile": "generic-sip", "runs": SipPhone}
SIP_DNS = DNS | {"pbx.contoso.com": POOL, "pool02.contoso.com": HOME_POOL}


def refused(name, story, text, route, code, primary, transport="udp", absent=(), **settings):
    """A registrar that says no by a status code, the last of an attempt."""
    device = dropping(("register", "server", "rejected"), f"sip.Status-Code == {code}", primary, pick="last",
                      restarts_at="register" if transport == "udp" else "connect",
                      absent=("sip-no-answer", "sip-rejected", *absent),
                      settings=SipSettings(transport=transport, **settings), **GENERIC)
    return Case(name, story, text, [device], dns=SIP_DNS, kamailio=route)


CASES = [
    refused("sip-client-version-blocked", "the registrar does not let this firmware in: 403 with ms-diagnostics 17002", """\
Over TCP. The credentials are right; the 403 after them bears `ms-diagnostics: 17002`.""",
            "old-client", 403, "sip-client-version-blocked", "tcp", ("sip-forbidden", "sip-auth-rejected")),
    refused("sip-clock-skew", "the registrar finds the phone's clock too far off: ms-diagnostics 1013", """\
Over TCP. The 401 to the credentials bears `ms-diagnostics: 1013`: neither user nor password is wrong.""",
            "skew", 401, "sip-clock-skew", "tcp", ("sip-auth-scheme-unsupported",)),
    refused("sip-redirect-loop", "two registrars send the phone to each other", """\
pbx.contoso.com answers 301 with pool02.contoso.com, and that one 301 with pbx.contoso.com. The phone follows five times,
then gives up and starts over.""",
            "circle", 301, "sip-redirect-loop", absent=("sip-auth-rejected",)),
    refused("sip-interval-too-brief", "the registrar wants an hour, the phone asks for a minute: 423", """\
The phone authenticates, gets 423 with `Min-Expires: 3600`, and does not raise its interval.""",
            "brief", 423, "sip-interval-too-brief", absent=("sip-auth-rejected",), expires=60),
    refused("sip-user-not-found", "the registrar does not know the user: 404", """\
The first REGISTER is answered by 404, without a challenge.""",
            "unknown-user", 404, "sip-user-not-found", absent=("sip-auth-scheme-unsupported",)),
    refused("sip-server-error", "the registrar fails: 500", """\
Over TCP. The credentials are right; what is behind the registrar is not.""",
            "broken", 500, "sip-server-error", "tcp", ("sip-auth-rejected",)),
    refused("sip-auth-scheme-unsupported", "the registrar offers NTLM and Kerberos, the phone knows Digest", """\
The 401 offers two schemes, neither of which the phone has. It sends no credentials; it waits and sends its bare REGISTER
again.""",
            "domain-only", 401, "sip-auth-scheme-unsupported", absent=("sip-auth-rejected", "sip-forbidden")),
    Case("sip-no-answer", "nothing comes back to REGISTER", """\
A packet filter at the registrar drops UDP 5060. The phone repeats its REGISTER after 0.5, 1.5 and 3.5 s, gives up after
7.5 s, and starts over. The decisive frame is the last copy.""",
         [dropping(("register", "unknown", "timeout"), "sip.Method == \"REGISTER\"", "sip-no-answer", pick="last",
                   restarts_at="register", absent=("sip-rejected", "icmp-unreachable", "dns-no-answer"),
                   settings=SipSettings(attempts=3, begins_again=0.3), **GENERIC)],
         dns=SIP_DNS, kamailio="ok", pool_drops="udp dport 5060"),
    Case("sip-one-redirect-healthy", "one 301 to the home pool, then the phone is in", """\
The first registrar sends the phone to pool02.contoso.com, where it authenticates and registers. One redirection is
normal.""",
         [signing_in(settings=SipSettings(), absent=("sip-redirect-loop", "sip-rejected", "sip-auth-rejected"), **GENERIC)],
         dns=SIP_DNS, kamailio="moved"),
    Case("sip-stale-nonce-healthy", "a nonce grows stale between two registrations", """\
The registrar's nonces live 4 s. The phone renews its registration with the one that it has, gets 401 with `stale=true`
and a new nonce, and 200 to that: no refusal (RFC 2617 section 3.2.1).""",
         [signing_in(settings=SipSettings(refreshes=3, keep_alive=6, stays=18),
                     absent=("sip-auth-rejected", "session-dropped"), **GENERIC)],
         dns=SIP_DNS, kamailio="short-nonce"),
]
