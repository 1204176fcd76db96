"""Numbers that are counted up to a cap: a tab needs to say "many", not how many."""

from __future__ import annotations

from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.translation import gettext as _

CAP = 1000


class CappedCount(Subquery):
    """The number of rows of a queryset, up to one more than CAP, so that several are one
    statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"

    def __init__(self, queryset: QuerySet[Any]) -> None:
        super().__init__(queryset.order_by().values("pk")[: CAP + 1], output_field=IntegerField())


def is_capped(number: int) -> bool:
    """Whether there are more than were counted."""
    return number > CAP


def many() -> str:
    """What is shown for a number that is capped: "1,000+"."""
    return _("%(n)s+") % {"n": f"{CAP:,}"}
