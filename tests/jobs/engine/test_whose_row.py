"""A step writes its own row and no other, and asks who may for the person who clicked: questions
about pictures, and videos that are brought home."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.accounts import clients, rate_limit
from jobs.billing import prices
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.download import AlreadyFetching, Stopped
from jobs.engine import archive, checks, result_download
from jobs.engine.archive_lease import Lease
from jobs.models import Account, Check, Job, LedgerEntry
from studio.common import clock
from studio.common.translatable import phrase
from studio.models import Asset, Membership, Team, User
from tests import makers
from tests.jobs.rows import changed, columns
from tests.service import done

pytestmark = pytest.mark.django_db
MODEL = "emo-detect-v1"


@pytest.fixture
def portrait(team: Team) -> Asset:
    return makers.asset(team)


def failed(portrait: Asset, account: Account, **more: Any) -> Check:
    return makers.check(portrait, account, state=Check.State.FAILED, **more)


# ── questions about pictures ──


def test_only_the_question_that_was_clicked_is_asked_again(
    team: Team, account: Account, creator: User
) -> None:
    one, other = (failed(makers.asset(team), account) for _ in range(2))
    before = columns(other)
    checks.ask_again(one, creator)
    assert changed(before, other) == {}


def test_a_question_that_went_on_meanwhile_is_not_asked_again(
    portrait: Asset, account: Account, creator: User
) -> None:
    """Its answer came while somebody looked at an older page."""
    stale = failed(portrait, account)
    Check.objects.filter(pk=stale.pk).update(state=Check.State.PASSED)
    checks.ask_again(stale, creator)
    assert stale.state == Check.State.PASSED
    assert not LedgerEntry.objects.filter(check_asked=stale, attempt=stale.attempt + 1).exists()


def test_another_model_has_an_answer_of_its_own(portrait: Asset, account: Account) -> None:
    """Also where both take the same choice."""
    known = makers.check(portrait, account)
    Check.objects.filter(pk=known.pk).update(choice="", model="wan2.2-s2v-detect")
    chosen: dict[str, Any] = {}
    assert checks.known(asset=portrait, model="wan2.2-s2v-detect", chosen=chosen) == known
    assert checks.known(asset=portrait, model="animate-anyone-detect-gen2", chosen=chosen) is None


def test_the_price_is_that_of_the_region(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    right = prices.quote

    def quote(*args: Any, **more: Any) -> Any:
        asked.append(more)
        return right(*args, **more)

    monkeypatch.setattr(prices, "quote", quote)
    account.region = "ap-southeast-1"
    checks.price(MODEL, account)
    assert asked == [{"currency": account.team.currency, "region": "ap-southeast-1"}]


@pytest.fixture
def named(team: Team, creator: User, owner: User) -> Account:
    """A connection that the creator may use and the owner may not."""
    found = makers.account(team, label="Named")
    Account.objects.filter(pk=found.pk).update(named_only=True)
    found.people.add(Membership.objects.get(team=team, user=creator))
    found.refresh_from_db()
    return found


def test_a_connection_for_named_people_is_asked_by_them(
    portrait: Asset, named: Account, creator: User, owner: User
) -> None:
    given: dict[str, Any] = {"asset": portrait, "model": MODEL, "chosen": {}, "account": named}
    with pytest.raises(Refused, match="Only named people"):
        checks.ask(**given, by=owner)
    assert checks.ask(**given, by=creator).account == named


def test_a_question_is_asked_again_where_its_person_may(
    portrait: Asset, named: Account, creator: User, owner: User, account: Account
) -> None:
    check = failed(portrait, named)
    assert checks.ask_again(check, creator).account == named
    Check.objects.filter(pk=check.pk).update(state=Check.State.FAILED)
    check.refresh_from_db()
    assert checks.ask_again(check, owner).account == account, "one that the owner may use"


def test_the_other_connection_may_be_one_for_named_people(
    portrait: Asset, named: Account, creator: User, team: Team
) -> None:
    """Its own has lost its key."""
    without = makers.account(team, label="Keyless")
    check = failed(portrait, without)
    without.keys.update(active=False)
    Account.objects.exclude(pk__in=(named.pk, without.pk)).delete()
    check = Check.objects.get(pk=check.pk)
    assert checks.ask_again(check, creator).account == named


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_lost_question_settles_its_own_attempt(
    portrait: Asset, account: Account, creator: User, attempt: int
) -> None:
    check = checks.ask(asset=portrait, model=MODEL, chosen={}, account=account, by=creator)
    for _number in range(attempt - 1):
        Check.objects.filter(pk=check.pk).update(state=Check.State.UNCERTAIN)
        check.refresh_from_db()
        checks.ask_again(check, creator)
    checks.book_lost(check)
    settled = LedgerEntry.objects.filter(check_asked=check, kind="settle")
    assert sorted(settled.values_list("attempt", flat=True)) == list(range(1, attempt + 1))


def test_a_picture_that_is_gone_is_not_asked_about_again(
    portrait: Asset, account: Account, creator: User, team: Team
) -> None:
    check = failed(portrait, account)
    Asset.objects.filter(pk=portrait.pk).update(deletion=makers.deletion(team, creator))
    with pytest.raises(Refused, match="was deleted meanwhile"):
        checks.ask_again(Check.objects.get(pk=check.pk), creator)


# ── videos that are brought home ──


@pytest.fixture
def pair(team: Team, creator: User, account: Account) -> list[Job]:
    """Two jobs whose videos are fetched, each with a sentence and an address of its own."""
    jobs = [
        makers.job(
            team,
            creator,
            account=account,
            state=State.ARCHIVING,
            attempt=1,
            task_id=f"task-{n}",
            result_url=f"https://example.com/{n}.mp4",
            sentence=phrase("It is fetched again."),
        )
        for n in range(2)
    ]
    return [Job.objects.get(pk=job.pk) for job in jobs]


def test_another_address_is_written_to_the_job_that_asked(
    pair: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    answer = SimpleNamespace(get=lambda _task: done("t", url="https://example.com/new.mp4"))
    monkeypatch.setattr(clients, "client_for", lambda _account: answer)
    monkeypatch.setattr(rate_limit, "take", lambda *_: None)
    before = columns(other)
    assert result_download.ask_for_address(one) == (True, True)
    one.refresh_from_db()
    assert one.result_url == "https://example.com/new.mp4"
    assert changed(before, other) == {}


def test_a_sentence_goes_from_the_job_whose_video_is_here(
    pair: list[Job], team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    video = makers.asset(team, "video", origin="result")
    monkeypatch.setattr(result_download.file_store, "keep", lambda *_, **__: (video, True))
    before = columns(other)
    part: Any = SimpleNamespace(path=None)
    assert result_download.store(one, part) is None
    one.refresh_from_db()
    assert (one.state, one.sentence) == (State.SUCCEEDED, "")
    assert changed(before, other) == {}


def test_a_job_that_ended_meanwhile_keeps_its_sentence(
    pair: list[Job], team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = pair[0]
    video = makers.asset(team, "video", origin="result")
    monkeypatch.setattr(result_download.file_store, "keep", lambda *_, **__: (video, True))
    Job.objects.filter(pk=job.pk).update(state=State.FAILED, sentence=phrase("It was ended."))
    part: Any = SimpleNamespace(path=None)
    with pytest.raises(archive.Moved):
        result_download.store(job, part)
    job.refresh_from_db()
    assert job.sentence == "It was ended."


def test_a_video_is_kept_in_the_name_of_who_is_in_the_team(
    pair: list[Job], team: Team, creator: User, owner: User, stranger: User
) -> None:
    job = pair[0]
    assert result_download._whose(job) == creator
    job.handed_to = owner
    assert result_download._whose(job) == owner
    job.handed_to = stranger
    assert result_download._whose(job) == creator, "who is in no team of it gets nothing"
    Membership.objects.filter(user=creator, team=team).delete()
    assert result_download._whose(job) is None


@pytest.mark.parametrize(
    ("error", "pause"), [(AlreadyFetching("another one"), 5.0), (Stopped("stopped"), None)]
)
def test_a_video_that_somebody_else_fetches_is_left_for_five_seconds(
    pair: list[Job], monkeypatch: pytest.MonkeyPatch, error: Exception, pause: float | None
) -> None:
    job = pair[0]

    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(archive, "_try", interrupted)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    lease = Lease.take(job.pk)
    assert lease is not None
    archive._bring(lease, lambda: False)
    job.refresh_from_db()
    expected = None if pause is None else now + timedelta(seconds=pause)
    assert (job.lease_until, job.not_before) == (None, expected)


def test_the_lease_is_renewed_while_a_video_is_fetched(
    pair: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[Any] = []
    right = archive.renewing
    monkeypatch.setattr(archive, "renewing", lambda renew: (renewed.append(renew), right(renew))[1])
    monkeypatch.setattr(archive, "again", lambda *_: None)
    lease = Lease.take(pair[0].pk)
    assert lease is not None
    archive._bring(lease, lambda: False)
    assert renewed == [lease.renew]
