"""Templates and rules through the doors: a streamer's own, the app's, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from liveroom.accounts.models import Domain
from liveroom.kernel.models import AuditEntry
from streams.models import Rule, Stream, Template
from tests.helpers.people import Cast
from tests.helpers.plans import LEAST, make_template
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

LADDER = {
    "name": "evening",
    "preset": "fast",
    "rungs": [{"name": "720p", "height": 720, "video_bitrate_kbps": 1500}, {"name": "audio"}],
}


def held(cast: Cast, kind: str = "record") -> dict[str, Any]:
    plans = given(cast.api(cast.stella).get(f"streams/{cast.stream.name}/plans"))["plans"]
    return dict(next(plan for plan in plans if plan["kind"] == kind))


def test_a_ladder_of_a_streamer_is_bound_to_her_stream_at_once(cast):
    stella = cast.api(cast.stella)
    made = given(stella.post("templates/transcode", {**LADDER, "stream": cast.stream.name}), 201)
    assert (made["preset"], made["stream"]) == ("fast", cast.stream.name)
    assert made["rungs"][0] == {
        "name": "720p", "height": 720, "video_bitrate_kbps": 1500, "audio_bitrate_kbps": 128, "fps": None
    }  # fmt: skip
    plan = held(cast, "transcode")
    assert plan["template"]["id"] == made["id"]
    assert (plan["rule"]["stream"], plan["rule"]["app"]) == (cast.stream.name, False)
    where = f"templates/transcode/{made['id']}"
    changed = given(stella.patch(where, {"preset": "top_speed"}))
    assert (changed["preset"], changed["rungs"]) == ("top_speed", made["rungs"])
    assert given(stella.get(where)) == changed
    given(stella.delete(where), 204)
    assert not Rule.objects.exists()
    refused(stella.get(where), 404, 10010, "template_unknown")
    assert AuditEntry.objects.filter(action__in=["template.make", "rule.bind", "template.delete"]).count() == 3


def test_the_most_specific_rule_holds_and_a_final_one_outranks_it(cast):
    server, stella = cast.server(), cast.api(cast.stella)
    wide, own = make_template(cast, name="wide"), make_template(cast, name="own", own=True)
    rule = given(server.post("rules", {"kind": "record", "template": wide.pk, "app": True}), 201)
    assert (rule["app"], rule["domain"], rule["stream"]) == (True, None, None)
    assert held(cast)["template"]["id"] == own.pk
    given(server.patch(f"rules/{rule['id']}", {"final": True}))
    assert held(cast)["template"]["id"] == wide.pk
    given(server.delete(f"rules/{rule['id']}"), 204)
    given(stella.post("rules", {"kind": "record", "template": None, "stream": cast.stream.name}), 201)
    assert held(cast)["template"] is None
    assert {one["id"] for one in held(cast)["choices"]} == {wide.pk, own.pk}


def test_a_rule_of_a_domain_counts_for_what_its_keys_signed(cast):
    server = cast.server()
    wide = make_template(cast, name="wide")
    rule = given(server.post("rules", {"kind": "record", "template": wide.pk, "domain": "127.0.0.1"}), 201)
    assert rule["domain"] == "127.0.0.1"
    assert held(cast)["template"] is None
    publish = cast.stream.publishes.create(
        client_id="1", started_at=cast.room.created_at, domain=cast.app.domains.get(kind=Domain.PUSH)
    )
    assert held(cast)["template"]["id"] == wide.pk
    publish.delete()
    assert held(cast)["template"] is None


def test_binding_again_takes_the_place_of_what_was_and_a_repeated_request_does_nothing(cast):
    server = cast.server()
    one, two = make_template(cast, name="one"), make_template(cast, name="two")
    body = {"kind": "record", "template": one.pk, "app": True}
    first = given(server.post("rules", body, **{"Idempotency-Key": "k"}), 201)
    second = given(server.post("rules", {**body, "template": two.pk}), 201)
    assert (second["id"], second["template"]) == (first["id"], two.pk)
    assert given(server.post("rules", body, **{"Idempotency-Key": "k"}), 201) == first
    assert Rule.objects.get().template == two
    again = {"name": "new", **LEAST["record"]}
    made = given(server.post("templates/record", again, **{"Idempotency-Key": "t"}), 201)
    assert given(server.post("templates/record", again, **{"Idempotency-Key": "t"}), 201) == made


def test_the_app_is_not_a_streamers(cast):
    stella, wide = cast.api(cast.stella), make_template(cast, name="wide")
    refused(stella.post("templates/record", {"name": "x", "mp4": {}}), 403, 10007)
    refused(stella.get("templates/record"), 403, 10007)
    refused(stella.get(f"templates/record/{wide.pk}"), 403, 10007)
    refused(stella.patch(f"templates/record/{wide.pk}", {"name": "y"}), 403, 10007)
    refused(stella.delete(f"templates/record/{wide.pk}"), 403, 10007)
    for scope in ({"app": True}, {"domain": "127.0.0.1"}, {"stream": cast.stream.name, "final": True}):
        refused(stella.post("rules", {"kind": "record", "template": wide.pk, **scope}), 403, 10007)
    body = {"kind": "record", "template": wide.pk, "stream": cast.stream.name, "final": True}
    rule = given(cast.server().post("rules", body), 201)
    refused(stella.delete(f"rules/{rule['id']}"), 403, 10007)
    refused(stella.patch(f"rules/{rule['id']}", {"final": False}), 403, 10007)
    refused(stella.post("rules", {**body, "template": None, "final": False}), 403, 10007)
    for person in (cast.mia, cast.max, cast.zed):
        refused(cast.api(person).post("templates/record", {"name": "x", "mp4": {}, "stream": cast.stream.name}), 403)
    assert Template.objects.count() == 1


def test_another_apps_streams_templates_and_domains_are_unknown(cast, ritas):
    theirs = Stream.objects.get(room=ritas)
    rita, server = cast.api(cast.rita), cast.server()
    made = given(rita.post("templates/record", {"name": "r", "mp4": {}, "stream": theirs.name}), 201)
    rule = Rule.objects.get(stream=theirs)
    for path in (f"templates/record/{made['id']}", f"rules/{rule.pk}", f"streams/{theirs.name}/plans"):
        refused(server.get(path), 404)
    refused(server.post("rules", {"kind": "record", "template": made["id"], "app": True}), 404, name="template_unknown")
    refused(server.post("rules", {"kind": "record", "template": None, "stream": theirs.name}), 404)
    cast.other_app.domains.create(kind="push", name="push.example.com")
    refused(server.post("rules", {"kind": "record", "template": None, "domain": "push.example.com"}), 404)
    refused(server.post("templates/record", {"name": "x", "mp4": {}, "stream": theirs.name}), 404)
    assert given(server.get("templates/record"))["results"] == given(server.get("rules"))["results"] == []


def test_a_streams_own_template_binds_no_other_stream(cast):
    own, server = make_template(cast, name="own", own=True), cast.server()
    other = given(server.post("rooms/r1/streams", {"label": "screen"}), 201)["name"]
    for scope in ({"app": True}, {"stream": other}):
        problem = refused(server.post("rules", {"kind": "record", "template": own.pk, **scope}), 400, 10004)
        assert problem["field"] == "template"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "record", "template": None}, "app"),
        ({"kind": "record", "template": None, "app": True, "stream": "x"}, "stream"),
        ({"kind": "record", "template": None, "app": 1}, "app"),
        ({"kind": "records", "template": None, "app": True}, "kind"),
        ({"kind": "record", "app": True}, "template"),
        ({"kind": "record", "template": None, "app": True, "scope": "x"}, "scope"),
        ({"kind": "record", "template": None, "app": True, "final": "yes"}, "final"),
    ],
)
def test_what_is_no_rule_is_refused(cast, body, field):
    assert refused(cast.server().post("rules", body), 400, 10004)["field"] == field


def test_a_rule_of_one_kind_takes_no_template_of_another(cast):
    ladder, server = make_template(cast, "transcode"), cast.server()
    body = {"kind": "record", "template": ladder.pk, "app": True}
    assert refused(server.post("rules", body), 400, 10004)["field"] == "template"
    refused(server.get(f"templates/record/{ladder.pk}"), 404, name="template_unknown")
    for odd in (0, -1, 2**70, "1", True, [], 1.0):
        refused(server.post("rules", {**body, "template": odd}), 404, name="template_unknown")
    for odd in ("0", "-1", "x", "٣", "9" * 40):
        refused(server.get(f"templates/transcode/{odd}"), 404, name="template_unknown")
        refused(server.get(f"rules/{odd}"), 404, name="rule_unknown")


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("transcode", {"rungs": [{"name": "a", "height": 7}]}, "rungs[0].height"),
        ("transcode", {"rungs": [{"name": "a", "height": 720, "video_bitrate_kbps": 30_000}]}, "rungs[0].video_bitrate_kbps"),
        ("transcode", {"preset": "slow"}, "preset"),
        ("transcode", {"rung": []}, "rung"),
        ("record", {"mp4": {"interval_seconds": 59}}, "mp4.interval_seconds"),
        ("record", {}, "settings"),
        ("snapshot", {"interval_seconds": 1}, "interval_seconds"),
        ("watermark", {}, "kind"),
        ("timeshift", {"delay_seconds": 601}, "delay_seconds"),
        ("timeshift", {"name": ""}, "name"),
        ("timeshift", {"name": "x" * 65}, "name"),
        ("timeshift", {"description": "x" * 301}, "description"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_with_its_place(cast, kind, said, field):
    problem = refused(cast.server().post(f"templates/{kind}", {"name": "x", **said}), 400, 10004)
    assert problem["field"] == field
    assert not Template.objects.exists()


def test_a_change_that_makes_no_template_changes_nothing(cast):
    template, server = make_template(cast), cast.server()
    where = f"templates/record/{template.pk}"
    before = given(server.get(where))
    for said in (
        {"mp4": None},
        {"flow_continue_seconds": -1},
        {"odd": 1},
        {"stream": cast.stream.name},
        {"name": None},
    ):
        refused(server.patch(where, said), 400, 10004)
    assert given(server.get(where)) == before


def test_names_are_unique_per_kind_in_the_app_and_of_a_stream(cast):
    server, stella = cast.server(), cast.api(cast.stella)
    one = given(server.post("templates/record", {"name": "n", "mp4": {}}), 201)
    refused(server.post("templates/record", {"name": "n", "mp4": {}}), 409, 10056, "template_name_taken")
    given(server.post("templates/snapshot", {"name": "n"}), 201)
    given(stella.post("templates/record", {"name": "n", "mp4": {}, "stream": cast.stream.name}), 201)
    other = given(server.post("templates/record", {"name": "m", "mp4": {}}), 201)
    refused(server.patch(f"templates/record/{other['id']}", {"name": "n"}), 409, 10056, "template_name_taken")
    assert given(server.patch(f"templates/record/{one['id']}", {"name": "n"}))["name"] == "n"


def test_a_template_of_the_app_that_rules_bind_is_not_deleted(cast):
    server, template = cast.server(), make_template(cast)
    rule = given(server.post("rules", {"kind": "record", "template": template.pk, "app": True}), 201)
    problem = refused(server.delete(f"templates/record/{template.pk}"), 409, 10056, "template_in_use")
    assert problem["rules"] == [rule["id"]]
    given(server.delete(f"rules/{rule['id']}"), 204)
    given(server.delete(f"templates/record/{template.pk}"), 204)


def test_a_stream_has_few_templates_of_its_own(cast):
    stella = cast.api(cast.stella)
    for n in range(10):
        given(stella.post("templates/snapshot", {"name": f"n{n}", "stream": cast.stream.name}), 201)
    refused(
        stella.post("templates/snapshot", {"name": "more", "stream": cast.stream.name}),
        409,
        10056,
        "too_many_templates",
    )
