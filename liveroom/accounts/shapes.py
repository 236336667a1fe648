"""What may be said of a user and asked for a token: REST bodies and forms of the console are checked by these shapes."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from liveroom.accounts.fields import UserIdField
from liveroom.accounts.services.demo import NICK_CHARACTERS
from liveroom.accounts.services.tokens import MAX_LIFETIME_SECONDS
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import text
from liveroom.kernel.web.fields import (
    ListField,
    NameField,
    ReasonField,
    Shape,
    WebAddressField,
    WholeNumberField,
    WordField,
    name_of,
)

NICK_BYTES: Final = 1024
AVATAR_BYTES: Final = 500
# Custom fields.
FIELDS, KEY_BYTES, VALUE_BYTES = 20, 32, 500
HIGHEST: Final = 2**31 - 1
MAX_IMPORT: Final = 100
TOPUP_SECRET_CHARACTERS: Final = (16, 128)


class CustomFieldsField(serializers.DictField):
    """20 keys of 32 bytes with texts of 500 bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.CharField(allow_blank=True), **options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        name = name_of(self)
        # Whatever JSON makes of it: the bounds of each say how much it is.
        fields = text.storable_texts(data, field=name, limit_bytes=FIELDS * 8 * (KEY_BYTES + VALUE_BYTES))
        if len(fields) > FIELDS:
            raise BadParameter(
                f"A profile has at most {FIELDS} custom fields; {len(fields)} were given.",
                field=name, limit=FIELDS, given=len(fields),
            )  # fmt: skip
        for key, said in fields.items():
            if not 1 <= (size := len(key.encode())) <= KEY_BYTES:
                raise BadParameter(
                    f"The key of a custom field has 1 to {KEY_BYTES} bytes; {key[:KEY_BYTES]!r} has {size}.",
                    field=name, limit=KEY_BYTES, given=size,
                )  # fmt: skip
            if (size := len(said.encode())) > VALUE_BYTES:
                raise BadParameter(
                    f"A custom field holds at most {VALUE_BYTES} bytes; {key!r} has {size}.",
                    field=name, limit=VALUE_BYTES, given=size,
                )  # fmt: skip
        return fields


@extend_schema_serializer(component_name="Me")
class ProfileWriteSerializer(Shape):
    unknown = "{name} cannot be changed here."

    nick = NameField(limit_bytes=NICK_BYTES, required=False)
    avatar = WebAddressField(limit_bytes=AVATAR_BYTES, required=False, help_text="Empty, or an http or https address.")
    fields_ = CustomFieldsField(required=False)


@extend_schema_serializer(component_name="User")
class UserWriteSerializer(ProfileWriteSerializer):
    level = WholeNumberField(0, HIGHEST, required=False)
    role = WholeNumberField(0, HIGHEST, required=False)


@extend_schema_serializer(component_name="UserImport")
class UserImportSerializer(UserWriteSerializer):
    id = UserIdField()


class UsersImportSerializer(Shape):
    users = ListField(
        of="objects with an id each",
        child=UserImportSerializer(),
        low=1,
        high=MAX_IMPORT,
        help_text=f"At most {MAX_IMPORT}.",
    )


class TokenRequestSerializer(Shape):
    identifier = UserIdField(help_text="The user id, at most 32 bytes.")
    expire = WholeNumberField(1, MAX_LIFETIME_SECONDS, default=86400, help_text="Lifetime in seconds.")


class DemoNickField(WordField):
    """Counted in characters, and without blanks in a row: it is typed by hand."""

    def to_internal_value(self, data: Any) -> str:
        name = name_of(self)
        nick = " ".join(text.storable(data, field=name).split())
        if not 1 <= len(nick) <= NICK_CHARACTERS:
            raise BadParameter(
                f"A nick has 1 to {NICK_CHARACTERS} characters; this one has {len(nick)}.",
                field=name, limit=NICK_CHARACTERS, given=len(nick),
            )  # fmt: skip
        return text.name(nick, field=name, limit_bytes=NICK_BYTES)


class DemoTokenRequestSerializer(Shape):
    nick = DemoNickField(filled=True, max_length=NICK_BYTES, help_text="How the others see you.")


class TopUpSecretField(WordField):
    """Empty, or what a payment provider made."""

    def to_internal_value(self, data: Any) -> str:
        secret, (least, most) = text.storable(data, field=name_of(self)), TOPUP_SECRET_CHARACTERS
        if secret and not (
            least <= len(secret) <= most and secret.isascii() and secret.isprintable() and " " not in secret
        ):
            raise BadParameter(
                f"A top-up secret is {least} to {most} printable ASCII characters without spaces; this one has {len(secret)}.",
                field=name_of(self), limit=most, given=len(secret),
            )  # fmt: skip
        return secret


class TopUpSecretShape(Shape):
    secret = TopUpSecretField()


class BlockShape(Shape):
    reason = ReasonField()
