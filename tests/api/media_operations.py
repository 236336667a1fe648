"""The operations on media, for the tests that walk through all there are (test_nobody_comes_in_unasked.py, test_schema.py).

Whoever adds an operation adds its body, the rows that its path names, and one call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from liveroom.kernel import clock
from streams.director import services as director
from streams.files import services as files
from streams.jobs import services as jobs
from streams.jobs.kinds import kind_of
from streams.mixes import services as mixes
from streams.models import Publish, Snapshot, Stream, TimeShift
from tests.helpers import media_worker
from tests.helpers.mixes import WHOLE, made_mix
from tests.helpers.people import Cast
from tests.helpers.recordings import a_chapter, a_clip, being_recorded
from tests.helpers.relays import made_relay
from tests.helpers.watermarks import made_watermark

media_worker.define()

BODIES: dict[str, Any] = {
    "files_create": {"room": "r1", "name": "film.mp4", "size_bytes": 1000},
    "relays_create": {"kind": "push", "room": "r1", "target": "rtmp://live.example.com/app/new-key"},
    "relays_change": {"label": "again"},
    "mixes_change": {"layout": []},
    "director_audio": {"master_db": -3},
    "director_comment_show": {"text": "hello", "nick": "Mia"},
    "director_cut": {"input": "1"},
    "director_overlays_add": {"kind": "clock"},
    "director_overlays_change": {"zone": "UTC"},
    "director_preview_change": {"layout": "1"},
    "director_preview_set": {"background": "#123456"},
    "recordings_chapters_add": {"seconds": 1, "title": "a place"},
    "recordings_clips_make": {"from_seconds": 1, "to_seconds": 3},
    "rooms_clips_make": {"seconds": 3},
    "snapshots_decide": {"verdict": "pass"},
    "watermarks_change": {"x_percent": 40, "text": "moved"},
}
# Lists of a room, which its owner may see too; without it they are the app's.
OF_A_ROOM = {"files_list", "jobs_list", "mixes_list", "recordings_list", "relays_list", "watermarks_list"}
# What answers no JSON, or asks for more than a request: tried by tests of its own.
ELSEWHERE: set[str] = {"rooms_cover_set"}


def query(operation_id: str) -> str:
    if operation_id == "snapshots_list":
        return f"?stream={Stream.objects.get(room__group_id='r1', on_programme=True).name}"
    if operation_id == "rooms_heard_get":
        return f"?from_ms={clock.now_ms() - 60_000}"
    return "?room=r1" if operation_id in OF_A_ROOM else ""


def _file(cast: Cast, *, now: datetime) -> str:
    by = cast.actor(cast.stella)
    return files.announce_file(room=cast.room, name="a.mp4", size_bytes=10, by=by, now=now).number


def _led_mix(cast: Cast, *, now: datetime) -> str:
    """A mix at whose desk something is prepared, and a clock kept."""
    mix = made_mix(cast)
    by = cast.actor(cast.stella)
    mixes.set_preview(mix=mix, by=by, now=now)
    director.add_overlay(mix=mix, by=by, now=now, said={"kind": "clock"})
    return mix.number


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
    running = being_recorded(cast.room, now=now)
    shift = {"seconds": 600, "item_seconds": 5, "since": now - timedelta(minutes=5), "updated_at": now}
    TimeShift.objects.get_or_create(stream=cast.stream, defaults=shift)
    return {
        "job": str(job.pk),
        "file": _file(cast, now=now),
        "relay": made_relay(cast).number,
        "mix": _led_mix(cast, now=now),
        "overlay": "clock-1",
        "snapshot": doubted.number,
        "snapshots_delete.snapshot": plain.number,
        "recordings_chapters_remove.recording": running.number,
        "chapter": str(a_chapter(running, now=now).pk),
        "clip": a_clip(running, now=now).number,
        "watermark": made_watermark(cast).number,
    }


def bodies(cast: Cast) -> dict[str, Any]:
    """Of those that name a row."""
    return {
        "mixes_create": {"inputs": [{"stream": cast.stream.name}], "layout": WHOLE},
        "snapshots_take": {"stream": cast.stream.name},
        "recordings_start": {"stream": cast.stream.name, "format": "mp4"},
        "watermarks_create": {"stream": cast.stream.name, "kind": "clock"},
    }


def calls(cast: Cast) -> dict[str, Any]:
    """An answer with a body for each operation that has one."""
    stella, server, at = cast.api(cast.stella), cast.server(), places(cast, now=clock.now())
    recording = at["recordings_chapters_remove.recording"]
    return {
        "files_create": stella.post("files", BODIES["files_create"]),
        "files_list": stella.get("files?room=r1"),
        "files_get": stella.get(f"files/{at['file']}"),
        "jobs_list": stella.get("jobs?room=r1"),
        "jobs_get": stella.get(f"jobs/{at['job']}"),
        "jobs_restart": stella.post(f"jobs/{at['job']}/restart"),
        "hosts_list": server.get("hosts"),
        "relays_list": stella.get("relays?room=r1"),
        "relays_create": stella.post("relays", BODIES["relays_create"]),
        "relays_get": stella.get(f"relays/{at['relay']}"),
        "relays_change": stella.patch(f"relays/{at['relay']}", BODIES["relays_change"]),
        "relays_restart": stella.post(f"relays/{at['relay']}/restart"),
        "mixes_list": stella.get("mixes?room=r1"),
        "mixes_create": stella.post("mixes", bodies(cast)["mixes_create"]),
        "mixes_get": stella.get(f"mixes/{at['mix']}"),
        "mixes_change": stella.patch(f"mixes/{at['mix']}", BODIES["mixes_change"]),
        **_at_the_desk(stella, at),
        "rooms_cover_delete": stella.delete("rooms/r1/cover"),
        "snapshots_list": stella.get(f"snapshots?stream={cast.stream.name}"),
        "snapshots_take": stella.post("snapshots", {"stream": cast.stream.name}),
        "snapshots_get": stella.get(f"snapshots/{at['snapshot']}"),
        "snapshots_decide": server.patch(f"snapshots/{at['snapshot']}", {"verdict": "pass"}),
        "recordings_list": stella.get("recordings?room=r1"),
        "recordings_start": stella.post("recordings", bodies(cast)["recordings_start"]),
        "recordings_get": stella.get(f"recordings/{recording}"),
        "recordings_chapters_add": stella.post(f"recordings/{recording}/chapters", BODIES["recordings_chapters_add"]),
        "recordings_clips_make": stella.post(f"recordings/{recording}/clips", BODIES["recordings_clips_make"]),
        "rooms_clips_make": stella.post("rooms/r1/clips", BODIES["rooms_clips_make"]),
        "rooms_clips_list": stella.get("rooms/r1/clips"),
        "clips_get": stella.get(f"clips/{at['clip']}"),
        "recordings_stop": stella.post(f"recordings/{recording}/stop"),
        "watermarks_list": stella.get("watermarks?room=r1"),
        "watermarks_create": stella.post("watermarks", bodies(cast)["watermarks_create"]),
        "watermarks_get": stella.get(f"watermarks/{at['watermark']}"),
        "watermarks_change": stella.patch(f"watermarks/{at['watermark']}", BODIES["watermarks_change"]),
        "streams_ladder_get": stella.get(f"streams/{cast.stream.name}/ladder"),
        "rooms_heard_get": stella.get(f"rooms/r1/heard{query('rooms_heard_get')}"),
        "streams_timeshift_get": stella.get(f"streams/{cast.stream.name}/timeshift"),
    }


def _at_the_desk(stella: Any, at: dict[str, str]) -> dict[str, Any]:
    desk = f"director/{at['mix']}"
    return {
        "director_get": stella.get(desk),
        "director_audio": stella.patch(f"{desk}/audio", BODIES["director_audio"]),
        "director_comment_show": stella.post(f"{desk}/comment", BODIES["director_comment_show"]),
        "director_cut": stella.post(f"{desk}/cut", BODIES["director_cut"]),
        "director_overlays_add": stella.post(f"{desk}/overlays", BODIES["director_overlays_add"]),
        "director_overlays_change": stella.patch(
            f"{desk}/overlays/{at['overlay']}", BODIES["director_overlays_change"]
        ),
        "director_preview_change": stella.patch(f"{desk}/preview", BODIES["director_preview_change"]),
        "director_preview_set": stella.put(f"{desk}/preview", BODIES["director_preview_set"]),
        "director_take": stella.post(f"{desk}/take", {}),
    }


def silent(cast: Cast) -> dict[str, Any]:
    """An answer for each that has none."""
    stella, now = cast.api(cast.stella), clock.now()
    running, done = being_recorded(cast.room, now=now), being_recorded(cast.room, now=now, state="done")
    clip, chapter = a_clip(running, now=now), a_chapter(running, now=now)
    return {
        "files_delete": stella.delete(f"files/{_file(cast, now=clock.now())}"),
        "relays_delete": stella.delete(f"relays/{made_relay(cast, 'gone').number}"),
        "director_comment_hide": stella.delete(f"director/{made_mix(cast).number}/comment"),
        "director_overlays_remove": stella.delete(f"director/{_led_mix(cast, now=now)}/overlays/clock-1"),
        "mixes_end": stella.delete(f"mixes/{made_mix(cast).number}"),
        "snapshots_delete": stella.delete("snapshots/splain"),
        "recordings_delete": stella.delete(f"recordings/{done.number}"),
        "recordings_chapters_remove": stella.delete(f"recordings/{running.number}/chapters/{chapter.pk}"),
        "watermarks_delete": stella.delete(f"watermarks/{made_watermark(cast).number}"),
        "clips_delete": stella.delete(f"clips/{clip.number}"),
    }
