"""Media jobs are wishes: rows that say what shall run. Hosts make them true (`supervising/`); tasks are work that ends (`finite.py`).

The rows are the truth. What a worker has in memory is children and how they do."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from liveroom.accounts.models import App
from streams.models.streams import Stream

RUNNING, STOPPED = "running", "stopped"


class State(models.TextChoices):
    """Of a job and of a task (contracts/surface.md, Media)."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


OPEN_STATES = (State.WAITING, State.RUNNING, State.FINISHING)


class MediaHost(models.Model):
    """A `run_media` process: `lease_until` says whether it lives, `token` which of its lives this is."""

    name = models.CharField(max_length=64, unique=True)
    token = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField()
    machine = models.CharField(max_length=64, blank=True, default="", help_text="Which machine, since its last boot.")
    pid = models.PositiveIntegerField(default=0)
    cores_budget = models.FloatField(help_text="CPU cores that its jobs may take together.")
    cores_reserved = models.FloatField(default=0)
    cores_used = models.FloatField(default=0, help_text="As measured over the last seconds.")
    disk_free_bytes = models.BigIntegerField(default=0)
    disk_total_bytes = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class MediaJob(models.Model):
    """One thing that shall run as long as it is wanted. `kind` and `reference` name it: of the open ones there is one of each.

    `run` is the fencing token: it grows with every claim and every start, and what bears an older one changes nothing."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="media_jobs")
    stream = models.ForeignKey(Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="media_jobs")
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, help_text="What it is for, such as recording:17.")
    label = models.CharField(max_length=120, blank=True, default="")
    spec = models.JSONField()
    spec_version = models.PositiveSmallIntegerField(default=1)
    spec_serial = models.PositiveIntegerField(default=0, help_text="Grows when the spec is changed while it runs.")
    wanted = models.CharField(max_length=10, choices=[(RUNNING, RUNNING), (STOPPED, STOPPED)], default=RUNNING)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it waits, or failed.")
    host = models.ForeignKey(MediaHost, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    host_token = models.PositiveBigIntegerField(default=0)
    run = models.PositiveBigIntegerField(default=0)
    running_serial = models.PositiveIntegerField(default=0, help_text="The spec that the child was started with.")
    pid = models.PositiveIntegerField(null=True, blank=True)
    cores = models.FloatField(default=0, help_text="Estimated, of one CPU core.")
    progress = models.JSONField(default=dict)
    cpu_seconds = models.FloatField(default=0)
    log = models.TextField(blank=True, default="", help_text="The last lines of the child, without secrets.")
    restarts = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    retry_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Not before.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of the present child.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"],
                condition=Q(state__in=["waiting", "running", "finishing"]),
                name="one_open_job_per_wish",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="media_job_state_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"], name="media_job_open", condition=Q(state__in=["waiting", "running", "finishing"])
            ),
            models.Index(fields=["stream", "-id"], name="media_job_by_stream"),
            models.Index(fields=["app", "-id"], name="media_job_by_app"),
            models.Index(fields=["ended_at"], name="media_job_by_end", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class MediaTask(models.Model):
    """Work on files that comes to an end: Celery does it. Idempotent: a worker that died leaves it to the next one."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="media_tasks")
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=80)
    spec = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    progress = models.FloatField(default=0, help_text="0 to 1.")
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField()
    claim = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_open_task_per_wish",
            )
        ]
        indexes = [
            models.Index(fields=["retry_at"], name="media_task_open", condition=Q(state__in=["waiting", "running"])),
            models.Index(fields=["ended_at"], name="media_task_by_end", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
