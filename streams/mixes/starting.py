"""How a compositor is started for a job, be it of a mix or of a marked copy."""

from __future__ import annotations

import sys

from django.conf import settings

from streams.jobs.kinds import Launch
from streams.jobs.models import MediaJob
from streams.media.compositor import start
from streams.media.compositor.scene import Scene
from streams.models.streams import Stream
from streams.services import own_publishing


def compositor(*, job: MediaJob, number: str, stream: Stream, scene: Scene) -> Launch:
    """`number`: by which Redis reaches it; it publishes as `stream`."""
    about = start.Start(
        mix=number, run=job.run, target=own_publishing.push_url(job=job, stream=stream),
        redis_url=settings.LIVEROOM.redis_url, scene=scene,
    )  # fmt: skip
    environment = {start.VARIABLE: start.dumped(about), "PYTHONPATH": str(settings.BASE_DIR)}
    return Launch(start.arguments(sys.executable), environment=environment)
