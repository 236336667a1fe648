from django.urls import path

from interactions.replay.api import CommentsFileView, HeardView, PlaybackView, ReplayView, RoomRecordingsView

urlpatterns = [
    path("rooms/<str:room>/recordings", RoomRecordingsView.as_view()),
    path("rooms/<str:room>/heard", HeardView.as_view()),
    path("recordings/<str:recording>/playback", PlaybackView.as_view()),
    path("recordings/<str:recording>/replay", ReplayView.as_view()),
    path("recordings/<str:recording>/comments", CommentsFileView.as_view()),
]
