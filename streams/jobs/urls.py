from django.urls import path

from streams.jobs import api

urlpatterns = [
    path("jobs", api.JobsView.as_view()),
    path("jobs/<int:job>", api.JobView.as_view()),
    path("jobs/<int:job>/restart", api.JobRestartView.as_view()),
    path("hosts", api.HostsView.as_view()),
]
