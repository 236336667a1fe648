"""The director's desk over REST: look, prepare, take, cut, sounds, overlays, one comment on the picture.

Each change answers with the desk as it is then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, once
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.shapes import checked
from streams.api.views import public_origin
from streams.director import selectors, services
from streams.director.api import shapes
from streams.mixes import services as mixes
from streams.mixes.api.views import MixThrottle, asked_mix
from streams.mixes.models import Mix

_DESK: dict[str, Any] = {"responses": shapes.DeskSerializer, "parameters": [SDKAPPID]}


class _DeskView(APIView):
    throttle_classes = [MixThrottle]

    def found(self, request: ApiRequest, mix: str) -> tuple[Mix, dict[str, Any]]:
        return asked_mix(request, mix), {"by": request.user, "now": clock.now()}

    @staticmethod
    def shown(request: ApiRequest, mix: Mix, *, meters: bool = False) -> dict[str, Any]:
        return selectors.shown_desk(
            mix, actor=request.user, now=clock.now(), http=public_origin(request), meters=meters
        )


class DeskView(_DeskView):
    @extend_schema(
        operation_id="director_get", responses=shapes.DeskSerializer, parameters=[SDKAPPID, shapes.DeskQuery]
    )
    @open_to("media.see")
    def get(self, request: ApiRequest, mix: str) -> Response:
        """Preview, programme, inputs with their state and meters, overlays, and the address of what is told live."""
        found = asked_mix(request, mix)
        self.check_object_permissions(request, found.room)
        return Response(self.shown(request, found, **checked(shapes.DeskQuery, request.query_params)))


class PreviewView(_DeskView):
    @extend_schema(operation_id="director_preview_set", request=shapes.PreviewSerializer, **_DESK)
    @open_to("media.manage")
    def put(self, request: ApiRequest, mix: str) -> Response:
        """Prepare anew: what is left out is as in the programme."""
        found, asked = self.found(request, mix)
        said = checked(shapes.PreviewSerializer, request.data)
        return Response(self.shown(request, services.prepare_anew(mix=found, **asked, **said)))

    @extend_schema(operation_id="director_preview_change", request=shapes.PreviewChangeSerializer, **_DESK)
    @open_to("media.manage")
    def patch(self, request: ApiRequest, mix: str) -> Response:
        """Prepare something else; what is left out stays."""
        found, asked = self.found(request, mix)
        said = checked(shapes.PreviewChangeSerializer, request.data)
        return Response(self.shown(request, mixes.set_preview(mix=found, **asked, **said)))


class TakeView(_DeskView):
    @extend_schema(operation_id="director_take", request=shapes.TakeSerializer, **_DESK)
    @open_to("media.manage")
    def post(self, request: ApiRequest, mix: str) -> Response:
        """What is prepared is shown, and what was shown is prepared: a second take goes back."""
        found, asked = self.found(request, mix)
        said = checked(shapes.TakeSerializer, request.data)
        transition = {"kind": said.pop("transition"), **({"ms": said.pop("ms")} if "ms" in said else {})}
        return Response(self.shown(request, services.take(mix=found, **asked, transition=transition, **said)))


class CutView(_DeskView):
    @extend_schema(operation_id="director_cut", request=shapes.CutSerializer, **_DESK)
    @open_to("media.manage")
    def post(self, request: ApiRequest, mix: str) -> Response:
        """One input over the whole picture, at once."""
        found, asked = self.found(request, mix)
        said = checked(shapes.CutSerializer, request.data)
        return Response(self.shown(request, services.cut_to(mix=found, **asked, **said)))


class AudioView(_DeskView):
    @extend_schema(operation_id="director_audio", request=shapes.AudioSerializer, **_DESK)
    @open_to("media.manage")
    def patch(self, request: ApiRequest, mix: str) -> Response:
        """Loudness, mute, ducking and automatic gain of inputs; the loudness of all."""
        found, asked = self.found(request, mix)
        said = checked(shapes.AudioSerializer, request.data)
        return Response(self.shown(request, mixes.change_mix(mix=found, **asked, audio=said)))


def _overlay(data: Any) -> dict[str, Any]:
    """The body: an overlay's fields, and where it is shown."""
    if not isinstance(data, Mapping):
        raise BadParameter("An overlay is an object.", field="kind")
    said: dict[str, Any] = {
        "said": {name: value for name, value in data.items() if name not in ("on_preview", "on_programme")}
    }
    for name in ("on_preview", "on_programme"):
        if name in data:
            if not isinstance(data[name], bool):
                raise BadParameter(f"{name} is true or false.", field=name)
            said[name] = data[name]
    return said


class OverlaysView(_DeskView):
    @extend_schema(
        operation_id="director_overlays_add", request=OpenApiTypes.OBJECT, responses={201: shapes.DeskSerializer}
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest, mix: str) -> Response:
        """Keep an overlay at the desk: the fields of a mix's overlay, `on_preview` and `on_programme`. Send an `Idempotency-Key` to be able
        to repeat the request."""
        found, asked = self.found(request, mix)
        said = _overlay(request.data)

        def act() -> tuple[int, Any]:
            return 201, self.shown(request, services.add_overlay(mix=found, **asked, **said))

        what = f"director/{found.number}/overlays"
        status, body = once(request, within=str(found.room.app.sdkappid), what=what, now=asked["now"], act=act)
        return Response(body, status=status)


class OverlayView(_DeskView):
    @extend_schema(operation_id="director_overlays_change", request=OpenApiTypes.OBJECT, **_DESK)
    @open_to("media.manage")
    def patch(self, request: ApiRequest, mix: str, overlay: str) -> Response:
        """Other values, also where it is shown now; `on_preview` and `on_programme` show it or take it off."""
        found, asked = self.found(request, mix)
        said = _overlay(request.data)
        return Response(self.shown(request, services.change_overlay(mix=found, **asked, ident=overlay, **said)))

    @extend_schema(operation_id="director_overlays_remove", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, mix: str, overlay: str) -> Response:
        """From the desk and from the picture."""
        found, asked = self.found(request, mix)
        services.remove_overlay(mix=found, **asked, ident=overlay)
        return Response(status=204)


class CommentView(_DeskView):
    @extend_schema(operation_id="director_comment_show", request=shapes.CommentSerializer, **_DESK)
    @open_to("media.manage")
    def post(self, request: ApiRequest, mix: str) -> Response:
        """Show one comment on the picture, in place of the one before."""
        found, asked = self.found(request, mix)
        said = checked(shapes.CommentSerializer, request.data)
        return Response(self.shown(request, services.show_comment(mix=found, **asked, **said)))

    @extend_schema(operation_id="director_comment_hide", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, mix: str) -> Response:
        """Take it off the picture."""
        found, asked = self.found(request, mix)
        mixes.pick_comment(mix=found, **asked, text=None)
        return Response(status=204)
