"""Fills a running studio with what a few weeks leave behind, and prints as one JSON line what it
holds: `python -m tests.browser.seed`.

The videos are really made, by the worker and the simulator. Jobs that must stay as they are (in
line, rendering, in doubt) stand in lanes that no worker visits before tomorrow.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

SAMPLES = Path(__file__).resolve().parents[2] / "jobs" / "samples"
EMAIL, PASSWORD = "aiko@example.com", "three quiet lamps"
TEAM = "Studio North"
PATIENCE = 240.0  # seconds for all videos


def fill() -> dict[str, Any]:
    """{"email", "password": of the owner, "values": name in an address -> value, "scenes": [[name,
    path], or with the status that is meant], "join": the secret of a link to make an account,
    "lost": of one that takes second factors away}."""
    from studio.models import Team
    from studio.teams import sign_up_links
    from tests.browser import seed_trash

    users = people()
    team = Team.objects.get(name=TEAM)
    made = videos(team, users)
    still = standing(team, users)
    sets = together(team, users, made | still)
    told = values(team, made) | {
        "invitation": invited(team, users),
        "member": str(team.memberships.get(user=users["chidi"]).pk),
        "domain": "1",
        "approval": asked(team, users, sets),
        "jobset": sets["sweep"].public_id,
        "preset": team.presets.earliest("id").public_id,
        "view": team.views.earliest("id").public_id,
        "collection": team.collections.earliest("id").public_id,
        **shared(team, made["portrait"]),
    }
    found = [*scenes(team, made | still), ["set-batch", sets["batch"].get_absolute_url()]]
    found += shared_scenes(team, made["portrait"])
    found += seed_trash.deleted(team, users)
    return {
        "email": EMAIL,
        "password": PASSWORD,
        "values": told,
        "scenes": found,
        "join": sign_up_links.make("newcomer@example.com").rstrip("/").rsplit("/", 1)[1],
        "lost": lost_link(users["ben"]),
    }


def shared(team: Any, job: Any) -> dict[str, str]:
    """An open link to the video of `job`, which may be downloaded."""
    from django.utils import timezone

    from jobs.sharing import links

    terms = links.Terms(job.title, timezone.now() + timedelta(days=30), download_allowed=True)
    link = links.make(team, job.owner, [job], terms)
    return {"share": link.public_id, "token": links.token_of(link), "place": "1"}


def shared_scenes(team: Any, job: Any) -> list[list[str]]:
    """What a visitor meets who must give a password, whose link is over, who has none."""
    from django.urls import reverse
    from django.utils import timezone

    from jobs.sharing import links

    ends = timezone.now() + timedelta(days=30)
    asks, over = (
        links.make(team, job.owner, [job], links.Terms(title, ends, False, password))
        for title, password in (("For the client", "three quiet lamps"), ("Last year", ""))
    )
    team.share_links.filter(pk=over.pk).update(expires_at=timezone.now() - timedelta(days=1))
    return [
        ["shared-password", reverse("shared", args=[links.token_of(asks)])],
        ["share-over", over.get_absolute_url()],
    ]


def lost_link(user: Any) -> str:
    """`user` has an app with codes, and lost it: the secret of the operator's link."""
    from allauth.mfa.totp.internal import auth as totp

    from studio.teams import lost_factors

    totp.TOTP.activate(user, totp.generate_totp_secret())
    return lost_factors.make(user).rstrip("/").rsplit("/", 1)[1]


def people() -> dict[str, Any]:
    """Two teams; the owner of the first is of the staff. The first has an account that works."""
    from django.db import transaction

    from jobs.models import Account, ApiKey, Budget
    from studio.audit.events import Event
    from studio.audit.trail import record
    from studio.models import Membership, Role, Team, User

    users = {
        name: User.objects.create_user(
            f"{name}@example.com", PASSWORD, first_name=name.capitalize()
        )
        for name in ("aiko", "ben", "chidi", "dora")
    }
    aiko = users["aiko"]
    aiko.is_staff = aiko.is_superuser = True
    aiko.save(update_fields=["is_staff", "is_superuser"])
    team = Team.start(TEAM, aiko)
    for name, role in (("ben", Role.ADMIN), ("chidi", Role.CREATOR), ("dora", Role.VIEWER)):
        Membership.objects.create(team=team, user=users[name], role=role)
    Team.start("Evening Desk", aiko)
    with transaction.atomic():
        record(
            Event.ROLE_CHANGED,
            team=team,
            by=aiko,
            person=users["ben"],
            before={"role": Role.CREATOR},
            after={"role": Role.ADMIN},
        )
    north = Account.objects.create(team=team, label="North-1", health=Account.Health.OK)
    ApiKey.make(north, "sk-north-0001", aiko).save()
    ApiKey.make(north, "sk-north-0002", aiko).save()
    Budget.objects.create(team=team, micros=10_000_000)
    Budget.objects.create(team=team, member=users["chidi"], micros=2_500_000)
    return users


def submit(team: Any, by: str, model: str, title: str, **files: Path) -> dict[str, Any]:
    """What `manage.py submit` prints for a wish; it does not wait for the video."""
    from django.core.management import call_command

    out = io.StringIO()
    try:
        with redirect_stdout(io.StringIO()):
            call_command(
                "submit",
                model,
                team=team.slug,
                by=f"{by}@example.com",
                title=title,
                stdout=out,
                **{k: str(v) for k, v in files.items()},
            )
    except SystemExit:
        raise RuntimeError(f"{title} was not taken: {out.getvalue()}") from None
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


def videos(team: Any, users: dict[str, Any]) -> dict[str, Any]:
    """Really made: two portraits, a dance with its template, and one that fails because nobody is
    in its video."""
    from jobs.models import Job
    from tests import files as samples

    folder = Path(tempfile.mkdtemp(prefix="footlight-seed-"))
    speech, picture = next(SAMPLES.glob("speech.*")), SAMPLES / "portrait.jpg"
    empty = samples.write(
        folder, "empty-room.mp4", samples.mp4(seconds=4, fps=30, width=540, height=960)
    )
    wishes = {
        "portrait": submit(team, "aiko", "emo-v1", "Welcome line", image=picture, audio=speech),
        "portrait2": submit(
            team, "chidi", "emo-v1", "Ticket reminder", image=picture, audio=speech
        ),
        "dance": submit(
            team,
            "ben",
            "animate-anyone-gen2",
            "Spring steps",
            image=SAMPLES / "character.png",
            video=SAMPLES / "dance.mp4",
        ),
        "failed": submit(
            team,
            "ben",
            "animate-anyone-gen2",
            "Empty room",
            image=SAMPLES / "character.png",
            video=empty,
        ),
    }
    end = time.monotonic() + PATIENCE
    rows = {name: Job.objects.get(public_id=said["job"]) for name, said in wishes.items()}
    while not all(job.terminal for job in rows.values()):
        if time.monotonic() > end:
            raise RuntimeError(f"not made in {PATIENCE:g} s: {[str(job) for job in rows.values()]}")
        time.sleep(0.3)
        for job in rows.values():
            job.refresh_from_db()
    told = {name: str(job.state) for name, job in rows.items()}
    if told != {
        "portrait": "succeeded",
        "portrait2": "succeeded",
        "dance": "succeeded",
        "failed": "failed",
    }:
        raise RuntimeError(
            f"the videos ended otherwise than meant: {told} {rows['failed'].sentence}"
        )
    return rows


def standing(team: Any, users: dict[str, Any]) -> dict[str, Any]:
    """A job in each state that passes by, on accounts whose lanes nobody visits."""
    from django.utils import timezone

    from jobs.billing import ledger
    from jobs.common.states import Code, Fault, State
    from jobs.models import Account, ApiKey, Attempt, JobEvent, Lane
    from studio.common.translatable import phrase
    from studio.models import Asset
    from tests import makers

    now = timezone.now()
    south = Account.objects.create(team=team, label="South-a", health=Account.Health.OK)
    ApiKey.make(south, "sk-south-0001", users["ben"]).save()
    tomorrow = now + timedelta(days=1)
    for model in ("emo-v1", "animate-anyone-gen2", "wan2.2-s2v"):
        Lane.objects.get_or_create(account=south, model=model, defaults={"next_visit_at": tomorrow})
    picture = team.assets.filter(kind=Asset.Kind.IMAGE).earliest("id")
    sound = team.assets.filter(kind=Asset.Kind.AUDIO).earliest("id")
    inputs = {"image_url": picture, "audio_url": sound}
    aiko, ben, chidi = users["aiko"], users["ben"], users["chidi"]

    due = {
        "health": Account.Health.ARREARS,
        "health_text": "Payment is due at Alibaba Cloud.",
        "paused_until": tomorrow,
        "troubles": 2,
    }
    west = Account.objects.create(team=team, label="West-3", **due)
    ApiKey.make(west, "sk-west-0001", users["ben"]).save()
    Lane.objects.create(account=west, model="emo-v1", next_visit_at=tomorrow)

    def job(owner: Any, title: str, state: State, account: Any = south, **columns: Any) -> Any:
        row = makers.job(
            team,
            owner,
            state=state,
            account=account,
            title=title,
            files=inputs,
            milliseconds=13_900,
            **columns,
        )
        JobEvent.objects.create(
            team=team, job=row, old="", new=State.QUEUED, text=phrase("Created.")
        )
        return row

    began = now - timedelta(seconds=70)
    out = {"attempt": 1, "submitting_at": began, "submitted_at": began}
    rows = {
        "running": job(
            chidi,
            "Opening hours",
            State.RUNNING,
            task_id="a8532587-fa8c-4ef8-82be-0c46e17950bd",
            provider_status="RUNNING",
            provider_started_at=began,
            looked_at=now,
            next_look_at=tomorrow,
            **out,
        ),
        "queued": job(
            aiko,
            "A greeting for everybody who comes in by the back door on a rainy evening",
            State.QUEUED,
        ),
        "queued2": job(ben, "Second floor", State.QUEUED),
        "held": job(chidi, "Long farewell", State.QUEUED, west, code=Code.ACCOUNT_PAUSED),
        "uncertain": job(
            ben,
            "Closing line",
            State.UNCERTAIN,
            code=Code.SEVERAL_TASKS,
            not_before=tomorrow,
            **out,
        ),
        "uncertain2": job(
            aiko,
            "Closing line, clicked twice",
            State.UNCERTAIN,
            code=Code.SEVERAL_TASKS,
            not_before=tomorrow,
            **out,
        ),
        "canceled": job(aiko, "Wrong take", State.CANCELED, code=Code.CANCELED, finished_at=now),
        "refused": job(
            chidi,
            "Two at the door",
            State.FAILED,
            code=Code.REJECTED,
            fault=Fault.INPUT,
            provider_code="InvalidFile.MultiHuman",
            provider_message="The input image has multi human bodies. Please upload other image "
            "with single person.",
            sentence="There is more than one person in the picture.",
            advice="Crop the picture to one person.",
            finished_at=now,
            **out,
        ),
    }
    for name in ("running", "uncertain", "refused"):
        Attempt.objects.create(
            job=rows[name],
            number=1,
            began_at=began,
            outcome="refused" if name == "refused" else "sending",
        )
    for name in ("canceled", "refused"):
        ledger.release(rows[name])
    ask_which_task(rows["uncertain"], rows["uncertain2"])
    Lane.objects.filter(account__in=(south, west)).update(next_visit_at=tomorrow)
    return rows


def ask_which_task(job: Any, other: Any) -> None:
    """A person is asked about two tasks, the second of which could be the `other` job's as well."""
    from decimal import Decimal

    from jobs.common.states import Code, State
    from jobs.engine import listed_tasks
    from jobs.modelstudio import TaskLine

    made, ended = job.submitting_at, job.submitting_at + timedelta(seconds=58)
    lines = [
        TaskLine(
            "5f2a7c1e-0d44-4b52-9f5e-1c6f0a7d1b01", "SUCCEEDED", "emo-v1", "", made, ended, "12"
        ),
        TaskLine("91c0b6d8-77aa-4c1f-8a53-6f3f7b2c9e02", "RUNNING", "emo-v1", "", made, None, "12"),
    ]
    for row, told in ((job, lines), (other, lines[1:])):
        row.events.create(
            team=row.team,
            new=State.UNCERTAIN,
            code=Code.SEVERAL_TASKS,
            text="A person decides.",
            data=listed_tasks.noted(told, {lines[0].task_id: Decimal("13.93")}),
        )


def together(team: Any, users: dict[str, Any], jobs: dict[str, Any]) -> dict[str, Any]:
    """A comparison of which two videos are there, a batch of which one failed, and a preset."""
    from jobs.models import Job, JobSet, Preset
    from studio.files import tags
    from tests import makers

    sets = {
        "sweep": JobSet.objects.create(
            team=team,
            owner=users["aiko"],
            kind=JobSet.Kind.SWEEP,
            title="Welcome line in three styles",
        ),
        "batch": JobSet.objects.create(
            team=team, owner=users["chidi"], kind=JobSet.Kind.BATCH, title="Front desk, autumn"
        ),
    }
    for name, members in {
        "sweep": ("portrait", "portrait2", "running"),
        "batch": ("queued", "refused", "canceled"),
    }.items():
        Job.objects.filter(pk__in=[jobs[member].pk for member in members]).update(set=sets[name])
    Preset.objects.create(
        team=team,
        owner=users["ben"],
        model="emo-v1",
        name="Front desk",
        chosen={"style_level": "calm"},
    )
    makers.saved_view(team, users["aiko"], name="Failed, the newest first")
    portraits = list(team.assets.filter(kind="image").order_by("id")[:3])
    tags.give(team, portraits[:2], "Front desk")
    tags.give(team, portraits[1:], "Autumn")
    makers.collection(team, users["aiko"], *portraits, name="Portraits to choose from")
    makers.collection(team, users["ben"], *portraits[:1], name="Spring campaign", whole_team=True)
    makers.saved_view(team, users["ben"], name="Dear", query="?sort=cost", whole_team=True)
    return sets


def asked(team: Any, users: dict[str, Any], sets: dict[str, Any]) -> str:
    """An amount per click, a question that waits, two that were answered, and a batch of which a
    limit holds two: the id of the one that waits."""
    from jobs.models import PendingOrder
    from tests import makers

    type(team).objects.filter(pk=team.pk).update(approval_micros=500_000)
    files = [
        team.assets.filter(kind=kind, origin="upload").earliest("id") for kind in ("image", "audio")
    ]
    named = dict(zip(("image_url", "audio_url"), files, strict=True))
    made = {
        state: makers.pending_order(team, users["chidi"], files=named, state=state, title=title)
        for state, title in (
            ("open", "Opening night, all of it"),
            ("declined", "Opening night in both shapes"),
            ("expired", "Welcome for the foyer"),
        )
    }
    PendingOrder.objects.filter(pk=made["declined"].pk).update(
        answered_by=users["aiko"], answer="The short one is enough for the foyer."
    )
    limit = PendingOrder.Reason.LIMIT
    makers.pending_order(
        team, users["aiko"], files=named, reason=limit, set=sets["batch"], expires_at=None, videos=2
    )
    return str(made["open"].public_id)


def invited(team: Any, users: dict[str, Any]) -> str:
    """Open invitations, one of which does not count any more; the id of one that waits for the
    owner of the site, in another team."""
    from studio.models import Role, Team
    from studio.teams import confirmed, invitations
    from studio.teams.invitations import Wish

    for email in ("emre@example.org", "fay@example.org"):
        invitations.make(team, users["aiko"], [Wish(Role.CREATOR, email=email)], mailed=True)
    invitations.make(team, users["ben"], [Wish(Role.VIEWER, note="The client")], mailed=False)
    team.invitations.filter(email="fay@example.org").update(made_by=users["dora"])
    other = Team.start("Night Shift", users["ben"])
    aiko = users["aiko"]
    confirmed.confirm(aiko)
    wish = Wish(Role.VIEWER, email=aiko.email)
    made = invitations.make(other, users["ben"], [wish], mailed=True)
    team.join_domains.create(domain="example.com", role=Role.CREATOR, set_by=aiko)
    return str(made[0].invitation.public_id)


def values(team: Any, made: dict[str, Any]) -> dict[str, str]:
    """What stands for each name in an address. A page whose address needs another name is reported
    as forgotten."""
    north = team.accounts.get(label="North-1")
    return {
        "team": team.slug,
        "whose": "each",
        "job": made["portrait"].public_id,
        "asset": made["portrait"].inputs.get(name="image_url").asset.public_id,
        "what": "original",
        "account": north.public_id,
        "key": str(north.keys.earliest("id").pk),
        "template": made["dance"].template.public_id if made["dance"].template else "",
    }


def scenes(team: Any, jobs: dict[str, Any]) -> list[list[str]]:
    """Pages whose look depends on more than their address: [name, path]."""
    from django.urls import reverse

    from studio.models import Asset, Team

    def team_page(name: str, *more: str, of: Any = team, **query: str | list[str]) -> str:
        return reverse(name, args=[of.slug, *more], query=query)

    inputs = {row.name: row.asset.public_id for row in jobs["portrait"].inputs.all()}
    dance = {row.name: row.asset.public_id for row in jobs["dance"].inputs.all()}
    dance["template"] = jobs["dance"].template.public_id
    sound, footage = inputs["audio_url"], jobs["portrait"].result.public_id
    video = (
        team.assets.filter(kind=Asset.Kind.VIDEO, origin=Asset.Origin.UPLOAD)
        .earliest("id")
        .public_id
    )
    new = Team.objects.get(name="Evening Desk")
    found = [
        [f"job-{name}", team_page("jobs:job", job.public_id)]
        for name, job in jobs.items()
        if name not in ("portrait", "portrait2", "queued2")
    ]
    found += [
        ["board-new", team_page("jobs:board", of=new)],
        ["board-view", team_page("jobs:board", outcome="failed")],
        ["library-new", team_page("library", of=new)],
        ["library-ticks", team_page("library", select="1", tag="front desk")],
    ]
    found += [
        ["spend-new", team_page("jobs:spend", of=new)],
        ["keys-new", team_page("jobs:keys", of=new)],
    ]
    found += [
        ["portrait-no-account", team_page("jobs:portrait", of=new)],
        ["board-needs", team_page("jobs:board", tab="needs")],
    ]
    found += [
        ["portrait-chosen", team_page("jobs:portrait", **inputs)],
        ["dance-chosen", team_page("jobs:dance", **dance)],
    ]
    found += [
        ["asset-sound", team_page("asset", sound)],
        ["asset-video", team_page("asset", footage)],
        ["asset-video", team_page("asset", video)],
    ]
    found += making(team, jobs, inputs, dance, video, team_page)
    return [*found, ["library-nothing", team_page("library", q="no such name")]]


def making(
    team: Any,
    jobs: dict[str, Any],
    portrait: dict[str, str],
    dance: dict[str, str],
    video: str,
    team_page: Callable[..., str],
) -> list[list[str]]:
    """The create pages while something is still to be done: too long, too small, unchecked, changed
    from a video, many at once."""
    from studio.files import file_store
    from tests import files as samples

    folder, aiko = Path(tempfile.mkdtemp(prefix="footlight-seed-")), jobs["portrait"].owner

    def kept(name: str, data: bytes) -> str:
        return str(
            file_store.keep(samples.write(folder, name, data), team=team, owner=aiko, name=name)[
                0
            ].public_id
        )

    long, small, new = (
        kept("lecture.mp3", samples.mp3(seconds=75)),
        kept("stamp.png", samples.png(200, 260)),
        kept("new.jpg", samples.jpeg(900, 1200)),
    )
    silent = kept("nothing.wav", samples.wav(3.0, loud=0.0))
    cut_out = kept("cut out.png", samples.cut_out(600, 800))
    picture = portrait["image_url"]
    fresh = {"image_url": dance["image_url"], "template_video": video}
    remix = {
        "model": "emo-v1",
        "from": jobs["portrait"].public_id,
        "style_level": "calm",
        "ratio": "3:4",
    }
    return [
        ["portrait-too-long", team_page("jobs:portrait", image_url=picture, audio_url=long)],
        ["portrait-too-small", team_page("jobs:portrait", image_url=small)],
        ["portrait-silent", team_page("jobs:portrait", image_url=picture, audio_url=silent)],
        ["portrait-transparent", team_page("jobs:portrait", image_url=cut_out)],
        ["portrait-unchecked", team_page("jobs:portrait", image_url=new)],
        ["portrait-remix", team_page("jobs:portrait", **(portrait | remix))],
        [
            "portrait-successor",
            team_page(
                "jobs:portrait",
                model="wan2.2-s2v",
                image_url=picture,
                audio_url=portrait["audio_url"],
            ),
        ],
        ["dance-new-video", team_page("jobs:dance", **fresh)],
        [
            "batch-matrix",
            team_page(
                "jobs:batch",
                model="emo-v1",
                picture=[picture, new, small],
                speech=[portrait["audio_url"], long],
            ),
        ],
    ]


if __name__ == "__main__":
    django.setup()
    print(json.dumps(fill()))
