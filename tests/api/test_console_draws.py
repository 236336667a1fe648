"""Draws in the console: a streamer opens and cancels them on its room's page, staff learn who entered and why somebody did not win."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from interactions.draws.services import drawing, opening
from interactions.models import Draw, DrawEntry
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.helpers.console import act, page
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db

FORM = {"keyword": "666", "prize": "a rose", "winners": "1", "seconds": "60", "min_level": "2", "gift": "on"}


def opened(cast: Cast, **more: object) -> Draw:
    asked = {"keyword": "777", "prize": "a cake", "winners": 1, "seconds": 10, **more}
    return opening.open_draw(room=cast.room, by=STAFF, now=clock.now() - timedelta(seconds=60), **asked)  # type: ignore[arg-type]


def draw_page(draw: Draw) -> str:
    return reverse("admin:interactions_draw_change", args=(draw.pk,))


def test_a_streamer_opens_and_cancels_a_draw_on_its_rooms_page(stella: Client, cast: Cast, ritas: Room) -> None:
    assert stella.post(act(cast.room, "open-draw"), FORM).status_code == 302
    draw = Draw.objects.get()
    assert (draw.keyword, draw.min_level, draw.gift_senders_only, draw.followers_only) == ("666", 2, True, False)
    assert (draw.status, draw.by) == ("open", "stella")
    text = stella.get(page(cast.room)).content.decode()
    assert f"/d/{draw.number}" in text
    assert draw.seed not in text
    again = stella.post(act(cast.room, "open-draw"), FORM)
    assert "has this keyword" in str(again.context["item"]["form"].errors["keyword"])
    long = stella.post(act(cast.room, "open-draw"), FORM | {"keyword": "汉" * 21})
    assert "63 bytes" in str(long.context["item"]["form"].errors["keyword"])
    assert stella.get(draw_page(draw)).status_code in (302, 403, 404)
    elsewhere = opening.open_draw(room=ritas, keyword="x", prize="p", winners=1, seconds=60, by=STAFF, now=clock.now())
    assert stella.post(act(cast.room, "cancel-draw"), {"draw": elsewhere.number}).status_code == 404
    assert stella.post(act(cast.room, "cancel-draw"), {"draw": draw.number}).status_code == 302
    assert set(Draw.objects.filter(status="cancelled")) == {draw}


def test_staff_see_who_entered_who_won_and_why_somebody_did_not(staff: Client, cast: Cast) -> None:
    draw = opened(cast)
    DrawEntry.objects.bulk_create(
        DrawEntry(draw=draw, person=person, at=draw.opens_at) for person in (cast.mia, cast.max)
    )
    before = staff.get(draw_page(draw))
    assert before.status_code == 200
    assert draw.seed not in before.content.decode()
    assert "2 said the keyword" in before.content.decode()
    assert drawing.finish_draw(draw_id=draw.pk, now=clock.now()) is not None
    after = staff.get(draw_page(draw), {"why": "max"})
    text = after.content.decode()
    assert draw.seed in text
    assert "1 took part" in text
    assert "refused: staff" in text
    assert "was refused: the owner and the admins" in text
    assert "no user &#x27;&lt;b&gt;&#x27;" in staff.get(draw_page(draw), {"why": "<b>"}).content.decode()
    listed = staff.get(after.context["panel"]["entries_url"] + "&refused=staff")
    assert [row.person for row in listed.context["cl"].result_list] == [cast.max]
    assert staff.get(reverse("admin:interactions_draw_changelist"), {"q": "cake"}).status_code == 200
    table = staff.get(after.context["panel"]["csv_url"])
    assert table["Content-Disposition"] == f'attachment; filename="winners-{draw.number}.csv"'


def test_staff_cancel_a_draw_and_see_what_a_late_one_waits_for(
    staff: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = opened(cast)
    monkeypatch.setattr("interactions.draws.explaining.archive.read_up_to", lambda *, now: now - timedelta(seconds=99))
    assert "The archive is 99 s behind" in staff.get(draw_page(draw)).content.decode()
    cancel = reverse("admin:interactions_draw_act", args=(draw.pk, "cancel"))
    assert staff.post(cancel).status_code == 302
    assert Draw.objects.get().status == "cancelled"
    assert "Nobody wins" not in staff.get(draw_page(draw)).content.decode()
