"""Trouble of one model, too fast, rows of one Alibaba account, and all of it with the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from jobs.accounts import health
from jobs.catalogue import entries
from jobs.common.states import Code
from jobs.models import Account, Job, Lane
from jobs.modelstudio import ModelGone, NotSent, OurFault
from studio.models import Team, User
from tests import makers
from tests.jobs.accounts.health.scene import minutes, over, refusal
from tests.jobs.tinystudio import OTHER, Service

# ── one model ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("quota", "free quota for animate-anyone"),
        ("budget", "What the console allots"),
        ("access", "may not use wan2.2-s2v"),
    ],
)
def test_a_quota_a_budget_and_a_right_stop_one_model_only(
    north: Account, mails: list[Any], reason: str, says: str
) -> None:
    model = "animate-anyone-gen2" if reason == "quota" else "wan2.2-s2v"
    lane = Lane.objects.create(account=north, model=model)
    other = Lane.objects.create(account=north, model="emo-v1")
    for _ in range(2):
        assert says in health.trouble(north, refusal(reason), model)
    lane.refresh_from_db()
    other.refresh_from_db()
    assert (lane.health, lane.troubles, other.health) == (reason, 1, "ok")
    assert 4.4 < minutes(lane.paused_until) < 5.6
    assert not other.paused()
    row = Account.objects.get(pk=north.pk)
    assert (row.health, row.paused_until) == ("ok", None)
    assert health.why(row, lane)[0] == Code.ACCOUNT_PAUSED
    assert len(mails) == 1
    assert health.first_only(lane)
    health.works(north, "emo-v1")
    lane.refresh_from_db()
    assert lane.paused(), "another model's success says nothing of this one"
    health.works(north, model)
    lane.refresh_from_db()
    assert (lane.health, lane.troubles, lane.paused_until, lane.paused_text) == ("ok", 0, None, "")
    assert len(mails) == 2
    assert "again" in mails[1][1]


def test_a_sentence_of_a_lane_names_no_account(north: Account, mails: list[Any]) -> None:
    """Lanes may be shared by two teams."""
    for reason in ("quota", "budget", "access"):
        assert north.label not in health.trouble(north, refusal(reason), "wan2.2-s2v")


def test_trouble_of_a_model_without_a_lane_is_only_told(north: Account, mails: list[Any]) -> None:
    assert "free quota" in health.trouble(north, refusal("quota"), "emo-detect-v1")
    assert Account.objects.get(pk=north.pk).health == "ok"
    assert mails == []


def test_a_model_that_is_gone_rests_up_to_a_day_and_names_its_successor(
    team: Team, owner: User, north: Account, lane: Lane, mails: list[Any]
) -> None:
    rests = []
    for _ in range(9):
        said = health.gone(
            north, ModelGone("ModelNotFound", "Model can not be found.", "r", 404), "emo-v1"
        )
        lane.refresh_from_db()
        rests.append(minutes(lane.paused_until))
        over(north)
    assert rests[:7] == sorted(rests[:7])
    assert rests[0] < 12
    assert 21 * 60 < rests[-1] <= 24 * 60
    assert "wan2.2-s2v" in said
    assert "10 October 2026" in said
    assert (lane.health, len(mails)) == ("gone", 1)
    job = makers.job(
        team,
        owner,
        account=north,
        code=Code.MODEL_GONE,
        not_before=timezone.now() + timedelta(hours=1),
    )
    assert health.why(
        north,
        Lane(
            account=north,
            model="emo-v1",
            health="gone",
            paused_until=job.not_before,
            paused_text=said,
        ),
    ) == (
        Code.MODEL_GONE,
        said,
    )
    health.works(north, "emo-v1")
    job.refresh_from_db()
    assert job.not_before is None
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_a_refusal_after_the_retirement_date_means_that_it_is_gone(
    north: Account, lane: Lane, mails: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    not_found = OurFault("NotFound", "Not found", "r", 404)
    assert health.is_gone(not_found, "emo-v1")
    assert health.is_gone(ModelGone("ModelNotFound"), "wan2.2-s2v")
    assert not health.is_gone(not_found, "wan2.2-s2v"), "it has no date"
    assert not health.is_gone(OurFault("InvalidParameter", "Field required", "r", 400), "emo-v1")
    health.trouble(north, refusal("access"), "emo-v1")
    lane.refresh_from_db()
    assert lane.health == "gone"
    Lane.objects.update(health="ok", paused_until=None, troubles=0)
    monkeypatch.setattr(
        "django.utils.timezone.now", lambda: datetime(2026, 10, 9, 15, 0, tzinfo=UTC)
    )
    health.trouble(north, refusal("access"), "emo-v1")
    lane.refresh_from_db()
    assert lane.health == "access", "an hour before the date it is a matter of rights"
    assert "retire" not in health.gone_sentence("emo-v1")


def test_every_model_has_words_for_its_end() -> None:
    for name, spec in entries.MODELS.items():
        said = health.gone_sentence(name)
        assert name in said
        assert all(successor in said for successor in spec.successors)
        assert said.endswith(".")
        assert len(said) <= 300, "it has to fit the column"


# ── too fast ──────────────────────────────────────────────────────────────────────────────────────


def test_a_request_to_slow_down_rests_the_lane_for_as_long_as_asked(
    north: Account, lane: Lane, mails: list[Any]
) -> None:
    assert health.throttled(north, "emo-v1", 17.0) == 17.0
    lane.refresh_from_db()
    assert 16 < minutes(lane.paused_until) * 60 <= 17
    assert (lane.health, lane.get_health_display()) == ("throttled", "slowed down")
    assert health.why(north, lane)[0] == Code.BACKING_OFF
    assert Account.objects.get(pk=north.pk).health == "ok"
    health.works(north, "emo-v1")
    lane.refresh_from_db()
    assert (lane.health, lane.troubles) == ("ok", 0)
    assert mails == []


def test_without_a_word_how_long_the_rest_grows_to_a_minute(
    north: Account, lane: Lane, mails: list[Any]
) -> None:
    rests = [health.throttled(north, "emo-v1", None) for _ in range(12)]
    assert rests[0] < 2
    assert all(1 <= rest <= 60 for rest in rests)
    assert min(rests[7:]) > 30
    assert len(set(rests[7:])) > 1 or rests[-1] == 60


@pytest.mark.parametrize(("asked", "rest"), [(0.0, 1.0), (1e12, 3600.0)])
def test_nonsense_from_the_service_neither_hammers_nor_stops_it_for_ever(
    north: Account, lane: Lane, mails: list[Any], asked: float, rest: float
) -> None:
    assert health.throttled(north, "emo-v1", asked) == rest


def test_slowing_down_does_not_hide_a_graver_trouble(
    north: Account, lane: Lane, mails: list[Any]
) -> None:
    health.trouble(north, refusal("quota"), "emo-v1")
    health.throttled(north, "emo-v1", 5.0)
    lane.refresh_from_db()
    assert (lane.health, lane.troubles) == ("quota", 1)
    Lane.objects.update(health="throttled", troubles=6, paused_until=None)
    health.trouble(north, refusal("quota"), "emo-v1")
    lane.refresh_from_db()
    assert (lane.health, lane.troubles) == ("quota", 1), "the rests of another kind do not count"


# ── rows of one Alibaba account ───────────────────────────────────────────────────────────────────


@pytest.fixture
def twin(north: Account, stranger: User, service: Service) -> Account:
    """The same Alibaba account in another team."""
    made = makers.account(stranger.teams.get(), url=service.url, label="Secret name", key=OTHER)
    Account.objects.filter(pk=made.pk).update(same_as=north)
    return Account.objects.get(pk=made.pk)


def test_a_debt_is_the_matter_of_every_row_and_each_team_reads_its_own_name(
    north: Account, twin: Account, lane: Lane, mails: list[Any]
) -> None:
    said = health.trouble(twin, refusal("arrears"), "emo-v1")
    assert [row.health for row in Account.objects.order_by("pk")] == ["arrears", "arrears"]
    assert {(team, "Secret name" in text, "North" in text) for team, _, text in mails} == {
        (north.team, False, True),
        (twin.team, True, False),
    }
    assert "North" not in Account.objects.get(pk=twin.pk).health_text
    assert "Secret name" in said
    over(north)
    health.works(over(twin), "emo-v1")
    assert [row.health for row in Account.objects.order_by("pk")] == ["ok", "ok"]


def test_a_refused_key_is_the_matter_of_its_own_row(
    north: Account, twin: Account, mails: list[Any]
) -> None:
    health.trouble(twin, refusal("key"), "emo-v1")
    assert [row.health for row in Account.objects.order_by("pk")] == ["ok", "key"]


def test_trouble_of_a_model_rests_the_lane_that_they_share(
    north: Account, twin: Account, lane: Lane, mails: list[Any]
) -> None:
    own = Lane.objects.create(account=twin, model="emo-v1")
    health.trouble(twin, refusal("quota"), "emo-v1")
    lane.refresh_from_db()
    own.refresh_from_db()
    assert (lane.health, own.health) == ("quota", "ok")
    assert all(("Secret name" in subject) == (team == twin.team) for team, subject, _ in mails)
    health.works(twin, "emo-v1")
    lane.refresh_from_db()
    assert lane.health == "ok"


@pytest.mark.django_db(transaction=True)
def test_two_visitors_at_once_tell_the_owners_once(
    mails: list[Any], owner: User, team: Team
) -> None:
    account = makers.account(team)
    Lane.objects.create(account=account, model="emo-v1")
    start = threading.Barrier(2)

    def run(what: Callable[[], Any]) -> threading.Thread:
        def body() -> None:
            start.wait()
            try:
                # SQLite's database in memory answers "locked" at once where one on disk waits.
                while True:
                    try:
                        return what()
                    except OperationalError:
                        time.sleep(0.01)
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        thread.start()
        return thread

    for reason in ("arrears", "quota"):
        rows = [Account.objects.select_related("team").get(pk=account.pk) for _ in range(2)]
        for thread in [
            run(partial(health.trouble, row, refusal(reason), "emo-v1")) for row in rows
        ]:
            thread.join(10)
    assert len(mails) == 2
    assert Account.objects.get(pk=account.pk).troubles == 1


@pytest.mark.parametrize("reason", ["arrears", "quota"])
@pytest.mark.django_db(transaction=True)
def test_a_visitor_that_is_cut_off_after_noting_the_trouble_leaves_it_to_the_next_to_tell(
    owner: User, team: Team, reason: str
) -> None:
    account = makers.account(team)
    Lane.objects.create(account=account, model="emo-v1")
    cut: list[str] = []

    def away(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"studio_user"' in sql and not cut:
            cut.append(sql)
            raise OperationalError("cut off")
        return execute(sql, params, many, context)

    def trouble() -> None:
        health.trouble(
            Account.objects.select_related("team").get(pk=account.pk), refusal(reason), "emo-v1"
        )

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        trouble()
    assert cut
    assert mail.outbox == []
    for _again in range(2):
        trouble()
    assert [letter.to for letter in mail.outbox] == [[owner.email]]


def test_a_network_error_is_no_trouble_of_the_account() -> None:
    assert not health.is_gone(NotSent("ConnectionFailed", "x"), "emo-v1")
