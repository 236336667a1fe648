"""Polls, the pinned message and questions on real sockets: a vote is answered, totals come at their pace, newcomers are shown the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from interactions.chat.services import pinning
from interactions.polls.services import polls, questions
from interactions.polls.services.polls import follow_polls
from liveroom.kernel import clock
from liveroom.rooms.services.rooms import disband_room
from moderation.services import banning
from tests.helpers.people import STAFF
from tests.helpers.sockets import tell
from tests.sockets.test_protocol import fits

HALF = timedelta(seconds=0.5)


def votes(event: dict[str, Any]) -> list[int]:
    return [answer["votes"] for answer in event["poll"]["answers"]]


def test_votes_over_the_socket_and_totals_at_their_pace(cast, watching):
    by = cast.actor(cast.stella)
    poll = polls.open_poll(room=cast.room, question="Tea?", answers=["yes", "no"], by=by, now=clock.now())
    tell()
    with watching(cast.stella) as stella, watching(cast.mia) as mia, watching(cast.zed) as zed:
        assert [shown["id"] for shown in mia.snapshot["polls"]] == [poll.number]
        answer = mia.asks("poll_vote", room="r1", poll=poll.number, choices=[1])
        assert (answer["ok"], answer["choices"], answer["poll"]["ballots"]) == (True, [1], 0)
        assert zed.asks("poll_vote", poll=poll.number, choices=[1])["ok"]
        again, other = (mia.asks("poll_vote", poll=poll.number, choices=[n]) for n in (1, 2))
        assert again["ok"]
        assert (other["error"]["code"], other["error"]["choices"]) == (10056, [1])
        fits("answer", other)
        # A due job looks twice a second; here time is told to it.
        for n in range(12):
            follow_polls(now=poll.opened_at + HALF * (1 + n / 5))
            if n == 4:
                assert stella.asks("poll_vote", poll=poll.number, choices=[2])["ok"]
        tell()
        assert votes(mia.hears("poll", seq=mia.snapshot["seq"] + 1)) == [2, 0]
        polls.close_poll(poll=poll, by=by, now=clock.now())
        tell()
        last = mia.hears("poll", seq=mia.snapshot["seq"] + 3)
        assert (votes(last), last["poll"]["status"]) == ([2, 1], "closed")
        assert [votes(event) for event in mia.heard if event["type"] == "poll"] == [[2, 0], [2, 1], [2, 1]]
        with watching(cast.max) as max_:
            assert max_.snapshot["polls"] == []
            late = max_.asks("poll_vote", poll=poll.number, choices=[1])
            assert late["error"]["name"] == "poll_closed"


def test_what_is_no_vote_is_refused_on_the_socket(cast, calls, watching):
    by, now = cast.actor(cast.stella), clock.now()
    poll = polls.open_poll(room=cast.room, question="Tea?", answers=["yes", "no"], by=by, now=now)
    with watching(cast.mia) as mia, watching(cast.zed) as zed, calls(None) as guest:
        for choices in (None, [], [0], [3], [1, 2], [1, 1], ["1"], [True], 1, {}, [2**60]):
            error = mia.asks("poll_vote", poll=poll.number, choices=choices)["error"]
            assert (error["code"], error["field"]) == (10004, "choices")
        for number in (None, "", "p", "P" * 15, 5, [], {}, "\x00", "é", "a" * 1000):
            assert zed.asks("poll_vote", poll=number, choices=[1])["error"]["name"] == "poll_unknown"
        assert guest.asks("poll_vote", poll=poll.number, choices=[1])["error"]["name"] == "not_in_room"
        guest.joins("r1")
        assert guest.asks("poll_vote", poll=poll.number, choices=[1])["error"]["code"] == 70002
        banning.ban_user(room=cast.room, identifier="mia", seconds=60, by=by, now=now)
        disband_room(room=cast.room, by=STAFF, now=now)
        tell()
        assert [guest.hears("poll")["poll"]["status"] for _ in range(2)] == ["open", "closed"]


def test_a_newcomer_is_shown_what_is_pinned_and_who_is_here_hears_it(cast, watching):
    by, now = cast.actor(cast.stella), clock.now()
    with watching(cast.stella) as stella, watching(cast.mia) as mia:
        assert mia.snapshot["pinned"] is None
        seq = mia.says("look at this")["seq"]
        pinning.pin_message(room=cast.room, seq=seq, by=by, now=now)
        tell()
        pinned = mia.hears("pin")["pinned"]
        assert (pinned["text"], pinned["seq"], pinned["from"]["id"]) == ("look at this", seq, "mia")
        with watching(cast.zed) as zed:
            assert zed.snapshot["pinned"] == pinned
            fits("snapshot", zed.snapshot)
        question = questions.ask_question(room=cast.room, words="Why?", by=cast.actor(cast.mia), now=now)
        tell()
        heard = stella.is_told("question")
        assert (heard["id"], heard["text"], heard["from"]["id"]) == (question.number, "Why?", "mia")
        questions.set_status(question=question, status="shown", by=by, now=now)
        tell()
        assert mia.hears("pin")["pinned"]["question"] == question.number
        assert mia.is_told("question")["status"] == "shown"
        questions.set_status(question=question, status="answered", by=by, now=now)
        tell()
        assert mia.hears("pin")["pinned"] is None
        with watching(cast.zed) as zed:
            assert zed.snapshot["pinned"] is None
