"""The people of the tests and the rooms they meet in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from django.test import Client

from liveroom.accounts.models import ApiKey, App, Domain, Person
from liveroom.accounts.services import profiles, tokens
from liveroom.kernel import clock, permission
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.people import appoint_admin
from liveroom.rooms.services.rooms import create_room
from streams.models import Stream

STAFF = Actor(kind=permission.STAFF, label="staff")


@dataclass(frozen=True)
class Api:
    """REST as one person (or server) sees it: `api.get("rooms/r1")`."""

    bearer: str | None
    client: Client

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        call = getattr(self.client, method)
        url = path if path.startswith("/") else f"/api/v1/{path}"
        if method == "get":
            return call(url, body or {}, headers=headers)
        return call(url, {} if body is None else body, content_type="application/json", headers=headers)

    def get(self, path: str, query: Any = None, **headers: str) -> Any:
        return self._call("get", path, query, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._call("post", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._call("put", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._call("patch", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self._call("delete", path, **headers)


@dataclass(frozen=True)
class Cast:
    app: App
    other_app: App
    stella: Person
    max: Person
    mia: Person
    zed: Person
    rita: Person
    room: Room
    key: ApiKey

    @property
    def stream(self) -> Stream:
        return Stream.objects.select_related("room__app").get(room=self.room, on_programme=True)

    def actor(self, person: Person) -> Actor:
        return tokens.person_actor(person)

    def usersig(self, person: Person, *, seconds: int = 3600) -> str:
        return tokens.make_usersig(
            app=person.app, identifier=person.identifier, expire_seconds=seconds, now=clock.now()
        )

    def api(self, person: Person | None) -> Api:
        return Api(bearer=self.usersig(person) if person else None, client=Client())

    def server(self) -> Api:
        return Api(bearer=self.key.bearer, client=Client())


def make_app(sdkappid: int, name: str) -> App:
    app = App.objects.create(sdkappid=sdkappid, name=name)
    for kind in (Domain.PUSH, Domain.PLAY):
        Domain.objects.create(app=app, kind=kind, name="127.0.0.1")
    return app


def make_person(app: App, identifier: str) -> Person:
    person = tokens.ensure_person(app=app, identifier=identifier)
    return profiles.change_profile(person=person, changes={"nick": identifier.title()})


_numbers = count(1400000000, 1000)


def make_cast_of_its_own() -> Cast:
    """In apps that no other test has. What a process that tests share still knows, and still says, of the rooms of the one before
    is of no room here: the Redis that was emptied in between looks to it like one that lost its memory."""
    return make_cast(sdkappid=next(_numbers))


def make_cast(*, sdkappid: int = 1400000000) -> Cast:
    app, other = make_app(sdkappid, "tests"), make_app(sdkappid + 777, "others")
    people = {name: make_person(app, name) for name in ("stella", "max", "mia", "zed")}
    now = clock.now() - timedelta(minutes=5)
    room = create_room(app=app, owner=people["stella"], by=STAFF, now=now, group_id="r1", title="Stella's room")
    appoint_admin(room=room, identifier="max", by=STAFF, now=now)
    key = tokens.make_api_key(
        app=app, label="backend", scopes=["rooms", "messages", "tokens", "streams", "people", "money"]
    )
    return Cast(app=app, other_app=other, rita=make_person(other, "rita"), room=room, key=key, **people)
