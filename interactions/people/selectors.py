"""Reads about who somebody is to the others: who follows whom, who is a member, what somebody has done and what is shown for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from interactions.models import Badge, Follow, Membership, PersonBadge, Score
from interactions.people import rules as levels
from interactions.people.rules import BadgeRule, Measures
from liveroom.accounts.models import Person


def follower_count(*, person_id: int) -> int:
    return Follow.objects.filter(streamer_id=person_id).count()


# Of so few followers all are read where it matters whether somebody is one of them.
FEW_FOLLOWERS = 2_000


def followers_of(*, person_id: int) -> tuple[int, frozenset[int] | None]:
    """How many follow that person, and who (by person id); None: too many to tell. One query where they are few."""
    found = Follow.objects.filter(streamer_id=person_id).order_by()
    ids = frozenset(found.values_list("follower_id", flat=True)[: FEW_FOLLOWERS + 1])
    return (len(ids), ids) if len(ids) <= FEW_FOLLOWERS else (found.count(), None)


def followers_of_all(*, person_ids: Iterable[int]) -> dict[int, tuple[int, frozenset[int] | None]]:
    """The same by person, for many: one query, where all of them together have few."""
    people = set(person_ids)
    rows = Follow.objects.filter(streamer_id__in=people).order_by().values_list("streamer_id", "follower_id")
    few = list(rows[: FEW_FOLLOWERS + 1])
    if len(few) > FEW_FOLLOWERS:
        return {person_id: followers_of(person_id=person_id) for person_id in people}
    found: dict[int, set[int]] = {person_id: set() for person_id in people}
    for streamer_id, follower_id in few:
        found[streamer_id].add(follower_id)
    return {person_id: (len(ids), frozenset(ids)) for person_id, ids in found.items()}


def following_pairs(pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of these (follower, streamer) those that are true: one query for whoever asks in the same moment."""
    followers, streamers = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    rows = Follow.objects.filter(follower_id__in=followers, streamer_id__in=streamers)
    return set(rows.values_list("follower_id", "streamer_id"))


def members_among(*, person_ids: Iterable[int], now: datetime) -> set[int]:
    """Who of them has a membership that lasts."""
    found = Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=now), person_id__in=list(person_ids))
    return set(found.values_list("person_id", flat=True))


def measures_of(score: Score, *, member: bool) -> Measures:
    return Measures(
        minutes=score.minutes, messages=score.messages, likes=score.likes, gift_value=score.gift_value, member=member
    )


def badge_rule(badge: Badge) -> BadgeRule:
    return BadgeRule(id=badge.pk, label=badge.label, measure=badge.measure, at_least=badge.at_least, place=badge.place)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody has come, counted now. `next_level_at` None: there is no higher level, or the app has none. `badges`: all that it
    has, those that are shown first."""

    level: int
    points: int
    next_level_at: int | None
    measures: Measures
    badges: tuple[Badge, ...]

    @property
    def missing(self) -> int | None:
        """Points to the next level."""
        return None if self.next_level_at is None else self.next_level_at - self.points


def progress_of(*, person: Person, now: datetime) -> Progress:
    """`app` of the person should be loaded."""
    score = Score.objects.filter(person=person).first() or Score(person=person)
    measures = measures_of(score, member=bool(members_among(person_ids=[person.pk], now=now)))
    points = levels.points(measures, person.app.level_weights)
    held = PersonBadge.objects.filter(person=person).select_related("badge").order_by("badge__place", "badge_id")
    return Progress(
        level=person.level,
        points=points,
        next_level_at=levels.next_level_at(points, person.app.level_thresholds),
        measures=measures,
        badges=tuple(row.badge for row in held),
    )
