from django.urls import path

from interactions.api import views

urlpatterns = [
    path("rooms/<str:room>/messages", views.MessagesView.as_view()),
    path("rooms/<str:room>/online", views.OnlineView.as_view()),
]
