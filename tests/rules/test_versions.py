"""Words about a room in any order: the newest of each thing holds, and nothing older than what was shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interactions.socket.joining.versions import AT_FIRST, Versions

WHAT = st.sampled_from(["muted_until_ms", "muted_all", "banned_until_ms", "role"])


@given(st.lists(st.tuples(WHAT, st.integers(1, 30)), max_size=40), st.integers(0, 20), st.randoms())
def test_whatever_the_order_the_newest_of_each_thing_holds(words, floor, chance):
    told = [*words, *words]  # at least once
    chance.shuffle(told)
    known, holds = Versions(floor=floor), {}
    for what, version in told:
        if known.is_news(what, version):
            known, holds[what] = known.knowing((what,), version), version
    newest = {}
    for what, version in words:
        if version > floor:
            newest[what] = max(version, newest.get(what, 0))
    assert holds == newest


def test_a_word_about_one_thing_does_not_outdate_another_thing():
    known = AT_FIRST.knowing(("muted_until_ms",), 7)
    assert not known.is_news("muted_until_ms", 7)
    assert known.is_news("banned_until_ms", 6)


def test_a_process_that_knows_no_versions_is_believed():
    assert Versions(floor=9).is_news("role", 0)
