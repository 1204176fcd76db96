"""`manage.py adjust`, and the action of the admin that does the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from jobs.billing import budget, ledger
from jobs.models import Job, LedgerEntry
from studio.models import Team, User
from tests import makers

pytestmark = pytest.mark.django_db
WHO = ["--by", "aiko@example.com", "--reason", "billed twice"]


@pytest.fixture
def job(team: Team, creator: User, owner: User) -> Job:
    made = makers.job(team, creator, milliseconds=4000)
    ledger.settle(made, Decimal(4), "1:1")
    return made


def test_a_job_is_corrected(job: Job, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("adjust", "--job", job.public_id, *WHO, "--", "-0.040000")
    said = capsys.readouterr().out
    assert "Corrected by −$0.040000 in" in said
    assert "Adjusted by aiko@example.com: billed twice" in said
    assert budget.status(team).settled == 5_876


def test_a_person_s_month_is_corrected(job: Job, team: Team) -> None:
    words = ["--team", "north", "--member", "chidi@example.com", "--month", "2026-01"]
    call_command("adjust", "0.5", *words, *WHO)
    entry = LedgerEntry.objects.get(kind="adjust")
    assert (str(entry.member), str(entry.month)[:7], entry.settled) == (
        str(User.objects.get(email="chidi@example.com")),
        "2026-01",
        500_000,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0.1", *WHO], "one of --job"),
        (["0.1", "--job", "nope", *WHO], "There is no job nope"),
        (["0.0000001", "--team", "north", *WHO], "at most six decimals"),
        (["nan", "--team", "north", *WHO], "at most six decimals"),
        (["1", "--team", "north", "--month", "May", *WHO], "no month"),
        (["1", "--team", "north", "--by", "x@example.com", "--reason", "y"], "nobody"),
        (["1", "--team", "north", "--by", "aiko@example.com", "--reason", " "], "a reason"),
        (["1", "--job", "x", "--month", "2026-01", *WHO], "go with --team"),
    ],
)
def test_what_makes_no_sense_is_said(job: Job, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("adjust", *words)
    assert not LedgerEntry.objects.filter(kind="adjust").exists()


@pytest.fixture
def staff(client: Client, owner: User) -> Client:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    client.force_login(
        User.objects.get(pk=owner.pk), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def asked(job: Job, **more: str) -> dict[str, object]:
    entry = job.ledger.get(kind="settle")
    return {"action": "correct", "_selected_action": [entry.pk], **more}


def test_staff_correct_an_entry_with_a_reason(job: Job, staff: Client, team: Team) -> None:
    url = reverse("admin:jobs_ledgerentry_changelist")
    page = staff.get(url).content.decode()
    assert 'name="amount"' in page
    assert 'name="reason"' in page
    for less in ({}, {"amount": "1"}, {"reason": "why"}, {"amount": "0", "reason": "why"}):
        staff.post(url, asked(job, **less))
    assert not LedgerEntry.objects.filter(kind="adjust").exists()
    answer = staff.post(url, asked(job, amount="-0.000876", reason="agreed"), follow=True)
    assert "Corrected by −$0.000876" in answer.content.decode()
    entry = LedgerEntry.objects.get(kind="adjust")
    assert (entry.settled, entry.job_id) == (-876, job.pk)
    assert entry.note == "Adjusted by aiko@example.com: agreed"
    assert LogEntry.objects.get().object_id == str(entry.pk)
    assert budget.status(team).settled == 45_000
