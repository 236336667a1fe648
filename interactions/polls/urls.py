from django.urls import path

from interactions.polls.api.polls import PollCloseView, PollsView, PollView, VotesView
from interactions.polls.api.questions import QuestionsView, QuestionView

urlpatterns = [
    path("rooms/<str:room>/polls", PollsView.as_view()),
    path("polls/<str:poll>", PollView.as_view()),
    path("polls/<str:poll>/votes", VotesView.as_view()),
    path("polls/<str:poll>/close", PollCloseView.as_view()),
    path("rooms/<str:room>/questions", QuestionsView.as_view()),
    path("questions/<str:question>", QuestionView.as_view()),
]
