"""Keys of a shared account come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.accounts import shared_accounts
from jobs.accounts.account_setup import add_account
from jobs.accounts.endpoints import KeyRefused
from jobs.accounts.keys import add_key, overlap_ends
from jobs.models import Account, ApiKey, Job
from studio.common import reader
from studio.models import Team, User
from tests.jobs.accounts.shared_accounts.accounts import THIRD, ClientOf, made, same
from tests.jobs.tinystudio import GOOD, OTHER, Service


def test_adding_an_account_twice_says_that_it_adds_nothing(
    team: Team, owner: User, north: Account, service: Service, client_of: ClientOf
) -> None:
    made(north, owner, service, GOOD, OTHER)
    given = {
        "label": "South",
        "region": "cn-beijing",
        "secret": OTHER,
        "base_url": service.url,
        "workspace": "",
    }
    page = (
        client_of(owner)
        .post(reverse("jobs:account_new", args=[team.slug]), given, follow=True)
        .content.decode()
    )
    assert page.count("the same Alibaba account as North, so it adds no capacity") == 2, (
        "once as a message, once on the page"
    )
    assert same(Account.objects.get(label="South")) == north.pk


def test_another_team_is_never_named(
    north: Account, stranger: User, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    theirs = add_account(stranger.teams.get(), "Theirs", "cn-beijing", service.url, OTHER, stranger)
    said = shared_accounts.sentence(theirs)
    assert "adds no capacity" in said
    assert not [name for name in ("North", north.team.name) if name in said]
    assert shared_accounts.sentence(north) == ""


def test_a_key_of_another_account_is_refused(north: Account, owner: User, service: Service) -> None:
    made(north, owner, service, GOOD)
    with pytest.raises(KeyRefused, match="another Alibaba account") as refused:
        add_key(north, OTHER, owner)
    assert "connection of its own" in str(refused.value)
    assert ApiKey.objects.count() == 1


def test_a_key_of_the_same_account_keeps_id_history_and_the_older_key(
    north: Account, owner: User, service: Service
) -> None:
    job = made(north, owner, service, GOOD, OTHER)
    key = add_key(north, OTHER, owner)
    assert north.key == key
    assert north.keys.filter(active=True).count() == 2
    assert Job.objects.get(pk=job.pk).account == north


def test_without_proof_a_key_is_taken(north: Account, owner: User, service: Service) -> None:
    """The old key is refused already, which is why people rotate; or the task is gone at the
    service."""
    made(north, owner, service, GOOD)
    service.good.discard(GOOD)
    add_key(north, OTHER, owner)
    made(north, owner, service)
    add_key(north, THIRD, owner)
    assert north.keys.filter(active=True).count() == 3


def test_the_overlap_ends_a_day_after_the_last_task(
    north: Account, owner: User, service: Service, client_of: ClientOf
) -> None:
    assert overlap_ends(north) is None
    made(north, owner, service, GOOD, hours=30)
    assert overlap_ends(north) is None
    job = made(north, owner, service, GOOD, OTHER, hours=2)
    assert overlap_ends(north) == job.submitted_at + timedelta(hours=24)  # type: ignore[operator]
    add_key(north, OTHER, owner)
    old = north.keys.earliest("id")
    page = (
        client_of(owner)
        .get(reverse("jobs:key_retire", args=[north.team.slug, north.public_id, old.pk]))
        .content.decode()
    )
    ends = overlap_ends(north)
    assert ends is not None
    assert f"keep this one until {reader.written(ends, 'day time')}" in page
    Job.objects.all().update(submitted_at=timezone.now() - timedelta(hours=25))
    page = (
        client_of(owner)
        .get(reverse("jobs:key_retire", args=[north.team.slug, north.public_id, old.pk]))
        .content.decode()
    )
    assert "Nothing of the last 24 hours is left" in page
