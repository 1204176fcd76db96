"""What an erased person had in a team goes the way of somebody who leaves it."""

from __future__ import annotations

import pytest

from jobs.models import Job, Preset
from studio.models import Asset, Team, User
from studio.personal_data import erasure
from tests import makers

pytestmark = pytest.mark.django_db


def test_waiting_jobs_are_canceled_and_the_rest_is_the_teams(
    team: Team, owner: User, creator: User, account: object
) -> None:
    waiting = makers.job(team, creator)
    running = makers.job(team, creator, state="running")
    picture = makers.asset(team, owner=creator)
    preset = Preset.objects.create(team=team, owner=creator, model="emo-v1", name="Calm")
    report = erasure.erase(creator, files=False, by=owner)
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.state, running.state) == ("canceled", "running")
    assert sum(entry.held for entry in waiting.ledger.all()) == 0
    assert Asset.objects.get(pk=picture.pk).owner is None
    assert Preset.objects.get(pk=preset.pk).owner is None
    gone = [str(one.sentence) for one in report if not one.stays]
    kept = [str(one.sentence) for one in report if one.stays]
    assert "1 job is canceled; nothing was sent, so nothing is paid." in gone
    assert any(one.startswith("1 preset stays with the team") for one in kept)


def test_who_erases_themselves_is_named_in_no_event(
    team: Team, owner: User, creator: User, account: object
) -> None:
    name = creator.short_name
    job = makers.job(team, creator)
    erasure.erase(creator, files=False)
    texts = [str(event.text) for event in Job.objects.get(pk=job.pk).events.all()]
    assert texts
    assert name not in " ".join(texts)
