"""The storage of this copy, from its settings (deploy/README.md, Storage)."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from liveroom.kernel.values.signing import derived_secret
from streams.storage.base import Storage
from streams.storage.local_folder import LocalFolder
from streams.storage.s3 import S3

# Below $LIVEROOM_DATA, which may be a disk of its own: a running recording beside it becomes a kept one without being copied.
KEPT_FOLDER = "recordings/kept"
_AT_HAND_FOLDER = "recordings/at-hand"
VAULT = "vault"


@lru_cache(maxsize=1)
def storage() -> Storage:
    """One per process; boto3's clients may be used by several threads."""
    room = settings.LIVEROOM
    if room.s3 is None:
        return LocalFolder(root=room.data / KEPT_FOLDER, secret=derived_secret(VAULT), http=room.public_http)
    return S3(
        endpoint=room.s3.endpoint,
        public_endpoint=room.s3.public_endpoint,
        bucket=room.s3.bucket,
        region=room.s3.region,
        key=room.s3.key,
        secret=room.s3.secret,
        prefix=room.s3.prefix,
        at_hand_folder=room.data / _AT_HAND_FOLDER,
        playlist_secret=derived_secret(VAULT),
        http=room.public_http,
    )
