"""Mail on its way out. The row is the truth: a mail server that is away, or a worker that dies,
loses no mail."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studio.common.encryption import EncryptedTextField
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY


class Mail(models.Model):
    """One mail to one person. `message` is JSON as studio/mail/queue.py packs it; it is emptied
    when the mail is sent, since it may hold a link that opens an account."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        GIVEN_UP = "given-up", _("given up")

    to = models.CharField(_("to"), max_length=320)
    subject = models.CharField(_("subject"), max_length=200)
    message = EncryptedTextField(blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(_("next try"), default=timezone.now)
    sentence = SentenceField(_("why not"), blank=True, default=EMPTY)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    ended_at = models.DateTimeField(_("sent or given up"), null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        indexes = (
            models.Index(
                fields=("next_at",), condition=models.Q(state="waiting"), name="mail_waiting"
            ),
            models.Index(fields=("state", "ended_at"), name="mail_ended"),
        )

    def __str__(self) -> str:
        return f"{self.subject} ({self.to})"
