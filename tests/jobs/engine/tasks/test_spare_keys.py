"""Keys beside the one that a job was sent with, while nobody knows whether it has a task."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.accounts import clients
from jobs.engine import uncertain
from jobs.models import Attempt, Job
from jobs.modelstudio import AccountTrouble, NoAnswer
from tests.jobs.engine.tasks.visits import fresh, sent_without_answer
from tests.service import Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def job_in_doubt(job: Job, service: Service) -> Job:
    """Sent three minutes ago, and not in the list since."""
    job = sent_without_answer(job, service)
    began = timezone.now() - timedelta(minutes=3)
    Job.objects.filter(pk=job.pk).update(submitting_at=began, tries=1)
    return fresh(job)


@pytest.fixture
def spare(job_in_doubt: Job, service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    found = Service()
    found.key_id, found.depth = 77, service.depth
    monkeypatch.setattr(clients, "every", lambda account: [(None, service), (None, found)])
    return found


@pytest.mark.parametrize(
    ("noted", "then"), [(True, ("queued", "waiting-turn")), (False, ("uncertain", "several-tasks"))]
)
def test_a_spare_key_that_is_refused_keeps_no_job_in_doubt(
    job_in_doubt: Job, service: Service, spare: Service, noted: bool, then: tuple[str, str]
) -> None:
    """The key that it was sent with says that there is no task. An attempt of before, whose key was
    not noted, may have been sent with the refused one, so a person decides."""
    spare.lists = [AccountTrouble("InvalidApiKey", status=401, reason="key")]
    if not noted:
        Attempt.objects.filter(job=job_in_doubt).update(base_url="", key=None)
    uncertain.settle_uncertain(job_in_doubt)
    assert (job_in_doubt.state, job_in_doubt.code) == then
    assert (service.count("submit"), spare.count("list")) == (1, 1)


@pytest.mark.parametrize(
    "trouble",
    [NoAnswer("ReadTimeout"), AccountTrouble("Arrearage", status=400, reason="arrears")],
)
def test_a_spare_key_without_an_answer_is_asked_again(
    job_in_doubt: Job, spare: Service, trouble: Exception
) -> None:
    spare.lists = [trouble]
    with pytest.raises(type(trouble)):
        uncertain.settle_uncertain(job_in_doubt)
    assert fresh(job_in_doubt).code == "no-answer"
