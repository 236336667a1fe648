"""TCP ports: the public ones must be free, the inner ones are picked and kept for the next start."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

# Below the range from which the kernel takes ports of outgoing connections: what is free now is free at the next start.
INNER_RANGE = (20_000, 32_000)
LOOPBACK = "127.0.0.1"
UNPRIVILEGED_START = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


class PortTaken(Exception):
    """The text names the port, who could hold it and the variable that changes it."""


def check_public(
    *,
    bind: str,
    ports: Mapping[str, int],
    drops_root: bool,
    inner: Mapping[str, int] | None = None,
    pulled_from: str = "",
) -> None:
    """Each maps the variable to its port; of `inner`, on loopback, 0 says that none was asked for. `pulled_from`: the variable whose
    port is opened on loopback, too, wherever the others are. Raises PortTaken."""
    asked = {variable: port for variable, port in (inner or {}).items() if port}
    held: list[socket.socket] = []
    try:
        seen: dict[int, str] = {}
        for variable, port in {**ports, **asked}.items():
            if not 1 <= port <= 65535:
                raise PortTaken(f"{variable} must be a port from 1 to 65535, not {port}.")
            if port in seen:
                raise PortTaken(f"{seen[port]} and {variable} are both {port}; give one of them another port.")
            seen[port] = variable
            if drops_root and port < _first_unprivileged():
                raise PortTaken(
                    f"{variable}={port} needs root, and the servers run as an ordinary user. Take a port from "
                    f"{_first_unprivileged()} on behind a proxy, or lower net.ipv4.ip_unprivileged_port_start."
                )
            held.append(_bound(LOOPBACK if variable in asked else bind, port, variable=variable))
            if variable == pulled_from and bind not in (LOOPBACK, "0.0.0.0", "::"):
                held.append(_bound(LOOPBACK, port, variable=variable))
    finally:
        for each in held:
            each.close()


def _bound(bind: str, port: int, *, variable: str) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise PortTaken(f"LIVEROOM_BIND={bind} is not an address of this machine ({error.strerror}).") from None
    trial = socket.socket(family, kind, number)
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        trial.bind(address)
        trial.listen(1)
    except OSError as error:
        trial.close()
        if error.errno == errno.EADDRINUSE:
            what = f"is taken{holder_of(port)}"
        elif error.errno == errno.EADDRNOTAVAIL:
            raise PortTaken(f"LIVEROOM_BIND={bind} is not an address of this machine.") from None
        else:
            what = f"cannot be used ({error.strerror})"
        text = f"Port {port} on {bind} {what}. Free it, or set {variable} to another port."
        raise PortTaken(text) from None
    return trial


def choose_inner(
    *, wanted: Mapping[str, int], earlier: Mapping[str, int], taken_by_others: Collection[int] = ()
) -> dict[str, int]:
    """A free loopback port for each name: the one asked for, else the one of the last start, else any.

    `wanted` has 0 where nothing was asked for; what was asked for is taken as it is."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        taken = {*chosen.values(), *wanted.values(), *taken_by_others}
        if not port:
            port = earlier.get(name, 0)
            tries = 0
            while not port or port in taken or not is_free(port):
                port = random.randint(*INNER_RANGE)
                tries += 1
                if tries > 1000:
                    raise PortTaken(f"No free port from {INNER_RANGE[0]} to {INNER_RANGE[1]} on {LOOPBACK}.")
        chosen[name] = port
    return chosen


def is_free(port: int, *, bind: str = LOOPBACK) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((bind, port))
            trial.listen(1)
        except OSError:
            return False
    return True


def holder_of(port: int) -> str:
    """ " by nginx (process 17)", or "" where /proc does not tell us (another user's process)."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            parts = row.split()
            if parts[3] == "0A" and int(parts[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{parts[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(handle) in sockets for handle in (process / "fd").iterdir()):
                return f" by {(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue
    return ""


def _first_unprivileged() -> int:
    try:
        return int(UNPRIVILEGED_START.read_text())
    except (OSError, ValueError):
        return 1024
