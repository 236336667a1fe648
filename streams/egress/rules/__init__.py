"""Which addresses media may be pulled from and pushed to, and how they are shown. Pure, and of the standard library only: the settings
are read by it, too, before anything is installed."""

from streams.egress.rules.addresses import Address, AddressRefused, Use, address
from streams.egress.rules.blotting import blotted, secrets_in
from streams.egress.rules.networks import Allowed, Own, allowed, judged, judged_all
from streams.egress.rules.showing import shown

__all__ = [
    "Address",
    "AddressRefused",
    "Allowed",
    "Own",
    "Use",
    "address",
    "allowed",
    "blotted",
    "judged",
    "judged_all",
    "secrets_in",
    "shown",
]
