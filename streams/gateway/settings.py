"""Everything the gateway is told from outside, in one frozen value; and where each piece comes from in a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VID_PURPOSE = "vid"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Seconds and bytes as named. `any_origin`: every web page may play (development without origins)."""

    name: str
    port: int
    hls_folder: Path
    secure_link_secret: str
    vid_secret: str
    origins: Sequence[str] = ()
    any_origin: bool = False
    host: str = "127.0.0.1"
    ladder_folder: Path = Path("/nonexistent")
    window_folder: Path = Path("/nonexistent")
    # Of windows (streams/timeshift): all together, one stream's, and what has to stay free on the disk; 0: none.
    window_most_bytes: int = 0
    window_stream_bytes: int = 0
    disk_free_bytes: int = 0
    follow_seconds: float = 2.0
    sweep_seconds: float = 10.0
    linger_seconds: float = 8.0
    start_seconds: float = 12.0
    watch_seconds: float = 0.5
    recheck_seconds: float = 5.0
    stall_seconds: float = 12.0
    # What a viewer may be behind in our memory: at least this, or two seconds of its stream.
    bound_bytes: int = 256 * 1024
    most_bound_bytes: int = 4 * 1024 * 1024
    bound_seconds: float = 2.0
    # And in the kernel's, which would grow to megabytes by itself.
    send_buffer_bytes: int = 256 * 1024


def from_settings(*, name: str) -> GatewaySettings:
    from django.conf import settings

    from liveroom.kernel.values.signing import derived_secret

    room = settings.LIVEROOM
    return GatewaySettings(
        name=name,
        port=room.gateway_port,
        hls_folder=Path(room.data) / "hls",
        ladder_folder=Path(room.data) / "ladder",
        window_folder=Path(room.data) / "timeshift",
        window_most_bytes=int(room.timeshift_most_gb * 1e9),
        window_stream_bytes=int(room.timeshift_stream_most_gb * 1e9),
        disk_free_bytes=room.disk_free_min_bytes,
        secure_link_secret=derived_secret("secure-link"),
        vid_secret=derived_secret(VID_PURPOSE),
        origins=room.page_origins,
        any_origin=room.any_origin,
    )
