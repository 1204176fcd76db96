"""What the kill test asks of the site's own database, in a process of its own: `python -m
tests.chaos.ten make|audit`.

`make` creates ten wishes by way of the functions that the pages use; `audit` prints, as one JSON
line, how they stand and what the ledger says. Both work on DATA_DIR, like every command.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import django

SAMPLES = Path(__file__).resolve().parents[2] / "jobs" / "samples"


def make() -> None:
    from jobs.accounts import choice
    from jobs.engine import checks
    from jobs.models import Check
    from jobs.orders import create, order_request
    from studio.files import file_store
    from studio.models import Team

    team = Team.objects.get(slug="demo-studio")
    owner = team.memberships.get(role="owner").user
    account = choice.account_for(team, owner)
    assert account is not None
    kept = {
        name: file_store.keep(SAMPLES / name, team=team, owner=owner, name=name)[0]
        for name in ("portrait.jpg", "speech.mp3", "character.png", "dance.mp4")
    }
    pending = [
        checks.ask(
            asset=kept["portrait.jpg"],
            model="emo-detect-v1",
            chosen={"ratio": "1:1"},
            account=account,
            by=owner,
        ),
        checks.ask(
            asset=kept["character.png"],
            model="animate-anyone-detect-gen2",
            chosen={},
            account=account,
            by=owner,
        ),
    ]
    while not all(check.settled for check in pending):
        time.sleep(0.2)
        pending = [Check.objects.get(pk=check.pk) for check in pending]
        assert all(check.state in ("waiting", "asking", "passed") for check in pending), [
            check.sentence for check in pending
        ]
    portrait = {"image_url": kept["portrait.jpg"], "audio_url": kept["speech.mp3"]}
    for number in range(6):
        create.create(
            order_request.OrderRequest(
                team,
                owner,
                "emo-v1",
                portrait,
                {"ratio": "1:1"},
                title=f"Talk {number}",
                key=f"talk-{number}",
            )
        )
    character = {"image_url": kept["character.png"]}
    for number in range(3):
        wish = order_request.OrderRequest(
            team,
            owner,
            "animate-anyone-gen2",
            character,
            {},
            template_video=kept["dance.mp4"],
            title=f"Dance {number}",
            key=f"dance-{number}",
        )
        create.create(wish)  # the first brings the template job, which is the tenth


def audit() -> None:
    from django.db.models import Sum

    from jobs.common.states import TERMINAL
    from jobs.models import Job, LedgerEntry
    from studio.media import verify_video

    jobs = list(Job.objects.select_related("result"))
    videos = [job.result for job in jobs if job.result is not None]
    sums = LedgerEntry.objects.aggregate(held=Sum("held"), settled=Sum("settled"))
    whole = sum(
        1 for video in videos if abs(verify_video(video.file.path).seconds - video.seconds) < 0.1
    )
    print(
        json.dumps(
            {
                "jobs": len(jobs),
                "states": sorted(job.state for job in jobs),
                "ended": all(job.state in TERMINAL for job in jobs),
                "tasks": sorted(job.task_id for job in jobs if job.task_id),
                "whole_videos": whole,
                **sums,
            }
        )
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    {"make": make, "audit": audit}[sys.argv[1]]()
