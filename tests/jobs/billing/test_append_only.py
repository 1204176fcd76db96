"""The database keeps ledger entries as they were written, whoever asks."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from jobs.billing import append_only
from jobs.models import LedgerEntry
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
STATEMENTS = [
    "UPDATE jobs_ledgerentry SET settled = settled + 1",
    "UPDATE jobs_ledgerentry SET note = ''",
    "DELETE FROM jobs_ledgerentry",
    pytest.param(
        "TRUNCATE jobs_ledgerentry CASCADE",
        marks=pytest.mark.skipif(
            connection.vendor != "postgresql", reason="only PostgreSQL has TRUNCATE"
        ),
    ),
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_entries_stay_as_they_are(team: Team, creator: User, statement: str) -> None:
    makers.job(team, creator)
    before = LedgerEntry.objects.values().get()
    connection.check_constraints()  # or PostgreSQL keeps the table for what it has yet to check
    with (
        pytest.raises(DatabaseError, match="never changed or deleted; write an adjustment"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert LedgerEntry.objects.values().get() == before


def test_the_guard_is_made_again_after_a_migration_that_lost_it() -> None:
    assert append_only.protected(connection)
    append_only.unprotect(connection)
    assert not append_only.protected(connection)
    append_only.protect_after_migrate(using="default")
    assert append_only.protected(connection)
    append_only.protect(connection)  # twice is once
    assert append_only.protected(connection)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [1, 2])
def test_a_test_that_commits_leaves_nothing_and_keeps_the_guard(
    team: Team, creator: User, number: int
) -> None:
    assert not LedgerEntry.objects.exists()
    makers.job(team, creator)
    assert append_only.protected(connection)
