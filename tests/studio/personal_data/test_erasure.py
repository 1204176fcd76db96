"""Erasing a person: nothing that names them is left in any table, and nothing of the team's is
lost."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import State, group_of
from jobs.engine import transitions
from jobs.models import ApiKey, Budget, Job, JobEvent, LedgerEntry, Preset
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import phrase
from studio.models import Asset, AuditEntry, Consent, Edit, Erasure, Membership, Role, Team, User
from studio.personal_data import erasure
from studio.teams import sign_up_links
from tests import makers

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db
EMAIL, OTHER = "zuleika@example.com", "zuleika.second@example.org"
NAMES = ("zuleika", "quicksilver")


@pytest.fixture
def person(team: Team, owner: User, settings: Any) -> User:
    """Somebody with a row wherever a person can have one."""
    settings.EMAIL_BACKEND = "studio.mail.backend.Backend"
    made = User.objects.create_user(
        EMAIL, "correct horse", first_name="Zuleika", last_name="Quicksilver"
    )
    Membership.objects.create(team=team, user=made, role=Role.CREATOR)
    EmailAddress.objects.create(user=made, email=EMAIL, verified=True, primary=True)
    EmailAddress.objects.create(user=made, email=OTHER, verified=False)
    client = Client(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="203.0.113.9")
    client.post(reverse("account_login"), {"login": EMAIL, "password": "correct horse"})
    client.get(team.get_absolute_url())
    job = makers.job(team, made, title="Opening words")
    JobEvent.objects.create(
        team=team, job=job, new=State.QUEUED, text=phrase("%(person)s moved it", person="Zuleika")
    )
    Budget.objects.create(team=team, member=made, micros=1_000_000)
    Preset.objects.create(team=team, owner=made, model="emo-v1", name="Front desk")
    picture = makers.asset(team, owner=made)
    Consent.objects.update_or_create(asset=picture, defaults={"by": made, "said": "Yes."})
    Edit.objects.create(team=team, asset=picture, owner=made, recipe={"do": "crop"}, word="x")
    makers.collection(team, made, name="Zuleika’s portraits")
    makers.saved_view(team, made, name="Zuleika’s failures")
    mail.send_mail("Welcome", "Hello Zuleika", None, [f"Zuleika <{EMAIL}>"])
    sign_up_links.make(EMAIL)
    with transaction.atomic():
        record(Event.INVITED, team=team, by=owner, person=OTHER)
        record(Event.EMAIL_ADDED, by=made, person=made, after={"email": OTHER})
        record(Event.FILE_DELETED, team=team, by=made, about="Zuleika passport.jpg")
        record(Event.ROLE_CHANGED, team=team, by=made, person=owner, after={"role": "admin"})
    return made


def holding(words: tuple[str, ...]) -> list[str]:
    """Table and column of every text in the database that holds one of `words`."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if not model._meta.managed or model._meta.proxy:
                continue
            for field in model._meta.concrete_fields:
                table, column = model._meta.db_table, field.column
                sql = f'SELECT lower(CAST("{column}" AS text)) FROM "{table}"'
                cursor.execute(sql)
                texts = [row[0] for row in cursor.fetchall() if row[0]]
                if any(word in text for text in texts for word in words):
                    found.append(f"{table}.{column}")
    return found


def test_nothing_that_names_them_is_left_in_any_table(person: User) -> None:
    assert len(holding(NAMES)) >= 8, "there is something to erase"
    erasure.erase(person, files=False)
    assert holding(NAMES) == []
    assert holding(("203.0.113.9",)) == []


def test_they_cannot_come_back(person: User, team: Team, client_of: ClientOf) -> None:
    client = client_of(person)
    assert client.get(team.get_absolute_url()).status_code == 200
    erasure.erase(person, files=False)
    assert client.get(team.get_absolute_url()).status_code == 302, "signed out"
    person.refresh_from_db()
    assert not person.is_active
    assert not person.has_usable_password()
    assert not Session.objects.filter(session_data__contains="zuleika").exists()
    assert not team.memberships.filter(user=person).exists()
    given = {"login": EMAIL, "password": "correct horse"}
    assert "_auth_user_id" not in _after_login(given).session


def _after_login(given: dict[str, str]) -> Client:
    client = Client()
    client.post(reverse("account_login"), given)
    return client


def test_jobs_ledger_and_trail_stay_and_add_up(
    person: User, team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(LedgerEntry.objects.values())
    job = Job.objects.get(owner=person)
    task = {"task_id": "task-0815", "request_id": "r"}
    now = timezone.now()
    sent = {"attempt": 1, "submitted_at": now, "submitting_at": now, "code": ""}
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING, group=group_of(State.RUNNING), **task, **sent
    )
    makers.sent(job, job.account.keys.get(), outcome="accepted", **task)
    job.refresh_from_db()
    transitions.record(job, State.QUEUED, State.RUNNING, phrase("Accepted by the service"), "")
    entries = AuditEntry.objects.count()
    report = erasure.erase(person, files=False)
    assert list(LedgerEntry.objects.values()) == before
    job.refresh_from_db()
    assert (job.state, job.owner_id, job.team) == (State.RUNNING, person.pk, team), "it goes on"
    assert AuditEntry.objects.count() > entries
    event = JobEvent.objects.filter(job=job, text__contains="moved it").get()
    assert event.text == f"erased-{person.pk} moved it"
    kept = " ".join(one.sentence for one in report if one.stays)
    for words in ("goes on for its team", "ledger stays", "audit trail stay"):
        assert words in kept
    call_command("verify")


def test_files_stay_or_go_as_chosen(person: User, team: Team) -> None:
    used = [use.asset for use in Job.objects.get(owner=person).inputs.select_related("asset")]
    Asset.objects.filter(pk__in=[one.pk for one in used]).update(owner=person)
    result = makers.asset(team, "video", owner=person, origin=Asset.Origin.RESULT)
    free = Asset.objects.filter(owner=person).exclude(pk__in=[one.pk for one in [*used, result]])
    assert free.count() == 1
    report = erasure.erase(person, files=True)
    assert not free.exists()
    kept = [*(one.pk for one in used), result.pk]
    assert Asset.objects.filter(pk__in=kept, owner=None).count() == len(used) + 1
    said = " ".join(one.sentence for one in report)
    assert "1 file that they brought is erased." in said
    assert f"{len(used)} files stay, because jobs that are not over need them." in said
    call_command("recount", stdout=io.StringIO())
    call_command("verify")


def test_an_owner_who_cannot_sign_in_is_none(team: Team, owner: User, admin: User) -> None:
    team.memberships.filter(user=admin).update(role=Role.OWNER)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(erasure.NotErasable, match="last owner of Studio North"):
        erasure.erase(owner, files=False)


def test_a_team_is_never_left_without_an_owner(team: Team, owner: User, creator: User) -> None:
    with pytest.raises(erasure.NotErasable, match="last owner of Studio North"):
        erasure.erase(owner, files=True)
    owner.refresh_from_db()
    assert owner.email == "aiko@example.com"
    assert not Erasure.objects.exists()
    team.memberships.filter(user=creator).update(role=Role.OWNER)
    erasure.erase(owner, files=False)
    assert team.memberships.get().user == creator


def test_a_team_of_theirs_alone_is_closed(stranger: User) -> None:
    team = stranger.teams.get()
    account = makers.account(team)
    job = makers.job(team, stranger, account=account)
    JobEvent.objects.create(team=team, job=job, new=State.QUEUED, text=phrase("Created."))
    transitions.cancel(job, stranger)
    erasure.erase(stranger, files=False)
    assert not ApiKey.objects.filter(account=account).exists()
    assert team.memberships.get().user_id == stranger.pk, "a number owns it"
    call_command("verify")


def test_keys_stay_while_a_job_of_a_closed_team_runs(stranger: User) -> None:
    account = makers.account(stranger.teams.get())
    makers.job(stranger.teams.get(), stranger, account=account, state=State.RUNNING)
    report = erasure.erase(stranger, files=False)
    assert ApiKey.objects.filter(account=account).exists()
    assert "stay until its jobs are over" in " ".join(one.sentence for one in report)


def test_the_last_operator_stays(db: object) -> None:
    root = User.objects.create_superuser("root@example.com", "correct horse")
    with pytest.raises(erasure.NotErasable, match="last operator"):
        erasure.erase(root, files=False)


def test_a_namesake_keeps_their_name(person: User, team: Team) -> None:
    User.objects.create_user("other@example.com", first_name="Zuleika")
    erasure.erase(person, files=False)
    assert JobEvent.objects.get(text__contains="moved it").text == "Zuleika moved it"


# ── by themselves, by staff, by a command ─────────────────────────────────────────────────────────


def test_on_their_own_page(person: User, client_of: ClientOf) -> None:
    client = client_of(person)
    address = reverse("personal_data")
    assert client.get(address).status_code == 200
    wrong = client.post(address, {"do": "erase", "uploads": "keep", "email": "x@example.com"})
    assert wrong.status_code == 422
    assert not Erasure.objects.exists()
    done = client.post(address, {"do": "erase", "uploads": "keep", "email": EMAIL.upper()})
    text = done.content.decode()
    assert "Your account is erased" in text
    assert "What stays, and why" in text
    assert "Zuleika" not in text
    assert client.get(address).status_code == 302
    assert holding(NAMES) == []


def test_their_own_page_says_what_to_do_first(
    owner: User, creator: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    given = {"do": "erase", "uploads": "keep", "email": owner.email}
    answer = client.post(reverse("personal_data"), given)
    assert answer.status_code == 409
    assert "Make somebody else an owner of it first" in answer.content.decode()


def test_by_staff_in_the_admin(person: User, client_of: ClientOf) -> None:
    root = User.objects.create_superuser("root@example.com", "correct horse")
    client = client_of(root)
    address = reverse("admin:studio_user_personal_data", args=[person.pk])
    page = client.get(reverse("admin:studio_user_change", args=[person.pk]))
    assert address in page.content.decode()
    exported = client.post(address, {"do": "export"})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(exported.streaming_content)))
    assert "profile.json" in archive.namelist()
    done = client.post(address, {"do": "erase", "uploads": "erase", "email": EMAIL})
    assert "audit trail stay" in done.content.decode()
    assert holding(NAMES) == []
    entry = AuditEntry.objects.get(event=Event.PERSON_ERASED, copy=False)
    assert (entry.by, entry.person_name) == (root, f"erased-{person.pk}")


def test_members_of_the_staff_need_the_right_for_it(
    person: User, viewer: User, client_of: ClientOf
) -> None:
    viewer.is_staff = True
    viewer.save(update_fields=["is_staff"])
    address = reverse("admin:studio_user_personal_data", args=[person.pk])
    assert client_of(viewer).get(address).status_code == 403


def test_by_a_command(person: User, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="--yes"):
        call_command("eraseperson", EMAIL)
    assert not Erasure.objects.exists()
    call_command("eraseperson", EMAIL, "--yes")
    said = capsys.readouterr().out
    assert "gone   Name, e-mail addresses" in said
    assert "stays  " in said
    with pytest.raises(CommandError, match="nobody"):
        call_command("eraseperson", EMAIL, "--yes")


def test_every_column_that_names_a_person_was_thought_of() -> None:
    """A new foreign key to a person: does an erasure empty it, or may the number stay?"""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is User
    }
    assert found - GOES - NUMBER_STAYS == set()


GOES = {
    "account.EmailAddress.user",
    "usersessions.UserSession.user",
    "mfa.Authenticator.user",
    "socialaccount.SocialAccount.user",
    "studio.Membership.user",
    "studio.Consent.by",
    "studio.Edit.owner",
    "studio.SignUpLink.used_by",
    "studio.Invitation.used_by",
    "studio.User_groups.user",
    "studio.User_user_permissions.user",
    "jobs.Budget.member",
    "jobs.ShareLink.made_by",
    "jobs.ReadyNotice.user",
    "jobs.PendingOrder.owner",
}
NUMBER_STAYS = {
    "admin.LogEntry.user",
    "studio.Asset.owner",
    "studio.Deletion.by",
    "studio.Team.closed_by",
    "studio.AuditEntry.by",
    "studio.AuditEntry.person",
    "studio.PersonUse.user",
    "jobs.Account.pause_set_by",
    "jobs.Account.removed_by",
    "jobs.Lane.pause_set_by",
    "jobs.ApiKey.added_by",
    "jobs.Check.asked_by",
    "jobs.Job.owner",
    "jobs.Job.handed_to",
    "studio.Invitation.begun_by",
    "studio.Invitation.made_by",
    "studio.JoinDomain.set_by",
    "jobs.LedgerEntry.member",
    "jobs.Balance.member",
    "jobs.HoldDay.member",
    "jobs.LimitWarning.member",
    "jobs.JobSet.owner",
    "jobs.PendingOrder.answered_by",
    "jobs.Preset.owner",
    "studio.Collection.owner",
    "jobs.SavedView.owner",
}
