"""Who is here: users, teams, and who has which role in which team."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from studio.common import time_zones
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY, Sentence, phrase
from studio.models.team_closing import TeamClosing
from studio.models.team_settings import TeamSettings


def public_id() -> str:
    """A random id for addresses: 60 bits, so it cannot be guessed or counted."""
    return "".join(secrets.choice("23456789abcdefghijkmnpqrstuvwxyz") for _ in range(12))


_LIMIT_HELP = _("Empty: as the environment of the site says. 0: none at all.")


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user who signs in with `email`; without a password they need a link. ValueError without
        an address."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Made on the console of the site, so the address counts as confirmed."""
        from allauth.account.models import EmailAddress  # its tables refer to this one

        with transaction.atomic():
            user = self.create_user(
                email, password, **{**fields, "is_staff": True, "is_superuser": True}
            )
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


class User(AbstractUser):
    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    sign_in_epoch = models.PositiveIntegerField(
        _("sign-ins ended"),
        default=0,
        editable=False,
        help_text=_("Counted up to end every sign-in of the person at once."),
    )

    storage_limit_mb = models.PositiveIntegerField(
        _("storage in all teams, MB"), null=True, blank=True, help_text=_LIMIT_HELP
    )
    uploads_per_hour = models.PositiveIntegerField(
        _("uploads per hour"), null=True, blank=True, help_text=_LIMIT_HELP
    )
    edits_in_line = models.PositiveIntegerField(
        _("videos being made over at once"), null=True, blank=True, help_text=_LIMIT_HELP
    )
    teams_limit = models.PositiveIntegerField(
        _("teams of their own"), null=True, blank=True, help_text=_LIMIT_HELP
    )

    time_zone = models.CharField(
        _("time zone"),
        max_length=time_zones.LONGEST,
        blank=True,
        default="",
        help_text=_("In which times are written for them; empty: as the browser says."),
    )
    region = models.CharField(
        _("dates and numbers"),
        max_length=35,
        blank=True,
        default="",
        help_text=_("A language tag such as de-DE; empty: as the browser says."),
    )

    mail_when_ready = models.BooleanField(
        _("mail when videos are ready"),
        default=True,
        help_text=_("One mail for all that ended, when no page of the site was open."),
    )

    last_team = models.ForeignKey(
        "Team",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text=_("The team that the person looked at last; the first page leads there."),
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email

    def get_session_auth_hash(self) -> str:
        """What a session keeps of the password it was begun with; another one ends it. The epoch is
        part of it, so that all sign-ins can be ended while the password stays."""
        return self._with_epoch(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for digest in super().get_session_auth_fallback_hash():
            yield self._with_epoch(digest)

    def _with_epoch(self, digest: str) -> str:
        # Without an epoch as Django makes it: who is signed in before an update stays so.
        return f"{digest}.{self.sign_in_epoch}" if self.sign_in_epoch else digest

    @property
    def short_name(self) -> str:
        return self.first_name or self.email.split("@")[0]


class Role(models.TextChoices):
    """What each may do stands in studio/teams/permissions.py."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    BILLING = "billing", _("Billing")
    CREATOR = "creator", _("Creator")
    VIEWER = "viewer", _("Viewer")


class Currency(models.TextChoices):
    USD = "USD", _("US dollar")
    CNY = "CNY", _("Chinese yuan")


class Team(TeamSettings, TeamClosing):
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    personal = models.BooleanField(_("personal"), default=False)
    time_zone = models.CharField(
        _("time zone"),
        max_length=time_zones.LONGEST,
        default=time_zones.DEFAULT,
        validators=(time_zones.validate,),
        help_text=_(
            "Months and days of limits begin at midnight there, such as Europe/Berlin. Another one "
            "counts from now on; what was spent before keeps its month and day."
        ),
    )
    # Prices, budgets and the ledger of a team are in one currency, so sums mean something.
    currency = models.CharField(
        _("currency"), max_length=3, choices=Currency.choices, default=Currency.USD
    )
    waiting_limit = models.PositiveIntegerField(
        _("waiting jobs per person"),
        default=100,
        help_text=_("So that one person’s heap cannot bury everybody else’s; 0 takes nothing new."),
    )
    approval_micros = models.PositiveBigIntegerField(
        _("clicks above this need approval"),
        null=True,
        blank=True,
        help_text=_(
            "Millionths of the team’s currency; empty: nobody asks; 0: whoever may not approve "
            "asks for every video and template."
        ),
    )
    storage_limit_mb = models.PositiveIntegerField(
        _("storage, MB"), null=True, blank=True, help_text=_LIMIT_HELP
    )
    second_factor_required = models.BooleanField(
        _("second factor required"),
        default=False,
        help_text=_("Everybody of the team needs a code of an app or a passkey to see it."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="teams"
    )

    class Meta:
        ordering = ("name", "id")
        indexes = (
            models.Index(
                fields=("erase_at",),
                condition=models.Q(closed_at__isnull=False, emptied_at=None),
                name="team_closed",
            ),
            models.Index(
                fields=("ages_next_at",),
                condition=models.Q(keep_days__isnull=False),
                name="team_ageing",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("jobs:board", args=[self.slug])

    @classmethod
    def start(
        cls, name: str, owner: User, *, personal: bool = False, currency: str = Currency.USD
    ) -> Team:
        """A new team with `owner` as its owner and an address made from `name` that nobody else
        has."""
        name = " ".join(name.split())[:80] or owner.short_name
        stem = slugify(name)[:40] or "team"
        slug = stem
        while cls.objects.filter(slug=slug).exists():
            slug = f"{stem}-{secrets.token_hex(3)}"
        with transaction.atomic():
            team = cls.objects.create(name=name, slug=slug, personal=personal, currency=currency)
            Membership.objects.create(team=team, user=owner, role=Role.OWNER)
        return team


_Row = TypeVar("_Row", bound="Membership", covariant=True)


class MembershipQuerySet(models.QuerySet[_Row]):
    def update(self, **values: object) -> int:
        """As of every queryset; ProtectedError when a team would have no owner afterwards. (A page
        and a form say it before; this is for a shell.)"""
        if "role" not in values or values["role"] == Role.OWNER:
            return super().update(**values)
        owners = list(self.filter(role=Role.OWNER).select_related("user", "team"))
        with transaction.atomic(using=self.db):
            # Two owners who are demoted at once: the second one looks when the first is done.
            teams = {row.team_id for row in owners}
            list(Team.objects.select_for_update(no_key=True).filter(pk__in=teams).order_by("pk"))
            changed = super().update(**values)
            kept = Membership.objects.filter(team__in=teams, role=Role.OWNER)
            led = set(kept.values_list("team_id", flat=True))
            for row in owners:
                if row.team_id not in led:
                    raise models.ProtectedError(str(without_owner(row)), {row})
        return changed


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.CREATOR)
    turns = models.PositiveSmallIntegerField(
        _("priority share"),
        default=1,
        validators=(MinValueValidator(1), MaxValueValidator(9)),
        help_text=_(
            "How often their jobs are sent beside those of others: 2 is twice as often as 1."
        ),
    )
    news = SentenceField(
        blank=True,
        default=EMPTY,
        editable=False,
        help_text=_("What somebody changed about it, until its person has seen that."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ("team_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "user"), name="one_membership_per_person_and_team"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"


def without_owner(membership: Membership) -> Sentence:
    return phrase(
        "%(person)s is the last owner of %(team)s. Make somebody else an owner of it first, or "
        "delete the team.",
        person=membership.user,
        team=membership.team,
    )
