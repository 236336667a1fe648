"""What people have done, summed up, and the levels and badges that are taken from it (O3).

Promise: a score and what follows from it never part for long: whatever changes a score counts its `changes`, and `follow_scores` takes
those rows in which they are more than were `followed`. No clock decides, so a late transaction is missed by nobody. State: the rows of
`Score`; `Person.level` and `Person.badges` repeat what is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import F, QuerySet
from msgspec import UNSET

from interactions.delivery import Person as To
from interactions.delivery import ms, publish_durably
from interactions.models import Badge, PersonBadge, Score
from interactions.people import rules, selectors
from interactions.people.events import LevelReached, ProfileShown
from interactions.people.rules import BadgeRule
from interactions.statistics.services.cursors import CountedElsewhere
from liveroom.accounts.models import App, Person
from liveroom.accounts.selectors import profile
from liveroom.kernel.work import due

MEASURES = ("minutes", "messages", "likes", "gift_value")
# Parameters of one statement: SQLite takes 32,766.
ROWS = 500
# People whose levels are looked at in one transaction.
AT_ONCE = 1_000
# Where a cursor begins that has never been moved.
BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def _upsert(measure: str, rows: int) -> str:
    values = ", ".join(
        ["(%s, " + ", ".join("%s" if name == measure else "0" for name in MEASURES) + ", 0, %s, 1, 0)"] * rows
    )
    names = ", ".join(f'"{name}"' for name in MEASURES)
    return (
        f'INSERT INTO "interactions_score" ("person_id", {names}, "points", "changed_at", "changes", "followed") VALUES {values} '  # noqa: S608
        f'ON CONFLICT ("person_id") DO UPDATE SET "{measure}" = "interactions_score"."{measure}" + excluded."{measure}", '
        '"changed_at" = excluded."changed_at", "changes" = "interactions_score"."changes" + 1'
    )


def add(*, measure: str, values: Mapping[int, int], now: datetime) -> None:
    """Add to one measure of many people, by person id, in the caller's transaction. The people exist: IntegrityError.

    Rows are taken in the order of the people, so that two that add at once wait for each other and never lock up."""
    _add(measure, sorted((person_id, value) for person_id, value in values.items() if value), now)


def _add(measure: str, wanted: Sequence[tuple[int, int]], now: datetime) -> None:
    if measure not in MEASURES:
        raise ValueError(f"{measure!r} is no measure")
    with connection.cursor() as cursor:
        at = connection.ops.adapt_datetimefield_value(now)
        for start in range(0, len(wanted), ROWS):
            part = wanted[start : start + ROWS]
            cursor.execute(_upsert(measure, len(part)), [one for pair in part for one in (*pair, at)])


def add_gift_values(values: Mapping[int, int], now: datetime) -> None:
    """What people gave, in minor units, by person id: called where gifts are grouped, in that transaction. Refunds are negative."""
    add(measure="gift_value", values=values, now=now)


def look_again(*, person_ids: Iterable[int], now: datetime) -> None:
    """Something else that counts has changed for these people: a membership, a badge."""
    _add("minutes", [(person_id, 0) for person_id in sorted(set(person_ids))], now)


def look_at_everybody(*, app_id: int, now: datetime) -> int:
    """What levels or badges are taken from has changed for the whole app. Returns how many people have a score. One statement;
    `follow_scores` takes them in portions."""
    return Score.objects.filter(person__app_id=app_id).update(changes=F("changes") + 1, changed_at=now)


@dataclass(frozen=True, slots=True)
class _App:
    """What the scores of one app are weighed with."""

    app: App
    badges: Mapping[int, BadgeRule]


def follow_scores(*, now: datetime) -> int:
    """Points, levels and badges of those whose score changed; who is shown differently now is told. Returns how many were looked at."""
    rows = list(_changed().select_related("person").order_by("changed_at", "pk")[:AT_ONCE])
    if not rows:
        return 0
    try:
        with transaction.atomic():
            _weigh(rows, now)
    except CountedElsewhere:
        return 0
    return len(rows)


def _changed() -> QuerySet[Score]:
    """As their index has them."""
    return Score.objects.filter(changes__gt=F("followed"))


def is_wanted(now: datetime) -> bool:
    """Whether any score changed: one step in an index."""
    return _changed().exists()


def follow_due(now: datetime) -> object:
    """`follow_scores` as the work of a due job."""
    return due.MORE if follow_scores(now=now) == AT_ONCE else None


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What follows from one score. `changes`: as they were when it was read."""

    person: Person
    of: _App
    changes: int
    points: int
    level: int
    earned: set[int]
    kept: set[int]


def _weigh(rows: Sequence[Score], now: datetime) -> None:
    """CountedElsewhere: another worker has followed one of these changes."""
    apps = _apps({row.person.app_id for row in rows})
    ids = [row.person_id for row in rows]
    members = selectors.members_among(person_ids=ids, now=now)
    held = _held([row.person_id for row in rows if apps[row.person.app_id].badges])
    found: list[_Weighed] = []
    new: list[PersonBadge] = []
    gone: list[int] = []
    for row in rows:
        person, of = row.person, apps[row.person.app_id]
        measures = selectors.measures_of(row, member=row.person_id in members)
        points = rules.points(measures, of.app.level_weights)
        level = rules.level_of(points, of.app.level_thresholds) if of.app.level_thresholds else person.level
        mine = held.get(row.person_id, {})
        earned = rules.earned(measures, level=level, badges=of.badges.values())
        new += [PersonBadge(person=person, badge_id=badge, at=now) for badge in sorted(earned - mine.keys())]
        gone += [has.pk for badge, has in mine.items() if not has.by and badge not in earned]
        kept = earned | {badge for badge, has in mine.items() if has.by}
        found.append(
            _Weighed(person=person, of=of, changes=row.changes, points=points, level=level, earned=earned, kept=kept)
        )
    # First of all: from here on whoever adds to these scores waits, and whoever weighs them too finds that it is done.
    if _write_points(found) != len(found):
        raise CountedElsewhere("levels")
    PersonBadge.objects.bulk_create(new, batch_size=ROWS, ignore_conflicts=True)
    PersonBadge.objects.filter(pk__in=gone).delete()
    for one in found:
        badges = rules.shown(one.of.badges[badge] for badge in one.kept)
        _show(one.person, one.of, level=one.level, badges=badges, points=one.points, now=now)


def _show(person: Person, of: _App, *, level: int, badges: list[str], points: int, now: datetime) -> None:
    if (level, badges) == (person.level, person.badges):
        return
    person.level, person.badges = level, badges
    Person.objects.filter(pk=person.pk).update(level=level, badges=badges)
    to = To(sdkappid=of.app.sdkappid, identifier=person.identifier)
    # What the person says next carries its new level and badges, on sockets that are open already.
    publish_durably(ProfileShown(profile=profile(person).as_dict()), to=to, at=now)
    following = rules.next_level_at(points, of.app.level_thresholds)
    event = LevelReached(t=ms(now), level=level, points=points, next=following, badges=badges or UNSET)
    publish_durably(event, to=to, at=now)


def _apps(app_ids: set[int]) -> dict[int, _App]:
    badges: dict[int, dict[int, BadgeRule]] = defaultdict(dict)
    for badge in Badge.objects.filter(app_id__in=app_ids):
        badges[badge.app_id][badge.pk] = selectors.badge_rule(badge)
    return {pk: _App(app=app, badges=badges[pk]) for pk, app in App.objects.in_bulk(app_ids).items()}


def _held(person_ids: Sequence[int]) -> dict[int, dict[int, PersonBadge]]:
    """Person -> badge -> the row that says so."""
    found: dict[int, dict[int, PersonBadge]] = defaultdict(dict)
    for row in PersonBadge.objects.filter(person_id__in=person_ids) if person_ids else ():
        found[row.person_id][row.badge_id] = row
    return found


def _write_points(found: Sequence[_Weighed]) -> int:
    """Points, and which changes they follow. Returns of how many nobody else has followed these changes."""
    wanted = sorted((one.person.pk, one.points, one.changes) for one in found)
    written = 0
    if connection.features.has_select_for_update:  # in the order in which `add` takes them
        people = [pk for pk, _, _ in wanted]
        list(Score.objects.select_for_update().filter(person__in=people).order_by("person_id").values_list("pk"))
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), ROWS):
            part = wanted[start : start + ROWS]
            values = ", ".join(["(%s, %s, %s)"] * len(part))
            cursor.execute(
                'UPDATE "interactions_score" SET "points" = v.column2, "followed" = v.column3 '  # noqa: S608
                f"FROM (VALUES {values}) AS v "
                'WHERE "interactions_score"."person_id" = v.column1 AND "interactions_score"."followed" < v.column3',
                [one for row in part for one in row],
            )
            written += cursor.rowcount
    return written
