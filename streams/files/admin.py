"""Staff's page of uploaded films: whose, how large, what was found in them; remove."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.files import services
from streams.files.models import MediaFile


@admin.register(MediaFile)
class MediaFileAdmin(SwornAdmin):
    list_display = (
        "number", "name", "room", "state", "size", "container", "video_codec", "audio_codec", "duration_seconds",
        "created_at",
    )  # fmt: skip
    list_filter = ("state", "container", "app")
    search_fields = ("number", "name", "room__group_id", "room__title", "reason")
    list_select_related = ("room",)
    ordering = ("-id",)
    acts = (Act("remove", "Remove", icon="delete", danger=True, question="Remove this film and its bytes for good?"),)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, file: MediaFile) -> str:
        return filesizeformat(file.size_bytes)

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        return self.acts

    def act_remove(self, request: HttpRequest, file: MediaFile) -> str:
        services.remove_file(file=file, by=self.actor(request), now=clock.now(), address=client_address(request))
        return f"{file.name} is gone."
