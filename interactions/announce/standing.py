"""What somebody has become, told to itself and shown beside its nick; and to those who follow a streamer, that a show begins."""

from __future__ import annotations

from interactions.announce.telling import FOLLOWERS, ms, tell_you, whisper
from interactions.facts import LevelChanged, StreamerWentLive
from liveroom.kernel import outbox
from liveroom.kernel.facts import handles


@handles(LevelChanged)
def level_changed(fact: LevelChanged) -> None:
    """What the person says next carries its new level and badges, on sockets that are open already."""
    key = str(fact.sdkappid)
    whisper(key, fact.identifier, fact.at, profile=dict(fact.shown))
    badges = {"badges": list(fact.badges)} if fact.badges else {}
    tell_you(
        key, fact.identifier, fact.at, "level", level=fact.after, points=fact.points, next=fact.next_level_at, **badges
    )


@handles(StreamerWentLive)
def streamer_went_live(fact: StreamerWentLive) -> None:
    """One letter for all followers: people/services/follows.py tells them, and goes on in the next letter where they are many."""
    if not fact.followers:
        return
    said = {"type": "live", "t": ms(fact.at), "room": fact.room_key.partition(":")[2], "title": fact.title}
    outbox.put(
        topic=FOLLOWERS,
        room_key=f"@live:{fact.session}:0",
        payload={
            "streamer": fact.owner_id, "sdkappid": int(fact.room_key.partition(":")[0]), "session": fact.session, "after": 0,
            "event": {**said, "owner": dict(fact.owner)},
        },
        now=fact.at,
    )  # fmt: skip
