"""Recordings as rows and files: started by rules, joined over a loss, stopped for a full disk, finished after kills, deleted in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interactions.models import MinuteStat
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.rooms.services.status import set_status
from streams.jobs import finite
from streams.jobs.kinds import Exit, Over, Progress, kind_of
from streams.jobs.models import MediaJob, MediaTask
from streams.jobs.supervising import settling
from streams.models import Publish, Recording
from streams.plans import rounds
from streams.plans import services as plans
from streams.recording import chapters, clips, following, services
from streams.recording.kinds import Record
from streams.recording.raw import disk
from streams.recording.raw.reading import read_written
from streams.recording.rules import Wish
from streams.recording.selectors import stretches_of
from streams.services.publishing import admit_publisher, close_publish
from streams.storage import chosen, storage
from tests.helpers.people import STAFF, Cast
from tests.helpers.plans import make_template
from tests.helpers.pushing import push_hook
from tests.media.rig import make_clip

pytestmark = pytest.mark.django_db
WISH = Wish(flow_continue_seconds=30)


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.LIVEROOM = replace(settings.LIVEROOM, data=tmp_path, disk_free_min_bytes=0)
    chosen.storage.cache_clear()
    yield
    chosen.storage.cache_clear()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clip") / "c.flv", seconds=4, keyframe_frames=25).read_bytes()


def published(cast: Cast, *, client_id: str = "7") -> Publish:
    now = clock.now()
    return admit_publisher(hook=push_hook(cast.stream, now=now, client_id=client_id), now=now)


def start(cast: Cast, format: str = "mp4", wish: Wish = WISH, **more: Any) -> Recording:
    return services.start_recording(stream=cast.stream, format=format, wish=wish, by=STAFF, now=clock.now(), **more)


def job_of(recording: Recording) -> MediaJob:
    job = services.job_of(recording)
    assert job is not None
    return job


def writes(recording: Recording, data: bytes, *, run: int = 1) -> None:
    """A run of its child, which has written this."""
    kind = kind_of("record")
    assert isinstance(kind, Record)
    job = job_of(recording)
    job.run = run
    target = Path(disk.folder_of(recording.number), f"{run:08d}.flv")
    assert f"file:{target}" in kind.launch(job, kind.read(job), now=clock.now()).arguments
    target.write_bytes(data)
    kind.watch(job, kind.read(job), progress=Progress(size_bytes=1), lines=(), now=clock.now())
    recording.refresh_from_db()


def child_ends(recording: Recording) -> Any:
    kind = kind_of("record")
    assert kind is not None
    job = job_of(recording)
    exit_ = Exit(code=0, asked=False, ran_seconds=9, progress=Progress(), last_lines=())
    verdict = kind.ended(job, kind.read(job), exit_, now=clock.now())
    if isinstance(verdict, Over):
        settling.settle(job, kind, kind.read(job), verdict, now=clock.now())
    recording.refresh_from_db()
    return verdict


def job_settles(recording: Recording) -> None:
    """Its host sees that it is no longer wanted."""
    kind, job = kind_of("record"), job_of(recording)
    assert kind is not None
    assert job.wanted == "stopped"
    settling.settle_waiting(job, kind, kind.read(job), now=clock.now())
    recording.refresh_from_db()


def tasks_are_done(recording: Recording) -> None:
    MediaTask.objects.update(retry_at=clock.now() - timedelta(seconds=1))
    finite.run_due(clock.now())
    recording.refresh_from_db()


def finished(cast: Cast, clip: bytes, **more: Any) -> Recording:
    recording = start(cast, **more)
    writes(recording, clip)
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    assert recording.state == "finishing"
    tasks_are_done(recording)
    assert recording.state == "done", recording.reason
    return recording


# -- rules


def test_a_rule_records_each_publish_once_in_each_of_its_formats(cast: Cast):
    template = make_template(cast, mp4={}, aac={}, flow_continue_seconds=10)
    plans.bind(app=cast.app, kind="record", template=template, by=STAFF, now=clock.now())
    publish = published(cast)
    found = Recording.objects.order_by("format")
    assert [(one.format, one.origin, one.template, one.state) for one in found] == [
        ("aac", "rule", template.pk, "waiting"),
        ("mp4", "rule", template.pk, "waiting"),
    ]
    assert (found[1].settings["split_seconds"], found[1].settings["flow_continue_seconds"]) == (1800, 10)
    following.record_by_plan(stream=cast.stream, template=template, publish=publish, now=clock.now())
    assert found.count() == 2
    # Stopped by hand, it stays stopped until the next publish.
    services.stop_recording(recording=found[0], by=STAFF, now=clock.now())
    job_settles(found[0])
    following.record_by_plan(stream=cast.stream, template=template, publish=publish, now=clock.now())
    assert found.count() == 2


def test_a_rule_that_no_longer_holds_ends_what_it_began_and_leaves_what_a_hand_began(cast: Cast):
    template = make_template(cast, mp4={})
    rule = plans.bind(app=cast.app, kind="record", template=template, by=STAFF, now=clock.now())
    published(cast)
    by_hand = start(cast)
    plans.unbind(rule=rule, by=STAFF, now=clock.now())
    while rounds.follow_due(clock.now() + timedelta(seconds=10)) is not None:
        pass
    ruled = Recording.objects.get(origin="rule")
    assert (job_of(ruled).wanted, job_of(by_hand).wanted) == ("stopped", "running")


def test_ten_recordings_of_a_stream_are_the_most(cast: Cast):
    for _ in range(10):
        start(cast)
    with pytest.raises(services.TooManyRecordings) as refused:
        start(cast)
    assert refused.value.extra["limit"] == 10


# -- the life of one


def test_a_recording_is_made_a_film_with_cover_and_small_pictures(cast: Cast, clip: bytes, committed: Any):
    with committed():
        recording = finished(cast, clip)
    file = recording.files.get()
    assert (file.frames, file.width, file.height, file.video_codec, file.audio_codec) == (100, 320, 180, "h264", "aac")
    assert recording.duration_seconds == pytest.approx(4, abs=0.2)
    assert storage().size(key=file.key) == file.size_bytes == recording.size_bytes
    assert recording.cover
    assert storage().size(key=recording.cover)
    assert storage().size(key=recording.thumbnails)
    assert not disk.folder_of(recording.number).exists()
    assert MediaJob.objects.get().state == "done"
    with committed():
        services.delete_recording(recording=recording, by=STAFF, now=clock.now())
    assert storage().size(key=file.key) is None


@pytest.mark.parametrize("format", ["hls", "flv", "aac", "mp3"])
def test_other_formats(cast: Cast, clip: bytes, format: str):
    recording = finished(cast, clip, format=format)
    file = recording.files.get()
    assert storage().size(key=file.key)
    assert (file.width is None) == (format in ("aac", "mp3"))


def test_a_publisher_who_is_back_in_time_goes_on_in_the_same_recording(cast: Cast, clip: bytes):
    publish = published(cast)
    recording = start(cast)
    writes(recording, clip)
    close_publish(publish=publish, now=clock.now(), reason="left")
    child_ends(recording)
    assert (recording.state, recording.lost_at is not None) == ("running", True)
    following.follow_due(clock.now() + timedelta(seconds=20))
    published(cast, client_id="8")
    writes(recording, clip, run=2)
    assert recording.lost_at is None
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    tasks_are_done(recording)
    assert recording.files.get().frames == 200
    first, second = stretches_of(recording)
    assert second.media_offset == pytest.approx(first.duration_seconds)


def test_a_publisher_who_stays_away_ends_it_and_its_file_is_there_before(cast: Cast, clip: bytes):
    publish = published(cast)
    recording = start(cast)
    writes(recording, clip)
    close_publish(publish=publish, now=clock.now(), reason="left")
    child_ends(recording)
    following.follow_due(clock.now() + timedelta(seconds=5))
    tasks_are_done(recording)
    file = recording.files.get()
    assert (recording.state, file.state) == ("running", "running")
    assert (disk.folder_of(recording.number) / "file-1" / "film.mp4").exists()
    following.follow_due(clock.now() + timedelta(seconds=31))
    job_settles(recording)
    tasks_are_done(recording)
    assert recording.state == "done"


def test_a_child_that_dies_while_its_publisher_is_there_is_started_again(cast: Cast, clip: bytes):
    published(cast)
    recording = start(cast)
    writes(recording, clip)
    verdict = child_ends(recording)
    assert (type(verdict).__name__, verdict.counts, recording.lost_at) == ("Again", False, None)


def test_reading_again_and_again_changes_nothing_and_files_close_at_the_interval(cast: Cast, clip: bytes):
    recording = start(cast, wish=Wish(split_seconds=2))
    writes(recording, clip[: len(clip) // 3])
    for upto in (len(clip) // 3, len(clip) // 2, len(clip), len(clip)):
        Path(disk.folder_of(recording.number), "00000001.flv").write_bytes(clip[:upto])
        read_written(recording_id=recording.pk, last=False, now=clock.now())
    assert [(file.state, file.frames) for file in recording.files.order_by("number")] == [
        ("finishing", 50),
        ("running", 50),
    ]
    for _ in range(3):
        read_written(recording_id=recording.pk, last=True, now=clock.now())
    assert sum(file.frames for file in recording.files.all()) == 100
    assert recording.files.count() == 2


def test_a_task_that_was_killed_at_its_work_is_done_by_the_next_one(cast: Cast, clip: bytes):
    recording = start(cast)
    writes(recording, clip)
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    # It was read and half made, and then its worker died.
    read_written(recording_id=recording.pk, last=True, now=clock.now())
    half = disk.folder_of(recording.number) / "file-1"
    half.mkdir()
    (half / "film.mp4").write_bytes(b"half")
    MediaTask.objects.update(state="running", claim=3, claimed_until=clock.now() - timedelta(seconds=1))
    tasks_are_done(recording)
    assert (recording.state, recording.files.count()) == ("done", 1)


def test_nothing_written_is_stopped_and_not_failed(cast: Cast):
    recording = start(cast)
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    assert (recording.state, MediaJob.objects.get().state) == ("stopped", "stopped")


def test_it_ends_at_its_time_and_cannot_be_asked_to_end_before_now(cast: Cast, clip: bytes):
    with pytest.raises(BadParameter):
        start(cast, until=clock.now() - timedelta(seconds=1))
    recording = start(cast, until=clock.now() + timedelta(seconds=60))
    following.follow_due(clock.now() + timedelta(seconds=61))
    assert job_of(recording).wanted == "stopped"


def test_a_recording_that_is_written_is_not_deleted(cast: Cast):
    recording = start(cast)
    with pytest.raises(services.RecordingRuns):
        services.delete_recording(recording=recording, by=STAFF, now=clock.now())


# -- the disk


def test_a_full_disk_stops_it_with_a_word_to_the_owner_and_keeps_what_was_written(
    cast: Cast, clip: bytes, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    told: list[Any] = []
    monkeypatch.setattr(services.facts, "state", told.append)
    recording = start(cast)
    writes(recording, clip)
    free = disk.free_bytes()
    settings.LIVEROOM = replace(settings.LIVEROOM, disk_free_min_bytes=10**17)
    kind, job = kind_of("record"), job_of(recording)
    assert kind is not None
    verdict = kind.watch(job, kind.read(job), progress=Progress(size_bytes=9), lines=(), now=clock.now())
    assert isinstance(verdict, Over)
    assert "disk is nearly full" in verdict.reason
    settling.settle(job, kind, kind.read(job), verdict, now=clock.now())
    assert [type(fact).__name__ for fact in told] == ["RecordingStarted", "RecordingStopped"]
    with pytest.raises(disk.DiskFull) as refused:
        start(cast)
    assert refused.value.extra["limit"] == 10**17
    held = start(cast, origin=Recording.Origin.RULE)
    stage = type("Stage", (), {"published": {cast.stream.pk}, "now": clock.now(), "disk_free_bytes": free})()
    assert "disk is nearly full" in kind.holds_back(job_of(held), kind.read(job_of(held)), stage)
    tasks_are_done(recording)
    assert (recording.state, recording.files.get().frames) == ("done", 100)
    assert "disk" in recording.reason


def test_a_film_that_does_not_fit_waits_for_room_and_nothing_is_lost(
    cast: Cast, clip: bytes, monkeypatch: pytest.MonkeyPatch
):
    recording = start(cast)
    writes(recording, clip)
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    monkeypatch.setattr(disk, "free_bytes", lambda: 1_000)
    for _ in range(7):
        following.follow_due(clock.now())
        tasks_are_done(recording)
    assert recording.state == "finishing"
    assert "waits for space" in recording.reason
    monkeypatch.undo()
    following.follow_due(clock.now())
    tasks_are_done(recording)
    assert recording.state == "done"


def test_what_is_old_goes_and_what_is_too_much(cast: Cast, clip: bytes, settings: Any):
    old = finished(cast, clip, wish=Wish(storage_seconds=60))
    kept = [finished(cast, clip) for _ in range(3)]
    following.clear_due(clock.now() + timedelta(seconds=61))
    assert not Recording.objects.filter(pk=old.pk).exists()
    settings.LIVEROOM = replace(settings.LIVEROOM, recordings_max_bytes=kept[0].size_bytes * 2)
    following.clear_due(clock.now())
    assert list(Recording.objects.order_by("pk")) == kept[1:]


# -- shows, chapters, clips


def test_a_room_is_played_back_when_its_recording_can_be_played(cast: Cast, clip: bytes):
    published(cast)
    recording = start(cast)
    writes(recording, clip)
    set_status(room=cast.room, status="ended", by=STAFF, now=clock.now())
    job_settles(recording)
    cast.room.refresh_from_db()
    assert cast.room.status == "ended"
    tasks_are_done(recording)
    cast.room.refresh_from_db()
    assert (recording.state, cast.room.status) == ("done", "played_back")


def test_it_is_not_where_that_is_not_wanted(cast: Cast, clip: bytes):
    published(cast)
    recording = start(cast, wish=Wish(playback=False))
    writes(recording, clip)
    set_status(room=cast.room, status="ended", by=STAFF, now=clock.now())
    job_settles(recording)
    tasks_are_done(recording)
    cast.room.refresh_from_db()
    assert (recording.state, cast.room.status) == ("done", "ended")


def test_chapters_come_from_what_happened_and_from_a_hand(cast: Cast, clip: bytes):
    published(cast)
    recording = start(cast)
    writes(recording, clip)
    set_status(room=cast.room, status="paused", by=STAFF, now=clock.now())
    chapters.put_chapter(recording=recording, seconds=1.5, title="here", by=STAFF, now=clock.now())
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    tasks_are_done(recording)
    found = {(one.kind, one.title): one.seconds for one in recording.chapters.all()}
    assert found[("hand", "here")] == 1.5
    assert 0 <= found[("status", "Paused")] <= recording.duration_seconds
    with pytest.raises(BadParameter, match="0 to"):
        chapters.put_chapter(recording=recording, seconds=99, title="no", by=STAFF, now=clock.now())


def test_a_clip_of_what_runs_and_one_of_what_is_finished(cast: Cast, clip: bytes):
    published(cast)
    with pytest.raises(clips.NothingRecorded, match="Start a recording first"):
        clips.clip_of_room(room=cast.room, seconds=2, by=STAFF, now=clock.now())
    recording = start(cast)
    writes(recording, clip)
    running = clips.clip_of_room(room=cast.room, seconds=2, by=STAFF, now=clock.now())
    finite.run_due(clock.now())
    running.refresh_from_db()
    assert (running.state, running.duration_seconds) == ("done", pytest.approx(2, abs=0.1)), running.reason
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    tasks_are_done(recording)
    later = clips.clip_of_recording(recording=recording, from_seconds=0.5, to_seconds=1.5, by=STAFF, now=clock.now())
    finite.run_due(clock.now())
    later.refresh_from_db()
    assert (later.state, later.duration_seconds) == ("done", pytest.approx(1, abs=0.1)), later.reason
    assert storage().size(key=later.cover)
    for begin, end in ((0, 601), (3, 2), (-1, 3), (0, 9)):
        with pytest.raises((BadParameter, Conflict)):
            clips.clip_of_recording(recording=recording, from_seconds=begin, to_seconds=end, by=STAFF, now=clock.now())


def test_gifts_peaks_become_chapters(cast: Cast, clip: bytes):
    published(cast)
    recording = start(cast)
    writes(recording, clip)
    read_written(recording_id=recording.pk, last=False, now=clock.now())
    recording.refresh_from_db()
    assert recording.session is not None
    begin = recording.started_at
    assert begin is not None
    for second, value in ((0, 1), (1, 1), (2, 900), (3, 2)):
        MinuteStat.objects.create(session=recording.session, minute=begin + timedelta(seconds=second), gift_value=value)
    services.stop_recording(recording=recording, by=STAFF, now=clock.now())
    job_settles(recording)
    tasks_are_done(recording)
    [peak] = recording.chapters.filter(kind="gifts")
    assert (peak.title, peak.seconds) == ("Gifts: 900", pytest.approx(2, abs=0.1))
