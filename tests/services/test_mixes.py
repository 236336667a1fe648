"""Mixes as rows: what goes to a compositor, the programme, walls, the job's child, comments onto the picture."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings

from liveroom.kernel import clock
from liveroom.kernel.data.redis import redis_for, shared
from liveroom.rooms.services.status import set_status
from streams.files.models import MediaFile
from streams.jobs.kinds import Again, Exit, Over, Progress, kind_of
from streams.jobs.models import MediaJob, State
from streams.media.compositor import scene as scenes
from streams.media.compositor import start, wires
from streams.mixes import sending, services
from streams.mixes.kinds import LONELY, MixKind
from streams.mixes.models import Mix
from streams.models import Stream
from streams.services.publishes import close_publish, open_publish
from streams.services.streams import add_stream
from tests.helpers.mixes import WHOLE, made_mix
from tests.helpers.people import STAFF

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.LIVEROOM = replace(django_settings.LIVEROOM, data=tmp_path)


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def screen(cast, now) -> Stream:
    return add_stream(room=cast.room, label="screen", by=STAFF, now=now)


def kind() -> MixKind:
    found = kind_of("mix")
    assert isinstance(found, MixKind)
    return found


def scene_in_redis(mix: Mix) -> scenes.Scene:
    raw = redis_for(mix.room.key).get(wires.scene_key(mix.number))
    assert isinstance(raw, bytes)
    return scenes.read(raw)


def test_a_compositor_is_told_after_the_commit_and_by_addresses(cast, now, django_capture_on_commit_callbacks):
    MediaFile.objects.create(
        number="ffilm", app=cast.app, room=cast.room, name="f", state="ready", size_bytes=1, container="mp4",
        created_at=now,
    )  # fmt: skip
    Path(django_settings.LIVEROOM.data, "uploads", "ffilm").mkdir(parents=True, exist_ok=True)
    film = Path(django_settings.LIVEROOM.data, "uploads", "ffilm", "film")
    film.write_bytes(b"x")
    listener = shared().pubsub(ignore_subscribe_messages=True)
    with django_capture_on_commit_callbacks(execute=True):
        mix = made_mix(cast, inputs=[{"stream": cast.stream.name}, {"file": "ffilm"}])
        assert shared().get(wires.scene_key(mix.number)) is None
    listener.subscribe(wires.do_channel(mix.number))
    listener.get_message(timeout=1)
    with django_capture_on_commit_callbacks(execute=True):
        services.change_mix(mix=mix, by=STAFF, now=now, layout=[], transition="fade")
    message = listener.get_message(timeout=2)
    assert message is not None
    told = wires.read_do(message["data"]).scene
    assert told is not None
    assert told == scene_in_redis(mix)
    assert (told.serial, told.transition.kind) == (2, "fade")
    assert told.inputs[0].address == f"rtmp://fake/live/{cast.stream.name}?gw=token"
    assert told.inputs[1].address == f"file:{film.resolve()}"
    assert told.inputs[1].before[:2] == ("-protocol_whitelist", "file")


def test_nothing_fails_where_redis_is_away(cast, now, monkeypatch, django_capture_on_commit_callbacks):
    mix = made_mix(cast, comments=True)

    def away(room_key: str) -> redis.Redis:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(sending, "redis_for", away)
    with django_capture_on_commit_callbacks(execute=True):
        services.change_mix(mix=mix, by=STAFF, now=now, layout=[])
        sending.say({cast.room.pk: [wires.Bullet(text="hi")]})
        services.end_mix(mix=mix, by=STAFF, now=now)
    assert Mix.objects.get(pk=mix.pk).serial == 2


def test_what_is_prepared_is_taken_and_a_second_take_goes_back(cast, now):
    mix = made_mix(cast)
    services.set_preview(mix=mix, by=STAFF, now=now, background="#ff0000")
    before = Mix.objects.get(pk=mix.pk).said_scene()
    assert (before.programme.background, before.preview and before.preview.background) == ("#101418", "#ff0000")
    assert before.preview is not None
    assert before.preview.places == before.programme.places
    services.take(mix=mix, by=STAFF, now=now, transition={"kind": "fade", "ms": 400})
    after = Mix.objects.get(pk=mix.pk).said_scene()
    assert (after.programme.background, after.transition.ms) == ("#ff0000", 400)
    services.take(mix=mix, by=STAFF, now=now)
    assert Mix.objects.get(pk=mix.pk).said_scene().programme.background == "#101418"
    with pytest.raises(services.MixChanged):
        services.take(mix=mix, by=STAFF, now=now, serial=2)


def test_one_comment_is_picked_and_gone_again(cast, now):
    mix = made_mix(cast)
    services.pick_comment(mix=mix, by=STAFF, now=now, text="Hello", nick="mia")
    services.pick_comment(mix=mix, by=STAFF, now=now, text="Second", nick="zed", y=70)
    [shown] = Mix.objects.get(pk=mix.pk).said_scene().programme.overlays
    assert (shown.kind, shown.text, shown.detail, shown.y) == ("comment", "Second", "zed", 70)
    services.pick_comment(mix=mix, by=STAFF, now=now, text=None)
    assert Mix.objects.get(pk=mix.pk).said_scene().programme.overlays == ()


def test_the_room_shows_the_mix_while_it_is_published_and_its_own_stream_after(cast, now):
    own = cast.stream
    mix = made_mix(cast, programme=True)
    assert cast.stream == own
    publish = open_publish(stream=mix.stream, client_id="9", address="127.0.0.1", now=now)
    assert cast.stream == mix.stream
    mine = kind()
    job = MediaJob.objects.get(reference=mix.reference)
    spec = mine.read(job)
    mine.watch(job, spec, progress=Progress(out_seconds=0.4), lines=(), now=now)
    assert Mix.objects.get(pk=mix.pk).state == "running"
    # Killed: it is started again, and the room goes on to show it.
    exit_ = Exit(code=-9, asked=False, ran_seconds=60, progress=Progress(), last_lines=())
    assert isinstance(mine.ended(job, spec, exit_, now=now), Again)
    close_publish(publish=publish, now=now, reason="left")
    assert cast.stream == mix.stream
    services.end_mix(mix=mix, by=STAFF, now=now)
    assert cast.stream == own


def test_an_older_mix_takes_the_programme_from_a_newer_one_when_it_is_asked(cast, now):
    one, two = made_mix(cast, programme=True), made_mix(cast, programme=True)
    for at, mix in enumerate((one, two)):
        open_publish(stream=mix.stream, client_id=str(at), address="127.0.0.1", now=now)
    assert cast.stream == two.stream
    services.change_mix(mix=one, by=STAFF, now=now, programme=True)
    assert cast.stream == one.stream
    services.change_mix(mix=one, by=STAFF, now=now, programme=False)
    assert cast.stream.made_by == ""


def test_a_child_gets_its_scene_and_its_target_in_the_environment(cast, now):
    mix = made_mix(cast)
    job, mine = MediaJob.objects.get(reference=mix.reference), kind()
    job.run = 3
    launch = mine.launch(job, mine.read(job), now=now)
    said = start.read(launch.environment[start.VARIABLE])
    assert (said.mix, said.run, said.scene.serial) == (mix.number, 3, 1)
    assert f"/{mix.stream.name}?job={job.pk}&run=3&own=" in said.target
    assert "own=" not in " ".join(launch.arguments)
    assert "own=" not in json.dumps(job.spec)


def test_a_job_that_comes_to_its_end_gives_the_programme_back(cast, now):
    mix = made_mix(cast, programme=True)
    job, mine = MediaJob.objects.get(reference=mix.reference), kind()
    mine.settled(job, mine.read(job), Over(State.FAILED, "It cannot be read."), now=now)
    mix = Mix.objects.select_related("stream").get(pk=mix.pk)
    assert (mix.state, mix.reason, mix.stream.wants_programme) == ("failed", "It cannot be read.", False)
    mine.settled(job, mine.read(job), Over(State.STOPPED), now=now)
    assert Mix.objects.get(pk=mix.pk).state == "failed"


def test_a_wall_gains_and_loses_what_comes_and_goes(cast, now, screen, django_capture_on_commit_callbacks):
    wall = made_mix(cast, inputs=[], layout=[], follows="app")

    def names() -> list[str]:
        return [one.name for one in Mix.objects.get(pk=wall.pk).said_scene().inputs]

    assert names() == []
    with django_capture_on_commit_callbacks(execute=True):
        first = open_publish(stream=screen, client_id="1", address="", now=now)
    with django_capture_on_commit_callbacks(execute=True):
        open_publish(stream=cast.stream, client_id="2", address="", now=now)
    assert names() == ["screen", cast.room.title]
    with django_capture_on_commit_callbacks(execute=True):
        close_publish(publish=first, now=now, reason="left")
    assert names() == [cast.room.title]
    # A mix that shows the wall is not shown by it; another one is.
    for inputs, shown in (([{"stream": wall.stream.name}], 1), ([{"color": "#000000"}], 2)):
        mix = made_mix(cast, inputs=inputs)
        with django_capture_on_commit_callbacks(execute=True):
            open_publish(stream=mix.stream, client_id=f"m{mix.pk}", address="", now=now)
        assert len(names()) == shown
    assert Mix.objects.get(pk=wall.pk).said_scene().badges


def test_comments_go_to_the_mixes_of_their_room_that_want_them(cast, now):
    with_, without = made_mix(cast, comments=True), made_mix(cast)
    listener = shared().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(wires.do_channel(with_.number), wires.do_channel(without.number))
    listener.get_message(timeout=1)
    assert sending.say({cast.room.pk: [wires.Bullet(text=str(at)) for at in range(100)], 0: []}) == 1
    messages = [message for _ in range(4) if (message := listener.get_message(timeout=0.3))]
    [message] = messages
    assert message["channel"] == wires.do_channel(with_.number).encode()
    assert [one.text for one in wires.read_do(message["data"]).comments] == [str(at) for at in range(20, 100)]
    services.change_mix(mix=with_, by=STAFF, now=now, comments=False)
    assert sending.say({cast.room.pk: [wires.Bullet(text="hi")]}) == 0


def test_a_mix_that_is_over_leaves_its_output_to_the_next(cast, now):
    first = made_mix(cast, layout=WHOLE)
    services.end_mix(mix=first, by=STAFF, now=now)
    assert made_mix(cast).stream == first.stream


def test_a_room_that_is_ended_by_hand_stays_ended_although_its_own_stream_is_pushed_still(cast, now):
    own, mix = cast.stream, made_mix(cast, programme=True)
    for at, stream in enumerate((own, mix.stream)):
        open_publish(stream=stream, client_id=str(at), address="", now=now)
    assert cast.stream == mix.stream
    set_status(room=cast.room, status="ended", by=STAFF, now=now)
    cast.room.refresh_from_db()
    assert (cast.room.status, cast.stream) == ("ended", own)
    assert Mix.objects.get(pk=mix.pk).reason == "The room was ended."


def test_a_mix_that_is_forgotten_ends_and_one_that_is_fed_or_needs_nothing_does_not(cast, now):
    fed, forgotten = made_mix(cast), made_mix(cast, inputs=[{"stream": add_stream(
        room=cast.room, label="b", by=STAFF, now=now).name}])  # fmt: skip
    picture, wall = made_mix(cast, inputs=[{"color": "#000000"}]), made_mix(cast, inputs=[], layout=[], follows="app")
    open_publish(stream=cast.stream, client_id="1", address="", now=now)
    later, mine = now + LONELY + timedelta(minutes=1), kind()

    def word(mix: Mix, at: datetime) -> object:
        job = MediaJob.objects.get(reference=mix.reference)
        return mine.watch(job, mine.read(job), progress=Progress(), lines=(), now=at)

    assert word(forgotten, now + timedelta(minutes=20)) is None
    assert isinstance(word(forgotten, later), Over)
    assert [word(mix, later) for mix in (fed, picture, wall)] == [None, None, None]
