"""Which buttons ask for approval in place of ordering. A form sends along which of its buttons said
so: a click whose button said that it orders never asks, and the other way round it is told."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.models import PendingOrder
from jobs.orders import approval, stored_orders
from jobs.orders.approval import NeedsApproval
from studio.common.translatable import translated
from studio.models import Team, User

FIELD = "asks"


def asking_buttons(team: Team, person: User, prices: Mapping[str, int]) -> str:
    """“make sweep”: what those buttons do that ask, of all with their prices in micros."""
    if team.approval_micros is None or not prices:
        return ""
    if not approval.needed(team, person, max(prices.values())):
        return ""
    return above(team, prices)


def above(team: Team, prices: Mapping[str, int]) -> str:
    """The same for somebody whose role may not approve."""
    most = team.approval_micros
    return " ".join(do for do, micros in prices.items() if most is not None and micros > most)


def asks(form_value: str, do: str) -> bool:
    return do in form_value.split()


def note(team: Team, form_value: str, do: str, micros: int) -> str:
    """What a page says beside the button `do` that asks; "" beside one that orders."""
    if not asks(form_value, do):
        return ""
    return translated(approval.needs_words(team, micros))


def ask(needs: NeedsApproval, form: Mapping[str, str], do: str) -> PendingOrder | None:
    """Ask, when the button said so; None when it said that it orders."""
    if not asks(form.get(FIELD, "")[:100], do):
        return None
    return stored_orders.ask(needs)
