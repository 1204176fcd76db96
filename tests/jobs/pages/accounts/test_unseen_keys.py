"""A creator uses a key without ever seeing it: no page, error, export or row has even its last four
letters."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from jobs.accounts import key_expiry
from jobs.billing import ledger
from jobs.models import Account, Job
from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import Team, User
from tests import makers
from tests.jobs.tinystudio import OTHER, Service
from tests.test_access import ADDRESSES, MARK, _address, made

__all__ = ["made"]

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
SECRET = "sk-wq7z-seldom-letters-9Qx7"
LAST4 = SECRET[-4:]


@pytest.fixture
def used(team: Team, owner: User, creator: User) -> Account:
    """A connection whose key has made something, was refused, and is about to expire."""
    account = makers.account(team, label="North-1", key=SECRET)
    key = account.keys.get()
    with transaction.atomic():
        record(Event.KEY_ADDED, team=team, by=owner, about="North-1", after={"last4": LAST4})
    key_expiry.note(key, key_expiry.today_of(team), owner)
    job = makers.job(team, creator, account=account, state="succeeded")
    makers.sent(job, key)
    ledger.settle(job, Decimal(4), "1:1")
    makers.job(team, creator, account=account, state="failed")
    makers.job(team, creator, account=account)
    Account.objects.filter(pk=account.pk).update(
        health="key", health_text="The service refuses the key."
    )
    return account


def seen(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def test_no_address_shows_a_creator_a_key(
    team: Team, creator: User, used: Account, made: dict[str, Any], client_of: ClientOf
) -> None:
    client = client_of(creator)
    job = Job.objects.filter(state="succeeded").get()
    picture = job.inputs.get(name="image_url").asset
    made |= {"asset": picture, "job": job, "account": used}
    asked = 0
    for name, path, entry in ADDRESSES:
        if getattr(entry.callback, MARK) == "public" or name == "live":
            continue
        address = _address(name, entry, path, made)
        for method in ("get", "post"):
            with transaction.atomic():
                answer = getattr(client, method)(address)
                page = seen(answer).decode(errors="replace")
                transaction.set_rollback(True)
            asked += answer.status_code < 400
            assert LAST4 not in page, (method, name)
            assert SECRET not in page, (method, name)
            assert used.keys.get().fingerprint not in page, (method, name)
    assert asked > 20


def test_a_manager_does_see_the_last_four(
    team: Team, owner: User, used: Account, client_of: ClientOf
) -> None:
    """What the test above looks for is there to be found."""
    page = client_of(owner).get(reverse("jobs:keys", args=[team.slug])).content.decode()
    assert LAST4 in page
    assert SECRET not in page


def test_refusals_that_a_creator_reads_name_no_key(
    team: Team, creator: User, used: Account, client_of: ClientOf
) -> None:
    used.keys.update(active=False)
    client = client_of(creator)
    for page in ("portrait", "dance", "batch"):
        said = client.get(reverse(f"jobs:{page}", args=[team.slug])).content.decode()
        assert LAST4 not in said
    job = Job.objects.filter(state="failed").get()
    door = reverse("jobs:again", args=[team.slug, job.public_id])
    assert LAST4 not in client.post(door, {"key": "a" * 32}, follow=True).content.decode()


def test_who_may_only_add_a_connection_reads_no_key_back(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    Team.objects.filter(pk=team.pk).update(creators_connect=True)
    service, client = Service(), client_of(creator)
    try:
        given = {"label": "Mine", "region": "cn-beijing", "secret": OTHER, "base_url": service.url}
        answer = client.post(reverse("jobs:account_new", args=[team.slug]), given, follow=True)
    finally:
        service.close()
    assert team.accounts.get().keys.get().last4 == OTHER[-4:]
    page = answer.content.decode()
    assert OTHER not in page
    assert not re.search(rf"…{OTHER[-4:]}|•{OTHER[-4:]}", page)
    assert client.get(reverse("jobs:keys", args=[team.slug])).status_code == 403


def test_what_is_known_of_a_creator_has_no_key(
    team: Team, creator: User, used: Account, client_of: ClientOf
) -> None:
    with transaction.atomic():
        record(
            Event.CONNECTION_ADDED,
            team=team,
            by=creator,
            about="North-1",
            after={"region": "cn-beijing", "last4": LAST4},
        )
    answer = client_of(creator).post(reverse("personal_data"), {"do": "export"})
    whole = zipfile.ZipFile(BytesIO(seen(answer)))
    everything = "".join(whole.read(name).decode(errors="replace") for name in whole.namelist())
    assert "North-1" in everything
    assert LAST4 not in everything
    assert SECRET not in everything
