"""A lane's line as dots, as parts/queue_dots.html draws it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.engine import eta

MOST = 9  # dots; more are counted in words


@dataclass(frozen=True, slots=True)
class QueueDots:
    """The first `on` of `total` render, then `next` wait at the service, the rest wait here. `you`
    is the place of the reader's own job, from 1; 0 for none."""

    total: int
    on: int
    next: int
    you: int = 0
    label: str = ""


def dots_up_to(place: eta.Place) -> QueueDots:
    """The line up to this place: in one that moves, the first renders and the second waits at the
    service."""
    total = place.ahead + 1
    return QueueDots(
        total=min(total, MOST),
        on=min(1, place.ahead),
        next=int(place.ahead > 1),
        you=min(total, MOST),
        label=_("%(n)s before it") % {"n": place.ahead},
    )
