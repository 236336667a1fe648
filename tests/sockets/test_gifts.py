"""Gifts over a real socket process: bought by a command, seen by everybody, by the buyer in any case."""

from __future__ import annotations

from typing import Any

import pytest

from interactions.models import SentGift
from liveroom.kernel.models import OutboxRow
from tests.helpers.money import balance_of, fill, make_gift
from tests.helpers.sockets import tell
from tests.helpers.stack import until


@pytest.fixture
def rose(cast):
    fill(cast.mia, 1_000)
    return make_gift(cast.app, "rose", price=15)


def everything_told() -> None:
    def all_told() -> bool:
        tell()
        grouped = not SentGift.objects.filter(message=None).exists()
        return grouped and not OutboxRow.objects.filter(topic="paid", done_at=None).exists()

    until(all_told)


def test_a_gift_is_answered_to_its_buyer_and_heard_by_the_room(watching, cast, rose):
    with watching(cast.zed) as zed, watching(cast.mia) as mia:
        answer = mia.asks("gift", gift="rose", count=7, key="one")
        assert answer["ok"], answer
        assert (answer["total"], answer["balance"]) == (105, 895)
        assert answer["event"]["data"]["data"]["cmdInfo"]["giftCount"] == 7
        assert mia.asks("gift", gift="rose", count=7, key="one")["order"] == answer["order"]
        everything_told()
        for phone in (mia, zed):
            event = phone.hears("gift")
            assert (event["gift"], event["count"], event["combo"], event["from"]["id"]) == ("rose", 7, 7, "mia")
            assert event["seq"] > 0
    assert balance_of(cast.mia) == 895


def test_clicks_are_heard_as_one_number_that_runs(watching, cast, rose):
    with watching(cast.mia) as mia:
        for number in range(25):
            assert mia.asks("gift", gift="rose", count=1, key=f"k{number}")["ok"]
        everything_told()
        assert [(event["count"], event["combo"]) for event in (mia.hears("gift"), mia.hears("gift"))] == [
            (20, 20),
            (5, 25),
        ]
    with watching(cast.zed) as zed:
        assert [event["combo"] for event in zed.snapshot["history"] if event["type"] == "gift"] == [20, 25]


@pytest.mark.parametrize(
    ("said", "code", "name"),
    [
        ({"gift": "rose", "count": 67, "key": "k"}, 60402, "insufficient_balance"),
        ({"gift": "rose", "count": 0, "key": "k"}, 10004, "bad_parameter"),
        ({"gift": "rose", "count": 1}, 10004, "bad_parameter"),
        ({"gift": "tulip", "count": 1, "key": "k"}, 10010, "gift_unknown"),
        ({"gift": {"a": []}, "count": 1, "key": "k"}, 10004, "bad_parameter"),
    ],
)
def test_what_cannot_be_bought_is_refused_in_words(watching, cast, rose, said: dict[str, Any], code: int, name: str):
    with watching(cast.mia) as mia:
        answer = mia.asks("gift", **said)
        assert (answer["ok"], answer["error"]["code"], answer["error"]["name"]) == (False, code, name)
        assert mia.asks("ping")["ok"]


def test_a_guest_buys_nothing(watching, cast, rose):
    with watching(None) as guest:
        assert guest.asks("gift", gift="rose", count=1, key="k")["error"]["code"] == 70002
