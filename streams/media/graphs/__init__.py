"""Argument lists of ffmpeg, one module per feature: from a spec to a list. Pure: nothing is started, nothing is looked up.

Every list begins with the program's name and is never given to a shell. To add one: a frozen spec, a function that makes the list, a test
that holds the list word for word, and one real run."""

from streams.media.graphs import films, recording
from streams.media.graphs.watching import packet_probe, rtmp_tags

__all__ = ["films", "packet_probe", "recording", "rtmp_tags"]
