"""The queue of mails: `put` writes a row for each recipient, a worker tries it (`step`), again and
again with longer waits, and gives up after two days, which the admin shows.

A mail may arrive twice when a worker dies between the server's answer and ours; it is never lost.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studio.common import clock
from studio.common.encryption import Unreadable
from studio.common.translatable import EMPTY, Sentence, phrase, translated
from studio.models import Mail

log = logging.getLogger("footlight.mail")
PATIENCE = 10.0  # seconds that the mail server may take to answer
LEASE = timedelta(minutes=2)  # a try that has not ended by then has died with its worker
WAITS = (30, 60, 120, 300, 600, 1800)  # seconds until the next try; the last one again and again
LONGEST = timedelta(days=2)  # most links in mails end after three
SLOW = timedelta(minutes=2)  # a mail that waits longer than this is told on pages
SENT_AGE, GIVEN_UP_AGE = timedelta(days=7), timedelta(days=30)


# ── putting ───────────────────────────────────────────────────────────────────────────────────────


def put(message: EmailMessage) -> list[Mail]:
    """Rows for `message`, one a recipient; a worker begins within seconds after the commit."""
    now, packed = clock.now(), _packed(message)
    rows = [
        Mail.objects.create(
            to=address[:320],
            subject=" ".join(message.subject.split())[:200],
            message=packed,
            next_at=now,
            created_at=now,
        )
        for address in dict.fromkeys(message.recipients())
    ]
    _wake_after_commit([row.pk for row in rows])
    return rows


def put_nothing(message: EmailMessage) -> None:
    """As much work as `put`, for nobody: so that the time of an answer does not tell whether there
    was somebody to write to."""
    with transaction.atomic():
        for row in put(message):
            Mail.objects.filter(pk=row.pk).delete()


def _packed(message: EmailMessage) -> str:
    parts = [[str(part[0]), str(part[1])] for part in getattr(message, "alternatives", None) or ()]
    return json.dumps(
        {
            "subject": message.subject,
            "body": message.body,
            "from": message.from_email,
            "headers": message.extra_headers,
            "parts": parts,
        }
    )


def _unpacked(row: Mail, connection: object) -> EmailMessage:
    kept = json.loads(row.message)
    return EmailMultiAlternatives(
        kept["subject"],
        kept["body"],
        kept["from"],
        [row.to],
        headers=kept["headers"],
        alternatives=[(text, kind) for text, kind in kept["parts"]],
        connection=connection,
    )


def _wake_after_commit(pks: list[int]) -> None:
    """Who works is told by name: studio does not know the workers."""
    path = getattr(settings, "MAIL_WAKEUP", "")
    if path:
        enqueue: Callable[[int], None] = import_string(path)
        for pk in pks:
            transaction.on_commit(partial(enqueue, pk))


# ── sending ───────────────────────────────────────────────────────────────────────────────────────


def due() -> list[int]:
    """Ids of mails whose next try has come, the oldest first."""
    waiting = Mail.objects.filter(state=Mail.State.WAITING, next_at__lte=clock.now())
    return list(waiting.order_by("next_at").values_list("pk", flat=True)[:50])


def step(pk: int) -> None:
    """Try to send one mail. May run twice: the number of the try lets one in."""
    now = clock.now()
    row = Mail.objects.defer("message").filter(pk=pk).first()
    if row is None or row.state != Mail.State.WAITING or row.next_at > now:
        return
    ours = Mail.objects.filter(pk=pk, state=Mail.State.WAITING, tries=row.tries)
    if not ours.update(tries=row.tries + 1, next_at=now + LEASE):
        return
    row.tries += 1
    ours = Mail.objects.filter(pk=pk, state=Mail.State.WAITING, tries=row.tries)
    why, for_ever = _deliver(row)
    now = clock.now()
    if why is None:
        ours.update(state=Mail.State.SENT, ended_at=now, message="", sentence=EMPTY)
        log.info("“%s” was mailed", row.subject)
    elif for_ever or now - row.created_at > LONGEST:
        ours.update(state=Mail.State.GIVEN_UP, ended_at=now, sentence=why)
        log.error("“%s” could not be mailed and is given up: %s", row.subject, why)
    else:
        wait = WAITS[min(row.tries, len(WAITS)) - 1]
        ours.update(next_at=now + timedelta(seconds=wait), sentence=why)
        log.warning("“%s” could not be mailed, again in %d s: %s", row.subject, wait, why)


def _deliver(row: Mail) -> tuple[Sentence | None, bool]:
    """(why it was not sent, whether it never can be); (None, False) when the server has it."""
    try:
        server = mail.get_connection(settings.EMAIL_SERVER_BACKEND, timeout=PATIENCE)
        _unpacked(row, server).send()
    except SMTPRecipientsRefused as error:
        codes = [code for code, _said in error.recipients.values()]
        return _refused(codes, error), all(code >= 500 for code in codes)
    except (SMTPDataError, SMTPSenderRefused) as error:
        return _refused([error.smtp_code], error), error.smtp_code >= 500
    except (OSError, SMTPException) as error:  # away, slow, or it does not take our sign-in
        log.debug("the mail server", exc_info=True)
        return phrase("The mail server could not be used: %(error)s", error=_short(error)), False
    except Unreadable:
        return phrase("The mail cannot be decrypted with any key of FIELD_KEYS."), True
    except Exception as error:
        # An address or a header that cannot be written as mail.
        log.exception("mail %d", row.pk)
        return phrase("The mail cannot be written: %(error)s", error=_short(error)), True
    return None, False


def _refused(codes: list[int], error: Exception) -> Sentence:
    return phrase("The mail server refuses this mail: %(error)s", error=_short(error))


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


# ── what is said of it ────────────────────────────────────────────────────────────────────────────


def is_slow() -> bool:
    """Whether mail waits at the moment: the server did not take one, or no worker tries. It is
    asked of all mails, so a page that says so tells nothing about one address."""
    old = clock.now() - SLOW
    waiting = Mail.objects.filter(state=Mail.State.WAITING)
    failed = ~Q(sentence="") & Q(tries__gt=0)
    return waiting.filter(Q(created_at__lt=old) | failed).exists()


def problem() -> str:
    """What staff should know: mails that wait or were given up lately, or ""."""
    now = clock.now()
    late = Mail.objects.filter(state=Mail.State.WAITING, created_at__lt=now - SLOW)
    stuck, said = late.count(), late.exclude(tries=0).order_by("-next_at").first()
    if stuck:
        words = ngettext(
            "%(n)s mail waits for the mail server. %(why)s",
            "%(n)s mails wait for the mail server. %(why)s",
            stuck,
        )
        why = translated(said.sentence) if said else _("No worker has tried yet.")
        return words % {"n": stuck, "why": why}
    lost = Mail.objects.filter(
        state=Mail.State.GIVEN_UP, ended_at__gt=now - timedelta(days=2)
    ).count()
    if lost:
        return ngettext(
            "%(n)s mail could not be sent in the last two days; see Mails.",
            "%(n)s mails could not be sent in the last two days; see Mails.",
            lost,
        ) % {"n": lost}
    return ""


# ── later ─────────────────────────────────────────────────────────────────────────────────────────


def again(rows: list[Mail]) -> int:
    """Try mails that were given up once more; returns how many."""
    pks = [row.pk for row in rows if row.state == Mail.State.GIVEN_UP and row.message]
    now = clock.now()
    changed = Mail.objects.filter(pk__in=pks, state=Mail.State.GIVEN_UP).update(
        state=Mail.State.WAITING, tries=0, next_at=now, created_at=now, ended_at=None
    )
    _wake_after_commit(pks)
    return changed


def sweep() -> None:
    """Forget mails that were sent a week ago, or given up a month ago."""
    now = clock.now()
    for state, kept in (
        (Mail.State.SENT, SENT_AGE),
        (Mail.State.GIVEN_UP, GIVEN_UP_AGE),
    ):
        Mail.objects.filter(state=state, ended_at__lt=now - kept).delete()
