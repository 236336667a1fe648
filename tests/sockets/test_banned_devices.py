"""Whoever is banned does not come back as a guest of the same browser, while the app's setting says so."""

from __future__ import annotations

import pytest

from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.web import devices
from moderation.models import BanTrace
from moderation.services import banning
from tests.helpers.sockets import tell

pytestmark = pytest.mark.django_db(transaction=True)


def asked(cast, who):
    return {"room": cast.room, "by": cast.actor(cast.stella), "now": clock.now(), "identifier": who.identifier}


def cookie(value: str) -> dict[str, object]:
    return {"additional_headers": {"Cookie": f"theme=dark; {devices.COOKIE}={value}"}}


def test_a_banned_account_does_not_come_back_as_a_guest_of_its_browser(cast, calls):
    hers, another = devices.new_cookie(), devices.new_cookie()
    with calls(cast.mia, **cookie(hers)) as mia, calls(None, **cookie(hers)) as window, calls(None) as stranger:
        assert mia.joins("r1")["ok"]
        assert window.joins("r1")["ok"]
        assert stranger.joins("r1")["ok"]
        banning.ban_user(**asked(cast, cast.mia), seconds=3600)
        tell()
        assert mia.is_hung_up() == 4103
        assert window.is_hung_up() == 4103  # as a guest she was there, too
        assert stranger.asks("ping")["ok"]
    with (
        calls(None, **cookie(hers)) as again,
        calls(None, **cookie(another)) as zed,
        calls(cast.zed, **cookie(hers)) as brother,
    ):
        error = again.joins("r1")["error"]
        assert (error["code"], error["name"]) == (10007, "banned")
        assert error["banned_until"]
        assert zed.joins("r1")["ok"]
        assert brother.joins("r1")["ok"]  # another account of the same browser
    banning.lift_ban(**asked(cast, cast.mia))
    with calls(None, **cookie(hers)) as back:
        clock_waits_for_the_view(back)


def clock_waits_for_the_view(phone) -> None:
    """What is read for whoever comes is shared for a second."""
    for _ in range(40):
        answer = phone.joins("r1")
        if answer["ok"]:
            return
        assert answer["error"]["name"] == "banned"
    raise AssertionError("still banned")


def test_a_cookie_that_is_not_ours_names_no_device(cast, calls):
    device = devices.new_cookie().partition(".")[0]
    for value in (device, f"{device}.{'0' * 20}", "", "a.b.c", "\x7f"):
        assert devices.device_of(value) == ""
    with calls(cast.mia, **cookie(f"{device}.{'0' * 20}")) as mia:
        assert mia.joins("r1")["ok"]
        banning.ban_user(**asked(cast, cast.mia), seconds=60)
    assert not BanTrace.objects.filter(trace__startswith="d:").exists()


@pytest.mark.parametrize(("setting", "refused"), [(App.NOBODY, False), (App.DEVICE, False), (App.ADDRESS, True)])
def test_the_apps_setting_says_whether_the_address_counts(cast, calls, setting: str, refused: bool):
    cast.app.banned_guests = setting
    cast.app.save()
    with calls(cast.mia) as mia:
        assert mia.joins("r1")["ok"]
    banning.ban_user(**asked(cast, cast.mia), seconds=60)
    with calls(None) as guest:
        assert guest.joins("r1")["ok"] is not refused
