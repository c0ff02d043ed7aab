"""MIT's KDC, the accounts that it knows, and a client's question for a ticket."""

import os
import subprocess

REALM = "CONTOSO.COM"
CLIENT = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
{permitted}
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
    supported_enctypes = {types}
}}
"""
USER, SERVICE = "kim", "ldap/dc01.contoso.com"
TYPES = "arcfour-hmac:normal aes256-cts:normal"
# What the administrator has made of the accounts: of the user's, of the service's, and of the types of keys.
ACCOUNTS = {
    "ok": ("", "", TYPES),
    "locked": ("-allow_tix", "", TYPES),
    "no-service": ("", "-allow_svr", TYPES),
    "hardened": ("", "", "aes256-cts:normal aes128-cts:normal"),
}


def start(network, host, address, folder, accounts):
    """The database is made first: an empty one, or with the accounts of that name."""
    environment = _environment(folder)
    user, service, types = ACCOUNTS.get(accounts, ACCOUNTS["ok"])
    # RC4 must be allowed by name; `allow_rc4` is what later versions ask for.
    permitted = f"permitted_enctypes = {types.replace(':normal', '')}\nallow_rc4 = true" if accounts in ACCOUNTS else ""
    (folder / "krb5.conf").write_text(CLIENT.format(realm=REALM, address=address, permitted=permitted))
    (folder / "kdc.conf").write_text(SERVER.format(realm=REALM, address=address, folder=folder, types=types))
    subprocess.run(["kdb5_util", "-r", REALM, "create", "-s", "-P", "lab-only"], check=True, env=environment, capture_output=True)
    if accounts in ACCOUNTS:
        _add(environment, USER, f"+requires_preauth {user}", folder / "user.keytab")
        _add(environment, SERVICE, service, folder / "service.keytab")
    network.execute(host, "krb5kdc", "-n", "-r", REALM, environment=environment)


def _add(environment, name, attributes, keytab):
    """An account with a random key, which whoever it belongs to is given."""
    for command in (f"addprinc -randkey {attributes} {name}", f"ktadd -norandkey -k {keytab} {name}"):
        subprocess.run(["kadmin.local", "-r", REALM, "-q", command], check=True, env=environment, capture_output=True)


def has_ticket(folder, user):
    """Ask for one, as the account's owner would."""
    asked = subprocess.run(["kinit", "-c", f"FILE:{folder}/tickets", f"{user}@{REALM}"], input=b"lab-only\n", env=_environment(folder),
                           capture_output=True)
    return asked.returncode == 0


def _environment(folder):
    path = f"{os.environ['PATH']}:/usr/sbin"
    return os.environ | {"PATH": path, "KRB5_CONFIG": f"{folder}/krb5.conf", "KRB5_KDC_PROFILE": f"{folder}/kdc.conf"}
