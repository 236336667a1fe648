"""What somebody has become, told to itself and shown beside its nick; and to those who follow a streamer, that a show begins."""

from __future__ import annotations

from msgspec import UNSET

from interactions.announce.telling import FOLLOWERS
from interactions.delivery import Person, ms, publish_durably
from interactions.delivery.events import as_row
from interactions.facts import LevelChanged, StreamerWentLive
from interactions.people.events import LevelReached, ProfileChanged, ShowBegan
from interactions.shown import ShownPerson, of_wire
from liveroom.kernel import outbox
from liveroom.kernel.facts import handles


@handles(LevelChanged)
def level_changed(fact: LevelChanged) -> None:
    """What the person says next carries its new level and badges, on sockets that are open already."""
    to = Person(sdkappid=fact.sdkappid, identifier=fact.identifier)
    publish_durably(ProfileChanged(profile=dict(fact.shown)), to=to, at=fact.at)
    event = LevelReached(
        t=ms(fact.at), level=fact.after, points=fact.points, next=fact.next_level_at, badges=list(fact.badges) or UNSET
    )
    publish_durably(event, to=to, at=fact.at)


@handles(StreamerWentLive)
def streamer_went_live(fact: StreamerWentLive) -> None:
    """One message for all followers: people/services/follows.py tells them, and goes on in the next one where they are many."""
    if not fact.followers:
        return
    sdkappid, _, room = fact.room_key.partition(":")
    event = ShowBegan(t=ms(fact.at), room=room, title=fact.title, owner=of_wire(ShownPerson, dict(fact.owner)))
    outbox.put(
        topic=FOLLOWERS,
        room_key=f"@live:{fact.session}:0",
        payload={
            "streamer": fact.owner_id, "sdkappid": int(sdkappid), "session": fact.session, "after": 0, "event": as_row(event),
        },
        now=fact.at,
    )  # fmt: skip
