"""Deleting a team: closed at once by every path, reopened within its time, and emptied after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.errors import Refused
from jobs.common.states import Group, State
from jobs.engine import checks
from jobs.models import Account, ApiKey, Budget, Job, LedgerEntry, PendingOrder, ShareLink, Template
from jobs.orders import create, create_batch, team_closing, team_sweep, trash_sweep
from jobs.orders.order_request import OrderRequest
from jobs.sharing import links
from studio.audit.events import Event
from studio.files import tags
from studio.models import (
    Asset,
    AuditEntry,
    Collection,
    Deletion,
    FileTag,
    Invitation,
    JoinDomain,
    Team,
    User,
)
from studio.teams import invitations, join_domains
from studio.teams.access import MARK
from studio.teams.invitations import CannotJoin, NotInvited, Problem, Wish
from tests import makers
from tests.hostile.addresses import every_address

pytestmark = pytest.mark.django_db
# Doors that stay open: they look, end what is under way, take things away, or reopen the team.
OPEN = {
    "jobs:cancel",
    "jobs:undo",
    "jobs:ask_now",
    "jobs:set_cancel",
    "jobs:set_rest_cancel",
    "leave",
    "team_delete",
}
KEPT = {
    "see",
    "see_spend",
    "see_audit",
    "delete_own",
    "delete_others",
    "manage_jobs",
    "manage_connections",
    "delete_team",
}


def over(team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(erase_at=timezone.now() - timedelta(seconds=1))


def order(team: Team, by: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(team, by, "emo-v1", files, {"ratio": "1:1"}, account=account)


# ── closing ──


def test_closed_at_once_what_waits_is_canceled_and_what_was_sent_goes_on(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    waits = makers.job(team, creator, account=account)
    runs = makers.job(team, creator, account=account, state=State.RUNNING)
    closed = team_closing.close(team, owner)
    assert closed.is_closed
    waits.refresh_from_db()
    runs.refresh_from_db()
    assert (waits.state, runs.state) == (State.CANCELED, State.RUNNING)
    assert closed.erase_at is not None
    assert closed.erase_at - timezone.now() > timedelta(days=29, hours=23)
    again = team_closing.close(team, owner)
    assert again.erase_at == closed.erase_at, "twice is once"
    told = AuditEntry.objects.filter(event=Event.TEAM_CLOSED)
    assert [(one.by_id, one.about) for one in told] == [(owner.pk, team.name)]
    assert [one.to for one in mail.outbox] == [[owner.email]]
    assert reverse("team_delete", args=[team.slug]) in str(mail.outbox[0].body)


def test_who_is_no_owner_closes_and_reopens_nothing(
    team: Team, owner: User, admin: User, stranger: User
) -> None:
    for person in (admin, stranger):
        with pytest.raises(Refused):
            team_closing.close(team, person)
    team_closing.close(team, owner)
    with pytest.raises(Refused):
        team_closing.reopen(team, admin)
    team.refresh_from_db()
    assert team.is_closed


def test_nothing_is_ordered_by_any_path(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    wish = order(team, creator, account)
    team_closing.close(Team.objects.get(pk=team.pk), owner)  # the pages of others are older
    entries = LedgerEntry.objects.count()
    jobs = Job.objects.count()
    with pytest.raises(Refused, match="was deleted"):
        create.create(wish)
    with pytest.raises(Refused, match="was deleted"):
        create_batch.create_batch([wish])
    with pytest.raises(Refused, match="was deleted"):
        checks.ask(
            asset=makers.asset(team),
            model="emo-detect-v1",
            chosen={"ratio": "1:1"},
            account=account,
            by=creator,
        )
    assert (LedgerEntry.objects.count(), Job.objects.count()) == (entries, jobs)


def test_nobody_is_invited_and_nobody_joins(team: Team, owner: User, stranger: User) -> None:
    (made,) = invitations.make(team, owner, [Wish("viewer")], mailed=False)
    JoinDomain.objects.create(team=team, domain="example.com")
    team_closing.close(team, owner)
    with pytest.raises(NotInvited, match="was deleted"):
        invitations.make(team, owner, [Wish("viewer")], mailed=False)
    with pytest.raises(NotInvited, match="was deleted"):
        invitations.renew(team, owner, made.invitation.public_id, mailed=False)
    opened = invitations.opened(made.secret)
    assert opened is not None
    with pytest.raises(CannotJoin) as caught:
        invitations.accept(opened, stranger)
    assert caught.value.problem == Problem.CLOSED
    assert not join_domains.open_to(stranger).exists()
    team_closing.reopen(team, owner)
    again = invitations.opened(made.secret)
    assert again is not None
    assert invitations.accept(again, stranger).role == "viewer"


def test_links_show_nothing_until_it_is_reopened(team: Team, owner: User, account: Account) -> None:
    film = makers.asset(team, "video", origin="result", owner=owner)
    job = makers.job(team, owner, account=account, state=State.SUCCEEDED, result=film)
    link = makers.share_link(team, owner, job)
    token = links.token_of(link)
    assert links.opened(token) == link
    closed = team_closing.close(team, owner)
    with pytest.raises(links.NotOpen):
        links.opened(token)
    with pytest.raises(Refused, match="was deleted"):
        links.make(closed, owner, [job], links.Terms("x", timezone.now() + timedelta(days=1), True))
    team_closing.reopen(team, owner)
    assert links.opened(token) == link


def test_every_door_of_a_closed_team_refuses_or_is_named_here(
    team: Team,
    owner: User,
    creator: User,
    client_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.hostile.test_access_matrix import _ask, _things

    things = _things(team, creator)
    monkeypatch.setattr("jobs.orders.team_closing.cancel_waiting", lambda *_: 0)
    team_closing.close(team, owner)
    client, refused = client_of(owner), 0
    for address in every_address():
        mark = getattr(address.entry.callback, MARK, "")
        if not mark.startswith("team:"):
            continue
        write = mark.rsplit(":", 1)[1]
        answer = _ask(client, "POST", address.at(**{n: things[n] for n in address.names}))
        if address.name in OPEN or write in KEPT:
            assert answer.status_code < 500, address.name
        else:
            assert answer.status_code == 403, address.name
            assert b"was deleted" in answer.whole, address.name
            refused += 1
    assert refused > 25


# ── the pages ──


def test_its_name_is_typed_and_the_page_says_what_happens(
    team: Team, owner: User, creator: User, account: Account, client_of: Callable[[User], Client]
) -> None:
    makers.job(team, creator, account=account)
    client = client_of(owner)
    page = reverse("team_delete", args=[team.slug])
    text = client.get(page).content.decode()
    for word in ("1 job that waits is canceled", "key is erased", "The ledger stays"):
        assert word in text
    assert client.post(page, {"name": "another"}).status_code == 422
    team.refresh_from_db()
    assert not team.is_closed
    assert client.post(page, {"name": f" {team.name} "}).status_code == 302
    team.refresh_from_db()
    assert team.is_closed
    board = client_of(creator).get(reverse("jobs:board", args=[team.slug])).content.decode()
    assert "was deleted and is closed" in board
    assert "An owner can reopen it until then." in board
    assert client.post(page, {"do": "reopen"}).status_code == 302
    team.refresh_from_db()
    assert not team.is_closed
    assert AuditEntry.objects.filter(event=Event.TEAM_REOPENED, by=owner).count() == 1


# ── the sweep ──


@pytest.fixture
def full(team: Team, owner: User, creator: User, account: Account) -> dict[str, Any]:
    """A team that was closed, with some of everything in it; its time is over."""
    video = makers.asset(team, "video", owner=creator)
    film = makers.asset(team, "video", origin="result", owner=creator)
    makers.template(team, account, video)
    job = makers.job(
        team, creator, account=account, state=State.SUCCEEDED, result=film, title="Secret launch"
    )
    picture = makers.asset(team, owner=creator)
    makers.check(picture, account, state="done")
    makers.collection(team, creator, picture)
    tags.give(team, [picture], "Secret launch")
    makers.deletion(team, creator)
    makers.invitation(team, owner, email="new@example.com")
    makers.share_link(team, creator, job)
    makers.pending_order(team, creator)
    Budget.objects.create(team=team, period="month", micros=10)
    team_closing.close(team, owner)
    return {"job": job, "names": [video.file.name, film.file.name, picture.file.name]}


def test_before_its_time_nothing_is_touched(team: Team, full: dict[str, Any]) -> None:
    assert team_sweep.work() == 0
    assert team.memberships.exists()
    assert ApiKey.objects.filter(account__team=team).exists()
    assert all(default_storage.exists(name) for name in full["names"])


def test_emptied_it_is_a_shell_that_ledger_and_trail_name(team: Team, full: dict[str, Any]) -> None:
    over(team)
    ledger, trail = list(LedgerEntry.objects.values()), AuditEntry.objects.count()
    assert team_sweep.work() == 1
    team.refresh_from_db()
    assert team.emptied_at is not None
    assert not team.memberships.exists()
    assert not ApiKey.objects.filter(account__team=team).exists()
    assert not Asset.everything.filter(team=team).exists()
    assert not Deletion.objects.filter(team=team).exists()
    for gone in (Budget, PendingOrder, Collection, FileTag):
        assert not gone.objects.filter(team=team).exists()  # type: ignore[attr-defined]
    assert not Template.everything.filter(team=team).exclude(name="", asset=None).exists()
    assert not Invitation.objects.filter(team=team).exclude(email="").exists()
    assert not ShareLink.objects.filter(team=team, revoked_at=None).exists()
    job = Job.objects.get(pk=full["job"].pk)
    assert (job.erased_at is not None, "Secret" in job.title) == (True, False)
    assert not any(default_storage.exists(name) for name in full["names"])
    assert list(LedgerEntry.objects.values()) == ledger
    assert AuditEntry.objects.count() > trail
    assert AuditEntry.objects.filter(event=Event.TEAM_EMPTIED, about=team.name).count() == 1
    assert team_sweep.work() == 0, "a second sweep finds nothing"


def test_cut_off_anywhere_it_is_taken_up_again(
    team: Team, full: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    over(team)
    monkeypatch.setattr(team_sweep, "PORTION", 1)
    monkeypatch.setattr(team_sweep, "FILES", 1)
    turns = 0
    while turns < 60:
        turns += 1
        asked = iter([False, False, False, True])
        if team_sweep.work(stop=lambda asked=asked: next(asked, True)):  # type: ignore[misc]
            break
    team.refresh_from_db()
    assert team.emptied_at is not None
    assert turns > 2, "it was cut off"
    trash_sweep.work()  # as the same task does
    assert not any(default_storage.exists(name) for name in full["names"])


def test_what_is_at_the_service_is_waited_for(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    job = makers.job(team, creator, account=account, state=State.RUNNING)
    team_closing.close(team, owner)
    over(team)
    assert team_sweep.work() == 0
    team.refresh_from_db()
    assert not team.erasing
    assert team.memberships.exists(), "an owner still decides"
    assert ApiKey.objects.filter(account__team=team).exists(), "it is followed with it"
    Job.objects.filter(pk=job.pk).update(state=State.FAILED, group=Group.DONE)
    assert team_sweep.work() == 1


def test_reopened_in_time_it_is_not_swept_and_swept_it_is_not_reopened(
    team: Team, owner: User, full: dict[str, Any]
) -> None:
    over(team)
    team_closing.reopen(team, owner)
    assert team_sweep.work() == 0
    team_closing.close(team, owner)
    over(team)
    assert team_sweep._begin(Team.objects.get(pk=team.pk))
    with pytest.raises(Refused):
        team_closing.reopen(team, owner)


def test_what_waits_again_in_a_closed_team_is_canceled_by_the_sweep(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    team_closing.close(team, owner)
    job = makers.job(team, creator, account=account)
    assert team_sweep.due().exists()
    team_sweep.work()
    job.refresh_from_db()
    assert job.state == State.CANCELED
    assert not team_sweep.due().exists()
