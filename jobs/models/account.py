"""Model Studio accounts of a team, their keys, and the lanes in front of their models."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studio.fields import EncryptedTextField
from studio.models.people import Team, User, public_id

# CONTRACT §14. Keys, address and model must be of one region.
REGIONS: dict[str, tuple[str, str]] = {
    "cn-beijing": ("Beijing", "https://dashscope.aliyuncs.com/api/v1"),
    "ap-southeast-1": ("Singapore", "https://dashscope-intl.aliyuncs.com/api/v1"),
}


class Account(models.Model):
    """One Model Studio account. Limits are per account, so lanes hang here and not on the key."""

    class Health(models.TextChoices):
        UNTRIED = "untried", _("not tried yet")
        OK = "ok", _("works")
        KEY = "key", _("key refused")
        ARREARS = "arrears", _("payment due")
        QUOTA = "quota", _("free quota used up")
        ACCESS = "access", _("no access to the model")

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="accounts")
    label = models.CharField(_("name"), max_length=60)
    region = models.CharField(_("region"), max_length=20, choices=[(k, v[0]) for k, v in REGIONS.items()], default="cn-beijing")
    base_url = models.URLField(
        _("base address"), max_length=200, blank=True, help_text=_("For a workspace host or a dedicated deployment; empty means the region’s own.")
    )
    workspace = models.CharField(_("workspace"), max_length=64, blank=True)
    model_names = models.JSONField(
        _("deployed model names"), default=dict, blank=True, help_text=_("Our model name to the name deployed on this account, where they differ.")
    )
    health = models.CharField(max_length=8, choices=Health.choices, default=Health.UNTRIED)
    health_text = models.CharField(max_length=300, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("team_id", "id")
        constraints = (models.UniqueConstraint(fields=("team", "label"), name="one_account_per_label_and_team"),)

    def __str__(self) -> str:
        return self.label

    @property
    def url(self) -> str:
        """Where calls go: the account's own address, the site's MODELSTUDIO_URL for the home region, or the region's."""
        if self.base_url:
            return self.base_url
        return settings.MODELSTUDIO_URL if self.region == "cn-beijing" else REGIONS[self.region][1]

    def deployed(self, model_name: str) -> str:
        return str(self.model_names.get(model_name) or model_name)

    def paused(self, now: datetime | None = None) -> bool:
        return self.paused_until is not None and self.paused_until > (now or timezone.now())

    @property
    def key(self) -> ApiKey | None:
        """The newest key that is in use."""
        return self.keys.filter(active=True).order_by("-id").first()


def fingerprint(secret: str) -> str:
    """12 hex digits that tell two keys apart without saying anything about either (keyed, so it cannot be looked up)."""
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()[:12]


class ApiKey(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    secret = EncryptedTextField(editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    fingerprint = models.CharField(max_length=12, editable=False)
    active = models.BooleanField(_("in use"), default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    tested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("account_id", "-id")
        constraints = (models.UniqueConstraint(fields=("account", "fingerprint"), name="a_key_once_per_account"),)

    def __str__(self) -> str:
        return f"…{self.last4} ({self.fingerprint})"

    @classmethod
    def make(cls, account: Account, secret: str, added_by: User | None = None) -> ApiKey:
        """An unsaved key of `account`; the secret is kept only encrypted."""
        secret = secret.strip()
        return cls(account=account, secret=secret, last4=secret[-4:], fingerprint=fingerprint(secret), added_by=added_by)


class Lane(models.Model):
    """(account, model): one task runs at a time; the queue of jobs in front of it is ours."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="lanes")
    model = models.CharField(max_length=60)
    next_visit_at = models.DateTimeField(default=timezone.now, null=True, blank=True, help_text=_("empty: nothing to do until a job rings"))
    # A ring that comes while a visit is under way must not be lost: the visit compares this count at its end.
    rings = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=80, blank=True, help_text=_("host and process that visit it now"))
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_text = models.CharField(max_length=300, blank=True)
    last_visit_at = models.DateTimeField(null=True, blank=True)
    last_owner_id = models.BigIntegerField(null=True, blank=True, help_text=_("whose job was sent last, for fair turns"))
    # seconds of work per second of film, learned from finished jobs; 0 until the first
    learned = models.FloatField(default=0)

    class Meta:
        ordering = ("account_id", "model")
        constraints = (models.UniqueConstraint(fields=("account", "model"), name="one_lane_per_account_and_model"),)
        indexes = (models.Index(fields=("next_visit_at",), name="lane_next_visit"),)

    def __str__(self) -> str:
        return f"{self.model} on {self.account}"

    def learned_or(self, prior: float) -> float:
        return self.learned or prior

    def paused(self, now: datetime | None = None) -> bool:
        return self.paused_until is not None and self.paused_until > (now or timezone.now())


class TemporaryFile(models.Model):
    """A copy of an asset in the service's own storage: for one account and one model, for 48 h (CONTRACT §9)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=60)
    asset = models.ForeignKey("studio.Asset", on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "model", "asset"), name="one_temporary_file"),)

    def __str__(self) -> str:
        return f"{self.asset} for {self.model}"
