"""`submit` checks alone, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.common import wakeup
from jobs.models import Check, Job
from studio.models import Asset, Team, User
from tests import files
from tests.jobs.management.submit.checks import passed


def test_a_check_is_a_job_of_its_own(submit: Any, portrait: str, meanwhile: list[Any]) -> None:
    meanwhile.append(passed)
    said, code = submit("emo-detect-v1", "--set", "ratio=1:1", image=portrait, wait=True)
    check = Check.objects.get()
    assert (code, said["state"], said["job"]) == (0, "succeeded", f"check-{check.public_id}")
    assert (said["video"], said["task_id"], said["cost_micros"]) == (None, "", 574)


def test_a_refused_check_ends_with_an_error(
    submit: Any, portrait: str, meanwhile: list[Any]
) -> None:
    meanwhile.append(
        lambda: Check.objects.update(
            state="refused", code="InvalidFile.BodyPose", sentence="The body is cut off."
        )
    )
    said, code = submit("animate-anyone-detect-gen2", image=portrait, wait=True)
    assert (code, said["state"], said["code"], said["message"]) == (
        1,
        "failed",
        "InvalidFile.BodyPose",
        "The body is cut off.",
    )


def test_a_check_without_an_answer_is_asked_again(
    submit: Any, portrait: str, meanwhile: list[Any]
) -> None:
    submit("emo-detect-v1", image=portrait)
    Check.objects.update(state="uncertain")
    meanwhile.append(passed)
    said, code = submit("emo-detect-v1", image=portrait, wait=True)
    assert (code, said["state"]) == (0, "succeeded")
    assert Check.objects.get().attempt == 2


@pytest.mark.parametrize(
    ("model", "options", "code", "word"),
    [
        ("emo-v9", {}, "no-model", "Known are"),
        ("emo-v1", {"image": "PORTRAIT"}, "missing", "--audio"),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "video": "SPEECH"},
            "not-needed",
            "--video",
        ),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "template": "x"},
            "not-needed",
            "--template",
        ),
        (
            "emo-v1",
            {"image": "/no/such/file.jpg", "audio": "SPEECH"},
            "no-file",
            "/no/such/file.jpg",
        ),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "set": ["ratio=2:1"]},
            "bad-choice",
            "1:1, 3:4",
        ),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "set": ["ratio"]},
            "bad-choice",
            "name=value",
        ),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "set": ["seed=1"]},
            "bad-choice",
            "seed",
        ),
        ("emo-v1", {"image": "PORTRAIT", "audio": "SPEECH", "team": "south"}, "no-team", "south"),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "by": "dora@example.com"},
            "role-too-low",
            "Viewer",
        ),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "SPEECH", "by": "sven@example.com"},
            "no-member",
            "no member",
        ),
        ("emo-v1", {"image": "EMPTY", "audio": "SPEECH"}, "empty", ""),
        ("emo-v1", {"image": "SPEECH", "audio": "SPEECH"}, "refused", ""),
        (
            "emo-v1",
            {"image": "PORTRAIT", "audio": "LONG"},
            "refused",
            "61.0 s",
        ),  # before the check is paid
        ("animate-anyone-gen2", {"image": "PORTRAIT"}, "missing", "--template"),
        (
            "animate-anyone-gen2",
            {"image": "PORTRAIT", "template": "nothing"},
            "no-template",
            "nothing",
        ),
        (
            "animate-anyone-gen2",
            {"image": "PORTRAIT", "template": "nothing", "video": "SPEECH"},
            "not-needed",
            "has its --template already",
        ),
    ],
)
def test_bad_input_gets_a_sentence_and_costs_nothing(
    submit: Any,
    viewer: User,
    stranger: User,
    tmp_path: Path,
    portrait: str,
    speech: str,
    model: str,
    options: dict[str, Any],
    code: str,
    word: str,
) -> None:
    empty = str(files.write(tmp_path, "empty.jpg", b""))
    long = str(files.write(tmp_path, "long.wav", files.wav(61.0, rate=8000)))
    names = {"PORTRAIT": portrait, "SPEECH": speech, "EMPTY": empty, "LONG": long}
    said, left = submit(
        model,
        **{
            name: names.get(value, value) if isinstance(value, str) else value
            for name, value in options.items()
        },
    )
    assert left == 1
    assert (said["state"], said["job"], said["code"], said["cost_micros"]) == (
        "refused",
        None,
        code,
        0,
    )
    assert word in said["message"]
    assert said["message"].endswith(".")
    assert not Job.objects.exists()
    assert not Check.objects.exists()


def test_a_team_without_an_account_is_told_so(
    submit: Any, team: Team, portrait: str, speech: str
) -> None:
    team.accounts.all()[0].keys.update(active=False)
    said, code = submit("emo-v1", image=portrait, audio=speech)
    assert (code, said["code"]) == (1, "no-account")
    assert not Asset.objects.exists(), "nothing is stored for a wish that cannot be"


def test_a_spent_budget_refuses_before_anything_is_asked(
    submit: Any, team: Team, portrait: str, speech: str
) -> None:
    team.budgets.create(micros=0)
    said, code = submit("emo-v1", image=portrait, audio=speech)
    assert (code, said["state"], said["code"]) == (1, "refused", "over-budget")
    assert not Check.objects.exists()


def test_an_interrupted_wait_leaves_the_job_alone(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    def ctrl_c() -> None:
        raise KeyboardInterrupt

    meanwhile += [passed, ctrl_c]
    said, code = submit("emo-v1", image=portrait, audio=speech, wait=True)
    assert (code, said["state"]) == (130, "queued")
    assert Job.objects.get().public_id == said["job"]


def test_silent_workers_are_mentioned_once(
    submit: Any, portrait: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wakeup, "worker_heard", lambda: False)
    submit("emo-detect-v1", image=portrait)
    assert capsys.readouterr().err.count("No worker is running") == 1


def test_a_redis_that_is_away_says_nothing_of_workers(
    submit: Any, portrait: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wakeup, "worker_heard", lambda: None)
    submit("emo-detect-v1", image=portrait)
    said = capsys.readouterr().err
    assert "Redis does not answer" in said
    assert "No worker" not in said


def test_a_team_that_was_deleted_takes_nothing(
    submit: Any, team: Team, portrait: str, speech: str
) -> None:
    now = timezone.now()
    Team.objects.filter(pk=team.pk).update(closed_at=now, erase_at=now + timedelta(days=30))
    said, code = submit("emo-v1", image=portrait, audio=speech)
    assert code == 1
    assert "was deleted" in said["message"]
    assert not Asset.objects.exists()
