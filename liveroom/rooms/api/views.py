"""Names that are still asked for here."""

from liveroom.accounts.api.requests import SDKAPPID as SDKAPPID
from liveroom.rooms.api.requests import RoomPages as RoomPages
from liveroom.rooms.api.requests import asked_room as asked_room
from liveroom.rooms.api.requests import entered as entered
from liveroom.rooms.api.requests import let_in as let_in
