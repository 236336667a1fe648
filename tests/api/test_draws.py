"""Draws over REST: opened once, seen by who may be in the room, and computed again by the program that our own page prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interactions import draws
from interactions.draws.services import drawing
from interactions.models import Draw, DrawEntry
from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.helpers.people import Cast, make_person

pytestmark = pytest.mark.django_db

ASKED: dict[str, Any] = {
    "keyword": "666",
    "prize": "a rose",
    "winners": 2,
    "seconds": 60,
    "conditions": {"min_level": 0},
}


def opened(cast: Cast, **more: Any) -> dict[str, Any]:
    answer = cast.api(cast.stella).post("rooms/r1/draws", ASKED | more)
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"/api/v1/draws/{answer.json()['id']}"
    return dict(answer.json())


def drawn(cast: Cast, *people: Person) -> str:
    """The number of a draw that these took part in."""
    number = opened(cast)["id"]
    draw = Draw.objects.get(number=number)
    DrawEntry.objects.bulk_create(DrawEntry(draw=draw, person=person, at=draw.opens_at) for person in people)
    assert drawing.finish_draw(draw_id=draw.pk, now=clock.now()) is not None
    return str(number)


def test_a_draw_is_opened_once_however_often_it_is_asked_for(cast: Cast) -> None:
    stella = cast.api(cast.stella)
    first, again = (stella.post("rooms/r1/draws", ASKED, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert Draw.objects.count() == 1
    assert first.json()["winners"] == 2
    assert "seed" not in first.json()
    other = stella.post("rooms/r1/draws", ASKED | {"winners": 3}, **{"Idempotency-Key": "k"})
    assert other.status_code == 409


def test_the_seed_is_shown_to_nobody_before_the_lot_has_fallen(cast: Cast) -> None:
    number, seed = opened(cast)["id"], Draw.objects.get().seed
    for api in (cast.api(cast.stella), cast.api(cast.mia), cast.api(None), cast.server()):
        for path in (f"draws/{number}", "rooms/r1/draws", f"draws/{number}/verify", f"draws/{number}/winners.csv"):
            answer = api.get(path, {} if api.bearer else {"sdkappid": cast.app.sdkappid})
            whole = b"".join(answer) if answer.streaming else getattr(answer, "content", b"")
            assert seed.encode() not in whole
    assert cast.api(cast.mia).get(f"draws/{number}/verify").status_code == 409
    cancelled = cast.api(cast.stella).delete(f"draws/{number}")
    assert (cancelled.status_code, cancelled.json()["seed"], cancelled.json()["winners"]) == (200, None, [])
    assert cast.api(cast.mia).get(f"draws/{number}/verify").status_code == 409


def test_a_result_can_be_computed_by_the_program_on_our_page(cast: Cast, tmp_path: Path) -> None:
    people = [make_person(cast.app, name) for name in ("ann", "bob", "李雷")]
    number = drawn(cast, cast.mia, cast.zed, *people)
    told = cast.api(None).get(f"draws/{number}/verify", {"sdkappid": cast.app.sdkappid}).json()
    assert (told["ok"], set(told["checks"].values())) == (True, {True})
    assert told["entrants"] == ["ann", "bob", "mia", "zed", "李雷"]
    page = (Path(draws.__file__).parent / "README.md").read_text()
    [program] = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    file = tmp_path / "verify.json"

    def run(answer: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        file.write_text(json.dumps(answer))
        argv = [sys.executable, "-I", "-X", "utf8", "-c", program, file.as_uri()]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    assert run(told).stdout == f"This draw is right: {', '.join(told['winners'])}\n"
    loser = next(name for name in told["entrants"] if name not in told["winners"])
    assert f"the lot fell on {told['winners']}" in run(told | {"winners": [loser, told["winners"][0]]}).stderr
    assert "not the seed" in run(told | {"seed": "00" * 32}).stderr
    assert "not the entrants" in run(told | {"entrants": told["entrants"][1:]}).stderr


def test_what_everybody_sees_of_a_result(cast: Cast) -> None:
    number = drawn(cast, cast.mia, cast.zed, cast.max)
    found = cast.api(cast.mia).get(f"draws/{number}").json()
    assert sorted(user["id"] for user in found["winners"]) == ["mia", "zed"]
    assert (found["status"], found["won"], found["entrants"]) == ("drawn", 2, 2)
    [listed] = cast.api(cast.mia).get("rooms/r1/draws").json()["results"]
    assert listed == found
    assert cast.api(cast.mia).get("draws/nothing").json()["name"] == "draw_unknown"
    assert cast.api(cast.rita).get(f"draws/{number}").status_code == 404
    assert cast.api(cast.stella).delete(f"draws/{number}").json()["name"] == "draw_over"


def test_a_planned_draw_is_known_to_who_runs_the_room_only(cast: Cast) -> None:
    begins = (clock.now() + timedelta(minutes=5)).isoformat()
    number = opened(cast, opens_at=begins)["id"]
    stella, mia = cast.api(cast.stella), cast.api(cast.mia)
    assert stella.get(f"draws/{number}").json()["status"] == "planned"
    assert mia.get(f"draws/{number}").status_code == 404
    assert (len(stella.get("rooms/r1/draws").json()["results"]), mia.get("rooms/r1/draws").json()["results"]) == (1, [])


def test_draws_of_a_closed_room_are_for_who_may_come_in(cast: Cast) -> None:
    number = drawn(cast, cast.mia)
    Room.objects.filter(pk=cast.room.pk).update(allow_list_only=True)
    for path in (f"draws/{number}", f"draws/{number}/verify", "rooms/r1/draws"):
        assert cast.api(cast.zed).get(path).json()["name"] == "not_on_the_list"
        assert cast.api(cast.stella).get(path).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_winners_are_a_table_that_no_spreadsheet_runs(cast: Cast) -> None:
    Person.objects.filter(pk=cast.mia.pk).update(nick='=HYPERLINK("http://x")')
    number = drawn(cast, cast.mia)
    answer = cast.api(cast.max).get(f"draws/{number}/winners.csv")
    assert answer.status_code == 200
    table = b"".join(answer).decode()
    assert table == 'place,user,nick\r\n1,mia,"\'=HYPERLINK(""http://x"")"\r\n'
    assert cast.api(cast.mia).get(f"draws/{number}/winners.csv").status_code == 403
    assert cast.server().get(f"draws/{number}/winners.csv").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"opens_at": "tomorrow"}, "opens_at"),
        ({"opens_at": "2026-12-31T20:00:00"}, "opens_at"),
        ({"closes_at": True}, "closes_at"),
        ({"closes_at": 10**20}, "closes_at"),
        ({"closes_at": "2026-02-31T20:00:00Z"}, "closes_at"),
        ({"winner": 3}, "winner"),
        ({"seed": "00" * 32}, "seed"),
        ({"winners": "2"}, "winners"),
        ({"keyword": ["666"]}, "keyword"),
    ],
)
def test_what_makes_no_draw_names_its_field(cast: Cast, wrong: dict[str, Any], field: str) -> None:
    answer = cast.api(cast.stella).post("rooms/r1/draws", ASKED | wrong)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
