"""Windows over REST: how one does. What it is made of is a template (`streams/plans`)."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel import clock
from liveroom.kernel.web.shapes import shown
from streams.api.views import asked_stream
from streams.timeshift import selectors
from streams.timeshift.shapes import TimeShiftSerializer


class TimeShiftView(APIView):
    @extend_schema(operation_id="streams_timeshift_get", responses=TimeShiftSerializer)
    @open_to("media.see")
    def get(self, request: ApiRequest, name: str) -> Response:
        """How far back a stream can be watched, and what that takes of the disk (owner and admins of its room)."""
        stream = asked_stream(request, name)
        self.check_object_permissions(request, stream.room)
        return Response(shown(TimeShiftSerializer, selectors.state_of(stream, now=clock.now())))
