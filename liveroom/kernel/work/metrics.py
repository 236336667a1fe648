"""Counters and gauges of every process of this host, read together at `/metrics`.

prometheus_client's multiprocess files carry them from process to process (PROMETHEUS_MULTIPROC_DIR, set by `settings`)."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

process_up = Gauge("liveroom_process_up", "1 while the process runs.", ["process", "kind"], multiprocess_mode="livesum")
lease_held = Gauge(
    "liveroom_lease_held", "1 while the process holds the lease.", ["process", "lease"], multiprocess_mode="livesum"
)
sockets_open = Gauge("liveroom_sockets_open", "Open viewer sockets.", multiprocess_mode="livesum")
listeners_open = Gauge("liveroom_listeners_open", "Clients of server-sent events.", multiprocess_mode="livesum")
rooms_watched = Gauge("liveroom_rooms_watched", "Rooms with a viewer in this process.", multiprocess_mode="livesum")
messages = Counter(
    "liveroom_messages_total", "Messages from sockets by what became of them.", ["result", "priority", "reason"]
)
frames_sent = Counter("liveroom_frames_sent_total", "Frames written to viewer sockets.")
limited = Counter("liveroom_limited_total", "Connections and commands over a limit of this process.", ["what"])
hub_gaps = Counter("liveroom_hub_gaps_total", "Gaps in seq that the hub had to fetch from the log.")
archive_backlog = Gauge(
    "liveroom_archive_backlog", "Entries that the archive's database has not got yet.", multiprocess_mode="livemax"
)
archive_lag_seconds = Gauge(
    "liveroom_archive_lag_seconds", "How old the oldest of those entries is.", multiprocess_mode="livemax"
)
archived = Counter("liveroom_archived_total", "Events that left the archive's stream, by result.", ["result"])
likes = Counter("liveroom_likes_total", "Likes that counted.")
outbox_told = Counter("liveroom_outbox_told_total", "Outbox rows told by the relay.", ["result"])
due_jobs = Counter("liveroom_due_jobs_total", "Due jobs done by the task workers.", ["job", "result"])
due_jobs_late = Gauge("liveroom_due_jobs_late", "Due jobs that nobody does.", multiprocess_mode="livemax")
publish_decisions = Counter("liveroom_publish_total", "Publish requests by decision.", ["decision"])
reconciled = Counter(
    "liveroom_reconciled_total", "Differences between the engine and the database that were repaired.", ["kind"]
)
hook_seconds = Histogram("liveroom_hook_seconds", "Time to answer an engine callback.", ["action"])


def _forget_the_dead() -> None:
    """Gauges of processes that were killed would be counted until the next start."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            file.unlink(missing_ok=True)


def exposition() -> bytes:
    _forget_the_dead()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def started(*, process: str, kind: str) -> None:
    process_up.labels(process=process, kind=kind).set(1)
