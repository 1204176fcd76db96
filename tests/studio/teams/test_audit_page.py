"""The page of the trail: who may open it, its filters, its words, its file, and what it costs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studio.audit import reading
from studio.audit.events import Event, Kind
from studio.audit.pseudonyms import replace_names
from studio.audit.trail import record
from studio.models import AuditEntry, Role, Team, User
from studio.models.audit import Via
from tests.html import parse

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def page(team: Team) -> str:
    return reverse("team_audit", args=[team.slug])


def role_changed(team: Team, by: User, person: User) -> AuditEntry:
    with transaction.atomic():
        entry = record(
            Event.ROLE_CHANGED,
            team=team,
            by=by,
            person=person,
            before={"role": Role.CREATOR},
            after={"role": Role.ADMIN},
        )
    assert entry is not None
    return entry


def many(team: Team, n: int, **columns: Any) -> None:
    """`n` entries, a minute between each and the next."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            **{
                "event": Event.FILE_DELETED.value,
                "kind": Kind.FILE,
                "team": team,
                "team_name": team.name,
                "by_name": "Somebody",
                "about": f"file {number}",
                "via": Via.PAGE,
                "at": NOON + timedelta(minutes=number),
                **columns,
            }
        )
        for number in range(n)
    )


def sentences(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200
    return [one.text.strip() for one in parse(answer).all(".audit-list .what")]


def test_owners_and_admins_open_it(
    team: Team, owner: User, admin: User, creator: User, viewer: User, stranger: User,
    client_of: ClientOf, page: str,
) -> None:  # fmt: skip
    found = {user: client_of(user).get(page).status_code for user in
             (owner, admin, creator, viewer, stranger)}  # fmt: skip
    assert list(found.values()) == [200, 200, 403, 403, 404]


def test_it_says_in_words_what_changed(
    team: Team, owner: User, creator: User, client_of: ClientOf, page: str
) -> None:
    role_changed(team, owner, creator)
    shown = parse(client_of(owner).get(page))
    (said,) = [one.text.strip() for one in shown.all(".audit-list .what")]
    assert said == ("Aiko (aiko@example.com) changed the role of Chidi (chidi@example.com)")
    change = " ".join(shown.one(".changes").text.split())
    assert change == "Role before: Creator → after: Admin"


def test_another_teams_entries_are_not_shown(
    team: Team, owner: User, stranger: User, client_of: ClientOf, page: str
) -> None:
    many(stranger.teams.get(), 2)
    assert sentences(client_of(owner), page) == []
    many(team, 1)
    assert len(sentences(client_of(owner), page)) == 1


def test_filters_of_person_kind_and_time(
    team: Team, owner: User, creator: User, viewer: User, client_of: ClientOf, page: str
) -> None:
    role_changed(team, owner, creator)
    role_changed(team, owner, viewer)
    many(team, 3, by=creator, by_name="Chidi")
    client = client_of(owner)
    assert len(sentences(client, page)) == 5
    assert len(sentences(client, f"{page}?person={creator.pk}")) == 4, "who did it and whom"
    assert len(sentences(client, f"{page}?person={creator.pk}&kind=people")) == 1
    assert len(sentences(client, f"{page}?kind=file")) == 3
    assert len(sentences(client, f"{page}?until=2026-11-10")) == 3
    assert len(sentences(client, f"{page}?since=2026-11-11")) == 2
    assert len(sentences(client, f"{page}?since=2026-11-10&until=2026-11-10")) == 3
    assert len(sentences(client, f"{page}?person=x&kind=y&since=z&until=w&before=v")) == 5


def test_days_and_times_are_those_of_the_team(
    team: Team, owner: User, client_of: ClientOf, page: str
) -> None:
    """Half past eleven in the evening of UTC is the next morning in Shanghai."""
    many(team, 1, at=datetime(2026, 11, 10, 23, 30, tzinfo=UTC))
    client = client_of(owner)
    assert len(sentences(client, f"{page}?since=2026-11-11")) == 0
    Team.objects.filter(pk=team.pk).update(time_zone="Asia/Shanghai")
    assert len(sentences(client, f"{page}?since=2026-11-11")) == 1
    assert "11 Nov 2026 07:30:00" in client.get(page).content.decode()


def test_pages_follow_each_other(team: Team, owner: User, client_of: ClientOf, page: str) -> None:
    many(team, 120, by=owner)
    client, address, seen = client_of(owner), page, []
    for _ in range(3):
        shown = parse(client.get(address))
        seen += [one.text.strip() for one in shown.all(".audit-list .what")]
        older = shown.values("a[rel=next]", "href")
        address = page + older[0] if older else ""
    assert address == ""
    assert len(seen) == len(set(seen)) == 120
    assert "file 119" in seen[0]
    assert "file 0" in seen[-1]


def test_pages_of_a_person_follow_each_other(team: Team, owner: User, creator: User) -> None:
    many(team, 30, by=owner, person=creator)
    many(team, 30, by=creator, at=NOON)
    entries, wanted = team.audit.all(), reading.Wanted(creator.pk)
    found = [row.pk for some in reading.portions(entries, wanted, 7) for row in some]
    assert len(found) == len(set(found)) == 60
    order = list(team.audit.order_by("-at", "-id").values_list("pk", flat=True))
    assert found == order


def test_the_file_has_every_entry_and_runs_nothing(
    team: Team, owner: User, client_of: ClientOf, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.teams.audit_views.AT_ONCE", 2)
    many(team, 5, about="=cmd()", by_name="+1")
    answer = client_of(owner).get(f"{page}?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 6, "and that it was downloaded"
    assert rows[0]["event"] == Event.TRAIL_DOWNLOADED
    assert {row["about"] for row in rows[1:]} == {"'=cmd()"}
    assert {row["who"] for row in rows[1:]} == {"'+1"}


def test_somebody_erased_is_a_number_and_still_found(
    team: Team, owner: User, creator: User, client_of: ClientOf, page: str
) -> None:
    role_changed(team, owner, creator)
    replace_names(creator, [])
    creator.memberships.all().delete()
    client = client_of(owner)
    for address in (page, f"{page}?person={creator.pk}"):
        (said,) = sentences(client, address)
        assert said.endswith(f"changed the role of Erased person {creator.pk}")


WANTED = [
    reading.Wanted(),
    reading.Wanted(kind="file"),
    reading.Wanted(person=1),
    reading.Wanted(person=1, kind="file"),
    reading.Wanted(since=date(2026, 11, 1), until=date(2026, 11, 30)),
    reading.Wanted(1, "file", date(2026, 11, 1), date(2026, 11, 30)),
]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite")
@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize("later", [False, True])
def test_a_page_is_read_from_an_index_in_its_order(
    team: Team, wanted: reading.Wanted, later: bool
) -> None:
    """No plan walks the table or sorts what it found, so a million rows change nothing."""
    many(team, 3)
    before = AuditEntry.objects.order_by("-id")[0] if later else None
    with CaptureQueriesContext(connection) as queries:
        reading.page(team.audit.all(), wanted, 51, before)
    assert len(queries) == (1 if wanted.person is None else 2)
    for query in queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = [row[3] for row in cursor.fetchall()]
        assert plan
        assert all("USING INDEX audit_team" in step for step in plan), plan
        assert len(plan) == 1, plan


def test_a_page_costs_the_same_beside_many(
    team: Team, owner: User, client_of: ClientOf, page: str
) -> None:
    client = client_of(owner)
    counts = []
    for number in (60, 600):
        many(team, number, by=owner)
        with CaptureQueriesContext(connection) as queries:
            client.get(page)
        counts.append(len(queries))
    assert counts[0] == counts[1]
