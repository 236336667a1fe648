"""Media jobs over REST: what runs, how it does, what it costs, what it said last."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.kernel import clock
from liveroom.kernel.web.fields import Shape
from liveroom.kernel.web.shapes import all_shown, shown
from liveroom.rooms.api.requests import PAGES, RoomPages
from streams.api.asked import ask_of, asked_app_or_room
from streams.jobs import selectors, services
from streams.jobs.kinds import kind_of
from streams.jobs.models import MediaJob


class JobSerializer(Shape):
    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField()
    label_ = serializers.SerializerMethodField(method_name="told")
    reference = serializers.CharField(help_text="What it is for, such as recording:17.")
    stream = serializers.CharField(source="stream.name", allow_null=True, default=None)
    room = serializers.CharField(source="stream.room.group_id", allow_null=True, default=None)
    state = serializers.CharField(help_text="waiting running finishing done failed stopped")
    reason = serializers.CharField(help_text="Why it waits, or failed.")
    host = serializers.CharField(source="host.name", allow_null=True, default=None)
    cores = serializers.FloatField(help_text="Estimated, of a CPU core.")
    cpu_seconds = serializers.FloatField(help_text="Used so far, all its children together.")
    progress = serializers.DictField(
        help_text="out_seconds, frame, fps, speed, bitrate_kbps, size_bytes, dropped_frames …"
    )
    restarts = serializers.IntegerField()
    log = serializers.CharField(help_text="Its last lines, without secrets.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True, help_text="Of the present child.")
    ended_at = serializers.DateTimeField(allow_null=True)

    def told(self, job: MediaJob) -> str:
        kind = kind_of(job.kind)
        return job.label or (kind.label if kind is not None else job.kind)


class JobPageSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = JobSerializer(many=True)


class HostSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    cores_budget = serializers.FloatField(help_text="CPU cores that its jobs may take together.")
    cores_reserved = serializers.FloatField(help_text="What those that run are estimated to take.")
    cores_used = serializers.FloatField(help_text="As measured.")
    disk_free_bytes = serializers.IntegerField()
    disk_total_bytes = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()


class JobsView(APIView):
    @extend_schema(
        operation_id="jobs_list",
        responses=JobPageSerializer,
        parameters=[
            SDKAPPID,
            *(OpenApiParameter(name, str) for name in ("room", "stream", "kind")),
            OpenApiParameter("state", str, description="One of the six states, or `open`."),
            *PAGES,
        ],
    )
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Media jobs, the newest first: of a room for whoever moderates it (`?room=`), of the whole app for servers."""
        asked = request.query_params
        app, room = asked_app_or_room(request, "media.see")
        rows = selectors.jobs_of(
            app=app,
            room=room,
            stream=asked.get("stream", ""),
            kind=asked.get("kind", ""),
            state=asked.get("state", ""),
        )
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(all_shown(JobSerializer, page))


class _OneJob(APIView):
    def asked_job(self, request: ApiRequest, job: int, action: str) -> MediaJob:
        found = selectors.job_of(app=asked_app(request), pk=job)
        ask_of(request, action, found.stream.room if found.stream is not None else None)
        return found


class JobView(_OneJob):
    @extend_schema(operation_id="jobs_get", responses=JobSerializer)
    @open_to("media.see")
    def get(self, request: ApiRequest, job: int) -> Response:
        return Response(shown(JobSerializer, self.asked_job(request, job, "media.see")))


class JobRestartView(_OneJob):
    @extend_schema(operation_id="jobs_restart", request=None, responses=JobSerializer)
    @open_to("media.manage")
    def post(self, request: ApiRequest, job: int) -> Response:
        """A new child now: for one that runs, and for one that waits between two tries."""
        found = self.asked_job(request, job, "media.manage")
        services.restart(job=found)
        return Response(shown(JobSerializer, selectors.job_of(app=found.app, pk=found.pk)))


class HostsView(APIView):
    @extend_schema(operation_id="hosts_list", responses=HostSerializer(many=True))
    @open_to("media.plan", in_no_room=True)
    def get(self, request: ApiRequest) -> Response:
        """The media workers that run: their budget of CPU, what of it is taken, and their disks."""
        return Response(all_shown(HostSerializer, selectors.hosts_alive(now=clock.now())))
