"""nginx with its RTMP module, behind the engine seam: hooks in, `/stat` and `/control` out.

Holds no state; every call opens a connection to the engine's loopback port and is bounded in time."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

from streams.engines import nginx_conf
from streams.engines.base import EngineState, EngineUnreachable, Hook
from streams.engines.nginx_hook import parse_hook as _parse_hook
from streams.engines.nginx_stat import APPLICATION, parse_state

__all__ = ["NginxRtmp", "configuration", "from_settings", "parse_state", "write_configuration"]

STAT_PATH = "/stat"


@dataclass(frozen=True, slots=True)
class NginxRtmp:
    """One nginx. `host` is the name put into addresses; the engine's own pages are on loopback. `segments`: its own application that
    writes HLS."""

    host: str
    rtmp_port: int
    engine_port: int
    pull_token: str
    segments: str

    def parse_hook(self, *, action: str, body: bytes) -> Hook:
        return _parse_hook(action=action, body=body, segments=self.segments)

    def state(self, *, timeout_seconds: float = 2.0) -> EngineState:
        status, date, body = self._get(STAT_PATH, timeout_seconds=timeout_seconds)
        return self.read_state(status=status, date=date, body=body)

    def state_url(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}{STAT_PATH}"

    def read_state(self, *, status: int, date: str, body: bytes) -> EngineState:
        if status != 200:
            raise EngineUnreachable(f"The media server answered {status} to a question for its streams.", refused=False)
        try:
            answered_at = int(parsedate_to_datetime(date).timestamp()) if date else None
            return parse_state(body, answered_at=answered_at)
        except ValueError as error:
            raise EngineUnreachable(
                f"The media server's list of streams cannot be read: {error}.", refused=False
            ) from error

    def drop_publisher(self, *, stream: str) -> bool:
        return self._drop("publisher", stream)

    def drop_players(self, *, stream: str) -> bool:
        return self._drop("subscriber", stream)

    def drop_player(self, *, stream: str, client_id: str) -> bool:
        return self._drop("subscriber", stream, clientid=client_id)

    def push_server(self, *, host: str = "") -> str:
        host = host or self.host
        host = f"[{host}]" if ":" in host else host
        port = "" if self.rtmp_port == 1935 else f":{self.rtmp_port}"
        return f"rtmp://{host}{port}/{APPLICATION}"

    def rtmp_url(self, *, stream: str, query: str, host: str = "") -> str:
        return f"{self.push_server(host=host)}/{stream}" + (f"?{query}" if query else "")

    def loopback_url(self, *, stream: str) -> str:
        return f"rtmp://127.0.0.1:{self.rtmp_port}/{APPLICATION}/{stream}?gw={self.pull_token}"

    def _drop(self, whom: str, stream: str, **only: str) -> bool:
        query = urlencode({"app": APPLICATION, "name": stream, **only})
        status, _, body = self._get(f"/control/drop/{whom}?{query}", timeout_seconds=3.0)
        # The answer is how many were cut; nothing of that name is an empty 204 or a 0.
        count = body.strip()
        return status == 200 and count.isdigit() and int(count) > 0

    def _get(self, path: str, *, timeout_seconds: float) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.engine_port, timeout=timeout_seconds)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Date", ""), answer.read()
        except ConnectionRefusedError as error:
            raise EngineUnreachable("The media server is not running.", refused=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineUnreachable(
                f"The media server did not answer ({type(error).__name__}).", refused=False
            ) from error
        finally:
            connection.close()


def from_settings() -> NginxRtmp:
    from django.conf import settings

    from liveroom.kernel.values.signing import derived_secret

    room = settings.LIVEROOM
    return NginxRtmp(
        host=room.host,
        rtmp_port=room.rtmp_port,
        engine_port=room.engine_port,
        pull_token=derived_secret("gateway"),
        segments=derived_secret("segments"),
    )


def configuration() -> str:
    """The text of nginx.conf for this deployment. CannotRender names a setting that does not fit."""
    return nginx_conf.render(nginx_conf.site_from_settings())


def write_configuration() -> Path:
    """Render nginx.conf into the run folder and make the folders nginx writes to. Called by `manage.py prepare`.

    Written aside and renamed: a start that overlaps reads the old file or the new one, never half of one. It holds secrets: 0600."""
    site = nginx_conf.site_from_settings()
    text = nginx_conf.render(site)
    nginx_conf.make_folders(site)
    path = site.run / "nginx.conf"
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.chmod(0o600)
    aside.write_text(text)
    aside.rename(path)
    return path
