from django.urls import path

from streams.watermarks import api

urlpatterns = [
    path("watermarks", api.WatermarksView.as_view()),
    path("watermarks/<str:watermark>", api.WatermarkView.as_view()),
]
