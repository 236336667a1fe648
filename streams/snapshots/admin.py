"""Pictures with what was judged of them, what was wrong with streams, and who judges: as staff see them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextInputWidget

from liveroom.kernel import clock
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import ids
from liveroom.kernel.web.forms import RowForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin, SwornAdmin, set_filter
from streams.snapshots import selectors, services
from streams.snapshots.models import BLOCK, FAILED, PASS, REVIEW, PictureReview, Snapshot, Trouble
from streams.snapshots.review.webhook import checked_address

PASSES = Act("pass", "Let it pass", icon="check_circle")
BLOCKS = Act(
    "block", "Block", icon="block", danger=True,
    question="Cut this stream now, and refuse it until somebody allows it again?",
)  # fmt: skip


class QueueFilter(admin.SimpleListFilter):
    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "to be decided"), ("blocked", "blocked"), ("failed", "could not be judged")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "open":
            return queryset.filter(verdict=REVIEW, decided_at=None)
        if self.value() == "blocked":
            return queryset.filter(verdict=BLOCK)
        return queryset.filter(review=FAILED) if self.value() == "failed" else queryset


@admin.register(Snapshot)
class SnapshotAdmin(SwornAdmin):
    list_display = (
        "picture",
        "number",
        "stream",
        "state",
        "taken_at",
        "size",
        "review",
        "verdict",
        "labels",
        "decided_by",
    )
    list_display_links = ("picture", "number")
    list_filter = (QueueFilter, "state", "verdict", "kept", "stream__room__app")
    search_fields = ("number", "stream__name", "stream__room__group_id", "stream__room__title")
    list_select_related = ("stream__room__app",)
    ordering = ("-id",)
    acts = (PASSES, BLOCKS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["picture", *super().get_readonly_fields(request, obj)]

    @admin.display(description="")
    def picture(self, snapshot: Snapshot) -> Any:
        url = selectors.address_of(snapshot, now=clock.now())
        if not url:
            return "–"
        return format_html('<img src="{}" alt="" class="lr-snapshot" loading="lazy">', url)

    @admin.display(description="size")
    def size(self, snapshot: Snapshot) -> str:
        return f"{snapshot.width} × {snapshot.height}" if snapshot.width else "–"

    def acts_for(self, request: HttpRequest, obj: Snapshot) -> Any:
        doubted = obj.verdict in (REVIEW, BLOCK) or obj.review == FAILED
        return self.acts if doubted and obj.decided_at is None else ()

    def _decide(self, request: HttpRequest, snapshot: Snapshot, verdict: str) -> None:
        services.decide(
            snapshot=snapshot, verdict=verdict, by=self.actor(request), now=clock.now(), address=client_address(request)
        )

    def act_pass(self, request: HttpRequest, snapshot: Snapshot) -> str:
        self._decide(request, snapshot, PASS)
        return "The picture passed. A stream that is forbidden stays so until it is allowed again on its own page."

    def act_block(self, request: HttpRequest, snapshot: Snapshot) -> str:
        self._decide(request, snapshot, BLOCK)
        return f"{snapshot.stream.name} was cut and is refused until somebody allows it again."


@admin.register(Trouble)
class TroubleAdmin(SwornAdmin):
    list_display = ("stream", "trouble", "began_at", "ended_at")
    list_filter = ("trouble", set_filter("ended_at", title="state", yes="over", no="going on"), "stream__room__app")
    search_fields = ("stream__name", "stream__room__group_id")
    list_select_related = ("stream",)
    ordering = ("-id",)


class PictureReviewForm(RowForm):
    url = forms.CharField(
        required=False, label="Address", widget=UnfoldAdminTextInputWidget,
        help_text="Of a web address that judges: http or https. It is told of each picture and answers pass, review or block.",
    )  # fmt: skip

    class Meta:
        model = PictureReview
        fields = ("app", "enabled", "all_streams", "adapter", "url", "review_at", "block_at")

    def clean(self) -> Any:
        said = super().clean()
        found = self.cleaned_data
        if found.get("adapter") == PictureReview.WEBHOOK:
            try:
                checked_address(found.get("url", ""), field="address")
            except BadParameter as refusal:
                self.add_error("url", refusal.message)
        for name in ("review_at", "block_at"):
            value = found.get(name)
            if value is not None and not 0 < value <= 1:
                self.add_error(name, f"A share is above 0 and at most 1, not {value:g}.")
        return said


@admin.register(PictureReview)
class PictureReviewAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = PictureReviewForm
    list_display = ("app", "enabled", "adapter", "all_streams", "url")
    acts = (
        Act("secret", "Show the secret", icon="key"),
        Act("new-secret", "New secret", icon="autorenew", danger=True, question="Make a new secret? The old one is worthless at once."),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("app",) if obj else ()

    def save_model(self, request: HttpRequest, obj: PictureReview, form: Any, change: bool) -> None:
        obj.secret = obj.secret or ids.secret_key()
        super().save_model(request, obj, form, change)
        audit.record(
            action="review.settings", actor=self.actor(request), now=clock.now(), target=str(obj.app.sdkappid),
            address=client_address(request),
            detail={"enabled": obj.enabled, "adapter": obj.adapter, "all_streams": obj.all_streams},
        )  # fmt: skip

    def act_secret(self, request: HttpRequest, obj: PictureReview) -> Any:
        return self.reveal(request, obj, title="The secret that signs what we say", values={"Secret": obj.secret})

    def act_new_secret(self, request: HttpRequest, obj: PictureReview) -> Any:
        PictureReview.objects.filter(pk=obj.pk).update(secret=ids.secret_key())
        audit.record(
            action="review.secret", actor=self.actor(request), now=clock.now(), target=str(obj.app.sdkappid),
            address=client_address(request),
        )  # fmt: skip
        return self.reveal_next(request, obj, self.acts[0])
