"""The live-kit body of a gift (G5)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.gifts.rules.gift_body import BANNER, EFFECT, ORDINARY, gift_body


def told(**said: Any) -> dict[str, Any]:
    """As it goes over the wire."""
    found: dict[str, Any] = msgspec.to_builtins(gift_body(**said))
    return found


ROSE: dict[str, Any] = {
    "kind": ORDINARY,
    "name": "Rose",
    "unit": "pcs",
    "count": 20,
    "icon_url": "https://live.example.com/media/gifts/a.png",
    "effect_url": "",
}


def test_a_gift_is_told_as_the_convention_has_it() -> None:
    assert told(**ROSE) == {
        "version": 1.0,
        "businessID": "flutter_live_kit",
        "data": {
            "cmd": "send_gift_message",
            "cmdInfo": {
                "type": 1,
                "giftUrl": "https://live.example.com/media/gifts/a.png",
                "giftCount": 20,
                "giftName": "Rose",
                "giftUnits": "pcs",
            },
        },
    }


def info_of(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = told(**{**ROSE, **changes})["data"]["cmdInfo"]
    return found


def test_only_an_effect_has_an_effects_address() -> None:
    rocket = "https://live.example.com/static/rocket.json"
    assert info_of(kind=EFFECT, effect_url=rocket)["giftSEUrl"] == rocket
    assert "giftSEUrl" not in info_of(kind=EFFECT, effect_url="")
    assert "giftSEUrl" not in info_of(kind=BANNER, effect_url=rocket)


@given(
    kind=st.sampled_from([ORDINARY, BANNER, EFFECT]),
    name=st.text(min_size=1, max_size=60),
    unit=st.text(max_size=20),
    count=st.integers(1, 10**6),
    effect_url=st.sampled_from(["", "https://a.example/b.svga"]),
)
def test_every_gift_survives_the_wire_and_leaves_out_what_it_has_not(**said: Any) -> None:
    body = told(icon_url="", **said)
    assert json.loads(json.dumps(body)) == body
    info = body["data"]["cmdInfo"]
    assert (info["type"], info["giftCount"], info["giftName"]) == (said["kind"], said["count"], said["name"])
    assert info.get("giftUnits", "") == said["unit"]
    assert "" not in (info.get("giftUnits"), info.get("giftSEUrl"))


@pytest.mark.parametrize("wrong", [{"kind": 0}, {"kind": 4}, {"count": 0}, {"count": -1}])
def test_what_is_no_gift_is_not_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        gift_body(**{**ROSE, **wrong})
