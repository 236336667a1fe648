"""What a standing means at a moment, and who is out of whose reach."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from moderation.rules import verdict
from moderation.rules.verdict import FOR_EVER_SECONDS, UNTIL_LIFTED, Standing

instants = st.integers(0, 4_102_444_800_000)
ends = st.none() | instants | st.just(UNTIL_LIFTED)
roles = st.sampled_from(["owner", "admin", "member", "guest", None])
standings = st.builds(
    Standing,
    muted_until_ms=ends,
    muted_all=st.booleans(),
    banned_until_ms=ends,
    banned_everywhere=st.booleans(),
)


@given(standings, instants, st.integers(1, 10**9))
def test_what_is_over_stays_over(standing, now, later):
    assert verdict.is_muted(standing, now) or not verdict.is_muted(standing, now + later)
    assert verdict.is_banned(standing, now) or not verdict.is_banned(standing, now + later)


@given(standings, instants)
def test_a_mute_ends_exactly_when_the_wait_that_was_told_is_over(standing, now):
    wait = verdict.retry_after_ms(standing.muted_until_ms, now)
    if not verdict.is_muted(standing, now):
        return
    if standing.muted_until_ms == UNTIL_LIFTED:
        assert wait is None
        return
    assert wait is not None
    assert wait > 0
    assert verdict.is_muted(standing, now + wait - 1)
    assert not verdict.is_muted(standing, now + wait)


@given(standings, roles)
def test_a_muted_room_means_everybody_but_its_owner_and_admins(standing, role):
    assert verdict.hushed_by_all(standing, role) is (standing.muted_all and role not in ("owner", "admin"))


@given(standings, instants)
def test_what_is_shown_tells_a_mute_without_end_from_none(standing, now):
    shown = verdict.shown(standing, now)
    assert shown["muted"] is verdict.is_muted(standing, now)
    assert shown["muted_all"] is standing.muted_all
    if not shown["muted"]:
        assert shown["muted_until"] is None
    else:
        assert (shown["muted_until"] is None) is (standing.muted_until_ms == UNTIL_LIFTED)


@given(standings, standings)
def test_a_word_to_a_socket_survives_json_and_changes_only_what_it_names(before, after):
    """Every number that stands in it is exact in every reader."""
    said = {"muted_until_ms": after.muted_until_ms, "muted_all": after.muted_all, "something_newer": 1}
    now = verdict.changed(before, json.loads(json.dumps(said), parse_int=lambda digits: int(float(digits))))
    assert (now.muted_until_ms, now.muted_all) == (after.muted_until_ms, after.muted_all)
    assert (now.banned_until_ms, now.banned_everywhere) == (before.banned_until_ms, before.banned_everywhere)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.booleans())
def test_only_lengths_are_lengths(seconds, zero):
    fits = seconds is None or (type(seconds) is int and (0 if zero else 1) <= seconds <= FOR_EVER_SECONDS)
    assert (verdict.seconds_fault(seconds, zero=zero) is None) is fits


@given(roles, roles, st.booleans(), st.booleans(), st.sampled_from(["mute", "ban"]))
def test_nobody_reaches_himself_the_owner_or_the_app_and_admins_reach_no_admin(by, target, oneself, app_admin, what):
    who = {"by_role": by, "target_role": target, "oneself": oneself, "app_admin": app_admin, "what": what}
    fault, kept = verdict.out_of_reach(**who), verdict.out_of_reach(**who, lifting=True)
    above = target == "admin" and by != "owner"
    assert bool(fault) is (oneself or app_admin or target == "owner" or above)
    assert bool(kept) is (oneself or above)
    assert all(what in said for said in (fault, kept) if said)
