"""What `record` writes: who, what, whom, before and after, and from where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test import Client

from studio.audit import origin, trail
from studio.audit.events import ABOUT_A_PERSON, Event, Kind
from studio.audit.trail import OutsideTransaction, record
from studio.models import AuditEntry, Membership, Role, Team, User
from studio.models.audit import Via

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside() -> object:
    with transaction.atomic():
        yield


def test_an_entry_says_who_did_what_to_whom(team: Team, owner: User, creator: User) -> None:
    entry = record(
        Event.ROLE_CHANGED,
        team=team,
        by=owner,
        person=creator,
        before={"role": Role.CREATOR},
        after={"role": Role.ADMIN},
    )
    assert entry is not None
    stored = AuditEntry.objects.get()
    assert (stored.event, stored.kind) == ("people.role-changed", Kind.PEOPLE)
    assert (stored.team, stored.team_name) == (team, "Studio North")
    assert (stored.by, stored.by_name) == (owner, "Aiko (aiko@example.com)")
    assert (stored.person, stored.person_name) == (creator, "Chidi (chidi@example.com)")
    assert (stored.was, stored.became) == ({"role": "creator"}, {"role": "admin"})


def test_names_stay_when_team_and_people_are_gone(team: Team, owner: User, stranger: User) -> None:
    record(Event.ADDED, team=team, by=owner, person=stranger)
    ids = (team.pk, owner.pk, stranger.pk)
    theirs = stranger.teams.get()
    theirs.delete()
    stranger.delete()
    team.delete()
    owner.delete()
    left = AuditEntry.objects.get()
    assert (left.team_id, left.by_id, left.person_id) == ids
    assert (left.team_name, left.by_name, left.person_name) == (
        "Studio North",
        "Aiko (aiko@example.com)",
        "Sven (sven@example.com)",
    )
    connection.check_constraints()


def test_only_what_differs_is_told(team: Team, owner: User) -> None:
    entry = record(
        Event.TEAM_CHANGED,
        team=team,
        by=owner,
        before={"name": "North", "retention": 30},
        after={"name": "North", "retention": 60},
    )
    assert entry is not None
    assert (entry.was, entry.became) == ({"retention": 30}, {"retention": 60})


def test_no_change_is_no_entry(team: Team, owner: User) -> None:
    assert record(Event.TEAM_CHANGED, team=team, by=owner, before={"a": 1}, after={"a": 1}) is None
    assert not AuditEntry.objects.exists()
    assert record(Event.TEAM_CHANGED, team=team, by=owner) is not None


def test_somebody_without_an_account_is_an_address(team: Team, owner: User) -> None:
    entry = record(Event.INVITED, team=team, by=owner, person="new@example.com")
    assert entry is not None
    assert (entry.person_id, entry.person_name) == (None, "new@example.com")


def test_what_concerns_a_person_is_told_in_each_of_their_teams(team: Team, owner: User) -> None:
    other = Team.start("Second", owner)
    record(Event.PASSWORD_CHANGED, by=owner)
    rows = AuditEntry.objects.order_by("id").values_list("team", "copy", "person", "event")
    assert sorted(rows, key=lambda row: row[0] or 0) == [
        (None, False, owner.pk, Event.PASSWORD_CHANGED.value),
        (team.pk, True, owner.pk, Event.PASSWORD_CHANGED.value),
        (other.pk, True, owner.pk, Event.PASSWORD_CHANGED.value),
    ]


def test_every_event_has_a_kind_and_a_sentence_with_its_places() -> None:
    for event in Event:
        assert event.kind in Kind
        said = event.label % {"by": "B", "person": "P", "about": "A"}
        assert "%" not in said
    assert all(event.kind in (Kind.SIGN_IN, Kind.PEOPLE) for event in ABOUT_A_PERSON)


def test_the_transaction_of_a_test_is_none() -> None:
    """Only its own: `inside` opens one more."""
    assert trail._in_transaction()
    block = connection.atomic_blocks.pop()
    try:
        with pytest.raises(OutsideTransaction):
            record(Event.TEAM_CHANGED)
    finally:
        connection.atomic_blocks.append(block)


def test_a_change_that_is_undone_is_not_told(team: Team, owner: User) -> None:
    def change() -> None:
        with transaction.atomic():
            record(Event.TEAM_CHANGED, team=team, by=owner)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        change()
    assert not AuditEntry.objects.exists()


def test_a_command_and_a_worker_are_named(monkeypatch: pytest.MonkeyPatch, team: Team) -> None:
    for argv, via, through in (
        (["manage.py", "createteam", "North"], Via.COMMAND, "createteam"),
        (["/srv/manage.py", "worker", "--queue", "films"], Via.WORKER, ""),
        (["/usr/bin/python", "x"], Via.COMMAND, ""),
        ([], Via.COMMAND, ""),
    ):
        monkeypatch.setattr("sys.argv", argv)
        entry = record(Event.TEAM_MADE, team=team)
        assert entry is not None
        assert (entry.via, entry.through, entry.by, entry.address) == (via, through, None, "")


def test_an_origin_may_be_given(team: Team, owner: User) -> None:
    with origin.acting(origin.Origin(Via.TOKEN, "nightly", by=owner, address="192.0.2.1")):
        entry = record(Event.TEAM_CHANGED, team=team)
    assert entry is not None
    assert (entry.by, entry.via, entry.through) == (owner, Via.TOKEN, "nightly")
    assert entry.address == "192.0.2.1"


def test_of_a_request_it_is_known_who_and_from_where(
    team: Team,
    owner: User,
    client_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    settings: object,
) -> None:
    """Whoever asks for a page is who did it, at the address that the trusted proxy saw."""
    from studio.common.client_address import networks
    from studio.teams import people_page

    settings.TRUSTED_PROXIES = networks(["10.0.0.0/8"])  # type: ignore[attr-defined]
    real = people_page.render

    def telling(*args: object, **more: object) -> object:
        with transaction.atomic():
            record(Event.TEAM_CHANGED, team=team)
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(people_page, "render", telling)
    client = client_of(owner)
    key = client.cookies["sessionid"].value
    answer = client.get(
        f"/t/{team.slug}/team/",
        REMOTE_ADDR="10.0.0.1",
        headers={"x-forwarded-for": "203.0.113.9, 10.0.0.2"},
    )
    assert answer.status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.via, entry.address) == (owner, Via.PAGE, "203.0.113.9")
    assert entry.sign_in == origin.sign_in_mark(key)
    assert key not in entry.sign_in
    assert origin.current().via == Via.COMMAND, "the request is over"


def test_a_membership_is_not_asked_for_without_need(
    team: Team, owner: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        record(Event.TEAM_CHANGED, team=team, by=owner)
    assert Membership.objects.exists()
