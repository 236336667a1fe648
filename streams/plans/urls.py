from django.urls import path

from streams.plans import api
from streams.plans.settings import KINDS

urlpatterns = [
    path("rules", api.RulesView.as_view()),
    path("rules/<str:rule>", api.RuleView.as_view()),
    path("streams/<str:name>/plans", api.StreamPlansView.as_view()),
]
for kind in KINDS:
    several, one = api.views_of(kind)
    urlpatterns += [
        path(f"templates/{kind}", several.as_view()),
        path(f"templates/{kind}/<str:template>", one.as_view()),
    ]
