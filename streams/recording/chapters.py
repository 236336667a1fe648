"""Places in recordings: made by what happened in the room, and by hand.

A chapter of a running recording knows only its moment; its second is known when what was written has been read."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter, Conflict, NotFound
from liveroom.kernel.permission import Actor
from streams.recording.models import Chapter, Recording
from streams.recording.rules import MOST_CHAPTERS
from streams.recording.selectors import stretches_of
from streams.recording.services import OPEN, UNDER_WAY
from streams.recording.stretches import media_seconds

TITLE_CHARACTERS = 100


class TooManyChapters(Conflict):
    """10056: `limit` in one recording."""

    name = "too_many_chapters"


def add_chapter(*, room_id: int, kind: str, title: str, at: datetime, now: datetime) -> int:
    """In every recording of the room's programme that runs; how many those are. For what happens in a room: it refuses nothing."""
    made = 0
    for recording in Recording.objects.filter(room_id=room_id, on_programme=True, state__in=UNDER_WAY):
        if recording.chapters.count() < MOST_CHAPTERS:
            Chapter.objects.create(
                recording=recording, kind=kind, title=title[:TITLE_CHARACTERS], at=at, created_at=now
            )
            made += 1
    return made


def mark_moment(*, recording: str, kind: str, title: str, at: datetime, now: datetime) -> None:
    """In one recording, by its number: a moment of it that turned out to be worth finding. Outside of it: nothing happens."""
    found = Recording.objects.filter(number=recording).first()
    seconds = media_seconds(stretches_of(found), at) if found is not None else None
    if found is not None and seconds is not None and found.chapters.count() < MOST_CHAPTERS:
        Chapter.objects.create(
            recording=found, kind=kind, title=title[:TITLE_CHARACTERS], at=at, seconds=round(seconds, 3), created_at=now
        )


@transaction.atomic
def put_chapter(*, recording: Recording, seconds: float, title: str, by: Actor, now: datetime) -> Chapter:
    """By hand. BadParameter of a place that the recording does not have, TooManyChapters."""
    permission.ask("media.manage", actor=by, room=recording.room)
    if not 0 <= seconds <= recording.duration_seconds and recording.state not in OPEN:
        raise BadParameter(
            f"seconds is a place in the recording, 0 to {recording.duration_seconds:.3f}; given: {seconds:g}.",
            field="seconds",
        )
    Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.chapters.count() >= MOST_CHAPTERS:
        raise TooManyChapters(
            f"A recording has at most {MOST_CHAPTERS} chapters; delete one first.", limit=MOST_CHAPTERS
        )
    return Chapter.objects.create(
        recording=recording, kind=Chapter.Kind.HAND, title=title, seconds=seconds, created_at=now
    )


def remove_chapter(*, recording: Recording, chapter: int, by: Actor) -> None:
    permission.ask("media.manage", actor=by, room=recording.room)
    if not recording.chapters.filter(pk=chapter).delete()[0]:
        raise NotFound("This recording has no such chapter.")


def place_chapters(recording: Recording) -> None:
    """What has only a moment gets its second; a moment before the first picture is at its begin, one after the last at its end."""
    stretches = stretches_of(recording)
    for chapter in recording.chapters.filter(seconds=None).exclude(at=None):
        if not stretches or chapter.at is None:
            continue
        found = media_seconds(stretches, chapter.at)
        if found is None:
            found = 0.0 if chapter.at < stretches[0].started_at else recording.duration_seconds
        chapter.seconds = round(found, 3)
        chapter.save(update_fields=["seconds"])
