"""The one who ends the children when their supervisor was killed and could not.

It reads `+<process group>` and `-<process group>` from the supervisor. When that pipe closes it asks every group that
is left to end (SIGTERM), and after GRACE_SECONDS makes it (SIGKILL). The kernel's parent-death signal reaches the
children first, but not their own children, and not one that does not listen. Few imports: it stays small."""

import os
import signal
import time

GRACE_SECONDS = 7.0


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    # Bytes without buffering: a line counts as soon as it is written.
    rest = b""
    while block := os.read(0, 4096):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            group = int(line[1:])
            if line[:1] == b"+":
                groups.add(group)
            else:
                groups.discard(group)
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 1.0)):
        groups = {group for group in groups if told(group, number)}
        until = time.monotonic() + seconds
        # A zombie that nobody collects answers for ever, hence the end.
        while groups and time.monotonic() < until:
            time.sleep(0.05)
            groups = {group for group in groups if told(group, 0)}


def told(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
