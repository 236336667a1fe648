"""The console of money: the catalog, wallets, orders and refunds, whether it all adds up."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from interactions.gifts.services.buying import buy_gift
from interactions.gifts.services.icons import MOST_BYTES
from interactions.models import ArchivedMessage, Gift, Order, SentGift, Wallet
from liveroom.accounts.models import App, Login
from liveroom.kernel import clock, outbox
from liveroom.kernel.models import AuditEntry
from tests.helpers.console import filled, logged_in
from tests.helpers.money import balance_of, fill, make_gift, speaker
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def picture(name: str = "rose.exe") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 90)).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue())


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:interactions_{name}", args=args)


def bought(cast: Cast, *, told: bool = True) -> Order:
    make_gift(cast.app, "rose", price=10, combo=False)
    fill(cast.mia, 100)
    answer = buy_gift(room=cast.room, gift="rose", count=3, key="k1", speaker=speaker(cast.mia), now=clock.now())
    if told:
        outbox.handle_batches(now=clock.now())
    return Order.objects.get(number=answer["order"])


def test_staff_fill_the_catalog_with_pictures(staff: Client, cast: Cast) -> None:
    add = url("gift_add")
    said = {
        "app": cast.app.pk,
        "code": "rose",
        "name": "Rose",
        "kind": "1",
        "price": "10",
        "place": "1",
        "combo": "on",
        "enabled": "on",
    }
    answer = staff.post(add, {**said, "icon": picture()})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    gift = Gift.objects.get(code="rose")
    assert (gift.price, gift.combo, gift.enabled) == (10, True, True)
    assert gift.icon.name.endswith(".png")
    assert gift.icon.url in staff.get(url("gift_changelist")).content.decode()
    page = url("gift_change", gift.pk)
    answer = staff.post(page, {**filled(staff, page, price="12"), "enabled": "", "icon": ""})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    changed = Gift.objects.get(code="rose")
    assert (changed.price, changed.enabled, changed.icon.name) == (12, False, gift.icon.name)
    assert AuditEntry.objects.get(action="gift.change").detail == {"price": [10, 12], "enabled": [True, False]}
    staff.post(page, {**filled(staff, page), "icon": "", "icon-clear": "on"})
    assert not Gift.objects.get(code="rose").icon


def test_what_is_no_gift_is_refused_beside_its_field(staff: Client, cast: Cast) -> None:
    make_gift(cast.app, "rose")
    said = {"app": cast.app.pk, "code": "lily", "name": "Lily", "kind": "1", "price": "10", "place": "1"}
    svg = SimpleUploadedFile("a.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', content_type="image/png")
    large = SimpleUploadedFile("a.png", b"x" * (MOST_BYTES + 1))
    for field, value, words in (
        ("code", "rose", "already"),
        ("code", "Ä", "a-z"),
        ("price", "0", "1,000,000,000"),
        ("effect", "a.json", "full effect"),
        ("icon", svg, "SVG"),
        ("icon", large, "262,145"),
    ):
        answer = staff.post(url("gift_add"), {**said, field: value})
        assert answer.status_code == 200
        assert words in str(answer.context["adminform"].form.errors[field]), field
    assert Gift.objects.count() == 1


def test_an_order_tells_who_paid_and_what_the_room_was_told(staff: Client, cast: Cast) -> None:
    order = bought(cast)
    sent = SentGift.objects.select_related("message").get(order=order)
    assert sent.message is not None
    heard = ArchivedMessage.objects.create(
        room=cast.room,
        seq=1,
        epoch="a",
        event_id=sent.message.message_id,
        type="gift",
        sender="mia",
        body={},
        at=clock.now(),
    )
    for asked in (order.number, "mia", order.key, "k1"):
        assert order.number in staff.get(url("order_changelist"), {"q": asked}).content.decode(), asked
    assert order.number not in staff.get(url("order_changelist"), {"q": "k2"}).content.decode()
    text = staff.get(url("order_change", order.pk)).content.decode()
    for words in ("stella", "the house", sent.message.message_id, url("archivedmessage_change", heard.pk), "3 × "):
        assert words in text, words
    assert order.number in staff.get(url("sentgift_changelist")).content.decode()
    assert staff.get(url("sentgift_change", sent.pk)).status_code == 200


def test_staff_refund_with_a_reason_and_the_page_says_so(staff: Client, cast: Cast) -> None:
    order = bought(cast)
    Wallet.objects.filter(person=cast.stella).update(balance=1)
    act = url("order_act", order.pk, "refund")
    assert "15" in str(staff.post(act, {"reason": "fraud"}).context["item"]["form"].errors)
    assert "required" in str(staff.post(act, {"reason": ""}).context["item"]["form"].errors)
    assert staff.post(act, {"reason": "fraud", "house_bears": "on"}).status_code == 302
    assert balance_of(cast.mia) == 100
    made = Order.objects.get(refund_of=order)
    assert made.by == "boss"
    text = staff.get(url("order_change", order.pk)).content.decode()
    assert made.number in text
    assert act not in text
    assert staff.post(act, {"reason": "again"}).status_code == 409
    assert order.number in staff.get(url("order_change", made.pk)).content.decode()


def test_a_wallet_shows_its_statement_and_staff_top_it_up_once_per_form(staff: Client, cast: Cast) -> None:
    bought(cast)
    wallet = Wallet.objects.get(person=cast.mia)
    act = url("wallet_act", wallet.pk, "top-up")
    for _ in range(2):
        assert staff.post(act, {"amount": "50", "reason": "a prize", "key": "form-1"}).status_code == 302
    assert "300" in str(staff.post(act, {"amount": "5", "reason": "x" * 301}).context["item"]["form"].errors)
    assert balance_of(cast.mia) == 120
    text = staff.get(url("wallet_change", wallet.pk)).content.decode()
    for words in ("+50", "120", "-15", "the house", "a prize"):
        assert words in text, words
    assert wallet.pk in [row.pk for row in staff.get(url("wallet_changelist"), {"q": "mia"}).context["cl"].result_list]
    house = Wallet.objects.get(app=cast.app, kind=Wallet.HOUSE)
    told = staff.get(url("wallet_change", house.pk)).content.decode()
    assert "+15" in told
    # Whose purse it came from, by name, with a link.
    assert f'href="/admin/accounts/person/{cast.mia.pk}/change/">Mia (mia)</a>' in told
    assert staff.get(url("wallet_change", wallet.pk), {"before": "x"}).status_code == 200


def test_nothing_of_money_is_added_changed_or_deleted_by_hand(staff: Client, cast: Cast) -> None:
    order = bought(cast)
    for name, pk in (
        ("order", order.pk),
        ("wallet", Wallet.objects.get(person=cast.mia).pk),
        ("sentgift", SentGift.objects.get().pk),
    ):
        assert staff.get(url(f"{name}_add")).status_code == 403
        assert staff.post(url(f"{name}_change", pk), {"amount": 1}).status_code == 403
        assert staff.post(url(f"{name}_delete", pk), {"post": "yes"}).status_code == 403


def test_the_books_are_proved_on_a_page(staff: Client, cast: Cast) -> None:
    bought(cast)
    page = reverse("admin:reconciliation")
    assert "add up." not in staff.get(page).content.decode()
    assert "The books add up." in staff.post(page, {"app": cast.app.pk}).content.decode()
    Wallet.objects.filter(person=cast.mia).update(balance=1)
    text = staff.post(page).content.decode()
    assert "do not add up" in text
    assert "(mia)" in text


def test_a_streamer_sees_her_own_earnings_and_no_other_money(stella: Client, staff: Client, cast: Cast) -> None:
    order = bought(cast)
    text = stella.get(reverse("admin:earnings")).content.decode()
    assert "+15" in text
    assert reverse("admin:earnings") in stella.get(reverse("admin:index")).content.decode()
    assert stella.get(reverse("admin:earnings_file"))["Content-Type"].startswith("text/csv")
    assert reverse("admin:reconciliation") not in text
    for hidden in (
        url("order_changelist"), url("order_change", order.pk), url("wallet_changelist"), url("gift_changelist"),
        url("sentgift_changelist"), reverse("admin:reconciliation"), url("wallet_change", Wallet.objects.get(person=cast.stella).pk),
    ):  # fmt: skip
        assert stella.get(hidden).status_code in (403, 404), hidden
    assert stella.post(url("order_act", order.pk, "refund"), {"reason": "mine"}).status_code in (403, 404)
    wallet = Wallet.objects.get(person=cast.stella)
    assert stella.get(reverse("admin:interactions_wallet_statement", args=(wallet.pk,))).status_code == 404
    assert staff.get(reverse("admin:earnings")).status_code == 302
    nobody = logged_in(Login.objects.create(username="nobody", is_staff=True))
    assert nobody.get(reverse("admin:earnings")).status_code == 404


def test_the_app_says_what_its_money_is_called_and_who_may_fill_purses(staff: Client, cast: Cast) -> None:
    page = reverse("admin:accounts_app_change", args=(cast.app.pk,))
    text = staff.get(page).content.decode()
    assert cast.app.topup_secret not in text
    answer = staff.post(page, filled(staff, page, currency="stars", gift_share_percent="70", test_topups="on"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    app = App.objects.get(pk=cast.app.pk)
    assert (app.currency, app.gift_share_percent, app.test_topups) == ("stars", 70, True)
    assert app.level_weights == cast.app.level_weights
    act = reverse("admin:accounts_app_act", args=(app.pk, "show-topup-secret"))
    assert app.topup_secret in staff.post(act).content.decode()
    renew = reverse("admin:accounts_app_act", args=(app.pk, "renew-topup-secret"))
    staff.post(renew, {"secret": ""})
    renewed = App.objects.get(pk=app.pk).topup_secret
    assert renewed != app.topup_secret
    assert staff.post(renew, {"secret": "short"}).status_code == 400
    staff.post(renew, {"secret": "whsec_of_the_provider_1"})
    assert App.objects.get(pk=app.pk).topup_secret == "whsec_of_the_provider_1"
    assert "whsec" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert staff.post(page, filled(staff, page, level_thresholds="[5, 1]")).status_code == 200


def test_the_overview_says_that_gifts_wait_for_a_relay(staff: Client, cast: Cast) -> None:
    outbox.handle_batches(now=clock.now())
    while outbox.handle_pending(now=clock.now())[0]:
        pass
    bought(cast, told=False)
    found = staff.get(reverse("admin:index")).context["overview"]
    assert (found["waiting"], found["stuck"]) == (1, False)
    SentGift.objects.update(at=clock.now() - timedelta(seconds=11))
    assert staff.get(reverse("admin:index")).context["overview"]["stuck"]
    until = time.monotonic() + 3  # the room may have a place for it at its next tick only
    while staff.get(reverse("admin:index")).context["overview"]["waiting"] and time.monotonic() < until:
        outbox.handle_batches(now=clock.now())
    found = staff.get(reverse("admin:index")).context["overview"]
    assert (found["waiting"], found["stuck"]) == (0, False)
