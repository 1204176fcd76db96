"""One-time links with which somebody makes an account, or takes up the one that is theirs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SignUpLink(models.Model):
    """Made by an operator, used once. Only a digest of its secret is kept, so nobody who reads the
    table can use one."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    # Who it is for; whoever has a link without an address names their own.
    email = models.EmailField(_("for"), blank=True)
    operator = models.BooleanField(
        _("makes an operator"), default=False, help_text=_("Staff with all rights on this site.")
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("used by"),
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = _("sign-up link")
        verbose_name_plural = _("sign-up links")

    def __str__(self) -> str:
        return self.email or str(self.pk)
