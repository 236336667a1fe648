"""Draws, told to the room, and to each winner wherever it is."""

from __future__ import annotations

from interactions.announce.telling import YOU, ms, tell
from interactions.delivery.people.control import person_key
from interactions.facts import DrawCancelled, DrawFinished, DrawOpened
from liveroom.kernel import ids, outbox
from liveroom.kernel.facts import handles
from liveroom.kernel.outbox import Letter


@handles(DrawOpened)
def draw_opened(fact: DrawOpened) -> None:
    tell(fact.room_key, fact.at, "draw_open", draw=dict(fact.draw))


@handles(DrawFinished)
def draw_finished(fact: DrawFinished) -> None:
    """First the room, then the winners: there may be a thousand, so their letters are written at once."""
    tell(fact.room_key, fact.at, "draw_result", draw=dict(fact.draw))
    sdkappid, _, room = fact.room_key.partition(":")
    won = {name: fact.draw[name] for name in ("id", "keyword", "prize")}
    letters = []
    for place, identifier in enumerate(fact.winners, start=1):
        person = person_key(sdkappid=int(sdkappid), identifier=identifier)
        event = {"type": "draw", "t": ms(fact.at), "room": room, "draw": won, "place": place}
        payload = {"person": person, "event": event}
        letters.append(Letter(event_id=ids.event_id(), room_key=f"@{person}", payload=payload))
    outbox.put_all(topic=YOU, letters=letters, now=fact.at)


@handles(DrawCancelled)
def draw_cancelled(fact: DrawCancelled) -> None:
    tell(fact.room_key, fact.at, "draw_result", draw=dict(fact.draw))
