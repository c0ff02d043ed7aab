"""Cases of the web servers on the way: the CA's enrolment pages behind nginx, and the update service."""

from phone import UPDATE_HOST, Settings
from scenario import Case, DNS, dropping, signing_in
from world import POOL

UPDATES = Settings(asks_updates=True)
HEALTHY = ("cert-weak", "session-dropped", "dns-name-not-found", "tcp-refused")


def page(name, story, text, certsrv, decisive, primary, absent=(), **settings):
    """A web server that does not give the certificates."""
    return Case(name, story, text, [dropping(("enrolment", "server", "rejected"), decisive, primary, pick="last",
                                             absent=absent, settings=Settings(**settings))], certsrv=certsrv)


def update(name, story, text, status, **case):
    """An update that fails on the way, and a phone that signs in all the same. `status`: what its screen then shows."""
    device = signing_in(contributing=("update-unreachable",), settings=UPDATES, says=(status,),
                        absent=("update-name-unresolved", "tcp-no-answer", *HEALTHY))
    return Case(name, story, text, [device], dns=DNS | {UPDATE_HOST: POOL}, **case)


CASES = [
    page("enrolment-redirected", "the CA's web server sends everybody to https", """\
nginx answers 301 with the same page under https. The phone does not follow: it has no CA yet to trust that server by. The
decisive frame is the 301.""",
         "redirect", "http.response.code == 301", "enrolment-redirected",
         ("enrolment-forbidden", "enrolment-bad-content", "enrolment-no-answer")),
    page("enrolment-forbidden", "the CA's web server refuses the phone's network: 403", """\
nginx in front of the CA answers 403, whoever asks.""",
         "forbidden", "http.response.code == 403", "enrolment-forbidden",
         ("enrolment-unauthorised", "enrolment-not-found")),
    page("enrolment-auth-scheme", "the enrolment page offers Basic alone, the phone speaks NTLM", """\
nginx's 401 offers Basic. The phone sends no credentials at all.""",
         "basic", "http.response.code == 401", "enrolment-auth-scheme",
         ("enrolment-unauthorised", "enrolment-forbidden"), begins_again=0.3),
    Case("enrolment-no-answer", "the web server takes the request, and what is behind it hangs", """\
nginx passes the request to a back end that never answers. The phone waits 5 s, closes, and starts over. The decisive
frame is the request.""",
         [dropping(("enrolment", "unknown", "timeout"), "http.request && ip.src == {ip}", "enrolment-no-answer", pick="last",
                   absent=("tcp-no-answer", "enrolment-server-error", "path-loss"),
                   settings=Settings(attempts=3, begins_again=0.3))],
         certsrv="hung"),
    Case("update-name-unresolved", "the update server's name does not exist, and the phone signs in all the same", """\
The healthy twin of the founding case; the phone asks once for ucupdates-r2.contoso.com and gets NXDOMAIN.
Its screen then shows `Last Update Status: (0x2ee7/0)`.""",
         [signing_in(contributing=("update-name-unresolved",), settings=UPDATES, says=("0x2ee7/0",), absent=HEALTHY)]),
    Case("update-unreachable", "the update service fails, and the phone signs in all the same", """\
The healthy twin of the founding case; the phone's update request is answered by 503.""",
         [signing_in(contributing=("update-unreachable",), settings=UPDATES, absent=HEALTHY)],
         dns=DNS | {UPDATE_HOST: POOL}, updates="503"),
    update("update-port-silent", "a firewall drops the SYNs to the update server, and the phone signs in all the same", """\
The SYN to port 80 and its repeats find no answer. The phone shows the WinINet error of a time-out, `(0x2ee2/0)`, or, where its own patience
outlasts that of TCP, of a connection that cannot be made, `(0x2efd/0)`.""",
           "0x2ee2/0", pool_drops="tcp dport 80"),
    update("update-no-answer", "the update service takes the request, and what is behind it hangs", """\
The request is acknowledged and never answered: a time-out, `(0x2ee2/0)`.""",
           "0x2ee2/0", updates="hung"),
    update("update-port-refused", "nothing listens on port 80 of the update server, and the phone signs in all the same", """\
A RST answers the SYN: the phone shows that it cannot connect, `(0x2efd/0)`.""",
           "0x2efd/0"),
    update("update-closed", "the update service closes the connection without an answer", """\
The request goes out, and a FIN comes back: the connection was aborted, `(0x2efe/0)`.""",
           "0x2efe/0", updates="closes"),
    update("update-reset", "the update service resets the connection without an answer", """\
The request goes out, and a RST comes back: `(0x2eff/0)`.""",
           "0x2eff/0", updates="resets"),
]
