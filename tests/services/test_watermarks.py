"""Watermarks: what is marked for whom, and what an invisible number stands for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from liveroom.rooms.services.rooms import disband_room
from streams import selectors as selectors_of_streams
from streams.engines.base import EngineState, EngineStream, Publisher
from streams.jobs.kinds import Progress, Stage
from streams.mixes import services as mixes
from streams.mixes.models import Mix
from streams.mixes.resolving import resolved
from streams.models import Mark, MarkedCopy, MediaJob, Publish, Recording, Stream, Watermark
from streams.plans import rounds
from streams.plans import services as plans
from streams.plans.selectors import plans_of
from streams.recording import services as recordings
from streams.recording.kinds import Record
from streams.recording.rules import Wish
from streams.relays import services as relays
from streams.services import programmes
from streams.services.publishes import close_publish, open_publish
from streams.watermarks import selectors, services
from streams.watermarks.copies import following, scenes
from streams.watermarks.copies.kinds import MarkedCopyKind
from streams.watermarks.marks import mark_for
from tests.helpers.mixes import made_mix
from tests.helpers.people import STAFF, Cast
from tests.helpers.plans import make_template
from tests.helpers.relays import made_relay

pytestmark = pytest.mark.django_db
NOW = clock.now()


def test_a_number_names_what_it_was_made_for(cast: Cast):
    said = {"app": cast.app, "purpose": Mark.Purpose.RELAY, "reference": "relay:1", "now": clock.now()}
    mark = mark_for(**said, stream=cast.stream.name, room="r1", target="rtmp://live.example.com/app/…")
    assert mark_for(**said) == mark
    found = selectors.named(mark.number)
    assert found is not None
    assert (found.purpose, found.stream, found.room, found.sdkappid) == (
        "relay",
        cast.stream.name,
        "r1",
        cast.app.sdkappid,
    )
    assert "rtmp://live.example.com/app/…" in found.words
    assert cast.stream.name in found.words


@pytest.mark.parametrize("number", [0, -1, 2**32, 2**80, 77])
def test_a_number_that_nobody_gave_out_names_nothing(number: int):
    assert selectors.named(number) is None


# -- copies


def put(target: Any, **said: Any) -> Watermark:
    settings = {"kind": "text", "text": "live", **said} if "kind" not in said else said
    return services.create_watermark(target=target, said=settings, by=STAFF, now=NOW)


def publish(stream: Stream, *, at: datetime = NOW) -> Publish:
    return open_publish(stream=Stream.objects.get(pk=stream.pk), client_id=f"c{stream.pk}", address="::1", now=at)


def leave(stream: Stream, *, at: datetime) -> None:
    close_publish(publish=Publish.objects.get(stream=stream, ended_at=None), now=at, reason="left")


def look(cast: Cast, *, at: datetime = NOW, ms: int = 4000, **said: Any) -> None:
    """A round of the reconciler: the engine has the source, 1280x720 at 25 unless it is said otherwise."""
    about = {"width": 1280, "height": 720, "frame_rate": 25.0, "video_codec": "H264", "audio_codec": "AAC", **said}
    name = cast.stream.name
    found = EngineStream(name=name, publisher=Publisher("1", "127.0.0.1", ms), **about)
    following.follow(EngineState(instance="1", streams={name: found}), now=at)


def copies() -> list[MarkedCopy]:
    return [copy for copy in MarkedCopy.objects.select_related("stream", "mark").order_by("pk") if copy.targets]


def the_copy() -> MarkedCopy:
    (found,) = copies()
    return found


def job(copy: MarkedCopy) -> MediaJob:
    return MediaJob.objects.get(kind="marked_copy", reference=copy.reference)


def overlays(copy: MarkedCopy) -> list[str]:
    return [one.text or one.kind for one in scenes.scene_of(copy).programme.overlays]


def shown(cast: Cast) -> Stream:
    return Stream.objects.get(room=cast.room, on_programme=True)


def test_viewers_get_the_copy_while_it_is_there(cast: Cast):
    own = cast.stream
    publish(own)
    put(own)
    assert shown(cast) == own
    assert not MediaJob.objects.filter(kind="marked_copy").exists(), "nobody knows how large the picture is"
    look(cast)
    copy = the_copy()
    assert (copy.width, copy.height, copy.fps, copy.targets) == (1280, 720, 25, ["viewers"])
    assert job(copy).stream == copy.stream
    publish(copy.stream)
    assert shown(cast) == copy.stream
    assert selectors_of_streams.play_policy(stream=own.name) is None, "nobody fetches the unmarked one"
    policy = selectors_of_streams.programme_policy(cast.room)
    assert policy is not None
    assert policy.stream == copy.stream.name
    assert selectors_of_streams.own_stream(cast.room) == own


def test_copies_have_pictures_for_the_cover_and_no_second_alarm(cast: Cast):
    own = cast.stream
    publish(own)
    put(own)
    put(made_relay(cast), kind="invisible")
    look(cast)
    for copy in copies():
        publish(copy.stream)
    specs = {job.stream_id: job.spec for job in MediaJob.objects.filter(kind="snapshot")}
    for_viewers = next(copy for copy in copies() if copy.shows_viewers)
    assert set(specs) == {own.pk, for_viewers.stream_id}
    assert (specs[own.pk]["black_seconds"] > 0, specs[for_viewers.stream_id]["black_seconds"]) == (True, 0)


def test_when_the_copy_is_gone_for_long_the_original_is_shown(cast: Cast):
    publish(cast.stream)
    put(cast.stream)
    look(cast)
    copy = the_copy()
    publish(copy.stream)
    leave(copy.stream, at=NOW)
    assert shown(cast) == copy.stream, "it is started again within seconds"
    programmes.settle_all(now=NOW + timedelta(seconds=11))
    assert shown(cast) == cast.stream
    assert selectors_of_streams.play_policy(stream=cast.stream.name) is not None


def test_what_is_required_is_never_left_out(cast: Cast):
    publish(cast.stream)
    put(cast.stream, required=True)
    assert selectors_of_streams.play_policy(stream=cast.stream.name) is None
    assert selectors_of_streams.programme_policy(cast.room) is None
    look(cast)
    publish(the_copy().stream)
    assert selectors_of_streams.programme_policy(cast.room) is not None


def test_without_watermarks_the_original_is_back_and_the_copy_rests(cast: Cast):
    publish(cast.stream)
    watermark = put(cast.stream)
    look(cast)
    copy = the_copy()
    publish(copy.stream)
    services.delete_watermark(watermark=watermark, by=STAFF, now=NOW)
    assert shown(cast) == cast.stream
    assert selectors_of_streams.play_policy(stream=cast.stream.name) is not None
    assert (copies(), job(copy).wanted) == ([], "stopped")
    put(cast.stream, text="again")
    assert the_copy() == copy
    assert job(copy).wanted == "running"


def test_a_change_is_a_new_scene_of_the_same_child(cast: Cast):
    publish(cast.stream)
    watermark = put(cast.stream)
    look(cast)
    before, spec = the_copy(), job(the_copy()).spec
    services.change_watermark(watermark=watermark, said={"x_percent": 50, "text": "moved"}, by=STAFF, now=NOW)
    put(cast.stream, kind="clock")
    put(cast.stream, kind="invisible")
    after = the_copy()
    assert (after.pk, job(after).spec) == (before.pk, spec)
    assert after.serial > before.serial
    assert overlays(after) == ["moved", "%H:%M:%S"]
    marking = scenes.scene_of(after).marking
    assert marking is not None
    named = selectors.named(marking.number)
    assert named is not None
    assert (named.purpose, named.stream) == ("viewers", cast.stream.name)


def test_another_size_is_another_child(cast: Cast):
    publish(cast.stream)
    put(cast.stream)
    look(cast, ms=500, frame_rate=0.0)
    assert not MediaJob.objects.filter(kind="marked_copy").exists(), "how many pictures come is not known yet"
    look(cast)
    serial = job(the_copy()).spec_serial
    look(cast)
    assert job(the_copy()).spec_serial == serial
    look(cast, width=720, height=1280)
    assert job(the_copy()).spec_serial == serial + 1
    scene = scenes.scene_of(the_copy())
    assert (scene.width, scene.height) == (720, 1280)


def record(cast: Cast, **said: Any) -> Recording:
    return recordings.start_recording(stream=cast.stream, format="mp4", wish=Wish(), by=STAFF, now=NOW, **said)


def source_of(reference: str) -> str:
    return str(MediaJob.objects.get(reference=reference, kind__in=("record", "relay_push")).spec["source"])


def test_a_recording_takes_what_viewers_see_unless_it_is_told_not_to(cast: Cast):
    publish(cast.stream)
    watermark = put(cast.stream)
    look(cast)
    recording = record(cast)
    copy = the_copy()
    assert sorted(copy.targets) == [f"recording:{recording.pk}", "viewers"], "they share one"
    assert source_of(f"recording:{recording.pk}") == copy.stream.name
    assert recording.stream == cast.stream
    services.change_watermark(watermark=watermark, said={"recordings": False}, by=STAFF, now=NOW)
    assert source_of(f"recording:{recording.pk}") == ""
    assert the_copy().targets == ["viewers"]


def test_a_recording_waits_a_little_for_its_copy_and_then_takes_the_original(cast: Cast):
    publish(cast.stream)
    put(cast.stream)
    recording = record(cast)
    reference = f"recording:{recording.pk}"
    copy = the_copy()
    assert source_of(reference) == copy.stream.name
    stage = Stage(now=NOW, published=frozenset({cast.stream.pk}), disk_free_bytes=10**12)
    kind, row = Record(), MediaJob.objects.get(reference=reference)
    assert kind.holds_back(row, kind.read(row), stage) == "Waits for its marked copy."
    look(cast, at=NOW + timedelta(seconds=4))
    assert source_of(reference) == copy.stream.name
    look(cast, at=NOW + timedelta(seconds=6))
    assert source_of(reference) == ""
    publish(copy.stream, at=NOW + timedelta(seconds=7))
    assert source_of(reference) == copy.stream.name


def test_a_rules_recordings_have_numbers_of_their_own(cast: Cast):
    template = make_template(cast, "record", own=True)
    rule = template.rules.get()
    put(rule, kind="invisible", required=True)
    publish(cast.stream)
    recording = Recording.objects.get()
    copy = the_copy()
    assert copy.targets == [f"recording:{recording.pk}"]
    assert copy.mark is not None
    named = selectors.named(copy.mark.number)
    assert named is not None
    assert (named.purpose, named.target, named.stream) == ("recording", recording.number, cast.stream.name)
    look(cast, at=NOW + timedelta(minutes=1))
    assert source_of(f"recording:{recording.pk}") == copy.stream.name, "it waits: nothing goes out without"
    assert shown(cast) == cast.stream
    recordings.end_recording(recording=recording, now=NOW)
    Recording.objects.update(state="done")
    look(cast)
    assert copies() == []
    assert selectors.named(copy.mark.number) == named, "what a number says is kept"


def test_a_relay_pushes_its_own_copy(cast: Cast):
    publish(cast.stream)
    relay, other = made_relay(cast), made_relay(cast, "other")
    put(relay, kind="invisible")
    copy = the_copy()
    assert copy.targets == [relay.reference]
    assert (source_of(relay.reference), source_of(other.reference)) == (copy.stream.name, "")
    assert copy.mark is not None
    assert "secret-key" not in copy.mark.target
    assert "live.example.com" in copy.mark.target
    number = copy.mark.number
    relays.change_relay(relay=relay, by=STAFF, now=NOW, target="rtmp://else.example.com/app/key")
    changed = the_copy().mark
    assert changed is not None
    assert changed.number != number, "another target is another number"
    relays.change_relay(relay=relay, by=STAFF, now=NOW, enabled=False)
    assert copies() == []


def test_a_plan_puts_a_watermark_and_takes_it_away(cast: Cast):
    template = plans.make_template(
        app=cast.app, kind="watermark", name="clock", said={"kind": "clock"}, stream=cast.stream, by=STAFF, now=NOW
    )
    ladder = make_template(cast, "transcode", own=True)
    publish(cast.stream)
    watermark = Watermark.objects.get()
    assert (watermark.template, watermark.stream) == (template, cast.stream)
    assert overlays_of_copy() == ["%H:%M:%S"]
    with pytest.raises(services.OfATemplate):
        services.change_watermark(watermark=watermark, said={"x_percent": 3}, by=STAFF, now=NOW)
    copy = the_copy()
    assert plans_of(stream=cast.stream, kinds=["transcode"]) == {"transcode": None}, "no second ladder"
    assert plans_of(stream=Stream.objects.get(pk=copy.stream_id), kinds=["transcode", "watermark", "record"]) == {
        "transcode": ladder, "watermark": None, "record": None,
    }  # fmt: skip
    plans.change_template(template=template, said={"shows": "date_time"}, by=STAFF, now=NOW)
    rounds.follow_due(clock.now() + timedelta(days=1000))
    assert overlays_of_copy() == ["%Y-%m-%d %H:%M:%S"]
    plans.delete_template(template=template, by=STAFF, now=NOW)
    while rounds.follow_due(clock.now() + timedelta(days=1000)) is not None:
        pass
    assert (Watermark.objects.count(), copies()) == (0, [])
    assert plans_of(stream=cast.stream, kinds=["transcode"]) == {"transcode": ladder}


def overlays_of_copy() -> list[str]:
    MarkedCopy.objects.update(width=640, height=360, fps=25)
    return overlays(the_copy())


def test_nine_are_too_many(cast: Cast):
    for _ in range(services.MOST):
        put(cast.stream)
    with pytest.raises(services.TooManyWatermarks):
        put(cast.stream)
    with pytest.raises(BadParameter):
        put(the_copy().stream)


def test_when_the_source_leaves_its_copy_is_ended(cast: Cast):
    publish(cast.stream)
    put(cast.stream)
    look(cast)
    MediaJob.objects.update(pid=4711, state="running")
    serial = job(the_copy()).spec_serial
    leave(cast.stream, at=NOW)
    assert job(the_copy()).spec_serial == serial + 1
    kind, row = MarkedCopyKind(), job(the_copy())
    stage = Stage(now=NOW, published=frozenset(), disk_free_bytes=0)
    assert kind.holds_back(row, kind.read(row), stage) == "Waits for a publisher."
    assert kind.watch(row, kind.read(row), progress=Progress(), lines=[], now=NOW) is not None


def test_a_room_that_is_no_more_has_no_copies(cast: Cast):
    publish(cast.stream)
    put(cast.stream)
    look(cast)
    disband_room(room=cast.room, by=STAFF, now=NOW)
    assert copies() == []
    assert MediaJob.objects.get(kind="marked_copy").wanted == "stopped"


def test_a_mix_draws_its_watermarks_over_whatever_its_director_shows(cast: Cast):
    mix = made_mix(cast)
    serial = mix.serial
    watermark = put(mix, kind="clock")
    put(mix, kind="invisible")
    mix.refresh_from_db()
    assert mix.serial > serial, "a compositor passes over what is not newer"
    scene = resolved(mix)
    assert [one.kind for one in scene.programme.overlays] == ["clock"]
    assert mix.said_scene().programme.overlays == ()
    assert scene.marking is not None
    named = selectors.named(scene.marking.number)
    assert named is not None
    assert (named.purpose, named.target, named.stream) == ("mix", mix.number, mix.stream.name)
    services.delete_watermark(watermark=watermark, by=STAFF, now=NOW)
    assert resolved(mix).programme.overlays == ()
    assert copies() == [], "it needs no copy"
    mixes.end_mix(mix=mix, by=STAFF, now=NOW)
    with pytest.raises(BadParameter):
        put(Mix.objects.get(), kind="clock")
