"""An engine in memory, for unit tests of what follows from an engine's list. Nothing but tests may configure it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from streams.engines.base import EngineState, EngineStream, EngineUnreachable, Hook, Publisher
from streams.engines.nginx_hook import parse_hook


@dataclass
class FakeEngine:
    """Say what it serves with `publish` and `stop`; `down` and `hangs` make it unreachable in the two ways that matter."""

    instance: str = "1-1"
    streams: dict[str, EngineStream] = field(default_factory=dict)
    down: bool = False
    hangs: bool = False
    dropped: list[str] = field(default_factory=list)
    _clients: int = 0

    def publish(self, stream: str, *, address: str = "127.0.0.1", connected_ms: int = 0) -> Publisher:
        """Somebody begins to send. Returns who, as the hooks would name it."""
        self._clients += 1
        publisher = Publisher(client_id=str(self._clients), address=address, connected_ms=connected_ms)
        self.streams[stream] = EngineStream(name=stream, publisher=publisher, video_codec="H264", audio_codec="AAC")
        return publisher

    def stop(self, stream: str) -> None:
        found = self.streams.get(stream)
        if found is not None:
            self.streams[stream] = replace(found, publisher=None)

    def restart(self) -> None:
        """As after kill -9: another instance that serves nothing."""
        self.instance = f"{int(self.instance.split('-')[0]) + 1}-1"
        self.streams.clear()

    def parse_hook(self, *, action: str, body: bytes) -> Hook:
        return parse_hook(action=action, body=body)

    def state(self, *, timeout_seconds: float = 2.0) -> EngineState:
        if self.down or self.hangs:
            raise EngineUnreachable("The engine is down." if self.down else "The engine hangs.", refused=self.down)
        return EngineState(instance=self.instance, streams=dict(self.streams))

    def state_url(self) -> str:
        return "http://127.0.0.1:9/"

    def read_state(self, *, status: int, date: str, body: bytes) -> EngineState:
        return self.state()

    def drop_publisher(self, *, stream: str) -> bool:
        present = self.state().published(stream) is not None
        self.stop(stream)
        self.dropped.append(stream)
        return present

    def drop_players(self, *, stream: str) -> bool:
        found = self.state().streams.get(stream)
        return found is not None and found.players > 0

    def watch(self, stream: str) -> str:
        """Somebody plays the stream from the engine itself. Its client id."""
        self._clients += 1
        found, client = self.streams[stream], str(self._clients)
        self.streams[stream] = replace(found, players=found.players + 1, viewers=(*found.viewers, client))
        return client

    def drop_player(self, *, stream: str, client_id: str) -> bool:
        found = self.streams.get(stream)
        if found is None or client_id not in found.viewers:
            return False
        left = tuple(client for client in found.viewers if client != client_id)
        self.streams[stream] = replace(found, players=found.players - 1, viewers=left)
        return True

    def push_server(self, *, host: str = "") -> str:
        return f"rtmp://{host or 'fake'}/live"

    def rtmp_url(self, *, stream: str, query: str, host: str = "") -> str:
        return f"{self.push_server(host=host)}/{stream}" + (f"?{query}" if query else "")

    def loopback_url(self, *, stream: str) -> str:
        return f"rtmp://fake/live/{stream}?gw=token"


def from_settings() -> FakeEngine:
    return FakeEngine()
