from django.urls import path

from interactions.audience.api import MembersView, OnlineView

urlpatterns = [
    path("rooms/<str:room>/online", OnlineView.as_view()),
    path("rooms/<str:room>/members", MembersView.as_view()),
]
