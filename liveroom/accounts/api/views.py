"""Doors of people and tokens: `/me`, `/tokens`, `/demo/tokens`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import ANYBODY, PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.requests import asked_app as asked_app
from liveroom.accounts.api.requests import asked_person as asked_person
from liveroom.accounts.api.serializers import (
    DemoTokenRequestSerializer,
    DemoTokenSerializer,
    MeSerializer,
    TokenRequestSerializer,
    TokenSerializer,
    UserSerializer,
    UsersImportSerializer,
    UsersSerializer,
)
from liveroom.accounts.services import demo, people, profiles, tokens
from liveroom.kernel import clock, permission, throttle
from liveroom.kernel.http import client_address
from liveroom.kernel.shapes import all_shown, shown


class MeView(APIView):
    @extend_schema(operation_id="me_get", responses=MeSerializer)
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """Who the token says you are."""
        return Response(shown(MeSerializer, asked_person(request)))

    @extend_schema(operation_id="me_update", request=MeSerializer, responses=MeSerializer)
    @open_to(PEOPLE)
    def patch(self, request: ApiRequest) -> Response:
        """Change nick, avatar or custom fields. `level` and `role` are the app's to set."""
        person = profiles.change_profile(person=asked_person(request), changes=request.data)
        return Response(shown(MeSerializer, person))


class TokensView(APIView):
    @extend_schema(operation_id="tokens_create", request=TokenRequestSerializer, responses={201: TokenSerializer})
    @open_to("tokens.make")
    def post(self, request: ApiRequest) -> Response:
        """A UserSig for a user of your app (server keys with the scope `tokens`)."""
        permission.ask("tokens.make", actor=request.user)
        body = TokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        app, now = asked_app(request), clock.now()
        identifier, seconds = body.validated_data["identifier"], body.validated_data["expire"]
        sig = tokens.make_usersig(app=app, identifier=identifier, expire_seconds=seconds, now=now)
        answer: dict[str, Any] = {
            "sdkappid": app.sdkappid,
            "identifier": identifier,
            "usersig": sig,
            "expires_at": now + timedelta(seconds=seconds),
        }
        return Response(shown(TokenSerializer, answer), status=201)


class UsersView(APIView):
    @extend_schema(operation_id="users_import", request=UsersImportSerializer, responses=UsersSerializer)
    @open_to("people.manage")
    def post(self, request: ApiRequest) -> Response:
        """Make users before their first login, or update them (servers with the scope `people`). All or none."""
        permission.ask("people.manage", actor=request.user)
        found = people.import_people(app=asked_app(request), entries=request.data.get("users"))
        return Response({"users": all_shown(UserSerializer, found)})


class UserView(APIView):
    @extend_schema(operation_id="users_get", responses=UserSerializer)
    @open_to("user.see")
    def get(self, request: ApiRequest, user: str) -> Response:
        permission.ask("people.manage", actor=request.user)
        return Response(shown(UserSerializer, people.person_of(app=asked_app(request), identifier=user)))

    @extend_schema(operation_id="users_update", request=UserSerializer, responses=UserSerializer)
    @open_to("people.manage")
    def patch(self, request: ApiRequest, user: str) -> Response:
        """Change nick, avatar, custom fields, level or role of a user. In an app with level thresholds the next computed level overwrites
        a level that was set here."""
        permission.ask("people.manage", actor=request.user)
        person = people.person_of(app=asked_app(request), identifier=user)
        return Response(
            shown(UserSerializer, profiles.change_profile(person=person, changes=request.data, by_app=True))
        )


class KickView(APIView):
    @extend_schema(operation_id="users_kick", request=None, responses={204: None})
    @open_to("people.manage")
    def post(self, request: ApiRequest, user: str) -> Response:
        """Every UserSig of the user made until now is worthless, and its sockets are closed."""
        permission.ask("people.manage", actor=request.user)
        person = people.person_of(app=asked_app(request), identifier=user)
        tokens.revoke_tokens(person=person, by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)


class DemoTokensView(APIView):
    authentication_classes = ()

    @extend_schema(
        operation_id="demo_tokens_create", request=DemoTokenRequestSerializer, responses={201: DemoTokenSerializer}
    )
    @open_to(ANYBODY)
    def post(self, request: ApiRequest) -> Response:
        """A guest of the demo app gets a name. There is no such door where no demo app is."""
        app = demo.demo_app()
        throttle.allow(what="demo-login", who=client_address(request), limit=60, per_seconds=60)
        body = DemoTokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person, sig, expires_at = demo.log_in(app=app, nick=body.validated_data["nick"], now=clock.now())
        answer = {"user": person.identifier, "nick": person.nick, "usersig": sig, "expires_at": expires_at}
        return Response(shown(DemoTokenSerializer, answer), status=201)
