"""Comments that viewers have seen run over the picture of their room's mixes; nothing else does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interactions.chat.archive.archiver import Archiver
from interactions.chat.services import on_picture
from interactions.models import ArchivedMessage
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from streams.media.compositor import wires
from tests.helpers.archive import said, tick
from tests.helpers.mixes import made_mix

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


def test_what_was_delivered_runs_over_the_picture(cast, django_capture_on_commit_callbacks):
    mix, client = made_mix(cast, comments=True), shared()
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(wires.do_channel(mix.number))
    listener.get_message(timeout=1)
    tick(
        client, said(1, "你好 \n 👋", color="#FF0000", position="top"), said(2, "x" * 500, color="red"),
        b'{"seq":3,"type":"status","t":1,"status":"live"}', sampled=(b"rate " + said(None, "too much"),),
    )  # fmt: skip
    tick(client, said(4, "of long ago"), at=int((clock.now() - timedelta(minutes=1)).timestamp() * 1000))
    with django_capture_on_commit_callbacks(execute=True):
        Archiver(consumer="a").drain()
    message = listener.get_message(timeout=2)
    assert message is not None
    first, second = wires.read_do(message["data"]).comments
    assert first == wires.Bullet(text="你好 👋", nick="Mia", color="#ff0000", position="top")
    assert (len(second.text), second.color, second.position) == (120, "#ffffff", "scroll")
    assert listener.get_message(timeout=0.2) is None
    assert ArchivedMessage.objects.count() == 5


def test_a_room_without_such_a_mix_costs_a_query(cast, django_assert_num_queries):
    row = ArchivedMessage(room=cast.room, seq=1, type="comment", text="hi", body={}, at=clock.now())
    with django_assert_num_queries(1):
        on_picture._say({row.room_id: [on_picture._bullet(row)]})
    with django_assert_num_queries(0):
        on_picture.onto_pictures([])
