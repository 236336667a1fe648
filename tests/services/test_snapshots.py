"""Pictures from the file to the wall: taken in once, kept or forgotten, shown as a cover, judged; what is asked, and by whom."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from liveroom.kernel import clock
from liveroom.kernel.errors import Conflict, LiveRoomError, NotPermitted
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import cover_of
from liveroom.rooms.services.rooms import change_access, change_room
from streams.jobs import finite
from streams.jobs.models import MediaJob, MediaTask
from streams.media.one_picture import NoPicture
from streams.models import PictureReview, Publish, Snapshot, Stream, Trouble
from streams.services.health import health_of
from streams.services.streams import allow_stream
from streams.snapshots import files, finite_work, retention, selectors, services, troubles
from streams.snapshots.models import BLOCK, DONE, FAILED, PASS, REVIEW, WAITING
from streams.snapshots.review import webhook, work
from streams.snapshots.review.judging import Judgement, ReviewAway
from streams.snapshots.rules import BLACK, Change
from streams.storage import storage
from tests.helpers.people import STAFF, Cast

SKIN, BLUE, DARK = (224, 172, 105), (40, 90, 200), (2, 2, 2)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this test's pictures lie."""
    from streams.storage import chosen
    from streams.storage.local_folder import LocalFolder

    here = LocalFolder(root=tmp_path / "kept", secret="s", http="http://here")
    monkeypatch.setattr(chosen, "storage", lambda: here)
    for module in (finite_work, retention, selectors, services, work):
        monkeypatch.setattr(module, "storage", lambda: here, raising=False)
    from streams.snapshots import covers

    monkeypatch.setattr(covers, "storage", lambda: here)
    monkeypatch.setattr(files, "_root", lambda: tmp_path / "waiting")


def on_air(stream: Stream) -> Publish:
    return Publish.objects.create(stream=stream, client_id="7", started_at=clock.now())


def written(stream: Stream, name: str, color: tuple[int, int, int] = BLUE, *, at: datetime | None = None) -> Path:
    folder = files.folder_of(stream.pk)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jpg"
    Image.new("RGB", (320, 180), color).save(path, "JPEG")
    if at is not None:
        os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def take_in(stream: Stream) -> None:
    finite_work.want_taken_in(stream_id=stream.pk, app=stream.room.app, now=clock.now())
    finite.run_quick(clock.now())


def test_a_picture_is_taken_in_once_and_its_file_goes(cast: Cast) -> None:
    stream = cast.stream
    path = written(stream, "1-1-tn-000001")
    take_in(stream)
    row = Snapshot.objects.get()
    assert (row.state, row.width, row.height, row.kept, row.review) == (DONE, 320, 180, False, "")
    assert not path.exists()
    assert storage is not None
    written(stream, "1-1-tn-000001")  # a worker that was killed before it removed the file
    take_in(stream)
    assert Snapshot.objects.count() == 1
    assert list(files.folder_of(stream.pk).iterdir()) == []


def test_what_is_no_picture_or_bears_no_name_of_ours_is_no_snapshot(cast: Cast) -> None:
    stream = cast.stream
    path = written(stream, "1-1-tn-000001")
    path.write_bytes(path.read_bytes()[:400])
    (path.parent / "1-1-tn-000002.jpg.tmp").write_bytes(b"half")
    (path.parent / "..jpg").write_bytes(b"x")
    take_in(stream)
    assert Snapshot.objects.count() == 0
    assert not path.exists()


def test_of_pictures_for_the_wall_the_newest_few_stay_and_kept_ones_by_their_number(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = cast.stream
    for number in range(1, 8):
        written(stream, f"1-1-tn-{number:06d}")
    take_in(stream)
    assert [row.origin[-1] for row in Snapshot.objects.order_by("id")] == ["5", "6", "7"]
    monkeypatch.setattr(retention, "_kept_count", lambda: 4)
    for number in range(1, 8):
        written(stream, f"1-1-kn-{number:06d}")
    take_in(stream)
    assert Snapshot.objects.filter(kept=True).count() == 4
    Snapshot.objects.update(asked_at=clock.now() - timedelta(days=8))
    kept = Snapshot.objects.filter(kept=True).order_by("id")
    Snapshot.objects.filter(pk=kept[0].pk).update(review=WAITING)
    Snapshot.objects.filter(pk=kept[1].pk).update(verdict=REVIEW)
    retention.prune(now=clock.now())
    assert Snapshot.objects.count() == 2
    retention.prune(now=clock.now() + timedelta(days=31))
    assert Snapshot.objects.count() == 0


def test_an_open_room_shows_the_latest_picture_of_its_programme_until_its_owner_sets_a_cover(cast: Cast) -> None:
    stream = cast.stream
    written(stream, "1-1-tn-000001")
    take_in(stream)
    room = Room.objects.get(pk=cast.room.pk)
    first = cover_of(room)
    assert first.startswith(f"{settings.LIVEROOM.public_http}/media/covers/")
    written(stream, "1-1-tn-000002", SKIN)
    take_in(stream)  # within the minute
    assert cover_of(Room.objects.get(pk=room.pk)) == first
    written(stream, "1-1-tn-000003", DARK, at=clock.now() + timedelta(seconds=90))
    take_in(stream)  # black tells nobody anything
    assert cover_of(Room.objects.get(pk=room.pk)) == first
    stella = cast.actor(cast.stella)
    change_room(room=room, changes={"cover": first}, by=stella, now=clock.now())
    assert Room.objects.get(pk=room.pk).cover == ""  # sent back as it was shown
    change_room(room=room, changes={"cover": "https://x.example/c.png"}, by=stella, now=clock.now())
    assert cover_of(Room.objects.get(pk=room.pk)) == "https://x.example/c.png"


def test_a_closed_room_shows_nobody_its_picture(cast: Cast) -> None:
    stream = cast.stream
    written(stream, "1-1-tn-000001")
    take_in(stream)
    assert Room.objects.get(pk=cast.room.pk).picture
    change_access(room=cast.room, by=cast.actor(cast.stella), now=clock.now(), password="x")
    room = Room.objects.get(pk=cast.room.pk)
    assert (room.picture, cover_of(room)) == ("", "")
    written(stream, "1-1-tn-000002", at=clock.now() + timedelta(seconds=90))
    take_in(stream)
    assert Room.objects.get(pk=cast.room.pk).picture == ""


def test_a_picture_on_demand_is_one_for_all_who_ask_and_fails_with_a_word(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, stella, now = cast.stream, cast.actor(cast.stella), clock.now()
    with pytest.raises(services.NotOnAir):
        services.ask_snapshot(stream=stream, by=stella, now=now)
    on_air(stream)
    with pytest.raises(NotPermitted):
        services.ask_snapshot(stream=stream, by=cast.actor(cast.mia), now=now)
    asked = services.ask_snapshot(stream=stream, by=stella, now=now)
    assert services.ask_snapshot(stream=stream, by=stella, now=now).pk == asked.pk
    monkeypatch.setattr(finite_work, "take_picture", lambda spec: Image.new("RGB", (64, 36), BLUE).save(spec.target))
    finite.run_quick(clock.now())
    asked.refresh_from_db()
    assert (asked.state, asked.width) == (DONE, 64)
    assert selectors.address_of(asked, now=now).startswith("http://here/vault/")

    def nothing(spec: object) -> None:
        raise NoPicture("This stream has no picture: there is nothing to take.")

    monkeypatch.setattr(finite_work, "take_picture", nothing)
    other = services.ask_snapshot(stream=stream, by=stella, now=clock.now())
    finite.run_quick(clock.now())
    other.refresh_from_db()
    assert (other.state, other.reason) == (FAILED, "This stream has no picture: there is nothing to take.")
    assert selectors.address_of(other, now=now) == ""


def test_a_stream_on_air_has_a_job_and_off_air_none(cast: Cast) -> None:
    stream = cast.stream
    publish = on_air(stream)
    services.snapshots_by_plan(stream=stream, template=None, publish=publish, now=clock.now())
    services.snapshots_by_plan(stream=stream, template=None, publish=publish, now=clock.now())
    job = MediaJob.objects.get(kind="snapshot")
    assert (job.wanted, job.spec["kept"], job.spec["interval_seconds"]) == ("running", False, 10)
    troubles.write(stream=stream, change=Change(BLACK, on=True, began_at=clock.now()), now=clock.now())
    seen = health_of(stream)
    assert (seen.troubles[0].trouble, seen.advice[0]) == ("black", seen.troubles[0].text)
    Publish.objects.filter(pk=publish.pk).update(ended_at=clock.now())
    services.off_air(stream=stream, now=clock.now())
    job.refresh_from_db()
    assert job.wanted == "stopped"
    assert Trouble.objects.get().ended_at is not None


def review(app: Any, **changes: Any) -> PictureReview:
    return PictureReview.objects.create(app=app, all_streams=True, **changes)


def judged(stream: Stream, name: str, color: tuple[int, int, int]) -> Snapshot:
    written(stream, name, color)
    take_in(stream)
    row = Snapshot.objects.get(origin=name)
    finite.run_due(clock.now())
    row.refresh_from_db()
    return row


def test_the_built_in_rule_passes_doubts_and_blocks(cast: Cast) -> None:
    stream = cast.stream
    rule = review(cast.app)
    passed = judged(stream, "1-1-kn-000001", BLUE)
    assert (passed.verdict, passed.judged_by) == (PASS, "local")
    assert Room.objects.get(pk=cast.room.pk).picture  # only now
    doubted = judged(stream, "1-1-kn-000002", SKIN)
    assert (doubted.verdict, doubted.labels) == (REVIEW, ["skin"])
    assert Stream.objects.get(pk=stream.pk).forbidden_until is None
    PictureReview.objects.filter(pk=rule.pk).update(block_at=0.8)
    blocked = judged(stream, "1-1-kn-000003", SKIN)
    assert blocked.verdict == BLOCK
    found = Stream.objects.get(pk=stream.pk)
    assert found.forbidden_until > clock.now() + timedelta(days=89)
    assert blocked.number in found.forbidden_reason
    entry = AuditEntry.objects.get(action="stream.forbid")
    assert (entry.actor, entry.target) == ("server:picture review", stream.name)
    assert Room.objects.get(pk=cast.room.pk).picture == ""


def test_a_block_survives_whatever_is_killed_before_its_transaction_and_counts_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = cast.stream
    review(cast.app, block_at=0.5)
    written(stream, "1-1-kn-000001", SKIN)
    take_in(stream)
    real = work.forbid_stream

    def killed(**_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(work, "forbid_stream", killed)
    finite.run_due(clock.now())
    row = Snapshot.objects.get()
    assert (row.review, row.verdict) == (WAITING, "")
    monkeypatch.setattr(work, "forbid_stream", real)
    MediaTask.objects.filter(kind="review").update(retry_at=clock.now())
    finite.run_due(clock.now())
    row.refresh_from_db()
    assert (row.review, row.verdict) == (DONE, BLOCK)
    assert not work.write(snapshot=row, judgement=Judgement(PASS), by="x", now=clock.now())
    assert AuditEntry.objects.filter(action="stream.forbid").count() == 1


def test_a_late_judgement_of_an_older_picture_forbids_nothing_that_was_lifted(cast: Cast) -> None:
    stream = cast.stream
    review(cast.app, block_at=0.5)
    written(stream, "1-1-kn-000001", SKIN)
    written(stream, "1-1-kn-000002", SKIN)
    take_in(stream)
    first, second = Snapshot.objects.order_by("id")
    work.write(snapshot=first, judgement=Judgement(BLOCK), by="x", now=clock.now())
    allow_stream(stream=Stream.objects.get(pk=stream.pk), by=STAFF, now=clock.now())
    work.write(snapshot=second, judgement=Judgement(BLOCK), by="x", now=clock.now())
    assert Stream.objects.get(pk=stream.pk).forbidden_until is None


def test_a_person_decides_a_doubt_once(cast: Cast) -> None:
    stream = cast.stream
    review(cast.app)
    doubted = judged(stream, "1-1-kn-000001", SKIN)
    with pytest.raises(NotPermitted):
        services.decide(snapshot=doubted, verdict=PASS, by=cast.actor(cast.stella), now=clock.now())
    with pytest.raises(Conflict):
        services.delete_snapshot(snapshot=doubted, by=cast.actor(cast.stella), now=clock.now())
    services.decide(snapshot=doubted, verdict=BLOCK, by=STAFF, now=clock.now())
    assert Stream.objects.get(pk=stream.pk).forbidden_until is not None
    with pytest.raises(services.NoDoubt):
        services.decide(snapshot=doubted, verdict=PASS, by=STAFF, now=clock.now())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "http://169.254.169.254/", "ftp://x.example/", "http://u:p@x.example/", "file:///etc"],
)
def test_a_review_is_asked_at_no_inner_address(cast: Cast, url: str) -> None:
    with pytest.raises((ReviewAway, LiveRoomError)):
        webhook.Webhook(url=url, secret="s").judge(_any_picture(), path=Path("/nowhere"))


def _any_picture() -> Any:
    from streams.snapshots.review.judging import Judged

    return Judged(
        id="s", stream="x", room="r", sdkappid=1, taken_at=clock.now(), width=1, height=1, url="http://here/x"
    )
