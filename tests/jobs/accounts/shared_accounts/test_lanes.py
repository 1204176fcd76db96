"""Rows of one account share its lanes, and part again when staff say so."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from jobs.accounts import shared_accounts
from jobs.accounts.account_setup import move_account
from jobs.common.states import State
from jobs.models import Account, Job, Lane
from studio.models import Team, User
from tests import makers
from tests.jobs.accounts.shared_accounts.accounts import THIRD, ClientOf, made, same
from tests.jobs.tinystudio import GOOD, OTHER, Service


def test_open_jobs_move_to_the_shared_lane_and_it_is_rung(
    north: Account, south: Account, owner: User, service: Service
) -> None:
    made(north, owner, service, GOOD, OTHER)
    kept = {
        state: makers.job(south.team, owner, account=south, state=state)
        for state in (State.QUEUED, State.RUNNING, State.SUCCEEDED)
    }
    own, shared = Lane.objects.get(account=south), Lane.objects.get(account=north)
    shared_accounts.recognise(south)
    lanes = {state: Job.objects.get(pk=job.pk).lane_id for state, job in kept.items()}
    assert lanes == {State.QUEUED: shared.pk, State.RUNNING: shared.pk, State.SUCCEEDED: own.pk}
    assert {Job.objects.get(pk=job.pk).account_id for job in kept.values()} == {south.pk}, (
        "the bill stays with its row"
    )
    assert Lane.objects.get(pk=shared.pk).wakeups > shared.wakeups
    assert Lane.objects.get(pk=own.pk).lease_until is None


def test_a_lane_that_is_being_visited_is_left_for_later(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    Lane.objects.filter(account=south).update(
        lease_until=timezone.now() + timedelta(minutes=1), lease_token="host|1|abc"
    )
    assert shared_accounts.share_lanes(south) == 0
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk
    assert Lane.objects.get(account=south).lease_token == "host|1|abc"
    Lane.objects.filter(account=south).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert shared_accounts.move_to_shared_lanes() == 1
    assert Job.objects.get(pk=job.pk).lane.account_id == north.pk
    assert shared_accounts.move_to_shared_lanes() == 0


def test_a_job_whose_sender_died_is_left_to_its_own_lane(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south, state=State.SUBMITTING)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    shared_accounts.share_lanes(south)
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk


def test_a_lane_that_people_paused_stays_paused(
    north: Account, south: Account, owner: User
) -> None:
    job = makers.job(south.team, owner, account=south)
    Account.objects.filter(pk=south.pk).update(same_as=north)
    Lane.objects.filter(account=south).update(pause_state="paused")
    assert shared_accounts.move_to_shared_lanes() == 0
    assert Job.objects.get(pk=job.pk).lane.account_id == south.pk


def test_staff_undo_it_and_it_stays_undone(
    north: Account, south: Account, owner: User, service: Service, client_of: ClientOf, db: object
) -> None:
    made(north, owner, service, GOOD, OTHER)
    job = makers.job(south.team, owner, account=south)
    shared_accounts.recognise(south)
    root = User.objects.create_superuser("root@example.com", "correct horse", first_name="Root")
    there = reverse("admin:jobs_account_changelist")
    page = (
        client_of(root)
        .post(there, {"action": "part", "_selected_action": [south.pk, north.pk]}, follow=True)
        .content.decode()
    )
    assert "South has queues of its own again; 1 job moved." in page
    assert "North shares no queues of another." in page
    assert (same(south), Job.objects.get(pk=job.pk).lane.account_id) == (None, south.pk)
    assert shared_accounts.recognise(Account.objects.get(pk=south.pk)) is None
    assert shared_accounts.recognise(Account.objects.get(pk=north.pk)) is None
    assert same(south) is None


def test_another_place_forgets_what_was_proven(
    team: Team, north: Account, south: Account, owner: User, service: Service
) -> None:
    east = makers.account(team, url=service.url, label="East", key=THIRD)
    west = makers.account(team, url=service.url, label="West", key="sk-west-000000000000")
    Account.objects.filter(pk__in=(south.pk, east.pk)).update(same_as=north)
    Account.objects.filter(pk=west.pk).update(different_from=[north.pk, 4711])
    waiting = makers.job(team, owner, account=east)
    Job.objects.filter(pk=waiting.pk).update(
        lane=Lane.objects.create(account=north, model="emo-v1")
    )
    elsewhere = Service()
    try:
        move_account(Account.objects.get(pk=north.pk), "cn-beijing", elsewhere.url, "", GOOD, owner)
    finally:
        elsewhere.close()
    assert (same(north), same(south), same(east)) == (None, None, south.pk)
    assert Account.objects.get(pk=west.pk).different_from == [4711]
    assert Job.objects.get(pk=waiting.pk).lane.account_id == south.pk
