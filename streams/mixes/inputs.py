"""What a mix takes in: streams and files as they were named, looked for and judged.

Promise: what is of another app is unknown; of another room, only who looks after that room as well takes it; a picture is no film and a
film no picture; and nothing is taken in that would come out of the mix itself, by whatever way (`streams/flows.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType
from msgspec.structs import replace

from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from streams.files.models import MediaFile
from streams.files.rules import PICTURES
from streams.files.selectors import FileNotReady, FileUnknown, file_of, path_of
from streams.files.uses import asks_about_files
from streams.flows import circle, shown_way
from streams.jobs.models import OPEN_STATES
from streams.media.compositor.scene import Input, Look
from streams.mixes.models import Mix
from streams.mixes.rules.asked import InputAsked
from streams.mixes.rules.scenes import FILE, STREAM, files_in, free_id, named, ours, said_only
from streams.models.streams import Stream

_KINDS = {"stream": "stream", "file": "film", "image": "image", "color": "color"}


class MixLoop(BadParameter):
    """10004: what comes out of the mix would come back into it."""

    name = "mix_loop"


def inputs_for(asked: Sequence[InputAsked], *, room: Room, by: Actor, before: Sequence[Input]) -> tuple[Input, ...]:
    """The inputs of a scene. `before`: those that it has; one that is named by its id alone stays what it is."""
    known = {one.id: one for one in before}
    taken = [one.id for one in asked if not isinstance(one.id, UnsetType)]
    if len(set(taken)) < len(taken):
        raise BadParameter("inputs: two inputs have the same id.", field="inputs")
    found = []
    for at, one in enumerate(asked):
        place = f"inputs[{at}]"
        if isinstance(one.id, UnsetType):
            id_ = free_id(taken)
            taken.append(id_)
        else:
            id_ = one.id
        old = known.get(id_)
        kind, said = one.source
        if kind:
            new = _new(kind, said, id_=id_, room=room, by=by, place=place)
        elif old is not None:
            new = old
        else:
            raise BadParameter(f"{place}: say which stream, file, image or color it is.", field=place)
        found.append(replace(new, **said_only(name=one.name, loops=one.loops), **one.as_said()))
    return tuple(found)


def _new(kind: str, said: str, *, id_: str, room: Room, by: Actor, place: str) -> Input:
    if kind == "stream":
        stream = stream_for(said, room=room, by=by, place=place)
        return Input(id=id_, kind="stream", address=ours(STREAM, stream.name), name=name_of(stream)[:80])
    if kind == "color":
        return Input(id=id_, kind="color", color=said)
    file = file_for(said, room=room, by=by, place=f"{place}.{kind}", picture=kind == "image")
    kept = "image" if kind == "image" else "film"
    return Input(id=id_, kind=kept, address=ours(FILE, file.number), name=file.name[:80])  # type: ignore[arg-type]


def stream_for(name: str, *, room: Room, by: Actor, place: str) -> Stream:
    """A stream of the app that `by` looks after. BadParameter, NotPermitted."""
    found = Stream.objects.select_related("room__app", "room__owner").filter(
        name=name, room__disbanded_at__isnull=True, room__app_id=room.app_id
    )
    stream = found.first() if name.isascii() and name.isprintable() else None
    if stream is None:
        raise BadParameter(f"{place}.stream: there is no stream {name!r}.", field=place, given=name)
    if stream.room_id != room.pk:
        permission.ask("media.manage", actor=by, room=stream.room)
    return stream


def name_of(stream: Stream) -> str:
    """What stands on its plate and its card: its label, or whose it is where it is a room's only one."""
    if stream.label != "main":
        return stream.label
    return stream.room.title or stream.room.owner.nick or stream.room.owner.identifier


def file_for(number: str, *, room: Room, by: Actor, place: str, picture: bool) -> MediaFile:
    """A ready file of that kind, of a room that `by` looks after. BadParameter names the one that is not."""
    try:
        file = file_of(app_id=room.app_id, number=number)
        if file.room_id != room.pk:
            permission.ask("media.manage", actor=by, room=file.room)
        path_of(file)
    except FileUnknown:
        raise BadParameter(f"{place}: there is no file {number[:24]!r}.", field=place, given=number[:24]) from None
    except FileNotReady as error:
        why = f": {file.reason}" if file.reason else ""
        raise BadParameter(f"{place}: {error.message}{why}", field=place, given=number[:24]) from None
    if (file.container in PICTURES) != picture:
        what = "a picture; name it as image" if not picture else "no picture; name it as file"
        raise BadParameter(f"{place}: the file {file.number} is {what}.", field=place, given=file.number)
    return file


def check_pictures(look: Look, *, room: Room, by: Actor, before: set[str], place: str) -> None:
    """The pictures of overlays and of the background. `before`: files that the mix has used already are not asked about again."""
    wanted = [(look.picture, "background.image")]
    wanted += [(one.image, f"{place}[{at}].image") for at, one in enumerate(look.overlays)]
    for address, where in wanted:
        what, number = named(address)
        if what == FILE and number not in before:
            file_for(number, room=room, by=by, place=where, picture=True)


def refuse_loop(*, inputs: Sequence[Input], output: str, without: str = "") -> None:
    """MixLoop. `without`: the mix's own reference, if it brings something already."""
    sources = [named(one.address)[1] for one in inputs if one.kind == "stream"]
    way = circle(sources=sources, target=output, without=without) if sources else []
    if not way:
        return
    if len(way) == 2:
        raise MixLoop(f"inputs: {output} is what this mix is published as; it cannot be its input.", field="inputs")
    raise MixLoop(f"inputs: {way[0]} shows what comes out of this mix: {shown_way(way)}.", field="inputs")


@asks_about_files
def shown_by_mix(file: MediaFile) -> str:
    rows = Mix.objects.filter(app_id=file.app_id, state__in=OPEN_STATES)
    shows = next((mix for mix in rows if file.number in files_in(mix.said_scene())), None)
    return f"The mix {shows.number} shows it." if shows is not None else ""
