"""Mixes over REST: made, changed twenty times a second, ended, and refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.services.rooms import create_room, disband_room
from liveroom.rooms.services.status import set_status
from streams.files.models import MediaFile
from streams.files.places import film_of, folder_of
from streams.files.uses import use_of
from streams.jobs.models import OPEN_STATES, STOPPED, MediaJob
from streams.models import Mix, Publish, Stream
from streams.services.streams import add_stream
from tests.helpers.mixes import WHOLE, made_mix
from tests.helpers.people import STAFF
from tests.helpers.problems import given, refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engine")]

HALVES = [{"x": 0, "y": 0, "width": 50, "height": 100}, {"x": 50, "y": 0, "width": 50, "height": 100, "plate": True}]


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.LIVEROOM = replace(settings.LIVEROOM, data=tmp_path, host="here.example.org", rtmp_port=1935)


@pytest.fixture
def stella(cast):
    return cast.api(cast.stella)


@pytest.fixture
def screen(cast) -> Stream:
    return add_stream(room=cast.room, label="screen", by=STAFF, now=clock.now())


def a_file(cast, number: str, *, container: str = "png", room=None, state: str = "ready") -> MediaFile:
    room = room or cast.room
    folder_of(number).mkdir(parents=True)
    film_of(number).write_bytes(b"x")
    return MediaFile.objects.create(
        number=number, app=room.app, room=room, name="logo", state=state, size_bytes=1, container=container,
        created_at=clock.now(), reason="" if state == "ready" else "A picture has at most 24,000,000 pixels.",
    )  # fmt: skip


def open_jobs() -> list[MediaJob]:
    return list(MediaJob.objects.filter(kind="mix", state__in=OPEN_STATES).order_by("pk"))


def test_two_streams_become_one_picture(cast, stella, screen):
    body = {
        "inputs": [{"stream": cast.stream.name, "volume": 50}, {"stream": screen.name, "muted": True, "id": "cam"}],
        "layout": HALVES, "comments": True, "background": "#FFFFFF", "label": "Both",
        "overlays": [{"kind": "clock", "zone": "Asia/Shanghai"}],
    }  # fmt: skip
    shown = given(stella.post("mixes", body), 201)
    assert (shown["state"], shown["room"], shown["label"], shown["serial"]) == ("waiting", "r1", "Both", 1)
    assert [one["id"] for one in shown["inputs"]] == ["1", "cam"]
    assert shown["inputs"][0]["stream"] == cast.stream.name
    assert (shown["inputs"][0]["gain_db"], shown["inputs"][1]["muted"]) == (-6.02, True)
    assert [place["input"] for place in shown["places"]] == ["1", "cam"]
    assert (shown["places"][1]["x"], shown["places"][1]["plate"]) == (50, True)
    assert (shown["programme"], shown["on_programme"]) == (True, False)
    assert shown["background"] == {"color": "#ffffff", "image": ""}
    assert shown["comments"]["seconds"] == 8
    output = Stream.objects.get(name=shown["output"])
    assert (output.made_by, output.wants_programme) == ("mix", True)
    [job] = open_jobs()
    assert (job.stream_id, job.reference) == (output.pk, Mix.objects.get().reference)
    assert given(stella.get(f"mixes/{shown['id']}"))["id"] == shown["id"]
    assert given(stella.get("mixes?room=r1"))["results"][0]["id"] == shown["id"]


def test_the_same_request_twice_is_one_mix(cast, stella):
    body = {"inputs": [{"stream": cast.stream.name}], "layout": WHOLE}
    first = stella.post("mixes", body, **{"Idempotency-Key": "k1"})
    assert stella.post("mixes", body, **{"Idempotency-Key": "k1"}).json() == first.json()
    assert Mix.objects.count() == 1


def test_who_may(cast):
    body = {"room": "r1", "inputs": [{"color": "#000000"}], "layout": WHOLE}
    for person in (cast.max, cast.mia, cast.zed):
        refused(cast.api(person).post("mixes", body), 403)
    refused(cast.api(cast.rita).post("mixes", body), 404)
    mix = made_mix(cast)
    assert cast.api(cast.max).get(f"mixes/{mix.number}").status_code == 200
    refused(cast.api(cast.max).patch(f"mixes/{mix.number}", {"layout": []}), 403)
    refused(cast.api(cast.mia).get(f"mixes/{mix.number}"), 403)
    refused(cast.api(cast.mia).get("mixes?room=r1"), 403)
    refused(cast.api(cast.stella).get("mixes"), 403)
    refused(cast.api(cast.rita).get(f"mixes/{mix.number}"), 404)
    refused(cast.api(cast.rita).patch(f"mixes/{mix.number}", {"layout": []}), 404)
    refused(cast.api(cast.rita).delete(f"mixes/{mix.number}"), 404)
    assert given(cast.server().get("mixes"))["results"][0]["id"] == mix.number


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"inputs": [{"stream": "nobody"}]}, "inputs[0]", "no stream 'nobody'"),
        ({"inputs": [{"stream": "../x"}]}, "inputs[0]", "no stream"),
        ({"inputs": [{"stream": "\x00"}]}, "inputs", "NUL"),
        ({"inputs": [{"file": "f123"}]}, "inputs[0].file", "no file"),
        ({"inputs": [{"image": "../../etc/passwd"}]}, "inputs[0].image", "no file"),
        ({"inputs": [{"id": "7"}]}, "inputs[0]", "say which"),
        ({"inputs": [{"id": "a", "color": "#000000"}, {"id": "a", "color": "#000000"}]}, "inputs", "same id"),
        ({"inputs": [{"color": "#000000"}] * 17}, "inputs", "at most 16"),
        ({"layout": [{"x": 60, "y": 0, "width": 50, "height": 50}]}, "layout[0]", "100 percent"),
        ({"layout": [{"input": "9", "x": 0, "y": 0, "width": 50, "height": 50}]}, "layout[0].input", "no input '9'"),
        ({"layout": "moon"}, "layout", "picture-in-picture"),
        ({"layout": 5}, "layout", "no layout '5'"),
        ({"width": 1281}, "width", "even"),
        ({"width": 3840}, "width", "1920"),
        ({"height": 20}, "height", "90"),
        ({"width": 1920, "height": 1920}, "width", "2,073,600"),
        ({"fps": 120}, "fps", "60"),
        ({"output": "no such name!"}, "name", "stream name"),
        ({"audio": {"inputs": {"9": {"volume": 1}}}}, "audio.inputs", "no input '9'"),
        ({"audio": {"master_db": 99}}, "audio.master_db", "12"),
        ({"overlays": [{"kind": "image", "image": "f9"}]}, "overlays[0].image", "no file"),
        ({"overlays": [{"kind": "web", "text": "x"}]}, "overlays[0].kind", "one of text"),
        ({"background": {"image": "f9"}}, "background.image", "no file"),
        ({"background": "red"}, "background.color", "#"),
        ({"comments": {"height": 200}}, "comments.height", "100"),
        ({"overlays": [{"kind": "text", "text": "a\x00b"}]}, "overlays", "NUL"),
        ({"layout": "\x00"}, "layout", "NUL"),
        ({"programme": 1}, "programme", "true or false"),
        ({"label": "x" * 50}, "label", "40"),
        ({"follows": "web"}, "follows", "one of app"),
        ({"sources": []}, "sources", "has no 'sources'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(cast, changes, field, words):
    body = {"room": "r1", "inputs": [{"stream": cast.stream.name}], "layout": WHOLE, **changes}
    problem = refused(cast.server().post("mixes", body), 400)
    assert words in problem["detail"], problem
    assert problem["field"] == field, problem
    assert not Mix.objects.exists()
    assert not open_jobs()


def test_a_layout_by_name_is_laid_out_anew_when_inputs_come_and_go(cast, stella, screen):
    shown = given(stella.post("mixes", {"inputs": [{"stream": cast.stream.name}], "layout": "picture-in-picture"}), 201)
    assert (shown["layout"], len(shown["places"])) == ("picture-in-picture", 1)
    path = f"mixes/{shown['id']}"
    shown = given(stella.patch(path, {"inputs": [{"id": "1"}, {"stream": screen.name}]}))
    assert [place["input"] for place in shown["places"]] == ["1", "2"]
    assert given(stella.patch(path, {"layout": 390}))["layout"] == "390"
    assert given(stella.patch(path, {"layout": WHOLE}))["layout"] is None


@pytest.mark.parametrize("body", [{}, {"inputs": []}, {"inputs": 5}, {"inputs": [5]}, {"inputs": [{"stream": 5}]}])
def test_a_mix_of_no_room_is_refused(cast, stella, body):
    refused(stella.post("mixes", body), 400)


def test_what_another_app_has_is_unknown(cast, stella):
    room = create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=clock.now(), group_id="ritas", title="R")
    theirs, file = Stream.objects.get(room=room), a_file(cast, "fritas", room=room)
    for one in ({"stream": theirs.name}, {"image": file.number}):
        problem = refused(stella.post("mixes", {"room": "r1", "inputs": [one], "layout": WHOLE}), 400)
        assert "there is no" in problem["detail"]
    assert "there is no" in refused(stella.post("mixes", {"inputs": [{"stream": theirs.name}]}), 404)["detail"]


def test_another_owners_stream_is_taken_by_who_looks_after_both(cast, stella):
    room = create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="zeds", title="Zed's")
    theirs = Stream.objects.get(room=room)
    body = {"room": "r1", "inputs": [{"stream": theirs.name}], "layout": WHOLE}
    refused(stella.post("mixes", body), 403)
    shown = given(cast.server().post("mixes", body), 201)
    assert shown["inputs"][0]["name"] == "Zed's"


def test_pictures_and_films_are_told_apart_and_one_that_is_shown_is_not_removed(cast, stella):
    logo, film = a_file(cast, "flogo"), a_file(cast, "ffilm", container="mp4")
    bad = a_file(cast, "fbad", state="refused")
    mix = made_mix(cast)
    for body, words in (
        ({"inputs": [{"file": logo.number}]}, "is a picture; name it as image"),
        ({"inputs": [{"image": film.number}]}, "is no picture; name it as file"),
        ({"background": {"image": film.number}}, "is no picture"),
        ({"overlays": [{"kind": "image", "image": bad.number}]}, "24,000,000 pixels"),
    ):
        problem = refused(stella.patch(f"mixes/{mix.number}", body), 400)
        assert words in problem["detail"]
        assert problem["given"] in {"flogo", "ffilm", "fbad"}
    assert use_of(logo) == ""
    shown = given(
        stella.patch(f"mixes/{mix.number}", {"overlays": [{"kind": "image", "image": "flogo", "height": 10}]})
    )
    assert shown["overlays"][0]["image"] == "flogo"
    assert mix.number in use_of(logo)
    refused(stella.delete("files/flogo"), 409)
    given(stella.delete(f"mixes/{mix.number}"), 204)
    assert use_of(logo) == ""


def test_a_mix_of_itself_is_refused_directly_and_over_three_hops(cast, stella, screen):
    one = made_mix(cast)
    problem = refused(stella.patch(f"mixes/{one.number}", {"inputs": [{"stream": one.stream.name}]}), 400)
    assert (problem["name"], problem["field"]) == ("mix_loop", "inputs")
    # The mix goes into a relay, the relay's stream into a second mix, and that one has a marked copy.
    relay = {
        "kind": "pull", "stream": screen.name, "source": f"rtmp://here.example.org/live/{one.stream.name}",
    }  # fmt: skip
    given(stella.post("relays", relay), 201)
    two = made_mix(cast, inputs=[{"stream": screen.name}])
    copy = Stream.objects.create(room=cast.room, label="copy", made_by="mark", stands_in_for=two.stream)
    for name, hops in ((screen.name, 1), (two.stream.name, 2), (copy.name, 3)):
        problem = refused(stella.patch(f"mixes/{one.number}", {"inputs": [{"stream": name}]}), 400)
        assert problem["name"] == "mix_loop"
        assert problem["detail"].count("→") == hops + 1, problem
    # The same is asked of relays.
    back = {"kind": "pull", "stream": cast.stream.name, "source": f"rtmp://here.example.org/live/{copy.name}"}
    assert refused(stella.post("relays", back), 400)["name"] == "relay_loop"
    assert Mix.objects.get(pk=one.pk).serial == 1
    given(stella.delete(f"mixes/{two.number}"), 204)
    given(stella.patch(f"mixes/{one.number}", {"inputs": [{"stream": two.stream.name}]}))


def test_a_change_tells_only_what_is_other_and_keeps_the_rest(cast, stella, screen):
    mix = made_mix(cast, inputs=[{"stream": cast.stream.name}, {"stream": screen.name}], layout=HALVES)
    path = f"mixes/{mix.number}"
    shown = given(stella.patch(path, {"audio": {"inputs": {"2": {"muted": True, "duck": True}}, "master_db": -3}}))
    assert (shown["serial"], shown["inputs"][1]["duck"], shown["master_db"]) == (2, True, -3)
    shown = given(stella.patch(path, {"inputs": [{"id": "2", "name": "Screen"}], "transition": "fade"}))
    assert [(one["id"], one["name"], one["duck"]) for one in shown["inputs"]] == [("2", "Screen", True)]
    assert [place["input"] for place in shown["places"]] == ["2"]
    assert shown["transition"] == {"kind": "fade", "ms": 500}
    shown = given(stella.patch(path, {"layout": WHOLE}))
    assert (shown["places"][0]["input"], shown["transition"]["kind"], shown["serial"]) == ("2", "cut", 4)
    # The same again is no change.
    assert given(stella.patch(path, {"layout": WHOLE}))["serial"] == 4
    assert len(open_jobs()) == 1
    assert open_jobs()[0].spec_serial == 0


def test_a_change_on_an_older_state_is_refused_with_the_present_one(cast, stella):
    mix = made_mix(cast)
    path = f"mixes/{mix.number}"
    assert given(stella.patch(path, {"layout": [], "serial": 1}))["serial"] == 2
    problem = refused(stella.patch(path, {"layout": WHOLE, "serial": 1}), 409, name="mix_changed")
    assert problem["serial"] == 2


def test_twenty_changes_a_second_pass_and_a_flood_does_not(cast, stella):
    mix = made_mix(cast)
    answers = [stella.patch(f"mixes/{mix.number}", {"layout": [{**WHOLE[0], "z": at % 9}]}) for at in range(120)]
    codes = [answer.status_code for answer in answers]
    assert codes[:20] == [200] * 20
    assert set(codes) <= {200, 429}
    assert not AuditEntry.objects.filter(action="mix.change").exists()


def test_an_output_may_be_named_by_servers_and_serves_one_mix_at_a_time(cast, stella):
    body = {"room": "r1", "inputs": [{"color": "#000000"}], "layout": WHOLE, "output": "evening"}
    refused(stella.post("mixes", body), 403)
    first = given(cast.server().post("mixes", body), 201)
    assert first["output"] == "evening"
    refused(cast.server().post("mixes", body), 409, name="output_taken")
    given(stella.delete(f"mixes/{first['id']}"), 204)
    assert given(stella.post("mixes", body), 201)["output"] == "evening"
    problem = refused(stella.post("mixes", {**body, "output": cast.stream.name}), 400)
    assert "encoders push" in problem["detail"]


def test_ending_is_no_more_than_once_and_what_is_over_is_not_changed(cast, stella):
    mix = made_mix(cast, programme=True)
    given(stella.delete(f"mixes/{mix.number}"), 204)
    given(stella.delete(f"mixes/{mix.number}"), 204)
    shown = given(stella.get(f"mixes/{mix.number}"))
    assert (shown["state"], shown["reason"], shown["programme"]) == ("stopped", "Ended.", False)
    assert open_jobs()[0].wanted == STOPPED
    refused(stella.patch(f"mixes/{mix.number}", {"layout": []}), 409, name="mix_over")
    assert AuditEntry.objects.filter(action="mix.end").count() == 1


def test_eight_at_work_are_all(cast, stella):
    for _ in range(8):
        made_mix(cast)
    refused(stella.post("mixes", {"room": "r1", "inputs": [], "layout": []}), 409, name="too_many_mixes")


def test_mixes_end_with_their_room(cast):
    mix = made_mix(cast)
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    set_status(room=cast.room, status="ended", by=STAFF, now=clock.now())
    assert (Mix.objects.get(pk=mix.pk).state, open_jobs()[0].wanted) == ("stopped", STOPPED)
    other = made_mix(cast)
    disband_room(room=cast.room, by=STAFF, now=clock.now())
    assert Mix.objects.get(pk=other.pk).reason == "The room was disbanded."


def test_a_wall_follows_what_runs_and_shows_no_picture_of_itself(cast, stella, screen):
    body = {"room": "r1", "follows": "app", "width": 1920, "height": 1080}
    refused(stella.post("mixes", body), 403)
    server, now = cast.server(), clock.now()
    refused(server.post("mixes", {**body, "programme": True}), 400)
    refused(server.post("mixes", {**body, "inputs": [{"color": "#000000"}]}), 400)
    for stream in (cast.stream, screen):
        Publish.objects.create(stream=stream, client_id=str(stream.pk), started_at=now)
    wall = given(server.post("mixes", body), 201)
    assert [one["name"] for one in wall["inputs"]] == [cast.room.title, "screen"]
    assert (wall["fps"], wall["programme"], wall["follows"]) == (12, False, "app")
    assert all(place["plate"] for place in wall["places"])
    refused(server.patch(f"mixes/{wall['id']}", {"programme": True}), 400)
    refused(server.patch(f"mixes/{wall['id']}", {"layout": WHOLE}), 400)
