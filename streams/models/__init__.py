"""Streams, their publishes, why somebody was not let in, and the rows of the features that work on pictures."""

from streams.director.models import KeptOverlay
from streams.files.models import MediaFile
from streams.jobs.models import MediaHost, MediaJob, MediaTask
from streams.ladder.models import Ladder
from streams.mixes.models import Mix
from streams.models.streams import Publish, PushRefusal, Stream
from streams.plans.models import PlanRound, Rule, Template
from streams.recording.models import Chapter, Clip, Recording, RecordingFile, RecordingPart
from streams.relays.models import Relay
from streams.snapshots.models import PictureReview, Snapshot, Trouble
from streams.timeshift.models import TimeShift
from streams.traffic.models import MinuteTraffic, TrafficMark
from streams.watermarks.models import Mark, MarkedCopy, Watermark

__all__ = [
    "Chapter",
    "Clip",
    "KeptOverlay",
    "Ladder",
    "Mark",
    "MarkedCopy",
    "MediaFile",
    "MediaHost",
    "MediaJob",
    "MediaTask",
    "MinuteTraffic",
    "Mix",
    "PictureReview",
    "PlanRound",
    "Publish",
    "PushRefusal",
    "Recording",
    "RecordingFile",
    "RecordingPart",
    "Relay",
    "Rule",
    "Snapshot",
    "Stream",
    "Template",
    "TimeShift",
    "TrafficMark",
    "Trouble",
    "Watermark",
]
