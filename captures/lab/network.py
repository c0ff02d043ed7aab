"""Hosts as network namespaces on one bridge, and the capture of a port of that bridge."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
import time

CLONE_NEWNET = 0x40000000
NETMASK = 24
PREFIX = 64

fork = multiprocessing.get_context("fork")


def run(*command, namespace=None, quiet=False):
    """Run a command, inside a namespace where one is given; fail loudly."""
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    subprocess.run([*prefix, *command], check=True,
                   stdout=subprocess.DEVNULL if quiet else None,
                   stderr=subprocess.DEVNULL if quiet else None)


def enter(namespace):
    """Move this process into a namespace (os.setns exists only from Python 3.12 on)."""
    handle = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(handle)


class Network:
    """A switch and its hosts. Everything disappears when the `with` block ends."""

    def __init__(self, name):
        self.prefix = f"lab{os.getpid()}-{name}"
        self.namespaces = []
        self.children = []
        self.captures = []
        self.registrar = None  # the process that can be restarted

    def __enter__(self):
        try:
            self._add_namespace("switch")
            # Spanning tree and multicast snooping would add frames of their own.
            self._ip("link", "add", "br0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
            self._ip("link", "set", "br0", "up")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop_capture()
        for child in self.children:
            with contextlib.suppress(Exception):
                child.terminate()
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace)

    def gateway(self, mac, address):
        """Give the switch an address: a layer 3 switch that forwards nothing off the site."""
        self._ip("link", "set", "br0", "address", mac)
        self._ip("addr", "add", f"{address}/{NETMASK}", "dev", "br0")
        self.set("switch", "net.ipv4.ip_forward", 0)

    def host(self, name, mac, *addresses, ttl=128, attached=True):
        """A host on the switch, or at a cable that leads to no bridge. Without an address it has only its cable (a DHCP client)."""
        namespace = self._add_namespace(name)
        self._cable("switch", name, name, "eth0")
        run("ip", "link", "set", "eth0", "address", mac, namespace=namespace)
        self._quieten(namespace, "eth0")
        self._set_stack(name, ttl)
        if attached:
            self._ip("link", "set", name, "master", "br0")
        else:
            self._ip("link", "set", name, "arp", "off")
        self._ip("link", "set", name, "up")
        run("ip", "link", "set", "eth0", "up", namespace=namespace)
        for address in addresses:
            run("ip", "addr", "add", f"{address}/{NETMASK}", "dev", "eth0", namespace=namespace)

    def router(self, name, inside_mac, inside_address, outside_mac, outside_address, behind):
        """A router with one leg on the switch and one towards the host `behind`."""
        self.host(name, inside_mac, inside_address, ttl=64)
        namespace = self.namespace(name)
        outer = self._add_namespace(behind)
        self._cable(name, "lan", behind, "eth0")
        self._quieten(namespace, "lan")
        self._quieten(outer, "eth0")
        self._set_stack(behind)
        run("ip", "link", "set", "lan", "address", outside_mac, "up", namespace=namespace)
        run("ip", "addr", "add", f"{outside_address}/{NETMASK}", "dev", "lan", namespace=namespace)
        self.set(name, "net.ipv4.ip_forward", 1)

    def patch_cable(self, one, other, mac=None, attached=None):
        """A cable within the switch, for what a process does with frames; one end may be attached to the bridge."""
        self._ip("link", "add", one, "type", "veth", "peer", "name", other)
        if mac:
            self._ip("link", "set", one, "address", mac)
        for end in (one, other):
            self._ip("link", "set", end, *(("master", "br0") if end == attached else ("arp", "off")))
            self._ip("link", "set", end, "up")

    def speak_ipv6(self, host, port, address, router=False):
        """Give a host an address of IPv6, at once: nobody else has it."""
        for key in ("lo.disable_ipv6", f"{port}.accept_dad", f"{port}.accept_ra", f"{port}.disable_ipv6"):
            self.set(host, f"net.ipv6.conf.{key}", 0)
        if router:
            self.set(host, "net.ipv6.conf.all.forwarding", 1)
        run("ip", "addr", "add", f"{address}/{PREFIX}", "dev", port, "nodad", namespace=self.namespace(host))

    def unplug(self, host, seconds):
        """Take a host's cable out, and put it back."""
        self._ip("link", "set", host, "down")
        time.sleep(seconds)
        self._ip("link", "set", host, "up")

    def set(self, host, key, value):
        """A kernel setting; one that this kernel does not know is passed over."""
        run("sysctl", "-eqw", f"{key}={value}", namespace=self.namespace(host))

    def route(self, host, gateway, destination="default"):
        run("ip", "route", "add", destination, "via", gateway, namespace=self.namespace(host))

    def filter_incoming(self, host, rule, verdict="drop"):
        """What happens to what the nftables expression matches; dropped, it gets no answer."""
        namespace = self.namespace(host)
        run("nft", "add table inet lab; add chain inet lab in { type filter hook input priority 0 ; }; "
                   f"add rule inet lab in {rule} {verdict}", namespace=namespace)

    def spawn(self, host, function, *arguments):
        """Run a function on a host, as a process."""
        def body():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            enter(self.namespace(host))
            function(*arguments)

        child = fork.Process(target=body, daemon=True)
        child.start()
        self.children.append(child)
        return child

    def lose(self, host, port, share):
        """Of the packets to and from a port, SYNs apart, so many of a hundred vanish at random."""
        lost = f"tcp flags & syn == 0 numgen random mod 100 < {share} drop"
        run("nft", "add table inet loss; add chain inet loss in { type filter hook input priority 0 ; }; "
                   "add chain inet loss out { type filter hook output priority 0 ; }; "
                   f"add rule inet loss in tcp dport {port} {lost}; add rule inet loss out tcp sport {port} {lost}",
            namespace=self.namespace(host))

    def masquerade(self, router, port):
        """Source translation (RFC 3022) for what leaves a router by a port."""
        run("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100 ; }; "
                   f'add rule ip nat post oifname "{port}" masquerade random', namespace=self.namespace(router))

    def execute(self, host, *command, environment=None):
        """Run a program on a host, in the background."""
        child = subprocess.Popen(["ip", "netns", "exec", self.namespace(host), *command], env=environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def capture(self, path, port, file_format="pcapng"):
        """Capture what passes a port of the switch; `br0` is the whole switch."""
        format_option = {"pcapng": "-n", "pcap": "-P"}[file_format]
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace("switch"),
             "dumpcap", "-q", "-i", port, "-s", "0", format_option, "-w", str(path)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.captures.append(process)
        # dumpcap says "File: …" once the socket is open; not a frame may be missed.
        for line in process.stderr:
            if line.startswith(b"File:"):
                break
        time.sleep(0.3)

    def stop_capture(self):
        for process in self.captures:
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            process.wait()
        self.captures = []

    def namespace(self, name):
        return f"{self.prefix}-{name}"

    def _add_namespace(self, name):
        namespace = self.namespace(name)
        run("ip", "netns", "add", namespace)
        self.namespaces.append(namespace)
        run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
            namespace=namespace)
        run("ip", "link", "set", "lo", "up", namespace=namespace)
        return namespace

    def _cable(self, one, one_port, other, other_port):
        self._ip("link", "add", one_port, "type", "veth", "peer", "name", other_port,
                 "netns", self.namespace(other), host=one)
        self._quieten(self.namespace(one), one_port)

    def _quieten(self, namespace, port):
        """No offloads: frames must look as they do on a wire, with real checksums and 1500 bytes at most."""
        run("ethtool", "-K", port, "tx", "off", "tso", "off", "gso", "off", "gro", "off",
            namespace=namespace, quiet=True)

    def _set_stack(self, name, ttl=128):
        """A TCP/IP stack nearer to Windows': its TTL, and no TCP timestamps unasked."""
        self.set(name, "net.ipv4.ip_default_ttl", ttl)
        self.set(name, "net.ipv4.tcp_timestamps", 0)
        # SYNs after 1, 3, 7 s (RFC 6298); newer kernels begin with some of equal distance.
        self.set(name, "net.ipv4.tcp_syn_linear_timeouts", 0)

    def _ip(self, *arguments, host="switch"):
        run("ip", *arguments, namespace=self.namespace(host))
