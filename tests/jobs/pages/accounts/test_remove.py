"""A connection is removed: never from under what needs it, and what was made stays."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.accounts import choice
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import restored
from jobs.models import Account, ApiKey, Attempt, Check, Job, Template
from jobs.orders import connection_removal, create, plan
from jobs.orders.order_request import OrderRequest
from studio.audit.events import Event
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
