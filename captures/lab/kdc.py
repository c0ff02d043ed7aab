"""MIT's KDC for a realm that has no users, and a client's question for a ticket."""

import os
import subprocess

REALM = "CONTOSO.COM"
CLIENT = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
[realms]
{realm} = {{
    kdc = {address}
}}
"""
SERVER = """\
[kdcdefaults]
kdc_listen = {address}:88
kdc_tcp_listen = {address}:88
[realms]
{realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
}}
"""


def start(network, host, address, folder):
    """The database is made first: an empty one."""
    environment = _environment(folder)
    (folder / "krb5.conf").write_text(CLIENT.format(realm=REALM, address=address))
    (folder / "kdc.conf").write_text(SERVER.format(realm=REALM, address=address, folder=folder))
    subprocess.run(["kdb5_util", "-r", REALM, "create", "-s", "-P", "lab-only"], check=True, env=environment, capture_output=True)
    network.execute(host, "krb5kdc", "-n", "-r", REALM, environment=environment)


def has_ticket(folder, user):
    """Ask for one, as the account's owner would."""
    asked = subprocess.run(["kinit", "-c", f"FILE:{folder}/tickets", f"{user}@{REALM}"], input=b"lab-only\n", env=_environment(folder),
                           capture_output=True)
    return asked.returncode == 0


def _environment(folder):
    path = f"{os.environ['PATH']}:/usr/sbin"
    return os.environ | {"PATH": path, "KRB5_CONFIG": f"{folder}/krb5.conf", "KRB5_KDC_PROFILE": f"{folder}/kdc.conf"}
