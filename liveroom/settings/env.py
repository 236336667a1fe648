"""The one place that reads the environment.

Everything is optional in development. Production must name its secret, hosts and origins, or nothing starts. An empty variable counts
as one that is not set. `deploy/up` reads this file before anything is installed (deploy/embedded/starting.py), so what it imports at its
top imports the standard library only."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from liveroom.kernel.web import origins
from liveroom.settings import values
from liveroom.settings.pictures import Pictures, pictures
from liveroom.settings.values import ImproperlyConfigured

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# Used by nobody for anything but `collectstatic`-like commands before the first start chose the ports.
UNSET_PORT = 0
GIB = 1024**3
# What nginx and Redis read in a path as it stands: no quotes, no $ and ;, no line breaks.
_PLAIN_PATH = re.compile(r"[\w /.+@%,=:~()-]+")


@dataclass(frozen=True)
class Environment:
    """What the deployment decided. Ports are TCP ports; `data` is where everything that must survive lives."""

    env: str
    secret_key: str = field(repr=False)
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    data: Path
    host: str
    bind: str
    http_port: int
    ws_port: int
    rtmp_port: int
    web_port: int
    gateway_port: int
    engine_port: int
    web_processes: int
    web_threads: int
    socket_processes: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    trusted_proxies: tuple[str, ...]
    media_allow: tuple[str, ...]
    metrics_from: tuple[str, ...]
    public_http: str
    public_ws: str
    pause_after_seconds: float
    end_after_seconds: float
    end_hold_seconds: float
    connections_per_address: int
    connects_per_second: int
    sends_per_second: int
    sends_per_address: int
    joins_per_minute: int
    drain_seconds: float
    tick_ms: int
    ws_deflate: bool
    media_cores: float
    srt_port: int
    disk_free_min_bytes: int
    recordings_max_bytes: int
    playback: bool
    timeshift_hours: float
    timeshift_most_gb: float
    timeshift_stream_most_gb: float
    traffic_days: int
    pictures: Pictures
    s3: values.S3Place | None
    upload_max_bytes: int
    upload_room_bytes: int
    upload_app_bytes: int

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def any_origin(self) -> bool:
        """Whether every web page may call: in development, where no origin is named."""
        return not self.production and not self.origins

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Whose pages may fetch pictures: those of LIVEROOM_ORIGINS, and our own, which stands elsewhere than a play domain does."""
        own = origins.normal("://".join(urlsplit(self.public_http)[:2]))
        return tuple(dict.fromkeys((*self.origins, own))) if own and self.origins else self.origins

    @cached_property
    def run(self) -> Path:
        """What may be deleted while nothing runs: ports, pids, rendered configuration."""
        return self.data / "run"


def data_folder(source: Mapping[str, str]) -> Path:
    """Where everything that must survive lives."""
    named = source.get("LIVEROOM_DATA")
    data = Path(named or CHECKOUT / "var").resolve()
    if not _PLAIN_PATH.fullmatch(str(data)):
        where = (
            f"LIVEROOM_DATA={str(data)!r}" if named else f"LIVEROOM_DATA is not set, and the checkout's {str(data)!r}"
        )
        raise ImproperlyConfigured(
            f"{where} cannot be written into the configuration of nginx: name a folder without quotes, $, ;, \\ and the like."
        )
    return data


def _running_ports(data: Path) -> dict[str, int]:
    """Ports that `deploy/up` chose for the inner servers, so that a command run by hand finds the running ones."""
    try:
        found = json.loads((data / "run" / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}


def _development_secret(data: Path) -> str:
    """A secret of this copy, made once. O_EXCL: several processes may start at the same time."""
    path = data / "secret_key"
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    except OSError as error:
        raise ImproperlyConfigured(f"LIVEROOM_DATA={data} cannot be written to ({error.strerror}).") from None
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ImproperlyConfigured(
            f"{path} cannot be read ({why}); set LIVEROOM_SECRET_KEY or LIVEROOM_DATA."
        ) from None
    if len(secret) < 32:
        raise ImproperlyConfigured(f"{path} is empty or cut short; delete it to have a new one made.")
    return secret


def _redis_url(source: Mapping[str, str], ports: Mapping[str, int], secret: str) -> str:
    given = values.given_redis_url(source)
    if given:
        return given
    from liveroom.kernel.values.signing import derive

    return f"redis://:{derive(secret=secret, purpose='redis')}@127.0.0.1:{ports.get('redis', 6379)}/0"


def _refuse_careless_production(source: Mapping[str, str]) -> None:
    missing = [name for name in ("LIVEROOM_SECRET_KEY", "LIVEROOM_HOSTS", "LIVEROOM_ORIGINS") if not source.get(name)]
    if missing:
        raise ImproperlyConfigured(
            f"LIVEROOM_ENV=production needs {', '.join(missing)}. LIVEROOM_SECRET_KEY: 32 characters or more; LIVEROOM_HOSTS: "
            "host names that may be asked for, comma separated; LIVEROOM_ORIGINS: web origins such as https://live.example.com."
        )
    if len(source["LIVEROOM_SECRET_KEY"]) < 32:
        raise ImproperlyConfigured("LIVEROOM_SECRET_KEY is too short: 32 characters or more.")


def read(source: Mapping[str, str] = os.environ) -> Environment:
    """The environment, checked. Raises ImproperlyConfigured with a text that names the variable and what it takes."""
    env = source.get("LIVEROOM_ENV", "development")
    if env not in ("development", "production"):
        raise ImproperlyConfigured(f"LIVEROOM_ENV must be development or production, not {env!r}.")
    if env == "production":
        _refuse_careless_production(source)
    data = data_folder(source)
    secret = source.get("LIVEROOM_SECRET_KEY") or _development_secret(data)
    ports = _running_ports(data)
    host = values.host(source)
    http_port = values.port(source, "LIVEROOM_HTTP_PORT", ports.get("http", 8000))
    rtmp_port = values.port(source, "LIVEROOM_RTMP_PORT", ports.get("rtmp", 1935))
    ws_port = values.port(source, "LIVEROOM_WS_PORT", ports.get("ws", 8001))
    return Environment(
        env=env,
        secret_key=secret,
        hosts=values.hosts(source),
        origins=values.origins(source),
        data=data,
        host=host,
        bind=values.bind(source),
        http_port=http_port,
        ws_port=ws_port,
        rtmp_port=rtmp_port,
        # UDP, beside RTMP's TCP: copies with other ports do not meet.
        srt_port=values.whole(source, "LIVEROOM_SRT_PORT", rtmp_port, low=0, high=65535),
        web_port=values.port(source, "LIVEROOM_WEB_PORT", ports.get("web", UNSET_PORT)),
        gateway_port=values.port(source, "LIVEROOM_GATEWAY_PORT", ports.get("gateway", UNSET_PORT)),
        engine_port=values.port(source, "LIVEROOM_ENGINE_PORT", ports.get("engine", UNSET_PORT)),
        web_processes=values.whole(source, "LIVEROOM_WEB_PROCESSES", 1, low=1, high=64),
        web_threads=values.whole(source, "LIVEROOM_WEB_THREADS", 8, low=1, high=64),
        socket_processes=values.whole(source, "LIVEROOM_SOCKET_PROCESSES", 1, low=1, high=64),
        database_url=values.database_url(source),
        redis_url=_redis_url(source, ports, secret),
        trusted_proxies=values.networks(source, "LIVEROOM_TRUSTED_PROXIES", "127.0.0.1,::1"),
        media_allow=values.media_allow(source),
        metrics_from=values.networks(source, "LIVEROOM_METRICS_FROM", "127.0.0.1,::1"),
        public_http=values.public_url(source, f"http://{values.in_address(host)}:{http_port}"),
        public_ws=values.public_ws_url(source, f"ws://{values.in_address(host)}:{ws_port}/ws/v1"),
        pause_after_seconds=values.number(source, "LIVEROOM_PAUSE_AFTER_SECONDS", 3, low=0.5, high=3600),
        end_after_seconds=values.number(source, "LIVEROOM_END_AFTER_SECONDS", 120, low=1, high=86400),
        end_hold_seconds=values.number(source, "LIVEROOM_END_HOLD_SECONDS", 60, low=0, high=3600),
        connections_per_address=values.whole(source, "LIVEROOM_CONNECTIONS_PER_ADDRESS", 500, low=1, high=1_000_000),
        connects_per_second=values.whole(source, "LIVEROOM_CONNECTS_PER_SECOND", 100, low=1, high=100_000),
        sends_per_second=values.whole(source, "LIVEROOM_SENDS_PER_SECOND", 10, low=1, high=100_000),
        sends_per_address=values.whole(source, "LIVEROOM_SENDS_PER_ADDRESS", 200, low=1, high=1_000_000),
        joins_per_minute=values.whole(source, "LIVEROOM_JOINS_PER_MINUTE", 60, low=1, high=100_000),
        tick_ms=values.whole(source, "LIVEROOM_TICK_MS", 100, low=0, high=1000),
        drain_seconds=values.number(source, "LIVEROOM_DRAIN_SECONDS", 10, low=0, high=15),
        traffic_days=values.whole(source, "LIVEROOM_TRAFFIC_DAYS", 32, low=1, high=3650),
        media_cores=values.number(source, "LIVEROOM_MEDIA_CORES", 0, low=0, high=1024),
        disk_free_min_bytes=values.whole(source, "LIVEROOM_DISK_FREE_MIN_BYTES", 500_000_000, low=0, high=10**15),
        recordings_max_bytes=values.whole(source, "LIVEROOM_RECORDINGS_MAX_BYTES", 0, low=0, high=10**18),
        playback=bool(values.whole(source, "LIVEROOM_PLAYBACK", 1, low=0, high=1)),
        timeshift_hours=values.number(source, "LIVEROOM_TIMESHIFT_HOURS", 0, low=0, high=720),
        timeshift_most_gb=values.number(source, "LIVEROOM_TIMESHIFT_MOST_GB", 0, low=0, high=1_000_000),
        timeshift_stream_most_gb=values.number(source, "LIVEROOM_TIMESHIFT_STREAM_MOST_GB", 0, low=0, high=1_000_000),
        pictures=pictures(source),
        ws_deflate=bool(values.whole(source, "LIVEROOM_WS_DEFLATE", 1, low=0, high=1)),
        s3=values.s3_place(source),
        upload_max_bytes=values.whole(source, "LIVEROOM_UPLOAD_MAX_BYTES", 8 * GIB, low=1, high=2**50),
        upload_room_bytes=values.whole(source, "LIVEROOM_UPLOAD_ROOM_BYTES", 32 * GIB, low=1, high=2**50),
        upload_app_bytes=values.whole(source, "LIVEROOM_UPLOAD_APP_BYTES", 256 * GIB, low=1, high=2**50),
    )
