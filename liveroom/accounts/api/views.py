"""People and tokens over REST: `/me`, `/tokens`, `/demo/tokens`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts import shapes
from liveroom.accounts.api.access import ANYBODY, PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest, asked_app, asked_person
from liveroom.accounts.api.serializers import (
    DemoTokenSerializer,
    MeSerializer,
    TokenSerializer,
    UserSerializer,
    UsersSerializer,
)
from liveroom.accounts.api.throttles import DemoLoginThrottle
from liveroom.accounts.services import demo, people, profiles, tokens
from liveroom.accounts.services.profiles import ProfileSaid
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown


class MeView(APIView):
    @extend_schema(operation_id="me_get", responses=MeSerializer)
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """Who the token says you are."""
        return Response(shown(MeSerializer, asked_person(request)))

    @extend_schema(operation_id="me_update", request=shapes.ProfileWriteSerializer, responses=MeSerializer)
    @open_to(PEOPLE)
    def patch(self, request: ApiRequest) -> Response:
        """Change nick, avatar or custom fields. `level` and `role` are the app's to set."""
        person = asked_person(request)
        changes = cast(ProfileSaid, checked(shapes.ProfileWriteSerializer, request.data))
        person = profiles.change_profile(person=person, changes=changes)
        return Response(shown(MeSerializer, person))


class TokensView(APIView):
    @extend_schema(
        operation_id="tokens_create", request=shapes.TokenRequestSerializer, responses={201: TokenSerializer}
    )
    @open_to("tokens.make", in_no_room=True)
    def post(self, request: ApiRequest) -> Response:
        """A UserSig for a user of your app (server keys with the scope `tokens`)."""
        said = checked(shapes.TokenRequestSerializer, request.data)
        app, now = asked_app(request), clock.now()
        identifier, seconds = said["identifier"], said["expire"]
        sig = tokens.make_usersig(app=app, identifier=identifier, expire_seconds=seconds, now=now)
        answer: dict[str, Any] = {
            "sdkappid": app.sdkappid,
            "identifier": identifier,
            "usersig": sig,
            "expires_at": now + timedelta(seconds=seconds),
        }
        return Response(shown(TokenSerializer, answer), status=201)


class UsersView(APIView):
    @extend_schema(operation_id="users_import", request=shapes.UsersImportSerializer, responses=UsersSerializer)
    @open_to("people.manage", in_no_room=True)
    def post(self, request: ApiRequest) -> Response:
        """Make users before their first login, or update them (servers with the scope `people`). All or none."""
        entries = checked(shapes.UsersImportSerializer, request.data)["users"]
        said = [(entry.pop("id"), cast(ProfileSaid, entry)) for entry in entries]
        found = people.import_people(app=asked_app(request), people=said)
        return Response({"users": all_shown(UserSerializer, found)})


class UserView(APIView):
    """What the server changes of a user; `interactions.people` adds how everybody sees it."""

    @extend_schema(operation_id="users_update", request=shapes.UserWriteSerializer, responses=UserSerializer)
    @open_to("people.manage", in_no_room=True)
    def patch(self, request: ApiRequest, user: str) -> Response:
        """Change nick, avatar, custom fields, level or role of a user. In an app with level thresholds the next computed level overwrites
        a level that was set here."""
        person = people.person_of(app=asked_app(request), identifier=user)
        changes = cast(ProfileSaid, checked(shapes.UserWriteSerializer, request.data))
        return Response(shown(UserSerializer, profiles.change_profile(person=person, changes=changes, by_app=True)))


class KickView(APIView):
    @extend_schema(operation_id="users_kick", request=None, responses={204: None})
    @open_to("people.manage", in_no_room=True)
    def post(self, request: ApiRequest, user: str) -> Response:
        """Every UserSig of the user made until now is worthless, and its sockets are closed."""
        person = people.person_of(app=asked_app(request), identifier=user)
        tokens.revoke_tokens(person=person, by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)


class DemoTokensView(APIView):
    authentication_classes = ()
    throttle_classes = (DemoLoginThrottle,)

    @extend_schema(
        operation_id="demo_tokens_create",
        request=shapes.DemoTokenRequestSerializer,
        responses={201: DemoTokenSerializer},
    )
    @open_to(ANYBODY)
    def post(self, request: ApiRequest) -> Response:
        """A guest of the demo app gets a name. There is no such door where no demo app is."""
        app, nick = demo.demo_app(), checked(shapes.DemoTokenRequestSerializer, request.data)["nick"]
        person, sig, expires_at = demo.log_in(app=app, nick=nick, now=clock.now())
        answer = {"user": person.identifier, "nick": person.nick, "usersig": sig, "expires_at": expires_at}
        return Response(shown(DemoTokenSerializer, answer), status=201)
