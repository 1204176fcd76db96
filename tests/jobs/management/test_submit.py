"""submit: exactly one JSON line on stdout, a code for scripts and a sentence for people, and never
a payment by mistake."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from jobs.common import wakeup
from jobs.management import follow
from jobs.models import Check, Job, Template
from studio.models import Asset, Team, User
from tests import files, makers

KEYS = {"job", "state", "code", "message", "task_id", "video", "seconds", "cost_micros", "currency"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bells of checks that were rung; nobody answers them."""
    rung: list[int] = []
    monkeypatch.setattr(wakeup, "enqueue_check", rung.append)
    monkeypatch.setattr(wakeup, "worker_alive", lambda: True)
    return rung


@pytest.fixture
def submit(team: Team, creator: User, account: object, asked: list[int]) -> Any:
    def run(model: str, *words: str, **options: Any) -> tuple[dict[str, Any], int]:
        out, code = io.StringIO(), 0
        try:
            call_command(
                "submit",
                model,
                *words,
                **{"team": "north", "by": creator.email, **options},
                stdout=out,
            )
        except SystemExit as end:
            code = int(end.code or 0)
        lines = out.getvalue().splitlines()
        assert len(lines) == 1
        said = json.loads(lines[0])
        assert set(said) == KEYS
        return said, code

    return run


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Things that happen, one for each time the command waits."""
    steps: list[Any] = []
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda seconds: steps.pop(0)()))
    return steps


@pytest.fixture
def portrait(tmp_path: Path) -> str:
    return str(files.write(tmp_path, "Mia.jpg", files.jpeg(600, 600)))


@pytest.fixture
def speech(tmp_path: Path) -> str:
    return str(files.write(tmp_path, "hello.wav", files.wav(2.0)))


def passed(**columns: Any) -> None:
    Check.objects.update(
        state="passed",
        facts={"face_bbox": [1, 2, 3, 4], "ext_bbox": [0, 0, 9, 9], "bodystyle": "full"},
        **columns,
    )


# ── films ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_talking_portrait_from_files_to_film(
    submit: Any, team: Team, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    film = makers.asset(team, "video", origin="result")

    def ready() -> None:
        Job.objects.update(
            state="succeeded",
            result=film,
            task_id="t-1",
            billed_units="2.000",
            settled_micros=45874,
        )

    meanwhile += [passed, ready]
    said, code = submit(
        "emo-v1",
        "--set",
        "ratio=3:4",
        "--set",
        "style_level=active",
        image=portrait,
        audio=speech,
        wait=True,
    )
    job = Job.objects.get()
    assert code == 0
    assert said["state"] == "succeeded"
    assert said["job"] == job.public_id
    assert said["video"] == film.file.path
    assert Path(said["video"]).exists()
    assert (said["task_id"], said["seconds"], said["cost_micros"], said["currency"]) == (
        "t-1",
        2.0,
        45874,
        "USD",
    )
    assert job.parameters == {"ratio": "3:4", "style_level": "active"}
    assert job.check_used is not None
    assert job.check_used.choice == "ratio=3:4"
    assert {row.name for row in job.inputs.all()} == {"image_url", "audio_url"}


def test_without_waiting_a_made_job_is_enough(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    meanwhile.append(passed)
    said, code = submit("emo-v1", image=portrait, audio=speech, title="Hello, Mia")
    job = Job.objects.get()
    assert (code, said["state"], said["code"]) == (0, "queued", "waiting-turn")
    assert said["cost_micros"] == job.quote_micros > 0
    assert job.title == "Hello, Mia"


def test_a_failed_film_is_no_success(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    def failed() -> None:
        Job.objects.update(
            state="failed",
            code="task-failed",
            provider_code="InternalError.Algo",
            sentence="The service failed.",
            advice="Try again.",
            settled_micros=0,
        )

    meanwhile += [passed, failed]
    said, code = submit("emo-v1", image=portrait, audio=speech, wait=True)
    assert code == 1
    assert (said["state"], said["code"], said["message"]) == (
        "failed",
        "InternalError.Algo",
        "The service failed. Try again.",
    )
    assert (said["video"], said["cost_micros"]) == (None, 0)


def test_waiting_ends_when_only_a_person_can_help(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    def paused() -> None:
        Job.objects.update(
            code="account-paused",
            sentence="The account North-1 has a payment due.",
            provider_code="Arrearage",
        )

    meanwhile += [passed, paused]
    said, code = submit("emo-v1", image=portrait, audio=speech, wait=True)
    assert (code, said["state"], said["code"]) == (1, "queued", "Arrearage")
    assert (
        said["message"]
        == "The account North-1 has a payment due. The job is kept and goes on by itself then."
    )


def test_a_portrait_that_the_service_refuses_makes_no_job(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    meanwhile.append(
        lambda: Check.objects.update(
            state="refused", code="InvalidFile.Face", sentence="No face was found."
        )
    )
    said, code = submit("emo-v1", image=portrait, audio=speech, wait=True)
    assert (code, said["state"], said["code"], said["message"]) == (
        1,
        "refused",
        "InvalidFile.Face",
        "No face was found.",
    )
    assert not Job.objects.exists()


def test_a_known_picture_is_not_checked_again(
    submit: Any, portrait: str, speech: str, meanwhile: list[Any], asked: list[int]
) -> None:
    meanwhile.append(passed)
    submit("emo-v1", image=portrait, audio=speech)
    submit("emo-v1", image=portrait, audio=speech)
    assert Check.objects.count() == 1
    assert Asset.objects.count() == 2
    assert Job.objects.count() == 2
    assert len(asked) <= 1


def test_a_dance_makes_its_template_first(
    submit: Any, tmp_path: Path, portrait: str, meanwhile: list[Any]
) -> None:
    dance = str(files.write(tmp_path, "dance.mp4", files.mp4(2.0, fps=25)))

    def template_ready() -> None:
        Job.objects.filter(model="animate-anyone-template-gen2").update(state="succeeded")

    def dance_ready() -> None:
        Job.objects.filter(model="animate-anyone-gen2").update(state="succeeded")

    meanwhile += [passed, template_ready, dance_ready]
    said, code = submit("animate-anyone-gen2", image=portrait, video=dance, wait=True)
    assert (code, said["state"]) == (0, "succeeded")
    made = Job.objects.get(public_id=said["job"])
    assert made.model == "animate-anyone-gen2"
    assert made.needs is not None
    assert made.needs.inputs.get().name == "video_url"


@pytest.mark.parametrize("by", ["public_id", "template_id"])
def test_a_template_is_found_by_either_id(
    submit: Any, team: Team, account: Any, portrait: str, meanwhile: list[Any], by: str
) -> None:
    template = makers.template(team, account)
    meanwhile.append(passed)
    said, code = submit("animate-anyone-gen2", image=portrait, template=getattr(template, by))
    assert code == 0
    assert Job.objects.get(public_id=said["job"]).template == template


def test_a_template_job_says_how_it_is_used(
    submit: Any, tmp_path: Path, team: Team, account: Any, meanwhile: list[Any]
) -> None:
    dance = str(files.write(tmp_path, "dance.mp4", files.mp4(2.0, fps=25)))

    def ready() -> None:
        job = Job.objects.get()
        Job.objects.update(
            state="succeeded", template=Template.objects.get(), task_id=job.public_id
        )

    makers.template(team, account, template_id="AACT.ready")
    meanwhile.append(ready)
    said, code = submit("animate-anyone-template-gen2", video=dance, wait=True)
    assert code == 0
    assert "AACT.ready" in said["message"]
    assert said["video"] is None


# ── checks ────────────────────────────────────────────────────────────────────────────────────────
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


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────
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
    monkeypatch.setattr(wakeup, "worker_alive", lambda: False)
    submit("emo-detect-v1", image=portrait)
    assert capsys.readouterr().err.count("No worker is running") == 1
