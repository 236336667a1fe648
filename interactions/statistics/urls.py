from django.urls import path

from interactions.statistics.api import SessionsView, StatisticsFileView, StatisticsView

urlpatterns = [
    path("rooms/<str:room>/sessions", SessionsView.as_view()),
    path("sessions/<str:sequence>/statistics", StatisticsView.as_view()),
    path("sessions/<str:sequence>/statistics.csv", StatisticsFileView.as_view()),
]
