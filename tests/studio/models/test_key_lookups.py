"""Ids of any size, from addresses and forms, are answered."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from studio.models import PersonUse, Team, User

pytestmark = pytest.mark.django_db
HUGE = 10**30


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(User.objects.create_superuser(email="root@example.com", password="x"))
    return client


@pytest.mark.parametrize("number", [HUGE, -HUGE, 2**63])
def test_a_number_that_no_key_can_be_is_no_rows(number: int, team: Team) -> None:
    assert not PersonUse.objects.filter(user=number).exists()
    assert not PersonUse.objects.filter(pk__in=[number]).exists()
    assert not Job.objects.filter(team__in=[number]).exists()
    assert not Team.objects.filter(pk__in=[number]).exists()
    assert not Team.objects.filter(pk=number).exists()
    assert Team.objects.filter(pk__in=[team.pk, number]).get() == team
    assert Team.objects.exclude(pk__in=[number]).get() == team
    assert PersonUse.objects.exclude(user=number).count() == PersonUse.objects.count()


@pytest.mark.parametrize(
    "address",
    [
        "/admin/studio/personuse/{}/change/",
        "/admin/studio/personuse/{}/history/",
        "/admin/studio/teamuse/{}/change/",
        "/admin/studio/personuse/?user__exact={}",
        "/admin/jobs/ledgerentry/?team={}",
        "/admin/jobs/job/?owner__id__exact={}",
    ],
)
def test_the_admin_answers_any_number(desk: Client, address: str) -> None:
    assert desk.get(address.format(HUGE)).status_code < 500


def test_an_action_on_any_number_is_answered(desk: Client) -> None:
    form = {"action": "delete_selected", "_selected_action": [HUGE], "post": "yes"}
    assert desk.post(reverse("admin:studio_team_changelist"), form).status_code < 500
