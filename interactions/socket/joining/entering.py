"""The command `join`, step by step: may this visitor come in, a seat, the room at one `seq`, and what was missed.

Read from top to bottom. Nothing is written to the viewer before its answer; `Session.open_seat` follows it."""

from __future__ import annotations

from interactions.commands import Answer, serves
from interactions.delivery.fanout import Seat
from interactions.delivery.people import whereabouts
from interactions.delivery.rooms import Position
from interactions.limits import JOINS
from interactions.socket.commands import Join, Since
from interactions.socket.joining import joining
from interactions.socket.joining.join_cache import CachedRoom, Moment
from interactions.socket.session import Session
from liveroom.kernel import clock


@serves(Join, limit=JOINS, in_turn=True)
async def enter(session: Session, command: Join) -> Answer:
    """RoomUnknown, AppUnknown, NotOnTheList, PasswordNeeded, Banned."""
    app_id = session.visitor.actor.app_id
    if not app_id:
        app_id = await session.join_cache.app_id(session.asked.sdkappid)
    room = session.join_cache.room(app_id=app_id, group_id=command.room)
    session.while_entering = []
    try:
        for _ in range(joining.TRIES):
            answer = await _enter(session, room, command)
            if answer is not None:
                return answer
    finally:
        session.while_entering = None
    raise joining.rooms.RoomUnknown("The room was closed while you came in.")


async def _enter(session: Session, room: CachedRoom, command: Join) -> Answer | None:
    """None: the room was closed and another got its id meanwhile, or what Redis says of it is behind what was seen; ask again."""
    view = (await room.view()).view
    entry = await session.join_cache.let_in(
        view=view, visitor=session.visitor, password=command.password, address=session.address, rounds=session.hub.rounds
    )  # fmt: skip
    session.leave()
    person = entry.speaker.profile.id or None
    seat = await session.hub.enter(
        room=entry.room, viewer=session.socket, person=person, counted=not command.overlay,
        shown=None if person is None else entry.speaker.shown(),
    )  # fmt: skip
    try:
        moment = await room.moment()
        if moment.view.room.pk == view.room.pk:
            return await _shown_in(session, entry, seat, command.since, moment)
    except BaseException:
        session.hub.leave(room_key=entry.room.key, seat=seat)
        raise
    session.hub.leave(room_key=entry.room.key, seat=seat)
    return None


async def _shown_in(
    session: Session, entry: joining.Entry, seat: Seat, since: Since | None, moment: Moment
) -> Answer | None:
    room_key = entry.room.key
    here: Position = moment.position
    # The snapshot's own place, not a later one: what lies between the two is kept for whoever is shown it.
    if not session.hub.settle(room_key=room_key, position=here):
        await session.hub.look_again(room_key=room_key)
        return None
    if since is not None and since.epoch == here.epoch and since.seq < here.seq:
        here = await session.join_cache.missed(room_key=room_key, since=since.seq)
        if here.epoch != moment.position.epoch:
            return None
    if session.visitor.actor.is_authenticated and seat.counted:
        await _leave_other_rooms(session, entry)
    follows = await session.join_cache.is_following(moment=moment, visitor=session.visitor)
    now = clock.now()
    session.entry, session.seat = joining.as_of(view=moment.view, entry=entry, now=now), seat
    for hear in session.while_entering or ():
        hear()
    snapshot = {
        **joining.present_state(
            view=moment.view, entry=session.entry, follows=follows, http=session.asked.http, now=now
        ),
        "online": max(moment.online, int(seat.counted)),
        "likes": moment.likes,
        "history": moment.history,
        "server_time": int(now.timestamp() * 1000),
        "epoch": moment.position.epoch,
        "seq": moment.position.seq,
    }
    session.opening = (moment.position.seq, ())
    if since is None:
        return {"snapshot": snapshot}
    missed = here.after(epoch=since.epoch, seq=since.seq)
    if missed is not None:
        session.opening = (here.seq, missed)
    return {"snapshot": snapshot, "recovered": missed is not None}


async def _leave_other_rooms(session: Session, entry: joining.Entry) -> None:
    """The person's other sockets, on this platform or on all, hear that it is here now."""
    group = session.asked.platform if entry.room.several_rooms else ""
    if group in ("", whereabouts.WEB):
        await whereabouts.entered(
            person=session.person(), room_key=entry.room.key, group=group, rounds=session.hub.rounds
        )
