"""Carriers of the outbox: what a transaction wanted told, told to the room. At least once; the room tells it once."""

from __future__ import annotations

from interactions.delivery import frames as envelope
from interactions.delivery.people import control as whispers
from interactions.delivery.people import user_events as you
from interactions.delivery.room_ref import ref_of_key
from interactions.delivery.rooms import pipeline
from interactions.likes import counting as counters
from liveroom.kernel import clock
from liveroom.kernel.outbox import Letter
from liveroom.kernel.redis import key, redis_for
from liveroom.rooms.rules.status import is_over
from moderation.selectors import app_ban_holds

# Longer than any relay sleeps.
CLOSED_SECONDS = 86400
# The close code of a ban; one without a room is from the whole app.
BANNED = 4103


def tell_room(letter: Letter) -> None:
    """Topic `room.event`: an event with a `seq` for everyone in the room."""
    said = letter.payload
    if said.get("type") == "status":
        # Before viewers hear of it: whoever has heard that the show is on may like it.
        counters.mark_over_now(room_key=letter.room_key, over=is_over(said["status"]), version=said["version"])
    event = envelope.event(**said)
    pipeline.append_now(room=ref_of_key(room_key=letter.room_key), event=event, event_id=letter.event_id)


def close_room(letter: Letter) -> None:
    """Topic `room.close`: every socket in the room hears `bye` and is closed."""
    pipeline.whisper_now(room_key=letter.room_key, control=dict(letter.payload))
    # Told again, by another relay or after a death: the id may be another room's by now, which is not to be forgotten.
    client, done = redis_for(letter.room_key), key(f"closed:{letter.event_id}", letter.room_key)
    if not client.exists(done):
        pipeline.forget_now(room_key=letter.room_key)
        counters.forget_now(room_key=letter.room_key)
        client.set(done, 1, ex=CLOSED_SECONDS)


def control_room(letter: Letter) -> None:
    """Topic `room.control`: a word to the processes that hold sockets of the room, such as what they remember of it."""
    pipeline.whisper_now(room_key=letter.room_key, control=dict(letter.payload))


def tell_person(letter: Letter) -> None:
    """Topic `person`: a word to the sockets of one person."""
    said = letter.payload
    if said.get("close") == BANNED and not said.get("room") and not banned_from_app(person=said["person"]):
        return  # it was lifted meanwhile: whoever is here now may be
    whispers.whisper_now(person=said["person"], body={**said, "row": letter.row})


def banned_from_app(*, person: str) -> bool:
    sdkappid, _, identifier = person.partition(":")
    return app_ban_holds(sdkappid=int(sdkappid), identifier=identifier, now=clock.now())


def tell_you(letter: Letter) -> None:
    """Topic `you`: an event for the person itself, with a number of its own; `kept_seconds` if it is to be kept longer."""
    said = letter.payload
    you.tell_now(
        person=said["person"], event=said["event"], event_id=letter.event_id, kept_seconds=said.get("kept_seconds")
    )
