"""What a show was, told to its streamer."""

from __future__ import annotations

from datetime import timedelta

from interactions.announce.telling import ms, tell_you
from interactions.facts import SessionSummarised
from liveroom.kernel.facts import handles

# After an upgrade, or an outage of days, older shows are summed up, too: nobody wants to hear of all of them.
NEWS = timedelta(days=1)


@handles(SessionSummarised)
def session_summarised(fact: SessionSummarised) -> None:
    if fact.at - fact.ended_at <= NEWS:
        tell_you(
            fact.room_key,
            fact.owner,
            fact.at,
            "summary",
            room=fact.room,
            session=fact.session,
            started_at=ms(fact.started_at),
            ended_at=ms(fact.ended_at),
            summary=dict(fact.figures),
        )
