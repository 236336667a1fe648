"""Callbacks of the engine, as somebody hostile would have them written."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.engines.base import ACTIONS, BadHook
from streams.engines.nginx_hook import MAX_BODY_BYTES, parse_hook

CONNECTION = {
    "app": "live",
    "flashver": "FMLE/3.0 (compatible; FMSc/1.0)",
    "swfurl": "",
    "tcurl": "rtmp://127.0.0.1/live",
    "pageurl": "",
    "addr": "203.0.113.9",
    "clientid": "17",
}


def body(*, call: str = "publish", name: str = "demo", query: str = "", **more: str) -> bytes:
    """As nginx writes it: its own fields, `&&`, the call, and the client's query as it came."""
    text = urlencode(CONNECTION) + "&&" + urlencode({"call": call, "name": name, **more})
    return (text + (f"&{query}" if query else "")).encode()


def test_a_publish_is_taken_apart():
    hook = parse_hook(action="publish", body=body(query="txSecret=abc&txTime=5F", type="live"))
    assert (hook.action, hook.stream, hook.application, hook.client_id, hook.address) == (
        "publish",
        "demo",
        "live",
        "17",
        "203.0.113.9",
    )
    assert dict(hook.params) == {"txSecret": "abc", "txTime": "5F"}
    assert hook.encoder.startswith("FMLE/3.0")


def test_a_play_keeps_the_engines_own_words_apart():
    hook = parse_hook(
        action="play", body=body(call="play", query="vid=mia", start="4294965296", duration="0", reset="0")
    )
    assert dict(hook.params) == {"vid": "mia"}


def test_what_is_nginx_word_in_one_call_is_the_clients_in_another():
    assert dict(parse_hook(action="publish", body=body(query="start=9")).params) == {"start": "9"}


@pytest.mark.parametrize(
    "query", ["name=mine", "na%6De=mine", "app=other", "clientid=1", "a=1&a=2", "a=1&%61=1", "=1&=2", "call=play"]
)
def test_a_key_that_comes_twice_is_refused(query):
    with pytest.raises(BadHook, match="twice"):
        parse_hook(action="publish", body=body(query=query))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../etc", "a b", 'a"b', "a'b", "a;b", "a$(id)", "a\nb", "ä", "x" * 65, "a.flv"]
)
def test_a_name_that_is_no_stream_name_is_refused_with_words(name):
    with pytest.raises(BadHook) as refusal:
        parse_hook(action="publish", body=body(name=name))
    assert refusal.value.status == 400
    assert len(refusal.value.message) < 250


@pytest.mark.parametrize("raw", [b"txSecret=%ff%fe", b"\xff=1", b"a=%00", b"a=%0d%0aSet-Cookie", b"a=%ed%a0%80"])
def test_bytes_that_are_no_text_are_refused(raw):
    with pytest.raises(BadHook):
        parse_hook(action="publish", body=body() + b"&" + raw)


def test_a_body_without_end_is_refused_unread():
    with pytest.raises(BadHook, match="limit"):
        parse_hook(action="publish", body=body() + b"&a=" + b"x" * MAX_BODY_BYTES)


def test_a_body_of_a_thousand_fields_is_refused():
    with pytest.raises(BadHook, match="fields"):
        parse_hook(action="publish", body=body(query="&".join(f"k{n}=1" for n in range(1000))))


def test_a_callback_at_the_wrong_door_is_refused():
    with pytest.raises(BadHook, match="came to play"):
        parse_hook(action="play", body=body(call="publish"))
    with pytest.raises(BadHook, match="no"):
        parse_hook(action="update", body=body())


def test_a_done_of_a_connection_that_never_had_a_name_is_refused():
    with pytest.raises(BadHook):
        parse_hook(action="publish_done", body=urlencode(CONNECTION).encode() + b"&&call=publish_done")


@given(st.sampled_from([*ACTIONS, "other"]), st.binary(max_size=400))
def test_no_bytes_do_anything_but_be_refused_or_read(action, raw):
    try:
        hook = parse_hook(action=action, body=raw)
    except BadHook:
        return
    assert hook.stream.isascii()
    assert 1 <= len(hook.stream) <= 64


@given(st.dictionaries(st.text(max_size=12).filter(lambda key: key != "end"), st.text(max_size=40), max_size=8))
@example({"": "."})
def test_whatever_a_client_adds_never_changes_who_and_what(extra):
    query = "&".join(
        f"{quote_from_bytes(key.encode('utf-8', 'surrogatepass'))}={quote_from_bytes(value.encode('utf-8', 'surrogatepass'))}"
        for key, value in {
            **extra,
            "end": "1",
        }.items()  # at the very end, a full stop is what copying left (rules/pasted.py)
    )
    try:
        hook = parse_hook(action="publish", body=body(query=query, type="live"))
    except BadHook:
        return
    assert (hook.stream, hook.client_id, hook.address, hook.application) == ("demo", "17", "203.0.113.9", "live")
    assert dict(hook.params) == {**extra, "end": "1"}
