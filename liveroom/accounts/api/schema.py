"""How the OpenAPI document tells of logging in. Imported with the addresses, so that it is there when the document is made."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "liveroom.accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A UserSig (people) or an API key (servers)."}


class ConsoleScheme(OpenApiAuthenticationExtension):
    target_class = "liveroom.accounts.api.authentication.ConsoleAuthentication"
    name = "console"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        from django.conf import settings

        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The console's session.",
        }
