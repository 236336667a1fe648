"""What load balancers, scrapers and browsers ask of a web process."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from django.conf import settings as configured
from django.test import Client

from liveroom.kernel.data import redis as kernel_redis
from tests.helpers.problems import refused

pytestmark = pytest.mark.django_db


def test_it_lives_and_is_ready():
    assert Client().get("/livez").content == b"ok\n"
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": "ok", "redis": "ok"})


@pytest.fixture
def no_redis(monkeypatch):
    """A Redis at an address where nobody listens."""
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    monkeypatch.setattr(kernel_redis, "shared", lambda: away)
    for module in (
        "liveroom.operations.shared",
        "liveroom.kernel.web.throttle.shared",
        "interactions.delivery.presence.one_room.redis_for",
    ):
        monkeypatch.setattr(module, lambda *_: away)


def test_without_redis_it_lives_and_is_not_ready(no_redis):
    assert Client().get("/livez").status_code == 200
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()["redis"]) == (503, "away")


def test_without_redis_a_question_that_needs_it_says_when_to_come_again(cast, no_redis):
    answer = cast.api(cast.mia).get("rooms/r1/online")
    refused(answer, 503, 10002)
    assert answer["Retry-After"] == "2"
    assert cast.api(cast.mia).get("rooms/r1").status_code == 200


def test_metrics_are_for_scrapers_inside():
    inside = Client().get("/metrics")
    assert inside.status_code == 200
    assert b"# TYPE" in inside.content
    assert Client().get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}).status_code == 404


ORIGIN = "https://live.example.com"


@pytest.fixture
def origins(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.CORS_ALLOW_ALL_ORIGINS = False


def preflight(origin: str, path: str = "/api/v1/rooms"):
    return Client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,room-password",
        },
    )


def test_a_configured_origin_may_use_the_api(cast, origins):
    answer = preflight(ORIGIN)
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    for header in ("authorization", "content-type", "idempotency-key", "room-password"):
        assert header in answer["Access-Control-Allow-Headers"]
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert method in answer["Access-Control-Allow-Methods"]
    read = Client().get("/api/v1/rooms", {"sdkappid": cast.app.sdkappid}, headers={"Origin": ORIGIN})
    assert read["Access-Control-Allow-Origin"] == ORIGIN
    assert "retry-after" in read["Access-Control-Expose-Headers"]
    missing = Client().get("/api/v1/rooms/none", {"sdkappid": cast.app.sdkappid}, headers={"Origin": ORIGIN})
    assert (missing.status_code, missing["Access-Control-Allow-Origin"]) == (404, ORIGIN)


def test_any_other_origin_may_not(origins):
    for origin in ("https://evil.example", "http://live.example.com", "null", ORIGIN + ".evil.example"):
        assert "Access-Control-Allow-Origin" not in preflight(origin)
    assert "Access-Control-Allow-Origin" not in preflight(ORIGIN, "/metrics")


def test_a_copy_in_development_is_open_to_every_page(cast):
    if configured.LIVEROOM.origins:
        pytest.skip("this copy names its origins")
    read = Client().get("/api/v1/rooms", {"sdkappid": cast.app.sdkappid}, headers={"Origin": "http://localhost:3000"})
    assert read["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in read


def test_the_demo_login_does_not_exist_in_production(cast, settings):
    settings.LIVEROOM = replace(settings.LIVEROOM, env="production")
    cast.app.demo = True
    cast.app.save()
    refused(cast.api(None).post("demo/tokens", {"nick": "Jo"}), 404)
