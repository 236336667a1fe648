"""Who may what: one question, voters from one table, and no door without a lock."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liveroom import wiring
from liveroom.kernel import permission
from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.permission import Actor, ask, may
from liveroom.rooms.voters import LogInFirst

ROOT = Path(wiring.__file__).resolve().parent.parent
OURS = ("liveroom", "streams", "interactions", "moderation")
ASKED = re.compile(r"""(?:ask|may|open_to)\(\s*["']([a-z_]+\.[a-z_]+)["']""")


def asked_in_the_code() -> set[str]:
    files = [path for app in OURS for path in (ROOT / app).rglob("*.py")]
    return {action for path in files for action in ASKED.findall(path.read_text())}


def test_every_question_of_the_code_has_voters_and_every_row_is_asked():
    assert asked_in_the_code() == set(wiring.VOTERS)
    assert all(wiring.VOTERS.values())
    assert permission.actions() == frozenset(wiring.VOTERS)


def test_an_action_without_voters_is_refused_to_everybody():
    staff = Actor(kind=permission.STAFF)
    with pytest.raises(NotPermitted):
        ask("room.explode", actor=staff)
    assert not may("room.explode", actor=staff)


# What people may do in stella's room: owner stella, admin max, member mia, rita of another app, a guest.
RIGHTS = {
    "room.change": {"stella"},
    "room.notice": {"stella", "max"},
    "room.status": {"stella"},
    "room.disband": {"stella"},
    "room.admins": {"stella"},
    "room.attributes": {"stella", "max"},
    "room.counters": {"stella", "max"},
    "room.archive": {"stella", "max"},
    "room.mute": {"stella", "max"},
    "room.ban": {"stella", "max"},
    "comment.send": {"stella", "max", "mia"},
    "stream.push": {"stella"},
    "stream.manage": {"stella"},
    "stream.forbid": set(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("action", RIGHTS)
def test_roles_decide_in_a_room(cast, action):
    people = ("stella", "max", "mia", "rita")
    allowed = {who for who in people if may(action, actor=cast.actor(getattr(cast, who)), room=cast.room)}
    assert allowed == RIGHTS[action]
    assert not may(action, actor=permission.anonymous(), room=cast.room)
    assert may(action, actor=Actor(kind=permission.STAFF), room=cast.room)


@pytest.mark.django_db
def test_an_app_admin_acts_for_its_app_and_for_no_other(cast):
    cast.app.admin_identifiers = ["zed"]
    cast.app.save()
    cast.zed.refresh_from_db()
    admin = cast.actor(cast.zed)
    assert all(may(action, actor=admin, room=cast.room) for action in RIGHTS)
    cast.other_app.admin_identifiers = ["rita"]
    cast.other_app.save()
    cast.rita.refresh_from_db()
    assert not any(may(action, actor=cast.actor(cast.rita), room=cast.room) for action in RIGHTS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("action", "scope"),
    [
        ("room.change", "rooms"),
        ("room.attributes", "rooms"),
        ("room.mute", "rooms"),
        ("room.ban", "rooms"),
        ("app.ban", "people"),
        ("comment.send", "messages"),
        ("stream.forbid", "streams"),
        ("stream.push", "streams"),
        ("tokens.make", "tokens"),
        ("stream.list", "streams"),
    ],
)
def test_a_server_key_needs_its_scope(cast, action, scope):
    room = None if action in ("tokens.make", "stream.list", "app.ban") else cast.room
    every = {"rooms", "messages", "tokens", "streams", "people"}

    def server(*scopes: str) -> Actor:
        return Actor(kind=permission.SERVER, app_id=cast.app.pk, scopes=frozenset(scopes), label="backend")

    ask(action, actor=server(scope), room=room)
    with pytest.raises(NotPermitted, match=scope):
        ask(action, actor=server(*every - {scope}), room=room)
    stranger = Actor(kind=permission.SERVER, app_id=cast.other_app.pk, scopes=frozenset(every))
    assert room is None or not may(action, actor=stranger, room=room)


@pytest.mark.django_db
def test_a_guest_is_told_to_log_in(cast):
    with pytest.raises(LogInFirst) as refused:
        ask("comment.send", actor=permission.anonymous(), room=cast.room)
    assert (refused.value.code, refused.value.status) == (70002, 401)
