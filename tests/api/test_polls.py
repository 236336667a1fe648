"""Polls, the pinned message and questions through the doors."""

from __future__ import annotations

from typing import Any

import pytest

from interactions.models import Pin, Poll, Question
from liveroom.kernel import clock
from liveroom.rooms.services.rooms import change_access
from tests.helpers.people import STAFF, Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

TEA = {"question": "Tea?", "answers": ["yes", "no"]}


def opened(cast: Cast, **more: Any) -> dict[str, Any]:
    return dict(given(cast.api(cast.max).post("rooms/r1/polls", {**TEA, **more}), 201))


def test_a_poll_from_opening_to_its_result(cast):
    poll = opened(cast)
    where, mia = f"polls/{poll['id']}", cast.api(cast.mia)
    assert poll["answers"] == [{"text": "yes", "votes": 0}, {"text": "no", "votes": 0}]
    assert given(mia.post(f"{where}/votes", {"choices": [2]})) == {"poll": poll, "choices": [2]}
    assert given(mia.post(f"{where}/votes", {"choices": [2]}))["choices"] == [2]
    assert refused(mia.post(f"{where}/votes", {"choices": [1]}), 409, 10056, "already_voted")["choices"] == [2]
    assert given(mia.get(where))["choices"] == [2]
    assert given(cast.api(None).get(where, {"sdkappid": cast.app.sdkappid}))["choices"] == []
    closed = given(cast.api(cast.stella).post(f"{where}/close"))
    assert (closed["status"], closed["ballots"], closed["answers"][1]["votes"]) == ("closed", 1, 1)
    assert given(cast.server().post(f"{where}/close")) == closed
    refused(cast.api(cast.zed).post(f"{where}/votes", {"choices": [1]}), 409, 10056, "poll_closed")
    assert given(mia.get("rooms/r1/polls"))["results"] == [closed]
    assert given(mia.get("rooms/r1/polls", {"status": "open"}))["results"] == []


def test_opening_twice_with_one_key_opens_one(cast):
    api = cast.server()
    first = given(api.post("rooms/r1/polls", TEA, **{"Idempotency-Key": "k"}), 201)
    assert given(api.post("rooms/r1/polls", TEA, **{"Idempotency-Key": "k"}), 201) == first
    refused(api.post("rooms/r1/polls", {**TEA, "question": "Coffee?"}, **{"Idempotency-Key": "k"}), 409)
    assert Poll.objects.count() == 1


def test_who_may_do_what_with_a_poll(cast):
    where = f"polls/{opened(cast)['id']}"
    refused(cast.api(cast.mia).post("rooms/r1/polls", TEA), 403, 10007)
    refused(cast.api(cast.mia).post(f"{where}/close"), 403, 10007)
    refused(cast.api(None).post(f"{where}/votes?sdkappid={cast.app.sdkappid}", {"choices": [1]}), 401)
    refused(cast.server().post(f"{where}/votes", {"choices": [1]}), 403, 10007)
    for path in (where, f"{where}/votes", f"{where}/close"):
        method = "get" if path == where else "post"
        refused(getattr(cast.api(cast.rita), method)(path), 404, 10010, "poll_unknown")
    change_access(room=cast.room, by=STAFF, now=clock.now(), password="secret")
    refused(cast.api(cast.mia).get(where), 403, name="password_needed")
    refused(cast.api(cast.mia).post(f"{where}/votes", {"choices": [1]}), 403, name="password_needed")
    given(cast.api(cast.mia).post(f"{where}/votes", {"choices": [1]}, **{"Room-Password": "secret"}))


@pytest.mark.parametrize("choices", [None, [], [0], [3], [1, 2], [1, 1], ["1"], [True], 1, {}, [10**300], [[1]]])
def test_a_vote_for_what_is_no_answer_is_refused(cast, choices):
    where = f"polls/{opened(cast)['id']}/votes"
    assert refused(cast.api(cast.mia).post(where, {"choices": choices}), 400, 10004)["field"] == "choices"


@pytest.mark.parametrize("wrong", [{"question": None}, {"answers": ["a"]}, {"seconds": 1}, {"max_choices": 3}])
def test_what_is_no_poll_is_refused(cast, wrong):
    refused(cast.api(cast.max).post("rooms/r1/polls", {**TEA, **wrong}), 400, 10004)
    refused(cast.api(cast.max).get("rooms/r1/polls", {"status": "odd"}), 400, 10004)


def test_a_message_is_pinned_and_let_go(cast):
    max_, mia = cast.api(cast.max), cast.api(cast.mia)
    seq = given(mia.post("rooms/r1/messages", {"text": "hello"}), 201)["seq"]
    pinned = given(max_.put("rooms/r1/pin", {"seq": seq}))["pinned"]
    assert (pinned["kind"], pinned["text"], pinned["from"]["id"], pinned["by"]) == ("comment", "hello", "mia", "max")
    assert given(mia.get("rooms/r1/pin")) == {"pinned": pinned}
    assert given(max_.put("rooms/r1/pin", {"text": "back at nine"}))["pinned"]["kind"] == "text"
    refused(max_.put("rooms/r1/pin", {"seq": seq + 1}), 404, 10010, "comment_unknown")
    refused(mia.put("rooms/r1/pin", {"text": "mine"}), 403, 10007)
    refused(mia.delete("rooms/r1/pin"), 403, 10007)
    for wrong in ({}, {"seq": "1"}, {"seq": seq, "text": "both"}, {"text": "x" * 501}, {"question": "q", "seq": 1}):
        refused(max_.put("rooms/r1/pin", wrong), 400, 10004)
    given(max_.delete("rooms/r1/pin"), 204)
    assert given(mia.get("rooms/r1/pin")) == {"pinned": None}


def test_questions_wait_are_shown_and_answered(cast):
    max_, mia = cast.api(cast.max), cast.api(cast.mia)
    asked = given(mia.post("rooms/r1/questions", {"text": "Why?"}, **{"Idempotency-Key": "k"}), 201)
    assert given(mia.post("rooms/r1/questions", {"text": "Why?"}, **{"Idempotency-Key": "k"}), 201) == asked
    assert given(max_.get("rooms/r1/questions", {"status": "waiting"}))["results"] == [asked]
    refused(mia.get("rooms/r1/questions"), 403, 10007)
    where = f"questions/{asked['id']}"
    assert given(max_.patch(where, {"status": "shown"}))["status"] == "shown"
    assert Pin.objects.get().body["question"] == asked["id"]
    given(max_.patch(where, {"status": "answered"}))
    assert not Pin.objects.exists()
    assert given(max_.put("rooms/r1/pin", {"question": asked["id"]}))["pinned"]["text"] == "Why?"
    assert Question.objects.get().status == "shown"
    refused(mia.patch(where, {"status": "answered"}), 403, 10007)
    refused(cast.api(cast.rita).patch(where, {"status": "answered"}), 404, 10010)
    refused(max_.patch(where, {"status": ["shown"]}), 400, 10004)
    refused(max_.patch("questions/q", {"status": "shown"}), 404, 10010)
    refused(max_.put("rooms/r1/pin", {"question": {"a": 1}}), 404, 10010)
    refused(mia.post("rooms/r1/questions", {"text": "x" * 301}), 400, 10004)
    refused(cast.api(None).post(f"rooms/r1/questions?sdkappid={cast.app.sdkappid}", {"text": "?"}), 401)


def test_the_queue_has_pages_and_three_wait_of_one(cast):
    mia = cast.api(cast.mia)
    for n in range(3):
        given(mia.post("rooms/r1/questions", {"text": f"question {n}"}), 201)
    refused(mia.post("rooms/r1/questions", {"text": "four"}), 409, 10056, "too_many_questions")
    page = given(cast.api(cast.max).get("rooms/r1/questions", {"limit": 2}))
    assert [one["text"] for one in page["results"]] == ["question 0", "question 1"]
    rest = given(cast.api(cast.max).get(page["next"].partition("http://testserver")[2]))
    assert [one["text"] for one in rest["results"]] == ["question 2"]
    for _ in range(10):
        answer = mia.post("rooms/r1/questions", {"text": "again"})
    refused(answer, 429, 60018)
