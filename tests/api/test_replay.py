"""Recordings as viewers watch them again: who may, what stands where, what is left out, what files hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from interactions.chat.archive.archiver import Archiver
from interactions.models import ArchivedMessage, MinuteStat, PublishedShow
from interactions.replay.rules import windows
from liveroom.accounts.models import Domain
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import Status
from liveroom.rooms.services import status
from streams.jobs.models import State
from streams.models import TimeShift
from streams.recording.models import Chapter, Clip, Recording
from tests.api.test_schema import fits
from tests.helpers.archive import said, tick
from tests.helpers.people import STAFF, Cast
from tests.helpers.problems import given, refused
from tests.helpers.recordings import NOON, a_show, at_ms, recorded

pytestmark = pytest.mark.django_db


def event(seq: int, kind: str, **body: Any) -> bytes:
    return orjson.dumps({"seq": seq, "type": kind, "t": 1, **body})


@pytest.fixture
def recording(cast: Cast) -> Recording:
    """The picture broke off at 60 s for a minute: what was said then stands at the joint."""
    Room.objects.filter(pk=cast.room.pk).update(created_at=NOON - timedelta(days=1))
    made = recorded(cast.room)
    client, gift = shared(), {"gift": "rose", "count": 1, "combo": 1, "data": {}, "from": {"id": "zed", "nick": "Zed"}}
    ticks: list[tuple[float, tuple[bytes, ...], tuple[bytes, ...]]] = [
        (-300, (event(1, "pin", pinned={"kind": "text", "text": "welcome", "by": "max", "at": 1}),), ()),
        (-10, (said(2, "before"),), ()),
        (5, (said(3, "five", color="#ff7a85"),), (b"rate " + said(None, "sampled"),)),
        (20, (event(4, "gift", id="g", **gift), event(5, "ban", version=1, user={"id": "x", "nick": "X"})), ()),
        (90, (said(6, "in the break", by="zed", position="top"),), ()),
        (130, (event(7, "poll", poll={"id": "p", "status": "open", "ballots": 0}), said(8, "<b>{\\b1}\x0b")), ()),
        (131, (event(9, "poll", poll={"id": "p", "status": "open", "ballots": 3}),), ()),
        (179, (said(10, "last"),), ()),
        (181, (said(11, "too late"),), ()),
    ]
    for after, events, sampled in ticks:
        tick(client, *events, sampled=sampled, at=at_ms(after))
    Archiver(consumer="a").drain()
    assert ArchivedMessage.objects.count() == 12
    return made


def as_guest(cast: Cast) -> dict[str, Any]:
    return {"sdkappid": cast.app.sdkappid}


def texts(body: dict[str, Any], part: str = "events") -> list[tuple[int, str]]:
    return [(one["at_ms"], one.get("text", one["type"])) for one in body[part]]


def test_what_was_said_stands_where_the_picture_was(cast: Cast, recording: Recording) -> None:
    answer = cast.api(cast.mia).get(f"recordings/{recording.number}/replay", {"to_ms": 120_000})
    fits("recordings_replay_get", answer)
    body = given(answer)
    assert texts(body) == [
        (0, "before"), (5_000, "five"), (20_000, "gift"), (60_000, "in the break"), (70_000, "poll"),
        (70_000, "<b>{\\b1}\x0b"), (119_000, "last"),
    ]  # fmt: skip
    # The ban, what was sampled and the votes between are not told again.
    assert (body["to_ms"], body["earlier"], body["likes"]) == (120_000, [], [])
    assert texts(body, "standing") == [(0, "pin")]


def test_a_place_brings_the_lines_before_it(cast: Cast, recording: Recording) -> None:
    body = given(
        cast.api(None).get(f"recordings/{recording.number}/replay", {**as_guest(cast), "from_ms": 60_000, "before": 2})
    )
    assert texts(body) == [(60_000, "in the break"), (70_000, "poll"), (70_000, "<b>{\\b1}\x0b")]
    assert texts(body, "earlier") == [(5_000, "five"), (20_000, "gift")]


def test_a_full_answer_says_how_far_it_goes(cast: Cast, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interactions.replay.windows.MOST_EVENTS", 2)
    heard: list[tuple[int, str]] = []
    from_ms, turns = 0, 0
    while from_ms < 120_000:
        query = {"from_ms": from_ms, "to_ms": 120_000}
        body = given(cast.api(cast.mia).get(f"recordings/{recording.number}/replay", query))
        assert from_ms < body["to_ms"] <= 120_000
        heard += texts(body)
        from_ms, turns = body["to_ms"], turns + 1
    assert turns > 3
    # Three stood at one joint: of these the newest two, one of which is not told.
    assert [text for _, text in heard] == ["before", "five", "gift", "in the break", "poll", "<b>{\\b1}\x0b", "last"]


def test_the_same_is_not_sent_twice(cast: Cast, recording: Recording) -> None:
    api = cast.api(cast.mia)
    first = api.get(f"recordings/{recording.number}/replay")
    assert first["Cache-Control"].startswith("private")
    again = api.get(f"recordings/{recording.number}/replay", {}, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    ArchivedMessage.objects.filter(text="five").delete()
    assert api.get(f"recordings/{recording.number}/replay", {}, **{"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [({"from_ms": "-1"}, "from_ms"), ({"from_ms": "1e3"}, "from_ms"), ({"from_ms": "9" * 16}, "from_ms"),
     ({"to_ms": ""}, "to_ms"), ({"from_ms": "5", "to_ms": "4"}, "to_ms"), ({"to_ms": "600001"}, "to_ms"),
     ({"before": "201"}, "before"), ({"before": "x"}, "before")],
)  # fmt: skip
def test_a_wrong_window_is_refused_by_its_field(
    cast: Cast, recording: Recording, query: dict[str, str], field: str
) -> None:
    answer = cast.api(cast.mia).get(f"recordings/{recording.number}/replay", query)
    assert refused(answer, 400)["field"] == field


def test_likes_come_as_a_curve(cast: Cast, recording: Recording) -> None:
    for minute, total in ((0, 60), (1, 90), (2, 120)):
        MinuteStat.objects.create(
            session=recording.session, minute=NOON + timedelta(minutes=minute), samples=1, likes_total=total
        )
    api = cast.api(cast.mia)
    whole = given(api.get(f"recordings/{recording.number}/playback"))
    assert whole["likes"] == [
        {"at_ms": 0, "total": 60},
        {"at_ms": 60_000, "total": 90},
        {"at_ms": 120_000, "total": 120},
    ]
    body = given(api.get(f"recordings/{recording.number}/replay", {"from_ms": 70_000}))
    assert [point["at_ms"] for point in body["likes"]] == [60_000, 120_000]


def test_a_page_gets_all_that_it_needs_to_play(cast: Cast, recording: Recording) -> None:
    Chapter.objects.create(recording=recording, kind="hand", title="Later", seconds=70, created_at=NOON)
    Chapter.objects.create(
        recording=recording, kind="status", title="Back", at=NOON + timedelta(seconds=90), created_at=NOON
    )
    Chapter.objects.create(
        recording=recording, kind="status", title="Gone", at=NOON - timedelta(hours=1), created_at=NOON
    )
    Clip.objects.create(
        app=cast.app, room=cast.room, recording=recording, from_seconds=3, to_seconds=8, duration_seconds=5, title="Best",
        state=State.DONE, key="clips/c1/clip.mp4", created_at=NOON,
    )  # fmt: skip
    answer = cast.api(None).get(f"recordings/{recording.number}/playback", as_guest(cast))
    fits("recordings_playback_get", answer)
    body = given(answer)
    assert (body["id"], body["duration_ms"], body["started_at"]) == (recording.number, 120_000, at_ms(0))
    assert (body["joints"], body["published"]) == ([60_000], True)
    assert [(one["at_ms"], one["title"]) for one in body["chapters"]] == [(60_000, "Back"), (70_000, "Later")]
    (part,) = body["play"]["parts"]
    assert (part["at_ms"], part["duration_ms"]) == (0, 120_000)
    assert part["url"].startswith("http://testserver/vault/")
    assert [(one["title"], one["at_ms"], one["duration_ms"]) for one in body["clips"]] == [("Best", 3_000, 5_000)]
    # "before", "five", "in the break", the one with the brackets, "last".
    columns = body["density"]
    assert (sum(columns), columns[0], columns[5], columns[60], columns[119]) == (5, 1, 1, 1, 1)


def test_a_room_lists_what_it_published(cast: Cast, recording: Recording) -> None:
    later = NOON + timedelta(days=1)
    hidden = recorded(cast.room, session=a_show(cast.room, begins=later, sequence="s2"), published=False, begins=later)
    recorded(cast.room, session=hidden.session, published=False, key="", template=1, format="hls")
    apart = recorded(cast.room, session=recording.session, template=2, playback=False)
    answer = cast.api(None).get("rooms/r1/recordings", as_guest(cast))
    fits("rooms_recordings_list", answer)
    assert [one["id"] for one in given(answer)["results"]] == [recording.number]
    runs_it = given(cast.api(cast.stella).get("rooms/r1/recordings"))["results"]
    assert {one["id"]: one["published"] for one in runs_it} == {
        apart.number: True, hidden.number: False, recording.number: True,
    }  # fmt: skip
    refused(cast.api(cast.mia).get(f"recordings/{hidden.number}/playback"), 404, 10010)
    assert given(cast.api(cast.max).get(f"recordings/{hidden.number}/playback"))["published"] is False


def test_a_played_back_room_publishes_its_last_show(cast: Cast) -> None:
    by: dict[str, Any] = {"by": STAFF, "now": clock.now()}
    room = status.set_status(room=cast.room, status=Status.LIVE, **by)
    made = recorded(cast.room, session=room.sessions.get(), published=False)
    status.set_status(room=room, status=Status.ENDED, **by)
    refused(cast.api(cast.mia).get(f"recordings/{made.number}/replay"), 404, 10010)
    status.set_status(room=room, status=Status.PLAYED_BACK, **by)
    given(cast.api(cast.mia).get(f"recordings/{made.number}/replay"))
    # Live again: what was published stays so.
    status.set_status(room=room, status=Status.LIVE, **by)
    given(cast.api(cast.mia).get(f"recordings/{made.number}/replay"))
    assert PublishedShow.objects.count() == 1


@pytest.mark.parametrize("place", ["rooms/r1/recordings", "playback", "replay", "comments"])
def test_who_may_not_enter_the_room_sees_nothing_of_it(cast: Cast, recording: Recording, place: str) -> None:
    path = place if "/" in place else f"recordings/{recording.number}/{place}"
    refused(cast.api(cast.rita).get(path), 404, 10010)
    given(cast.api(cast.stella).post("rooms/r1/bans", {"user": "zed", "seconds": 3600}))
    refused(cast.api(cast.zed).get(path), 403)
    assert cast.api(None).get(path, as_guest(cast)).status_code == 200
    given(cast.api(cast.stella).patch("rooms/r1", {"password": "open sesame"}))
    refused(cast.api(cast.mia).get(path), 403)
    assert cast.api(cast.mia).get(path, {}, **{"Room-Password": "open sesame"}).status_code == 200
    assert cast.api(cast.stella).get(path).status_code == 200


def test_what_somebody_said_who_is_banned_now_is_left_out(cast: Cast, recording: Recording) -> None:
    given(cast.api(cast.stella).post("rooms/r1/bans", {"user": "zed", "seconds": 3600}))
    body = given(cast.api(cast.mia).get(f"recordings/{recording.number}/replay", {"to_ms": 120_000}))
    assert "in the break" not in [text for _, text in texts(body)]
    assert "gift" not in [text for _, text in texts(body)]
    for form in ("jsonl", "ass", "bilibili"):
        assert "in the break" not in file_of(cast, recording, form)[1]


def test_playing_that_is_switched_off_is_refused(cast: Cast, recording: Recording) -> None:
    Domain.objects.filter(app=cast.app, kind=Domain.PLAY).update(enabled=False)
    refused(cast.api(cast.mia).get(f"recordings/{recording.number}/playback"), 403, 10007)


@pytest.mark.parametrize("number", ["nope", "r-1", "é", "r" * 200])
def test_what_is_no_recording_is_unknown(cast: Cast, number: str) -> None:
    for place in ("playback", "replay", "comments"):
        refused(cast.api(cast.mia).get(f"recordings/{number}/{place}"), 404, 10010)


def file_of(cast: Cast, recording: Recording, form: str) -> tuple[Any, str]:
    answer = cast.api(cast.mia).get(f"recordings/{recording.number}/comments", {"format": form})
    assert answer.status_code == 200, answer.content
    return answer, b"".join(answer.streaming_content).decode()


def test_everything_as_lines_of_json(cast: Cast, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interactions.replay.windows.PORTION", 2)
    answer, text = file_of(cast, recording, "jsonl")
    assert answer["Content-Type"].startswith("application/x-ndjson")
    assert answer["Content-Disposition"] == f'attachment; filename="comments-{recording.number}.jsonl"'
    rows = [orjson.loads(line) for line in text.splitlines()]
    assert [(row["at_ms"], row["type"]) for row in rows] == [
        (0, "comment"), (5_000, "comment"), (20_000, "gift"), (60_000, "comment"), (70_000, "poll"),
        (70_000, "comment"), (119_000, "comment"),
    ]  # fmt: skip


def test_comments_as_subtitles(cast: Cast, recording: Recording) -> None:
    answer, text = file_of(cast, recording, "ass")
    assert answer["Content-Disposition"].endswith('.ass"')
    lines = [line for line in text.splitlines() if line.startswith("Dialogue:")]
    assert [line.rpartition("}")[2] for line in lines] == [
        "before",
        "five",
        "in the break",
        "<b>｛\\\u2060b1｝",
        "last",
    ]
    assert "\\c&H857AFF&" in lines[1]
    assert "Title: Stella's room" in text


def test_comments_as_bilibili_has_them(cast: Cast, recording: Recording) -> None:
    answer, text = file_of(cast, recording, "bilibili")
    assert answer["Content-Type"].startswith("application/xml")
    found = ElementTree.fromstring(text.encode()).findall("d")
    assert [(one.attrib["p"].split(",")[:2], one.text) for one in found] == [
        (["0.00000", "1"], "before"), (["5.00000", "1"], "five"), (["60.00000", "5"], "in the break"),
        (["70.00000", "1"], "<b>{\\b1}"), (["119.00000", "1"], "last"),
    ]  # fmt: skip


def test_files_are_made_twenty_a_minute_for_one_address(
    cast: Cast, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = clock.now_ms() // 60_000 * 60_000 + 1_000
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms)
    for _ in range(20):
        file_of(cast, recording, "jsonl")
    path = f"recordings/{recording.number}/comments"
    assert int(cast.api(cast.zed).get(path)["Retry-After"]) > 0
    refused(cast.api(None).get(path, as_guest(cast)), 429, 60018)
    assert cast.server().get(path).status_code == 200


def test_another_format_is_refused(cast: Cast, recording: Recording) -> None:
    answer = cast.api(cast.mia).get(f"recordings/{recording.number}/comments", {"format": "srt"})
    assert refused(answer, 400)["field"] == "format"


def test_only_kinds_with_an_index_stand() -> None:
    from interactions.chat.models import SELDOM

    assert set(windows.STANDING) <= set(SELDOM)


def test_who_has_gone_back_in_the_running_show_hears_what_was_heard_then(cast: Cast) -> None:
    mia, now = cast.api(cast.mia), clock.now()
    now_ms = int(now.timestamp() * 1000)
    refused(mia.get("rooms/r1/heard", {"from_ms": now_ms - 60_000}), 404, name="no_timeshift")
    since = now - timedelta(seconds=100)
    TimeShift.objects.create(stream=cast.stream, seconds=600, item_seconds=5, since=since, updated_at=now)
    client = shared()
    for seq, before, text in ((1, 200, "of another show"), (2, 90, "early"), (3, 50, "then"), (4, 5, "later")):
        tick(client, said(seq, text), at=now_ms - before * 1000)
    Archiver(consumer="a").drain()
    asked = {"from_ms": now_ms - 60_000, "to_ms": now_ms - 30_000, "before": 10}
    answer = mia.get("rooms/r1/heard", asked)
    fits("rooms_heard_get", answer)
    assert texts(given(answer)) == [(now_ms - 50_000, "then")]
    assert [text for _, text in texts(given(answer), "earlier")] == ["early"]
    assert "max-age" in answer["Cache-Control"]
    whole = mia.get("rooms/r1/heard", {"from_ms": now_ms - 300_000, "to_ms": now_ms + 10_000})
    assert [text for _, text in texts(given(whole))] == ["early", "then", "later"]
    assert whole["Cache-Control"] == "no-store"
    assert [text for _, text in texts(given(mia.get("rooms/r1/heard")))] == ["later"]
