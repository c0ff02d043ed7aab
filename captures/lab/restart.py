"""A server that is restarted while a phone is signed in: its service ends, its host goes, and what comes back may be another."""

import contextlib
import socket
import threading
import time

DOWN = 1.8  # seconds without a cable, less than a phone pauses


def later(network, case, folder, begin):
    """Do it after the case's time; `begin` starts the registrar again."""
    def act():
        time.sleep(case.restart_after)
        _end_service(network)
        if case.reboots:
            network.unplug("pool", DOWN)
        if case.restart == "self-signed":
            (folder / "chain.pem").write_text((folder / "own.pem").read_text())
        if case.restart != "stays-down":
            begin()

    threading.Thread(target=act, daemon=True).start()


def _end_service(network):
    child = network.registrar
    child.terminate()
    child.join() if hasattr(child, "join") else child.wait()


def watch(network, address):
    """Another host asks every other second whether the server is there: an echo, and its web service's port."""
    network.execute("dc", "ping", "-i", "2", address)
    network.spawn("dc", _knock, address)


def _knock(address):
    while True:
        with contextlib.suppress(OSError), socket.create_connection((address, 443), 1):
            pass
        time.sleep(2)
