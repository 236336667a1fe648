"""How a socket comes into a room and leaves it: a part of `RoomConsumer`, in the order in which it happens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from interactions.commands import NotInRoom
from interactions.delivery.fanout import Hub, Seat
from interactions.delivery.people import whereabouts
from interactions.delivery.rooms import Position
from interactions.delivery.targets import Person
from interactions.socket.commands import Join
from interactions.socket.connection import Socket
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import Door, Lobby, Moment
from liveroom.kernel import clock, origins, permission

# A room may be closed, and its id taken again, while somebody comes in.
TRIES = 3

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the handshake said, as far as it is needed later. `http`: under which origin this viewer sees our pages."""

    sdkappid: int | None
    platform: str
    http: str


def asked_by(*, query: dict[str, list[str]], host: str) -> Asked:
    """`host`: the name that was dialled; in development our pages stand under it."""
    raw = query.get("sdkappid", [""])[0]
    platform = query.get("platform", [""])[0]
    config = settings.LIVEROOM
    http = (
        str(config.public_http)
        if config.production
        else f"http://{origins.in_address(host) or config.host}:{config.http_port}"
    )
    return Asked(
        sdkappid=int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 15 else None,
        platform=platform if platform in whereabouts.PLATFORMS else whereabouts.WEB,
        http=sys.intern(http),
    )


class Entering:
    """`join` and `leave`. What is named here is the consumer's; `entry` and `seat` are None outside of any room."""

    hub: Hub
    lobby: Lobby
    socket: Socket
    address: str
    visitor: joining.Visitor
    asked: Asked
    entry: joining.Entry | None = None
    seat: Seat | None = None

    def _person(self) -> str:
        actor = self.visitor.actor
        return Person(sdkappid=actor.sdkappid, identifier=actor.identifier).key

    def _limited(self) -> str:
        return self._person() if self.visitor.actor.is_authenticated else ""

    def _in_room(self, room: Any) -> joining.Entry:
        if self.entry is None or (room is not None and room != self.entry.room.group_id):
            raise NotInRoom("You are not in that room; join it first.")
        return self.entry

    def _ask(self, action: str, entry: joining.Entry | None) -> None:
        """Before anything that costs (a query, a thread, a place in a limit), of what this socket knows: a guest is refused by that."""
        permission.ask(
            action,
            actor=self.visitor.actor,
            room=None if entry is None else entry.room,
            role=permission.GUEST if entry is None else entry.speaker.role,
            standing=None if entry is None else entry.standing,
            now_ms=clock.now_ms(),
        )

    async def join(self, command: Join) -> Answer:
        since = None if command.since is None else (command.since.epoch, command.since.seq)
        app_id = self.visitor.actor.app_id
        if not app_id:
            app_id = await self.lobby.app_id(self.asked.sdkappid)
        door = self.lobby.door(app_id=app_id, group_id=command.room)
        self._later = []
        try:
            for _ in range(TRIES):
                answer = await self._enter(door, command.password, since, counted=not command.overlay)
                if answer is not None:
                    return answer
        finally:
            self._later = None
        raise joining.rooms.RoomUnknown("The room was closed while you came in.")

    # What is heard about a room while one comes into it: what one is shown may have been read before.
    _later: list[Callable[[], None]] | None = None

    async def _enter(
        self, door: Door, password: str | None, since: tuple[str, int] | None, *, counted: bool
    ) -> Answer | None:
        """None: the room was closed and another got its id meanwhile, or what Redis says of it is behind what was seen; ask again."""
        view = (await door.view()).view
        entry = await self.lobby.let_in(
            view=view, visitor=self.visitor, password=password, address=self.address, rounds=self.hub.rounds
        )
        self.leave()
        person = entry.speaker.profile.id or None
        seat = await self.hub.enter(
            room=entry.room, viewer=self.socket, person=person, counted=counted,
            shown=None if person is None else entry.speaker.shown_on_wire(),
        )  # fmt: skip
        try:
            moment = await door.moment()
            if moment.view.room.pk == view.room.pk:
                return await self._shown_in(entry, seat, since, moment)
        except BaseException:
            self.hub.leave(room_key=entry.room.key, seat=seat)
            raise
        self.hub.leave(room_key=entry.room.key, seat=seat)
        return None

    async def _shown_in(
        self, entry: joining.Entry, seat: Seat, since: tuple[str, int] | None, moment: Moment
    ) -> Answer | None:
        room_key = entry.room.key
        here: Position = moment.position
        # The snapshot's own place, not a later one: what lies between the two is kept for whoever is shown it.
        if not self.hub.settle(room_key=room_key, position=here):
            await self.hub.look_again(room_key=room_key)
            return None
        if since is not None and since[0] == here.epoch and since[1] < here.seq:
            here = await self.lobby.missed(room_key=room_key, since=since[1])
            if here.epoch != moment.position.epoch:
                return None
        if self.visitor.actor.is_authenticated and seat.counted and (person := self._limited()):
            group = self.asked.platform if entry.room.several_rooms else ""
            if group in ("", whereabouts.WEB):
                await whereabouts.entered(person=person, room_key=room_key, group=group, rounds=self.hub.rounds)
        follows = await self.lobby.is_following(moment=moment, visitor=self.visitor)
        now = clock.now()
        self.entry, self.seat = joining.as_of(view=moment.view, entry=entry, now=now), seat
        for hear in self._later or ():
            hear()
        snapshot = {
            **joining.present_state(view=moment.view, entry=self.entry, follows=follows, http=self.asked.http, now=now),
            "online": max(moment.online, int(seat.counted)),
            "likes": moment.likes,
            "history": moment.history,
            "server_time": int(now.timestamp() * 1000),
            "epoch": moment.position.epoch,
            "seq": moment.position.seq,
        }
        self._opening = (moment.position.seq, ())
        if since is None:
            return {"snapshot": snapshot}
        epoch, seq = since
        recovered = epoch == here.epoch and seq <= here.seq and len(here.events) >= here.seq - seq
        if recovered:
            self._opening = (here.seq, here.events[len(here.events) - (here.seq - seq) :])
        return {"snapshot": snapshot, "recovered": recovered}

    _opening: tuple[int, tuple[bytes, ...]] = (0, ())

    def _open_seat(self) -> None:
        """After the answer: what was missed, then what comes."""
        if self.seat is not None and self.seat.held is not None and self.entry is not None:
            after_seq, missed = self._opening
            self._opening = (0, ())
            self.hub.open(room_key=self.entry.room.key, seat=self.seat, after_seq=after_seq, missed=missed)

    def leave(self) -> None:
        entry, seat, self.entry, self.seat = self.entry, self.seat, None, None
        if entry is not None and seat is not None:
            self.hub.leave(room_key=entry.room.key, seat=seat)
