"""Which compressed frames a viewer understands: RFC 7692 without context takeover, so that one frame is right for all.

The frames themselves are made by `interactions/delivery/fanout/deflate.py`."""

from __future__ import annotations

from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept


class OurDeflate(PerMessageDeflateOfferAccept):  # type: ignore[misc]
    """Says `server_no_context_takeover` also to those who did not ask for it (RFC 7692 section 7.1.1.1 allows it)."""

    def get_extension_string(self) -> str:
        said = str(super().get_extension_string())
        return said if "server_no_context_takeover" in said else f"{said}; server_no_context_takeover"


def fitting_offer(extensions: list[tuple[str, dict[str, list[Any]]]]) -> PerMessageDeflateOffer | None:
    """The first offer under which a frame that is compressed for all is right for this peer too."""
    for name, params in extensions:
        if name == "permessage-deflate":
            try:
                offer = PerMessageDeflateOffer.parse(params)
            except Exception:  # noqa: S112 - what Autobahn raises; the handshake will fail on it
                continue
            if offer.request_max_window_bits in (0, 15):
                return offer
    return None
