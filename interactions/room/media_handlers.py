"""What happens to the work on pictures: viewers hear what they can get, the owner hears what it should know."""

from __future__ import annotations

from datetime import datetime

from interactions.delivery import Room, ms, publish_durably
from interactions.room.events import RoomStream, Unplayable, YourMedia
from interactions.room.handlers import person_in
from interactions.shown import of_wire
from liveroom.kernel.facts import handles
from liveroom.rooms import selectors as rooms
from streams.addresses import unplayable_told
from streams.facts import StreamFact
from streams.ladder.facts import LadderChanged, LadderShed
from streams.timeshift.facts import TimeShiftChanged


@handles(LadderChanged)
def ladder_changed(fact: LadderChanged) -> None:
    """Another choice of qualities: viewers ask for addresses again."""
    if not fact.on_programme:
        return
    found = unplayable_told(fact.unplayable)
    unplayable = None if found is None else of_wire(Unplayable, found)
    event = RoomStream(
        t=ms(fact.at), stream=fact.stream, on_air=True, unplayable=unplayable, ladder=list(fact.rungs), timeshift=None
    )  # fmt: skip
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(TimeShiftChanged)
def window_changed(fact: TimeShiftChanged) -> None:
    """Viewers may go back another way than before, or are kept behind: they ask for addresses again."""
    if not fact.on_programme:
        return
    found = unplayable_told(fact.unplayable)
    unplayable = None if found is None else of_wire(Unplayable, found)
    event = RoomStream(
        t=ms(fact.at), stream=fact.stream, on_air=True, unplayable=unplayable, ladder=None, timeshift=fact.seconds
    )  # fmt: skip
    publish_durably(event, to=Room(fact.room_key), at=fact.at)


@handles(LadderShed)
def ladder_shed(fact: LadderShed) -> None:
    why = "it fell behind" if fact.behind else "this host has too little CPU for all of it"
    left = ", ".join(fact.left)
    text = f"The ladder does without {', '.join(fact.rungs)}: {why}. Viewers have {left} and the source."
    tell_owner(fact, about="ladder_shed", text=text, at=fact.at)


def tell_owner(fact: StreamFact, *, about: str, text: str, at: datetime) -> None:
    """A word to the owner of the stream's room, on all its sockets."""
    room = rooms.ROOMS.filter(pk=fact.room_id).first()
    if room is None:
        return
    event = YourMedia(t=ms(at), room=room.group_id, stream=fact.stream, about=about, text=text)
    publish_durably(event, to=person_in(fact, room.owner.identifier), at=at)
