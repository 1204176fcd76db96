"""`submit` makes a video from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.models import Check, Job, Template
from studio.models import Asset, Team
from tests import files, makers
from tests.jobs.management.submit.checks import passed


def test_a_talking_portrait_from_files_to_video(
    submit: Any, team: Team, portrait: str, speech: str, meanwhile: list[Any]
) -> None:
    video = makers.asset(team, "video", origin="result")

    def ready() -> None:
        Job.objects.update(
            state="succeeded",
            result=video,
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
    assert said["video"] == video.file.path
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


def test_a_failed_video_is_no_success(
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
            sentence="The Alibaba account of North-1 has a payment due.",
            provider_code="Arrearage",
        )

    meanwhile += [passed, paused]
    said, code = submit("emo-v1", image=portrait, audio=speech, wait=True)
    assert (code, said["state"], said["code"]) == (1, "queued", "Arrearage")
    assert (
        said["message"]
        == "The Alibaba account of North-1 has a payment due. The job is kept and goes on by "
        "itself then."
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
