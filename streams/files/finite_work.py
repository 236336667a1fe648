"""A file that is whole is looked at: is it what can be played or shown, how long, how large, which codecs; and one picture of it.

Nothing that its name or its sender said counts: its first bytes say what it is, one demuxer reads it, and that opens nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from liveroom.kernel import clock
from streams.egress import uploads
from streams.files import places, rules
from streams.files.models import MediaFile
from streams.files.services import CHECK
from streams.jobs.finite import Claim, does
from streams.jobs.models import MediaTask
from streams.media import films
from streams.storage import storage

# A picture from here on, as a part of the whole: the first one is black more often than not.
_INTO = 0.1


def _gave_up(task: MediaTask, reason: str) -> None:
    file = MediaFile.objects.filter(number=task.reference.partition(":")[2]).first()
    if file is not None and file.state == MediaFile.State.CHECKING:
        _refuse(file, f"It could not be looked at: {reason}")


@does(CHECK, gave_up=_gave_up)
def check_file(claim: Claim) -> None:
    """Ready or refused. Doing it twice finds the same."""
    file = MediaFile.objects.filter(number=claim.task.reference.partition(":")[2]).first()
    if file is None or file.state != MediaFile.State.CHECKING:
        return
    path = places.film_of(file.number)
    try:
        with path.open("rb") as opened:
            head = opened.read(uploads.HEAD_BYTES)
        kind = _kind(head)
        before = uploads.options_for(kind)
        said = films.look(path=path, before_input=before)
        film = rules.picture(said, size_bytes=file.size_bytes) if kind.is_picture else rules.film(said)
        claim.told(0.4)
        thumbnail = _thumbnail(file, film, path=path, before=before, claim=claim)
    except FileNotFoundError:
        _refuse(file, "Its bytes are no longer on this host's disk.")
    except films.Unreadable as error:
        _refuse(file, f"It cannot be read: {error}.")
    except ValueError as error:
        _refuse(file, str(error))
    else:
        MediaFile.objects.filter(pk=file.pk, state=MediaFile.State.CHECKING).update(
            state=MediaFile.State.READY, container=kind.name, duration_seconds=film.duration_seconds, width=film.width,
            height=film.height, video_codec=film.video_codec, audio_codec=film.audio_codec, thumbnail=thumbnail,
            ended_at=clock.now(),
        )  # fmt: skip


def _kind(head: bytes) -> uploads.Container:
    kind = uploads.container_of(head)
    if kind is not None and (not kind.is_picture or kind.name in rules.PICTURES):
        return kind
    taken = ", ".join(sorted(each.name for each in uploads.KINDS if not each.is_picture or each.name in rules.PICTURES))
    if kind is not None:
        raise ValueError(f"It is a picture of the kind {kind.name}; what is taken here: {taken}.")
    if uploads.looks_like_a_list(head):
        raise ValueError(f"It is a playlist, which only names other files; what is taken here: {taken}.")
    raise ValueError(f"Its first bytes are of no film, sound or picture that is known here: {taken}.")


def _thumbnail(file: MediaFile, film: rules.Film, *, path: Path, before: tuple[str, ...], claim: Claim) -> str:
    """Its key; "" for sound alone. Unreadable: there is a picture, and none of it can be decoded."""
    if not film.video_codec:
        return ""
    with tempfile.TemporaryDirectory(dir=places.folder_of(file.number)) as folder:
        target = Path(folder) / "thumbnail.jpg"
        try:
            at = (film.duration_seconds or 0) * _INTO
            films.picture(path=path, before_input=before, target=target, at_seconds=at)
        except films.Unreadable:
            claim.told(0.6)
            films.picture(path=path, before_input=before, target=target, at_seconds=0)
        claim.told(0.9)
        key = f"files/{file.number}/thumbnail.jpg"
        storage().keep(path=target, key=key)
    return key


def _refuse(file: MediaFile, reason: str) -> None:
    """Its bytes go at once; the row stays for a week, so that its owner reads why."""
    refused = MediaFile.objects.filter(pk=file.pk, state=MediaFile.State.CHECKING).update(
        state=MediaFile.State.REFUSED, reason=reason[:300], ended_at=clock.now()
    )
    if refused:
        places.forget(file.number)
