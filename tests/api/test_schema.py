"""The OpenAPI document: made without a complaint, stable in its names, and true of what the doors really answer."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from interactions.draws.services import drawing, opening
from interactions.draws.shapes import DrawWriteSerializer
from interactions.gifts.services.providers import TestProvider
from liveroom.accounts.models import App, Person
from liveroom.kernel import clock
from liveroom.kernel.web.shapes import checked
from streams.models import MinuteTraffic
from tests.api import media_operations as media
from tests.helpers import plans
from tests.helpers.money import fill, make_gift
from tests.helpers.people import STAFF, Cast
from tests.helpers.problems import given
from tests.helpers.recordings import recorded

OPERATION_IDS = Path(__file__).with_name("operation_ids.txt")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Operation id -> method, path, what the document says of it."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def test_it_is_made_without_warnings():
    document()
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_operation_ids_are_unique_and_those_that_clients_know():
    """A client is generated from these names: adding one is free, changing one needs a note in the changelog."""
    found = [operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()]
    assert len(found) == len(set(found))
    assert sorted(found) == OPERATION_IDS.read_text().split()


def test_every_good_answer_has_a_shape():
    for name, (_, _, operation) in operations().items():
        good = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
        assert good, name
        for code, answer in good.items():
            shape = any(kind.get("schema") for kind in answer.get("content", {}).values())
            assert shape != (code == "204"), name


def test_both_ways_to_log_in_are_described():
    assert set(document()["components"]["securitySchemes"]) == {"bearer", "console"}
    assert operations()["rooms_create"][2]["security"]


@pytest.mark.django_db
def test_it_is_served_with_pages_to_read_it():
    assert Client().get("/api/schema/").status_code == 200
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    assert b"https://" not in page.content.replace(b"https://127.0.0.1", b"")


def strict(shape: Any) -> Any:
    """An OpenAPI 3.0 shape as JSON Schema that allows nothing beside what it names."""
    if isinstance(shape, list):
        return [strict(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    made = {key: strict(value) for key, value in shape.items() if key != "nullable"}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if shape.get("nullable") else made


def fits(operation_id: str, answer: Any) -> None:
    """Whether a real answer is one that the document promises."""
    operation = operations()[operation_id][2]
    promised = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    whole = strict({**promised, "components": document()["components"]})
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(answer.json())


def sequence_of(cast: Cast) -> str:
    return str(cast.room.sessions.get().sequence)


def told_by_the_provider(cast: Cast) -> Any:
    body = b'{"reference": "pay-1", "user": "mia", "amount": 7}'
    signature = TestProvider().sign(body, secret=cast.app.topup_secret, now=clock.now())
    return Client().post(
        f"/api/v1/topups/test?sdkappid={cast.app.sdkappid}",
        body,
        content_type="application/json",
        headers={"Topup-Signature": signature},
    )


def draw_asked(keyword: str = "666") -> dict[str, Any]:
    return {"keyword": keyword, "prize": "p", "winners": 1, "seconds": 60, "conditions": {"min_level": 1}}


def drawn(cast: Cast) -> str:
    """The number of a draw that was drawn."""
    draw = opening.open_draw(
        room=cast.room, by=STAFF, now=clock.now(), **checked(DrawWriteSerializer, draw_asked("777"))
    )
    drawing.finish_draw(draw_id=draw.pk, now=clock.now())
    return draw.number


@pytest.mark.django_db
def test_what_the_doors_answer_is_what_the_document_promises(cast, engine):
    App.objects.filter(pk=cast.app.pk).update(demo=True, test_topups=True)
    Person.objects.filter(app=cast.app).update(badges=["★"])
    stella, mia, server, name = cast.api(cast.stella), cast.api(cast.mia), cast.server(), cast.stream.name
    make_gift(cast.app, "rose")
    fill(cast.mia, 1_000)
    calls = {
        "me_get": mia.get("me"),
        "me_update": mia.patch("me", {"nick": "M", "fields": {"a": "b"}}),
        "tokens_create": server.post("tokens", {"identifier": "a"}),
        "demo_tokens_create": mia.post("demo/tokens", {"nick": "Jo"}),
        "users_import": server.post("users", {"users": [{"id": "ann", "nick": "Ann"}]}),
        "users_get": server.get("users/mia"),
        "users_follow": mia.put("users/stella/follow"),
        "me_follows_list": mia.get("me/follows"),
        "users_unfollow": mia.delete("users/stella/follow"),
        "me_standing_get": mia.get("me/standing"),
        "users_membership_give": server.put("users/mia/membership", {}),
        "users_update": server.patch("users/mia", {"level": 3}),
        "rooms_list": mia.get("rooms"),
        "rooms_create": mia.post("rooms", {"title": "x", "tags": ["a"]}),
        "rooms_get": mia.get("rooms/r1"),
        "rooms_update": stella.patch("rooms/r1", {"starts_at": "2030-01-01T00:00:00Z", "viewer_limit": 3}),
        "rooms_set_status": stella.post("rooms/r1/status", {"status": "live"}),
        "rooms_admins_list": mia.get("rooms/r1/admins"),
        "rooms_allow_list_set": stella.put("rooms/r1/allow-list", {"users": ["mia"]}),
        "rooms_allow_list_get": stella.get("rooms/r1/allow-list"),
        "rooms_attributes_set": stella.put("rooms/r1/attributes", {"attributes": {"a": "1"}}),
        "rooms_attributes_modify": stella.patch("rooms/r1/attributes", {"attributes": {"b": "1"}}),
        "rooms_attributes_get": mia.get("rooms/r1/attributes"),
        "rooms_attributes_delete": stella.delete("rooms/r1/attributes"),
        "rooms_counters_change": stella.patch("rooms/r1/counters", {"counters": {"a": 1}}),
        "rooms_counters_get": mia.get("rooms/r1/counters"),
        "rooms_counters_delete": stella.delete("rooms/r1/counters"),
        "rooms_messages_send": mia.post("rooms/r1/messages", {"text": "hi"}),
        "rooms_messages_list": mia.get("rooms/r1/messages"),
        "rooms_archive_list": stella.get("rooms/r1/archive"),
        "rooms_sessions_list": stella.get("rooms/r1/sessions"),
        "sessions_statistics_get": stella.get(f"sessions/{sequence_of(cast)}/statistics"),
        "rooms_likes_add": mia.post("rooms/r1/likes", {"count": 3}),
        "rooms_gifts_buy": mia.post("rooms/r1/gifts", {"gift": "rose", "count": 2}, **{"Idempotency-Key": "k"}),
        "gifts_list": mia.get("gifts"),
        "rooms_ranking_get": mia.get("rooms/r1/ranking"),
        "wallet_get": mia.get("wallet"),
        "wallet_entries_list": mia.get("wallet/entries"),
        "wallets_get": server.get("wallets/mia"),
        "wallets_topup": server.post("wallets/mia/topups", {"amount": 5}, **{"Idempotency-Key": "k"}),
        "topups_take": told_by_the_provider(cast),
        "demo_topups_create": mia.post("demo/topups"),
        "users_messages_send": mia.post("users/stella/messages", {"text": "hi"}),
        "rooms_polls_open": (poll := stella.post("rooms/r1/polls", {"question": "?", "answers": ["a", "b"]})),
        "rooms_polls_list": mia.get("rooms/r1/polls"),
        "polls_get": mia.get(f"polls/{poll.json()['id']}"),
        "polls_vote": mia.post(f"polls/{poll.json()['id']}/votes", {"choices": [1]}),
        "polls_close": stella.post(f"polls/{poll.json()['id']}/close"),
        "rooms_draws_open": (draw := stella.post("rooms/r1/draws", draw_asked())),
        "rooms_draws_list": mia.get("rooms/r1/draws"),
        "draws_verify": mia.get(f"draws/{drawn(cast)}/verify"),
        "draws_get": mia.get(f"draws/{drawn(cast)}"),
        "draws_cancel": stella.delete(f"draws/{draw.json()['id']}"),
        "rooms_questions_ask": (question := mia.post("rooms/r1/questions", {"text": "?"})),
        "rooms_questions_list": stella.get("rooms/r1/questions"),
        "questions_update": stella.patch(f"questions/{question.json()['id']}", {"status": "shown"}),
        "rooms_hands_raise": mia.post("rooms/r1/hands"),
        "rooms_hands_list": stella.get("rooms/r1/hands"),
        "rooms_pin_get": mia.get("rooms/r1/pin"),
        "rooms_pin_set": stella.put("rooms/r1/pin", {"text": "hi"}),
        "rooms_online_get": mia.get("rooms/r1/online"),
        "rooms_members_list": mia.get("rooms/r1/members"),
        "rooms_mutes_set": stella.post("rooms/r1/mutes", {"user": "mia", "seconds": 60}),
        "rooms_mutes_list": stella.get("rooms/r1/mutes"),
        "rooms_mute_all_set": stella.put("rooms/r1/mute-all"),
        "rooms_mute_all_get": mia.get("rooms/r1/mute-all"),
        "rooms_bans_set": stella.post("rooms/r1/bans", {"user": "zed"}),
        "rooms_bans_list": stella.get("rooms/r1/bans"),
        "bans_set": server.post("bans", {"user": "zed", "seconds": 60, "reason": "spam"}),
        "bans_list": server.get("bans"),
        "broadcasts_send": server.post("broadcasts", {"text": "hi"}),
        "rooms_system_notices_send": server.post("rooms/r1/system-notices", {"text": "hi", "data": 1}),
        "rooms_push_get": stella.get("rooms/r1/push"),
        "rooms_push_reset": stella.post("rooms/r1/push/reset"),
        "rooms_play_get": mia.get("rooms/r1/play"),
        "rooms_health_get": stella.get("rooms/r1/health"),
        "rooms_streams_list": mia.get("rooms/r1/streams"),
        "rooms_streams_add": stella.post("rooms/r1/streams", {"label": "screen"}),
        "rooms_programme_set": stella.put("rooms/r1/programme", {"stream": name}),
        "streams_list": server.get("streams"),
        "streams_push_get": server.get(f"streams/{name}/push"),
        "streams_play_get": server.get(f"streams/{name}/play"),
        "streams_forbid": server.put(f"streams/{name}/forbid", {"reason": "x"}),
        "streams_allow": server.delete(f"streams/{name}/forbid"),
        "streams_cut": server.post(f"streams/{name}/cut"),
        **media.calls(cast),
    }
    MinuteTraffic.objects.create(
        stream=cast.stream, room=cast.room, app=cast.app, kind="flv", bytes=9, minute=clock.now().replace(second=0)
    )
    calls["traffic_get"] = stella.get("traffic", {"room": "r1"})
    calls["traffic_streams_list"] = server.get("traffic/streams")
    of_plans, silent_of_plans = plans.calls(cast)
    number = recorded(cast.room, session=cast.room.sessions.get()).number
    calls |= of_plans | {
        "rooms_recordings_list": mia.get("rooms/r1/recordings"),
        "recordings_playback_get": mia.get(f"recordings/{number}/playback"),
        "recordings_replay_get": mia.get(f"recordings/{number}/replay"),
    }
    files = {
        "draws_winners_get": stella.get(f"draws/{drawn(cast)}/winners.csv"),
        "wallet_statement_get": mia.get("wallet/statement.csv"),
        "sessions_statistics_file_get": stella.get(f"sessions/{sequence_of(cast)}/statistics.csv"),
    }
    for answer in files.values():
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    lines = {"recordings_comments_get": mia.get(f"recordings/{number}/comments")}
    assert [answer["Content-Type"] for answer in lines.values()] == ["application/x-ndjson; charset=utf-8"]
    fits("users_get", mia.get("users/stella"))
    for operation_id, answer in calls.items():
        assert 200 <= answer.status_code < 300, (operation_id, answer.content)
        fits(operation_id, answer)
    silent = silent_of_plans | {
        "rooms_admins_appoint": stella.put("rooms/r1/admins/zed"),
        "rooms_admins_dismiss": stella.delete("rooms/r1/admins/zed"),
        "users_membership_end": server.delete("users/mia/membership"),
        "users_kick": server.post("users/zed/kick"),
        "rooms_mutes_lift": stella.delete("rooms/r1/mutes/mia"),
        "rooms_mute_all_lift": stella.delete("rooms/r1/mute-all"),
        "rooms_bans_lift": stella.delete("rooms/r1/bans/zed"),
        "bans_lift": server.delete("bans/zed"),
        "rooms_hands_lower": mia.delete("rooms/r1/hands"),
        "rooms_hands_lower_one": stella.delete("rooms/r1/hands/mia"),
        "rooms_pin_delete": stella.delete("rooms/r1/pin"),
        **media.silent(cast),
        "rooms_disband": stella.delete("rooms/r1"),
    }
    for answer in silent.values():
        given(answer, 204)
    elsewhere = {"rooms_events_stream": mia.get("rooms/r1/events")}  # tests/sockets/test_server_sent.py
    for answer in elsewhere.values():
        assert (answer.status_code, answer.json()["name"]) == (421, "misdirected")
    assert set(calls) | set(silent) | set(files) | set(lines) | set(elsewhere) | media.ELSEWHERE == set(operations())
