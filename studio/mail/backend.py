"""Django's way of sending mail, which only puts it into the queue (settings.EMAIL_BACKEND)."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from studio.mail import queue


class Backend(BaseEmailBackend):
    """Returns how many mails were put into the queue, each with a row for every recipient. They are
    part of the transaction that is open, if one is."""

    def __init__(self, **options: object) -> None:
        # Host, timeout and the like are those of the server, which is not asked here.
        super().__init__(fail_silently=bool(options.get("fail_silently")))

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            queue.put(message)
        return len(email_messages)
