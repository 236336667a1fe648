"""The rendered nginx.conf: what stands in it, and what must not be written into it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from streams.engines.nginx_conf import CannotRender, Site, render

SITE = Site(
    bind="127.0.0.1",
    http_port=8000,
    rtmp_port=1935,
    ws_port=8001,
    web_port=9001,
    gateway_port=9002,
    engine_port=9003,
    data=Path("/srv/live room/var"),
    run=Path("/srv/live room/var/run"),
    origins=(),
    any_origin=True,
    production=False,
    trusted_proxies=("127.0.0.1", "::1"),
    hooks_secret="a" * 64,
    secure_link_secret="b" * 64,
    vault_secret="d" * 64,
    segments="c" * 64,
)


def test_every_place_is_filled_in():
    assert not re.search(r"@[A-Z_]+@", re.sub(r"(?m)^\s*#.*$", "", render(SITE)))


def test_callbacks_go_to_the_web_side_with_the_secret_and_none_of_the_dangerous_kinds_is_there():
    text = render(SITE)
    directives = re.sub(r"(?m)^\s*#.*$", "", text)
    assert f"on_publish http://127.0.0.1:9001/engine/{'a' * 64}/publish;" in directives
    assert f"on_connect http://127.0.0.1:9001/engine/{'a' * 64}/connect;" in directives
    assert not re.search(r"\b(on_update|exec\w*|pull)\b", directives)
    assert re.findall(r"\bpush\b[^;]*;", directives) == [f"push rtmp://127.0.0.1:1935/{'c' * 64};"]
    assert "wait_key on;" in directives


def test_segments_are_written_only_where_no_client_can_publish():
    public = render(SITE).partition("application live {")[2].partition("\n        application ")[0]
    assert not re.search(r"(?m)^\s*hls", public)
    assert "hls on;" in render(SITE)


def test_no_log_line_can_hold_a_query():
    for line in re.findall(r"log_format .*", render(SITE)):
        assert not re.search(
            r"\$(args|request|request_uri|query_string|tcurl|pageurl|flashver|name|http_referer)\b", line
        )


@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.1", "::"])
def test_one_listener_reaches_loopback(bind):
    assert len(re.findall(r"listen .*:1935", render(replace(SITE, bind=bind)))) == 1


def test_on_an_outer_address_the_gateway_still_reaches_rtmp():
    assert "listen 127.0.0.1:1935;" in render(replace(SITE, bind="192.0.2.4"))


def test_origins_are_listed_and_nobody_else_is_let_in():
    text = render(replace(SITE, origins=("https://live.example.com",), any_origin=False))
    assert '"https://live.example.com" $http_origin;' in text
    assert 'Allow-Origin "*"' not in text
    assert "Allow-Origin" not in render(replace(SITE, any_origin=False))


def test_a_proxy_in_front_is_believed_only_if_it_is_named_and_not_on_this_host():
    assert "set_real_ip_from" not in render(SITE)
    assert "set_real_ip_from 10.0.0.0/8;" in render(replace(SITE, trusted_proxies=("10.0.0.0/8", "127.0.0.1")))
    assert "set_real_ip_from 127.0.0.1/32;" in render(replace(SITE, tls_in_front=True))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", Path('/srv/"; load_module x; "')),
        ("data", Path("/srv/$uri")),
        ("data", Path("var")),
        ("bind", "localhost"),
        ("bind", "1.2.3.4; autoindex on"),
        ("origins", ('https://x"; autoindex on; "',)),
        ("trusted_proxies", ("everybody",)),
        ("hooks_secret", "a/../b"),
        ("web_port", 0),
        ("rtmp_port", 70000),
    ],
)
def test_what_nginx_could_misread_is_refused_by_name(field, value):
    with pytest.raises(CannotRender):
        render(replace(SITE, **{field: value}))
