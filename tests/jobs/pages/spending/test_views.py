"""The spend page: right sums, the right rows for each role, and a CSV that adds up to the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from jobs.billing import budget, ledger, periods, prices
from jobs.catalogue import entries
from jobs.models import Account, Budget, Job, Price
from jobs.pages.spending import chart as spendchart
from jobs.pages.spending import csv_export
from jobs.pages.spending.views import prices_in_force
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]


def at(team: Team, query: str = "") -> str:
    return reverse("jobs:spend", args=[team.slug]) + query


def page(client: Client, team: Team, query: str = "") -> str:
    response = client.get(at(team, query))
    assert response.status_code == 200
    return str(response.content.decode())


def check_of(team: Team, owner: User, account: Account) -> None:
    """A check of a picture, held and settled."""
    check = makers.check(makers.asset(team), account, asked_by=owner)
    quote = prices.quote(entries.get(check.model), "", Decimal(1), currency=team.currency)
    with transaction.atomic():
        ledger.hold(check, quote, team, owner)
    ledger.settle(check, Decimal(1), "")


@pytest.fixture
def spent(team: Team, owner: User, creator: User, account: Account) -> dict[str, Job]:
    """Chidi: 10 s of 1:1 settled, one check. Aiko: 4 s settled in 3:4, one failed, one held."""
    done = makers.job(team, creator, account=account, title="Opening words", milliseconds=10_000)
    ledger.settle(done, Decimal(10), "1:1")
    tall = makers.job(team, owner, account=account, title="Tall", chosen={"ratio": "3:4"})
    ledger.settle(tall, Decimal(4), "3:4")
    failed = makers.job(team, owner, account=account, title="Failed one")
    ledger.release(failed, note="refused")
    held = makers.job(team, owner, account=account, title="Waiting one")
    check_of(team, creator, account)
    return {"done": done, "tall": tall, "failed": failed, "held": held}


SETTLED = 10 * 11_469 + 4 * 22_937 + 574
HELD = 4 * 11_469


def test_totals_and_people(
    team: Team, owner: User, client_of: ClientOf, spent: dict[str, Job]
) -> None:
    response = client_of(owner).get(at(team))
    context = response.context
    assert (context["status"].settled, context["status"].held) == (SETTLED, HELD)
    totals = context["totals"]
    assert (
        totals["jobs"],
        totals["checks"],
        totals["released"],
        totals["waiting"],
        totals["seconds"],
    ) == (2, 1, 1, 1, Decimal(14))
    rows = {row["spend"].member.email: row["spend"] for row in context["people"]}
    assert rows["chidi@example.com"].settled == 10 * 11_469 + 574
    assert (rows["aiko@example.com"].settled, rows["aiko@example.com"].held) == (4 * 22_937, HELD)
    assert sum(row["settled"] for row in context["models"]) == SETTLED
    text = response.content.decode()
    assert "$0.2070" in text
    assert "0.115264" in text
    assert "UTC" in text


def test_each_role_sees_what_it_may(
    team: Team,
    owner: User,
    admin: User,
    creator: User,
    viewer: User,
    stranger: User,
    client_of: ClientOf,
    spent: dict[str, Job],
) -> None:
    whole = page(client_of(admin), team)
    assert "Aiko" in whole
    assert "Opening words" in whole
    assert "Tall" in whole
    own = page(client_of(creator), team)
    assert "Opening words" in own
    assert "Aiko" not in own
    assert "Tall" not in own
    assert "$0.2070" in own, "the team's total"
    assert "$0.1153" in own, "their own"
    totals = page(client_of(viewer), team)
    assert "$0.2070" in totals
    assert "Chidi" not in totals
    assert "Opening words" not in totals
    assert "format=csv" not in totals
    assert client_of(viewer).get(at(team, "?format=csv")).status_code == 403
    assert client_of(stranger).get(at(team)).status_code == 404
    assert Client().get(at(team)).status_code == 302
    assert client_of(owner).post(at(team)).status_code == 405


def test_another_team_is_never_counted(
    team: Team, owner: User, stranger: User, client_of: ClientOf, spent: dict[str, Job]
) -> None:
    other = stranger.teams.get()
    job = makers.job(other, stranger, title="Not ours")
    ledger.settle(job, Decimal(4), "1:1")
    response = client_of(owner).get(at(team))
    assert response.context["status"].settled == SETTLED
    assert "Not ours" not in response.content.decode()


def test_the_limit_what_is_left_and_what_it_buys(
    team: Team, owner: User, creator: User, client_of: ClientOf, spent: dict[str, Job]
) -> None:
    Budget.objects.create(team=team, micros=1_000_000)
    Budget.objects.create(team=team, member=creator, micros=200_000)
    response = client_of(creator).get(at(team))
    left = 1_000_000 - SETTLED - HELD
    assert response.context["left"] == left
    assert response.context["videos"] == [("1:1", left // 11_469), ("3:4", left // 22_937)]
    text = response.content.decode()
    assert "$0.74" in text, "rounded down from 0.7471"
    assert "Yours, left of $0.20" in text
    assert f'width="{round(100 * SETTLED / 1_000_000, 1):g}"' in text
    assert 'style="' not in text


def test_months_are_walked_and_nonsense_gets_a_sentence(
    team: Team, owner: User, client_of: ClientOf, spent: dict[str, Job], monkeypatch: Any
) -> None:
    client = client_of(owner)
    month = periods.month_of(team)
    before = date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
    old = page(client, team, f"?month={before:%Y-%m}")
    assert f"{before:%B %Y}" in old
    assert "Nothing is charged" in old
    assert f"?month={month:%Y-%m}" in old
    for nonsense in ("2026-13", "x", "2026-11-01", "0000-01", "<script>", "99999-01"):
        assert "is no month" in page(client, team, f"?month={nonsense}"), nonsense
    assert "<script>alert" not in page(client, team, "?month=<script>alert")
    assert "has not begun" in page(client, team, "?month=9998-01")
    assert "Spend" in page(client, team, "?before=abc")
    assert "Spend" in page(client, team, f"?before={'9' * 30}")


def test_an_empty_month_has_no_chart_and_no_error(
    team: Team, viewer: User, owner: User, client_of: ClientOf
) -> None:
    for person in (viewer, owner):
        assert "Nothing is charged" in page(client_of(person), team)


def test_the_ledger_is_paged_by_id(
    team: Team, owner: User, client_of: ClientOf, account: Account
) -> None:
    for number in range(60):
        ledger.adjust(team, 1, f"line {number:02d}", owner, member=owner)
    client = client_of(owner)
    first = client.get(at(team))
    assert first.context["count"] == 60
    assert [entry.note[-7:] for entry in first.context["entries"]] == [
        f"line {number:02d}" for number in range(59, 9, -1)
    ]
    second = client.get(at(team, first.context["older_url"].split("#")[0]))
    assert [entry.note[-7:] for entry in second.context["entries"]] == [
        f"line {number:02d}" for number in range(9, -1, -1)
    ]
    assert not second.context["older_url"]
    assert second.context["newest_url"]


def test_queries_do_not_grow_with_the_ledger(
    team: Team,
    owner: User,
    client_of: ClientOf,
    account: Account,
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(12):
        makers.job(team, owner, account=account)
    client = client_of(owner)
    with django_assert_max_num_queries(20):
        client.get(at(team))


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────


def lines(client: Client, team: Team, query: str = "?format=csv") -> list[dict[str, str]]:
    response = client.get(at(team, query))
    assert response["Content-Type"].startswith("text/csv")
    assert (
        response["Content-Disposition"]
        == f'attachment; filename="footlight-{team.slug}-{periods.month_of(team):%Y-%m}.csv"'
    )
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]


def test_the_csv_adds_up_to_the_page(
    team: Team, owner: User, creator: User, client_of: ClientOf, spent: dict[str, Job]
) -> None:
    rows = lines(client_of(owner), team)
    assert sum(Decimal(row["charged"]) for row in rows) * 1_000_000 == SETTLED
    assert sum(Decimal(row["reserved"]) for row in rows) * 1_000_000 == HELD
    assert [row["kind"] for row in rows[:2]] == ["reserved", "charged"]
    assert rows[1]["reserved"] == "-0.114690"
    assert rows[1]["price per unit"] == "0.011469"
    assert {row["person"] for row in lines(client_of(creator), team)} == {"chidi@example.com"}


@pytest.mark.parametrize(
    "title", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx"]
)
def test_no_cell_begins_a_formula(
    team: Team, owner: User, client_of: ClientOf, account: Account, title: str
) -> None:
    makers.job(team, owner, account=account, title=title)
    (row,) = lines(client_of(owner), team)
    assert row["name"] == "'" + title


def test_cells_with_quotes_commas_and_lines_stay_one_cell(
    team: Team, owner: User, client_of: ClientOf, account: Account
) -> None:
    title = 'A "quoted", name\nwith ‮ two lines'
    makers.job(team, owner, account=account, title=title)
    (row,) = lines(client_of(owner), team)
    assert row["name"] == title


def test_amounts_are_exact() -> None:
    assert csv_export.amount_cell(9_007_199_254_740_993) == "9007199254.740993"
    assert csv_export.amount_cell(-1) == "-0.000001"
    assert csv_export.amount_cell(None) == ""


# ── prices and drawing ────────────────────────────────────────────────────────────────────────────


def test_the_price_list_shows_what_is_in_force_and_what_comes(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    base = {
        "model": "emo-v1",
        "variant": "1:1",
        "unit": "second",
        "currency": "USD",
        "source": "a letter",
    }
    Price.objects.create(**base, micros=12_000, effective_from=date(2026, 1, 1))
    Price.objects.create(**base, micros=99_000, effective_from=date(2999, 1, 1), inferred=True)
    rows = [
        row
        for row in prices_in_force(team)
        if (row["price"].model, row["price"].variant) == ("emo-v1", "1:1")
    ]
    assert [(row["price"].micros, row["coming"]) for row in rows] == [
        (12_000, False),
        (99_000, True),
    ]
    text = page(client_of(owner), team)
    assert "0.012000" in text
    assert "a letter" in text
    assert "from 1 Jan 2999" in text
    assert "0.011469 / s</td>" in text, "the dance still has its own price"
    assert "Worked out from another price" in text


def test_the_chart_puts_every_cent_on_a_day(
    team: Team, owner: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = date(2026, 2, 1)
    days = {
        datetime(2026, 2, 3, 12, tzinfo=UTC): 100_000,
        datetime(2026, 2, 28, 23, 59, tzinfo=UTC): 50_000,
        datetime(
            2026, 3, 2, tzinfo=UTC
        ): 25_000,  # settled after the month's end for a job of the month
    }
    for moment, micros in days.items():
        monkeypatch.setattr("django.utils.timezone.now", lambda moment=moment: moment)
        ledger.adjust(team, micros, "as the bill says", owner, month=month)
    chart = spendchart.chart_of(
        team.days.filter(month=month), month, budget.status(team, month=month), None
    )
    assert chart is not None
    assert {day["day"].day: day["settled"] for day in chart["days"] if day["settled"]} == {
        3: 100_000,
        28: 75_000,
    }
    assert chart["end_y"] == "32.0", "the running sum ends at the month's total, which is the top"
    assert len(chart["ticks"]) <= 6
