"""The page of limits: who sees whose, and what setting one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs.billing import budget
from jobs.models import Budget
from studio.models import Team, User
from studio.models.audit import AuditEntry
from tests import makers
from tests.html import parse

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def url(team: Team, rest: str = "") -> str:
    return f"/t/{team.slug}/team/limits/{rest}"


def chosen(**kinds: str) -> dict[str, str]:
    """A form that sets day and month: an amount, "unlimited" or "nothing"."""
    form = {}
    for period in ("day", "month"):
        what = kinds.get(period, "nothing")
        known = what in ("nothing", "unlimited")
        form |= {f"{period}_kind": what if known else "amount"}
        form |= {f"{period}_amount": "" if known else what}
    return form


def row_of(team: Team, person: User) -> str:
    return str(team.memberships.get(user=person).pk)


def test_each_sees_what_is_theirs_to_see(
    team: Team, owner: User, admin: User, creator: User, viewer: User, client_of: ClientOf
) -> None:
    makers.job(team, creator)
    makers.job(team, owner)
    Budget.objects.create(team=team, micros=25_000_000)
    Budget.objects.create(team=team, of_each=True, period="day", micros=2_000_000)
    Budget.objects.create(team=team, member=creator, micros=0)
    pages = {
        who: client_of(who).get(url(team)).content.decode()
        for who in (owner, admin, creator, viewer)
    }
    for html in pages.values():
        assert "$25.00" in html
    rows = {who: parse(html).all("#people-limits ~ table tbody tr") for who, html in pages.items()}
    assert [len(rows[who]) for who in (owner, admin, creator, viewer)] == [4, 4, 1, 0]
    mine = rows[creator][0].text
    assert "Chidi" in mine
    assert "nothing at all (0)" in mine
    assert "$2.00 (each person)" in " ".join(mine.split())
    assert parse(pages[owner]).has(f'a[href="{url(team, "team/")}"]')
    for who in (admin, creator, viewer):
        assert not parse(pages[who]).has(f'a[href="{url(team, "team/")}"]')


def test_amounts_are_lengths_of_video_too(team: Team, owner: User, client_of: ClientOf) -> None:
    Budget.objects.create(team=team, micros=11_469 * 60 * 5)
    html = client_of(owner).get(url(team)).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "about 5 m 0 s of" in html
    assert "of 1:1 or 2 m 30 s of 3:4" in html


def test_three_things_are_set_and_told_apart(
    team: Team, owner: User, creator: User, client_of: ClientOf
) -> None:
    browser = client_of(owner)
    browser.post(url(team, "each/"), chosen(day="2.50", month="40"))
    place = url(team, f"{row_of(team, creator)}/")
    assert [one.micros for one in budget.limits_of(team, creator)] == [2_500_000, 40_000_000]
    browser.post(place, chosen(day="0", month="unlimited"))
    assert [(one.period, one.micros) for one in budget.limits_of(team, creator)] == [("day", 0)]
    text = " ".join(parse(browser.get(url(team)).content.decode()).text.split())
    assert "nothing at all (0)" in text
    assert "no limit" in text
    assert "not set" in text, "of the team"
    shown = browser.get(place).content.decode()
    assert parse(shown).has('input[name="day_kind"][value="amount"][checked]')
    assert parse(shown).has('input[name="month_kind"][value="unlimited"][checked]')
    assert "at most $2.50" in shown
    browser.post(place, chosen())
    assert not Budget.objects.filter(member=creator).exists()
    assert [one.of_each for one in budget.limits_of(team, creator)] == [True, True]


def test_who_set_what_is_in_the_trail(
    team: Team, owner: User, creator: User, client_of: ClientOf
) -> None:
    browser = client_of(owner)
    answer = browser.post(url(team, f"{row_of(team, creator)}/"), chosen(day="1"), follow=True)
    assert "Saved. It counts from the next click." in answer.content.decode()
    again = browser.post(url(team, f"{row_of(team, creator)}/"), chosen(day="1"), follow=True)
    assert "Nothing has changed." in again.content.decode()
    (entry,) = AuditEntry.objects.filter(event="money.member-limit-changed")
    assert (entry.by, entry.person, entry.team) == (owner, creator, team)
    assert (entry.before, entry.after) == ({"per_day": "not set"}, {"per_day": "$1.000000"})


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"day_kind": "amount"}, "Give the amount"),
        ({"day_kind": "amount", "day_amount": "x"}, "such as 25.00"),
        ({"day_kind": "amount", "day_amount": "-1"}, "such as 25.00"),
        ({"day_kind": "amount", "day_amount": "NaN"}, "such as 25.00"),
        ({"day_kind": "amount", "day_amount": "1e30"}, "such as 25.00"),
        ({"day_kind": ""}, "Choose one of the three"),
        ({"day_kind": "many"}, "many"),
    ],
)
def test_nonsense_sets_nothing(
    team: Team, owner: User, client_of: ClientOf, form: dict[str, str], said: str
) -> None:
    answer = client_of(owner).post(url(team, "team/"), chosen(month="5") | form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Budget.objects.exists()


def test_limits_are_of_people_of_the_team(
    team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    foreign = stranger.memberships.get().pk
    for whose in (str(foreign), "0", "nobody", "1" * 30, "²"):
        assert client_of(owner).post(url(team, f"{whose}/"), chosen(day="1")).status_code == 404
    assert not Budget.objects.exists()


def test_the_page_asks_as_often_for_many_people(
    team: Team,
    owner: User,
    client_of: ClientOf,
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(40):
        person = User.objects.create_user(f"one{n}@example.com")
        team.memberships.create(user=person, role="creator")
        Budget.objects.create(team=team, member=person, micros=n)
    browser = client_of(owner)
    with django_assert_max_num_queries(22):
        assert browser.get(url(team)).status_code == 200


def test_turns_and_waiting_jobs_are_set_here(
    team: Team, owner: User, creator: User, client_of: ClientOf
) -> None:
    row = team.memberships.get(user=creator)
    place = f"/t/{team.slug}/team/turns/"
    form = {"waiting_limit": "7", f"turns_{row.pk}": "3"}
    assert client_of(creator).post(place, form).status_code == 403
    answer = client_of(owner).post(place, form)
    assert answer.status_code == 302
    team.refresh_from_db()
    row.refresh_from_db()
    assert (team.waiting_limit, row.turns) == (7, 3)
    told = AuditEntry.objects.order_by("pk").values_list("event", "after")
    assert list(told) == [
        ("settings.team-changed", {"waiting_limit": 7}),
        ("settings.shares-changed", {"turns": 3}),
    ]
    wrong = client_of(owner).post(place, form | {"waiting_limit": "x"})
    assert wrong.status_code == 422
    assert "from 0 to 10,000" in wrong.content.decode()
