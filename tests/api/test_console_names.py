"""The console names people and leads to them; what is empty offers nothing that cannot be made; a word says what it means."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from interactions.gifts.services.topups import top_up
from interactions.models import ArchivedMessage, Order, Wallet
from liveroom.accounts.models import Person
from liveroom.accounts.services.profiles import change_profile
from liveroom.kernel import clock
from moderation.services.muting import mute_user
from streams.models import Publish, PushRefusal
from tests.helpers.console import page
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db


def link(person: Person) -> str:
    return f'href="{reverse("admin:accounts_person_change", args=(person.pk,))}"'


def listed(client: Client, name: str, **query: str) -> str:
    return client.get(reverse(f"admin:{name}_changelist"), query).content.decode()


def test_refused_pushes_orders_and_messages_name_people_and_lead_to_them(staff: Client, cast: Cast) -> None:
    now = clock.now()
    change_profile(person=cast.zed, changes={"nick": "<b>Zed</b>"})
    PushRefusal.objects.create(
        stream=cast.stream, first_at=now, at=now, code=501, reason="expired", text="The key expired."
    )
    PushRefusal.objects.create(
        stream=None, first_at=now, at=now, code=404, reason="unknown", text="No such stream.", given="x"
    )
    obs = "FMLE/3.0 (compatible; FMSc/1.0)"
    Publish.objects.create(stream=cast.stream, client_id="1", started_at=now, software=obs)
    top_up(person=cast.zed, amount=5, provider="staff", reference=None, key="k1", by=STAFF, now=now, reason="r")
    mute_user(room=cast.room, identifier="zed", seconds=60, reason="", by=STAFF, now=now)
    for text, sender in (("hello", "zed"), ("from nobody known", "ghost"), ("", "")):
        ArchivedMessage.objects.create(
            room=cast.room,
            event_id=f"e-{sender}",
            type="comment",
            at=now,
            sender=sender,
            text=text,
            priority=1,
            body={},
        )
    room = f'href="{page(cast.room)}"'
    for name in ("streams_pushrefusal", "streams_publish"):
        text = listed(staff, name)
        assert link(cast.stella) in text, name
        assert "Stella (stella)" in text, name
        assert room in text, name
    assert "OBS Studio" in listed(staff, "streams_publish")
    for name in ("interactions_order", "interactions_archivedmessage", "moderation_mute"):
        text = listed(staff, name)
        assert "&lt;b&gt;Zed&lt;/b&gt; (zed)" in text, name
        assert "<b>Zed" not in text, name
    for name in ("interactions_order", "interactions_archivedmessage"):
        assert link(cast.zed) in listed(staff, name)
    archive = listed(staff, "interactions_archivedmessage")
    assert "ghost" in archive
    assert "the system" in archive
    order = Order.objects.get()
    told = staff.get(reverse("admin:interactions_order_change", args=(order.pk,))).content.decode()
    assert "&lt;b&gt;Zed&lt;/b&gt; (zed)" in told
    first = staff.get(reverse("admin:index")).content.decode()
    assert link(cast.stella) in first


def test_a_wallets_statement_says_where_it_came_from(staff: Client, cast: Cast) -> None:
    top_up(person=cast.zed, amount=5, provider="staff", reference=None, key="k1", by=STAFF, now=clock.now(), reason="r")
    wallet = Wallet.objects.get(person=cast.zed)
    text = staff.get(reverse("admin:interactions_wallet_change", args=(wallet.pk,))).content.decode()
    assert "payment (staff)" in text


def test_blocked_says_what_it_means(staff: Client, cast: Cast) -> None:
    text = listed(staff, "accounts_person")
    assert "may log in" in text
    assert "blocked: refused" not in text
    Person.objects.filter(pk=cast.zed.pk).update(blocked=True)
    assert "blocked: refused everywhere" in listed(staff, "accounts_person")
    shown = staff.get(reverse("admin:accounts_person_change", args=(cast.zed.pk,))).content.decode()
    assert "blocked: refused everywhere" in shown


@pytest.mark.parametrize("name", ["moderation_mute", "streams_pushrefusal", "interactions_order", "interactions_draw"])
def test_an_empty_list_offers_nothing_that_cannot_be_made(staff: Client, cast: Cast, name: str) -> None:
    text = listed(staff, name)
    assert "Nothing here yet" in text
    assert "Create a new item" not in text
    assert reverse(f"admin:{name}_changelist") + "add/" not in text
    assert "filter_list_off" not in text


def test_an_empty_list_offers_what_can_be_made_and_to_forget_a_search(staff: Client, cast: Cast) -> None:
    text = listed(staff, "interactions_badge")
    assert "Nothing here yet" in text
    assert re.search(r'href="/admin/interactions/badge/add/[^"]*"', text)
    searched = listed(staff, "accounts_person", q="nobody at all")
    assert "Nothing fits" in searched
    assert "Show all" in searched


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("moderation_ban", {"room": "no"}, ("a room", "the whole app")),
        ("rooms_room", {"disbanded_at": "no"}, ("disbanded", "open")),
        ("streams_pushrefusal", {"stream": "no"}, ("known", "not known")),
    ],
)
def test_filters_speak_in_words(staff: Client, cast: Cast, name: str, query: dict, words: tuple[str, str]) -> None:
    answer = staff.get(reverse(f"admin:{name}_changelist"), query)
    assert answer.status_code == 200
    (found,) = [one for one in answer.context["cl"].filter_specs if getattr(one, "parameter_name", "") in query]
    assert [title for _, title in found.lookup_choices] == list(words)
