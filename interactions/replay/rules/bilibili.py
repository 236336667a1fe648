"""Comments as Bilibili's XML, which players and converters of many makers read. Plain Python.

`<d p="seconds,mode,size,color,date,pool,uidhash,id">text</d>`: mode 1 flies, 4 stands at the bottom, 5 at the top."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from interactions.replay.rules.said import BOTTOM, TOP, Line

SIZE = 25
_MODES = {TOP: 5, BOTTOM: 4}
# XML 1.0 has no way to write these, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """As XML text: what XML cannot hold is gone, the rest is escaped."""
    return escape(_FORBIDDEN.sub("", text), {'"': "&quot;", "'": "&apos;"})


def entry(line: Line) -> str:
    mode = _MODES.get(line.position, 1)
    who = f"{zlib.crc32(line.sender.encode('utf-8', 'surrogatepass')):08x}"
    seconds = f"{line.at_ms / 1000:.5f}"
    said = (seconds, mode, SIZE, line.color, line.said_at, 0, who, line.number)
    return f'<d p="{",".join(str(one) for one in said)}">{clean(line.text)}</d>\n'


def bilibili_file(lines: Iterable[Line], *, chat_id: int, most: int) -> Iterator[str]:
    """The file in parts. `most`: how many it may hold, which readers ask for."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<i>\n<chatserver>localhost</chatserver>\n'
    yield f"<chatid>{chat_id}</chatid>\n<mission>0</mission>\n<maxlimit>{most}</maxlimit>\n<state>0</state>\n"
    yield "<real_name>0</real_name>\n<source>k-v</source>\n"
    for line in lines:
        yield entry(line)
    yield "</i>\n"
