"""`manage.py createteam`: a team with its owner, on a machine that may hold nothing yet."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.urls import reverse

from jobs.accounts import account_setup, endpoints
from jobs.management.commands.demo import EMAIL as DEMO_EMAIL
from jobs.models import ApiKey
from jobs.models.account import fingerprint
from studio.audit.events import Event
from studio.audit.trail import record
from studio.models.people import Currency, Role, Team, User
from studio.teams import confirmed


class Command(BaseCommand):
    help = (
        "Makes a team and its owner, prints a link with which the owner sets a password, and "
        "takes up DASHSCOPE_API_KEY as the team's first connection."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", nargs="?", default="")
        parser.add_argument(
            "--owner",
            metavar="EMAIL",
            default="",
            help="e-mail address of the owner; made when there is no such user",
        )
        parser.add_argument(
            "--currency",
            choices=Currency.values,
            default=Currency.USD.value,
            help="of the team's prices and budgets (default %(default)s)",
        )
        parser.add_argument(
            "--key-only", action="store_true", help=SUPPRESS
        )  # only DASHSCOPE_API_KEY, for the first team that there is

    def handle(self, *args: Any, **options: Any) -> None:
        if Team._meta.db_table not in connection.introspection.table_names():
            call_command("migrate", verbosity=0, interactive=False)
        if options["key_only"]:
            self._first_team_takes_key()
            return
        name, email = " ".join(options["name"].split()), options["owner"].strip().lower()
        if not name or len(name) > 80:
            raise CommandError(
                "A team needs a name of at most 80 characters: createteam NAME --owner EMAIL."
            )
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(
                f"“{email}” is no e-mail address. Use --owner name@example.com."
            ) from None
        team, owner = self._team(name, email, options["currency"])
        self.stdout.write(f"Its address is {team.slug}.")
        if confirmed.is_confirmed(owner) and owner.has_usable_password():
            self.stdout.write(
                f"{owner.email} signs in at {settings.PUBLIC_URL}{reverse('account_login')} with "
                "the password they have."
            )
        else:
            self.stdout.write(
                f"{owner.email} sets a password here (once, within "
                f"{settings.PASSWORD_RESET_TIMEOUT // 86400} days):"
            )
            self.stdout.write(password_link(owner))
        self._take_key(team, owner)

    def _team(self, name: str, email: str, currency: str) -> tuple[Team, User]:
        """The team and its owner, made or found. Asking for the same again changes nothing.

        Somebody who only claimed the address, and never confirmed it, may be a stranger: the
        account gets a new password before it gets a team, and its sign-ins end.
        """
        owner = confirmed.person_at(email)
        same = list(Team.objects.filter(name=name))
        if same:
            mine = next(
                (
                    team
                    for team in same
                    if owner and team.memberships.filter(user=owner, role=Role.OWNER).exists()
                ),
                None,
            )
            if mine is None or owner is None:
                raise CommandError(
                    f"There is a team called {name} already, and {email} does not own it. Choose "
                    "another name."
                )
            if mine.currency != currency:
                raise CommandError(
                    f"The team {name} is there already and counts in {mine.currency}; that cannot "
                    "be changed."
                )
            self.stdout.write(f"The team {name} is there already, owned by {owner.email}.")
            return mine, owner
        with transaction.atomic():
            if owner is None:
                owner = User.objects.create_user(email)
            elif not confirmed.is_confirmed(owner):
                confirmed.take_back(owner)
                self.stdout.write(
                    f"{email} had an account whose address was never confirmed. Its password and "
                    "its sign-ins count no more."
                )
            team = Team.start(name, owner, currency=currency)
            made = {"currency": currency}
            record(Event.TEAM_MADE, team=team, person=owner, about=team.name, after=made)
        self.stdout.write(f"The team {name} is made, owned by {owner.email}.")
        return team, owner

    def _take_key(self, team: Team, by: User | None) -> None:
        if not settings.DASHSCOPE_API_KEY:
            if not ApiKey.objects.filter(account__team=team, active=True).exists():
                self.stdout.write(
                    f"{team} has no key of Model Studio yet, so it can make nothing. Set "
                    "DASHSCOPE_API_KEY and run this again, or add the key on the page Connections."
                )
            return
        try:
            account = account_setup.take_up_environment_key(team, by)
        except endpoints.KeyRefused as refused:
            self.stderr.write(f"DASHSCOPE_API_KEY was not taken up. {refused}")
            return
        if account is not None:
            self.stdout.write(
                f"DASHSCOPE_API_KEY is now the connection “{account.label}” of {team}. "
                f"{account.health_text}".rstrip()
            )

    def _first_team_takes_key(self) -> None:
        """Only the very first team, and only while nobody has the key: a key must not wander to
        whoever signs up next."""
        if ApiKey.objects.filter(fingerprint=fingerprint(settings.DASHSCOPE_API_KEY)).exists():
            return
        team = Team.objects.exclude(memberships__user__email=DEMO_EMAIL).order_by("id").first()
        if team is not None:
            owner = (
                team.memberships.filter(role=Role.OWNER)
                .select_related("user")
                .order_by("id")
                .first()
            )
            self._take_key(team, owner.user if owner else None)


def password_link(user: User) -> str:
    """A link with which `user` sets a password once; it ends with its use, a sign-in with another
    password, or its age."""
    words = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=words)
