"""The database keeps entries of the trail as they were written; only names of who was erased are
replaced, by their pseudonym and by nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from jobs.engine import invariants
from studio.audit.events import Event
from studio.audit.pseudonyms import pseudonym_of, replace_names
from studio.audit.trail import record
from studio.models import AuditEntry, Erasure, Team, User
from studio.models.audit import GUARDS

pytestmark = pytest.mark.django_db
TABLE = "studio_auditentry"
STATEMENTS = [
    f"UPDATE {TABLE} SET event = 'people.left'",
    f"UPDATE {TABLE} SET by_name = ''",
    f"UPDATE {TABLE} SET personal = '{{}}'",
    f"DELETE FROM {TABLE}",
    pytest.param(
        f"TRUNCATE {TABLE}",
        marks=pytest.mark.skipif(
            connection.vendor != "postgresql", reason="only PostgreSQL has TRUNCATE"
        ),
    ),
]


@pytest.fixture
def entry(team: Team, owner: User, creator: User) -> AuditEntry:
    with transaction.atomic():
        made = record(
            Event.PERSON_CHANGED,
            team=team,
            by=owner,
            person=creator,
            about="the account",
            before={"email": "old@example.com", "turns": 1},
            after={"email": "chidi@example.com", "turns": 2},
        )
    assert made is not None
    return made


def refused(statement: str, *values: object) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except DatabaseError as error:
        return "never changed or deleted" in str(error)
    return False


@pytest.mark.parametrize("statement", STATEMENTS)
def test_entries_stay_as_they_are(entry: AuditEntry, statement: str) -> None:
    before = AuditEntry.objects.values().get()
    connection.check_constraints()
    assert refused(statement)
    assert AuditEntry.objects.values().get() == before


def test_the_model_says_it_too(entry: AuditEntry) -> None:
    with pytest.raises(ValidationError):
        AuditEntry.objects.update(about="x")
    with pytest.raises(ValidationError):
        AuditEntry.objects.all().delete()


def test_an_erasure_replaces_names_and_nothing_else(
    entry: AuditEntry, owner: User, creator: User
) -> None:
    before = AuditEntry.objects.values().get()
    assert replace_names(creator, ["chidi@example.com"]) == 1
    after = AuditEntry.objects.values().get()
    assert after == before | {"person_name": f"erased-{creator.pk}", "personal": {}}
    assert "chidi" not in json.dumps(after, default=str)
    assert "old@example.com" not in json.dumps(after, default=str)
    assert replace_names(creator, ["chidi@example.com"]) == 0, "once is all"
    replace_names(owner, [])
    assert AuditEntry.objects.get().by_name == f"erased-{owner.pk}"


def set_to(entry: AuditEntry, **values: Any) -> bool:
    """Whether the database refuses it."""
    names = ", ".join(f'"{name}" = %s' for name in values)
    return refused(f"UPDATE {TABLE} SET {names} WHERE id = %s", *values.values(), entry.pk)


def test_after_an_erasure_nothing_else_may_be_changed(
    entry: AuditEntry, owner: User, creator: User, team: Team
) -> None:
    """The condition of the trigger, from every side."""
    word = pseudonym_of(creator.pk)
    assert set_to(entry, person_name=word), "nobody was erased"
    Erasure.objects.create(person_id=creator.pk, pseudonym=word)
    for wrong in (
        {"person_name": ""},
        {"person_name": "Somebody else"},
        {"person_name": pseudonym_of(owner.pk)},
        {"by_name": word},
        {"by_name": ""},
        {"by_id": creator.pk},
        {"person_id": None},
        {"person_id": owner.pk},
        {"team_id": None},
        {"team_name": ""},
        {"event": "people.left"},
        {"kind": "job"},
        {"about": "another thing"},
        {"before": "{}"},
        {"after": "{}"},
        {"personal": '{"before": {}}'},
        {"via": "worker"},
        {"through": "x"},
        {"at": "2020-01-01 00:00:00+00:00"},
        {"copy": True},
        {"address": "192.0.2.1"},
        {"sign_in": "x"},
        {"id": entry.pk + 1000},
        {"person_name": word, "event": "people.left"},
    ):
        assert set_to(entry, **wrong), wrong
    assert not set_to(entry, person_name=word, personal="{}")
    assert set_to(entry, person_name="Chidi (chidi@example.com)"), "there is no way back"
    assert refused(f"DELETE FROM {TABLE}")


def test_an_invitation_is_found_by_its_address(team: Team, owner: User, creator: User) -> None:
    with transaction.atomic():
        record(Event.INVITED, team=team, by=owner, person="Chidi@Example.com")
        record(Event.INVITED, team=team, by=owner, person="dora@example.com")
    assert replace_names(creator, ["chidi@example.com"]) == 1
    names = AuditEntry.objects.order_by("id").values_list("person_name", flat=True)
    assert list(names) == [f"erased-{creator.pk}", "dora@example.com"]


def test_erasures_stay(creator: User) -> None:
    replace_names(creator, [])
    assert refused("UPDATE studio_erasure SET pseudonym = 'x'")
    assert refused("DELETE FROM studio_erasure")


def test_the_guards_are_made_again_after_a_migration_that_lost_them() -> None:
    for guard in GUARDS:
        assert guard.protected(connection)
        guard.unprotect(connection)
        assert not guard.protected(connection)
        guard.protect_after_migrate(using="default")
        assert guard.protected(connection)
        guard.protect(connection)
        assert guard.protected(connection)


def test_verify_says_when_a_guard_is_gone() -> None:
    for guard in GUARDS:
        guard.unprotect(connection)
        found = [one for one in invariants.broken() if guard.table in one]
        assert len(found) == 1
        assert "manage.py migrate" in found[0]
        guard.protect(connection)
    assert invariants.broken() == []
