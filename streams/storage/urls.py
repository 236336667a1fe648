from django.urls import path

from streams.storage.api import PlaylistView

urlpatterns = [
    path("playlists/<slug:signature>/<int:expires>/<path:folder>/<str:name>", PlaylistView.as_view()),
]
