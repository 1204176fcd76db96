"""Deleting what something depends on is refused with a sentence that says what to do, from pages,
the admin and a shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from jobs.models import Account, ApiKey, Job
from studio.models import Membership, Role, Team, User
from tests import html, makers

pytestmark = pytest.mark.django_db

ENDED = ("succeeded", "failed", "canceled")


@pytest.fixture
def desk(client_of: Callable[[User], Client]) -> Client:
    return client_of(User.objects.create_superuser("boss@example.com", "correct horse"))


@pytest.fixture
def job(team: Team, creator: User, account: Account) -> Job:
    return makers.job(team, creator, account=account, state="running", task_id="t-1", attempt=1)


def name_of(model: type[models.Model], action: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}"


def delete_one(desk: Client, row: models.Model) -> str:
    url = reverse(name_of(type(row), "delete"), args=[row.pk])
    return html.text(desk.post(url, {"post": "yes"}, follow=True))


def delete_many(desk: Client, *rows: models.Model) -> str:
    url = reverse(name_of(type(rows[0]), "changelist"))
    form = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in rows],
        "post": "yes",
    }
    return html.text(desk.post(url, form, follow=True))


def refused(delete: Callable[[], Any], words: str) -> None:
    with pytest.raises(ProtectedError, match=words), transaction.atomic():
        delete()


# ── the last owner ────────────────────────────────────────────────────────────────────────────────


def test_the_last_owner_stays_whoever_deletes_it(
    team: Team, owner: User, admin: User, desk: Client
) -> None:
    membership = Membership.objects.get(team=team, user=owner)
    words = "last owner of Studio North"
    for said in (
        delete_one(desk, membership),
        delete_many(desk, membership),
        delete_one(desk, owner),
        delete_many(desk, owner, admin),
    ):
        assert words in said
        assert "Make somebody else an owner of it first" in said
    refused(membership.delete, words)
    refused(team.memberships.all().delete, words)
    refused(owner.delete, words)
    refused(User.objects.filter(pk=owner.pk).delete, words)
    assert Membership.objects.filter(pk=membership.pk).exists()


def test_all_owners_at_once_stay_too(team: Team, owner: User, admin: User, desk: Client) -> None:
    Membership.objects.filter(user=admin).update(role=Role.OWNER)
    both = list(team.memberships.order_by("pk"))
    assert "last owner" in delete_many(desk, *both)
    assert "last owner" in delete_many(desk, owner, admin)
    refused(team.memberships.filter(role=Role.OWNER).delete, "last owner")
    refused(User.objects.filter(pk__in=[owner.pk, admin.pk]).delete, "last owner")
    assert team.memberships.filter(role=Role.OWNER).count() == 2
    both[0].delete()
    refused(both[1].delete, "last owner")


def test_no_update_takes_the_last_owner_away(
    team: Team, owner: User, admin: User, creator: User, stranger: User
) -> None:
    """In a shell, past every page: one row, all rows, rows of several teams, or by their values."""
    mine = team.memberships.filter(user=owner)
    words = "last owner of Studio North"
    refused(lambda: mine.update(role=Role.ADMIN), words)
    refused(lambda: team.memberships.update(role=Role.VIEWER), words)
    refused(lambda: Membership.objects.update(role=Role.CREATOR), "last owner")
    row = mine.get()
    row.role = Role.ADMIN
    refused(lambda: Membership.objects.bulk_update([row], ["role"]), words)
    assert mine.get().role == Role.OWNER
    team.memberships.filter(user=admin).update(role=Role.OWNER)
    assert mine.update(role=Role.ADMIN) == 1
    assert team.memberships.filter(user=creator).update(role=Role.VIEWER, turns=2) == 1
    assert team.memberships.update(turns=3) == team.memberships.count()


def test_who_is_no_last_owner_and_a_whole_team_may_go(
    team: Team, owner: User, admin: User, creator: User, desk: Client
) -> None:
    assert "last owner" not in delete_one(desk, Membership.objects.get(user=creator))
    assert not Membership.objects.filter(user=creator).exists()
    admin.delete()
    delete_many(desk, team)
    assert not Team.objects.filter(pk=team.pk).exists()
    owner.delete()


def inline(team: Team, *rows: tuple[Membership, str, bool]) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": team.name,
        "slug": team.slug,
        "waiting_limit": 100,
        "time_zone": "UTC",
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": len(rows),
    }
    for number, (row, role, gone) in enumerate(rows):
        at = f"memberships-{number}-"
        form |= {f"{at}id": row.pk, f"{at}team": team.pk, f"{at}user": row.user_id}
        form |= {f"{at}role": role, f"{at}turns": 1} | ({f"{at}DELETE": "on"} if gone else {})
    return form


def test_the_team_page_of_the_admin_keeps_an_owner(
    team: Team, owner: User, admin: User, desk: Client
) -> None:
    first, second = (Membership.objects.get(user=user) for user in (owner, admin))
    url = reverse("admin:studio_team_change", args=[team.pk])
    for role, gone in (("owner", True), ("viewer", False)):
        said = desk.post(url, inline(team, (first, role, gone), (second, "admin", False)))
        assert said.status_code == 200
        assert "last owner of Studio North" in html.text(said)
    assert team.memberships.get(role=Role.OWNER) == first
    # one page replaces the owner
    answer = desk.post(url, inline(team, (first, "owner", True), (second, "owner", False)))
    assert answer.status_code == 302
    assert team.memberships.get().user == admin


def test_the_last_owner_is_not_made_something_else(
    team: Team, owner: User, admin: User, desk: Client
) -> None:
    membership = Membership.objects.get(user=owner)
    url = reverse("admin:studio_membership_change", args=[membership.pk])
    form = {"team": team.pk, "user": owner.pk, "role": "viewer", "turns": 1}
    assert "last owner of Studio North" in html.text(desk.post(url, form))
    Membership.objects.filter(user=admin).update(role=Role.OWNER)
    assert desk.post(url, form).status_code == 302
    assert Membership.objects.get(user=owner).role == Role.VIEWER


# ── whom and what jobs need ───────────────────────────────────────────────────────────────────────


def test_a_user_with_jobs_stays(job: Job, creator: User, desk: Client) -> None:
    for said in (delete_one(desk, creator), delete_many(desk, creator)):
        assert "has 1 job that is not over" in said
        assert "cancel it" in said
    refused(creator.delete, "Job.owner")
    refused(User.objects.filter(pk=creator.pk).delete, "Job.owner")
    Job.objects.update(state="succeeded")
    assert "stays with their name" in delete_one(desk, creator)
    assert User.objects.filter(pk=creator.pk).exists()


def test_an_account_with_jobs_stays(job: Job, account: Account, desk: Client) -> None:
    refused(account.delete, "Job.account")
    refused(Account.objects.filter(pk=account.pk).delete, "Job.account")
    refused(job.lane.delete, "Job.lane")
    answer = desk.get(reverse("admin:jobs_account_delete", args=[account.pk]))
    assert answer.status_code == 403, "no page of the admin deletes one"


@pytest.mark.parametrize("state", ["queued", "uncertain", "running", "archiving"])
def test_the_last_key_that_jobs_need_is_not_retired(
    job: Job,
    account: Account,
    owner: User,
    desk: Client,
    client_of: Callable[[User], Client],
    state: str,
) -> None:
    Job.objects.update(state=state)
    key = account.keys.get()
    page = reverse("jobs:key_retire", args=[job.team.slug, account.public_id, key.pk])
    client = client_of(owner)
    asked = html.parse(client.get(page))
    words = "Add another key of the same Alibaba account first"
    assert words in asked.text
    assert not asked.all("button.btn-stop"), "there is no button for it"
    assert words in html.text(client.post(page, follow=True))
    change = reverse("admin:jobs_apikey_change", args=[key.pk])
    assert words in html.text(desk.post(change, {}))
    refused(key.delete, words)
    refused(ApiKey.objects.filter(pk=key.pk).delete, words)
    assert account.keys.get().active
    spare = ApiKey.make(account, "sk-test-0002")
    spare.save()
    refused(account.keys.all().delete, words)
    assert "is retired" in html.text(client.post(page, follow=True))
    refused(spare.delete, words)


@pytest.mark.parametrize("state", ENDED)
def test_a_key_that_no_job_needs_may_go(job: Job, account: Account, state: str) -> None:
    Job.objects.update(state=state)
    account.keys.all().delete()
    assert account.key is None
