"""What the web processes serve: Django over HTTP. `/livez` is answered in front of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")

from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

ALIVE = b"ok\n"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/livez":
        # That this process answers is all it says: no middleware, no database, no host that could be wrong.
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(ALIVE)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [ALIVE]
    answer: Any = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] != "HEAD":
        return answer  # type: ignore[no-any-return]
    # The head alone: what a view wrote below it must not reach the wire.
    answer.close()
    return []
