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
refused = Counter("liveroom_gateway_refused_total", "Viewers refused, by reason.", ["reason"])
