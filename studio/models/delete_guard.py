"""Rows that must not be deleted as long as something depends on them, however the deletion comes:
from a page, the admin, a cascade, a queryset or a shell.

A foreign key with PROTECT keeps a row that others name. What no foreign key says (the last owner of
a team, the last key of an account with jobs) is a reason here: a function that returns a sentence
that says why not, and what to do. It is asked before each deletion, in its transaction, and by
pages that want to say it before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import connection, models
from django.db.models.signals import pre_delete

from studio.common.translatable import Sentence
from studio.models.people import Membership, Role, Team, User, without_owner

Row = TypeVar("Row", bound=models.Model)
# why the row must stay; None when it may go. The second argument is what is deleted as a whole: the
# row, a queryset, or what the row goes with.
Reason = Callable[[Row, object], Sentence | None]
_reasons: dict[type[models.Model], list[Callable[..., Sentence | None]]] = defaultdict(list)


def keeps(model: type[Row]) -> Callable[[Reason[Row]], Reason[Row]]:
    """Mark a function as a reason why a row of `model` must stay."""

    def mark(reason: Reason[Row]) -> Reason[Row]:
        _reasons[model].append(reason)
        pre_delete.connect(_refuse, sender=model, dispatch_uid=f"keeps {model.__name__}")
        return reason

    return mark


def reasons_against(rows: Iterable[models.Model]) -> list[Sentence]:
    """Why `rows` must not be deleted, a sentence each; [] when nothing here is against it."""
    told = [
        reason(row, rows if isinstance(rows, models.QuerySet) else row)
        for row in rows
        for reason in _reasons.get(type(row), [])
    ]
    return list(dict.fromkeys(sentence for sentence in told if sentence is not None))


def _refuse(
    sender: type[models.Model], instance: models.Model, origin: object = None, **_: object
) -> None:
    for reason in _reasons[sender]:
        sentence = reason(instance, instance if origin is None else origin)
        if sentence is not None:
            raise models.ProtectedError(str(sentence), {instance})


# ── a team keeps an owner ─────────────────────────────────────────────────────────────────────────


@keeps(Membership)
def last_owner(membership: Membership, going: object) -> Sentence | None:
    """A team without an owner who can sign in could no longer be run by anybody of it. It may go
    as a whole; and an owner who cannot sign in may go when another like them stays."""
    if _is_of(Team, going) or membership.team.erasing:
        return None
    if connection.in_atomic_block:
        # Two owners who remove each other at once: the second one looks when the first is done.
        Team.objects.select_for_update(no_key=True).filter(pk=membership.team_id).first()
    owners = Membership.objects.filter(team_id=membership.team_id, role=Role.OWNER)
    if not owners.filter(pk=membership.pk).exists():
        return None
    others = owners.exclude(pk=membership.pk).exclude(user_id=membership.user_id)
    if isinstance(going, models.QuerySet) and going.model is Membership:
        others = others.exclude(pk__in=going.order_by().values("pk"))
    if isinstance(going, models.QuerySet) and going.model is User:
        others = others.exclude(user__in=going.order_by().values("pk"))
    if membership.user.is_active:
        others = others.filter(user__is_active=True)
    return None if others.exists() else without_owner(membership)


@keeps(User)
def last_owner_somewhere(user: User, going: object) -> Sentence | None:
    rows = Membership.objects.filter(user=user, role=Role.OWNER).select_related("user", "team")
    for membership in rows:
        sentence = last_owner(membership, going)
        if sentence is not None:
            return sentence
    return None


def _is_of(model: type[models.Model], going: object) -> bool:
    if isinstance(going, models.QuerySet):
        return going.model is model
    return isinstance(going, model)
