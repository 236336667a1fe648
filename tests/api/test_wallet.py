"""Wallets, payments, the catalog and the rankings, as apps and their servers meet them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from interactions.gifts.services import topups
from interactions.gifts.services.buying import buy_gift
from interactions.gifts.services.providers import TestProvider
from interactions.models import Gift, GiftTotal, LedgerEntry, Order
from liveroom.accounts.models import ApiKey, App
from liveroom.demo import making as demo
from liveroom.kernel import clock
from liveroom.kernel.web.csv_file import lines
from tests.helpers.money import balance_of, fill, make_gift, speaker
from tests.helpers.people import Api, Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db


def pays(api: Api, user: str = "mia", *, key: str = "k1", **said: Any) -> Any:
    return api.post(f"wallets/{user}/topups", {"amount": 100, **said}, **{"Idempotency-Key": key})


# -- wallets


def test_one_sees_what_one_has_and_where_it_went(cast: Cast) -> None:
    mia = cast.api(cast.mia)
    assert given(mia.get("wallet")) == {"user": "mia", "balance": 0, "currency": "coins"}
    assert given(mia.get("wallet/entries")) == {"next": None, "results": []}
    given(pays(cast.server()), 201)
    make_gift(cast.app, "rose", price=10)
    for n in range(3):
        buy_gift(room=cast.room, gift="rose", count=n + 1, key=f"k{n}", speaker=speaker(cast.mia), now=clock.now())
    assert given(mia.get("wallet"))["balance"] == 40
    page = given(mia.get("wallet/entries", {"limit": 4}))
    seen = page["results"]
    while page["next"]:
        page = given(mia.get(page["next"].partition("testserver")[2]))
        seen += page["results"]
    assert [entry["balance"] for entry in seen] == [40, 55, 70, 80, 90, 95, 100]
    assert seen[0] == {
        **seen[0], "kind": "gift", "amount": -15, "counterpart": "the house", "room": "r1", "gift": "rose", "count": 3,
    }  # fmt: skip
    assert (seen[-1]["kind"], seen[-1]["amount"], seen[-1]["counterpart"]) == ("topup", 100, "payment (server)")


def test_a_cursor_that_is_none_of_ours_is_refused(cast: Cast) -> None:
    fill(cast.mia, 5)
    for wrong in ("x", "LTE=", "MS41", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é", "%00"):
        refused(cast.api(cast.mia).get("wallet/entries", {"cursor": wrong}), 400)


def test_nobody_reads_or_fills_the_wallet_of_another(cast: Cast) -> None:
    fill(cast.mia, 5)
    for api in (cast.api(cast.zed), cast.api(cast.stella), cast.api(None)):
        assert api.get("wallets/mia").status_code in (401, 403)
        assert pays(api).status_code in (401, 403)
    for path in ("wallet", "wallet/entries", "wallet/statement.csv"):
        refused(cast.api(None).get(path), 401)
    ApiKey.objects.update(scopes=["rooms", "messages", "people"])
    refused(cast.server().get("wallets/mia"), 403, name="not_permitted")
    refused(pays(cast.server()), 403, name="not_permitted")
    assert balance_of(cast.mia) == 5


def test_the_server_of_another_app_does_not_know_her(cast: Cast) -> None:
    key = ApiKey.objects.create(app=cast.other_app, label="x", secret_id="other", secret_key="s", scopes=["money"])
    refused(pays(Api(bearer=key.bearer, client=Client())), 404, name="user_unknown")


def test_a_server_pays_once_per_key_and_per_reference(cast: Cast) -> None:
    server = cast.server()
    first = given(pays(server, reference="pay-1"), 201)
    assert given(pays(server, reference="pay-1"), 201) == first
    assert given(pays(server, reference="pay-1", key="k2"), 201) == first
    refused(pays(server, reference="pay-1", amount=7), 409)
    refused(pays(server, user="zed", reference="pay-1", key="k3"), 409)
    assert balance_of(cast.mia) == 100
    assert given(server.get("wallets/mia")) == {"user": "mia", "balance": 100, "currency": "coins"}


def test_bad_amounts_keys_and_references_are_refused_by_name(cast: Cast) -> None:
    server = cast.server()
    for amount in (0, -1, 1.5, "7", True, None, 10**12 + 1, 10**30):
        assert refused(pays(server, amount=amount), 400)["field"] == "amount"
    for key in ("", "x" * 201, "a\x01"):
        assert refused(pays(server, key=key), 400)["field"] == "Idempotency-Key"
    assert refused(server.post("wallets/mia/topups", {"amount": 5}), 400)["field"] == "Idempotency-Key"
    for reference in ("", "x" * 201, 5, ["a"]):
        assert refused(pays(server, reference=reference), 400)["field"] == "reference"
    assert not Order.objects.exists()


def test_a_full_wallet_takes_no_more(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(topups, "FULL", 150)
    given(pays(cast.server()), 201)
    assert refused(pays(cast.server(), key="k2"), 409, name="wallet_full")["limit"] == 150


# -- statements


def read_csv(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    text = b"".join(answer).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_statement_is_a_file_of_all_of_it_or_of_a_span(cast: Cast, monkeypatch: Any) -> None:
    from interactions.gifts.selectors import statements

    monkeypatch.setattr(statements, "PART", 2)
    for _ in range(5):
        fill(cast.mia, 5)
    mia = cast.api(cast.mia)
    rows = read_csv(mia.get("wallet/statement.csv"))
    assert [row["balance"] for row in rows] == ["5", "10", "15", "20", "25"]
    middle = LedgerEntry.objects.order_by("id")[2].at.isoformat()
    assert [row["balance"] for row in read_csv(mia.get("wallet/statement.csv", {"from": middle}))] == ["15", "20", "25"]
    assert [row["balance"] for row in read_csv(mia.get("wallet/statement.csv", {"to": middle}))] == ["5", "10"]
    assert read_csv(cast.api(cast.zed).get("wallet/statement.csv")) == []
    late = (clock.now() + timedelta(days=1)).isoformat()
    assert refused(mia.get("wallet/statement.csv", {"from": late, "to": middle}), 400)["field"] == "to"
    assert refused(mia.get("wallet/statement.csv", {"from": "yesterday"}), 400)["field"] == "from"


def test_a_spreadsheet_runs_nothing_of_ours() -> None:
    said = lines([['=HYPERLINK("x")', "+1", "-1", "@a", " =1", "\t=1", "a=1", -5, None]])
    [row] = csv.reader(io.StringIO(said))
    assert row == ['\'=HYPERLINK("x")', "'+1", "'-1", "'@a", "' =1", "'\t=1", "a=1", "-5", ""]


# -- the webhook


def told(cast: Cast, body: bytes, *, signature: str | None = None, provider: str = "test", **query: Any) -> Any:
    if signature is None:
        signature = TestProvider().sign(body, secret=cast.app.topup_secret, now=clock.now())
    return Client().post(
        f"/api/v1/topups/{provider}?sdkappid={query.get('sdkappid', cast.app.sdkappid)}", body,
        content_type="text/plain", headers={"Topup-Signature": signature},
    )  # fmt: skip


PAID = b'{"reference": "pay-1", "user": "mia", "amount": 7}'


def test_a_payment_is_taken_once_by_its_signed_word(cast: Cast) -> None:
    App.objects.filter(pk=cast.app.pk).update(test_topups=True)
    first = given(told(cast, PAID))
    assert given(told(cast, PAID)) == first
    refused(told(cast, PAID.replace(b"7", b"8")), 409)
    refused(told(cast, PAID, signature="t=1,v1=" + "0" * 64), 403, name="signature_refused")
    refused(told(cast, PAID, signature=""), 403, name="signature_refused")
    for junk in (
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"user": "mia"}',
        b'{"a": 1, "a": 2}',
        b"[" * 5_000,
        PAID.replace(b"7", b"NaN"),
    ):
        refused(told(cast, junk), 400)
    refused(told(cast, PAID.replace(b"mia", b"nobody")), 404)
    assert balance_of(cast.mia) == 7


def test_there_is_no_such_door_for_apps_without_that_provider(cast: Cast) -> None:
    refused(told(cast, PAID), 404, name="provider_unknown")
    refused(told(cast, PAID, provider="else"), 404, name="provider_unknown")
    App.objects.update(test_topups=True)
    # Signed with the secret of another app.
    refused(told(cast, PAID, sdkappid=cast.other_app.sdkappid), 403, name="signature_refused")
    refused(told(cast, PAID, sdkappid=1), 404, name="app_unknown")


# -- the demo


def test_the_demo_has_gifts_of_each_kind_and_gives_coins_away(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    refused(cast.api(cast.mia).post("demo/topups"), 404)
    demo.make_demo(now=clock.now())
    app = App.objects.get(sdkappid=demo.SDKAPPID)
    assert set(Gift.objects.filter(app=app).values_list("kind", flat=True)) == {1, 2, 3}
    stella = app.people.get(identifier="max")
    viewer = cast.api(stella)
    assert given(viewer.post("demo/topups"), 201) == {"user": "max", "balance": 1000, "currency": "coins"}
    assert given(viewer.post("demo/topups", {"amount": 5}), 201)["balance"] == 1005
    for amount in (0, 1001, "5", -1):
        refused(viewer.post("demo/topups", {"amount": amount}), 400)
    refused(cast.api(None).post("demo/topups"), 401)
    for _ in range(14):
        viewer.post("demo/topups", {"amount": 5})
    assert viewer.post("demo/topups", {"amount": 5}).status_code == 429


# -- the catalog and the rankings


def test_everybody_sees_what_can_be_given_in_its_order(cast: Cast, settings: Any) -> None:
    make_gift(cast.app, "rocket", price=500, kind=3, effect="page/gifts/rocket.json", place=2, unit="pcs", combo=False)
    make_gift(cast.app, "rose", place=1, icon="gifts/a.png")
    make_gift(cast.app, "old", enabled=False)
    make_gift(cast.other_app, "else")
    for api in (cast.api(cast.mia), cast.server(), cast.api(None)):
        found = given(api.get("gifts", {"sdkappid": cast.app.sdkappid}))
        assert [gift["id"] for gift in found["results"]] == ["rose", "rocket"]
    http = settings.LIVEROOM.public_http
    assert found["currency"] == "coins"
    assert found["results"][0]["icon"] == f"{http}/media/gifts/a.png"
    assert found["results"][1] == {
        "id": "rocket", "name": "Rocket", "type": 3, "price": 500, "unit": "pcs", "icon": "", "combo": False,
        "effect": f"{http}/static/page/gifts/rocket.json",
    }  # fmt: skip


def test_a_ranking_shows_who_gave_most_and_where_one_stands(cast: Cast) -> None:
    now = clock.now()
    periods = {
        "all": "",
        "day": now.date().isoformat(),
        "week": f"{now.isocalendar().year}-W{now.isocalendar().week:02}",
    }
    for scope, period in periods.items():
        for person, value in ((cast.mia, 30), (cast.zed, 50), (cast.max, 30), (cast.stella, 0)):
            GiftTotal.objects.create(room=cast.room, scope=scope, period=period, person=person, value=value, count=2)
        found = given(cast.api(cast.max).get("rooms/r1/ranking", {"scope": scope}))
        assert found["period"] == period
        assert [(e["place"], e["user"]["id"], e["value"]) for e in found["entries"]] == [
            (1, "zed", 50), (2, "mia", 30), (2, "max", 30),
        ]  # fmt: skip
        assert found["me"]["place"] == 2
    short = given(cast.api(cast.max).get("rooms/r1/ranking", {"scope": "all", "limit": 1}))
    assert ([e["user"]["id"] for e in short["entries"]], short["me"]["place"]) == (["zed"], 2)
    assert given(cast.api(cast.mia).get("rooms/r1/ranking")) == {"scope": "stream", "period": "", "entries": []}
    assert "me" not in given(cast.api(None).get("rooms/r1/ranking", {"scope": "all", "sdkappid": cast.app.sdkappid}))
    assert refused(cast.api(cast.mia).get("rooms/r1/ranking", {"scope": "month"}), 400)["field"] == "scope"
