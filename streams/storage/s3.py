"""Kept files at a service that speaks S3: Amazon's, MinIO, Ceph, Garage, R2 and the like.

Large files go up in parts, one after the other, and become visible only with the last one; what fails or is given up is taken back.
Addresses are presigned. A playlist's are not enough for its segments, so ours (`api.py`) reads it and signs what it names."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from streams.storage import rules
from streams.storage.base import FileUnknown, StorageAway, Told, keep_each, tell

PART = 8 * 1024 * 1024
_MOST_PARTS = 9_000
_CHUNK = 4 * 1024 * 1024
# What SigV4 allows.
LONGEST_SECONDS = 7 * 86_400
# What a killed worker had at hand is cleared away by the next one.
_FORGOTTEN_SECONDS = 86_400


class S3:
    """`prefix`: put before every key. `at_hand_folder`: of this host, for copies while they are worked on."""

    name = "s3"

    def __init__(
        self,
        *,
        endpoint: str,
        public_endpoint: str,
        bucket: str,
        region: str,
        key: str,
        secret: str,
        prefix: str,
        at_hand_folder: Path,
        playlist_secret: str,
        http: str,
    ) -> None:
        self._endpoint, self._public_endpoint, self._bucket, self._region = endpoint, public_endpoint, bucket, region
        self._key, self._secret, self._prefix = key, secret, prefix
        self._at_hand, self._playlist_secret, self._http = at_hand_folder, playlist_secret, http

    def keep(self, *, path: Path, key: str, content_type: str = "", told: Told | None = None) -> int:
        name, total = self._name(key), path.stat().st_size
        about = {
            "Bucket": self._bucket,
            "Key": name,
            "ContentType": content_type or rules.content_type_of(key),
        }
        with path.open("rb") as file, _in_words():
            if total <= PART:
                self._client.put_object(Body=file.read(), **about)
            else:
                self._keep_in_parts(file, total=total, about=about, told=told)
        tell(told, total, total)
        return total

    def _keep_in_parts(self, file: BinaryIO, *, total: int, about: dict[str, str], told: Told | None) -> None:
        size = max(PART, -(-total // _MOST_PARTS))
        place = {"Bucket": about["Bucket"], "Key": about["Key"]}
        upload = self._client.create_multipart_upload(**about)["UploadId"]
        parts: list[dict[str, Any]] = []
        try:
            while chunk := file.read(size):
                number = len(parts) + 1
                part = self._client.upload_part(Body=chunk, PartNumber=number, UploadId=upload, **place)
                parts.append({"PartNumber": number, "ETag": part["ETag"]})
                tell(told, min(total, number * size), total)
            self._client.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": parts}, **place)
        except BaseException:
            # What is left of it would be paid for.
            self._client.abort_multipart_upload(UploadId=upload, **place)
            raise

    def keep_folder(self, *, path: Path, folder: str, told: Told | None = None) -> int:
        return keep_each(self, path=path, folder=folder, told=told)

    def address(self, *, key: str, until: datetime, download_as: str = "", http: str = "") -> str:
        rules.checked_key(key)
        if rules.is_playlist(key) and not download_as:
            return (http or self._http) + rules.signed_path(
                key=key, expires=int(until.timestamp()), download_as="", secret=self._playlist_secret,
                root="/api/v1/playlists",
            )  # fmt: skip
        return self.presigned(key=key, until=until, download_as=download_as)

    def presigned(self, *, key: str, until: datetime, download_as: str = "") -> str:
        asked: dict[str, str] = {"Bucket": self._bucket, "Key": self._name(key)}
        if download_as:
            asked["ResponseContentDisposition"] = rules.disposition(download_as, key=key)
        seconds = int((until - datetime.now(UTC)).total_seconds())
        return str(
            self._signer.generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=max(1, min(LONGEST_SECONDS, seconds))
            )
        )

    def remove(self, *, key: str) -> None:
        with _in_words():
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def remove_folder(self, *, folder: str) -> None:
        with _in_words():
            for page in self._listed(f"{rules.checked_folder(folder)}/"):
                for entry in page:
                    self._client.delete_object(Bucket=self._bucket, Key=entry["Key"])

    def size(self, *, key: str) -> int | None:
        try:
            with _in_words():
                return int(self._client.head_object(Bucket=self._bucket, Key=self._name(key))["ContentLength"])
        except FileUnknown:
            # The answer to this question does not tell a file that is gone from a bucket that is.
            self._ask_for_bucket()
            return None

    def names(self, *, folder: str) -> Sequence[str]:
        start = f"{rules.checked_folder(folder)}/"
        with _in_words():
            keys = [entry["Key"].removeprefix(self._prefix) for page in self._listed(start) for entry in page]
        return [key for key in keys if "/" not in key.removeprefix(start)]

    def read(self, *, key: str, at_most: int) -> bytes:
        with _in_words():
            answer = self._client.get_object(Bucket=self._bucket, Key=self._name(key))
            with closing(answer["Body"]) as body:
                return bytes(body.read(at_most))

    @contextmanager
    def at_hand(self, *, key: str, told: Told | None = None) -> Iterator[Path]:
        with self._own_folder() as folder:
            yield self._fetched(key, folder, told=told)

    @contextmanager
    def folder_at_hand(self, *, folder: str, told: Told | None = None) -> Iterator[Path]:
        keys = self.names(folder=folder)
        if not keys:
            raise FileUnknown("This folder is no longer kept.")
        with self._own_folder() as place:
            for done, key in enumerate(keys, start=1):
                self._fetched(key, place, told=None)
                tell(told, done, len(keys))
            yield place

    def free_bytes(self) -> int | None:
        return None

    @contextmanager
    def _own_folder(self) -> Iterator[Path]:
        folder = self._at_hand / uuid.uuid4().hex
        folder.mkdir(parents=True)
        self._forget_old()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _forget_old(self) -> None:
        for folder in self._at_hand.iterdir():
            try:
                if time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
            except FileNotFoundError:
                pass

    def _fetched(self, key: str, folder: Path, *, told: Told | None) -> Path:
        target, done = folder / key.rpartition("/")[2], 0
        with _in_words():
            answer = self._client.get_object(Bucket=self._bucket, Key=self._name(key))
            total = int(answer["ContentLength"])
            with closing(answer["Body"]) as body, target.open("xb") as file:
                for chunk in body.iter_chunks(_CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    tell(told, done, total)
        return target

    def _listed(self, start: str) -> Iterator[list[dict[str, Any]]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + start)
        for page in pages:
            yield page.get("Contents", [])

    def _ask_for_bucket(self) -> None:
        try:
            with _in_words():
                self._client.head_bucket(Bucket=self._bucket)
        except FileUnknown:
            raise StorageAway(f"The storage has no bucket {self._bucket!r}.") from None

    def _name(self, key: str) -> str:
        return self._prefix + rules.checked_key(key)

    @cached_property
    def _client(self) -> Any:
        return self._made(self._endpoint)

    @cached_property
    def _signer(self) -> Any:
        """Signing asks nobody; the name that is signed is the one that viewers use."""
        return self._made(self._public_endpoint) if self._public_endpoint else self._client

    def _made(self, endpoint: str) -> Any:
        # 40 MB of memory that a copy with a local folder does not spend.
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=self._region,
            aws_access_key_id=self._key,
            aws_secret_access_key=self._secret,
            config=Config(
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 4},
                s3={"addressing_style": "path" if endpoint else "virtual"},
                # Newer checksums by default are what many compatible services refuse.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


@contextmanager
def _in_words() -> Iterator[None]:
    """What the client raises, as ours: unknown keys apart, the rest comes again later."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("404", "NoSuchKey", "NotFound"):
            raise FileUnknown("This file is no longer kept.") from None
        raise StorageAway(f"The storage refused ({code}).") from error
    except (Boto3Error, BotoCoreError) as error:
        raise StorageAway(f"The storage does not answer ({type(error).__name__}).") from error
