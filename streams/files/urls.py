from django.urls import path

from streams.files.api import FilesView, FileView

urlpatterns = [
    path("files", FilesView.as_view()),
    path("files/<str:file>", FileView.as_view()),
]
