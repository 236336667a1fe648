"""What the gateway counts; read at its own `/metrics` and, as all of this host's processes share one folder, at the web's."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

viewers = Gauge("liveroom_gateway_viewers", "Viewers watching now.", ["protocol"], multiprocess_mode="livesum")
feeds = Gauge("liveroom_gateway_streams", "Streams being copied now.", multiprocess_mode="livesum")
sent_bytes = Counter("liveroom_gateway_sent_bytes_total", "Bytes of sound and picture written to viewers.")
skips = Counter("liveroom_gateway_skips_total", "Times a slow viewer was skipped to a later keyframe.")
viewers_stalled = Counter("liveroom_gateway_stalled_total", "Viewers that read nothing and were let go.")
restarts = Counter(
    "liveroom_gateway_restarts_total", "Copies that ended while their stream was live and were started again."
)
window_bytes = Gauge(
    "liveroom_timeshift_bytes", "Bytes of windows over running streams on this disk.", multiprocess_mode="livemax"
)
windows_short = Gauge(
    "liveroom_timeshift_short",
    "Windows that reach less far back than they should: the disk is short.",
    multiprocess_mode="livemax",
)
window_written = Counter("liveroom_timeshift_written_bytes_total", "Bytes written to windows.")
window_lost = Counter("liveroom_timeshift_lost_total", "Items of windows that could not be written.")
refused = Counter("liveroom_gateway_refused_total", "Viewers refused, by reason.", ["reason"])
