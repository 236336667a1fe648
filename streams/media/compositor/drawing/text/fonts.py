"""The fonts of this machine in the order in which they are asked for a character, and each opened once per size.

State: what was found when it was made, faces that are open (bounded). A font that is missing makes words plainer, never impossible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

from PIL import ImageFont, features

from streams.media.compositor.drawing.kept import Kept
from streams.media.compositor.drawing.text.coverage import Coverage
from streams.media.compositor.drawing.text.words import is_emoji

FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
# Asked first, by the names of their files; all other Noto Sans after them by the alphabet, DejaVu at the end.
_FIRST = ("NotoSans", "NotoSansCJK", "NotoSansArabic", "NotoSansHebrew", "NotoSansThai", "NotoSansDevanagari", "NotoSansSymbols",
          "NotoSansSymbols2", "NotoSansMath")  # fmt: skip
_NAME = re.compile(r"(NotoSans(?!Mono|Display)[A-Za-z0-9]*|DejaVuSans)(?:-(Regular|Bold))?\.(?:ttf|otf|ttc)\Z")
_MOST_FACES = 400
# Noto Color Emoji has its pictures in this one size.
EMOJI_SIZE: Final = 109
# In the collection of Noto Sans CJK the faces are JP, KR, SC, TC, HK: shapes of simplified Chinese.
_SIMPLIFIED = 2
HAS_RAQM: Final = bool(features.check("raqm"))
_ENGINE = ImageFont.Layout.RAQM if HAS_RAQM else ImageFont.Layout.BASIC


class Face:
    def __init__(self, path: Path, index: int = 0, *, colored: bool = False) -> None:
        self.path, self.index, self.colored = path, index, colored

    @cached_property
    def coverage(self) -> Coverage:
        return Coverage(self.path, self.index)


_UNKNOWN: Final = Face(Path())


class Fonts:
    """`faces`: by weight (bold or not), in order; `emoji`: the face in colour."""

    def __init__(self, *, regular: Iterable[Face], bold: Iterable[Face], emoji: Face | None = None) -> None:
        self._faces = {False: list(regular), True: list(bold)}
        self._emoji = emoji
        self._of: dict[tuple[str, bool], Face | None] = {}
        self._open: Kept[ImageFont.FreeTypeFont] = Kept(most=48, most_bytes=48, weight=lambda _: 1)

    @classmethod
    def found(cls, folders: Iterable[Path] = FOLDERS) -> Fonts:
        """What is installed. Nothing at all is fine: then only boxes are drawn."""
        families: dict[str, dict[str, Path]] = {}
        emoji = None
        for folder in folders:
            for path in sorted(folder.rglob("*.[to]t[fc]")):
                if path.name.startswith("NotoColorEmoji"):
                    emoji = Face(path, colored=True)
                elif name := _NAME.match(path.name):
                    families.setdefault(name[1], {}).setdefault(name[2] or "Regular", path)
        rest = sorted(name for name in families if name not in _FIRST and name != "DejaVuSans")
        ordered = [name for name in (*_FIRST, *rest, "DejaVuSans") if name in families][:_MOST_FACES]

        def faces(weight: str, other: str) -> list[Face]:
            paths = [families[name].get(weight) or families[name][other] for name in ordered]
            return [Face(path, _SIMPLIFIED if path.suffix == ".ttc" else 0) for path in paths]

        return cls(regular=faces("Regular", "Bold"), bold=faces("Bold", "Regular"), emoji=emoji)

    def face_of(self, cluster: str, *, bold: bool, before: Face | None = None) -> Face | None:
        """The first face that has all of it, else its first character; None: no face has it. `before`: the face of what stands before it,
        which keeps digits and signs, so that a line does not change its face at every comma."""
        stays = before is not None and not before.colored and not cluster[0].isalpha() and not is_emoji(cluster)
        if stays and before is not None and all(one in before.coverage for one in cluster):
            return before
        key = (cluster, bold)
        found = self._of.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._look_for(cluster, bold)
            if len(self._of) >= 8192:
                # Another thread may be reading: what it has found is its own.
                self._of.clear()
            self._of[key] = found
        return found

    def open(self, face: Face, size: int) -> ImageFont.FreeTypeFont | None:
        """None: the file is gone or damaged."""
        size = EMOJI_SIZE if face.colored else size
        try:
            return self._open.get(
                (face.path, face.index, size),
                lambda: ImageFont.truetype(str(face.path), size, index=face.index, layout_engine=_ENGINE),
            )
        except (OSError, ValueError):
            return None

    def _look_for(self, cluster: str, bold: bool) -> Face | None:
        faces = self._faces[bold]
        seen = [one for one in cluster if one not in "\u200c\u200d\ufe0e\ufe0f"] or [cluster[0]]
        if self._emoji is not None and is_emoji(cluster) and seen[0] in self._emoji.coverage:
            return self._emoji
        for wanted in (seen, seen[:1]):
            for face in faces:
                if all(one in face.coverage for one in wanted):
                    return face
        return self._emoji if self._emoji is not None and seen[0] in self._emoji.coverage else None
