"""The operations on media, for the tests that walk through all there are (test_nobody_comes_in_unasked.py, test_schema.py).

Whoever adds an operation adds its body, the rows that its path names, and one call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from liveroom.kernel import clock
from streams.jobs import services as jobs
from streams.jobs.kinds import kind_of
from streams.models import Publish, Snapshot, Stream
from tests.helpers import media_worker
from tests.helpers.people import Cast
from tests.helpers.relays import made_relay

media_worker.define()

BODIES: dict[str, Any] = {
    "relays_create": {"kind": "push", "room": "r1", "target": "rtmp://live.example.com/app/new-key"},
    "relays_change": {"label": "again"},
}
BODIES: dict[str, Any] = {"snapshots_decide": {"verdict": "pass"}}
# Lists of a room, which its owner may see too; without it they are the app's.
OF_A_ROOM = {"jobs_list", "relays_list"}
# What answers no JSON, or asks for more than a request: tried by tests of its own.
ELSEWHERE: set[str] = {"rooms_cover_set"}


def query(operation_id: str) -> str:
    if operation_id == "snapshots_list":
        return f"?stream={Stream.objects.get(room__group_id='r1', on_programme=True).name}"
    return "?room=r1" if operation_id in OF_A_ROOM else ""


def places(cast: Cast, *, now: datetime) -> dict[str, str]:
    """For each name in a path (`{job}`): a row of stella's room."""
    kind = kind_of("made_up")
    assert kind is not None
    job = jobs.want(
        kind=type(kind), reference="x:1", spec=media_worker.Spec(), app=cast.app, stream=cast.stream, now=now
    )
    Publish.objects.get_or_create(stream=cast.stream, ended_at=None, defaults={"client_id": "9", "started_at": now})
    doubted = Snapshot.objects.create(
        number="sdoubted", stream=cast.stream, state="done", origin="1", asked_at=now, taken_at=now, review="done",
        verdict="review",
    )  # fmt: skip
    plain = Snapshot.objects.create(
        number="splain", stream=cast.stream, state="done", origin="2", asked_at=now, taken_at=now
    )
    return {
        "job": str(job.pk), "relay": made_relay(cast).number, "snapshot": doubted.number,
        "snapshots_delete.snapshot": plain.number,
    }  # fmt: skip


def bodies(cast: Cast) -> dict[str, Any]:
    """Of those that name a row."""
    return {"snapshots_take": {"stream": cast.stream.name}}


def calls(cast: Cast) -> dict[str, Any]:
    """An answer with a body for each operation that has one."""
    stella, server, at = cast.api(cast.stella), cast.server(), places(cast, now=clock.now())
    return {
        "jobs_list": stella.get("jobs?room=r1"),
        "jobs_get": stella.get(f"jobs/{at['job']}"),
        "jobs_restart": stella.post(f"jobs/{at['job']}/restart"),
        "hosts_list": server.get("hosts"),
        "relays_list": stella.get("relays?room=r1"),
        "relays_create": stella.post("relays", BODIES["relays_create"]),
        "relays_get": stella.get(f"relays/{at['relay']}"),
        "relays_change": stella.patch(f"relays/{at['relay']}", BODIES["relays_change"]),
        "relays_restart": stella.post(f"relays/{at['relay']}/restart"),
        "rooms_cover_delete": stella.delete("rooms/r1/cover"),
        "snapshots_list": stella.get(f"snapshots?stream={cast.stream.name}"),
        "snapshots_take": stella.post("snapshots", {"stream": cast.stream.name}),
        "snapshots_get": stella.get(f"snapshots/{at['snapshot']}"),
        "snapshots_decide": server.patch(f"snapshots/{at['snapshot']}", {"verdict": "pass"}),
    }


def silent(cast: Cast) -> dict[str, Any]:
    """An answer for each that has none."""
    stella = cast.api(cast.stella)
    return {
        "relays_delete": stella.delete(f"relays/{made_relay(cast, 'gone').number}"),
        "snapshots_delete": stella.delete("snapshots/splain"),
    }
