"""REST refuses by default: every operation declares for whom it is open, and what declared nothing is open to nobody.

Promise: before a handler runs, whoever could never do what it does is refused, without a look at the room, the path or the body. What
depends on the room is still asked by the service (`permission.ask`), or by a view that only reads; a test compares the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from rest_framework.permissions import BasePermission

from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.models import Person
from liveroom.accounts.rules import usersig
from liveroom.accounts.services import tokens
from liveroom.kernel import permission
from liveroom.kernel.errors import NotPermitted

# Everybody, guests too; who is behind a token. Everything else is an action of `wiring.VOTERS`.
ANYBODY: Final = "anybody"
PEOPLE: Final = "people"
_DECLARED: Final = "open_to"
_IN_NO_ROOM: Final = "in_no_room"

Handler = TypeVar("Handler", bound=Callable[..., Any])


def open_to(whom: str, *, in_no_room: bool = False) -> Callable[[Handler], Handler]:
    """Declares a handler: ANYBODY, PEOPLE, or the action that it asks for. `in_no_room`: the whole question is asked at once."""

    def declare(handler: Handler) -> Handler:
        setattr(handler, _DECLARED, whom)
        setattr(handler, _IN_NO_ROOM, in_no_room)
        return handler

    return declare


def declared(view: Any, method: str) -> str | None:
    """For whom the view's handler of this method is open; None: it does not say."""
    return getattr(getattr(view, method.lower(), None), _DECLARED, None)


class OpenAsDeclared(BasePermission):
    """The default of all views (settings). Raises the same errors as the service would.

    A view that only reads asks the whole question with the room that it found: `self.check_object_permissions(request, room)`."""

    def has_permission(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]
        method = request.method or ""
        if not hasattr(view, method.lower()):
            return True  # there is no handler: the view answers 405
        whom = declared(view, method)
        if whom is None:
            raise NotPermitted(f"Nobody may use {method} here.")
        if whom == ANYBODY:
            return True
        if whom == PEOPLE:
            if not isinstance(request.auth, Person):
                raise tokens.TokenRefused(usersig.Fault.EMPTY)
            return True
        if getattr(getattr(view, method.lower()), _IN_NO_ROOM):
            permission.ask(whom, actor=request.user)
        else:
            permission.ask_before_room(whom, actor=request.user)
        return True

    def has_object_permission(self, request: ApiRequest, view: Any, obj: Any) -> bool:  # type: ignore[override]
        """`obj`: the room."""
        permission.ask(declared(view, request.method or "") or "", actor=request.user, room=obj)
        return True
