"""What may be said of a stream: REST and the console check it by these shapes."""

from __future__ import annotations

from typing import Final

from liveroom.kernel.web.fields import InstantField, LineField, ReasonField, Shape, WordField

LABEL_BYTES: Final = 40


class StreamCreateSerializer(Shape):
    label_ = LineField(limit_bytes=LABEL_BYTES, filled=True)
    name = WordField(
        required=False, allow_null=True, filled=True, max_length=64,
        help_text="Servers only: [A-Za-z0-9_-]{1,64}, unique in the deployment.",
    )  # fmt: skip


class ProgrammeSerializer(Shape):
    stream = WordField()


class ForbidSerializer(Shape):
    reason = ReasonField(help_text="The streamer reads it; at most 300 bytes.")
    until = InstantField(required=False, allow_null=True, help_text="Left out: 7 days. At most 90 days.")


class PushQuery(Shape):
    expires_at = InstantField(
        in_query=True, default=None, help_text="Until when the address is good, at most ten years ahead."
    )
    domain = WordField(default=None, help_text="An enabled domain of the app; left out: its first.")


class PlayQuery(PushQuery):
    viewer = WordField(
        default="", help_text="For whom; in rooms that are not open a ban of this user ends the picture."
    )
