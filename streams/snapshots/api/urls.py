from django.urls import path

from streams.snapshots.api.views import SnapshotsView, SnapshotView

urlpatterns = [
    path("snapshots", SnapshotsView.as_view()),
    path("snapshots/<str:snapshot>", SnapshotView.as_view()),
]
