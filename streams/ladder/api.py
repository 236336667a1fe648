"""Ladders over REST: how one does. What it is made of is a template (`streams/plans`)."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel.web.shapes import shown
from streams.api.views import asked_stream
from streams.ladder import services
from streams.ladder.shapes import LadderSerializer
from streams.selectors import shown_as


class LadderView(APIView):
    @extend_schema(operation_id="streams_ladder_get", responses=LadderSerializer)
    @open_to("media.see")
    def get(self, request: ApiRequest, name: str) -> Response:
        """The ladder of a stream: what it makes of what is pushed, and whether it keeps up (owner and admins of its room). `stopped`: no
        template wants one, or nobody pushes."""
        stream = asked_stream(request, name)
        self.check_object_permissions(request, stream.room)
        # Viewers get that of its marked copy, where there is one.
        state = services.state_of(shown_as(stream)) | {"stream": stream.name}
        return Response(shown(LadderSerializer, state))
