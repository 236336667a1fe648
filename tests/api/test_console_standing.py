"""The console's pages of levels, badges and memberships, as staff use them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from interactions.models import Badge, Membership, PersonBadge
from interactions.people.services import levels
from liveroom.accounts.models import App, Person
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from tests.helpers.console import filled
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db


def test_a_badge_is_made_given_and_taken(staff: Client, cast: Cast) -> None:
    said = {
        "app": cast.app.pk,
        "code": "vip",
        "label": "★",
        "name": "Very important",
        "measure": "given",
        "at_least": 0,
        "place": 1,
    }
    assert staff.post(reverse("admin:interactions_badge_add"), said).status_code == 302
    badge = Badge.objects.get(code="vip")
    page = reverse("admin:interactions_badge_change", args=(badge.pk,))
    act = {name: reverse("admin:interactions_badge_act", args=(badge.pk, name)) for name in ("give", "take")}
    assert staff.post(act["give"], {"user": "mia"}).status_code == 302
    assert "Mia (mia) – given by boss" in staff.get(page).content.decode()
    refused = staff.post(act["give"], {"user": "rita"})
    assert "There is no user" in refused.content.decode()
    levels.follow_scores(now=clock.now() + timedelta(seconds=4))
    assert Person.objects.get(pk=cast.mia.pk).badges == ["★"]
    assert staff.post(act["take"], {"user": "mia"}).status_code == 302
    assert "was not given" in staff.post(act["take"], {"user": "mia"}).content.decode()
    assert not PersonBadge.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="badge.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["badge.create", "badge.give", "badge.take"]


def test_a_standing_says_what_is_missing_and_cannot_be_changed(staff: Client, cast: Cast) -> None:
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 60}, now)
    Membership.objects.create(person=cast.max, since=now)
    levels.follow_scores(now=now + timedelta(seconds=4))
    person = staff.get(reverse("admin:accounts_person_change", args=(cast.mia.pk,))).content.decode()
    assert reverse("admin:interactions_score_changelist") + "?q=mia" in person
    listed = staff.get(
        reverse("admin:interactions_score_changelist"), {"q": "mia", "person__app__id__exact": cast.app.pk}
    )
    assert listed.status_code == 200
    url = reverse("admin:interactions_score_change", args=(cast.mia.score.pk,))
    assert "140 points" in staff.get(url).content.decode()
    assert staff.post(url, {"points": 10**6}).status_code == 403
    assert "max" in staff.get(reverse("admin:interactions_membership_changelist")).content.decode()


def test_new_thresholds_of_an_app_move_everybody(staff: Client, cast: Cast) -> None:
    now = clock.now() - timedelta(minutes=1)
    levels.add_gift_values({cast.mia.pk: 60}, now)
    levels.follow_scores(now=now + timedelta(seconds=4))
    url = reverse("admin:accounts_app_change", args=(cast.app.pk,))
    assert staff.post(url, filled(staff, url, level_thresholds="[10, 20, 30]")).status_code == 302
    assert staff.post(url, filled(staff, url, level_thresholds="[30, 20]")).status_code == 200
    assert App.objects.get(pk=cast.app.pk).level_thresholds == [10, 20, 30]
    levels.follow_scores(now=clock.now() + timedelta(seconds=4))
    assert Person.objects.get(pk=cast.mia.pk).level == 3


def test_streamers_see_none_of_it(stella: Client, cast: Cast) -> None:
    for name in ("badge", "score", "membership"):
        assert stella.get(reverse(f"admin:interactions_{name}_changelist")).status_code in (302, 403)
