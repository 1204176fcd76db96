"""`manage.py submit`: one video, template or check from a terminal; one JSON line on stdout."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from rich.console import Console

from jobs.accounts.choice import account_for
from jobs.billing.budget import OverBudget
from jobs.billing.prices import NoPrice
from jobs.catalogue import entries
from jobs.common import wakeup
from jobs.common.errors import Refused
from jobs.common.states import Code
from jobs.engine import checks
from jobs.management.follow import ProgressDisplay, blocked, wait_check, wait_job
from jobs.models import Account, Check, Job, LedgerEntry, Template
from jobs.orders import approval, consent, create, heard, plan
from jobs.orders.approval import NeedsApproval
from jobs.orders.order_request import OrderRequest
from studio.files import file_store
from studio.files.links import public_url
from studio.media import MediaError
from studio.models import Asset, Membership, Team, User
from studio.teams.access import not_allowed
from studio.teams.permissions import Permission, allows

KINDS = ("image", "audio", "video")
ASK_HOW = "Ask on the create page, or have somebody who may approve submit it."
# A check in the words of a job's states.
CHECK_STATES = {
    Check.State.WAITING: "queued",
    Check.State.ASKING: "running",
    Check.State.PASSED: "succeeded",
    Check.State.REFUSED: "failed",
    Check.State.UNCERTAIN: "uncertain",
    Check.State.FAILED: "failed",
}


class NotTaken(Exception):
    """The command cannot go on: a code for scripts, a sentence for people, and what was paid before
    it was known."""

    def __init__(self, code: str, sentence: str, paid: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code, self.paid = code, paid or {}


class Command(BaseCommand):
    help = (
        "Sends one wish and prints one JSON line on stdout: job, state, code, message, task_id, "
        "video, seconds, cost_micros, currency. "
        "Checks, and the template of a dance, are made on the way. Exit code 0 only for a job that "
        "succeeded (without --wait: that was made)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help=", ".join(entries.MODELS))
        parser.add_argument("--team", required=True, help="address or name of the team")
        parser.add_argument(
            "--by", required=True, metavar="EMAIL", help="the member who asks; creator or higher"
        )
        for kind in KINDS:
            parser.add_argument(f"--{kind}", metavar="FILE")
        parser.add_argument(
            "--template",
            metavar="ID",
            help="a dance template of the team, by our id or the service's",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a parameter of the model or of its check, such as ratio=3:4",
        )
        parser.add_argument("--anyway", action="store_true", help="also with a silent sound")
        parser.add_argument("--title", default="", help="name of the video")
        parser.add_argument("--wait", action="store_true", help="come back when it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(stderr=True, highlight=False)
        self.subject: Job | Check | None = None
        try:
            with ProgressDisplay(console) as progress:
                self._submit(progress, options)
            code = 0 if line(self.subject)["state"] == "succeeded" or not options["wait"] else 1
        except (NotTaken, Refused, NeedsApproval, OverBudget, NoPrice, MediaError) as error:
            paid = getattr(error, "paid", {})
            self._print(
                refusal(code_of(error), str(error))
                | {name: paid[name] for name in ("cost_micros", "currency") if paid}
            )
            sys.exit(1)
        except KeyboardInterrupt:
            console.print("Not waiting any longer; what was begun goes on.")
            self._print(
                line(self.subject)
                if self.subject
                else refusal("interrupted", "Stopped before anything was made.")
            )
            sys.exit(130)
        self._print(line(self.subject))
        if code:
            sys.exit(code)

    def _print(self, said: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(said, ensure_ascii=False))

    def _submit(self, progress: ProgressDisplay, options: dict[str, Any]) -> None:
        if options["model"] not in entries.MODELS:
            raise NotTaken(
                "no-model",
                f"There is no model “{options['model']}”. Known are {', '.join(entries.MODELS)}.",
            )
        spec = entries.get(options["model"])
        team, by = team_and_member(options["team"], options["by"])
        chosen = choices(spec, options["set"])
        given = {kind: options[kind] for kind in KINDS if options[kind]}
        names = fields(spec, given, template=options["template"])
        template = find_template(team, spec, options["template"]) if options["template"] else None
        account = template.account if template else _account_of(team, by, spec)
        assets = {kind: keep(path, team, by) for kind, path in given.items()}
        if not options["anyway"] and (why := heard.useless(assets.get("audio"))):
            raise NotTaken("silent-sound", f"{why} Nothing was paid; --anyway makes it still.")
        consent.give_all(assets.values(), by, _("given on the command line"))
        files = {name: assets[kind] for kind, name in names.items()}
        self._warn_without_worker(progress.console)
        if spec.kind is entries.Kind.CHECK:
            self._check(
                progress,
                spec,
                next(iter(files.values())),
                chosen,
                account,
                by,
                wait=options["wait"],
            )
            return
        template_video = assets.get("video") if "video" not in names else None
        wish = OrderRequest(
            team, by, spec.name, files, chosen, template, template_video, account, options["title"]
        )
        # Everything that can be told for free is told before the check is paid.
        micros = plan.estimate(wish).micros
        if approval.needed(team, by, micros):
            raise NotTaken("needs-approval", f"{approval.needs_words(team, micros)} {ASK_HOW}")
        if spec.check:
            picture = files[spec.inputs_of("image")[0].name]
            check = self._check(
                progress, entries.get(spec.check), picture, chosen, account, by, wait=True
            )
            _require_passed(check)
        self.subject = job = create.create(wish)
        if options["wait"]:
            for one in (job.needs, job):
                if one is not None:
                    self._follow(progress, one)

    def _follow(self, progress: ProgressDisplay, job: Job) -> None:
        """Come back when `job` has ended; meanwhile its line says where it stands."""
        label = f"{job.title} ({job.spec.label})"
        wait_job(job, lambda status, ended: progress.show(label, status, ended=ended))

    def _check(
        self,
        progress: ProgressDisplay,
        spec: entries.Model,
        asset: Asset,
        chosen: dict[str, Any],
        account: Account,
        by: User,
        *,
        wait: bool,
    ) -> Check:
        """The verdict on `asset`, asked for when there is none; one that got no answer last time is
        asked again."""
        check = checks.ask(asset=asset, model=spec.name, chosen=chosen, account=account, by=by)
        if check.state in (Check.State.UNCERTAIN, Check.State.FAILED):
            check = checks.ask_again(check, by)
        self.subject = check
        if wait:
            wait_check(
                check,
                lambda status, ended: progress.show(
                    f"{asset.name} ({spec.label})", status, ended=ended
                ),
            )
        return check

    def _warn_without_worker(self, console: Console) -> None:
        heard = wakeup.worker_heard()
        if heard is None:
            console.print(
                "Redis does not answer, so nobody knows whether a worker is running; one that runs "
                "takes this up a little later. Without one, start `python manage.py dev` in "
                "another terminal, or look at REDIS_URL."
            )
        elif not heard:
            console.print(
                "No worker is running, so this waits. Start `python manage.py dev` or `python "
                "manage.py worker` in another terminal."
            )


def code_of(error: Exception) -> str:
    codes: dict[type[Exception], str] = {OverBudget: "over-budget", NoPrice: "no-price"}
    return codes.get(type(error)) or str(getattr(error, "code", "") or "refused")


def team_and_member(team_word: str, email: str) -> tuple[Team, User]:
    """The team with this address or name, and its member; NotTaken unless they may make videos
    there."""
    team = Team.objects.filter(slug=team_word).first()
    if team is None:
        named = list(Team.objects.filter(name=team_word)[:2])
        if len(named) == 2:
            raise NotTaken(
                "no-team",
                f"Several teams are called “{team_word}”. Give the team's address instead.",
            )
        team = named[0] if named else None
    if team is None:
        raise NotTaken(
            "no-team",
            f"There is no team “{team_word}”. Make one with createteam NAME --owner EMAIL.",
        )
    member = (
        Membership.objects.select_related("user")
        .filter(team=team, user__email__iexact=email.strip())
        .first()
    )
    if member is None or not member.user.is_active:
        raise NotTaken("no-member", f"{email} is no member of {team}.")
    if not allows(member.role, Permission.MAKE, team):
        raise NotTaken("role-too-low", f"{email}: {not_allowed(member, Permission.MAKE)}")
    return team, member.user


def choices(spec: entries.Model, words: list[str]) -> dict[str, Any]:
    """All choices of the model from NAME=VALUE words, the defaults filled in. NotTaken with what
    may be chosen."""
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise NotTaken("bad-choice", f"“{word}” has no value; write it as name=value.")
        given[name.strip()] = value.strip()
    try:
        return entries.clean_choices(spec, given)
    except entries.BadChoice as error:
        raise NotTaken("bad-choice", str(error)) from None


def fields(spec: entries.Model, given: dict[str, str], *, template: str | None) -> dict[str, str]:
    """The model's field for each kind of file it takes itself; NotTaken for a file too few or too
    many.

    A video that a template is to be made from is no field of the model.
    """
    names = {field.kind: field.name for field in spec.inputs_of(*KINDS)}
    may = dict(names)
    if template and not spec.makes:
        raise NotTaken("not-needed", f"{spec.name} takes no --template.")
    if spec.makes and not template:
        if "video" not in given:
            raise NotTaken(
                "missing",
                f"{spec.name} needs --template ID, or --video FILE to make a template from.",
            )
        may["video"] = ""
    for kind in given:
        if kind not in may:
            what = "; it has its --template already" if spec.makes and kind == "video" else ""
            raise NotTaken("not-needed", f"{spec.name} takes no --{kind}{what}.")
    for field in spec.inputs_of(*KINDS):
        if field.kind not in given:
            raise NotTaken("missing", f"{spec.name} needs --{field.kind} FILE ({field.label}).")
    return names


def find_template(team: Team, spec: entries.Model, word: str) -> Template:
    """The team's template by our id or the service's. NotTaken when there is none that can be
    used."""
    found = (
        team.templates.select_related("account")
        .filter(Q(public_id=word) | Q(template_id=word), model=spec.makes)
        .order_by("forgotten", "-id")
        .first()
    )
    if found is None:
        raise NotTaken("no-template", f"{team} has no template “{word}”.")
    if found.forgotten:
        raise NotTaken(
            "no-template",
            f"The service no longer knows the template “{word}”. Make it again from its video.",
        )
    return found


def keep(path: str, team: Team, by: User) -> Asset:
    """The file as an asset of the team. NotTaken, or MediaError when it is no usable picture, sound
    or video."""
    place = Path(path)
    if not place.is_file():
        raise NotTaken("no-file", f"There is no file {path}.")
    try:
        return file_store.keep(place, team=team, owner=by, name=place.name)[0]
    except PermissionError:
        raise NotTaken("no-file", f"The file {path} may not be read.") from None


def line(subject: Job | Check | None) -> dict[str, Any]:
    """What stdout says about `subject`, fresh from the database."""
    if subject is None:
        raise ValueError("nothing was made")
    subject.refresh_from_db()
    return of_job(subject) if isinstance(subject, Job) else of_check(subject)


def of_job(job: Job) -> dict[str, Any]:
    stuck = blocked(job) or job
    message = (
        " ".join(part for part in (stuck.sentence, stuck.advice) if part) or stuck.provider_message
    )
    if not job.terminal and stuck.code in (Code.ACCOUNT_PAUSED, Code.HELD_BACK):
        message += " The job is kept and goes on by itself then."
    if job.spec.kind is entries.Kind.TEMPLATE and job.template is not None:
        message = f"The template is ready; --template {job.template.template_id} uses it."
    return {
        "job": job.public_id,
        "state": job.state,
        "code": stuck.provider_code or stuck.code,
        "message": message,
        "task_id": job.task_id,
        "video": address(job.result) if job.result else None,
        "seconds": float(job.billed_units) if job.billed_units is not None else job.seconds,
        "cost_micros": job.quote_micros if not job.terminal else job.settled_micros or 0,
        "currency": job.currency,
    }


def of_check(check: Check) -> dict[str, Any]:
    entries = LedgerEntry.objects.filter(check_asked=check)
    money = entries.aggregate(held=Sum("held"), settled=Sum("settled"))
    return {
        "job": f"check-{check.public_id}",
        "state": CHECK_STATES[Check.State(check.state)],
        "code": check.code,
        "message": check.sentence or check.message,
        "task_id": "",
        "video": None,
        "seconds": 0,
        "cost_micros": (money["held"] or 0) + (money["settled"] or 0),
        "currency": check.team.currency,
    }


def refusal(code: str, sentence: str) -> dict[str, Any]:
    empty = {"task_id": "", "video": None, "seconds": 0, "cost_micros": 0, "currency": ""}
    return {"job": None, "state": "refused", "code": code, "message": sentence, **empty}


def address(asset: Asset) -> str:
    """Where the video is: its path on a local disk, otherwise an address that works for a day."""
    try:
        return str(asset.file.path)
    except NotImplementedError:
        return public_url(asset) or ""


def _account_of(team: Team, by: User, spec: entries.Model) -> Account:
    """The account that a job of `spec` goes to; NotTaken when there is none that `by` may use."""
    account = account_for(team, by, spec.name)
    if account is None:
        raise NotTaken(
            "no-account",
            f"{team} has no Model Studio connection with a key for {spec.name} that {by} may use. "
            "An admin can add one under Connections, or name them there.",
        )
    return account


def _require_passed(check: Check) -> None:
    """NotTaken, with what was said, unless `check` has passed."""
    if check.state != Check.State.PASSED:
        said = check.sentence or check.message or "The check gave no verdict."
        raise NotTaken(check.code or CHECK_STATES[Check.State(check.state)], said, of_check(check))
