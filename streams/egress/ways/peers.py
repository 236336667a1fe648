"""Whether who came to a loopback port is of our own user, by the kernel's tables: a way is for our children, not for all of the machine."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Literal

_LOOPBACK = f"{struct.unpack('=I', socket.inet_aton('127.0.0.1'))[0]:08X}"
_ANY = "00000000"


def is_ours(*, kind: Literal["tcp", "udp"], port: int, to: int) -> bool:
    """`port`: the peer's, on 127.0.0.1; `to`: ours. False where the tables do not know it."""
    for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = fields[1].split(":"), fields[2].split(":")
        if int(local[1], 16) != port or local[0] not in (_LOOPBACK, _ANY):
            continue
        if kind == "udp" or (remote[0] == _LOOPBACK and int(remote[1], 16) == to):
            return int(fields[7]) == os.geteuid()
    return False
