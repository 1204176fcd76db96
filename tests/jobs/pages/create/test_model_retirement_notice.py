"""When a page says that a model retires, and the way on from the page of a job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.catalogue import entries
from jobs.catalogue.create_pages import models_of
from jobs.common.states import Code, State
from jobs.models import Account, Lane
from jobs.pages.create import model_retirement
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_form import DraftForm
from studio.models import Asset, Team, User
from tests import makers
from tests.html import parse
from tests.html import text as shown

ClientOf = Callable[[User], Client]
RETIRES = datetime(2026, 10, 9, 16, 0, tzinfo=UTC)


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: RETIRES - timedelta(seconds=1))


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: RETIRES)


def read(team: Team, url: str) -> Draft:
    """The draft that the page at `url` would have."""
    data = {
        name: values[-1]
        for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()
    }
    return DraftForm(data, spec=entries.get(data["model"]), team=team).draft


def files_by_kind(draft: Draft) -> dict[str, Asset]:
    found = {asset.kind: asset for asset in draft.files.values()}
    video = draft.template_video or (draft.template.asset if draft.template is not None else None)
    return found | ({"video": video} if video is not None else {})


# ── when it is said ───────────────────────────────────────────────────────────────────────────────


def test_before_the_day_it_is_announced_and_the_menu_is_as_ever(
    client_of: ClientOf, creator: User, team: Team, account: Account, before: None
) -> None:
    page = client_of(creator).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
    assert "Alibaba announced that EMO ends on 10 Oct 2026." in shown(page)
    assert "has passed" not in shown(page)
    menu = [model.name for model in model_retirement.in_order(models_of("portrait"))]
    assert menu == ["emo-v1", "wan2.2-s2v"]


def test_after_the_day_it_says_so_and_the_successors_come_first(
    client_of: ClientOf, creator: User, team: Team, account: Account, after: None
) -> None:
    page = client_of(creator).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
    assert "The day that Alibaba announced as the end of EMO, 10 Oct 2026, has passed." in shown(
        page
    )
    models = parse(page).values("a[href*='?model=']", "href")
    there, here = (
        next(at for at, href in enumerate(models) if f"?model={name}" in href)
        for name in ("wan2.2-s2v", "emo-v1")
    )
    assert there < here
    assert [model.name for model in model_retirement.in_order(models_of("dance"))][
        -1
    ] == "animate-anyone-gen2"
    # what nobody announced an end of says nothing
    page = (
        client_of(creator)
        .get(reverse("jobs:portrait", args=[team.slug]), {"model": "wan2.2-s2v"})
        .content.decode()
    )
    assert "successor" not in page


def test_model_that_the_service_has_no_more_says_so(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    Lane.objects.create(account=account, model="emo-v1", health=Account.Health.GONE)
    page = client_of(creator).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
    assert "The service has no EMO any more" in shown(page)


# ── the job page ──────────────────────────────────────────────────────────────────────────────────


def link_of(page: str, label: str) -> str:
    return parse(page).named("a", label)["href"]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_job_of_a_retired_model_leads_to_the_same_with_its_successor(
    client_of: ClientOf, creator: User, team: Team, account: Account, state: str
) -> None:
    speech, picture = makers.asset(team, "audio", milliseconds=12_000), makers.asset(team)
    job = makers.job(
        team,
        creator,
        state=state,
        title="Welcome",
        milliseconds=12_000,
        files={"image_url": picture, "audio_url": speech},
        finished_at=timezone.now(),
    )
    page = client_of(creator).get(job.get_absolute_url()).content.decode()
    found = read(team, link_of(page, "Make the same with Wan speech to video"))
    assert (found.spec.name, found.files["image_url"], found.files["audio_url"], found.title) == (
        "wan2.2-s2v",
        picture,
        speech,
        "Welcome",
    )


def test_dance_leads_there_with_the_video_of_its_template(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    moves, character = makers.template(team, account), makers.asset(team)
    job = makers.job(
        team,
        creator,
        "animate-anyone-gen2",
        State.SUCCEEDED,
        template=moves,
        files={"image_url": character},
        finished_at=timezone.now(),
    )
    page = client_of(creator).get(job.get_absolute_url()).content.decode()
    for label in ("Wan animate: move", "Wan animate: mix"):
        found = read(team, link_of(page, f"Make the same with {label}"))
        assert files_by_kind(found) == {"image": character, "video": moves.asset}


def test_dance_whose_template_was_never_made_leads_there_with_its_video(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    video, character = makers.asset(team, "video"), makers.asset(team)
    maker = makers.job(
        team,
        creator,
        "animate-anyone-template-gen2",
        State.FAILED,
        files={"video_url": video},
        finished_at=timezone.now(),
    )
    job = makers.job(
        team,
        creator,
        "animate-anyone-gen2",
        State.FAILED,
        needs=maker,
        files={"image_url": character},
        finished_at=timezone.now(),
    )
    page = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert files_by_kind(read(team, link_of(page, "Make the same with Wan animate: move"))) == {
        "image": character,
        "video": video,
    }


def test_job_page_is_silent_where_nothing_can_be_done(
    client_of: ClientOf, creator: User, viewer: User, team: Team, account: Account
) -> None:
    done = {"state": State.SUCCEEDED, "finished_at": timezone.now()}
    ended, waiting = makers.job(team, creator, **done), makers.job(team, creator)
    stays, adopted = (
        makers.job(team, creator, "wan2.2-s2v", **done),
        makers.job(team, creator, adopted=True, **done),
    )
    for job in (waiting, stays, adopted):
        assert (
            "Make the same with"
            not in client_of(creator).get(job.get_absolute_url()).content.decode()
        )
    assert (
        "Make the same with" not in client_of(viewer).get(ended.get_absolute_url()).content.decode()
    )
    assert "Make the same with" in client_of(creator).get(ended.get_absolute_url()).content.decode()


def test_job_that_waits_for_a_model_that_is_gone_offers_the_way_on(
    client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    job = makers.job(team, creator, code=Code.MODEL_GONE)
    page = client_of(creator).get(job.get_absolute_url()).content.decode()
    assert "The service has no EMO any more" in shown(page)
    assert link_of(page, "Make the same with Wan speech to video")
