"""A draw as a room lives it: announced, entered over the socket, heard or not, drawn, and told to who has won."""

from __future__ import annotations

from datetime import timedelta

from interactions.chat.archive.archiver import Archiver
from interactions.delivery.events import as_row
from interactions.draws import selectors
from interactions.draws.services import drawing, opening
from interactions.models import Draw, DrawEntry
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.helpers.people import Cast, make_person
from tests.helpers.sockets import tell


def test_viewers_enter_by_a_comment_and_hear_who_has_won(cast: Cast, watching) -> None:
    Room.objects.filter(pk=cast.room.pk).update(messages_per_second=1)
    people = [cast.mia, *(make_person(cast.app, name) for name in ("ann", "bob", "eve"))]
    with watching(cast.zed) as zed, watching(cast.mia) as mia:
        draw = opening.open_draw(
            room=cast.room, keyword="666", prize="a rose", winners=4, seconds=10, by=cast.actor(cast.stella),
            now=clock.now(),
        )  # fmt: skip
        tell()
        promised = zed.hears("draw_open")["draw"]
        assert promised == as_row(selectors.shown_draw(draw))
        results = []
        for person in people[1:]:
            with watching(person) as phone:
                assert phone.snapshot["draws"] == [promised]
                results.append(phone.says(" ６６６ ")["result"])
        results.append(mia.says("666!")["result"])
        assert set(results) == {"delivered", "sampled"}  # who was not heard has entered like the others
        zed.says("6666")
        Archiver(consumer="tests").drain()
        assert DrawEntry.objects.filter(draw=draw).count() == 4
        assert drawing.finish_due_draws(now=draw.closes_at + timedelta(seconds=3)) == 1
        tell()
        result = zed.hears("draw_result")["draw"]
        assert sorted(user["id"] for user in result["winners"]) == ["ann", "bob", "eve", "mia"]
        assert result["commitment"] == promised["commitment"]
        assert selectors.verification(Draw.objects.get()).winners == [user["id"] for user in result["winners"]]
        won = mia.is_told("draw")
        assert (won["room"], won["draw"]["prize"]) == ("r1", "a rose")
        assert result["winners"][won["place"] - 1]["id"] == "mia"
    with watching(cast.max) as late:
        assert late.snapshot["draws"] == []
