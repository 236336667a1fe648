from django.urls import path

from streams.director.api import views

urlpatterns = [
    path("director/<str:mix>", views.DeskView.as_view()),
    path("director/<str:mix>/preview", views.PreviewView.as_view()),
    path("director/<str:mix>/take", views.TakeView.as_view()),
    path("director/<str:mix>/cut", views.CutView.as_view()),
    path("director/<str:mix>/audio", views.AudioView.as_view()),
    path("director/<str:mix>/overlays", views.OverlaysView.as_view()),
    path("director/<str:mix>/overlays/<str:overlay>", views.OverlayView.as_view()),
    path("director/<str:mix>/comment", views.CommentView.as_view()),
]
