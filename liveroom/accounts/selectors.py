"""Reads about apps and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from liveroom.accounts.models import App, Domain, Person
from liveroom.kernel.data.kept_queries import KeptQuery
from liveroom.kernel.errors import NotFound


class AppUnknown(NotFound):
    """70020: no app has this sdkappid."""

    code, name, status = 70020, "app_unknown", 404


@dataclass(frozen=True, slots=True)
class Profile:
    """How a person is shown beside everything it says (C13). `badges`: labels, at most three; most people have none, and then the
    wire does not speak of them."""

    id: str
    nick: str
    avatar: str
    level: int
    badges: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        shown = {"id": self.id, "nick": self.nick, "avatar": self.avatar, "level": self.level}
        return {**shown, "badges": list(self.badges)} if self.badges else shown


def profile(person: Person) -> Profile:
    return Profile(
        id=person.identifier,
        nick=person.shown_name,
        avatar=person.avatar,
        level=person.level,
        badges=tuple(person.badges),
    )


_APP = KeptQuery(lambda *, pk: App.objects.filter(pk=pk), pk=int)
_APP_OF_NUMBER = KeptQuery(lambda *, sdkappid: App.objects.filter(sdkappid=sdkappid), sdkappid=int)
# Two are enough to know whether there is only one.
_FIRST_APPS: KeptQuery[App] = KeptQuery(lambda: App.objects.order_by("-demo", "id")[:2])
_MEMBER = KeptQuery(
    lambda *, sdkappid, identifier: Person.objects.select_related("app").filter(
        app__sdkappid=sdkappid, identifier=identifier
    ),
    sdkappid=int,
    identifier=str,
)


def app_by_id(pk: int) -> App:
    """The app that an actor belongs to. App.DoesNotExist."""
    found = _APP.first(pk=pk)
    if found is None:
        raise App.DoesNotExist
    return found


def app_of_number(sdkappid: int) -> App | None:
    return _APP_OF_NUMBER.first(sdkappid=sdkappid)


def member(*, sdkappid: int, identifier: str) -> Person | None:
    """The user of that app with its app, in one query."""
    return _MEMBER.first(sdkappid=sdkappid, identifier=identifier)


def app_for(sdkappid: int | None) -> App:
    """The app of that number; without one, the only app or the demo app. AppUnknown otherwise."""
    if sdkappid is not None:
        found = app_of_number(sdkappid)
        if found is None:
            raise AppUnknown(f"There is no app with the sdkappid {sdkappid}.")
        return found
    apps = _FIRST_APPS.all()
    if apps and (len(apps) == 1 or apps[0].demo):
        return apps[0]
    raise AppUnknown("Say which app is meant: add ?sdkappid=<number> or a token.")


_DOMAINS = KeptQuery(
    lambda *, app_id, kind: Domain.objects.filter(app_id=app_id, kind=kind, enabled=True).order_by("id"),
    app_id=int,
    kind=str,
)


def domains_of(app: App, kind: str) -> list[Domain]:
    """The enabled push or play domains of an app, the one that addresses are made for first. None: nothing is pushed or played."""
    return _DOMAINS.all(app_id=app.pk, kind=kind)


def apps_with_domain(kind: str) -> frozenset[int]:
    """The apps (their pks) that have an enabled domain of that kind."""
    return frozenset(Domain.objects.filter(kind=kind, enabled=True).values_list("app_id", flat=True))
