"""The request as our views see it: `user` is an Actor, `auth` the Person behind a token, `data` a JSON object; and what views ask of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from liveroom.accounts.models import App, Person
from liveroom.accounts.rules import usersig
from liveroom.accounts.selectors import app_by_id, app_for
from liveroom.accounts.services import tokens
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web import idempotency

if TYPE_CHECKING:
    from liveroom.kernel.permission import Actor

    class ApiRequest(Request):
        user: Actor  # type: ignore[assignment]
        auth: Person | None
        data: dict[str, Any]  # type: ignore[assignment]
else:
    ApiRequest = Request

SDKAPPID = OpenApiParameter("sdkappid", OpenApiTypes.INT, description="Which app, where no token says so.")


def asked_app(request: ApiRequest) -> App:
    """The app that a request is about: its token's, else `?sdkappid=`, else the only one."""
    if isinstance(request.auth, Person):
        return request.auth.app
    if request.user.app_id is not None:
        return app_by_id(request.user.app_id)
    raw = request.query_params.get("sdkappid")
    if raw is None:
        return app_for(None)
    if not raw.isascii() or not raw.isdigit() or len(raw) > 15:
        raise BadParameter("sdkappid must be a number.", field="sdkappid")
    return app_for(int(raw))


def asked_person(request: ApiRequest) -> Person:
    """The person behind the token. 70002 for guests; servers have no person."""
    if isinstance(request.auth, Person):
        return request.auth
    raise tokens.TokenRefused(usersig.Fault.EMPTY)


def once(
    request: ApiRequest, *, within: str, what: str, now: datetime, act: Callable[[], tuple[int, Any]]
) -> tuple[int, Any]:
    """`act` once for the request's `Idempotency-Key` and body, of this actor. `within`: the app or room, `what`: the collection."""
    return idempotency.once(
        scope=f"{within}:{request.user.kind}:{request.user}:{what}",
        key=request.headers.get("Idempotency-Key"),
        body=json.dumps(request.data, sort_keys=True, default=str).encode(),
        now=now,
        act=act,
    )
