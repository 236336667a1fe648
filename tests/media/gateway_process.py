"""The gateway as a process of its own in front of a rig, with rules from the command line instead of a database.

`python -m tests.media.gateway_process '{"gateway": {...}, "engine": {...}, "policy": {...}}'`; prints `ready` when it serves."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="metrics-"))

from streams.engines.nginx_rtmp import NginxRtmp
from streams.gateway.server import Server, serve
from streams.gateway.settings import GatewaySettings

ROOM = "1400000000:demo"


@dataclass(frozen=True)
class Rules:
    """A policy as the gateway reads it."""

    room_key: str = ROOM
    keys: tuple[str, ...] = ()
    delta_seconds: int = 0
    needs_vid: bool = False
    viewer_limit: int | None = None
    bandwidth_limit_kbps: int | None = None


class Announcing(Server):
    async def start(self) -> Any:
        gateway = await super().start()
        print("ready", flush=True)
        return gateway


def main(text: str) -> None:
    import uvloop

    given = json.loads(text)
    settings = given["gateway"]
    settings["hls_folder"] = Path(settings["hls_folder"])
    policy = given.get("policy", {})
    rules = Rules(**{**policy, "keys": tuple(policy.get("keys", ()))})

    async def load(stream: str) -> Rules:
        return rules

    server = Announcing(settings=GatewaySettings(**settings), engine=NginxRtmp(**given["engine"]), load_policy=load)
    if given.get("profile"):
        import cProfile

        with cProfile.Profile() as profile:
            uvloop.run(serve(server))
        profile.dump_stats(given["profile"])
    else:
        uvloop.run(serve(server))


if __name__ == "__main__":
    main(sys.argv[1])
