"""What a storm asks of the site's own database, each in a process of its own: `python -m
tests.chaos.cast WHAT …`.

`open JOBS DANCES` makes the people, the accounts and the files, has the pictures checked, and
prints what a browser needs as one JSON line. `wish FROM TO` creates the jobs of these numbers by
way of the functions that the pages use, each click twice; killed and started again it goes on where
it was. `dance NUMBER START` orders a dance from the new video at START. `decide FOLDER` is a
person's word on what is in doubt, with the provider's data in FOLDER (`decisions`). `audit` prints
everything that must be true at the end (`accounting`).
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

from tests import files

SAMPLES = Path(__file__).resolve().parents[2] / "jobs" / "samples"
TEAM = "Storm studio"
PASSWORD = "rain wind and thunder"  # of a site that lives for minutes
MODELS = ("emo-v1", "wan2.2-s2v")
DANCE = "animate-anyone-gen2"
PEOPLE = ("aiko@example.com", "ben@example.com", "chidi@example.com")


def portrait() -> bytes:
    """The sample portrait, as small as the models take it: rendering is what a storm spends most
    on."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(SAMPLES / "portrait.jpg") as picture:
        picture.resize((480, 600)).save(out, "JPEG", quality=85)
    return out.getvalue()


def open_site(jobs: int, dances: int) -> None:
    from jobs.catalogue import entries
    from jobs.engine import checks
    from jobs.models import Account, ApiKey, Check
    from studio.models import Membership, Role, Team, User

    people = [
        User.objects.create_user(email, PASSWORD, first_name=email.split("@")[0].capitalize())
        for email in PEOPLE
    ]
    team = Team.start(TEAM, people[0])
    for user in people[1:]:
        Membership.objects.create(team=team, user=user, role=Role.CREATOR)
    made = []
    for number, key in enumerate(os.environ["STORM_KEYS"].split(",")):
        account = Account.objects.create(
            team=team, label=f"Account {number}", health=Account.Health.OK
        )
        ApiKey.make(account, key).save()
        made.append(account)
    picture = _keep(team, people[0], "portrait.jpg", portrait())
    # Each its own, so that a task can be told by its sound.
    speech = [
        _keep(
            team, people[0], f"speech-{n}.wav", files.wav((1.0, 1.2, 1.5)[n % 3] + (n + 1) / 2000)
        )
        for n in range(jobs)
    ]
    wanted = [(picture, model) for model in MODELS]
    if dances:
        wanted.append((_keep(team, people[0], "character.png", _sample("character.png")), DANCE))
        _keep(team, people[0], "dance.mp4", _sample("dance.mp4"))
    asked = [
        checks.ask(
            asset=asset,
            model=entries.get(model).check,
            chosen=entries.clean_choices(entries.get(model), {}),
            account=made[0],
            by=people[0],
        )
        for asset, model in wanted
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


def _sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def _keep(team: Any, owner: Any, name: str, content: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from studio.files import edit_queue, file_store

    upload = SimpleUploadedFile(name, content)
    asset, _ = file_store.keep(upload, team=team, owner=owner, name=name)
    edit_queue.consent(asset, owner, "The team may use it.")
    return asset


def wish(first: int, last: int) -> None:
    from jobs.models import Account
    from jobs.orders import create, order_request
    from studio.models import Asset, Team, User

    def make(number: int) -> None:
        team = Team.objects.get(name=TEAM)
        accounts = list(Account.objects.filter(team=team).order_by("id"))
        found = {
            "image_url": Asset.objects.get(team=team, name="portrait.jpg"),
            "audio_url": Asset.objects.get(team=team, name=f"speech-{number}.wav"),
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

    for number in range(first, last):
        if f"Take {number}" not in _ordered_before():
            _insist(f"wish {number}", partial(make, number))
            time.sleep(float(os.environ.get("STORM_PAUSE", "0.3")))


def dance(number: int, start: int) -> None:
    from jobs.models import Account
    from jobs.orders import create, order_request
    from studio.models import Asset, Team, User

    def make() -> None:
        team = Team.objects.get(name=TEAM)
        owner = User.objects.get(email=PEOPLE[number % len(PEOPLE)])
        wished = order_request.OrderRequest(
            team,
            owner,
            DANCE,
            {"image_url": Asset.objects.get(team=team, name="character.png")},
            {},
            template_video=Asset.objects.get(team=team, name="dance.mp4"),
            account=Account.objects.filter(team=team).order_by("id")[0],
            title=f"Dance {number}",
            key=f"dance-{number}",
        )
        create.create(wished)

    if f"Dance {number}" not in _ordered_before():
        time.sleep(max(0.0, start - time.time()))
        _insist(f"dance {number}", make)


def _ordered_before() -> set[str]:
    """Titles that a database of before has seen, or lost: nobody clicks for them again."""
    file = Path(os.environ["DATA_DIR"]) / "skip.json"
    return set(json.loads(file.read_text())) if file.exists() else set()


def _insist(what: str, make: Callable[[], None]) -> None:
    """The same click again while nobody knows whether it was taken: it is the same job."""
    from django.db import DatabaseError, close_old_connections, connection

    while True:
        try:
            close_old_connections()
            make()
            return
        except DatabaseError as error:
            print(f"{what} again: {error}", flush=True)
            connection.close()
            time.sleep(0.3)


def placed(number: int, accounts: int) -> tuple[str, int]:
    """(model, which account) of job `number`: every lane gets its part."""
    return MODELS[(number // accounts) % len(MODELS)], number % accounts


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    from tests.chaos import accounting, decisions

    what, *words = sys.argv[1:]
    acts: dict[str, Callable[..., None]] = {
        "open": open_site,
        "wish": wish,
        "dance": dance,
        "audit": accounting.audit,
    }
    if what == "decide":
        decisions.decide(Path(words[0]))
    else:
        acts[what](*(int(word) for word in words))
