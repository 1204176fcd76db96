"""Model Studio accounts of a team, their keys, and the lanes (queues) in front of their models."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.catalogue import entries
from studio.common import clock
from studio.common.encryption import EncryptedTextField
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.people import Membership, Team, User, public_id

# CONTRACT §14. Keys, address and model must be of one region.
REGIONS: dict[str, tuple[str, str]] = {
    "cn-beijing": ("Beijing", "https://dashscope.aliyuncs.com/api/v1"),
    "ap-southeast-1": ("Singapore", "https://dashscope-intl.aliyuncs.com/api/v1"),
}


class PauseState(models.TextChoices):
    """What people set: paused sends nothing, draining sends what waits and takes nothing new."""

    OPEN = "open", _("open")
    PAUSED = "paused", _("paused")
    DRAINING = "draining", _("finishes its queue")


class Pausable(models.Model):
    """What owners and admins of the team, or staff, may pause or drain; it stays so until
    they open it."""

    pause_state = models.CharField(
        max_length=8, choices=PauseState.choices, default=PauseState.OPEN, db_column="gate"
    )
    pause_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_column="gate_by_id",
    )
    pause_set_at = models.DateTimeField(null=True, blank=True, db_column="gate_at")

    class Meta:
        abstract = True

    @property
    def sends(self) -> bool:
        return self.pause_state != PauseState.PAUSED

    @property
    def takes(self) -> bool:
        """New jobs are welcome (what is paused lets them wait in front of it)."""
        return self.pause_state != PauseState.DRAINING


class Present(models.Manager["Account"]):
    """Without what was removed: what people of the team see and order through."""

    def get_queryset(self) -> models.QuerySet[Account]:
        return super().get_queryset().filter(removed_at=None)


class Account(Pausable):
    """One Model Studio account. Limits are per account, so lanes hang here and not on the key."""

    class Health(models.TextChoices):
        UNTRIED = "untried", _("not tried yet")
        OK = "ok", _("works")
        KEY = "key", _("key refused")
        ARREARS = "arrears", _("payment due")
        QUOTA = "quota", _("free quota used up")
        BUDGET = "budget", _("console budget used up")
        ACCESS = "access", _("no access to the model")
        GONE = "gone", _("model retired")
        THROTTLED = "throttled", _("slowed down")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="accounts")
    label = models.CharField(_("name"), max_length=60)
    region = models.CharField(
        _("region"),
        max_length=20,
        choices=[(k, v[0]) for k, v in REGIONS.items()],
        default="cn-beijing",
    )
    base_url = models.URLField(
        _("base address"),
        max_length=200,
        blank=True,
        help_text=_(
            "For a workspace host or a dedicated deployment; empty means the region’s own."
        ),
    )
    private_network = models.BooleanField(
        _("may be in a private network"),
        default=False,
        help_text=_(
            "Calls to the base address and downloads of its results may go to this machine and "
            "private networks. Only staff may say so, of a service that they know."
        ),
    )
    workspace = models.CharField(_("workspace"), max_length=64, blank=True)
    model_names = models.JSONField(
        _("deployed model names"),
        default=dict,
        blank=True,
        help_text=_("Our model name to the name deployed on this account, where they differ."),
    )
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNTRIED)
    health_text = SentenceField(blank=True, default=EMPTY)
    paused_until = models.DateTimeField(null=True, blank=True)
    troubles = models.SmallIntegerField(
        default=0, help_text=_("times in a row that it was not well; the rests grow with it")
    )
    notified_at = models.DateTimeField(
        null=True,
        blank=True,
        db_column="told_at",
        help_text=_("when its owners were told of the present trouble"),
    )
    # Limits belong to the Alibaba account. Two rows whose keys see the same tasks share the lanes
    # of the first.
    same_as = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="shared_by",
        help_text=_("whose tasks its keys see"),
    )
    different_from = models.JSONField(
        default=list,
        blank=True,
        db_column="told_apart",
        help_text=_("ids of accounts that are proven to be others"),
    )
    # The database is younger than what the service was sent: nothing more is until both agree.
    reconcile_from = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("tasks made since may have no row here, after a restore"),
    )
    named_only = models.BooleanField(
        _("only for named people"),
        default=False,
        help_text=_("else everybody who may make videos in the team may use it"),
    )
    # Rows of memberships, so that who leaves the team has lost the use as well.
    people = models.ManyToManyField(
        Membership, blank=True, related_name="connections", help_text=_("who may use it then")
    )
    # Its row stays for the jobs that name it; its keys are gone.
    removed_at = models.DateTimeField(_("removed"), null=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager["Account"]()
    present = Present()

    class Meta:
        verbose_name, verbose_name_plural = (
            _("Model Studio connection"),
            _("Model Studio connections"),
        )
        ordering = ("team_id", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("team", "label"),
                condition=models.Q(removed_at=None),
                name="one_connection_per_label_and_team",
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def sends(self) -> bool:
        return super().sends and self.reconcile_from is None

    @property
    def url(self) -> str:
        """Where calls go: the account's own address, the site's MODELSTUDIO_URL for the home
        region, or the region's."""
        if self.base_url:
            return self.base_url
        return settings.MODELSTUDIO_URL if self.region == "cn-beijing" else REGIONS[self.region][1]

    @property
    def private_ok(self) -> bool:
        """Whether calls may go into a private network: staff said so, or nobody but who runs the
        site chose where they go."""
        return self.private_network or not self.base_url

    @property
    def root_id(self) -> int:
        """The row whose lanes and pace this account uses: itself, or the one that it turned out to
        be the same as."""
        return self.same_as_id or self.pk

    def deployed(self, model_name: str) -> str:
        return str(self.model_names.get(model_name) or model_name)

    def paused(self, now: datetime | None = None) -> bool:
        return self.paused_until is not None and self.paused_until > (now or clock.now())

    def serves(self, spec: entries.Model) -> bool:
        """Whether the model is offered where this account calls: a region has its own models, and
        an address of its own may have any."""
        return bool(self.base_url) or self.region in spec.regions

    @property
    def key(self) -> ApiKey | None:
        """The newest key that is in use."""
        return self.keys.filter(active=True).order_by("-id").first()


def fingerprint(secret: str) -> str:
    """12 hex digits that tell two keys apart without saying anything about either (keyed, so it
    cannot be looked up)."""
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()[:12]


class ApiKey(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    secret = EncryptedTextField(editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    fingerprint = models.CharField(max_length=12, editable=False)
    active = models.BooleanField(_("in use"), default=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    tested_at = models.DateTimeField(null=True, blank=True)
    service_id = models.CharField(
        max_length=80,
        blank=True,
        editable=False,
        help_text=_("what the service’s list calls it (api_key_id)"),
    )
    expires_on = models.DateField(
        _("expires on"),
        null=True,
        blank=True,
        help_text=_("as people have noted it; the service does not say"),
    )
    reminded = models.SmallIntegerField(
        null=True,
        editable=False,
        help_text=_("days before its expiry of the last reminder; empty: none is sent yet"),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name, verbose_name_plural = _("API key"), _("API keys")
        ordering = ("account_id", "-id")
        constraints = (
            # A retired row stays beside the same key typed again: jobs and bills name it.
            models.UniqueConstraint(
                fields=("account", "fingerprint"),
                condition=models.Q(active=True),
                name="a_key_once_per_account",
            ),
        )

    def __str__(self) -> str:
        return f"…{self.last4} ({self.fingerprint})"

    @classmethod
    def make(cls, account: Account, secret: str, added_by: User | None = None) -> ApiKey:
        """An unsaved key of `account`; the secret is kept only encrypted."""
        secret = secret.strip()
        return cls(
            account=account,
            secret=secret,
            last4=secret[-4:],
            fingerprint=fingerprint(secret),
            added_by=added_by,
        )


class Lane(Pausable):
    """(account, model): one task runs at a time; the queue of jobs in front of it is ours."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="lanes")
    model = models.CharField(max_length=60)
    next_visit_at = models.DateTimeField(
        default=timezone.now,
        null=True,
        blank=True,
        help_text=_("empty: nothing to do until a job rings"),
    )
    # A wake-up that comes while a visit is under way must not be lost: the visit compares this
    # count at its end.
    wakeups = models.BigIntegerField(default=0, db_column="rings")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(
        max_length=80, blank=True, help_text=_("host and process that visit it now")
    )
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_text = SentenceField(blank=True, default=EMPTY)
    health = models.CharField(
        max_length=10, choices=Account.Health.choices, default=Account.Health.OK
    )
    troubles = models.SmallIntegerField(
        default=0, help_text=_("times in a row that it was not well; the rests grow with it")
    )
    last_visit_at = models.DateTimeField(null=True, blank=True)
    # Fair turns: the virtual time of the lane, and of each person who was served lately when their
    # next turn is due.
    clock = models.FloatField(default=0)
    turns = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("queue"), _("queues")
        ordering = ("account_id", "model")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "model"), name="one_lane_per_account_and_model"
            ),
        )
        indexes = (models.Index(fields=("next_visit_at",), name="lane_next_visit"),)

    def __str__(self) -> str:
        return f"{self.model} on {self.account}"

    def paused(self, now: datetime | None = None) -> bool:
        return self.paused_until is not None and self.paused_until > (now or clock.now())


class WorkTime(models.Model):
    """Seconds of work per second of video that a service took lately for one model and variant."""

    service = models.CharField(
        max_length=120,
        help_text=_("host of the service: a simulator teaches nothing about the real one"),
    )
    model = models.CharField(max_length=60)
    variant = models.CharField(max_length=30, blank=True)
    recent = models.JSONField(default=list, help_text=_("the newest last"))
    median = models.FloatField()
    p90 = models.FloatField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name, verbose_name_plural = _("time that work took"), _("times that work took")
        ordering = ("service", "model", "variant")
        constraints = (
            models.UniqueConstraint(fields=("service", "model", "variant"), name="one_work_time"),
        )

    def __str__(self) -> str:
        return f"{self.model} {self.variant}: {self.median:.2f} s per second"


class TemporaryFile(models.Model):
    """A copy of an asset in the service's own storage: for one account and one model, for 48 h
    (CONTRACT §9)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=60)
    asset = models.ForeignKey("studio.Asset", on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "model", "asset"), name="one_temporary_file"
            ),
        )

    def __str__(self) -> str:
        return f"{self.asset} for {self.model}"
