"""Where finished media lives: a local folder, or an S3-compatible service. `storage()` is the one this copy was set to (README.md)."""

from streams.storage.base import FileUnknown, Storage, StorageAway, Told
from streams.storage.chosen import storage

__all__ = ["FileUnknown", "Storage", "StorageAway", "Told", "storage"]
