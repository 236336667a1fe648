"""The request as our views see it: `user` is an Actor, `auth` the Person behind a token, `data` a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.request import Request

if TYPE_CHECKING:
    from liveroom.accounts.models import Person
    from liveroom.kernel.permission import Actor

    class ApiRequest(Request):
        user: Actor  # type: ignore[assignment]
        auth: Person | None
        data: dict[str, Any]  # type: ignore[assignment]
else:
    ApiRequest = Request
