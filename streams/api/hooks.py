"""The engine's callbacks, from loopback with the shared secret, and nobody else's."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.values import signing
from liveroom.kernel.work.metrics import hook_seconds
from streams.engines import BadHook, engine
from streams.services import playing, publishing

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1")
MAX_BODY_BYTES = 16 * 1024


@method_decorator(csrf_exempt, name="dispatch")
class HookView(View):
    """2xx lets in, 302 lets in under another name, 403 refuses (media-facts.md). A stranger sees what everybody sees here: nothing."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, secret: str, action: str) -> HttpResponse:
        peer = request.META.get("LIVEROOM_PEER", "")
        direct = peer in LOOPBACK and "HTTP_X_FORWARDED_FOR" not in request.META
        if not direct or not signing.same(secret, signing.derived_secret("hooks")):
            return HttpResponseNotFound()
        with hook_seconds.labels(action=action[:20]).time():
            return self._answer(action, request)

    def _answer(self, action: str, request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            return self._refuse(action, "the callback is too long")
        now = clock.now()
        try:
            hook = engine().parse_hook(action=action, body=request.body)
            if hook.internal:
                pass
            elif action == "publish":
                publishing.admit_publisher(hook=hook, now=now)
            elif action == "publish_done":
                publishing.publisher_left(hook=hook, now=now)
            elif action == "play":
                playing.admit_player(hook=hook, now=now)
            elif action == "play_done":
                playing.player_left(hook=hook, now=now)
        except BadHook as error:
            if action in ("publish", "connect"):
                publishing.refuse_unreadable(bad=error, now=now)
            return self._refuse(action, error.message)
        except LiveRoomError as error:
            return self._refuse(action, error.message)
        if action in ("connect", "publish") and not hook.internal and hook.sent_as != hook.stream:
            # What was meant, not what was sent: the name under which it was checked is the one that goes on air.
            answer = HttpResponse("renamed", status=302, content_type="text/plain")
            answer["Location"] = hook.stream
            return answer
        return HttpResponse("ok", content_type="text/plain")

    def _refuse(self, action: str, why: str) -> HttpResponse:
        log.info("%s refused: %s", action, why)
        return HttpResponse(why, status=403, content_type="text/plain; charset=utf-8")
