"""REST refuses by default: every operation of the schema, walked as nobody, as another app's user and as another room's owner.

Each request is one that its rightful asker is granted (the first test), so a refusal is about who asks and about nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from interactions.draws.services import drawing, opening
from interactions.draws.shapes import DrawWriteSerializer
from interactions.polls.services import polls, questions
from liveroom import wiring
from liveroom.accounts.api.access import ANYBODY, PEOPLE, declared
from liveroom.accounts.models import App
from liveroom.kernel import clock, permission
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.services.rooms import create_room
from liveroom.rooms.services.status import set_status
from liveroom.rooms.voters import for_the_app
from tests.api import media_operations as media
from tests.api.test_schema import draw_asked, operations, sequence_of, told_by_the_provider
from tests.helpers import plans
from tests.helpers.money import fill, make_gift
from tests.helpers.people import STAFF, Api, Cast
from tests.helpers.recordings import recorded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

# Socket processes answer it (tests/sockets/test_server_sent.py); here it is declared for the schema.
ELSEWHERE = {"rooms_events_stream"}

# The body of each operation that takes one.
BODIES: dict[str, Any] = {
    "me_update": {"nick": "M"},
    "tokens_create": {"identifier": "a"},
    "demo_tokens_create": {"nick": "Jo"},
    "users_import": {"users": [{"id": "ann"}]},
    "users_update": {"level": 3},
    "users_membership_give": {},
    "users_messages_send": {"text": "hi"},
    "rooms_create": {"title": "x"},
    "rooms_update": {"title": "y"},
    "rooms_set_status": {"status": "ended"},
    "rooms_allow_list_set": {"users": ["mia"]},
    "rooms_attributes_set": {"attributes": {"a": "1"}},
    "rooms_attributes_modify": {"attributes": {"a": "1"}},
    "rooms_counters_change": {"counters": {"a": 1}},
    "rooms_messages_send": {"text": "hi"},
    "rooms_gifts_buy": {"gift": "rose", "count": 1},
    "rooms_draws_open": draw_asked("888"),
    "rooms_likes_add": {"count": 3},
    "rooms_polls_open": {"question": "?", "answers": ["a", "b"]},
    "polls_vote": {"choices": [1]},
    "rooms_pin_set": {"text": "hi"},
    "rooms_questions_ask": {"text": "?"},
    "questions_update": {"status": "shown"},
    "rooms_system_notices_send": {"text": "hi"},
    "rooms_streams_add": {"label": "screen"},
    "streams_forbid": {"reason": "x"},
    "rooms_mutes_set": {"user": "mia", "seconds": 60},
    "rooms_bans_set": {"user": "mia", "seconds": 60},
    "bans_set": {"user": "mia", "seconds": 60},
    "broadcasts_send": {"text": "hi"},
    "wallets_topup": {"amount": 5},
    **media.BODIES,
}
# Who may, of those who are in a room as others are; the rest asks for the room's owner, or for the app's server.
AS_A_MEMBER = {
    "room.enter",
    "comment.send",
    "like.send",
    "gift.send",
    "poll.vote",
    "question.ask",
    "hand.raise",
    "hand.lower",
}
# Rights that no room gives: everybody has them in the own app. What is made or read there is one's own.
IN_ONES_OWN_APP = {"room.create", "user.see", "user.follow", "direct.send"}


@dataclass(frozen=True)
class Walk:
    cast: Cast
    places: dict[str, str]
    bodies: dict[str, Any]

    def _place(self, operation_id: str, name: str) -> str:
        """What one operation has in its path, or all that name it."""
        return self.places.get(f"{operation_id}.{name}") or self.places[name]

    def ask(self, operation_id: str, by: Api) -> Any:
        method, path, operation = operations()[operation_id]
        if operation_id == "topups_take":
            return told_by_the_provider(self.cast)
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                path = path.replace("{" + (name := parameter["name"]) + "}", self._place(operation_id, name))
        if operation_id == "draws_verify" or operation_id == "draws_winners_get":
            path = path.replace(self.places["draw"], self.places["drawn"])
        body = self.bodies.get(operation_id, BODIES.get(operation_id))
        path += media.query(operation_id)
        if method == "get":
            # Who has no token says which app it means, as the page does.
            return by.get(path, {} if by.bearer else {"sdkappid": self.cast.app.sdkappid})
        if not by.bearer:
            path = f"{path}?sdkappid={self.cast.app.sdkappid}"
        if method == "delete":
            return by.delete(path)
        return getattr(by, method)(path, body, **{"Idempotency-Key": "k"})


@pytest.fixture
def walk(cast: Cast) -> Walk:
    App.objects.filter(pk=cast.app.pk).update(demo=True, test_topups=True)
    for app in (cast.app, cast.other_app):
        make_gift(app, "rose")
    for person in (cast.mia, cast.zed, cast.rita):
        fill(person, 1_000)
    now = clock.now()
    set_status(room=cast.room, status="live", by=STAFF, now=now)
    stella, mia = cast.actor(cast.stella), cast.actor(cast.mia)
    poll = polls.open_poll(room=cast.room, question="?", answers=["a", "b"], by=stella, now=now)
    question = questions.ask_question(room=cast.room, words="?", by=mia, now=now)
    draw = opening.open_draw(room=cast.room, by=stella, now=now, **checked(DrawWriteSerializer, draw_asked()))
    drawn = opening.open_draw(room=cast.room, by=stella, now=now, **checked(DrawWriteSerializer, draw_asked("777")))
    drawing.finish_draw(draw_id=drawn.pk, now=now)
    # zed owns a room of its own here, rita one over there.
    create_room(app=cast.app, owner=cast.zed, by=STAFF, now=now, group_id="zeds", title="Zed's")
    create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=now, group_id="ritas", title="Rita's")
    places = {
        "room": "r1",
        "user": "mia",
        "name": cast.stream.name,
        "recording": recorded(cast.room, session=cast.room.sessions.get()).number,
        "poll": poll.number,
        "question": question.number,
        "draw": draw.number,
        "drawn": drawn.number,
        "sequence": sequence_of(cast),
        "provider": "test",
        **plans.places(cast),
        **media.places(cast, now=now),
    }
    bodies = {"rooms_programme_set": {"stream": cast.stream.name}, **plans.bodies(cast), **media.bodies(cast)}
    return Walk(cast=cast, places=places, bodies=bodies)


def whom(operation_id: str) -> str:
    """For whom the handler of the operation is open, as it declares it."""
    method, path, _ = operations()[operation_id]
    # A number fits every place.
    match = get_resolver().resolve(re.sub(r"\{\w+\}", "1", path))
    found = declared(match.func.cls, method)  # type: ignore[attr-defined]
    assert found is not None, operation_id
    return found


def each(walk: Walk, ask: Callable[[str], None]) -> None:
    """One operation after the other, each on untouched rows."""
    failed = []
    for operation_id in sorted(set(operations()) - ELSEWHERE - media.ELSEWHERE):
        with transaction.atomic():
            try:
                ask(operation_id)
            except AssertionError as error:
                failed.append(f"{operation_id} ({whom(operation_id)}): {str(error)[:300]}")
            transaction.set_rollback(True)
    assert not failed, "\n".join(failed)


def said(answer: Any) -> bytes:
    """The body; of a streamed table that is asynchronous, nothing."""
    return b"" if answer.streaming else answer.content


def rightful(walk: Walk, operation_id: str) -> Api:
    """Who may: mia for what members do, the server where only the app may, else stella for her room."""
    cast, action = walk.cast, whom(operation_id)
    if action in {ANYBODY, PEOPLE} | AS_A_MEMBER | IN_ONES_OWN_APP:
        return cast.api(cast.stella if operation_id.startswith("users_") else cast.mia)
    return cast.server() if for_the_app in wiring.VOTERS[action] else cast.api(cast.stella)


def test_who_may_is_let_in_and_the_right_that_was_declared_was_asked_for(walk, monkeypatch):
    asked: set[str] = set()
    real = permission.ask

    def listening(action: str, **about: Any) -> None:
        asked.add(action)
        real(action, **about)

    monkeypatch.setattr(permission, "ask", listening)

    def ask(operation_id: str) -> None:
        asked.clear()
        answer = walk.ask(operation_id, rightful(walk, operation_id))
        assert 200 <= answer.status_code < 300, said(answer)
        action = whom(operation_id)
        assert action in {ANYBODY, PEOPLE} | asked, f"declared, and never asked: {asked} were"

    each(walk, ask)


def test_nobody_gets_nothing_but_what_is_open_to_anybody(walk):
    nobody = walk.cast.api(None)

    def ask(operation_id: str) -> None:
        answer = walk.ask(operation_id, nobody)
        if whom(operation_id) in (ANYBODY, "room.enter"):  # guests may watch
            assert 200 <= answer.status_code < 300, said(answer)
        else:
            assert answer.status_code in (401, 403), (answer.status_code, said(answer))
            assert answer.json()["code"] in (70002, 10007)

    each(walk, ask)


def test_a_user_of_another_app_finds_none_of_our_rooms_and_people(walk):
    rita = walk.cast.api(walk.cast.rita)
    own = {"rooms_list", "gifts_list", "me_get", "me_update", "rooms_create", "me_follows_list", "me_standing_get",
           "wallet_get", "wallet_entries_list", "wallet_statement_get", "demo_tokens_create", "topups_take"}  # fmt: skip

    def ask(operation_id: str) -> None:
        answer = walk.ask(operation_id, rita)
        if operation_id in own:
            assert 200 <= answer.status_code < 300, said(answer)
            assert walk.cast.room.title.encode() not in said(answer)
        else:
            assert answer.status_code in (403, 404), (answer.status_code, said(answer))

    each(walk, ask)


def test_the_owner_of_another_room_is_a_viewer_here(walk):
    zed = walk.cast.api(walk.cast.zed)

    def ask(operation_id: str) -> None:
        answer = walk.ask(operation_id, zed)
        if whom(operation_id) in {ANYBODY, PEOPLE} | AS_A_MEMBER | IN_ONES_OWN_APP:
            assert 200 <= answer.status_code < 300, said(answer)
        else:
            assert answer.status_code == 403, (answer.status_code, said(answer))

    each(walk, ask)


class Forgotten(APIView):
    """Two handlers that declared nothing, as a new one would."""

    def get(self, request: Any) -> Response:
        return Response({"secret": 1})

    def post(self, request: Any) -> Response:
        return Response({"done": 1})


def test_what_declares_nothing_is_refused_to_everybody_staff_too(walk):
    make = APIRequestFactory()
    for request in (make.get("/"), make.post("/"), make.head("/")):
        for bearer in (None, walk.cast.usersig(walk.cast.stella), walk.cast.key.bearer):
            if bearer:
                request.META["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
            answer = Forgotten.as_view()(request)
            assert (answer.status_code, answer.data["code"]) == (403, 10007)
    assert Forgotten.as_view()(make.put("/")).status_code == 405


def views(patterns: Any = None) -> Iterator[type[APIView]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and issubclass(getattr(pattern.callback, "cls", object), APIView):
            yield pattern.callback.cls


def test_every_handler_declares_something_that_there_is():
    """Also those that the document leaves out."""
    ours = [view for view in views() if not view.__module__.startswith("drf_spectacular")]
    assert len(ours) > 40
    for view in ours:
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                found = declared(view, method)
                assert found in {ANYBODY, PEOPLE} | permission.actions(), f"{view.__name__}.{method}"
