"""How often somebody may ask over REST (liveroom/accounts/api/throttles.py), on a view of the tests' own."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db


class TwiceADay(CountedThrottle):
    what, limit, per_seconds = "tests", 2, 86_400


class Waved(APIView):
    throttle_classes = (TwiceADay,)

    @open_to("user.follow")
    def get(self, request: Any) -> Response:
        return Response({})

    @open_to("user.follow")
    def post(self, request: Any) -> Response:
        return Response({})


def ask(method: str, bearer: str | None) -> Any:
    request = getattr(APIRequestFactory(), method)("/")
    if bearer:
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
    return Waved.as_view()(request)


@pytest.fixture(autouse=True)
def a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window ends while a test counts."""
    now_ms = clock.now_ms() // 86_400_000 * 86_400_000 + 1_000
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms)


def test_whoever_is_too_fast_is_told_how_long_to_wait_and_nobody_else(cast: Cast) -> None:
    mia, zed = cast.usersig(cast.mia), cast.usersig(cast.zed)
    assert [ask("post", mia).status_code for _ in range(3)] == [200, 200, 429]
    late = ask("post", mia)
    assert (late.data["code"], late.data["name"], late.data["limit"]) == (60018, "too_often", 2)
    assert late["Retry-After"] == "86399"
    assert late.data["retry_after_ms"] == 86_399_000
    assert ask("post", zed).status_code == 200


def test_reading_is_not_counted(cast: Cast) -> None:
    mia = cast.usersig(cast.mia)
    assert [ask("get", mia).status_code for _ in range(4)] == [200] * 4
    assert ask("post", mia).status_code == 200


def test_who_may_not_ask_spends_nothing(cast: Cast) -> None:
    assert [ask("post", None).status_code for _ in range(4)] == [401] * 4
