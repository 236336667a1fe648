"""What the environment may say: whatever is wrong is refused by the name of its variable, and no password is repeated."""

import secrets
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from liveroom.settings import env

SECRET = secrets.token_urlsafe(48)


def read(tmp_path: Path, **said: str) -> env.Environment:
    return env.read({"LIVEROOM_DATA": str(tmp_path), "LIVEROOM_SECRET_KEY": SECRET, **said})


BAD = [
    ("LIVEROOM_ENV", "prod"),
    ("LIVEROOM_HTTP_PORT", "http"),
    ("LIVEROOM_HTTP_PORT", "80.5"),
    ("LIVEROOM_WS_PORT", "70000"),
    ("LIVEROOM_RTMP_PORT", "-1"),
    ("LIVEROOM_GATEWAY_PORT", "nan"),
    ("LIVEROOM_WEB_PROCESSES", "1.5"),
    ("LIVEROOM_SOCKET_PROCESSES", "0"),
    ("LIVEROOM_END_AFTER_SECONDS", "two minutes"),
    ("LIVEROOM_PAUSE_AFTER_SECONDS", "inf"),
    ("LIVEROOM_WS_DEFLATE", "yes"),
    ("LIVEROOM_HOST", "https://live.example.com"),
    ("LIVEROOM_HOST", "live.example.com:8000"),
    ("LIVEROOM_HOST", "live.example.com/live"),
    ("LIVEROOM_HOST", "two words"),
    ("LIVEROOM_HOSTS", "https://live.example.com"),
    ("LIVEROOM_HOSTS", "live.example.com:443"),
    ("LIVEROOM_BIND", "localhost"),
    ("LIVEROOM_BIND", "0.0.0.0:8000"),
    ("LIVEROOM_BIND", "fe80::1%eth0"),
    ("LIVEROOM_ORIGINS", "live.example.com"),
    ("LIVEROOM_PUBLIC_URL", "https://example.com/live"),
    ("LIVEROOM_PUBLIC_URL", "https://example.com/live/"),
    ("LIVEROOM_PUBLIC_URL", "https://example.com?x=1"),
    ("LIVEROOM_PUBLIC_URL", "https://example.com#room"),
    ("LIVEROOM_PUBLIC_URL", "example.com"),
    ("LIVEROOM_PUBLIC_URL", "ftp://example.com"),
    ("LIVEROOM_PUBLIC_URL", "https://"),
    ("LIVEROOM_PUBLIC_URL", "https://example.com:port"),
    ("LIVEROOM_PUBLIC_URL", "https://[::1"),
    ("LIVEROOM_PUBLIC_WS_URL", "https://example.com/ws/v1"),
    ("LIVEROOM_PUBLIC_WS_URL", "wss:///ws/v1"),
    ("LIVEROOM_TRUSTED_PROXIES", "10.0.0.0/40"),
    ("LIVEROOM_METRICS_FROM", "prometheus"),
    ("LIVEROOM_MEDIA_ALLOW", "http://10.0.0.5"),
    ("LIVEROOM_MEDIA_ALLOW", "10.0.0.0/33"),
    ("LIVEROOM_MEDIA_ALLOW", "encoder.lan:rtmp"),
    ("LIVEROOM_MEDIA_ALLOW", "*"),
    ("LIVEROOM_MEDIA_ALLOW", "127.1"),
    ("DATABASE_URL", "mysql://u:hunter22@host/name"),
    ("DATABASE_URL", "postgres://u:hunter22@host"),
    ("DATABASE_URL", "postgres://u:hunter22@host:port/name"),
    ("DATABASE_URL", "u:hunter22"),
    ("REDIS_URL", "127.0.0.1:6379"),
    ("REDIS_URL", "http://:hunter22@127.0.0.1"),
    ("REDIS_URL", "redis://:hunter22@127.0.0.1:sixthousand/0"),
    ("REDIS_URL", "redis://:hunter22@127.0.0.1:6379/zero"),
    ("REDIS_URL", "redis://:hunter22@[::1"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(tmp_path, name, value):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(tmp_path, **{name: value})
    assert name in str(refused.value)
    assert "hunter22" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("folder", ["a$b", "a;b", 'a"b', "a'b", "a\\b", "a\nb", "a{b}", "a#b"])
def test_a_folder_that_nginx_cannot_read_is_refused_by_name(tmp_path, folder):
    with pytest.raises(ImproperlyConfigured, match="LIVEROOM_DATA"):
        env.data_folder({"LIVEROOM_DATA": str(tmp_path / folder)})


@pytest.mark.parametrize("folder", ["mein Raum ü", "a(b)", "a@b", "日本", "a%20b"])
def test_a_folder_with_blanks_and_letters_of_any_kind_is_taken(tmp_path, folder):
    assert env.data_folder({"LIVEROOM_DATA": str(tmp_path / folder)}) == tmp_path / folder


@pytest.mark.parametrize(
    "url", ["https://live.example.com", "https://live.example.com/", "http://127.0.0.1:8000", "http://[::1]:8000"]
)
def test_an_origin_is_a_public_url(tmp_path, url):
    assert read(tmp_path, LIVEROOM_PUBLIC_URL=url).public_http == url.rstrip("/")


def test_an_address_of_version_6_stands_in_brackets_where_an_address_needs_them(tmp_path):
    found = read(tmp_path, LIVEROOM_HOST="::1", LIVEROOM_HTTP_PORT="8000", LIVEROOM_WS_PORT="8001")
    assert (found.public_http, found.public_ws) == ("http://[::1]:8000", "ws://[::1]:8001/ws/v1")


NAMES = [
    "LIVEROOM_HOST", "LIVEROOM_BIND", "LIVEROOM_HTTP_PORT", "LIVEROOM_PUBLIC_URL", "LIVEROOM_PUBLIC_WS_URL", "DATABASE_URL",
    "REDIS_URL", "LIVEROOM_TRUSTED_PROXIES", "LIVEROOM_METRICS_FROM", "LIVEROOM_MEDIA_ALLOW", "LIVEROOM_ORIGINS", "LIVEROOM_HOSTS",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_one_that_is_not_set(tmp_path, name):
    assert read(tmp_path, **{name: ""}) == read(tmp_path)


@given(name=st.sampled_from(NAMES), value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_whatever_a_variable_holds_it_is_read_or_refused_in_words(tmp_path_factory, name, value):
    try:
        read(tmp_path_factory.getbasetemp(), **{name: value})
    except ImproperlyConfigured as refusal:
        assert name in str(refusal)  # noqa: PT017 - most values are refused, some are not


def test_an_s3_service_is_named_whole_or_not_at_all(tmp_path):
    assert read(tmp_path).s3 is None
    said = {"LIVEROOM_S3_BUCKET": "live", "LIVEROOM_S3_KEY": "k", "LIVEROOM_S3_SECRET": "very-secret"}
    place = read(tmp_path, **said, LIVEROOM_S3_PREFIX="/shows/", LIVEROOM_S3_ENDPOINT="https://s3.example.com/").s3
    assert place is not None
    assert (place.prefix, place.endpoint, place.region) == ("shows/", "https://s3.example.com", "us-east-1")
    assert "very-secret" not in repr(place)
    for wrong in (
        {"LIVEROOM_S3_SECRET": ""},
        {"LIVEROOM_S3_BUCKET": "Live Bucket"},
        {"LIVEROOM_S3_PREFIX": "a b"},
        {"LIVEROOM_S3_ENDPOINT": "s3.example.com"},
    ):
        with pytest.raises(ImproperlyConfigured, match="LIVEROOM_S3") as refusal:
            read(tmp_path, **{**said, **wrong})
        assert "very-secret" not in str(refusal.value)
