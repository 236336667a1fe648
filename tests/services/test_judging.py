"""Whether browsers can play what is sent: judged by the engine's list and by looks, told when it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveroom.kernel import clock
from streams.engines.fake import FakeEngine
from streams.models import Stream
from streams.rules import codecs
from streams.services.judging import Judge
from streams.services.publishing import admit_publisher
from tests.helpers.published import room_events
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db


def on_air(cast, engine: FakeEngine, **found: object) -> str:
    """Somebody pushes for two seconds; what the engine knows of it. The publisher's id."""
    publisher = engine.publish(cast.stream.name, connected_ms=2000)
    admit_publisher(hook=push_hook(cast.stream, now=clock.now(), client_id=publisher.client_id), now=clock.now())
    knows(cast, engine, **found)
    return publisher.client_id


def knows(cast, engine: FakeEngine, **found: object) -> None:
    engine.streams[cast.stream.name] = replace(engine.streams[cast.stream.name], **found)


def told(cast) -> list[str | None]:
    events = room_events("stream", room=cast.room.key)
    return [event["unplayable"] and event["unplayable"]["codec"] for event in events]


def test_what_plays_is_not_talked_about(cast, engine):
    on_air(cast, engine)
    judge = Judge()
    judge.judge(engine.state(), now=clock.now())
    assert judge.to_look_at(engine.state()) == []
    assert told(cast) == [None]
    assert Stream.objects.get(pk=cast.stream.pk).unplayable == ""


def test_enhanced_rtmp_is_told_once_and_by_its_name_when_it_is_known(cast, engine):
    client = on_air(cast, engine, video_codec="Jpeg")
    judge = Judge()
    for _ in range(3):
        judge.judge(engine.state(), now=clock.now())
    assert told(cast) == [None, codecs.ENHANCED]
    assert judge.to_look_at(engine.state()) == [(cast.stream.name, client)]
    assert judge.to_look_at(engine.state()) == []
    judge.keep_look(stream=cast.stream.name, client_id=client, codec=codecs.Codec(name="AV1", plays=False))
    judge.judge(engine.state(), now=clock.now())
    assert told(cast) == [None, codecs.ENHANCED, "AV1"]
    assert Stream.objects.get(pk=cast.stream.pk).unplayable == "AV1"
    # The encoder changes without a new connection.
    knows(cast, engine, video_codec="H264")
    judge.judge(engine.state(), now=clock.now())
    assert told(cast) == [None, codecs.ENHANCED, "AV1", None]


def test_a_codec_that_the_engine_has_no_name_for_is_looked_at(cast, engine):
    client = on_air(cast, engine, video_codec="")
    judge = Judge()
    judge.judge(engine.state(), now=clock.now())
    assert judge.to_look_at(engine.state()) == [(cast.stream.name, client)]
    judge.keep_look(stream=cast.stream.name, client_id=client, codec=codecs.video_codec(b"\x1c"))
    judge.judge(engine.state(), now=clock.now())
    assert told(cast) == [None, "HEVC (H.265)"]


def test_a_process_that_starts_anew_does_not_tell_it_again(cast, engine):
    on_air(cast, engine, video_codec="Sorenson-H263")
    for _ in range(2):
        Judge().judge(engine.state(), now=clock.now())
    assert told(cast) == [None, "Sorenson H.263"]


def test_who_left_is_forgotten(cast, engine):
    client = on_air(cast, engine, video_codec="Jpeg")
    judge = Judge()
    judge.judge(engine.state(), now=clock.now())
    judge.to_look_at(engine.state())
    engine.stop(cast.stream.name)
    judge.judge(engine.state(), now=clock.now())
    assert not judge._written
    assert not judge._looked
    assert client
