from django.urls import path

from liveroom.accounts.api import schema as _schema  # noqa: F401 - known to the OpenAPI document from here on
from liveroom.accounts.api import views

urlpatterns = [
    path("me", views.MeView.as_view()),
    path("tokens", views.TokensView.as_view()),
    path("users", views.UsersView.as_view()),
    # users/<user> is served by interactions/people/api.py, which knows more of a user than this floor does.
    path("users/<str:user>/kick", views.KickView.as_view()),
    path("demo/tokens", views.DemoTokensView.as_view()),
]
