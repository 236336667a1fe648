"""Draws: the lot can be computed by anybody, favours nobody, and knows no order; the keyword is a word and not a part of one."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.draws import rules as draw
from interactions.draws.rules import Conditions, Entrant

SEED = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
SEEDS = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_the_published_example_comes_out_as_published():
    """The same numbers stand in interactions/draws/README.md: whoever re-implements the draw begins with them."""
    entrants = ["mia", "zed", "ann", "Bob", "李雷"]
    assert draw.commitment(SEED) == "4773d12e2371bb935b9a0f5439b4a1c3ad3f2414b86980f8418d1cfabdfadfef"
    assert draw.entrants_sha256(entrants) == "5fea9fe3a00e6c36ecf43b0a0ed36723aa961a5f54c4bb7a2c26b74cf540d39a"
    assert draw.winners(seed=SEED, draw="dexample", entrants=entrants, count=2) == ["Bob", "zed"]


@given(SEEDS, st.lists(NAMES, max_size=30), st.integers(1, 40), st.randoms(use_true_random=False))
def test_order_and_repetition_of_entrants_change_nothing(seed, names, count, random):
    shuffled = names * 2
    random.shuffle(shuffled)
    found = draw.winners(seed=seed, draw="d1", entrants=names, count=count)
    assert found == draw.winners(seed=seed, draw="d1", entrants=shuffled, count=count)
    assert draw.entrants_sha256(names) == draw.entrants_sha256(shuffled)
    assert len(found) == len(set(found)) == min(count, len(set(names)))
    assert set(found) <= set(names)


@given(SEEDS, st.sets(NAMES, min_size=2, max_size=20), st.data())
def test_without_one_of_them_the_others_keep_their_order(seed, names, data):
    """Whoever is refused moves nobody else about."""
    gone = data.draw(st.sampled_from(sorted(names)))
    every = draw.ranked(seed=seed, draw="d1", entrants=names)
    assert draw.ranked(seed=seed, draw="d1", entrants=names - {gone}) == [name for name in every if name != gone]


def test_in_a_hundred_thousand_draws_nobody_is_favoured():
    names = [f"user{number}" for number in range(8)] + ["Ann", "李雷"]
    won = Counter(
        draw.winners(seed=hashlib.sha256(b"seed%d" % number).hexdigest(), draw="dfair", entrants=names, count=1)[0]
        for number in range(100_000)
    )
    expected = 100_000 / len(names)
    chi_square = sum((won[name] - expected) ** 2 / expected for name in names)
    assert chi_square < 21.67, won  # 9 degrees of freedom, p = 0.01


@given(SEEDS, st.sets(NAMES, min_size=3, max_size=10), st.integers(1, 3))
def test_whatever_is_changed_afterwards_is_noticed(seed, names, count):
    told = {
        "seed": seed,
        "commitment_told": draw.commitment(seed),
        "draw": "d1",
        "entrants": names,
        "entrants_told": draw.entrants_sha256(names),
        "winners_told": draw.winners(seed=seed, draw="d1", entrants=names, count=count),
        "count": count,
    }
    assert draw.check(**told) == {"commitment": True, "entrants": True, "winners": True}
    other = bytes(byte ^ 1 for byte in bytes.fromhex(seed)).hex()
    assert not draw.check(**told | {"seed": other})["commitment"]
    assert not draw.check(**told | {"entrants": names | {"somebody else"}})["entrants"]
    assert not draw.check(**told | {"winners_told": [*told["winners_told"][::-1], "x"]})["winners"]


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("666", "666"),
        ("  ６６６ ", "666"),
        ("go 666!", "666"),
        ("666,666", "666"),
        ("WIN a\tCAR", "win a car"),
        ("I want the Straße", "STRASSE"),
        ("❤\ufe0f❤\ufe0f", "❤"),
        ("666啊", "666"),
        ("我要抽奖啦", "抽奖"),
        ("#win", "win"),
        ("win!", "#WIN"[1:]),
        ("166 6 666", "666"),
    ],
)
def test_who_says_the_keyword_is_heard(text, keyword):
    assert draw.says(draw.normalised(text), draw.normalised(keyword))


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("16667", "666"),
        ("6666", "666"),
        ("6 66", "666"),
        ("winner", "win"),
        ("un-winé", "wine"),
        ("", "666"),
        ("x", ""),
        ("抽", "抽奖"),
    ],
)
def test_a_part_of_a_word_is_not_the_keyword(text, keyword):
    assert not draw.says(draw.normalised(text), draw.normalised(keyword))


@given(st.text(max_size=20), st.text(max_size=20), NAMES)
def test_a_keyword_between_spaces_is_always_heard(before, after, keyword):
    wanted = draw.normalised(keyword)
    if wanted:
        assert draw.says(draw.normalised(f"{before} . {keyword} . {after}"), wanted)
        assert draw.says(wanted, wanted)


def test_every_condition_has_its_own_reason_and_the_weightiest_is_said():
    asked = Conditions(min_level=3, follower=True, gift=True, member=True)
    fit = {"identifier": "mia", "level": 3, "follower": True, "gift": True, "member": True}
    assert draw.refusal(Entrant(**fit), asked) == ""
    for change, reason in (
        ({"identifier": "@RBT#helper"}, "bot"),
        ({"staff": True}, "staff"),
        ({"banned": True}, "banned"),
        ({"muted": True}, "muted"),
        ({"level": 2}, "level"),
        ({"follower": False}, "follower"),
        ({"gift": False}, "gift"),
        ({"member": False}, "member"),
    ):
        assert draw.refusal(Entrant(**fit | change), asked) == reason
    assert draw.refusal(Entrant(identifier="mia", banned=True, muted=True), asked) == "banned"
    assert draw.refusal(Entrant(identifier="mia"), Conditions()) == ""


def test_only_conditions_that_are_asked_for_are_shown_and_count():
    assert Conditions(min_level=2, gift=True).shown() == {"min_level": 2, "gift": True}
    assert Conditions().shown() == {}
    for follower, gift, member in product((False, True), repeat=3):
        asked = Conditions(follower=follower, gift=gift, member=member)
        assert bool(draw.refusal(Entrant(identifier="mia"), asked)) == any((follower, gift, member))
