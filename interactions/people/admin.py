"""Levels, badges and memberships: what somebody has done, what is missing to the next level, what is shown for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from interactions.models import Badge, Membership, PersonBadge, Score
from interactions.people import selectors
from interactions.people.services import badges, levels
from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.kernel.data import audit
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin, SwornAdmin, short_list


class HolderForm(ActForm):
    user = forms.CharField(label="User id", widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": 32}))


@admin.register(Badge)
class BadgeAdmin(ConsoleAdmin):
    can_add = can_change = True
    list_display = ("name", "label", "app", "measure", "at_least", "place", "holders_count")
    list_filter = ("app", "measure")
    search_fields = ("name", "code", "label")
    ordering = ("app", "place", "id")
    acts = (
        Act("give", "Give", icon="military_tech", question="Give this badge to a user? It stays until it is taken.", form=HolderForm),
        Act("take", "Take", icon="remove_moderator", danger=True, question="Take it from a user who was given it?", form=HolderForm),
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Badge | None = None) -> Any:
        fields = ("app", "code", "label", "name", "measure", "at_least", "place")
        return (*fields, "holders") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Badge | None = None) -> Any:
        return ("app", "code", "holders") if obj else ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("app").annotate(held=Count("holders"))

    @admin.display(description="held by", ordering="held")
    def holders_count(self, badge: Any) -> int:
        return int(badge.held)

    @admin.display(description="held by")
    def holders(self, badge: Badge) -> str:
        """The latest of them, and how they came to it."""
        rows = PersonBadge.objects.filter(badge=badge).select_related("person").order_by("-at", "-id")
        shown = [f"{row.person} – {f'given by {row.by}' if row.by else 'earned'}" for row in rows[:50]]
        return short_list(shown, at_most=49) or "nobody"

    def save_model(self, request: HttpRequest, obj: Badge, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = clock.now()
        levels.look_at_everybody(app_id=obj.app_id, now=now)
        audit.record(
            action="badge.change" if change else "badge.create", actor=self.actor(request), now=now, target=obj.code,
            address=client_address(request), detail={"app": obj.app.sdkappid, "fields": form.changed_data},
        )  # fmt: skip

    def act_give(self, request: HttpRequest, badge: Badge, user: str) -> str:
        badges.give_badge(
            badge=badge, identifier=user, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return f"{user} has it; everybody sees it in a few seconds."

    def act_take(self, request: HttpRequest, badge: Badge, user: str) -> str:
        badges.take_badge(
            badge=badge, identifier=user, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return f"{user} has it no more, unless it is earned."


@admin.register(Score)
class ScoreAdmin(SwornAdmin):
    """One person's standing: points, from what, and what is missing."""

    list_display = ("person", "app", "level", "points", "minutes", "messages", "likes", "gift_value", "changed_at")
    list_filter = ("person__app",)
    list_select_related = ("person__app",)
    search_fields = ("=person__identifier", "person__nick")
    search_help_text = "A user id, or a part of a nick."
    ordering = ("-points", "-id")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Score | None = None) -> Any:
        return (
            "person", "app", "level", "points", "next_level", "minutes", "messages", "likes", "gift_value", "member", "badges",
            "followers", "changed_at",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    @admin.display(ordering="person__app")
    def app(self, score: Score) -> str:
        return str(score.person.app)

    @admin.display(ordering="person__level")
    def level(self, score: Score) -> int:
        return score.person.level

    @admin.display(description="to the next level")
    def next_level(self, score: Score) -> str:
        if not score.person.app.level_thresholds:
            return "The app sets levels itself: it has no thresholds."
        missing = selectors.progress_of(person=score.person, now=clock.now()).missing
        return "This is the highest level." if missing is None else f"{missing:,} point{'' if missing == 1 else 's'}"

    @admin.display(boolean=True)
    def member(self, score: Score) -> bool:
        return bool(selectors.members_among(person_ids=[score.person_id], now=clock.now()))

    @admin.display
    def badges(self, score: Score) -> str:
        found = selectors.progress_of(person=score.person, now=clock.now()).badges
        return short_list((f"{badge.label} {badge.name}" for badge in found), at_most=50) or "none"

    @admin.display
    def followers(self, score: Score) -> int:
        return selectors.follower_count(person_id=score.person_id)


@admin.register(Membership)
class MembershipAdmin(SwornAdmin):
    """As the app's server says it."""

    list_display = ("person", "app", "since", "until", "lasts")
    list_filter = ("person__app",)
    list_select_related = ("person__app",)
    search_fields = ("=person__identifier", "person__nick")
    ordering = ("-since", "-id")

    @admin.display(ordering="person__app")
    def app(self, row: Membership) -> str:
        person: Person = row.person
        return str(person.app)

    @admin.display(boolean=True)
    def lasts(self, row: Membership) -> bool:
        return row.until is None or row.until > clock.now()
