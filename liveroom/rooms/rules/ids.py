"""Which room ids may be chosen: printable ASCII, at most 48 bytes, no `/` (surface.md); chat clients' own prefix is reserved."""

from __future__ import annotations

MAX_BYTES = 48
# Said as an id, it asks for one that begins so.
RESERVED_PREFIX = "@TGS#"


def fault(group_id: str, *, chosen: bool) -> str | None:
    """A sentence about what is wrong with the id, or None. `chosen`: by a client, so that the reserved prefix is refused."""
    if not group_id:
        return "A room id must not be empty."
    if len(group_id) > MAX_BYTES:
        return (
            f"A room id has at most {MAX_BYTES} bytes; this one has {len(group_id.encode('utf-8', 'surrogatepass'))}."
        )
    if not all("!" <= char <= "~" for char in group_id):
        return "A room id is printable ASCII without spaces."
    if "/" in group_id or group_id in (".", ".."):
        return "A room id holds no '/' and is not '.' or '..'."
    if chosen and group_id.startswith(RESERVED_PREFIX):
        return f"Ids that begin with {RESERVED_PREFIX} are made by the server; send the id {RESERVED_PREFIX!r} to get one, or leave it out."
    return None
