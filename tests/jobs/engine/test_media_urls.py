"""How the service gets a file: an address of ours where it can reach us, its own temporary storage
where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.accounts import clients
from jobs.engine import checks, detect, media_urls
from jobs.models import Account, TemporaryFile
from jobs.simulator import Simulator
from studio.models import Asset, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(speed=200) as running:
        yield running


@pytest.fixture
def at(team: Team, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(clients, "_clients", {})
    return makers.account(team, simulator.url, key="sk-delivery-1")


@pytest.fixture
def portrait(team: Team) -> Asset:
    content = (Path(media_urls.__file__).parents[1] / "samples" / "portrait.jpg").read_bytes()
    return makers.asset(team, content=content, width=960, height=1200)


def test_a_service_that_reaches_us_gets_our_address(
    at: Account, portrait: Asset, settings: Any, simulator: Simulator
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    url = media_urls.address(portrait, at, "emo-v1")
    assert url.startswith("http://127.0.0.1:8000/m/")
    assert url.endswith(".jpg")
    assert simulator.count("policy") == 0


def test_otherwise_it_is_handed_over_once_per_model(
    at: Account, portrait: Asset, settings: Any, simulator: Simulator
) -> None:
    settings.MEDIA_DELIVERY = "temporary"
    first = media_urls.address(portrait, at, "emo-v1")
    assert first.startswith("oss://")
    assert media_urls.address(portrait, at, "emo-v1") == first
    other = media_urls.address(portrait, at, "emo-detect-v1")
    assert other != first, "a file in the temporary storage belongs to one model"
    assert simulator.count("upload") == 2


def test_a_copy_near_its_end_is_handed_over_anew(
    at: Account, portrait: Asset, settings: Any, simulator: Simulator
) -> None:
    settings.MEDIA_DELIVERY = "temporary"
    first = media_urls.address(portrait, at, "emo-v1")
    TemporaryFile.objects.update(
        expires_at=timezone.now() + timedelta(hours=media_urls.SAFE_HOURS, minutes=-1)
    )
    second = media_urls.address(portrait, at, "emo-v1")
    assert second != first, "the service forbids to write a name twice"
    assert simulator.count("upload") == 2
    assert TemporaryFile.objects.count() == 1


def test_the_service_takes_what_was_handed_over(
    at: Account, portrait: Asset, settings: Any, creator: User, simulator: Simulator
) -> None:
    settings.MEDIA_DELIVERY = "temporary"
    check = checks.ask(
        asset=portrait, model="emo-detect-v1", chosen={"ratio": "1:1"}, account=at, by=creator
    )
    detect.step(check.pk)
    check.refresh_from_db()
    assert check.state == "passed", check.sentence
    assert [line.price for line in simulator.bill()] == [574]
    assert {"face_bbox", "ext_bbox"} <= set(check.facts)


def test_a_deployed_model_is_called_by_its_own_name(
    at: Account, portrait: Asset, creator: User, service: Any
) -> None:
    Account.objects.filter(pk=at.pk).update(model_names={"emo-detect-v1": "emo-detect-7f3a"})
    check = checks.ask(
        asset=portrait,
        model="emo-detect-v1",
        chosen={},
        account=Account.objects.get(pk=at.pk),
        by=creator,
    )
    detect.step(check.pk)
    assert (
        next(body for what, body in service.asked if what == "detect")["model"] == "emo-detect-7f3a"
    )
