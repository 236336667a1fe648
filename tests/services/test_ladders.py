"""Which streams have a ladder: by plan, for what is pushed, as long as somebody pushes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.engines.base import EngineState, EngineStream, Publisher
from streams.jobs.kinds import Progress, Stage
from streams.jobs.models import MediaJob, State
from streams.jobs.supervising import settling
from streams.ladder import kinds, services
from streams.ladder.kinds import LadderKind
from streams.ladder.models import Ladder
from streams.ladder.spec import LadderSpec
from streams.models import Publish, Stream
from streams.plans.models import Template
from streams.plans.settings import TRANSCODE, read, written
from tests.helpers.people import Cast
from tests.helpers.published import room_events, user_events

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HD = EngineStream(
    name="", publisher=Publisher("7", "127.0.0.1", 2000), width=1280, height=720, frame_rate=30.0, video_codec="H264", audio_codec="AAC"
)  # fmt: skip


def template(cast: Cast, **settings: object) -> Template:
    found = written(read(TRANSCODE, settings))
    return Template.objects.create(
        app=cast.app, kind=TRANSCODE, name="usual", settings=found, created_at=NOW, updated_at=NOW
    )


def publish(cast: Cast, *, at: datetime = NOW) -> Publish:
    return Publish.objects.create(stream=cast.stream, client_id="7", started_at=at)


def seen(cast: Cast, stream: EngineStream = HD) -> EngineState:
    return EngineState(instance="1", streams={cast.stream.name: replace(stream, name=cast.stream.name)})


def job() -> MediaJob:
    return MediaJob.objects.get(kind="ladder")


def spec() -> LadderSpec:
    return LadderKind().read(job())


def begin(cast: Cast, of: Template | None = None) -> Publish:
    """A publish whose plan wants a ladder, and the engine knows what comes."""
    one = publish(cast)
    services.ladder_by_plan(stream=cast.stream, template=of or template(cast), publish=one, now=NOW)
    services.follow(seen(cast), now=NOW)
    return one


def test_a_plan_makes_a_ladder_once_the_engine_knows_what_is_pushed(cast: Cast):
    one = publish(cast)
    services.ladder_by_plan(stream=cast.stream, template=template(cast), publish=one, now=NOW)
    assert not MediaJob.objects.exists()
    starting = replace(HD, publisher=Publisher("7", "127.0.0.1", 300), width=0, height=0, video_codec="")
    services.follow(seen(cast, starting), now=NOW)
    assert not MediaJob.objects.exists()
    services.follow(seen(cast), now=NOW)
    assert spec().names == ("720p", "480p", "360p", "audio")
    assert (job().state, job().stream_id, job().app_id) == (State.WAITING, cast.stream.pk, cast.app.pk)
    services.follow(seen(cast), now=NOW + timedelta(seconds=2))
    assert job().spec_serial == 0, "the same again changes nothing"


def test_the_next_publish_begins_with_what_was_pushed_last(cast: Cast):
    one = begin(cast)
    of = Template.objects.get()
    Publish.objects.filter(pk=one.pk).update(ended_at=NOW)
    later = NOW + timedelta(hours=1)
    services.follow(EngineState(instance="1", streams={}), now=later)
    settling.settle(job(), LadderKind(), spec(), kinds.Over("stopped"), now=later)
    services.ladder_by_plan(stream=cast.stream, template=of, publish=publish(cast, at=later), now=later)
    again = MediaJob.objects.get(kind="ladder", state=State.WAITING)
    assert LadderKind().read(again).names == ("720p", "480p", "360p", "audio")
    assert LadderKind().read(again).generation == int(later.timestamp())


def test_a_source_that_changes_its_size_gets_another_ladder_in_another_folder(cast: Cast):
    begin(cast)
    before = spec()
    services.follow(seen(cast, replace(HD, width=640, height=360)), now=NOW + timedelta(seconds=9))
    assert spec().names == ("360p", "audio")
    assert spec().generation > before.generation
    services.follow(seen(cast, replace(HD, width=640, height=360, audio_codec="")), now=NOW + timedelta(seconds=12))
    assert spec().names == ("360p",)


def test_another_template_changes_a_ladder_that_runs_and_none_ends_it(cast: Cast):
    one = begin(cast)
    small = Template.objects.create(
        app=cast.app, kind=TRANSCODE, name="small", created_at=NOW, updated_at=NOW,
        settings=written(read(TRANSCODE, {"preset": "fast", "rungs": [{"name": "low", "height": 240}]})),
    )  # fmt: skip
    services.ladder_by_plan(stream=cast.stream, template=small, publish=one, now=NOW)
    assert (spec().names, spec().preset) == (("low",), "fast")
    services.ladder_by_plan(stream=cast.stream, template=None, publish=one, now=NOW)
    assert job().wanted == "stopped"


def test_it_waits_for_a_publisher_who_comes_back_and_ends_after_the_grace(cast: Cast):
    one = begin(cast)
    nobody = EngineState(instance="1", streams={})
    services.follow(nobody, now=NOW)
    Publish.objects.filter(pk=one.pk).update(ended_at=NOW)
    services.follow(nobody, now=NOW + timedelta(seconds=20))
    assert job().wanted == "running"
    stage = Stage(now=NOW, published=frozenset(), disk_free_bytes=10**9)
    assert LadderKind().holds_back(job(), spec(), stage) != ""
    services.follow(nobody, now=NOW + timedelta(seconds=31))
    assert job().wanted == "stopped"
    assert Ladder.objects.get().settings is None


def test_what_cannot_be_decoded_here_has_no_ladder(cast: Cast):
    services.ladder_by_plan(stream=cast.stream, template=template(cast), publish=publish(cast), now=NOW)
    services.follow(seen(cast, replace(HD, video_codec="H265")), now=NOW)
    assert not MediaJob.objects.exists()


def watched(cast: Cast, kind: LadderKind, *, out: float, at: float, waiting: int = 0) -> LadderSpec | None:
    kinds_unread = kinds.unread_bytes
    kinds.unread_bytes = lambda pid: waiting  # type: ignore[assignment]
    try:
        found = kind.watch(job(), spec(), progress=Progress(out_seconds=out), lines=(), now=NOW + timedelta(seconds=at))
    finally:
        kinds.unread_bytes = kinds_unread
    assert found is None or isinstance(found, LadderSpec)
    return found


def test_viewers_hear_of_a_ladder_when_every_rung_has_a_segment_and_when_it_is_gone(
    cast: Cast, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kinds, "data_folder", lambda: tmp_path)
    begin(cast)
    kind = LadderKind()
    launch = kind.launch(job(), spec(), now=NOW)
    assert launch.arguments[0] == "ffmpeg"
    folder = tmp_path / "ladder" / cast.stream.name / str(spec().generation)
    for name in spec().names[:-1]:
        (folder / f"{name}.m3u8").write_text("")
    assert watched(cast, kind, out=1, at=1) is None
    assert Stream.objects.get(pk=cast.stream.pk).rungs == ()
    (folder / f"{spec().names[-1]}.m3u8").write_text("")
    watched(cast, kind, out=2, at=2)
    assert Stream.objects.get(pk=cast.stream.pk).rungs == ("720p", "480p", "360p", "audio")
    heard = [event["ladder"] for event in room_events("stream", room=cast.room.key)]
    assert heard == [["720p", "480p", "360p", "audio"]]
    kind.settled(job(), spec(), kinds.Over("stopped"), now=NOW)
    assert Stream.objects.get(pk=cast.stream.pk).ladder == ""


def test_one_that_falls_behind_loses_its_lowest_rung_and_the_owner_hears_of_it(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kinds, "data_folder", lambda: tmp_path)
    begin(cast)
    kind, found = LadderKind(), None
    (tmp_path / "ladder" / cast.stream.name / str(spec().generation)).mkdir(parents=True)
    for second in range(1, 12):
        found = watched(cast, kind, out=second * 0.8, at=second, waiting=100_000)
    assert found is not None
    assert (found.names, found.shed) == (("720p", "480p", "audio"), ("360p",))
    assert Ladder.objects.get().shed == ["360p"]
    told = user_events("media", of="stella")
    assert [(event["about"], event["stream"]) for event in told] == [("ladder_shed", cast.stream.name)]
    assert "360p" in told[0]["text"]


def test_too_little_room_leaves_out_the_highest_rungs_and_keeps_one():
    kind = LadderKind()
    whole = services.spec_for(
        stream="s", settings=services.read(TRANSCODE, {}), source=services.Source(1920, 1080, 30, "H264", "AAC"), generation=1
    )  # type: ignore[arg-type]  # fmt: skip
    assert whole is not None
    smaller = kind.fitted(whole, cores=kind.cores(whole) - 0.1)
    assert smaller is not None
    assert smaller.shed == ("1080p",)
    assert kind.fitted(whole, cores=0.01) is None


def test_folders_of_nobody_are_removed(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(services, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(services, "_ORPHAN_SECONDS", -1.0)
    begin(cast)
    for name in (cast.stream.name, "gone"):
        (tmp_path / "ladder" / name).mkdir(parents=True)
    assert services.remove_orphans() == 1
    assert [entry.name for entry in (tmp_path / "ladder").iterdir()] == [cast.stream.name]
