"""What the script of likes does is what the rule says, and what it publishes is the event of the catalogue."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions.delivery.events import encoded
from interactions.delivery.fanout.merging import merged
from interactions.likes import rules as batching
from interactions.likes.events import Liker, Likes
from interactions.likes.rules import Batch
from interactions.likes.scripts import ADD, Asked, answer_of, call, shown_as
from liveroom.kernel.data.redis import channel, key, shared
from tests.helpers.likes import ALONE
from tests.sockets.test_protocol import fits


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    per_second=st.integers(1, 200),
    size=st.integers(1, 60),
    apart_ms=st.integers(100, 3000),
    steps=st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.sampled_from("abcdefg"), st.integers(1, 60)), max_size=4, unique_by=lambda one: one[0]
            ),
            st.integers(0, 1_500_000),
        ),
        max_size=12,
    ),
)
def test_the_script_does_what_the_rule_says(per_second, size, apart_ms, steps):
    client = shared()
    client.flushdb()
    client.set(key("likes", ALONE.key), 5)
    room = replace(ALONE, likes_per_second=per_second, like_batch=size, like_batch_ms=apart_ms)
    now_us = 1_700_000_000_000_000
    batch, total, full_at = Batch(), 5, {}
    for number, (people, later) in enumerate(steps):
        now_us += later
        asked = [Asked(user=user, count=count, shown=b'{"id":"%s"}' % user.encode()) for user, count in people]
        # Whoever only tells what is due knows nothing of the app.
        asking = room if asked else ALONE
        found = answer_of(ADD.ask_now(client, call(asking, asked, call_id=str(number), base=None, now_us=now_us)))
        expected = []
        for user, count in people:
            one = batching.counted(asked=count, per_second=per_second, full_at_us=full_at.get(user, 0), now_us=now_us)
            if one.count:
                full_at[user] = one.full_at_us
            batch = batching.joined(batch, user=user, count=one.count, now_ms=now_us // 1000)
            total += one.count
            expected.append((one.count, one.retry_after_ms))
        wait = batching.publish_in_ms(batch, now_ms=now_us // 1000, size=size, apart_ms=apart_ms)
        if wait == 0:
            batch, wait = Batch(), None
        assert (found.total, found.publish_in_ms, found.counted) == (total, wait, tuple(expected))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    likers=st.dictionaries(
        st.text(min_size=1, max_size=8), st.tuples(st.text(max_size=8), st.integers(1, 50)), min_size=1, max_size=8
    )
)
def test_what_the_script_publishes_is_the_event_of_the_catalogue(likers):
    client = shared()
    client.flushdb()
    client.set(key("likes", ALONE.key), 5)
    asked = [Asked(user=id, count=count, shown=shown_as(id=id, nick=nick)) for id, (nick, count) in likers.items()]
    now_us = 1_700_000_000_000_000
    with client.pubsub(ignore_subscribe_messages=True) as line:
        line.subscribe(channel(ALONE.key))
        line.get_message(timeout=1)
        call_now = call(replace(ALONE, like_batch=1), asked, call_id="c", base=None, now_us=now_us)
        assert answer_of(ADD.ask_now(client, call_now)).publish_in_ms is None
        raw = line.get_message(timeout=1)["data"]
    event = msgspec.json.decode(raw[1:], type=Likes)
    counts = {id: count for id, (_, count) in likers.items()}
    assert event == Likes(
        t=now_us // 1000, total=5 + sum(counts.values()), count=sum(counts.values()),
        users=[Liker(id=id, nick=likers[id][0], count=counts[id]) for id in batching.shown(counts)],
    )  # fmt: skip
    # Nothing but what the class has, and all of it.
    assert raw == b"M" + encoded(event)


def test_two_events_become_one():
    def said(t, total, **users):
        people = [{"id": name, "nick": name.title(), "count": count} for name, count in users.items()]
        return orjson.dumps({"type": "likes", "t": t, "total": total, "count": sum(users.values()), "users": people})

    waiting = [said(1, 20, a=9, b=8, c=1, d=1, e=1)]
    both = orjson.loads(merged(waiting, said(2, 45, f=20, b=5)))
    fits("likes", both)
    assert (both["t"], both["total"], both["count"]) == (2, 45, 45)
    assert [(user["id"], user["count"]) for user in both["users"]] == [
        ("f", 20),
        ("b", 13),
        ("a", 9),
        ("c", 1),
        ("d", 1),
    ]
