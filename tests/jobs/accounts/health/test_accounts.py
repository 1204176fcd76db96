"""The whole account in trouble: what stops, for how long, who is told; the free probe; more than
one key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.accounts import choice, clients, health
from jobs.common.states import Code
from jobs.models import Account, ApiKey, Lane
from jobs.modelstudio import AccountTrouble
from studio.models import Team, User
from tests import makers
from tests.jobs.accounts.health.scene import minutes, over, refusal
from tests.jobs.tinystudio import BAD, GOOD, OTHER, Service, dead_url

# ── the whole account ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "says"),
    [("key", "refuses the API key of North"), ("arrears", "North has a payment due")],
)
def test_a_refused_key_and_a_debt_stop_the_account(
    north: Account, lane: Lane, mails: list[Any], reason: str, says: str
) -> None:
    assert says in health.trouble(north, refusal(reason), "emo-v1")
    row = Account.objects.get(pk=north.pk)
    assert (row.health, row.troubles) == (reason, 1)
    assert says in row.health_text
    assert row.paused()
    assert north.paused(), "the object in hand knows it too"
    lane.refresh_from_db()
    assert (lane.health, lane.paused_until) == ("ok", None)
    assert health.why(row, lane) == (Code.ACCOUNT_PAUSED, row.health_text)
    assert health.until(row, lane) == row.paused_until


def test_rests_grow_and_begin_anew_after_success(
    north: Account, lane: Lane, mails: list[Any]
) -> None:
    rests = []
    account = north
    for _ in range(6):
        health.trouble(account, refusal("arrears"), "emo-v1")
        rests.append(minutes(Account.objects.get(pk=north.pk).paused_until))
        account = over(account)
    for rest, expected in zip(rests, (5, 10, 20, 40, 60, 60), strict=True):
        assert 0.89 * expected < rest < 1.11 * expected
    health.works(account, "emo-v1")
    health.trouble(account, refusal("arrears"), "emo-v1")
    assert minutes(Account.objects.get(pk=north.pk).paused_until) < 6


def test_rests_of_many_do_not_end_together(north: Account, mails: list[Any]) -> None:
    ends = set()
    for _ in range(5):
        Account.objects.update(health="ok", paused_until=None, troubles=0)
        health.trouble(Account.objects.get(pk=north.pk), refusal("key"), "emo-v1")
        ends.add(round(minutes(Account.objects.get(pk=north.pk).paused_until), 2))
    assert len(ends) > 1


def test_a_refusal_that_many_lanes_hear_counts_once(north: Account, mails: list[Any]) -> None:
    stale = [Account.objects.get(pk=north.pk) for _ in range(4)]
    for account in stale:
        health.trouble(account, refusal("arrears"), "emo-v1")
        assert account.paused()
    assert Account.objects.get(pk=north.pk).troubles == 1
    assert len(mails) == 1


def test_owners_get_one_mail_when_it_stops_and_one_when_it_is_well(
    north: Account, lane: Lane, mails: list[Any]
) -> None:
    account = north
    for _ in range(4):
        health.trouble(account, refusal("arrears"), "emo-v1")
        account = over(account)
    assert [(team, subject) for team, subject, _ in mails] == [(north.team, "North: payment due")]
    assert "Waiting jobs are kept" in mails[0][2]
    assert f"/keys/accounts/{north.public_id}/" in mails[0][2]
    for _ in range(3):
        health.works(account, "emo-v1")
    assert [subject for _, subject, _ in mails[1:]] == ["North works again"]
    health.trouble(account, refusal("arrears"), "emo-v1")
    assert len(mails) == 3, "a new trouble is news again"


def test_success_of_a_well_account_writes_nothing(
    north: Account, lane: Lane, mails: list[Any], django_assert_max_num_queries: Any
) -> None:
    wakeups = Lane.objects.get(pk=lane.pk).wakeups
    with django_assert_max_num_queries(1):
        health.works(north, "emo-v1")
    assert Lane.objects.get(pk=lane.pk).wakeups == wakeups
    assert mails == []


def test_success_lets_the_waiting_jobs_go_at_once(
    team: Team, owner: User, north: Account, lane: Lane, mails: list[Any]
) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = makers.job(team, owner, account=north, code=Code.ACCOUNT_PAUSED, not_before=later)
    own_reason = makers.job(team, owner, account=north, code=Code.BACKING_OFF, not_before=later)
    health.trouble(north, refusal("arrears"), "emo-v1")
    health.works(over(north), "emo-v1")
    waiting.refresh_from_db()
    own_reason.refresh_from_db()
    lane.refresh_from_db()
    assert waiting.not_before is None
    assert own_reason.not_before == later
    assert lane.wakeups >= 1
    assert lane.next_visit_at is not None


def test_the_first_success_of_an_untried_account_is_no_news(team: Team, mails: list[Any]) -> None:
    account = makers.account(team)
    Account.objects.filter(pk=account.pk).update(health="untried", health_text="No answer yet.")
    account.refresh_from_db()
    assert not health.first_only(Lane(account=account, model="emo-v1"))
    health.works(account, "emo-v1")
    row = Account.objects.get(pk=account.pk)
    assert (row.health, row.health_text) == ("ok", "")
    assert mails == []


def test_a_good_look_proves_the_key_and_nothing_else(north: Account, mails: list[Any]) -> None:
    """GETs answer although a payment is due, so a look must not let everything go."""
    health.trouble(north, refusal("arrears"), "emo-v1")
    health.key_works(north)
    assert Account.objects.get(pk=north.pk).health == "arrears"
    Account.objects.update(health="ok", paused_until=None, notified_at=None)
    north.refresh_from_db()
    health.trouble(north, refusal("key"), "emo-v1")
    health.key_works(north)
    assert Account.objects.get(pk=north.pk).health == "ok"
    assert mails[-1][1] == "North works again"


def test_while_it_gets_well_one_job_is_tried(north: Account, lane: Lane, mails: list[Any]) -> None:
    assert not health.first_only(lane)
    health.trouble(north, refusal("arrears"), "emo-v1")
    account = over(north)
    lane = Lane.objects.select_related("account").get(pk=lane.pk)
    assert health.first_only(lane)
    assert health.why(account, lane) == (Code.NONE, "")
    health.works(account, "emo-v1")
    assert not health.first_only(Lane.objects.select_related("account").get(pk=lane.pk))


# ── the free probe ────────────────────────────────────────────────────────────────────────────────


def test_a_refused_key_is_probed_before_any_job(
    north: Account, service: Service, mails: list[Any]
) -> None:
    assert not health.due_probe(north)
    service.good.clear()
    health.trouble(north, refusal("key"), "emo-v1")
    assert not health.due_probe(north), "not while it rests"
    account = over(north)
    assert health.due_probe(account)
    assert not health.probe(account)
    assert account.paused()
    assert Account.objects.get(pk=north.pk).troubles == 2
    service.good.add(GOOD)
    account = over(account)
    assert health.probe(account)
    row = Account.objects.get(pk=north.pk)
    assert (row.health, row.paused_until, row.troubles, row.notified_at) == ("ok", None, 0, None)
    assert [subject for _, subject, _ in mails] == ["North: key refused", "North works again"]


def test_a_silent_probe_says_nothing(team: Team, mails: list[Any]) -> None:
    account = makers.account(team, url=dead_url(), key=GOOD)
    health.trouble(account, refusal("key"), "emo-v1")
    account = over(account)
    assert not health.probe(account)
    row = Account.objects.get(pk=account.pk)
    assert (row.health, row.troubles) == ("key", 1)
    assert minutes(row.paused_until) < 1.5


def test_a_probe_that_finds_a_debt_goes_on_as_a_debt(
    north: Account, service: Service, mails: list[Any]
) -> None:
    health.trouble(north, refusal("key"), "emo-v1")
    account = over(north)
    service.answer = (
        400,
        "application/json",
        '{"code": "Arrearage", "message": "not in good standing"}',
    )
    assert not health.probe(account)
    assert Account.objects.get(pk=north.pk).health == "arrears"


def test_an_account_without_keys_is_probed_without_harm(north: Account, mails: list[Any]) -> None:
    north.keys.update(active=False)
    health.trouble(north, refusal("key"), "emo-v1")
    assert not health.probe(over(north))
    assert Account.objects.get(pk=north.pk).paused()


# ── more than one key ─────────────────────────────────────────────────────────────────────────────


def test_when_the_newest_key_is_refused_the_other_one_is_used(
    north: Account, service: Service, mails: list[Any]
) -> None:
    newest = ApiKey.make(north, BAD)
    newest.save()
    with pytest.raises(AccountTrouble) as refused:
        clients.client_for(north).get("task-1")
    assert refused.value.key_id == newest.pk
    said = health.trouble(north, refused.value, "emo-v1")
    assert "another key of it is used" in said
    assert clients.client_for(north).get("task-1").unknown
    row = Account.objects.get(pk=north.pk)
    assert (row.health, row.paused_until) == ("ok", None)
    assert row.health_text == said
    assert [subject for _, subject, _ in mails] == ["North: a key is refused"]
    # A second refusal that was under way with the same key is not taken for one of the key that
    # works.
    health.trouble(north, refused.value, "emo-v1")
    assert not Account.objects.get(pk=north.pk).paused()
    assert clients.client_for(north).get("task-1").unknown
    assert len(mails) == 1
    health.works(Account.objects.get(pk=north.pk), "emo-v1")
    assert Account.objects.get(pk=north.pk).health_text == said, (
        "an order with the other key does not prove the newest one"
    )


def test_the_account_stops_when_no_key_is_left(
    north: Account, service: Service, mails: list[Any]
) -> None:
    ApiKey.make(north, OTHER).save()
    service.good.clear()
    for _ in range(2):
        with pytest.raises(AccountTrouble) as refused:
            clients.client_for(north).get("task-1")
        health.trouble(north, refused.value, "emo-v1")
    row = Account.objects.get(pk=north.pk)
    assert row.health == "key"
    assert row.paused()
    service.good.add(GOOD)
    assert health.probe(over(north))
    assert clients.client_for(north).get("task-1").unknown


def test_a_refused_key_gets_another_chance_after_a_while(
    north: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = ApiKey.make(north, OTHER)
    newest.save()
    assert clients.client_for(north).key_id == newest.pk
    assert choice.refused(north, newest.pk)
    assert clients.client_for(north).key_id != newest.pk
    monkeypatch.setattr(
        "jobs.accounts.choice.time.monotonic", lambda: choice._refused[newest.pk] + 1
    )
    assert clients.client_for(north).key_id == newest.pk


def test_a_key_that_cannot_be_read_is_passed_over(north: Account) -> None:

    newest = ApiKey.make(north, OTHER)
    newest.save()
    with connection.cursor() as cursor:
        cursor.execute("update jobs_apikey set secret = 'not a token' where id = %s", [newest.pk])
    assert clients.client_for(north).key_id != newest.pk
    with connection.cursor() as cursor:
        cursor.execute("update jobs_apikey set secret = 'not a token'")
    clients._clients.clear()
    with pytest.raises(clients.NoKey, match="FIELD_KEYS"):
        clients.client_for(north)


def test_one_client_per_key_and_address(north: Account) -> None:
    first = clients.client_for(north)
    assert clients.client_for(Account.objects.get(pk=north.pk)) is first
    north.base_url = "http://127.0.0.1:9/api/v1"
    assert clients.client_for(north) is not first
