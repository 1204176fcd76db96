"""Limits of money: what owners set, and what was told of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.models.people import Team


class Budget(models.Model):
    """A hard limit per calendar day or month, in the team's time zone: of the team, of one person
    in it, or of each person who has none of their own.

    An amount of 0 stops everything; without an amount the row says that there is no limit; without
    a row nothing is set, and then for a person what is set for each person counts.
    """

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        MONTH = "month", _("a month")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="budgets")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("empty: the whole team, or each person"),
    )
    of_each = models.BooleanField(
        _("for each person"),
        default=False,
        help_text=_("of each person of the team who has no limit of their own for that time"),
    )
    period = models.CharField(_("per"), max_length=5, choices=Period.choices, default=Period.MONTH)
    micros = models.BigIntegerField(
        _("limit"),
        null=True,
        blank=True,
        help_text=_("millionths of the team’s currency: 10000000 is 10.00; empty: no limit"),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("when the amount was last set, or who it counts for changed"),
    )

    class Meta:
        verbose_name, verbose_name_plural = _("limit of money"), _("limits of money")
        ordering = ("team_id", "member_id", "of_each", "period")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "member", "period"), name="one_budget_per_member"
            ),
            models.UniqueConstraint(
                fields=("team", "of_each", "period"),
                condition=models.Q(member__isnull=True),
                name="one_budget_per_team",
            ),
            models.CheckConstraint(condition=models.Q(micros__gte=0), name="budget_not_negative"),
            models.CheckConstraint(
                condition=models.Q(of_each=False) | models.Q(member__isnull=True),
                name="budget_of_one_or_each",
            ),
        )

    def __str__(self) -> str:
        whose = self.member or ("each" if self.of_each else "")
        return f"{self.team} {whose} {self.period} {self.micros} µ"


class LimitWarning(models.Model):
    """Somebody was told that `level` percent of a limit were used: once for each limit, level and
    period. Another amount is another limit."""

    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="limit_warnings", db_index=False
    )
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text=_("whose limit it is; empty: the team’s"),
    )
    period = models.CharField(max_length=5, choices=Budget.Period.choices)
    begins = models.DateField(help_text=_("first day of the period, in the team’s zone then"))
    micros = models.BigIntegerField(help_text=_("the limit, in millionths"))
    level = models.PositiveSmallIntegerField(help_text=_("percent"))
    used = models.BigIntegerField(help_text=_("what was reserved and charged then, in millionths"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("warning of a limit"), _("warnings of limits")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "begins", "period", "member", "micros", "level"),
                name="one_warning_per_member_limit",
            ),
            models.UniqueConstraint(
                fields=("team", "begins", "period", "micros", "level"),
                condition=models.Q(member__isnull=True),
                name="one_warning_per_team_limit",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team} {self.member or ''} {self.period} {self.begins} {self.level} %"
