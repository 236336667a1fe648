"""The gateway as a process of its own in front of a rig, with rules from a file instead of a database.

`python -m tests.media.gateway_process '{"gateway": {...}, "engine": {...}, "rules": "<file>"}'`; prints `ready` when it serves.
The file holds rules by the beginning of a stream's name (the longest counts, null: no such stream) and is read for each question.
What it tells of what it sent is written beside that file, into `sent.jsonl`."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="metrics-"))

from streams.engines.nginx_rtmp import NginxRtmp
from streams.gateway.server import Server, serve
from streams.gateway.settings import GatewaySettings
from streams.timeshift.rules import Held, Shift, Wanted
from streams.traffic.rules import Counted

ROOM = "1400000000:demo"


@dataclass(frozen=True)
class Rules:
    """A policy as the gateway reads it."""

    room_key: str = ROOM
    keys: tuple[str, ...] = ()
    delta_seconds: int | tuple[int, ...] = 0
    needs_vid: bool = False
    viewer_limit: int | None = None
    bandwidth_limit_kbps: int | None = None
    closed: bool = False
    banned: tuple[str, ...] = ()
    shift: Shift | None = None
    undelayed: tuple[str, ...] = ()


class FileWindows:
    """Windows of the streams whose rules have one; this gateway has the lease on all of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def take(self, live: Collection[str]) -> list[Wanted]:
        rules = json.loads(self._path.read_text())
        return [
            Wanted(stream=name, shift=Shift(**said["shift"]), mine=name in live)
            for name, said in rules.items()
            if said and said.get("shift")
        ]

    async def note(self, held: Mapping[str, Held]) -> None:
        aside = self._path.with_name("held.new")
        aside.write_text(json.dumps({name: asdict(one) for name, one in held.items()}))
        aside.rename(self._path.with_name("held.json"))

    async def give_back(self) -> None: ...


class Announcing(Server):
    async def start(self) -> Any:
        gateway = await super().start()
        print("ready", flush=True)
        return gateway


def main(text: str) -> None:
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(levelname)s %(name)s: %(message)s")
    given = json.loads(text)
    settings = given["gateway"]
    for folder in ("hls_folder", "ladder_folder", "window_folder"):
        if folder in settings:
            settings[folder] = Path(settings[folder])
    path = given.get("rules")

    async def load(stream: str) -> Rules | None:
        rules = json.loads(Path(path).read_text()) if path else {}
        named = max((prefix for prefix in rules if stream.startswith(prefix)), key=len, default="")
        found = rules.get(named, {})
        if found is None:
            return None
        shift = Shift(**found["shift"]) if found.get("shift") else None
        return Rules(**{**found, "keys": tuple(found.get("keys", ())), "shift": shift})

    async def tell_sent(counted: Sequence[Counted]) -> None:
        if path:
            with Path(path).with_name("sent.jsonl").open("a") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in counted)

    server = Announcing(
        settings=GatewaySettings(**settings), engine=NginxRtmp(**given["engine"]), load_policy=load, tell_sent=tell_sent,
        windows=FileWindows(Path(path)) if path else None,
    )  # fmt: skip
    if given.get("profile"):
        import cProfile

        with cProfile.Profile() as profile:
            uvloop.run(serve(server))
        profile.dump_stats(given["profile"])
    else:
        uvloop.run(serve(server))


if __name__ == "__main__":
    main(sys.argv[1])
