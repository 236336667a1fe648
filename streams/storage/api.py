"""Playlists whose segments lie at an S3-compatible service: read there, every name in it signed, handed on.

The address is the right to it, as at nginx' `/vault/`."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock
from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.values.signing import derived_secret, same
from streams.storage import rules
from streams.storage.base import FileUnknown
from streams.storage.chosen import VAULT, storage

# A day of two-second segments is 2 MB.
PLAYLIST_BYTES = 4 * 1024 * 1024


class PlaylistView(APIView):
    authentication_classes = ()

    @extend_schema(exclude=True)
    @open_to(ANYBODY)
    def get(self, request: ApiRequest, signature: str, expires: int, folder: str, name: str) -> HttpResponse:
        """A kept HLS playlist with the signed addresses of its segments. Where media is kept locally nginx serves both."""
        wanted = rules.signature(folder=folder, expires=expires, save_as="", secret=derived_secret(VAULT))
        if (
            not same(wanted, signature)
            or expires <= clock.now().timestamp()
            or not rules.is_playlist(name)
            or not rules.is_file_name(name)
        ):
            raise NotPermitted("This address is not signed by us, or no longer good.")
        kept, until = storage(), datetime.fromtimestamp(expires, UTC)
        text = kept.read(key=f"{folder}/{name}", at_most=PLAYLIST_BYTES).decode("utf-8", "replace")
        try:
            told = rules.playlist_with_addresses(
                text, address_of=lambda file: kept.address(key=f"{folder}/{file}", until=until)
            )
        except ValueError:
            raise FileUnknown("This playlist cannot be played from here.") from None
        return HttpResponse(told, content_type=rules.CONTENT_TYPES["m3u8"], headers={"Cache-Control": "no-store"})
