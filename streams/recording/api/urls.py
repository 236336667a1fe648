from django.urls import path

from streams.recording.api import clips, views

urlpatterns = [
    path("recordings", views.RecordingsView.as_view()),
    path("recordings/<str:recording>", views.RecordingView.as_view()),
    path("recordings/<str:recording>/stop", views.RecordingStopView.as_view()),
    path("recordings/<str:recording>/chapters", views.ChaptersView.as_view()),
    path("recordings/<str:recording>/chapters/<int:chapter>", views.ChapterView.as_view()),
    path("recordings/<str:recording>/clips", clips.RecordingClipsView.as_view()),
    path("rooms/<str:room>/clips", clips.RoomClipsView.as_view()),
    path("clips/<str:clip>", clips.ClipView.as_view()),
]
