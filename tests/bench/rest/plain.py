"""The peer: what somebody writes who wants the same answers from the same queries, and nothing else.

No token is checked (the user is named in a header), nothing is limited, nothing is refused in a shape of its own. So it does less than we
do; the bar is how much more ours may take."""

from __future__ import annotations

from typing import Any

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

application = get_wsgi_application()

from interactions.delivery.presence import crowd_now  # noqa: E402
from liveroom.accounts.models import Domain, Person  # noqa: E402
from liveroom.kernel import clock  # noqa: E402
from liveroom.rooms.api.serializers import RoomSerializer  # noqa: E402
from liveroom.rooms.models import Room, RoomAdmin  # noqa: E402
from moderation.models import Ban  # noqa: E402
from streams.models import Stream  # noqa: E402


def person_of(request: Any) -> Person:
    return Person.objects.select_related("app").get(app__sdkappid=1400000000, identifier=request.headers["X-User"])


def room_of(request: Any, room: str) -> tuple[Person, Room]:
    person = person_of(request)
    return person, Room.objects.select_related("owner").get(app=person.app, group_id=room, disbanded_at__isnull=True)


class RoomView(APIView):
    def get(self, request: Any, room: str) -> Response:
        person, found = room_of(request, room)
        found.app = person.app
        return Response(RoomSerializer(found).data)


class OnlineView(APIView):
    def get(self, request: Any, room: str) -> Response:
        person, found = room_of(request, room)
        found.app = person.app
        crowd = crowd_now(room_key=found.key)
        return Response({"online": crowd.online, "sockets": crowd.sockets})


class PlayView(APIView):
    def get(self, request: Any, room: str) -> Response:
        person, found = room_of(request, room)
        RoomAdmin.objects.filter(room=found, person=person).exists()
        list(Ban.objects.filter(room=found, person=person).values_list("room_id", "until"))
        stream = Stream.objects.get(room=found, on_programme=True)
        domains = list(Domain.objects.filter(app=person.app, kind=Domain.PLAY, enabled=True).order_by("id"))
        until = int(clock.now().timestamp())
        return Response({"stream": stream.name, "domains": len(domains), "expires_at": until})


def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("livez", livez),
    path("api/v1/rooms/<str:room>", RoomView.as_view()),
    path("api/v1/rooms/<str:room>/online", OnlineView.as_view()),
    path("api/v1/rooms/<str:room>/play", PlayView.as_view()),
]
