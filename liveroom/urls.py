"""Every address of the web processes. `/ws`, `/live`, `/hls`, `/static` and `/media` never come here."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from liveroom.operations import livez, metrics, readyz
from streams.api.hooks import HookView

handler400 = "liveroom.page.errors.bad_request"
handler403 = "liveroom.page.errors.not_permitted"
handler404 = "liveroom.page.errors.not_found"
handler500 = "liveroom.page.errors.server_error"

urlpatterns = [
    path("api/v1/", include("liveroom.accounts.api.urls")),
    path("api/v1/", include("liveroom.rooms.api.urls")),
    path("api/v1/", include("streams.api.urls")),
    path("api/v1/", include("moderation.api.urls")),
    path("api/v1/", include("interactions.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("engine/<str:secret>/<str:action>", HookView.as_view()),
    path("admin/", admin.site.urls),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("liveroom.page.urls")),
]
