"""A connection is removed: never from under what needs it, and what was made stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.accounts import account_setup, choice, keys, shared_accounts
from jobs.accounts.endpoints import KeyRefused
from jobs.accounts.key_test import Trial
from jobs.billing import prices
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import checks, restored
from jobs.models import Account, ApiKey, Attempt, Check, Job, Lane, LedgerEntry, Template
from jobs.orders import connection_removal, create, plan
from jobs.orders.order_request import OrderRequest
from studio.audit.events import Event
from studio.common.translatable import EMPTY
from studio.models import AuditEntry, Team, User
from tests import makers
from tests.jobs.pages.accounts.test_views import ClientOf, text, url

FILES = {"image_url": "image", "audio_url": "audio"}


def test_its_keys_are_erased_and_what_was_made_stays(
    team: Team, owner: User, client_of: ClientOf, north: Account
) -> None:
    done = makers.job(team, owner, account=north, state=State.SUCCEEDED)
    template = makers.template(team, north)
    client, door = client_of(owner), url("account_remove", team, north.public_id)
    page = text(client.get(door))
    assert "key is erased here" in page
    assert "1 dance template lives there" in page
    answer = client.post(door, follow=True)
    assert "is removed, and its keys are erased here" in text(answer)
    assert north.label not in text(client.get(url("keys", team)))
    assert not ApiKey.objects.filter(account=north).exists()
    assert choice.usable(team, owner).count() == team.accounts.count() - 1
    assert Template.objects.get(pk=template.pk).forgotten
    assert client.get(done.get_absolute_url()).status_code == 200
    told = AuditEntry.objects.get(event=Event.CONNECTION_REMOVED)
    assert told.about == north.label
    for name in ("account", "account_remove", "account_move"):
        assert client.get(url(name, team, north.public_id)).status_code == 404
    # And its name is free for another one
    makers.account(team, label=north.label)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.QUEUED, "has not ended"),
        (State.RUNNING, "has not ended"),
        (State.UNCERTAIN, "has not ended"),
        (State.ARCHIVING, "has not ended"),
        ("late", "answered late"),
        ("check", "checking a picture"),
    ],
)
def test_it_stays_while_something_needs_it(
    team: Team, owner: User, client_of: ClientOf, north: Account, state: str, said: str
) -> None:
    if state == "check":
        Check.objects.create(
            team=team, account=north, model="emo-detect-v1", sha256="ab", state=Check.State.ASKING
        )
    else:
        over = state == "late"
        job = makers.job(team, owner, account=north, state=State.CANCELED if over else state)
        if over:
            Attempt.objects.create(job=job, number=1, began_at=timezone.now(), outcome="late")
    client, door = client_of(owner), url("account_remove", team, north.public_id)
    page = text(client.get(door))
    assert said in page
    assert 'btn-stop" type="submit"' not in page
    answer = client.post(door)
    assert answer.status_code == 409
    assert said in text(answer)
    north.refresh_from_db()
    assert north.removed_at is None
    assert north.keys.exists()


def test_an_order_that_was_ready_before_is_refused(
    team: Team, owner: User, account: Account
) -> None:
    """It was planned with the connection; the removal came before the lock."""
    files = {name: makers.asset(team, kind, owner=owner) for name, kind in FILES.items()}
    makers.check(files["image_url"], account)
    wish = OrderRequest(team, owner, "emo-v1", files, {"ratio": "1:1"}, account=account)
    planned = plan.plan(wish)
    connection_removal.remove(Account.objects.get(pk=account.pk), owner)
    with pytest.raises(Refused, match="removed meanwhile"):
        create.create(wish, planned=planned)
    assert not Job.objects.exists()


def test_removed_twice_is_removed_once(team: Team, owner: User, north: Account) -> None:
    connection_removal.remove(north, owner)
    connection_removal.remove(north, owner)
    assert AuditEntry.objects.filter(event=Event.CONNECTION_REMOVED).count() == 1


def test_a_restore_waits_for_no_connection_that_is_gone(
    team: Team, owner: User, north: Account
) -> None:
    Account.objects.filter(pk=north.pk).update(reconcile_from=timezone.now())
    connection_removal.remove(Account.objects.get(pk=north.pk), owner)
    assert restored.problem() == ""
    restored.begin()
    assert restored.problem() == ""


def test_a_check_that_was_asked_for_meanwhile_is_not_paid(
    team: Team, creator: User, account: Account
) -> None:
    """The person's page had the connection still."""
    picture = makers.asset(team, "image", owner=creator)
    stale = Account.objects.get(pk=account.pk)
    connection_removal.remove(Account.objects.get(pk=account.pk), creator)
    with pytest.raises(Refused, match="removed meanwhile"):
        checks.ask(asset=picture, model="emo-detect-v1", chosen={}, account=stale, by=creator)
    assert not Check.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_a_check_is_not_asked_again_through_it(
    team: Team, owner: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = makers.asset(team, "image", owner=owner)
    check = makers.check(picture, account, state=Check.State.FAILED)
    price = checks.price

    def meanwhile(model: str, account: Account) -> prices.Quote:
        connection_removal.remove(Account.objects.get(pk=account.pk), owner)
        return price(model, account)

    monkeypatch.setattr(checks, "price", meanwhile)
    with pytest.raises(Refused, match="removed meanwhile"):
        checks.ask_again(check, owner)
    check.refresh_from_db()
    assert check.state == Check.State.FAILED


def test_no_key_comes_to_it_any_more(
    team: Team, owner: User, north: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was removed while the service was asked about the key."""
    stale = Account.objects.get(pk=north.pk)

    def meanwhile(*args: object) -> Trial:
        connection_removal.remove(Account.objects.get(pk=north.pk), owner)
        return Trial(Account.Health.OK, EMPTY)

    for module in (keys, account_setup):
        monkeypatch.setattr(module, "try_secret", meanwhile)
    with pytest.raises(KeyRefused, match="removed meanwhile"):
        keys.add_key(stale, "sk-another-one-of-the-account", owner)
    with pytest.raises(KeyRefused, match="removed meanwhile"):
        account_setup.move_account(stale, "cn-beijing", "", "", "sk-yet-another-one", owner)
    assert not ApiKey.objects.filter(account=north).exists()


def twin(account: Account, owner: User) -> Account:
    """A connection of another team that shares the lanes of `account`."""
    other = makers.account(Team.start("Others", owner), url=account.base_url, key="sk-theirs-0001")
    Account.objects.filter(pk=other.pk).update(same_as=account)
    other.refresh_from_db()
    return other


def test_who_shared_its_lanes_goes_on(team: Team, owner: User, north: Account) -> None:
    """Another team's connection of the same Alibaba account waits in its queue."""
    theirs, other = twin(north, owner), twin(north, owner)
    lane = Lane.objects.get_or_create(account=north, model="emo-v1")[0]
    job = makers.job(theirs.team, owner, account=theirs, state=State.QUEUED)
    Job.objects.filter(pk=job.pk).update(lane=lane)
    connection_removal.remove(Account.objects.get(pk=north.pk), owner)
    theirs.refresh_from_db()
    other.refresh_from_db()
    assert (theirs.same_as, other.same_as) == (None, theirs)
    job.refresh_from_db()
    assert job.lane.account == theirs


def test_a_removal_that_was_cut_off_is_ended_later(team: Team, owner: User, north: Account) -> None:
    theirs = twin(north, owner)
    lane = Lane.objects.get_or_create(account=north, model="emo-v1")[0]
    job = makers.job(theirs.team, owner, account=theirs, state=State.QUEUED)
    Job.objects.filter(pk=job.pk).update(lane=lane)
    Account.objects.filter(pk=north.pk).update(removed_at=timezone.now())
    shared_accounts.recognise_new()
    theirs.refresh_from_db()
    job.refresh_from_db()
    assert theirs.same_as is None
    assert job.lane.account == theirs
    # What was being sent while it was parted is brought over afterwards
    Job.objects.filter(pk=job.pk).update(lane=lane)
    shared_accounts.recognise_new()
    job.refresh_from_db()
    assert job.lane.account == theirs
    assert north not in shared_accounts.perhaps_same(theirs)


@pytest.mark.parametrize("outcome", ["sending", "uncertain"])
def test_a_task_that_the_service_has_forgotten_keeps_nothing(
    team: Team, owner: User, north: Account, outcome: str
) -> None:
    job = makers.job(team, owner, account=north, state=State.CANCELED)
    began = timezone.now() - timedelta(hours=23)
    sent = Attempt.objects.create(job=job, number=1, began_at=began, outcome=outcome)
    assert connection_removal.hindrances(north)
    Attempt.objects.filter(pk=sent.pk).update(began_at=began - timedelta(hours=2))
    assert not connection_removal.hindrances(north)
    Attempt.objects.filter(pk=sent.pk).update(outcome="late")
    assert connection_removal.hindrances(north)
