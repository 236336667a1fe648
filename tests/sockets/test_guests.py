"""What guests and those in no room may do: hear. Each of their commands is refused for that alone, before anything is looked up."""

from __future__ import annotations

import pytest

COMMANDS = {
    "comment": {"text": "hi"},
    "custom": {"data": {}},
    "like": {"count": 1},
    "gift": {"gift": "rose", "count": 1, "key": "k"},
    "poll_vote": {"poll": "p", "choices": [1]},
    "direct": {"to": "mia", "text": "hi"},
}


@pytest.mark.parametrize("type", COMMANDS)
def test_a_guest_is_refused_whatever_it_says(watching, type):
    """Also what could not be read: nothing of it was looked at."""
    with watching(None) as guest:
        for body in (COMMANDS[type], {}, {name: [1] for name in COMMANDS[type]}):
            assert guest.asks(type, **body)["error"]["code"] == 70002


@pytest.mark.parametrize("type", sorted(set(COMMANDS) - {"direct"}))
def test_who_is_in_no_room_is_told_to_join_first(cast, calls, type):
    for person in (cast.mia, None):
        with calls(person) as phone:
            for body in (COMMANDS[type], {}, {"room": "r1"}):
                assert phone.asks(type, **body)["error"]["name"] == "not_in_room"
