"""What may be said of a room: the one shape that its REST bodies and the forms of the console are checked by."""

from __future__ import annotations

import json
from typing import Any, Final

from rest_framework.fields import SkipField, empty

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import text
from liveroom.kernel.web.fields import (
    InstantField,
    LineField,
    ListField,
    OneOfField,
    OpaqueField,
    Shape,
    TextField,
    TextsField,
    WebAddressField,
    WholeNumberField,
    YesNoField,
    name_of,
)
from liveroom.rooms.models import Room

TITLE_BYTES: Final = 100
INTRODUCTION_BYTES: Final = 240
NOTICE_BYTES: Final = 300
CATEGORY_BYTES: Final = 40
MAX_TAGS, TAG_BYTES = 10, 30
FIELDS_BYTES: Final = 4096
PASSWORD_BYTES: Final = 72
LARGEST: Final = 100_000_000


class NoticeField(TextField):
    """Text, or JSON with texts and images: their addresses are http(s), or they would run in viewers' pages."""

    def to_internal_value(self, data: Any) -> str:
        notice = super().to_internal_value(data)
        if notice.lstrip().startswith("{"):
            _judge_rich(notice, field=name_of(self))
        return notice


def _judge_rich(notice: str, *, field: str) -> None:
    try:
        value = json.loads(notice)
    except ValueError:
        return  # plain text that happens to begin with a brace
    if not isinstance(value, dict):
        return
    # What JSON spells as \\u202e is a turned direction once a page has parsed it.
    text.judge_all(value, field=field)
    images = value.get("images", [])
    for url in [*(images if isinstance(images, list) else [images]), value.get("image", "")]:
        if url and not (isinstance(url, str) and text.is_web_address(url)):
            raise BadParameter("Image addresses in a notice must be http or https.", field=field)


class TagField(LineField):
    def to_internal_value(self, data: Any) -> str:
        tag = super().to_internal_value(data)
        if "|" in tag:  # they are kept between bars
            raise BadParameter("A tag holds no '|'.", field=name_of(self))
        return tag


class VisibilityField(OneOfField):
    def run_validation(self, data: Any = empty) -> Any:
        if data is None:
            raise SkipField  # as if it had not been sent
        return super().run_validation(data)


class RoomWriteSerializer(Shape):
    """What may be sent to change a room; all may be left out."""

    unknown = "A room has no field {name} that can be set here."

    title = LineField(limit_bytes=TITLE_BYTES, filled=True, required=False)
    introduction = TextField(limit_bytes=INTRODUCTION_BYTES, required=False)
    notice = NoticeField(
        limit_bytes=NOTICE_BYTES, required=False,
        help_text=f"At most {NOTICE_BYTES} bytes; text, or JSON with text and images.",
    )  # fmt: skip
    category = LineField(limit_bytes=CATEGORY_BYTES, required=False)
    tags = ListField(
        of="texts", child=TagField(limit_bytes=TAG_BYTES, filled=True), high=MAX_TAGS, required=False,
        help_text=f"At most {MAX_TAGS}, each of at most {TAG_BYTES} bytes.",
    )  # fmt: skip
    cover = WebAddressField(limit_bytes=500, required=False)
    starts_at = InstantField(required=False, allow_null=True)
    viewer_limit = WholeNumberField(1, LARGEST, null_means="no limit", required=False)
    bandwidth_limit_kbps = WholeNumberField(1, LARGEST, null_means="no limit", required=False)
    messages_per_second = WholeNumberField(
        1, 1000, null_means="what the app says", required=False, help_text="1 to 1000; null: as the app says (40)."
    )
    message_bytes = WholeNumberField(
        100, 8192, null_means="what the app says", required=False, help_text="100 to 8192; null: as the app says."
    )
    fields_ = TextsField(limit_bytes=FIELDS_BYTES, required=False)
    visibility = VisibilityField(choices=[Room.LISTED, Room.UNLISTED], required=False)
    password = OpaqueField(
        limit_bytes=PASSWORD_BYTES, required=False, allow_null=True, write_only=True, help_text="Empty: none."
    )
    allow_list_only = YesNoField(required=False)
