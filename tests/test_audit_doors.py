"""Every address that takes a POST writes the trail when it changes something, or stands here with
the reason why not. A new one fails until somebody decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from jobs.accounts.key_test import Trial
from jobs.models import Account
from studio.audit.events import Event
from studio.models import Asset, AuditEntry, Team, User
from tests import makers
from tests.audit_doors import DOORS, NOT_TOLD, TRIED_ELSEWHERE, E, World, login_wrongly
from tests.audit_recorded_by import RECORDED_BY
from tests.hostile.addresses import every_address
from tests.service import Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(
    team: Team,
    owner: User,
    creator: User,
    client_of: Callable[[User], Client],
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> World:
    settings.SIGNUP = "invited"
    trial = Trial(Account.Health.OK, "")
    for module in ("account_setup", "keys"):
        monkeypatch.setattr(f"jobs.accounts.{module}.try_secret", lambda account, secret: trial)
    monkeypatch.setattr("jobs.accounts.shared_accounts.recognise", lambda account: None)
    account = makers.account(team)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    job = makers.job(team, creator, account=account, title="Opening words")
    client = client_of(owner)
    return World(team, owner, creator, client, service, account, job, monkeypatch)


ATTEMPTS = [
    pytest.param(do, events, id=f"{name}-{do.__name__}")
    for name, found in DOORS.items()
    for do, events in found
]


@pytest.mark.parametrize(("do", "events"), ATTEMPTS)
def test_what_a_door_changes_is_told(
    world: World, do: Callable[[World], None], events: set[Event]
) -> None:
    sessions = set(Session.objects.values_list("session_key", flat=True))
    do(world)
    found = list(AuditEntry.objects.filter(copy=False))
    assert {Event(entry.event) for entry in found} == events
    sessions |= set(Session.objects.values_list("session_key", flat=True))
    for entry in found:
        said = " ".join(map(str, AuditEntry.objects.filter(pk=entry.pk).values_list().get()))
        for secret in ("canary", "correct horse", *sessions):
            assert secret not in said, f"a secret stands in {entry}"
        if entry.event not in (E.SIGN_IN_FAILED, E.ACCOUNT_LINK_MADE):
            assert entry.by_id, "who did it"
        unknown = entry.event == E.ACCOUNT_LINK_MADE or entry.by_name.startswith("erased-")
        assert entry.address == ("" if unknown else "127.0.0.1")


@pytest.mark.parametrize(("file", "event"), TRIED_ELSEWHERE.values(), ids=TRIED_ELSEWHERE)
def test_what_is_tried_elsewhere_is_tried_there(file: str, event: Event) -> None:
    text = Path(f"tests/studio/teams/{file}.py").read_text()
    assert f"Event.{event.name}" in text


@pytest.mark.parametrize(("module", "event"), RECORDED_BY.values(), ids=RECORDED_BY)
def test_what_a_module_records_is_recorded_there(module: str, event: Event) -> None:
    assert f"Event.{event.name}" in Path(f"{module}.py").read_text()


def takes_posts() -> set[str]:
    """Names of addresses, of ours and of the sign-in pages, whose view takes a POST."""
    found = set()
    for one in every_address():
        if one.path.startswith("admin/"):
            continue
        view = one.entry.callback
        allowed = _allowed(view)
        if allowed is None or "POST" in allowed:
            found.add(one.name)
    return found


def _allowed(view: Any) -> list[str] | None:
    """The methods that the decorators of django.views.decorators.http let through."""
    while view is not None:
        cells = dict(
            zip(view.__code__.co_freevars, view.__closure__ or (), strict=True)
            if hasattr(view, "__code__")
            else ()
        )
        if "request_method_list" in cells:
            return list(cells["request_method_list"].cell_contents)
        view = getattr(view, "__wrapped__", None)
    return None


def test_every_address_that_takes_a_post_is_decided() -> None:
    found = takes_posts()
    assert len(found) > 30
    told = set(DOORS) | set(NOT_TOLD) | set(TRIED_ELSEWHERE) | set(RECORDED_BY)
    undecided = {name for name in found - told if name not in READS}
    assert undecided == set(), "a door: record what it changes, or say here why not"
    assert told - found == set(), "these take no POST"
    assert set(DOORS) & set(NOT_TOLD) == set()


# Views that only read and do not say so with a decorator; a POST to them is answered as a GET.
READS = {
    "jobs:board",
    "jobs:row",
    "jobs:job_sound",
    "jobs:keys",
    "favicon",
    "healthz",
    "readyz",
    "metrics",
    "javascript-catalog",
}


# ── what is downloaded ────────────────────────────────────────────────────────────────────────────


def test_a_download_of_somebody_elses_video_is_told_once(world: World) -> None:
    video = makers.asset(world.team, "video", owner=world.creator, origin=Asset.Origin.RESULT)
    if not video.file.storage.exists(video.file.name):
        video.file.storage.save(video.file.name, ContentFile(b"x" * video.size))
    address = reverse("asset_file", args=[world.team.slug, video.public_id, "download"])
    for _ in range(3):
        assert world.client.get(address).status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.by, entry.person) == (
        E.VIDEO_DOWNLOADED,
        world.owner,
        world.creator,
    )


def test_ones_own_video_and_playing_are_not_told(world: World) -> None:
    own = makers.asset(world.team, "video", owner=world.owner, origin=Asset.Origin.RESULT)
    theirs = makers.asset(world.team, "video", owner=world.creator, origin=Asset.Origin.RESULT)
    for asset, what in ((own, "download"), (theirs, "original")):
        world.client.get(reverse("asset_file", args=[world.team.slug, asset.public_id, what]))
    assert not AuditEntry.objects.exists()


def test_tries_at_an_address_that_nobody_has_fill_nothing(world: World) -> None:
    given = {"login": "nobody@example.com", "password": "wrong"}
    Client().post(reverse("account_login"), given)
    assert not AuditEntry.objects.exists()


def test_a_failed_try_says_whose_and_from_where(world: World) -> None:
    login_wrongly(world)
    site, copy = AuditEntry.objects.order_by("id")
    assert (site.by, site.person, site.copy, site.team) == (None, world.owner, False, None)
    assert (copy.person, copy.copy, copy.team) == (world.owner, True, world.team)
