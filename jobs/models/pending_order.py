"""Orders that are not made yet: one waits for somebody's approval, or for room in a limit. Nothing
is reserved for them and nothing is sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.job import Job
from jobs.models.set import JobSet
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.people import Team, public_id


class PendingOrder(models.Model):
    """What one click wanted, as jobs/orders/order_group.py stores it, with what it was to cost.

    For approval: answered once, whether yes or no, and it expires. For room in a limit: the rest of
    a set, of which `round` counts how often it went on.
    """

    class Reason(models.TextChoices):
        APPROVAL = "approval", _("waits for approval")
        LIMIT = "limit", _("waits for room in a limit")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ORDERED = "ordered", _("ordered")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")
        EXPIRED = "expired", _("expired")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="pending_orders", db_index=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("whose jobs they will be"),
    )
    reason = models.CharField(max_length=8, choices=Reason.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    title = models.CharField(_("name"), max_length=200)
    wish = models.JSONField(help_text=_("the orders, with the public ids of their files"))
    videos = models.PositiveIntegerField(help_text=_("how many jobs it makes, without templates"))
    quote_micros = models.BigIntegerField(help_text=_("the price when it was stored"))
    approved_micros = models.BigIntegerField(
        null=True, blank=True, help_text=_("up to this price it was approved already")
    )
    currency = models.CharField(max_length=3)
    idempotency_key = models.CharField(max_length=64, blank=True)
    round = models.PositiveIntegerField(default=0)
    why = SentenceField(blank=True, default=EMPTY, help_text=_("what it waits for"))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(max_length=500, blank=True, help_text=_("the reason that was given"))
    # No job is the answer to two questions.
    job = models.OneToOneField(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="approval"
    )
    set = models.ForeignKey(
        JobSet, on_delete=models.SET_NULL, null=True, blank=True, related_name="pending_orders"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="one_pending_order_per_click",
            ),
            models.UniqueConstraint(
                fields=("set",),
                condition=models.Q(reason="limit", state="open"),
                name="one_rest_per_set",
            ),
            models.CheckConstraint(
                condition=models.Q(quote_micros__gte=0), name="pending_order_not_negative"
            ),
        )
        indexes = (
            models.Index(fields=("team", "state", "-id"), name="pending_order_team"),
            models.Index(fields=("state", "expires_at"), name="pending_order_expiry"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
