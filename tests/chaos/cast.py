"""What a storm asks of the site's own database, each in a process of its own: `python -m
tests.chaos.cast WHAT …`.

`open ACCOUNTS` makes the people, the accounts and the files, has the pictures checked, and prints
what a browser needs as one JSON line. `wish FROM TO` creates the jobs of these numbers by way of
the functions that the pages use, each click twice; killed and started again it goes on where it
was. `audit` prints everything that must be true at the end.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from tests import files

SAMPLES = Path(__file__).resolve().parents[2] / "jobs" / "samples"
TEAM = "Storm studio"
PASSWORD = "rain wind and thunder"  # of a site that lives for minutes
MODELS = ("emo-v1", "wan2.2-s2v")
PEOPLE = ("aiko@example.com", "ben@example.com", "chidi@example.com")


def portrait() -> bytes:
    """The sample portrait, as small as the models take it: rendering is what a storm spends most
    on."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(SAMPLES / "portrait.jpg") as picture:
        picture.resize((480, 600)).save(out, "JPEG", quality=85)
    return out.getvalue()


def open_site(accounts: int) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from jobs.catalogue import entries
    from jobs.engine import checks
    from jobs.models import Account, ApiKey, Check
    from studio.files import edit_queue, file_store
    from studio.models import Membership, Role, Team, User

    people = [
        User.objects.create_user(email, PASSWORD, first_name=email.split("@")[0].capitalize())
        for email in PEOPLE
    ]
    team = Team.start(TEAM, people[0])
    for user in people[1:]:
        Membership.objects.create(team=team, user=user, role=Role.CREATOR)
    made = []
    for number in range(accounts):
        account = Account.objects.create(
            team=team, label=f"Account {number}", health=Account.Health.OK
        )
        ApiKey.make(account, f"sk-storm-{number}").save()
        made.append(account)
    picture, _ = file_store.keep(
        SimpleUploadedFile("portrait.jpg", portrait()),
        team=team,
        owner=people[0],
        name="portrait.jpg",
    )
    speech = [
        file_store.keep(
            SimpleUploadedFile(f"speech-{seconds}.wav", files.wav(seconds)),
            team=team,
            owner=people[0],
            name=f"speech-{seconds}.wav",
        )[0]
        for seconds in (1.0, 1.2, 1.5)
    ]
    for asset in (picture, *speech):
        edit_queue.consent(asset, people[0], "The team may use it.")
    asked = [
        checks.ask(
            asset=picture,
            model=entries.get(model).check,
            chosen=entries.clean_choices(entries.get(model), {}),
            account=made[0],
            by=people[0],
        )
        for model in MODELS
    ]
    while not all(check.settled for check in asked):
        time.sleep(0.2)
        asked = [Check.objects.get(pk=check.pk) for check in asked]
    assert all(check.state == Check.State.PASSED for check in asked), [
        (check.state, check.code, check.sentence) for check in asked
    ]
    told = {
        "team": team.slug,
        "picture": picture.public_id,
        "speech": [asset.public_id for asset in speech],
        "accounts": [account.public_id for account in made],
    }
    print(json.dumps(told))


def wish(first: int, last: int) -> None:
    from django.db import DatabaseError, close_old_connections, connection

    from jobs.models import Account
    from jobs.orders import create, order_request
    from studio.models import Asset, Team, User

    def make(number: int) -> None:
        team = Team.objects.get(name=TEAM)
        accounts = list(Account.objects.filter(team=team).order_by("id"))
        speech = list(Asset.objects.filter(team=team, kind="audio").order_by("id"))
        found = {
            "image_url": Asset.objects.get(team=team, kind="image"),
            "audio_url": speech[number % len(speech)],
        }
        model, account = placed(number, len(accounts))
        owner = User.objects.get(email=PEOPLE[number % len(PEOPLE)])
        wished = order_request.OrderRequest(
            team,
            owner,
            model,
            found,
            {},
            account=accounts[account],
            title=f"Take {number}",
            key=f"storm-{number}",
        )
        assert create.create(wished).pk == create.create(wished).pk

    number = first
    while number < last:
        try:
            close_old_connections()
            make(number)
        except DatabaseError as error:
            # Nobody knows whether the click was taken; the same click again is the same job.
            print(f"wish {number} again: {error}", flush=True)
            connection.close()
            time.sleep(0.3)
            continue
        number += 1
        time.sleep(float(os.environ.get("STORM_PAUSE", "0.3")))


def placed(number: int, accounts: int) -> tuple[str, int]:
    """(model, which account) of job `number`: every lane gets its part."""
    return MODELS[(number // accounts) % len(MODELS)], number % accounts


def audit() -> None:
    from django.db.models import Count, Sum

    from jobs.common.states import TERMINAL, State
    from jobs.models import Job, JobEvent, LedgerEntry
    from studio.media import MediaError, verify_video

    jobs = list(Job.objects.select_related("result").order_by("id"))
    broken = []
    for job in jobs:
        if job.state != State.SUCCEEDED:
            continue
        try:
            assert job.result is not None, "no film"
            seconds = verify_video(job.result.file.path).seconds
            assert abs(seconds - float(job.billed_units or 0)) < 0.1, (
                f"{seconds} s, billed {job.billed_units}"
            )
        except (AssertionError, MediaError, OSError) as error:
            broken.append(f"{job.public_id}: {error}")
    events = JobEvent.objects.order_by()
    # What the service itself breaks twice has had its one free retry (CONTRACT §11).
    twice = [
        job
        for job in jobs
        if job.state == State.FAILED
        and job.retries
        and job.provider_code.startswith("InternalError.")
    ]
    told: dict[str, Any] = {
        "jobs": len(jobs),
        "states": {
            row["state"]: row["n"]
            for row in Job.objects.order_by().values("state").annotate(n=Count("id"))
        },
        "open": [
            f"{job.public_id} {job.state} {job.code} {job.sentence}"
            for job in jobs
            if job.state not in TERMINAL
        ],
        "ended_badly": [
            f"{job.public_id} {job.state} {job.code} {job.provider_code} {job.sentence}"
            for job in jobs
            if job.terminal and job.state != State.SUCCEEDED and job not in twice
        ],
        "broken_twice": len(twice),
        "clicks": sorted({job.title for job in jobs}),
        "tasks": sorted(job.task_id for job in jobs if job.state == State.SUCCEEDED),
        "broken_films": broken,
        "most_attempts": max((job.attempt for job in jobs), default=0),
        "retries": sum(job.retries for job in jobs),
        "uncertain": events.filter(
            new=State.UNCERTAIN, old__in=(State.SUBMITTING, State.QUEUED)
        ).count(),
        "uncertain_found": events.filter(new=State.RUNNING, old=State.UNCERTAIN).count(),
        "uncertain_again": events.filter(new=State.QUEUED, old=State.UNCERTAIN).count(),
        **{
            name: value or 0
            for name, value in LedgerEntry.objects.aggregate(
                held=Sum("held"), settled=Sum("settled")
            ).items()
        },
    }
    print(json.dumps(told))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    what, *numbers = sys.argv[1:]
    acts: dict[str, Callable[..., None]] = {"open": open_site, "wish": wish, "audit": audit}
    acts[what](*(int(number) for number in numbers))
