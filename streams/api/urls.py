from django.urls import path

from streams.api import views
from streams.director.api.urls import urlpatterns as director_urls
from streams.files.urls import urlpatterns as file_urls
from streams.jobs.urls import urlpatterns as job_urls
from streams.ladder.urls import urlpatterns as ladder_urls
from streams.mixes.api.urls import urlpatterns as mix_urls
from streams.plans.urls import urlpatterns as plan_urls
from streams.recording.api.urls import urlpatterns as recording_urls
from streams.relays.api.urls import urlpatterns as relay_urls
from streams.snapshots.api.urls import urlpatterns as snapshot_urls
from streams.storage.urls import urlpatterns as storage_urls
from streams.timeshift.urls import urlpatterns as timeshift_urls
from streams.traffic.urls import urlpatterns as traffic_urls
from streams.watermarks.urls import urlpatterns as watermark_urls

urlpatterns = [
    path("rooms/<str:room>/push", views.PushView.as_view()),
    path("rooms/<str:room>/push/reset", views.PushResetView.as_view()),
    path("rooms/<str:room>/play", views.PlayView.as_view()),
    path("rooms/<str:room>/health", views.HealthView.as_view()),
    path("rooms/<str:room>/streams", views.RoomStreamsView.as_view()),
    path("rooms/<str:room>/programme", views.ProgrammeView.as_view()),
    path("streams", views.StreamsView.as_view()),
    path("streams/<str:name>/push", views.StreamPushView.as_view()),
    path("streams/<str:name>/play", views.StreamPlayView.as_view()),
    path("streams/<str:name>/forbid", views.ForbidView.as_view()),
    path("streams/<str:name>/cut", views.CutView.as_view()),
    *relay_urls,
    *mix_urls,
    *director_urls,
    *snapshot_urls,
    *storage_urls,
    *file_urls,
    *plan_urls,
    *traffic_urls,
    *job_urls,
    *recording_urls,
    *ladder_urls,
    *timeshift_urls,
    *watermark_urls,
]
