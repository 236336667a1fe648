"""Which room a list of media is about: `?room=` for whoever manages it, without it the whole app for its servers."""

from __future__ import annotations

from liveroom.accounts.api.requests import ApiRequest, asked_app
from liveroom.accounts.models import App
from liveroom.kernel import permission
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import room_of


def asked_app_or_room(request: ApiRequest, action: str) -> tuple[App, Room | None]:
    """The app of the request and the room of its query, once `action` is allowed there. Without a room it is asked of the app:
    its servers, admins and staff may what an owner may."""
    app, named = asked_app(request), request.query_params.get("room")
    room = room_of(app, group_id=named) if named else None
    ask_of(request, action, room)
    return app, room


def ask_of(request: ApiRequest, action: str, room: Room | None) -> None:
    """Ask it of a room, or (None) of the app of the request."""
    if room is not None:
        permission.ask(action, actor=request.user, room=room)
    else:
        role = permission.OWNER if request.user.acts_for_app else permission.MEMBER
        permission.ask(action, actor=request.user, role=role)
