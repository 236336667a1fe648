"""What an encoder is given for SRT: an address with the stream's key as its stream id, and a passphrase that is the stream's own."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

from django.conf import settings

from liveroom.kernel.values import signing
from streams.models.streams import Stream


def passphrase_of(stream: Stream) -> str:
    """24 characters; another one after each reset of the key."""
    secret = signing.derived_secret("srt")
    return hmac.new(secret.encode(), f"{stream.name}|{stream.key_floor}".encode(), hashlib.sha256).hexdigest()[:24]


def srt_url(*, stream: Stream, stream_key: str, host: str) -> str:
    """The whole address, for the server field of OBS (its key field stays empty) and for ffmpeg; "" where SRT is off."""
    here = settings.LIVEROOM
    if not here.srt_port:
        return ""
    host = host or here.host
    host = f"[{host}]" if ":" in host else host
    return f"srt://{host}:{here.srt_port}?streamid={quote(stream_key, safe='')}&passphrase={passphrase_of(stream)}&pbkeylen=16"
