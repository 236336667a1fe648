"""A recording of a whole copy without having to wait for one: a film is kept, rows say when it was and what was said beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.helpers.stack import Stack

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FILM_SECONDS = 60

# Runs inside the copy; `said`: [seconds after the beginning, event]. One break: of a minute after 40 s.
_SCRIPT = """
import json, pathlib, sys
from datetime import timedelta
from interactions.models import ArchivedMessage, MinuteStat, PublishedShow
from liveroom.kernel import clock
from liveroom.rooms.models import LiveSession, Room
from streams.jobs.models import State
from streams.models import Stream
from streams.recording.models import Chapter, Clip, Recording, RecordingFile, RecordingPart
from streams.storage import storage

asked = json.loads(sys.stdin.read())
room = Room.objects.select_related("app").get(group_id=asked["room"])
began = clock.now() - timedelta(hours=asked["hours_ago"])
session = LiveSession.objects.create(
    room=room, sequence=f"s{room.pk}x{asked['hours_ago']}", started_at=began - timedelta(seconds=30),
    ended_at=began + timedelta(seconds=150), had_publisher=True, summed_up=True,
)
if asked["published"]:
    PublishedShow.objects.create(session=session, at=clock.now())
recording = Recording.objects.create(
    app=room.app, room=room, stream=Stream.objects.get(room=room, on_programme=True), session=session, origin="rule",
    on_programme=True, state=State.DONE, created_at=began, started_at=began, duration_seconds=asked["seconds"],
    ended_at=began + timedelta(seconds=asked["seconds"] + 60), settings={"playback": True},
)
each = asked["seconds"] / asked["files"]
for number in range(asked["files"], 0, -1):
    key = f"{recording.folder}/{number}/film.mp4"
    storage().keep(path=pathlib.Path(asked["film"]), key=key)
    file = RecordingFile.objects.create(
        recording=recording, number=number, state=State.DONE, started_at=began, media_offset=(number - 1) * each,
        duration_seconds=each, key=key,
    )
for number, (after, offset, length) in enumerate(((0, 0, 40), (100, 40, asked["seconds"] - 40)), start=1):
    RecordingPart.objects.create(
        recording=recording, file=file, number=number, started_at=began + timedelta(seconds=after), media_offset=offset,
        duration_seconds=length,
    )
for at, title in ((0, "The stream began"), (25, "Gift storm"), (40, "The picture came back")):
    Chapter.objects.create(recording=recording, kind="status", title=title, seconds=at, created_at=began)
Clip.objects.create(
    app=room.app, room=room, recording=recording, from_seconds=20, to_seconds=30, duration_seconds=10, title="The best of it",
    state=State.DONE, key=key, created_at=began,
)
for minute, total in enumerate((0, 600, 900)):
    MinuteStat.objects.create(
        session=session, minute=began + timedelta(minutes=minute - 1), samples=1, likes_total=total, likes=0,
    )
rows = []
for seq, (after, event) in enumerate(asked["said"], start=1):
    sender = event.get("from") or {}
    rows.append(ArchivedMessage(
        room=room, session=session, epoch="e", seq=seq + asked["hours_ago"] * 1_000_000, event_id=str(seq), type=event["type"],
        sender=sender.get("id", ""), text=event.get("text", ""), body={"t": 1, "seq": seq, **event}, at=began + timedelta(seconds=after),
    ))
ArchivedMessage.objects.bulk_create(rows, batch_size=2000)
print(recording.number)
"""


@cache
def film() -> Path:
    """A minute of a moving test picture with a clock, and a tone."""
    path = Path(tempfile.mkdtemp(prefix="liveroom-film-")) / "film.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=640x360:r=25:d={FILM_SECONDS}", "-f", "lavfi", "-i",
         f"sine=f=330:d={FILM_SECONDS}", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a",
         "aac", "-movflags", "+faststart", str(path)],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def comment(text: str, *, by: str = "Zed", **more: Any) -> dict[str, Any]:
    sender = {"id": by.lower(), "nick": by, "avatar": "", "level": 0, "role": "member"}
    return {
        "type": "comment",
        "id": text,
        "priority": "Normal",
        "text": text,
        "position": "scroll",
        "from": sender,
        **more,
    }


def gift(*, by: str = "Zed", kind: int = 2, count: int = 3) -> dict[str, Any]:
    info = {"type": kind, "giftName": "Rose", "giftCount": count}
    sender = {"id": by.lower(), "nick": by, "avatar": "", "level": 0, "role": "member"}
    return {"type": "gift", "id": "g", "priority": "High", "gift": "rose", "count": count, "combo": count, "value": 30,
            "data": {"data": {"cmdInfo": info}}, "from": sender}  # fmt: skip


def keep_film(
    stack: Stack, *, room: str, said: Sequence[tuple[float, dict[str, Any]]], published: bool = True,
    hours_ago: int = 20, files: int = 1,
) -> str:  # fmt: skip
    """The recording's id. Of several `files` each holds the same minute."""
    asked = {
        "room": room, "film": str(film()), "seconds": FILM_SECONDS * files, "said": said, "published": published,
        "hours_ago": hours_ago, "files": files,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", _SCRIPT], cwd=CHECKOUT, env=stack.env,
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]
