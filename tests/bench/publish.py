"""How soon viewers know: from the engine's question to the event on a viewer's socket, and from the encoder's start.

    deploy/test --bench publish [ROUNDS]

Run it on a quiet machine: it starts a whole copy, pushes a clip ROUNDS times (10) and prints medians and the worst."""

from __future__ import annotations

import statistics
import sys
import time

from tests.helpers.stack import Stack, clip, until


def main(rounds: int) -> None:
    clip()
    from_hook, from_start = [], []
    settings = {"LIVEROOM_PAUSE_AFTER_SECONDS": "0.5", "LIVEROOM_END_HOLD_SECONDS": "0"}
    with Stack(env=settings) as stack, stack.watching(as_="mia") as phone:
        for _ in range(rounds):
            began = time.time()
            with stack.push():
                told = phone.hears("status", status="live")
            from_hook.append(told["heard_at"] * 1000 - told["t"])
            from_start.append((told["heard_at"] - began) * 1000)
            phone.hears("status", status="paused")
            until(lambda: not stack.api("GET", "rooms/demo/streams")[1][0]["on_air"])
    for name, found in (
        ("engine's question to viewer told", from_hook),
        ("encoder started to viewer told", from_start),
    ):
        print(f"{name:<36} median {statistics.median(found):6.0f} ms   worst {max(found):6.0f} ms   of {len(found)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
