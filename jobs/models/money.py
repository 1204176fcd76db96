"""The append-only ledger and its running sums. Only jobs/billing/ledger.py writes entries; the
balances are written with them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.account import ApiKey
from jobs.models.check import Check
from jobs.models.job import Job
from jobs.models.price import Price
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.people import Team


class AppendOnly(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> int:
        raise ValidationError("Ledger entries are never changed; write an adjustment.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise ValidationError("Ledger entries are never deleted; write an adjustment.")


class LedgerEntry(models.Model):
    """One movement of money, in millionths of `currency`. `held` and `settled` are signed; balances
    are their sums. The database refuses to change or delete one (jobs/billing/append_only.py).

    All entries of one job carry the month and day of its hold, in the zone that the team had then,
    so a job that ends in the next month leaves no half behind.
    """

    class Kind(models.TextChoices):
        HOLD = "hold", _("reserved")
        RELEASE = "release", _("released")
        SETTLE = "settle", _("charged")
        ADJUST = "adjust", _("adjusted")

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="ledger")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    job = models.ForeignKey(
        Job, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger"
    )
    check_asked = models.ForeignKey(
        Check, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    attempt = models.IntegerField(default=1)
    held = models.BigIntegerField(default=0)
    settled = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    model = models.CharField(max_length=60)
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    units = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    # A number that nothing ties to a row: an entry never changes, whatever becomes of the key.
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text=_("with which it was sent, of what is charged; empty: not known"),
    )
    month = models.DateField(help_text=_("first day of the month that it counts for"))
    # Entries of before there were limits per day have neither: they count for no day.
    day = models.DateField(
        null=True, help_text=_("the day that it counts for; none for a correction of no job")
    )
    written_on = models.DateField(null=True, help_text=_("the day it was, in the team’s zone"))
    note = SentenceField(blank=True, default=EMPTY)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "ledger entries"
        constraints = (
            models.UniqueConstraint(
                fields=("job", "kind", "attempt"), name="one_entry_per_job_kind_attempt"
            ),
            models.UniqueConstraint(
                fields=("check_asked", "kind", "attempt"), name="one_entry_per_check_kind_attempt"
            ),
        )
        indexes = (
            models.Index(fields=("team", "month", "-id"), name="ledger_of_team"),
            models.Index(fields=("team", "month", "member", "-id"), name="ledger_of_member"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.held or self.settled} µ{self.currency}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise ValidationError("Ledger entries are never changed; write an adjustment.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise ValidationError("Ledger entries are never deleted; write an adjustment.")


class Balance(models.Model):
    """The running sums of a team's entries of a month, by person, currency and model; amounts in
    millionths of `currency`.

    Holds and what ends them are summed in two rows, so that no settlement waits for a click that is
    not committed yet: `of_holds` says which.
    """

    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, related_name="balances", db_index=False
    )
    month = models.DateField(help_text=_("first day of the month"))
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    currency = models.CharField(max_length=3)
    model = models.CharField(max_length=60, blank=True)
    of_holds = models.BooleanField()
    held = models.BigIntegerField(default=0)
    settled = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0, help_text=_("entries that are summed here"))
    releases = models.BigIntegerField(default=0)
    jobs = models.BigIntegerField(default=0, help_text=_("jobs that were charged"))
    milliseconds = models.BigIntegerField(default=0, help_text=_("billed of these jobs"))
    checks = models.BigIntegerField(default=0, help_text=_("checks that were charged"))
    checks_settled = models.BigIntegerField(default=0, help_text=_("amount charged for checks"))

    class Meta:
        verbose_name, verbose_name_plural = _("sum of a month"), _("sums of months")
        ordering = ("team_id", "-month", "member_id", "model", "of_holds")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "month", "member", "currency", "model", "of_holds"),
                name="one_balance_per_member",
            ),
            models.UniqueConstraint(
                fields=("team", "month", "currency", "model", "of_holds"),
                condition=models.Q(member__isnull=True),
                name="one_balance_without_member",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team} {self.month:%Y-%m} {self.model} {self.settled} µ{self.currency}"


class DayBalance(models.Model):
    """What was settled of a team's month on one day at one price, in millionths of the team's
    currency, and the units in thousandths."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="days", db_index=False)
    month = models.DateField(help_text=_("first day of the month that it counts for"))
    day = models.DateField(help_text=_("when it was charged; may be after the month"))
    model = models.CharField(max_length=60, blank=True)
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled = models.BigIntegerField(default=0)
    milliunits = models.BigIntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("sum paid on a day"), _("sums paid on days")
        ordering = ("team_id", "-month", "day", "model")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "month", "day", "model", "price"), name="one_day_balance_per_price"
            ),
            models.UniqueConstraint(
                fields=("team", "month", "day", "model"),
                condition=models.Q(price__isnull=True),
                name="one_day_balance_without_price",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team} {self.day} {self.model} {self.settled} µ"


class HoldDay(models.Model):
    """The running sums of a team's entries by the day of their hold and by person, in millionths of
    `currency`: what limits per day are tested by. In two rows, as `Balance` has it."""

    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, related_name="hold_days", db_index=False
    )
    day = models.DateField(help_text=_("of the hold, in the team’s zone then"))
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    currency = models.CharField(max_length=3)
    of_holds = models.BooleanField()
    held = models.BigIntegerField(default=0)
    settled = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0, help_text=_("entries that are summed here"))

    class Meta:
        verbose_name, verbose_name_plural = _("sum ordered on a day"), _("sums ordered on days")
        ordering = ("team_id", "-day", "member_id", "of_holds")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "day", "member", "currency", "of_holds"),
                name="one_hold_day_per_member",
            ),
            models.UniqueConstraint(
                fields=("team", "day", "currency", "of_holds"),
                condition=models.Q(member__isnull=True),
                name="one_hold_day_without_member",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team} {self.day} {self.held + self.settled} µ{self.currency}"


class KeyUse(models.Model):
    """The running sums of what was settled of one key in a month, in millionths of `currency`."""

    key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        related_name="use",
        db_constraint=False,
        db_index=False,
    )
    month = models.DateField(help_text=_("first day of the month that it counts for"))
    currency = models.CharField(max_length=3)
    settled = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0, help_text=_("entries that are summed here"))
    jobs = models.BigIntegerField(default=0, help_text=_("jobs that were charged"))
    milliseconds = models.BigIntegerField(default=0, help_text=_("billed of these jobs"))
    checks = models.BigIntegerField(default=0, help_text=_("checks that were charged"))

    class Meta:
        ordering = ("key_id", "-month")
        constraints = (
            models.UniqueConstraint(
                fields=("key", "month", "currency"), name="one_use_per_key_month"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key_id} {self.month} {self.settled} µ{self.currency}"
