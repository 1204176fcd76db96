"""What staff do in the admin stands in the trail: rows that are added, changed and deleted, and
actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin as site_admin
from django.test import Client
from django.urls import reverse

from jobs.models import Account, Budget
from studio.admin.trail import RecordedAdmin
from studio.audit.events import Event
from studio.models import AuditEntry, Team, User

pytestmark = pytest.mark.django_db
E = Event
NEW_PASSWORD = "canary battery 7f3a"


def test_every_page_of_the_admin_tells_what_it_changes() -> None:
    pages = site_admin.site._registry.items()
    others = {model.__name__ for model, page in pages if not isinstance(page, RecordedAdmin)}
    assert others == {"Dashboard"}, "a page of django_rq that only shows the queues"


def admin_page(row: Any, what: str) -> str:
    args = [] if what == "add" else [row.pk]
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{what}", args=args)


@pytest.fixture
def root(db: object, client_of: Callable[[User], Client]) -> Client:
    return client_of(User.objects.create_superuser("root@example.com", "correct horse"))


def only_entry() -> AuditEntry:
    entry: AuditEntry = AuditEntry.objects.get(copy=False)
    assert entry.by_name == "root@example.com"
    assert entry.via == "admin"
    return entry


def test_a_row_that_staff_add_change_and_delete_is_told(root: Client, team: Team) -> None:
    given = {"team": team.pk, "member": "", "amount": "12.50"}
    assert root.post(admin_page(Budget, "add"), given).status_code == 302
    added = only_entry()
    assert (added.event, added.team) == (E.LIMIT_CHANGED, team)
    assert added.became["amount"] == "12.50"
    budget = Budget.objects.get()
    root.post(admin_page(budget, "change"), given | {"amount": "20"})
    changed = AuditEntry.objects.order_by("-id")[0]
    assert (changed.was, changed.became) == ({"amount": "12.5"}, {"amount": "20"})
    root.post(admin_page(budget, "delete"), {"post": "yes"})
    assert not Budget.objects.exists()
    deleted = AuditEntry.objects.order_by("-id")[0]
    assert (deleted.event, deleted.was["micros"]) == (E.LIMIT_CHANGED, 20_000_000)


def test_what_staff_saved_without_a_change_is_not_told(root: Client, team: Team) -> None:
    given = {"team": team.pk, "member": "", "amount": "12.50"}
    root.post(admin_page(Budget, "add"), given)
    root.post(admin_page(Budget.objects.get(), "change"), given)
    assert only_entry().event == E.LIMIT_CHANGED


def test_rows_that_staff_delete_together_are_told_each(
    root: Client, team: Team, owner: User, creator: User, viewer: User
) -> None:
    rows = list(team.memberships.filter(user__in=[creator, viewer]))
    given = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in rows],
        "post": "yes",
    }
    root.post(reverse("admin:studio_membership_changelist"), given)
    found = AuditEntry.objects.order_by("id")
    assert [(one.event, one.person, one.team) for one in found] == [
        (E.REMOVED, creator, team),
        (E.REMOVED, viewer, team),
    ]


def test_an_action_of_staff_is_told(root: Client, account: Account) -> None:
    given = {"action": "pause", "_selected_action": [account.pk]}
    root.post(reverse("admin:jobs_account_changelist"), given)
    events = AuditEntry.objects.order_by("id").values_list("event", flat=True)
    assert list(events) == [E.ACTION_RUN, E.CONNECTION_PAUSED]


def test_a_role_that_staff_change_on_the_page_of_the_team_is_told(
    root: Client, team: Team, owner: User, creator: User
) -> None:
    rows = list(team.memberships.order_by("id"))
    given: dict[str, object] = {
        "name": team.name,
        "slug": team.slug,
        "waiting_limit": team.waiting_limit,
        "storage_limit_mb": "",
        "time_zone": team.time_zone,
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        given |= {
            f"memberships-{number}-id": row.pk,
            f"memberships-{number}-team": team.pk,
            f"memberships-{number}-user": row.user_id,
            f"memberships-{number}-role": "admin" if row.user == creator else row.role,
            f"memberships-{number}-turns": row.turns,
        }
    assert root.post(admin_page(team, "change"), given).status_code == 302
    entry = only_entry()
    assert (entry.event, entry.person, entry.team) == (E.ROLE_CHANGED, creator, team)
    assert (entry.was, entry.became) == ({"role": "creator"}, {"role": "admin"})


def test_a_password_that_staff_set_is_told_and_not_shown(root: Client, creator: User) -> None:
    given = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    root.post(
        reverse("admin:auth_user_password_change", args=[creator.pk]),
        given | {"set-password": "1"},
    )
    creator.refresh_from_db()
    assert creator.check_password(NEW_PASSWORD)
    entry = only_entry()
    assert (entry.event, entry.person) == (E.PASSWORD_CHANGED, creator)
    assert "canary" not in str(AuditEntry.objects.values_list())


def test_somebody_whom_staff_add_is_told_without_the_password(root: Client) -> None:
    given = {"email": "new@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    root.post(admin_page(User, "add"), given | {"usable_password": "true"})
    entry = only_entry()
    assert (entry.event, entry.person) == (
        E.PERSON_ADDED,
        User.objects.get(email="new@example.com"),
    )
    assert "canary" not in str(AuditEntry.objects.values_list())
