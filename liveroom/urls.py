"""Every address of the web processes. `/ws`, `/live`, `/hls`, `/static` and `/media` never come here."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from liveroom.operations import livez, metrics, readyz
from streams.api.hooks import HookView

handler404 = "liveroom.kernel.problems.page_not_found"
handler500 = "liveroom.kernel.problems.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("api/v1/", include("liveroom.accounts.api.urls")),
    path("api/v1/", include("liveroom.rooms.api.urls")),
    path("api/v1/", include("streams.api.urls")),
    path("api/v1/", include("moderation.api.urls")),
    path("api/v1/", include("interactions.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("engine/<str:secret>/<str:action>", HookView.as_view()),
    path("admin/", admin.site.urls),
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("liveroom.page.urls")),
]
