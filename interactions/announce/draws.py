"""Draws, told to the room, and to each winner wherever it is."""

from __future__ import annotations

from interactions.announce.telling import tell
from interactions.delivery import Person, ms, publish_all_durably
from interactions.draws.events import WonDraw, YouWon
from interactions.facts import DrawCancelled, DrawFinished, DrawOpened
from liveroom.kernel.facts import handles


@handles(DrawOpened)
def draw_opened(fact: DrawOpened) -> None:
    tell(fact.room_key, fact.at, "draw_open", draw=dict(fact.draw))


@handles(DrawFinished)
def draw_finished(fact: DrawFinished) -> None:
    """First the room, then the winners: there may be a thousand, so their messages are written at once."""
    tell(fact.room_key, fact.at, "draw_result", draw=dict(fact.draw))
    sdkappid, _, room = fact.room_key.partition(":")
    won = WonDraw(**{name: fact.draw[name] for name in ("id", "keyword", "prize")})
    publish_all_durably(
        [
            (YouWon(t=ms(fact.at), room=room, draw=won, place=place), Person(sdkappid=int(sdkappid), identifier=winner))
            for place, winner in enumerate(fact.winners, start=1)
        ],
        at=fact.at,
    )


@handles(DrawCancelled)
def draw_cancelled(fact: DrawCancelled) -> None:
    tell(fact.room_key, fact.at, "draw_result", draw=dict(fact.draw))
