"""Somebody goes: their files, videos, presets and jobs are handed over, kept for the team, erased
or canceled; bills keep their name, and every invariant holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from jobs.common.states import State
from jobs.engine import invariants, result_download
from jobs.engine.invariant_tally import Tally
from jobs.models import Account, Job, LedgerEntry, Preset
from studio.models import Asset, AuditEntry, Membership, Team, User
from studio.teams import belongings
from studio.teams.belongings import Fate
from tests import makers
from tests.html import parse, text

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def held(team: Team, creator: User, account: Account) -> dict[str, Any]:
    """One of each that Chidi has in the team, beside what others have there and he elsewhere."""
    elsewhere = Team.start("Elsewhere", creator)
    inputs = {
        "image_url": makers.asset(team, owner=creator),
        "audio_url": makers.asset(team, "audio", owner=creator),
    }
    return {
        "free": makers.asset(team, owner=creator),
        "used": inputs["image_url"],
        "video": makers.asset(team, "video", owner=creator, origin=Asset.Origin.RESULT),
        "preset": Preset.objects.create(team=team, owner=creator, model="emo-v1", name="Desk"),
        "waiting": makers.job(team, creator, account=account, files=inputs),
        "running": makers.job(
            team, creator, account=account, state=State.RUNNING, attempt=1, task_id="t-1"
        ),
        "elsewhere": makers.asset(elsewhere, owner=creator),
    }


def go(team: Team, client: Client, person: User, **fates: str) -> Any:
    row = team.memberships.get(user=person)
    data = {f"fate-{kind}": fate for kind, fate in fates.items() if kind != "heir"}
    heir = {"heir": fates["heir"]} if "heir" in fates else {}
    path = f"/t/{team.slug}/team/people/{row.pk}/remove/"
    return client.post(path, {"sure": "yes", **data, **heir}, follow=True)


def whole() -> None:
    """What `manage.py verify` asks of ledger, balances and storage. (The jobs here were never
    sent, so what it asks of their tasks and files is not asked.)"""
    for name in ("jobs", "ledger entries", "balances", "budget entries", "sums of storage"):
        assert list(invariants.INVARIANTS[name](Tally(deep=False))) == [], name


def test_the_page_counts_what_there_is(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    row = team.memberships.get(user=creator)
    page = parse(client_of(owner).get(f"/t/{team.slug}/team/people/{row.pk}/remove/"))
    labels = page.texts("form.surface label")
    assert labels[:4] == ["Files (3)", "Videos (1)", "Presets (1)", "Jobs that wait to be sent (1)"]
    usual = page.one("form.surface").fields()
    assert (usual["fate-files"], usual["fate-jobs"]) == ("keep", "cancel")


def test_as_it_is_offered_all_stays_with_the_team_and_what_waits_is_canceled(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    page = go(
        team, client_of(owner), creator, files="keep", videos="keep", presets="keep", jobs="cancel"
    )
    said = text(page)
    assert "Chidi is not in the team any more" in said
    assert "1 job is canceled; nothing was sent, so nothing is paid." in said
    assert "1 job goes on; its video will be the team’s." in said
    for row in held.values():
        row.refresh_from_db()
    assert {held[name].owner for name in ("free", "used", "video", "preset")} == {None}
    assert held["elsewhere"].owner == creator
    assert held["waiting"].state == State.CANCELED
    assert held["running"].state == State.RUNNING
    assert held["running"].owner == creator, "the bill keeps the name"
    kinds = list(LedgerEntry.objects.filter(job=held["waiting"]).values_list("kind", flat=True))
    assert sorted(kinds) == ["hold", "release"]
    whole()
    entry = AuditEntry.objects.get(event="people.work-moved")
    assert (entry.by, entry.person) == (owner, creator)


def test_handed_over(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    heir = str(team.memberships.get(user=owner).pk)
    fates = dict.fromkeys(("files", "videos", "presets", "jobs"), "transfer")
    page = go(team, client_of(owner), creator, **fates, heir=heir)
    assert "3 files are Aiko’s now." in text(page)
    for row in held.values():
        row.refresh_from_db()
    assert {held[name].owner for name in ("free", "used", "video", "preset")} == {owner}
    assert (held["waiting"].state, held["waiting"].handed_to) == (State.QUEUED, owner)
    assert held["running"].handed_to == owner
    whole()


def test_handing_over_needs_somebody(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    fates = dict.fromkeys(("files", "videos", "presets", "jobs"), "transfer")
    stranger = User.objects.create_user("sven@example.com")
    there = Membership.objects.create(team=Team.start("Other", stranger), user=owner)
    for heir in ({}, {"heir": "999"}, {"heir": str(there.pk)}):
        page = go(team, client_of(owner), creator, **fates, **heir)
        assert page.status_code == 422
        assert team.memberships.filter(user=creator).exists()


def test_erased_as_far_as_no_job_names_it(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    name = str(held["free"].file.name)
    page = go(
        team,
        client_of(owner),
        creator,
        files="erase",
        videos="keep",
        presets="erase",
        jobs="go_on",
    )
    said = text(page)
    assert "1 file is erased." in said
    assert "2 files are kept in nobody’s name, since jobs that are not over need them." in said
    assert "1 preset is erased." in said
    assert not Asset.objects.filter(pk=held["free"].pk).exists()
    assert not default_storage.exists(name)
    held["waiting"].refresh_from_db()
    assert held["waiting"].state == State.QUEUED
    whole()


def test_a_template_that_another_waits_for_is_made(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    template = makers.job(team, creator, "animate-anyone-template-gen2", account=account)
    mine = makers.job(team, creator, "animate-anyone-gen2", account=account, needs=template)
    theirs = makers.job(team, owner, "animate-anyone-gen2", account=account, needs=template)
    belongings.settle(team, creator, {"jobs": Fate.CANCEL}, None, owner)
    states = {job.pk: job.state for job in Job.objects.all()}
    assert states == {
        template.pk: State.QUEUED,
        mine.pk: State.CANCELED,
        theirs.pk: State.QUEUED,
    }


def test_settling_twice_is_settling_once(
    team: Team, owner: User, creator: User, held: dict[str, Any]
) -> None:
    fates = {"files": Fate.TRANSFER, "jobs": Fate.CANCEL}
    belongings.settle(team, creator, fates, owner, owner)
    before = list(Asset.objects.order_by("pk").values_list("owner", flat=True))
    belongings.settle(team, creator, fates, owner, owner)
    assert list(Asset.objects.order_by("pk").values_list("owner", flat=True)) == before
    whole()


@pytest.mark.parametrize("heir", [False, True])
def test_a_video_that_comes_later_is_the_teams_or_the_heirs(
    team: Team, owner: User, creator: User, held: dict[str, Any], heir: bool
) -> None:
    job = held["running"]
    assert result_download._whose(job) == creator
    team.memberships.filter(user=creator).delete()
    if heir:
        Job.objects.filter(pk=job.pk).update(handed_to=owner)
    job.refresh_from_db()
    assert result_download._whose(job) == (owner if heir else None)
    team.memberships.create(user=creator, role="viewer")
    assert result_download._whose(job) == (owner if heir else creator)


def test_videos_are_erased_with_a_report(
    team: Team, owner: User, creator: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    film = Asset.objects.get(owner=creator, origin=Asset.Origin.RESULT)
    name = str(film.file.name)
    page = go(
        team, client_of(owner), creator, files="keep", videos="erase", presets="keep", jobs="go_on"
    )
    assert "1 video is erased; what it cost stays in the ledger." in text(page)
    assert not Asset.everything.filter(pk=film.pk).exists()
    assert not default_storage.exists(name)
    whole()


def test_what_waits_for_approval_is_withdrawn(
    team: Team, creator: User, owner: User, held: dict[str, Any], client_of: ClientOf
) -> None:
    """Nothing can be made for who is gone, so nobody is asked for it any more."""
    asked = makers.pending_order(team, creator, title="Ours")
    theirs = makers.pending_order(team, owner, title="Theirs")
    Membership.objects.filter(team=team, user=creator).delete()
    kinds = {kind.key: number for kind, number in belongings.held_by(team, creator)}
    assert kinds["asked"] == 1
    told = belongings.settle(team, creator, {}, None, owner)
    assert any("withdrawn" in str(one) for one in told)
    asked.refresh_from_db()
    theirs.refresh_from_db()
    assert (asked.state, theirs.state) == ("withdrawn", "open")
    assert AuditEntry.objects.filter(about="Ours").exists()
    assert "asked" not in {kind.key for kind, _n in belongings.held_by(team, creator)}
