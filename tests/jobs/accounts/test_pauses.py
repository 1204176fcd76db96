"""Pauses that people set: who, when, what follows, and that it stays so until somebody opens
it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.accounts import choice, pauses
from jobs.common.states import State
from jobs.models import Account, Lane, PauseState, WorkTime
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]


@pytest.fixture
def north(team: Team) -> Account:
    return makers.account(team, label="North")


@pytest.fixture
def lane(north: Account) -> Lane:
    return Lane.objects.create(account=north, model="emo-v1", next_visit_at=None)


# ── what a pause does ─────────────────────────────────────────────────────────────────────────────


def test_it_says_who_did_what_and_when(
    north: Account, lane: Lane, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "django.utils.timezone.now", lambda: datetime(2026, 11, 20, 14, 2, 30, tzinfo=UTC)
    )
    assert pauses.sentence(lane) == pauses.sentence(north) == ""
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    assert pauses.sentence(lane) == "Aiko paused emo-v1 on North at 14:02 UTC"
    pauses.set_pause(north, PauseState.DRAINING, owner)
    assert pauses.sentence(Account.objects.get()) == (
        "Aiko lets North finish its queue and take nothing new, since 14:02 UTC"
    )
    monkeypatch.setattr(
        "django.utils.timezone.now", lambda: datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    )
    assert (
        pauses.sentence(Lane.objects.get()) == "Aiko paused emo-v1 on North on 20 Nov at 14:02 UTC"
    )
    Lane.objects.update(pause_set_by=None)
    assert pauses.sentence(Lane.objects.get()).startswith("Someone paused")


def test_it_says_what_follows_for_the_jobs(
    team: Team, owner: User, north: Account, lane: Lane
) -> None:
    assert (
        pauses.consequence(lane, PauseState.PAUSED)
        == "No job waits; nothing is sent until someone opens it."
    )
    for state in (State.QUEUED, State.QUEUED, State.RUNNING, State.SUCCEEDED):
        makers.job(team, owner, account=north, state=state)
    assert (
        pauses.consequence(lane, PauseState.PAUSED)
        == "2 jobs wait; nothing is sent until someone opens it. The one at the service goes on."
    )
    assert pauses.set_pause(north, PauseState.DRAINING, owner) == (
        "North finishes its queue and takes nothing new. 2 jobs wait and are still sent; new jobs "
        "are refused until someone opens it. The one at the service goes on."
    )
    assert (
        pauses.set_pause(north, PauseState.OPEN, owner)
        == "North is open. 2 jobs wait; what waits is sent in order."
    )


def test_the_lanes_are_visited_so_that_jobs_say_why_they_wait(
    north: Account, lane: Lane, owner: User
) -> None:
    other = Lane.objects.create(account=north, model="wan2.2-s2v", next_visit_at=None)
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    lane.refresh_from_db()
    other.refresh_from_db()
    assert (lane.wakeups, other.wakeups) == (1, 0)
    assert lane.next_visit_at is not None
    pauses.set_pause(north, PauseState.PAUSED, owner)
    assert list(Lane.objects.values_list("wakeups", flat=True)) == [2, 1]


def test_only_the_pause_is_written(lane: Lane, owner: User) -> None:
    """The engine writes lanes all the time; a row in hand is old."""
    Lane.objects.filter(pk=lane.pk).update(health="quota", lease_token="a visitor", wakeups=7)
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    fresh = Lane.objects.get(pk=lane.pk)
    assert (fresh.health, fresh.lease_token, fresh.wakeups, fresh.pause_state) == (
        "quota",
        "a visitor",
        8,
        "paused",
    )


def test_doing_it_twice_keeps_the_first_name(north: Account, owner: User, admin: User) -> None:
    pauses.set_pause(north, PauseState.PAUSED, owner)
    before = Account.objects.get().pause_set_at
    stale = Account.objects.get()
    pauses.set_pause(stale, PauseState.PAUSED, admin)
    fresh = Account.objects.get()
    assert (fresh.pause_set_by, fresh.pause_set_at) == (owner, before)
    assert stale.pause_set_by == owner
    pauses.set_pause(fresh, PauseState.OPEN, admin)
    assert Account.objects.get().pause_set_by == admin


def test_which_pause_holds_a_job_back(north: Account, lane: Lane, owner: User) -> None:
    assert pauses.paused_by(north, lane) is None
    pauses.set_pause(lane, PauseState.DRAINING, owner)
    assert pauses.paused_by(north, lane) is None, "what waits is still sent"
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    assert pauses.paused_by(north, lane) == lane
    pauses.set_pause(north, PauseState.PAUSED, owner)
    assert pauses.paused_by(north, lane) == north


def test_new_jobs_are_refused_by_a_draining_account_or_lane_only(
    north: Account, lane: Lane, owner: User
) -> None:
    assert pauses.refuses(north, lane) == pauses.refuses(north, None) == ""
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    assert pauses.refuses(north, lane) == ""
    pauses.set_pause(lane, PauseState.DRAINING, owner)
    assert pauses.refuses(north, lane).startswith(
        "Aiko lets emo-v1 on North finish its queue and take nothing new, since"
    )
    assert pauses.refuses(north, lane).endswith("under Connections.")
    pauses.set_pause(north, PauseState.DRAINING, owner)
    assert "lets North finish its queue and take nothing new, since" in pauses.refuses(north, None)
    assert choice.account_for(north.team, None, "emo-v1") == north


def test_a_shared_lane_tells_the_other_team_no_names(
    north: Account, lane: Lane, owner: User, stranger: User
) -> None:
    pauses.set_pause(lane, PauseState.PAUSED, owner)
    told = pauses.sentence(lane, stranger.teams.get())
    assert "paused" in told
    assert not [name for name in ("Aiko", "North") if name in told]
    assert "Aiko" in pauses.sentence(lane, north.team)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────


def url(name: str, north: Account) -> str:
    return reverse(f"jobs:{name}", args=[north.team.slug, north.public_id])


def text(response: object) -> str:
    return str(response.content.decode())  # type: ignore[attr-defined]


def test_asking_shows_the_consequence_and_changes_nothing(
    team: Team, admin: User, north: Account, lane: Lane, client_of: ClientOf
) -> None:
    makers.job(team, admin, account=north)
    makers.job(team, admin, account=north)
    page = text(
        client_of(admin).get(url("account_pause", north), {"state": "paused", "model": "emo-v1"})
    )
    assert "Pause emo-v1 on North" in page
    assert "2 jobs wait; nothing is sent until someone opens it." in page
    assert 'name="csrfmiddlewaretoken"' in page
    assert Lane.objects.get().pause_state == "open"


def test_closing_and_opening_on_the_page(
    north: Account, lane: Lane, admin: User, client_of: ClientOf
) -> None:
    client = client_of(admin)
    answer = client.post(
        url("account_pause", north), {"state": "paused", "model": "emo-v1"}, follow=True
    )
    assert answer.redirect_chain == [(url("account", north), 302)]
    assert "emo-v1 on North is paused" in text(answer)
    assert "Ben paused emo-v1 on North at" in text(answer)
    assert Lane.objects.get().pause_state == "paused"
    client.post(url("account_pause", north), {"state": "draining"})
    page = text(client.get(url("account", north)))
    assert "Ben lets North finish its queue and take nothing new, since" in page
    assert "Ben lets North finish its queue and take nothing new, since" in text(
        client.get(reverse("jobs:keys", args=[north.team.slug]))
    )
    client.post(url("account_pause", north), {"state": "open", "model": ""})
    client.post(url("account_pause", north), {"state": "open", "model": "emo-v1"})
    assert (Account.objects.get().pause_state, Lane.objects.get().pause_state) == ("open", "open")


@pytest.mark.parametrize(
    "given",
    [
        {"state": "shut"},
        {},
        {"state": "paused", "model": "emo-v9"},
        {"state": "paused", "model": "x" * 99},
    ],
)
def test_nonsense_gets_a_sentence(
    north: Account, lane: Lane, admin: User, client_of: ClientOf, given: dict[str, str]
) -> None:
    client = client_of(admin)
    for answer in (
        client.post(url("account_pause", north), given, follow=True),
        client.get(url("account_pause", north), given, follow=True),
    ):
        assert "has no such queue" in text(answer)
    assert (Account.objects.get().pause_state, Lane.objects.get().pause_state) == ("open", "open")


def test_who_may_not(
    north: Account, lane: Lane, creator: User, viewer: User, stranger: User, client_of: ClientOf
) -> None:
    for person, status in ((creator, 403), (viewer, 403), (stranger, 404)):
        assert (
            client_of(person).post(url("account_pause", north), {"state": "paused"}).status_code
            == status
        )
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(
        north.team.memberships.first().user, backend="django.contrib.auth.backends.ModelBackend"
    )  # type: ignore[union-attr]
    assert strict.post(url("account_pause", north), {"state": "paused"}).status_code == 403
    assert Account.objects.get().pause_state == "open"


def test_every_lane_is_listed_with_its_state_its_jobs_and_its_next_try(
    team: Team, owner: User, north: Account, lane: Lane, client_of: ClientOf
) -> None:
    later = timezone.now() + timedelta(minutes=9)
    Lane.objects.create(
        account=north,
        model="wan2.2-s2v",
        health="quota",
        paused_until=later,
        paused_text="The free quota is used up.",
    )
    Lane.objects.create(
        account=north,
        model="animate-anyone-gen2",
        health="throttled",
        paused_until=later,
        paused_text="Slow down.",
    )
    makers.job(team, owner, account=north, state=State.RUNNING)
    makers.job(team, owner, account=north)
    WorkTime.objects.create(
        service="dashscope.aliyuncs.com", model="emo-v1", variant="1:1", median=8.46, p90=9.0
    )
    north.base_url = "https://dashscope.aliyuncs.com/api/v1"
    north.save(update_fields=["base_url"])
    page = text(client_of(owner).get(url("account", north)))
    for wanted in (
        "1 at the service, 1 waiting",
        "The free quota is used up.",
        f"Tried again at {later.day} {later:%b %H:%M}",
        "slowed down",
        "8.5 s per second of video",
        "works, but not with 1 model",
    ):
        assert wanted in page, wanted


def test_a_page_with_many_accounts_asks_no_more_of_the_database(
    team: Team,
    owner: User,
    client_of: ClientOf,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    for number in range(12):
        account = makers.account(team, label=f"Account {number}")
        for model in ("emo-v1", "wan2.2-s2v"):
            Lane.objects.create(account=account, model=model)
    client = client_of(owner)
    client.get(reverse("jobs:keys", args=[team.slug]))
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        client.get(reverse("jobs:keys", args=[team.slug]))


# ── the admin ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def root(db: object) -> User:
    return User.objects.create_superuser("root@example.com", "correct horse", first_name="Root")


@pytest.mark.parametrize("kind", ["account", "lane"])
def test_staff_pause_and_open_rows_of_every_team(
    north: Account, lane: Lane, root: User, client_of: ClientOf, kind: str
) -> None:
    client = client_of(root)
    row = north if kind == "account" else lane
    there = reverse(f"admin:jobs_{kind}_changelist")
    for action, state in (("pause", "paused"), ("drain", "draining"), ("open", "open")):
        page = text(
            client.post(there, {"action": action, "_selected_action": [row.pk]}, follow=True)
        )
        row.refresh_from_db()
        assert (row.pause_state, row.pause_set_by) == (state, root)
        said = {"draining": "finishes its queue and takes nothing new"}.get(state, f"is {state}")
        assert f"North {said}" in page
        if state == "paused":
            assert "Root paused" in page


def test_staff_without_the_right_close_nothing(
    north: Account, db: object, client_of: ClientOf
) -> None:
    from django.contrib.auth.models import Permission

    clerk = User.objects.create_user("clerk@example.com", "correct horse", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_account"))
    client_of(clerk).post(
        reverse("admin:jobs_account_changelist"),
        {"action": "pause", "_selected_action": [north.pk]},
    )
    assert Account.objects.get().pause_state == "open"
