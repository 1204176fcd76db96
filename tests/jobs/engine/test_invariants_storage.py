"""`verify` says when what a team or person stores is not the sum of their files."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from jobs.engine import invariants
from studio.models import Team, User
from studio.models.usage import PersonUse, TeamUse
from tests import makers

pytestmark = pytest.mark.django_db


def test_sums_of_files_hold(team: Team, creator: User) -> None:
    makers.asset(team, owner=creator)
    makers.asset(team, owner=creator).delete()
    assert invariants.report().checked["sums of storage"] == 2  # the team and its creator
    assert invariants.broken() == []


@pytest.mark.parametrize("whose", ["team", "person"])
def test_a_sum_that_is_wrong_is_named_and_mended_by_recount(
    team: Team, creator: User, whose: str
) -> None:
    file = makers.asset(team, owner=creator)
    rows = TeamUse.objects if whose == "team" else PersonUse.objects
    rows.update(stored_bytes=file.size + 7, files=0)
    pk = team.pk if whose == "team" else creator.pk
    assert invariants.broken() == [
        f"What {whose} {pk} stores lacks -7 bytes, +1 files of its files (manage.py recount)."
    ]
    call_command("recount")
    assert invariants.broken() == []


def test_a_sum_that_is_not_there_is_named(team: Team, creator: User) -> None:
    file = makers.asset(team, owner=creator)
    TeamUse.objects.all().delete()
    assert invariants.broken() == [
        f"What team {team.pk} stores lacks {file.size:+} bytes, +1 files of its files "
        "(manage.py recount)."
    ]
    call_command("recount")
    assert invariants.broken() == []
