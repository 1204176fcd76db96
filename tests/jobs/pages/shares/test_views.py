"""A team's side of share links: who makes which, what the trail is told, and the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job, JobSet, ShareLink
from jobs.sharing import links
from studio.audit.events import Event
from studio.models import Team, User
from studio.models.audit import AuditEntry
from tests import makers
from tests.html import parse
from tests.jobs.pages.shares.conftest import Made, finished

ClientOf = Callable[[User], Client]
GIVEN = {"title": "For the client", "ends": "30", "password": "", "click": "one-click"}


def at(team: Team, name: str, *args: object) -> str:
    return reverse(f"jobs:{name}", args=[team.slug, *args])


def test_three_clicks_from_the_job_to_the_copied_link(
    team: Team, film: Job, creator: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    job = parse(client.get(film.get_absolute_url()).content.decode())
    there = at(team, "job_share", film.public_id)
    assert [link for link in job.all("a.btn") if link["href"] == there]  # the first
    form = parse(client.get(there).content.decode())
    fields = {
        one["name"]: one.attributes.get("value", "") for one in form.all("form.share-form input")
    }
    fields.pop("csrfmiddlewaretoken", None)
    fields.pop("download_allowed")
    made = client.post(there, fields | {"ends": "7"})  # the second
    link = team.share_links.get()
    assert made["Location"] == link.get_absolute_url()
    shown = parse(client.get(made["Location"]).content.decode())
    assert shown.one("#address")["value"] == links.url_of(link)
    assert shown.all("button[data-copy]")  # the third
    assert Client().get(links.url_of(link).split("8000")[-1]).status_code == 200


def test_the_same_click_makes_one_link(
    team: Team, film: Job, creator: User, client_of: ClientOf
) -> None:
    client = client_of(creator)
    answers = [client.post(at(team, "job_share", film.public_id), GIVEN) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert team.share_links.count() == 1


def test_a_set_shows_what_was_ready_and_nothing_later(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    some = JobSet.objects.create(team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many")
    jobs = [finished(team, creator, title=f"Part {n}", set=some) for n in (1, 2)]
    makers.job(team, creator, set=some)
    client_of(creator).post(at(team, "set_share", some.public_id), GIVEN)
    later = finished(team, creator, title="Later", set=some)
    link = team.share_links.get()
    shown = list(links.shown(link).values_list("job_id", flat=True))
    assert shown == [job.pk for job in jobs]
    assert later.pk not in shown


def test_a_creator_shares_their_own_and_an_admin_everybodys(
    team: Team, film: Job, owner: User, creator: User, admin: User, client_of: ClientOf
) -> None:
    theirs = finished(team, owner, title="Of the owner")
    client = client_of(creator)
    page = client.get(at(team, "job_share", theirs.public_id))
    assert b"Somebody else made this" in page.content
    client.post(at(team, "job_share", theirs.public_id), GIVEN)
    assert not team.share_links.exists()
    client_of(admin).post(at(team, "job_share", film.public_id), GIVEN)
    assert team.share_links.get().made_by == admin


def test_a_mixed_set_is_shared_by_a_creator_in_part(
    team: Team, creator: User, owner: User, client_of: ClientOf
) -> None:
    some = JobSet.objects.create(team=team, owner=owner, kind=JobSet.Kind.BATCH, title="Many")
    mine = finished(team, creator, title="Mine", set=some)
    finished(team, owner, title="Not mine", set=some)
    client_of(creator).post(at(team, "set_share", some.public_id), GIVEN)
    assert [one.job for one in links.shown(team.share_links.get())] == [mine]


def test_only_its_maker_and_admins_change_or_revoke_a_link(
    team: Team, admin: User, creator: User, film: Job, client_of: ClientOf
) -> None:
    client_of(admin).post(at(team, "job_share", film.public_id), GIVEN)
    link = team.share_links.get()
    client = client_of(creator)
    page = client.get(link.get_absolute_url())
    assert links.token_of(link).encode() not in page.content
    assert links.token_of(link).encode() not in client.get(at(team, "shares")).content
    client.post(link.get_absolute_url(), GIVEN | {"title": "Mine now"})
    client.post(at(team, "share_revoke", link.public_id))
    link.refresh_from_db()
    assert (link.title, link.revoked_at) == ("For the client", None)


def test_a_link_is_changed_and_taken_back(
    team: Team, creator: User, share: Made, client_of: ClientOf
) -> None:
    link, client = share(password="eight letters"), client_of(creator)
    before = link.expires_at
    changed = {"title": "Other words", "ends": "", "password": "", "download_allowed": "on"}
    client.post(link.get_absolute_url(), changed)
    link.refresh_from_db()
    assert (link.title, link.expires_at, link.download_allowed) == ("Other words", before, True)
    assert link.password
    client.post(link.get_absolute_url(), changed | {"no_password": "on"})
    link.refresh_from_db()
    assert not link.password
    client.post(at(team, "share_revoke", link.public_id))
    client.post(at(team, "share_revoke", link.public_id))
    link.refresh_from_db()
    assert link.revoked_at is not None
    client.post(link.get_absolute_url(), changed | {"title": "Too late"})
    link.refresh_from_db()
    assert link.title == "Other words"
    told = [entry.event for entry in AuditEntry.objects.filter(team=team).order_by("id")]
    assert told == [
        Event.SHARE_LINK_MADE,
        Event.SHARE_LINK_CHANGED,
        Event.SHARE_LINK_CHANGED,
        Event.SHARE_LINK_REVOKED,
    ]


def test_the_trail_is_told_no_address_and_no_password(
    team: Team, creator: User, share: Made, client_of: ClientOf
) -> None:
    link = share(password="eight letters")
    client_of(creator).post(
        link.get_absolute_url(), {"title": "T", "ends": "1", "password": "nine letters"}
    )
    for entry in AuditEntry.objects.filter(team=team):
        told = f"{entry.was} {entry.became} {entry.about}"
        assert links.token_of(link).partition(".")[2] not in told
        assert "letters" not in told


@pytest.mark.parametrize(
    ("field", "value"), [("password", "short"), ("title", ""), ("ends", "9999"), ("ends", "x")]
)
def test_bad_input_gets_a_sentence_and_makes_nothing(
    team: Team, film: Job, creator: User, client_of: ClientOf, field: str, value: str
) -> None:
    there = at(team, "job_share", film.public_id)
    answer = client_of(creator).post(there, GIVEN | {field: value})
    assert answer.status_code == 422
    assert parse(answer.content.decode()).all(".error, [id$=_error]")
    assert not team.share_links.exists()


def test_a_team_may_forbid_it(
    team: Team, film: Job, creator: User, owner: User, client_of: ClientOf
) -> None:
    fields: dict[str, Any] = {"name": team.name, "currency": "USD", "time_zone": team.time_zone}
    settings = reverse("team_settings", args=[team.slug])
    client_of(owner).post(settings, fields | {"sharing_allowed": ""})
    team.refresh_from_db()
    assert not team.sharing_allowed
    client = client_of(creator)
    there = at(team, "job_share", film.public_id)
    assert b"does not share videos" in client.get(there).content
    assert there.encode() not in client.get(film.get_absolute_url()).content
    client.post(there, GIVEN)
    assert not team.share_links.exists()
    client_of(owner).post(settings, fields)  # of a page of before
    team.refresh_from_db()
    assert not team.sharing_allowed


def test_an_unfinished_job_has_nothing_to_share(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    job = makers.job(team, creator)
    client = client_of(creator)
    there = at(team, "job_share", job.public_id)
    assert b"no finished video" in client.get(there).content
    client.post(there, GIVEN)
    assert not ShareLink.objects.exists()


def test_the_list_goes_on(team: Team, creator: User, share: Made, client_of: ClientOf) -> None:
    for _ in range(52):
        share()
    client = client_of(creator)
    first = parse(client.get(at(team, "shares")).content.decode())
    assert len(first.all("tbody tr")) == 50
    older = next(one["href"] for one in first.all("a") if "older=" in (one["href"] or ""))
    assert len(parse(client.get(older).content.decode()).all("tbody tr")) == 2


def test_the_list_costs_the_same_with_more_links(
    team: Team, creator: User, share: Made, client_of: ClientOf
) -> None:
    client, counts = client_of(creator), []
    for _ in range(3):
        share()
        with CaptureQueriesContext(connection) as asked:
            client.get(at(team, "shares"))
        counts.append(len(asked))
    assert counts[1] == counts[2]
