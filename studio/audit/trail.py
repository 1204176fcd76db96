"""`record`: the one function that writes the trail."""

from __future__ import annotations

from django.db import connection

from studio.audit import origin, values
from studio.audit.events import ABOUT_A_PERSON, Event
from studio.models.audit import AuditEntry
from studio.models.people import Membership, Team, User


class OutsideTransaction(RuntimeError):
    """What is recorded must stand or fall with the change that it tells of."""


def record(
    event: Event,
    *,
    team: Team | None = None,
    by: User | None = None,
    person: User | str | None = None,
    about: str = "",
    before: values.Values | None = None,
    after: values.Values | None = None,
) -> AuditEntry | None:
    """Tell the trail of a change, inside the transaction that makes it.

    `by` is who did it; without it whoever asked for the page, or the command or worker. `person` is
    whom it concerns, an e-mail address as long as there is no account. `about` is the name of the
    thing, never of a person. `before` and `after` have the values that changed; what is the same
    in both is left out, and when nothing is left nothing is written, and the answer is None. An
    event about a person, without a team, is told in each of their teams as well.

    Raises OutsideTransaction without one; TypeError for a value that is not plain, such as a row.
    """
    if not _in_transaction():
        raise OutsideTransaction(f"{event.value} was not recorded inside transaction.atomic().")
    was, became = _changed(before, after)
    if (before or after) and not (was or became):
        return None
    here = origin.current()
    by = by or here.by
    if not person and event in ABOUT_A_PERSON:
        person = by
    whom = person if isinstance(person, User) else None
    entry = AuditEntry(
        event=event.value,
        kind=event.kind.value,
        team=team,
        team_name=team.name if team else "",
        by=by,
        by_name=name_of(by),
        person=whom,
        person_name=name_of(person),
        about=values.text(about),
        **values.columns(was, became),
        via=here.via,
        through=here.through,
        address=here.address,
        sign_in=here.sign_in,
    )
    entry.save(force_insert=True)
    if team is None and whom is not None and event in ABOUT_A_PERSON:
        _copy_for_teams(entry, whom)
    return entry


def name_of(user: User | str | None) -> str:
    """How somebody is named in the trail: as they were called then."""
    if not isinstance(user, User):
        return values.text(user or "")
    called = user.get_full_name().strip()
    return values.text(f"{called} ({user.email})" if called else user.email)


def _copy_for_teams(entry: AuditEntry, person: User) -> None:
    teams = Team.objects.filter(pk__in=Membership.objects.filter(user=person).values("team"))
    columns = {
        field.attname: getattr(entry, field.attname)
        for field in AuditEntry._meta.concrete_fields
        if not field.primary_key
    }
    AuditEntry.objects.bulk_create(
        AuditEntry(**{**columns, "team_id": team.pk, "team_name": team.name, "copy": True})
        for team in teams
    )


def _changed(
    before: values.Values | None, after: values.Values | None
) -> tuple[dict[str, object], dict[str, object]]:
    """Of both, what differs."""
    was, became = dict(before or {}), dict(after or {})
    for name in was.keys() & became.keys():
        if was[name] == became[name]:
            del was[name], became[name]
    return was, became


def _in_transaction() -> bool:
    """Whether a transaction of the code is open. One that a test opened around itself is none: then
    a test would pass that a site would fail."""
    return any(
        not getattr(block, "_from_testcase", False)
        for block in getattr(connection, "atomic_blocks", ())
    )
