"""`manage.py demo`: the whole studio with the simulator, and two videos made the way a person makes
them."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from jobs.accounts.choice import account_for
from jobs.accounts.endpoints import SIMULATOR_KEY
from jobs.billing.budget import OverBudget
from jobs.billing.prices import NoPrice, format_money
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import checks
from jobs.management.follow import ProgressDisplay, wait_check, wait_jobs
from jobs.models import Account, ApiKey, Check, Job
from jobs.orders import consent, create
from jobs.orders.order_request import OrderRequest
from studio.files import file_store
from studio.local.child import Child, StopRequested
from studio.local.ports import write_json
from studio.local.stack import LOOPBACK, manage_command
from studio.management.arguments import port_number, speed_number
from studio.management.commands import dev
from studio.media import MediaError
from studio.media.decoders import verify_video
from studio.models import Asset, Membership, Role, Team, User

EMAIL = "demo@example.com"
TEAM = "Demo studio"
ACCOUNT = "Simulator"
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PATIENCE = 240.0  # seconds for both videos; at the speed below they take about ten


@dataclass(frozen=True, slots=True)
class Sample:
    """A video of the demo: the files by the model's input name, and the video that its template is
    made from."""

    title: str
    model: str
    files: dict[str, str]
    template_video: str = ""


VIDEOS = (
    Sample("Talking portrait", "emo-v1", {"image_url": "portrait.*", "audio_url": "speech.*"}),
    Sample(
        "Dancing character",
        "animate-anyone-gen2",
        {"image_url": "character.*"},
        template_video="dance.*",
    ),
)


class NotMade(Exception):
    """The videos of the demo were not made as they should be. Its text is a sentence."""


class Command(BaseCommand):
    help = (
        "Runs everything with the simulator, makes a talking portrait and a dancing character from "
        "sample files, and goes on serving. "
        "With --once it ends when both videos are saved, playable and as long as billed; the "
        "exit code says whether they are."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when both videos are there")
        parser.add_argument(
            "--port",
            type=port_number,
            help="of the web; without it the one of last time, or a free one from 8000",
        )
        parser.add_argument(
            "--speed",
            type=speed_number,
            default=20.0,
            help="of the simulator: 1 takes as long as the service (default %(default)g)",
        )
        parser.add_argument(
            "--seed-only", action="store_true", help=SUPPRESS
        )  # only the demo team and its person
        parser.add_argument(
            "--videos", action="store_true", help=SUPPRESS
        )  # only the videos, inside a running stack

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        if options["seed_only"]:
            seed(settings.DATA_DIR / "run")
        elif options["videos"]:
            try:
                make_videos(console)
            except (NotMade, Refused, OverBudget, NoPrice, MediaError) as error:
                raise CommandError(str(error)) from None
        else:
            self._run(console, options)

    def _run(self, console: Console, options: dict[str, Any]) -> None:
        console.print("Starting Redis, the simulator, workers and the web.")
        # Their lines would run through the bars; they are in the logs.
        print_line = dev.line_printer(console)
        quiet = [True]
        stack = dev.build_stack(
            console, simulator=True, host=LOOPBACK, port=options["port"], speed=options["speed"]
        )
        stack.supervisor.say = lambda name, text: None if quiet[0] else print_line(name, text)
        code = 1
        with dev.started_stack(stack) as addresses:
            if not addresses:
                return
            console.print(dev.welcome_text(addresses, settings.DATA_DIR))
            code = self._videos(stack.env, stack.supervisor.check)
            quiet[0] = False
            if not options["once"] and not stack.supervisor.stopping:
                if code:
                    console.print(
                        "The videos were not made; the reason is above. The studio goes on serving."
                    )
                console.print(dev.welcome_text(addresses, settings.DATA_DIR))
                stack.run_until_stopped()
            console.print("Stopping.")
        if code and options["once"]:
            sys.exit(code)

    def _videos(self, env: dict[str, str], check: Callable[[], None]) -> int:
        """The videos are made in a process of their own, so that this one can watch the others; its
        exit code."""
        child = Child("videos", manage_command("demo", "--videos"), env=env)
        child.start()
        try:
            while child.alive:
                check()
                time.sleep(0.1)
        except StopRequested:
            child.ask_to_stop()
            return 1
        finally:
            code = child.process.returncode if child.process else None
            child.clear()
        return 1 if code is None else abs(code)


# ── the demo team ─────────────────────────────────────────────────────────────────────────────────
def seed(run_dir: Path) -> None:
    """The demo team with its person and the simulator's account; {"email", "password"} in
    `run_dir`/demo.json (mode 600).

    May run again. A password that the person changed is left alone and no longer kept.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / "demo.json"
    kept = dev.demo_login(settings.DATA_DIR).get("password", "")
    with transaction.atomic():
        user = User.objects.filter(email=EMAIL).first()
        if user is None or not path.exists():
            user = user or User.objects.create_superuser(EMAIL, first_name="Demo")
            kept = secrets.token_urlsafe(9)
            user.set_password(kept)
            user.save(update_fields=["password"])
        elif kept and not user.check_password(kept):
            kept = ""
        team = demo_team() or Team.start(TEAM, user)
        account, _ = Account.present.get_or_create(
            team=team, label=ACCOUNT, defaults={"health": Account.Health.OK}
        )
        key = ApiKey.make(account, SIMULATOR_KEY, user)
        if not account.keys.filter(fingerprint=key.fingerprint).exists():
            key.save(force_insert=True)
    write_json(path, {"email": EMAIL} | ({"password": kept} if kept else {}), mode=0o600)


def demo_team() -> Team | None:
    found = (
        Membership.objects.filter(user__email=EMAIL, role=Role.OWNER, team__name=TEAM)
        .select_related("team")
        .order_by("team_id")
        .first()
    )
    return found.team if found else None


# ── the videos ────────────────────────────────────────────────────────────────────────────────────
def make_videos(console: Console, samples: Path = SAMPLES, patience: float = PATIENCE) -> list[Job]:
    """Both videos, through the functions behind the pages, with a bar each; a table at the end.

    NotMade when one does not come to be, cannot be played or is not as long as billed.
    """
    team, user = demo_team(), User.objects.filter(email=EMAIL).first()
    if team is None or user is None:
        raise NotMade("There is no demo team. Run `python manage.py demo`.")
    with ProgressDisplay(console) as progress:
        videos = [_begin(sample, team, user, samples, progress) for sample in VIDEOS]
        watched = [
            job.needs for job in videos if job.needs is not None and not job.needs.terminal
        ] + videos
        end = time.monotonic() + patience

        def report(job: Job, status: str, ended: bool) -> None:
            progress.show(
                job.title if job in videos else f"{job.spec.label}: {job.title}",
                status,
                ended=ended,
            )
            if time.monotonic() > end:
                raise NotMade(
                    f"“{job.title}” is still at “{status}” after {patience:g} s. The logs are in "
                    f"{settings.DATA_DIR / 'run'}."
                )

        wait_jobs(watched, report)
    rows = [(job, *verified_video(job)) for job in videos]
    table = Table("Video", "Seconds", "Cost", "File", show_edge=False, pad_edge=False)
    for job, seconds, place in rows:
        table.add_row(
            job.title, f"{seconds:.3f}", format_money(job.settled_micros or 0, job.currency), place
        )
    # A path that is cut or folded cannot be copied.
    Console(
        file=console.file, width=max(console.width, 60 + max(len(place) for _, _, place in rows))
    ).print(table)
    return videos


def _begin(sample: Sample, team: Team, user: User, folder: Path, progress: ProgressDisplay) -> Job:
    spec = entries.get(sample.model)
    files = {name: _keep(folder, pattern, team, user) for name, pattern in sample.files.items()}
    video = _keep(folder, sample.template_video, team, user) if sample.template_video else None
    consent.give_all(
        [*files.values(), *([video] if video is not None else [])],
        user,
        _("given on the command line"),
    )
    account = account_for(team, user, spec.name)
    if account is None:
        raise NotMade(f"{team} has no connection with a key.")
    chosen = entries.clean_choices(spec, {})
    if spec.check:
        picture = files[spec.inputs_of("image")[0].name]
        check = checks.ask(asset=picture, model=spec.check, chosen=chosen, account=account, by=user)
        if check.state == Check.State.UNCERTAIN:
            check = checks.ask_again(check, user)
        wait_check(
            check,
            lambda status, ended: progress.show(f"{sample.title}: picture", status, ended=ended),
        )
        if check.state != Check.State.PASSED:
            raise NotMade(
                f"{sample.title}: {check.sentence or check.message or 'the check gave no verdict'}"
            )
    return create.create(
        OrderRequest(
            team,
            user,
            spec.name,
            files,
            chosen,
            template_video=video,
            account=account,
            title=sample.title,
        )
    )


def _keep(folder: Path, pattern: str, team: Team, user: User) -> Asset:
    found = sorted(folder.glob(pattern))
    if not found:
        raise NotMade(
            f"The sample file {folder / pattern} is missing; get a whole copy of Footlight."
        )
    return file_store.keep(found[0], team=team, owner=user, name=found[0].name)[0]


def verified_video(job: Job) -> tuple[float, str]:
    """(seconds, place) of the video of `job`, having played it. NotMade when it is not there or not
    as long as billed."""
    if job.state != State.SUCCEEDED or job.result is None:
        raise NotMade(
            f"{job.title}: {job.sentence or job.provider_message or job.get_state_display()} "
            f"{job.advice}".rstrip()
        )
    with tempfile.NamedTemporaryFile(suffix=".mp4") as copy:
        with job.result.file.open("rb") as source:
            for block in source.chunks():
                copy.write(block)
        copy.flush()
        facts = verify_video(copy.name)
    billed = float(job.billed_units or 0)
    # A video ends at a frame, a bill need not.
    if abs(facts.seconds - billed) > 1 / (facts.fps or 15) + 0.001:
        raise NotMade(f"{job.title} lasts {facts.seconds:.3f} s, and {billed:.3f} s were billed.")
    try:
        return facts.seconds, str(job.result.file.path)
    except NotImplementedError:
        return facts.seconds, str(job.result.file.name)
