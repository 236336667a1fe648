"""Staff's pages for media jobs, the tasks that follow them, and the hosts that run them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel import clock
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.jobs import services
from streams.jobs.models import MediaHost, MediaJob, MediaTask, State

_STOP = Act(
    "stop", "Stop", icon="stop_circle", danger=True,
    question="Stop this job? Whatever asked for it (a rule, a relay) may ask again.",
)  # fmt: skip


@admin.register(MediaJob)
class MediaJobAdmin(SwornAdmin):
    list_display = (
        "id", "kind", "stream", "state", "reason", "host", "cores", "cpu_seconds", "speed", "restarts", "created_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "host", "app")
    search_fields = ("reference", "label", "stream__name", "stream__room__group_id", "reason")
    list_select_related = ("stream", "host")
    ordering = ("-id",)
    acts = (
        Act("restart", "Restart", icon="restart_alt", question="Give this job a new child now?"),
        _STOP,
    )

    @admin.display(description="speed")
    def speed(self, job: MediaJob) -> str:
        found = job.progress.get("speed") if job.state == State.RUNNING else None
        return f"{found:.2f}×" if found else ""

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        return self.acts if obj.state in (State.WAITING, State.RUNNING) else ()

    def act_restart(self, request: HttpRequest, job: MediaJob) -> str:
        services.restart(job=job)
        return "It is started anew."

    def act_stop(self, request: HttpRequest, job: MediaJob) -> str:
        services.stop(job=job, now=clock.now())
        return "It is told to stop."


@admin.register(MediaTask)
class MediaTaskAdmin(SwornAdmin):
    list_display = ("id", "kind", "reference", "state", "percent", "attempts", "reason", "created_at", "ended_at")
    list_filter = ("state", "kind", "app")
    search_fields = ("reference", "reason")
    ordering = ("-id",)

    @admin.display(description="progress")
    def percent(self, task: MediaTask) -> str:
        return f"{task.progress:.0%}"


@admin.register(MediaHost)
class MediaHostAdmin(SwornAdmin):
    list_display = ("name", "alive", "cores_budget", "cores_reserved", "cores_used", "disk_free", "seen_at")
    ordering = ("name",)

    @admin.display(description="runs", boolean=True)
    def alive(self, host: MediaHost) -> bool:
        return host.lease_until > clock.now()

    @admin.display(description="disk free")
    def disk_free(self, host: MediaHost) -> str:
        return f"{host.disk_free_bytes / 1e9:.1f} of {host.disk_total_bytes / 1e9:.1f} GB"
