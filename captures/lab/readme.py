"""What is written for readers: the story beside each capture, and the table of all of them."""

import tomllib

INDEX = """\
# Captures

Captures of phones that sign in, or try to, made by the lab in `lab/`. Each folder holds one. Those that begin with
`loop-` and `healthy-` at the end of the table are not played: `captures/lab/derive.py` makes them from two of the others, as they
would look in other conditions of the field; `captures/lab/crowd.py` puts those of several cases side by side.

| file | what it is |
| --- | --- |
| `capture.pcapng`, `capture.pcapng.gz` or `capture.pcap` | what passed the phone's switch port (or the port that the story names) |
| `expect.toml` | the facts that must hold: they come from what was set up, and from tshark for the frame numbers |
| `README.md` | the story, and the command that makes the capture again |
| `keys.log` | TLS secrets, where a handshake was completed (Wireshark: preference `tls.keylog_file`) |
| `expect-with-keys.toml` | the facts that hold where those secrets are used (`--keylog keys.log`) |

## The cases

| case | story | expected cause |
| --- | --- | --- |
{rows}

## Making them again

    captures/lab/make              # all, in about eight minutes
    captures/lab/make CASE…        # some

It needs root on a Linux with network namespaces, and Python 3.11 or later; on Debian it installs what is missing
(`lab/packages.txt`, `lab/requirements.txt`). No packet leaves the machine: the hosts are namespaces on one bridge each.
Keys and certificates are made anew in each run and are valid relative to that day; times, ports and the frames that the
kernel adds (ARP, delayed acknowledgements) vary, so `expect.toml` is written again with each capture. What is derived is
the same to the bit for the same source. To add a case, add it to one of the `lab/cases*.py`; a condition of the field, to
`captures/lab/derive.py`.

## From other servers

The captures whose names begin with `field-` were not made by the lab, so that the program is not judged by one set of
servers alone: named, unbound, kea, ISC dhcpd and dnsmasq; chrony and ntpsec; nginx and lighttpd; stunnel, haproxy,
gnutls-serv and `openssl s_server`; Kamailio; hostapd, udhcpd, PowerDNS, Knot, MIT's krb5kdc, Go's and Python's TLS; nftables for
what vanishes. The phones are scripts with OpenSSL's own handshakes, or with udhcpc, wpa_supplicant, kinit and `openssl s_client`;
their pauses were lengthened afterwards. Snap lengths, copies and edges were applied to what was captured.
Those whose page says so were written frame by frame by a script, with a clock of its own, and never passed a network.

## What is real and what is scripted

| part | how |
| --- | --- |
| Ethernet, ARP, IP, neighbour discovery, addresses made from a prefix, UDP, TCP, ICMP | the Linux kernel, a namespace per host; offloads off, MTU 1500 |
| DHCP and DNS servers, router advertisements | dnsmasq; a few lines of Python where a server must misbehave (NAK for ever, no ACK, SERVFAIL) |
| routers, address translation, loss | the kernel's forwarding and nftables |
| VLAN tags, CDP | Python, a process in the place of the phone's network card and of the switch's port |
| LLDP-MED | lldpd on the switch; Python on the phone |
| registrar's TLS | OpenSSL, with TLS 1.0 and SHA-1 allowed; nginx where it refuses hellos without a name |
| registrars of SIP phones | Kamailio, over UDP, TCP and TLS; Python in `sip-udp-…`, `sip-tcp-…` and `three-phones` |
| certificates | RSA and X.509 as any CA makes them; PKCS#7 by OpenSSL under the label that Microsoft's CA uses |
| OCSP responder, KDC | OpenSSL's, MIT's krb5kdc with accounts of the lab's |
| web servers that redirect, forbid, offer Basic, hang, close, or fail; the address book and revocation lists | nginx |
| NTP, LDAP, certsrv (IIS), OCS registrar, pool web services | Python, right on the wire, and no more than the phone asks for; NTLMv2 is computed and checked, a ticket opened |
| the Communicator and Lync phones | Python: hand-made DHCP, Kerberos (RC4-HMAC) and TLS 1.0 clients that follow the documented sequence of each family |
| the SIP phones, the PCs and the SIP servers that connect | Python; over TLS, their handshake and their judgement of certificates are OpenSSL's |
| capture | dumpcap; the name of processor and kernel is taken out |

The phones are scripts. The requests and most of their order follow what the makers documented; the details of LDAP and
of the ClientHello, how a phone leaves (FIN, RST, alert), its pauses (2.5 to 4 s here, up to minutes in the field), its
patience and the clock it wakes with (1 January 2006) are choices of the lab. There is no
distance between the hosts: round trips take microseconds. Frames are not padded to 60 bytes, as always where a frame
is captured on a machine that made it.

How silence is read: where an attempt ends in silence, the phone repeats its request or moves on, and then starts over.
Such captures end within the beginning of one more attempt, which does not count. `by` is `network` where the silent host
answers elsewhere or the capture shows the loss itself, else `unknown`. The decisive frame of a silence is the last copy
of what nobody answered; where several targets fail alike, it is that of the last one.
"""


def write(case, folder):
    """The case's own README."""
    lines = [f"# {case.name}", "", f"{_sentence(case.story)}.", "", case.text.strip(), ""]
    if (folder / "keys.log").exists():
        lines += ["`keys.log` is the TLS key log of this capture (Wireshark: preference `tls.keylog_file`).", ""]
    if getattr(case, "secrets", "") == "inside":
        lines += ["The TLS secrets are in the capture itself, in a Decryption Secrets Block.", ""]
    lines += [f"Made by `captures/lab/make {case.name}`. What is real and what is scripted: `captures/README.md`.", ""]
    (folder / "README.md").write_text("\n".join(lines))


def write_index(cases, folder):
    """The table of all cases."""
    rows = [f"| [{case.name}]({case.name}/) | {case.story} | {_causes(case)} |" for case in cases]
    rows = "\n".join([*rows, *_from_other_servers(folder)])
    (folder / "README.md").write_text(INDEX.format(rows=rows))


def _from_other_servers(folder):
    """The rows of the captures that the lab did not make."""
    for case in sorted(folder.glob("field-*")):
        facts = tomllib.loads((case / "expect.toml").read_text())
        causes = dict.fromkeys(f"`{device['primary']}`" if "primary" in device else f"none: {device['verdict']}"
                               for device in facts["device"])
        yield f"| [{case.name}]({case.name}/) | {facts['story']} | {', '.join(causes)} |"


def _causes(case):
    return ", ".join(dict.fromkeys(f"`{device.primary}`" if device.primary else f"none: {device.verdict}"
                                   for device in case.devices))


def _sentence(text):
    return text[0].upper() + text[1:]
