"""The files of relays: uploaded films (streams/files), by their ids. A film that a relay plays is not removed."""

from __future__ import annotations

from collections.abc import Sequence

from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter, LiveRoomError
from liveroom.kernel.permission import Actor
from streams.files.models import MediaFile
from streams.files.rules import PICTURES
from streams.files.selectors import FileUnknown, file_of, path_of
from streams.files.uses import asks_about_files
from streams.models.streams import Stream
from streams.relays.models import OVER, Relay
from streams.relays.player.playing import Item
from streams.relays.rules import FILE

# Estimates of a core (media-facts.md, by the number of pixels): the fastest settings that look well.
_COPY_CORES, _CORES_PER_MEGAPIXEL, _LEAST_CORES = 0.05, 0.6, 0.2


def checked_files(numbers: Sequence[str], *, stream: Stream, by: Actor) -> list[str]:
    """Ready films of rooms that `by` looks after. BadParameter names the one that is not."""
    for number in dict.fromkeys(numbers):
        try:
            file = file_of(app_id=stream.room.app_id, number=number)
            if file.room_id != stream.room_id:
                permission.ask("media.manage", actor=by, room=file.room)
            path_of(file)
            if file.container in PICTURES:
                raise BadParameter(f"the file {file.number} is a picture; films and sound are played.", field="files")
        except FileUnknown:
            raise BadParameter(f"files: there is no file {number[:24]!r}.", field="files", given=number[:24]) from None
        except LiveRoomError as error:
            raise BadParameter(f"files: {error.message}", field="files", given=number[:24]) from None
    return list(numbers)


def items_of(relay: Relay) -> list[Item]:
    """Where they lie now; one that is gone keeps its place in the list, without a path."""
    return [Item(id=number, path=_path(relay, number)) for number in relay.files]


def _path(relay: Relay, number: str) -> str:
    try:
        return str(path_of(file_of(app_id=relay.app_id, number=number)))
    except LiveRoomError:
        return ""


def cores_of(numbers: Sequence[str]) -> float:
    """What playing them will take: nothing is encoded if all are of the kind of the first."""
    rows = list(
        MediaFile.objects.filter(number__in=numbers).values_list("video_codec", "audio_codec", "width", "height")
    )
    if not rows or (len(set(rows)) == 1 and rows[0][:2] in (("h264", "aac"), ("h264", ""), ("", "aac"))):
        return _COPY_CORES
    pixels = min(1920 * 1080, max((width or 0) * (height or 0) for *_, width, height in rows))
    return round(max(_LEAST_CORES, _CORES_PER_MEGAPIXEL * pixels / 1_000_000), 2)


@asks_about_files
def played_by_relay(file: MediaFile) -> str:
    rows = Relay.objects.filter(app_id=file.app_id, kind=FILE, enabled=True).exclude(state__in=OVER)
    playing = next((relay for relay in rows if file.number in relay.files), None)
    return f"The relay {playing.number} plays it." if playing is not None else ""
