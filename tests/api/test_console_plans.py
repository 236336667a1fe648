"""Templates and rules on staff's pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from streams.models import Rule, Template
from streams.plans.forms import form_of, rungs_read, rungs_text
from streams.plans.settings import KINDS, read, written
from tests.helpers.console import filled
from tests.helpers.people import Cast
from tests.helpers.plans import make_template

pytestmark = pytest.mark.django_db

RULES, ADD_RULE = reverse("admin:streams_rule_changelist"), reverse("admin:streams_rule_add")
TEMPLATES, ADD = reverse("admin:streams_template_changelist"), reverse("admin:streams_template_add")


def page(row: Any) -> str:
    return reverse(f"admin:streams_{row._meta.model_name}_change", args=(row.pk,))


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_added_and_saved_as_it_is_shown(staff: Client, cast: Cast, kind: str) -> None:
    staff.post(ADD, {"app": cast.app.pk, "kind": kind, "name": "evening", "description": ""})
    template = Template.objects.get()
    before = template.settings
    assert read(kind, before)
    answer = staff.post(page(template), filled(staff, page(template), description="for the evening"))
    assert answer.status_code == 302, answer.context["errors"]
    template.refresh_from_db()
    assert (template.settings, template.description) == (before, "for the evening")
    assert "evening" in staff.get(TEMPLATES).content.decode()


def test_formats_of_a_recording_are_switched(staff: Client, cast: Cast) -> None:
    template = make_template(cast, "record")
    said = {**filled(staff, page(template)), "mp3": "on", "mp3.interval_seconds": "600", "mp4.storage_seconds": "86400"}
    staff.post(page(template), said)
    template.refresh_from_db()
    assert template.settings["mp3"]["interval_seconds"] == 600
    assert template.settings["mp4"]["storage_seconds"] == 86400
    assert template.settings["flv"] is None


def test_what_is_out_of_bounds_is_said_beside_its_field(staff: Client, cast: Cast) -> None:
    template = make_template(cast, "record")
    answer = staff.post(page(template), filled(staff, page(template), **{"mp4.interval_seconds": "5"}))
    assert "60" in str(answer.context["adminform"].form.errors["mp4.interval_seconds"])
    ladder = make_template(cast, "transcode")
    answer = staff.post(page(ladder), filled(staff, page(ladder), rungs="a 721\nb 360 x"))
    assert "rungs[0].height" in str(answer.context["adminform"].form.errors["rungs"])


def test_rungs_are_lines(staff: Client, cast: Cast) -> None:
    ladder = make_template(cast, "transcode")
    answer = staff.post(page(ladder), filled(staff, page(ladder), rungs="hi 720 1500 128 30\n\nsound - - 64"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    ladder.refresh_from_db()
    assert [(rung["name"], rung["height"], rung["fps"]) for rung in ladder.settings["rungs"]] == [
        ("hi", 720, 30), ("sound", None, None)
    ]  # fmt: skip
    again = rungs_read(rungs_text(ladder.settings["rungs"]))
    assert written(read("transcode", {"rungs": again}))["rungs"] == tuple(ladder.settings["rungs"])
    assert rungs_read("a 1 2 3 4 5 6")[0]["more"] == "5 6"


def test_rules_are_bound_changed_and_deleted(staff: Client, cast: Cast) -> None:
    template, other = make_template(cast), make_template(cast, name="other")
    said = {"app": cast.app.pk, "kind": "record", "template": template.pk, "on_stream": cast.stream.name}
    assert staff.post(ADD_RULE, said).status_code == 302
    rule = Rule.objects.get()
    assert (rule.stream, rule.template) == (cast.stream, template)
    staff.post(page(rule), {"template": other.pk, "final": "on"})
    rule.refresh_from_db()
    assert (rule.template, rule.final) == (other, True)
    assert "other" in staff.get(RULES).content.decode()
    answer = staff.post(reverse("admin:streams_template_act", args=(other.pk, "delete")))
    assert answer.status_code == 409
    staff.post(reverse("admin:streams_rule_act", args=(rule.pk, "delete")))
    assert not Rule.objects.exists()
    staff.post(reverse("admin:streams_template_act", args=(other.pk, "delete")))
    assert not Template.objects.filter(pk=other.pk).exists()


def test_a_rule_that_fits_nothing_is_refused_beside_its_field(staff: Client, cast: Cast) -> None:
    ladder = make_template(cast, "transcode")
    said = {"app": cast.app.pk, "kind": "record", "template": ladder.pk}
    assert staff.post(ADD_RULE, said).context["adminform"].form.errors["template"]
    assert staff.post(ADD_RULE, {**said, "on_stream": "none"}).context["adminform"].form.errors["on_stream"]
    domain = cast.other_app.domains.get(kind="push")
    said = {**said, "kind": "transcode", "domain": domain.pk}
    assert staff.post(ADD_RULE, said).context["adminform"].form.errors["domain"]
    assert not Rule.objects.exists()


def test_streamers_do_not_see_them(stella: Client, cast: Cast) -> None:
    for url in (RULES, TEMPLATES, ADD, page(make_template(cast))):
        assert stella.get(url).status_code in (302, 403, 404)


def test_each_form_has_a_field_for_each_setting() -> None:
    for kind, shape in KINDS.items():
        assert set(shape.__struct_fields__) <= set(form_of(kind).base_fields)  # type: ignore[attr-defined]
