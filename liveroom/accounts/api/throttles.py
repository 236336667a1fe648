"""How often somebody may ask over REST: throttle classes of REST framework over `kernel.throttle`, the same for every process.

Promise: who may not ask at all (`OpenAsDeclared`) spends nothing; reading is not counted; whoever is too fast gets 60018 with the wait."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle

from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel.web import throttle
from liveroom.kernel.web.http import client_address


class CountedThrottle(BaseThrottle):
    """At most `limit` in `per_seconds`, of one actor in its app, counted under the name `what`."""

    what: ClassVar[str]
    limit: ClassVar[int]
    per_seconds: ClassVar[int]
    # Where so few are allowed that a client's mistakes would use them up: a body that cannot be read is refused and not counted.
    readable_only: ClassVar[bool] = False

    def who(self, request: ApiRequest) -> str:
        return f"{request.user.app_id}:{request.user}"

    def most(self, request: ApiRequest) -> int:
        return self.limit

    def allow_request(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]
        """TooOften, which says more than False."""
        if request.method not in SAFE_METHODS:
            if self.readable_only:
                _ = request.data
            throttle.allow(
                what=self.what, who=self.who(request), limit=self.most(request), per_seconds=self.per_seconds
            )
        return True


class DemoLoginThrottle(CountedThrottle):
    """Names of the demo app, of one address."""

    what, limit, per_seconds = "demo-login", 60, 60

    def who(self, request: ApiRequest) -> str:
        return client_address(request)
