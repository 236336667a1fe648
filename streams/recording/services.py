"""Starting, ending and deleting recordings; what a publisher's coming and going means to them.

A recording is a row and a media job (`kinds.Record`) with the same life: waiting → running → finishing → done. Nobody but this module, the
job's kind and the finite work changes its state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q

from liveroom.accounts.models import App
from liveroom.kernel import facts, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.rooms.selectors import current_session
from liveroom.rooms.services.locking import locked
from streams.jobs import finite
from streams.jobs import services as jobs
from streams.jobs.models import MediaJob, State
from streams.models.streams import Publish, Stream
from streams.recording.facts import RecordingFailed, RecordingFinished, RecordingStarted, RecordingStopped
from streams.recording.models import Recording
from streams.recording.raw import disk
from streams.recording.rules import AT_ONCE, FORMATS, SOUND_ONLY, Wish
from streams.selectors import is_shown
from streams.storage import storage
from streams.watermarks.copies.settling import settle, source_for

REFERENCE = "recording:{}"
FILES_TASK = "recording"
UNDER_WAY = (State.WAITING, State.RUNNING)
OPEN = (State.WAITING, State.RUNNING, State.FINISHING)


class TooManyRecordings(Conflict):
    """10056: `limit` of a stream at once."""

    name = "too_many_recordings"


class RecordingRuns(Conflict):
    """10056: it is still being written; stop it first."""

    name = "recording_runs"


def reference(recording: Recording) -> str:
    return REFERENCE.format(recording.pk)


def job_of(recording: Recording) -> MediaJob | None:
    """Its open job."""
    from streams.recording.kinds import Record

    return jobs.open_job(kind=Record, reference=reference(recording))


@transaction.atomic
def start_recording(
    *,
    stream: Stream,
    format: str,
    wish: Wish,
    by: Actor,
    now: datetime,
    origin: str = Recording.Origin.API,
    template: int | None = None,
    until: datetime | None = None,
    address: str = "",
) -> Recording:
    """Waits for a publisher if there is none. TooManyRecordings, DiskFull, BadParameter (of `until`)."""
    from streams.recording.kinds import Record, RecordSpec

    room = stream.room
    permission.ask("media.manage", actor=by, room=room)
    if format not in FORMATS:
        raise BadParameter(f"format is one of {', '.join(FORMATS)}, not {format[:20]!r}.", field="format")
    if until is not None and until <= now:
        raise BadParameter("until is a time to come.", field="until")
    # One after the other, so that ten stay ten; the room first, as everywhere.
    locked(room.pk)
    Stream.objects.select_for_update().get(pk=stream.pk)
    if Recording.objects.filter(stream=stream, state__in=UNDER_WAY).count() >= AT_ONCE:
        raise TooManyRecordings(f"{AT_ONCE} recordings of this stream run already; stop one first.", limit=AT_ONCE)
    if origin != Recording.Origin.RULE:
        disk.check_room()
    session = current_session(room)
    if format in SOUND_ONLY and wish.playback:
        wish = msgspec.structs.replace(wish, playback=False)
    recording = Recording.objects.create(
        app=room.app, room=room, stream=stream, session=session, format=format, origin=origin, template=template,
        settings=msgspec.to_builtins(wish), on_programme=is_shown(stream), by=str(by)[:80], created_at=now,
        until=until,
    )  # fmt: skip
    settle(stream_id=stream.pk, now=now)
    source, source_id = source_for(target=reference(recording), stream=stream, now=now)
    spec = RecordSpec(
        recording=recording.pk, number=recording.number, stream=stream.name, source=source, source_id=source_id
    )
    jobs.want(
        kind=Record, reference=reference(recording), spec=spec, app=room.app, stream=stream, now=now,
        label=f"{format.upper()} of {stream.label}",
    )  # fmt: skip
    audit.record(
        action="recording.start", actor=by, now=now, room_key=room.key, target=recording.number, address=address
    )
    return recording


@transaction.atomic
def stop_recording(*, recording: Recording, by: Actor, now: datetime, address: str = "") -> Recording:
    """By hand or API. What was written becomes its files; stopping twice is stopping once."""
    permission.ask("media.manage", actor=by, room=recording.room)
    if recording.state in UNDER_WAY:
        end_recording(recording=recording, now=now)
        audit.record(
            action="recording.stop", actor=by, now=now, room_key=recording.room.key, target=recording.number,
            address=address,
        )  # fmt: skip
        recording.refresh_from_db()
    return recording


def end_recording(*, recording: Recording, now: datetime, reason: str = "") -> None:
    """No more of it is wanted. Its job's end makes it `finishing`."""
    if reason:
        Recording.objects.filter(pk=recording.pk, reason="").update(reason=reason[:300])
    job = job_of(recording)
    if job is not None:
        jobs.stop(job=job, now=now)
    else:
        written_to_the_end(recording=recording, now=now)


def written_from_now(*, recording_id: int) -> None:
    """A child is about to write it, for the first time or again. What was asked for before the show began belongs to the show."""
    recording = Recording.objects.select_related("room", "stream").filter(pk=recording_id, state__in=UNDER_WAY).first()
    if recording is None:
        return
    recording.state, recording.lost_at, recording.reason = State.RUNNING, None, ""
    if recording.started_at is None:
        recording.on_programme = is_shown(recording.stream)
        recording.session = current_session(recording.room) or recording.session
    recording.save(update_fields=["state", "lost_at", "reason", "on_programme", "session"])


def written_to_the_end(*, recording: Recording, now: datetime, reason: str = "") -> str:
    """Nothing writes it any more: its state from here on. Called in the transaction in which its job ends."""
    state = State.FINISHING if disk.was_written(recording.number) else State.STOPPED
    fields: dict[str, Any] = {"state": state, "lost_at": None}
    if reason:
        fields["reason"] = reason[:300]
    if state == State.STOPPED:
        fields["ended_at"] = now
    Recording.objects.filter(pk=recording.pk, state__in=UNDER_WAY).update(**fields)
    if state == State.FINISHING:
        want_files(recording=recording, now=now)
    return str(state)


def want_files(*, recording: Recording, now: datetime) -> None:
    """Its finite work: files that are whole are made, while it runs and at its end."""
    finite.want_task(kind=FILES_TASK, reference=str(recording.pk), app=recording.app, now=now)


@transaction.atomic
def delete_recording(*, recording: Recording, by: Actor, now: datetime, address: str = "") -> None:
    """With all that is kept of it. Its clips stay. RecordingRuns."""
    permission.ask("media.manage", actor=by, room=recording.room)
    if recording.state in OPEN:
        raise RecordingRuns("This recording is still being written; stop it, and delete it when it is done.")
    audit.record(
        action="recording.delete", actor=by, now=now, room_key=recording.room.key, target=recording.number,
        address=address,
    )  # fmt: skip
    remove_recording(recording)


def remove_recording(recording: Recording) -> None:
    """The row first: an address to what is gone is worse than a file that nobody names, and those are few (a kill in between)."""
    number = recording.number
    recording.delete()

    def remove() -> None:
        storage().remove_folder(folder=f"films/{number}")
        disk.forget(number)

    transaction.on_commit(remove)


# What is stated


def announce_start(*, recording: Recording, now: datetime) -> None:
    facts.state(
        RecordingStarted(
            recording=recording.number, stream=recording.stream.name, room_id=recording.room_id,
            room_key=recording.room.key, format=recording.format, at=now,
        )
    )  # fmt: skip


def announce_stop(*, recording: Recording, now: datetime, reason: str) -> None:
    facts.state(
        RecordingStopped(
            recording=recording.number, stream=recording.stream.name, room_id=recording.room_id,
            room_key=recording.room.key, format=recording.format, at=now, reason=reason,
        )
    )  # fmt: skip


def fail_recording(*, recording: Recording, reason: str, now: datetime) -> None:
    """What was written stays on disk until the recording is deleted."""
    if not Recording.objects.filter(pk=recording.pk, state__in=OPEN).update(
        state=State.FAILED, reason=reason[:300], ended_at=now
    ):
        return
    _job_is_over(recording, state=State.FAILED, reason=reason, now=now)
    facts.state(
        RecordingFailed(
            recording=recording.number, stream=recording.stream.name, room_id=recording.room_id,
            room_key=recording.room.key, format=recording.format, at=now, reason=reason[:300],
        )
    )  # fmt: skip


def finish_recording(*, recording: Recording, now: datetime) -> None:
    """Its files are made. Called in a transaction."""
    made = list(recording.files.filter(state=State.DONE).order_by("number"))
    if not made:
        first = recording.files.exclude(reason="").first()
        return fail_recording(
            recording=recording, now=now, reason=first.reason if first else "Nothing came that could be recorded."
        )
    wish = msgspec.convert(recording.settings, Wish)
    recording.state, recording.ended_at = State.DONE, now
    recording.size_bytes = sum(file.size_bytes for file in made)
    recording.width, recording.height = made[0].width, made[0].height
    if wish.storage_seconds:
        recording.expires_at = now + timedelta(seconds=wish.storage_seconds)
    recording.save(update_fields=["state", "ended_at", "size_bytes", "width", "height", "expires_at"])
    _job_is_over(recording, state=State.DONE, reason="", now=now)
    facts.state(
        RecordingFinished(
            recording=recording.number, stream=recording.stream.name, room_id=recording.room_id,
            room_key=recording.room.key, format=recording.format, at=now, files=len(made),
            duration_seconds=recording.duration_seconds, size_bytes=recording.size_bytes,
        )
    )  # fmt: skip
    return None


def _job_is_over(recording: Recording, *, state: str, reason: str, now: datetime) -> None:
    job = job_of(recording)
    if job is not None:
        jobs.finished(job_id=job.pk, state=state, reason=reason, now=now)


def is_on_air(stream_id: int) -> bool:
    return Publish.objects.filter(stream_id=stream_id, ended_at__isnull=True).exists()


def running_of(*, app: App, stream: Stream) -> list[Recording]:
    return list(Recording.objects.filter(Q(app=app), stream=stream, state__in=UNDER_WAY))
