"""Polls, the pinned message and questions: one vote each, every vote in the result, and the room told no more often than it must."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from interactions.chat.api.pins import PinWriteSerializer
from interactions.chat.events import Comment
from interactions.chat.selectors import pinned
from interactions.chat.services import pinning
from interactions.delivery.events import as_row, encoded
from interactions.delivery.rooms import publish_now
from interactions.models import ArchivedMessage, Ballot, Pin, Poll, Question
from interactions.polls import selectors
from interactions.polls.services import polls, questions, totals
from interactions.polls.shapes import PollWriteSerializer, QuestionStatusSerializer, QuestionWriteSerializer
from interactions.room_refs import ref
from interactions.shown import ShownSpeaker
from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, LiveRoomError, NotPermitted
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.services.rooms import disband_room
from moderation.rules.verdict import Standing
from moderation.services import banning, muting
from tests.helpers.people import STAFF, Cast
from tests.helpers.published import in_outbox, room_events, user_events

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def opened(cast: Cast, **more: Any) -> Poll:
    asked = {"question": "Tea?", "answers": ["yes", "no", "later"], **more}
    said = checked(PollWriteSerializer, asked)
    return polls.open_poll(room=cast.room, by=cast.actor(cast.max), now=clock.now(), **said)


def voted(cast: Cast, poll: Poll, person: Any, choices: Any, *, now: Any = None) -> Any:
    return polls.vote(poll=poll, choices=choices, room=cast.room, by=cast.actor(person), now=now or clock.now())


def told(type: str = "poll") -> list[dict[str, Any]]:
    return room_events(type)


def told_you(identifier: str) -> list[dict[str, Any]]:
    return user_events(of=identifier)


def test_a_poll_is_opened_voted_on_and_closed_and_its_result_stays(cast):
    poll = opened(cast, max_choices=2)
    assert [one["votes"] for one in told()[0]["poll"]["answers"]] == [0, 0, 0]
    voted(cast, poll, cast.mia, [1, 3])
    voted(cast, poll, cast.zed, [3])
    closed = polls.close_poll(poll=poll, by=cast.actor(cast.stella), now=clock.now())
    assert (
        told()[-1]["poll"] == as_row(selectors.shown_poll(closed)) == as_row(selectors.shown_poll(Poll.objects.get()))
    )
    assert [one["votes"] for one in told()[-1]["poll"]["answers"]] == [1, 0, 2]
    assert (told()[-1]["poll"]["ballots"], told()[-1]["poll"]["status"]) == (2, "closed")
    polls.close_poll(poll=poll, by=cast.actor(cast.stella), now=clock.now())
    assert len(told()) == 2
    assert [row.action for row in AuditEntry.objects.filter(action__startswith="poll.")] == ["poll.open", "poll.close"]
    assert selectors.open_polls(cast.room) == []


def test_the_room_is_told_twice_a_second_at_most_and_nothing_that_is_not_new(cast):
    poll = opened(cast)
    start = poll.opened_at
    voted(cast, poll, cast.mia, [1], now=start)
    assert totals.publish_totals(now=start + SECOND * 0.4) == 0
    assert totals.publish_totals(now=start + SECOND * 0.5) == 1
    voted(cast, poll, cast.zed, [1], now=start + SECOND * 0.6)
    assert totals.publish_totals(now=start + SECOND * 0.9) == 0
    assert totals.publish_totals(now=start + SECOND * 1.0) == 1
    assert [totals.publish_totals(now=start + SECOND * n) for n in (1.5, 2, 100)] == [0, 0, 0]
    assert [one["poll"]["ballots"] for one in told()] == [0, 1, 2]
    assert [as_row(one) for one in selectors.open_polls(cast.room)] == [told()[-1]["poll"]]


def test_a_poll_that_nobody_votes_on_any_more_is_not_counted(cast, django_assert_num_queries):
    poll = opened(cast)
    voted(cast, poll, cast.mia, [1])
    assert totals.publish_totals(now=clock.now() + SECOND) == 1
    with django_assert_num_queries(2):
        polls.follow_polls(now=clock.now() + timedelta(minutes=1))


def test_a_vote_is_final_and_the_same_again_is_the_same(cast):
    poll = opened(cast)
    assert voted(cast, poll, cast.mia, [2]).choices == [2]
    assert voted(cast, poll, cast.mia, [2]).choices == [2]
    with pytest.raises(polls.AlreadyVoted) as refusal:
        voted(cast, poll, cast.mia, [1])
    assert refusal.value.extra == {"choices": [2]}
    polls.close_poll(poll=poll, by=cast.actor(cast.stella), now=clock.now())
    assert voted(cast, poll, cast.mia, [2]).choices == [2]
    with pytest.raises(polls.PollOver):
        voted(cast, poll, cast.zed, [2])
    assert Ballot.objects.count() == 1


def test_a_vote_costs_one_statement_beside_its_rights(cast, django_assert_num_queries):
    poll, actor = opened(cast), cast.actor(cast.mia)
    with django_assert_num_queries(1):
        polls.vote(
            poll=poll, choices=[1], room=ref(cast.room), by=actor, now=clock.now(), role="member", standing=Standing()
        )


def test_who_may_not_vote(cast):
    poll, now = opened(cast), clock.now()
    for actor in (cast.actor(cast.rita), tokens.permission.anonymous(), STAFF):
        with pytest.raises(LiveRoomError):
            polls.vote(poll=poll, choices=[1], room=cast.room, by=actor, now=now)
    banning.ban_user(room=cast.room, identifier="zed", seconds=60, by=cast.actor(cast.stella), now=now)
    with pytest.raises(LiveRoomError):
        voted(cast, poll, cast.zed, [1])
    muting.mute_user(room=cast.room, identifier="mia", seconds=60, by=cast.actor(cast.stella), now=now)
    voted(cast, poll, cast.mia, [1])  # a vote is no word
    with pytest.raises(NotPermitted):
        polls.close_poll(poll=poll, by=cast.actor(cast.mia), now=now)


def test_time_closes_a_poll_and_no_vote_comes_after(cast):
    poll = opened(cast, seconds=10)
    voted(cast, poll, cast.mia, [1])
    over = poll.opened_at + SECOND * 10
    with pytest.raises(polls.PollOver):  # also where nobody has swept yet
        voted(cast, poll, cast.zed, [1], now=over)
    assert polls.close_due(now=over - SECOND * 0.001) == 0
    assert (polls.close_due(now=over), polls.close_due(now=over)) == (1, 0)
    assert (told()[-1]["poll"]["ballots"], told()[-1]["poll"]["status"]) == (1, "closed")


def test_the_polls_of_a_room_end_with_it(cast):
    poll = opened(cast)
    voted(cast, poll, cast.mia, [1])
    disband_room(room=cast.room, by=STAFF, now=clock.now())
    assert (told()[-1]["poll"]["status"], told()[-1]["poll"]["ballots"]) == ("closed", 1)
    assert totals.publish_totals(now=clock.now() + SECOND) == 0
    order = [said["event"].get("type") or said["event"]["control"] for said in in_outbox()]
    assert order[-3:] == ["poll", "system", "close"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"question": " "}, "question"),
        ({"question": "é" * 101}, "question"),
        ({"question": 5}, "question"),
        ({"answers": ["one"]}, "answers"),
        ({"answers": list("abcdefg")}, "answers"),
        ({"answers": ["a", " a "]}, "answers"),
        ({"answers": ["a", ""]}, "answers"),
        ({"answers": ["a", "b" * 81]}, "answers"),
        ({"answers": ["a", None]}, "answers"),
        ({"answers": "ab"}, "answers"),
        ({"max_choices": 0}, "max_choices"),
        ({"max_choices": 4}, "max_choices"),
        ({"max_choices": True}, "max_choices"),
        ({"seconds": 9}, "seconds"),
        ({"seconds": 86_401}, "seconds"),
        ({"seconds": 10.5}, "seconds"),
    ],
)
def test_what_is_no_poll_is_refused_and_the_field_named(cast, wrong, field):
    with pytest.raises(BadParameter) as refusal:
        opened(cast, **wrong)
    assert refusal.value.extra["field"] == field
    assert not Poll.objects.exists()


def test_three_are_open_at_once(cast):
    first, *_ = opened(cast), opened(cast), opened(cast)
    with pytest.raises(polls.TooManyPolls):
        opened(cast)
    polls.close_poll(poll=first, by=cast.actor(cast.max), now=clock.now())
    opened(cast)


@pytest.mark.django_db(transaction=True)
def test_of_votes_that_come_while_a_poll_closes_each_is_counted_or_refused(cast):
    poll = opened(cast)
    people = [tokens.ensure_person(app=cast.app, identifier=f"voter{n}") for n in range(24)]
    actors = [cast.actor(person) for person in people]

    def come(n: int) -> str:
        try:
            if n == 12:
                polls.close_poll(poll=poll, by=STAFF, now=clock.now())
                return "closed"
            polls.vote(poll=poll, choices=[1 + n % 3], room=cast.room, by=actors[n], now=clock.now())
        except polls.PollOver:
            return "refused"
        finally:
            connection.close()
        return "counted"

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(come, range(24)))
    counted = answers.count("counted")
    poll.refresh_from_db()
    assert answers.count("closed") == 1
    assert counted + answers.count("refused") == 23
    assert poll.told_ballots == sum(poll.told_votes) == Ballot.objects.count() == counted


@pytest.mark.django_db(transaction=True)
def test_one_person_with_many_windows_votes_once(cast):
    poll, actor = opened(cast), cast.actor(cast.mia)

    def come(n: int) -> str:
        try:
            return str(polls.vote(poll=poll, choices=[1 + n % 2], room=cast.room, by=actor, now=clock.now()).choices)
        except polls.AlreadyVoted:
            return "final"
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(come, range(12)))
    won = Ballot.objects.get().choices
    assert set(answers) == {f"[{won}]", "final"}
    assert answers.count("final") == 6


# -- the pinned message


def test_a_comment_is_pinned_from_the_log_and_from_the_archive(cast):
    now, by = clock.now(), cast.actor(cast.max)
    sender = ShownSpeaker(id="mia", nick="Mia", avatar="", level=0, role="member")
    comment = Comment(t=clock.now_ms(), id="a", priority="Normal", text="hi", position="scroll", sender=sender)
    said, mia = as_row(comment), as_row(sender)
    seq = publish_now(room=ref(cast.room), event=encoded(comment), event_id="a").seq
    pin = as_row(pinning.pin_message(room=cast.room, seq=seq, by=by, now=now))
    assert pin == {"kind": "comment", "text": "hi", "from": mia, "seq": seq, "by": "max", "at": pin["at"]}
    ArchivedMessage.objects.create(room=cast.room, seq=900, type="comment", body={**said, "text": "old"}, at=now)
    pinning.pin_message(room=cast.room, seq=900, by=by, now=now)
    assert pinned(cast.room) == told("pin")[-1]["pinned"]
    assert told("pin")[-1]["pinned"]["text"] == "old"
    assert Pin.objects.count() == 1
    pinning.unpin(room=cast.room, by=by, now=now)
    pinning.unpin(room=cast.room, by=by, now=now)
    assert [one["pinned"] is None for one in told("pin")] == [False, False, True]
    found = AuditEntry.objects.filter(action__endswith="pin").order_by("id")
    assert [row.action for row in found] == ["room.pin", "room.pin", "room.unpin"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seq": 1, "words": "both"},
        {"seq": 0},
        {"seq": True},
        {"seq": "1"},
        {"seq": 2**70},
        {"seq": 1},
        {"seq": 901},
        {"seq": 902},
        {"words": ""},
        {"words": "x" * 501},
        {"words": 5},
    ],
)
def test_what_cannot_be_pinned_is_refused(cast, asked):
    now = clock.now()
    for seq, body in ((901, {"type": "notice", "notice": "n"}), (902, {"type": "comment", "text": " ", "from": {}})):
        ArchivedMessage.objects.create(room=cast.room, seq=seq, type=body["type"], body=body, at=now)

    def pin(asked: dict[str, Any]) -> None:
        said = checked(PinWriteSerializer, {{"words": "text"}.get(name, name): value for name, value in asked.items()})
        pinning.pin_message(room=cast.room, seq=said["seq"], words=said["text"], by=cast.actor(cast.max), now=now)

    with pytest.raises((BadParameter, pinning.CommentUnknown)):
        pin(asked)
    assert not Pin.objects.exists()


def test_only_moderators_pin(cast):
    for pin in (pinning.unpin, lambda **who: pinning.pin_message(words="hi", **who)):
        with pytest.raises(NotPermitted):
            pin(room=cast.room, by=cast.actor(cast.mia), now=clock.now())


# -- questions


def asked(cast: Cast, person: Any, words: Any) -> Question:
    said = checked(QuestionWriteSerializer, {"text": words})
    return questions.ask_question(room=cast.room, words=said["text"], by=cast.actor(person), now=clock.now())


def test_a_question_is_shown_answered_and_its_asker_told(cast):
    question = asked(cast, cast.mia, " Why? ")
    for reader in ("stella", "max"):
        (heard,) = told_you(reader)
        assert (heard["type"], heard["status"], heard["text"], heard["from"]["id"]) == (
            "question", "waiting", "Why?", "mia",
        )  # fmt: skip
    by = cast.actor(cast.max)
    questions.set_status(question=question, status="shown", by=by, now=clock.now())
    shown = pinned(cast.room)
    assert shown is not None
    assert (shown["kind"], shown["text"], shown["question"], shown["from"]["id"]) == (
        "question", "Why?", question.number, "mia",
    )  # fmt: skip
    pinning.pin_message(room=cast.room, words="a break", by=by, now=clock.now())
    questions.set_status(question=question, status="answered", by=by, now=clock.now())
    assert pinned(cast.room)["text"] == "a break"  # of somebody else: it stays
    questions.set_status(question=question, status="shown", by=by, now=clock.now())
    questions.set_status(question=question, status="dismissed", by=by, now=clock.now())
    assert pinned(cast.room) is None
    assert [one["status"] for one in told_you("mia")] == ["shown", "answered", "shown", "dismissed"]
    assert Question.objects.get().done_at is not None
    with pytest.raises(BadParameter):
        checked(QuestionStatusSerializer, {"status": "lost"})
    with pytest.raises(NotPermitted):
        questions.set_status(question=question, status="shown", by=cast.actor(cast.mia), now=clock.now())


def test_three_questions_of_one_person_wait_and_moderators_are_told_once_a_second(cast):
    for n in range(3):
        asked(cast, cast.mia, f"question {n}")
    with pytest.raises(questions.TooManyQuestions):
        asked(cast, cast.mia, "one more")
    asked(cast, cast.zed, "mine")
    assert 1 <= len(told_you("max")) < 4
    first = Question.objects.filter(person=cast.mia).first()
    questions.set_status(question=first, status="dismissed", by=cast.actor(cast.max), now=clock.now())
    asked(cast, cast.mia, "now")


def test_who_may_not_speak_may_not_ask(cast):
    muting.mute_user(
        room=cast.room, identifier="mia", seconds=60, by=cast.actor(cast.stella), now=clock.now()
    )  # fmt: skip
    for person in (cast.mia, cast.rita):
        with pytest.raises(LiveRoomError):
            asked(cast, person, "?")
    with pytest.raises(NotPermitted):
        questions.ask_question(room=cast.room, words="?", by=STAFF, now=clock.now())
    for wrong in ("", " ", "x" * 301, None, 5, "\x00"):
        with pytest.raises(BadParameter):
            asked(cast, cast.zed, wrong)
