from django.urls import path

from interactions.people import api

urlpatterns = [
    path("me/follows", api.FollowsView.as_view()),
    path("me/standing", api.StandingView.as_view()),
    path("users/<str:user>", api.PersonView.as_view()),
    path("users/<str:user>/follow", api.FollowView.as_view()),
    path("users/<str:user>/membership", api.MembershipView.as_view()),
]
