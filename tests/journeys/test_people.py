"""Names, kicks and restarts as somebody with an open socket meets them."""

from __future__ import annotations

import signal

import pytest

from tests.helpers.stack import Stack

pytestmark = pytest.mark.journey


def test_a_new_nick_shows_on_a_socket_that_is_open_already(stack: Stack) -> None:
    with stack.watching(as_="mia") as mia, stack.watching() as guest:
        status, _ = stack.api("PATCH", "me", {"nick": "Mia the Second"}, bearer=stack.usersig("mia"))
        assert status == 200
        for _ in range(100):  # the word travels beside the comment: soon, not at once
            mia.asks("comment", room="demo", text="who am I?")
            if guest.hears("comment")["from"]["nick"] == "Mia the Second":
                return
        pytest.fail("the new nick never showed")


def test_a_kicked_user_hears_bye_and_its_old_token_is_refused(stack: Stack) -> None:
    key = stack.ready["app"]["api_key"]
    old = stack.usersig("kim")
    with stack.watching(as_="kim") as kim:
        status, answer = stack.api("POST", "users/kim/kick", bearer=key)
        assert status == 204, answer
        bye = kim.hears("bye")
        assert (bye["reason"], bye["reconnect"]) == ("revoked", False)
    status, answer = stack.api("GET", "me", bearer=old)
    assert (status, answer["code"]) == (401, 70052)


def test_a_server_imports_users_and_sets_their_level(stack: Stack) -> None:
    key = stack.ready["app"]["api_key"]
    users = [{"id": "ann", "nick": "Ann", "level": 7}, {"id": "bob"}]
    status, answer = stack.api("POST", "users", {"users": users}, bearer=key)
    assert status == 200, answer
    assert [user["level"] for user in answer["users"]] == [7, 0]
    assert stack.api("PATCH", "me", {"level": 9}, bearer=stack.usersig("ann"))[0] == 400
    with stack.watching(as_="ann") as ann:
        assert ann.snapshot["me"]["level"] == 7


def test_a_restarting_socket_process_says_bye_and_viewers_resume(stack: Stack) -> None:
    with stack.watching(as_="mia") as mia, stack.watching(as_="zed") as zed:
        mia.asks("comment", room="demo", text="before")
        seen = zed.hears("comment", text="before")
        where = {"epoch": zed.snapshot["epoch"], "seq": seen["seq"]}
        before = stack.kill("socket-1", signal.SIGTERM)
        bye = zed.hears("bye")
        assert bye["reconnect"] is True
        stack.until_back("socket-1", other_than=before)
    key = stack.ready["app"]["api_key"]
    stack.api("POST", "rooms/demo/messages", {"text": "while you were away"}, bearer=key)
    with stack.watching(as_="zed") as zed:
        answer = zed.asks("join", room="demo", since=where)
        assert answer["recovered"] is True
        assert zed.hears("comment")["text"] == "while you were away"
