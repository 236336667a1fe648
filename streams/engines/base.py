"""What the project asks of a media server, and nothing of how one of them does it.

The engine's own list of streams is the truth about who publishes; hooks only make it known sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, Protocol

from liveroom.kernel.errors import LiveRoomError
from streams.rules.pasted import Problem

Action = Literal["connect", "publish", "publish_done", "play", "play_done"]
OURSELVES = "Liveroom"
"""What our own pulls call themselves at the engine, so that they are not counted as viewers."""
ACTIONS: tuple[Action, ...] = ("connect", "publish", "publish_done", "play", "play_done")


class BadHook(LiveRoomError):
    """A callback that cannot be believed: a repeated key, a name that is no stream name, bytes that are no text.

    `problem`: the same for a streamer, where it is something that a streamer typed. `names`: streams it may be about, `address`:
    who sent it, `given`: what was sent, without its secret; hints for showing the refusal, never rights."""

    code, name, status = 10004, "bad_hook", 400

    def __init__(
        self,
        message: str,
        *,
        problem: Problem | None = None,
        names: tuple[str, ...] = (),
        address: str = "",
        given: str = "",
    ) -> None:
        super().__init__(message)
        self.problem, self.names, self.address, self.given = problem, names, address, given


class EngineUnreachable(LiveRoomError):
    """The engine did not answer. `refused`: nobody listens at its address, so nothing is being published."""

    code, name, status = 10002, "engine_unreachable", 503

    def __init__(self, message: str, *, refused: bool, **extra: Any) -> None:
        super().__init__(message, **extra)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who sends a stream. `client_id` is unique while the engine runs and the same in hooks and in the list."""

    client_id: str
    address: str
    connected_ms: int


@dataclass(frozen=True, slots=True)
class EngineStream:
    """One name the engine knows. `publisher` is None where only players wait. Zero and "" mean not known (yet).

    `players`: everybody who plays it from the engine itself; `viewers`: the client ids of those among them that are not our own pulls;
    `peers`: all that the engine sends it to, its own relay to the segments too. The bytes are of messages, since the stream began."""

    name: str
    publisher: Publisher | None = None
    players: int = 0
    viewers: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    video_codec: str = ""
    audio_codec: str = ""
    bitrate_kbps: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    peers: int = 0


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's list at one moment. `instance` changes when the engine was started anew."""

    instance: str
    streams: Mapping[str, EngineStream]

    def published(self, name: str) -> EngineStream | None:
        """The stream of that name if somebody sends it now."""
        found = self.streams.get(name)
        return found if found is not None and found.publisher is not None else None


@dataclass(frozen=True, slots=True)
class Hook:
    """A callback of the engine. `params` is the client's own query: nothing in it was written by the engine.

    `stream` is what was meant, `sent_as` what the client wrote: where they differ, the engine must be told the name. `internal`: a
    connection that the engine makes to itself. `encoder` is what the client says of itself, cleaned: for display."""

    action: Action
    stream: str
    application: str
    client_id: str
    address: str
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    encoder: str = ""
    sent_as: str = ""
    internal: bool = False


class Engine(Protocol):
    """One media server. Calls block; each is bounded by its timeout."""

    def parse_hook(self, *, action: str, body: bytes) -> Hook:
        """The callback, or BadHook with a sentence that says what is wrong with it."""

    def state(self, *, timeout_seconds: float = 2.0) -> EngineState:
        """Everything the engine knows now, or EngineUnreachable."""

    def state_url(self) -> str:
        """Where `state` asks, for whoever has its own way to ask. Loopback."""

    def read_state(self, *, status: int, date: str, body: bytes) -> EngineState:
        """The state in one HTTP answer from there, or EngineUnreachable."""

    def drop_publisher(self, *, stream: str) -> bool:
        """Cut whoever sends the stream. False: nobody did. EngineUnreachable if the engine does not answer."""

    def drop_players(self, *, stream: str) -> bool:
        """Cut whoever plays the stream from the engine itself. False: nobody did."""

    def drop_player(self, *, stream: str, client_id: str) -> bool:
        """Cut one of them."""

    def push_server(self, *, host: str = "") -> str:
        """What OBS calls the server: `rtmp://host[:port]/live`. `host` empty: the deployment's own name."""

    def rtmp_url(self, *, stream: str, query: str, host: str = "") -> str:
        """Push and play address for clients; `query` without its question mark, may be empty."""

    def loopback_url(self, *, stream: str) -> str:
        """Where a process of this host pulls the stream; carries the token that the play hook lets through."""


@lru_cache(maxsize=4)
def _named(kind: str) -> Engine:
    made: Engine = import_module(f"streams.engines.{kind}").from_settings()
    return made


def engine() -> Engine:
    """The configured engine (`settings.LIVEROOM_ENGINE`, the name of a module of this package)."""
    from django.conf import settings

    return _named(getattr(settings, "LIVEROOM_ENGINE", "nginx_rtmp"))
