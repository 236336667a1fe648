"""Every place where somebody writes what others read judges it alike (liveroom/kernel/values/text.py)."""

from __future__ import annotations

from typing import Any

import pytest

from interactions.models import Badge
from liveroom.accounts.models import App
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

OPEN, INVISIBLE, FAMILY = "\u202enimda", "\u3164\u200b", "\U0001f469\u200d\U0001f467 e\u0301 مرحبا"
# Who says it, how, where, under which field, and what else belongs to it. `{}` is the words.
PLACES: dict[str, tuple[str, str, str, str, dict[str, Any]]] = {
    "nick": ("mia", "patch", "me", "nick", {"nick": "{}"}),
    "custom value": ("mia", "patch", "me", "fields", {"fields": {"motto": "{}"}}),
    "custom key": ("mia", "patch", "me", "fields", {"fields": {"{}": "x"}}),
    "imported nick": ("server", "post", "users", "nick", {"users": [{"id": "ann", "nick": "{}"}]}),
    "title": ("stella", "patch", "rooms/r1", "title", {"title": "{}"}),
    "notice": ("stella", "patch", "rooms/r1", "notice", {"notice": "{}"}),
    "introduction": ("stella", "patch", "rooms/r1", "introduction", {"introduction": "{}"}),
    "category": ("stella", "patch", "rooms/r1", "category", {"category": "{}"}),
    "tag": ("stella", "patch", "rooms/r1", "tags", {"tags": ["{}"]}),
    "attribute key": ("stella", "patch", "rooms/r1/attributes", "attributes", {"attributes": {"{}": "x"}}),
    "counter key": ("stella", "patch", "rooms/r1/counters", "counters", {"counters": {"{}": 1}, "mode": "set"}),
    "question of a poll": ("max", "post", "rooms/r1/polls", "question", {"question": "{}", "answers": ["a", "b"]}),
    "answer of a poll": ("max", "post", "rooms/r1/polls", "answers", {"question": "Tea?", "answers": ["{}", "b"]}),
    "keyword": ("max", "post", "rooms/r1/draws", "keyword", {"keyword": "{}", "prize": "cup", "winners": 1, "seconds": 60}),
    "prize": ("max", "post", "rooms/r1/draws", "prize", {"keyword": "cup", "prize": "{}", "winners": 1, "seconds": 60}),
    "question": ("mia", "post", "rooms/r1/questions", "text", {"text": "{}"}),
    "pin": ("max", "put", "rooms/r1/pin", "text", {"text": "{}"}),
    "comment": ("mia", "post", "rooms/r1/messages", "text", {"text": "{}"}),
    "message to one": ("mia", "post", "users/max/messages", "text", {"text": "{}"}),
    "reason of a mute": ("max", "post", "rooms/r1/mutes", "reason", {"user": "mia", "reason": "{}", "seconds": 60}),
    "reason of a ban": ("max", "post", "rooms/r1/bans", "reason", {"user": "mia", "reason": "{}", "seconds": 60}),
    "title of a broadcast": ("server", "post", "broadcasts", "title", {"title": "{}", "text": "hi"}),
    "broadcast": ("server", "post", "broadcasts", "text", {"text": "{}"}),
    "label of a stream": ("stella", "post", "rooms/r1/streams", "label", {"label": "{}"}),
}  # fmt: skip


def filled(body: Any, words: str) -> Any:
    if isinstance(body, dict):
        return {filled(name, words): filled(value, words) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, words) for value in body]
    return words if body == "{}" else body


def said(cast: Cast, place: str, words: str) -> Any:
    who, method, path, _, body = PLACES[place]
    api = cast.server() if who == "server" else cast.api(getattr(cast, who))
    return getattr(api, method)(path, filled(body, words))


@pytest.mark.parametrize("place", PLACES)
def test_words_that_hide_or_turn_the_line_are_refused_by_name(cast, place):
    field = PLACES[place][3]
    for words in (OPEN, INVISIBLE):
        if place == "custom value" and words == INVISIBLE:
            continue  # what an app keeps there may be empty in its own way
        assert refused(said(cast, place, words), 400)["field"] == field


@pytest.mark.parametrize("place", PLACES)
def test_words_of_every_script_are_taken(cast, place):
    answer = said(cast, place, "\u0645\u06cc\u200c\u062e" if "key" in place.split() else FAMILY)
    assert answer.status_code < 300, answer.content


def test_an_escape_in_a_rich_notice_is_read_as_the_page_reads_it(cast):
    stella = cast.api(cast.stella)
    assert refused(stella.patch("rooms/r1", {"notice": '{"text":"a\\u202eb"}'}), 400)["field"] == "notice"
    refused(stella.patch("rooms/r1", {"notice": '{"text":"a\\ud83d"}'}), 400)
    kept = '{"text":"\\u05d0 \\ud83d\\udc4d"}'
    assert given(stella.patch("rooms/r1", {"notice": kept}))["notice"] == kept


def test_a_user_whose_id_shows_nothing_cannot_be_made(cast):
    for made in (
        cast.server().post("users", {"users": [{"id": "\u3164"}]}),
        cast.server().post("tokens", {"identifier": "\u2800"}),
    ):
        refused(made, 400)


def test_what_staff_writes_in_the_console_is_judged_too(cast, staff):
    badge = Badge.objects.create(app=cast.app, code="vip", label="VIP", name="Very important")
    page = f"/admin/interactions/badge/{badge.pk}/change/"
    row = {"measure": badge.measure, "at_least": badge.at_least, "place": badge.place}
    for wrong in ({"label": INVISIBLE, "name": "fine"}, {"label": "fine", "name": OPEN}):
        answer = staff.post(page, {**row, **wrong})
        assert answer.status_code == 200, "the form again"
        assert b"nothing that can be seen" in answer.content or b"direction of the text" in answer.content
    answer = staff.post(page, {**row, "label": "\U0001f468\u200d\U0001f680", "name": "Flew"})
    badge.refresh_from_db()
    assert (answer.status_code, badge.label) == (302, "\U0001f468\u200d\U0001f680")
    assert App.objects.get(pk=cast.app.pk).name == "tests"
