"""Where the file of an effect stands: an address of its own, or a path below the app's gift base (G1)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

ENDINGS = (".json", ".svga")
MOST_CHARACTERS = 500
_PATH = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*\Z")
_ADDRESS = re.compile(r"https?://[!-~]+\Z", re.IGNORECASE)


def fault(effect: str) -> str | None:
    """Why `effect` cannot be played, as a sentence; None: it can."""
    if len(effect) > MOST_CHARACTERS:
        return f"The address of an effect has at most {MOST_CHARACTERS} characters; this one has {len(effect)}."
    path = effect
    if _ADDRESS.match(effect):
        try:
            parts = urlsplit(effect)
        except ValueError:
            return "This is no address: http or https, a host, a path."
        if not parts.hostname or "@" in parts.netloc or set(effect) & set('"<>\\^`{|}'):
            return "This is no address that a viewer's page could load: http or https, a host without a login, a path."
        path = parts.path
    elif not _PATH.match(effect) or {".", ".."} & set(effect.split("/")):
        return (
            "The address of an effect is http://… or https://…, or a relative path of letters, digits, '-', '_', '.' and '/' "
            f"that does not begin with '/' and has no '..'; {effect[:60]!r} is neither."
        )
    if not path.lower().endswith(ENDINGS):
        return f"An effect is a Lottie (.json) or an SVGA (.svga) file; {effect[-60:]!r} ends in neither."
    return None


def resolved(effect: str, *, base: str) -> str:
    """The whole address: `effect` itself if it has a host, else below `base`. "" stays ""."""
    if not effect or _ADDRESS.match(effect):
        return effect
    return f"{base.rstrip('/')}/{effect}"
