"""The operations on media, for the tests that walk through all there are (test_nobody_comes_in_unasked.py, test_schema.py).

Whoever adds an operation adds its body, the rows that its path names, and one call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from liveroom.kernel import clock
from streams.jobs import services as jobs
from streams.jobs.kinds import kind_of
from tests.helpers import media_worker
from tests.helpers.people import Cast
from tests.helpers.relays import made_relay

media_worker.define()

BODIES: dict[str, Any] = {
    "relays_create": {"kind": "push", "room": "r1", "target": "rtmp://live.example.com/app/new-key"},
    "relays_change": {"label": "again"},
}
# Lists of a room, which its owner may see too; without it they are the app's.
OF_A_ROOM = {"jobs_list", "relays_list"}
# What answers no JSON, or asks for more than a request: tried by tests of its own.
ELSEWHERE: set[str] = set()


def query(operation_id: str) -> str:
    return "?room=r1" if operation_id in OF_A_ROOM else ""


def places(cast: Cast, *, now: datetime) -> dict[str, str]:
    """For each name in a path (`{job}`): a row of stella's room."""
    kind = kind_of("made_up")
    assert kind is not None
    job = jobs.want(
        kind=type(kind), reference="x:1", spec=media_worker.Spec(), app=cast.app, stream=cast.stream, now=now
    )
    return {"job": str(job.pk), "relay": made_relay(cast).number}


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
    }


def silent(cast: Cast) -> dict[str, Any]:
    """An answer for each that has none."""
    return {"relays_delete": cast.api(cast.stella).delete(f"relays/{made_relay(cast, 'gone').number}")}
