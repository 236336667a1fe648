"""Snapshots over REST: take one, list them, one of them, decide a doubt, delete."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock, permission
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages
from streams.api.views import asked_stream, public_origin
from streams.snapshots import selectors, services
from streams.snapshots.api import shapes
from streams.snapshots.models import Snapshot


class SnapshotThrottle(CountedThrottle):
    """Of one user, of all streams."""

    what, limit, per_seconds = "snapshot", 60, 60
    readable_only = True


def _answer(request: ApiRequest, snapshot: Snapshot) -> dict[str, Any]:
    snapshot.url = selectors.address_of(snapshot, now=clock.now(), http=public_origin(request))  # type: ignore[attr-defined]
    return shown(shapes.SnapshotSerializer, snapshot)


def _asked(request: ApiRequest, number: str) -> Snapshot:
    app_id = None if request.user.kind == permission.STAFF else asked_app(request).pk
    return selectors.snapshot_of(app_id=app_id, number=number)


class SnapshotsView(APIView):
    throttle_classes = [SnapshotThrottle]

    @extend_schema(
        operation_id="snapshots_list",
        responses=shapes.SnapshotPageSerializer,
        parameters=[SDKAPPID, shapes.SnapshotsQuery, *PAGES],
    )
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Pictures of a stream, newest first (owner and admins of its room)."""
        asked = checked(shapes.SnapshotsQuery, request.query_params)
        stream = asked_stream(request, asked["stream"])
        self.check_object_permissions(request, stream.room)
        pages = RoomPages()
        pages.ordering = ("-id",)
        rows = selectors.snapshots_of(stream, state=asked.get("state"), verdict=asked.get("verdict"))
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response([_answer(request, row) for row in page])

    @extend_schema(
        operation_id="snapshots_take",
        request=shapes.SnapshotWriteSerializer,
        responses={201: shapes.SnapshotSerializer},
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Take a picture now (owner). Answered at once; the picture is there with the stream's next keyframe: ask for it by its id.

        Send an `Idempotency-Key` to be able to repeat the request."""
        said, now = checked(shapes.SnapshotWriteSerializer, request.data), clock.now()
        stream = asked_stream(request, said["stream"])

        def act() -> tuple[int, Any]:
            return 201, _answer(request, services.ask_snapshot(stream=stream, by=request.user, now=now))

        status, body = once(
            request, within=str(stream.room.app.sdkappid), what=f"snapshots/{stream.pk}", now=now, act=act
        )
        return Response(body, status=status)


class SnapshotView(APIView):
    @extend_schema(operation_id="snapshots_get", responses=shapes.SnapshotSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, snapshot: str) -> Response:
        """One picture (owner and admins of its room)."""
        found = _asked(request, snapshot)
        self.check_object_permissions(request, found.stream.room)
        return Response(_answer(request, found))

    @extend_schema(
        operation_id="snapshots_decide",
        request=shapes.SnapshotDecisionSerializer,
        responses=shapes.SnapshotSerializer,
    )
    @open_to("stream.forbid")
    def patch(self, request: ApiRequest, snapshot: str) -> Response:
        """Decide about a picture that a review doubted (the app's server and its admins)."""
        found, said = _asked(request, snapshot), checked(shapes.SnapshotDecisionSerializer, request.data)
        decided = services.decide(
            snapshot=found, verdict=said["verdict"], by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(_answer(request, decided))

    @extend_schema(operation_id="snapshots_delete", responses={204: None})
    @open_to("media.manage")
    def delete(self, request: ApiRequest, snapshot: str) -> Response:
        """Delete a picture (owner)."""
        services.delete_snapshot(
            snapshot=_asked(request, snapshot), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(status=204)
