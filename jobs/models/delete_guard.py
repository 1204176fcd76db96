"""Why users, accounts and keys must stay: jobs that are not over need them."""

from __future__ import annotations

from django.db import models

from jobs.common.states import TERMINAL
from jobs.models.account import Account, ApiKey
from jobs.models.job import Job
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.models.delete_guard import keeps
from studio.models.people import User


@keeps(User)
def made_jobs(user: User, going: object) -> Sentence | None:
    """What somebody made and paid stays with their name (`Job.owner` is protected)."""
    jobs = Job.objects.filter(owner=user)
    number = jobs.exclude(state__in=TERMINAL).count()
    if number:
        return plural_phrase(
            "%(person)s has %(n)s job that is not over. Wait until it has ended, or cancel it. To "
            "keep them out at once, take the tick off “active” instead of deleting the user.",
            "%(person)s has %(n)s jobs that are not over. Wait until they have ended, or cancel "
            "them. To keep them out at once, take the tick off “active” instead of deleting the "
            "user.",
            number,
            person=user,
        )
    if jobs.exists():
        return phrase(
            "What %(person)s made stays with their name. Take the tick off “active” instead of "
            "deleting the user.",
            person=user,
        )
    return None


@keeps(Account)
def has_jobs(account: Account, going: object) -> Sentence | None:
    """Videos are fetched with the account, and its history names it: `Job.account` is protected."""
    jobs = Job.objects.filter(models.Q(account=account) | models.Q(lane__account=account))
    number = jobs.exclude(state__in=TERMINAL).count()
    if number:
        return plural_phrase(
            "%(n)s job that is not over needs the connection %(account)s. Wait until it has ended, "
            "or cancel it; a paused connection sends nothing new meanwhile.",
            "%(n)s jobs that are not over need the connection %(account)s. Wait until they have "
            "ended, or cancel them; a paused connection sends nothing new meanwhile.",
            number,
            account=account,
        )
    if jobs.exists():
        return phrase(
            "Jobs, videos and their bill name the connection %(account)s, so it stays. Pause it to "
            "send nothing any more.",
            account=account,
        )
    return None


@keeps(ApiKey)
def last_key(key: ApiKey, going: object) -> Sentence | None:
    """Without a key nobody can ask about tasks, and paid videos expire at the service."""
    others = ApiKey.objects.filter(account_id=key.account_id, active=True).exclude(pk=key.pk)
    if isinstance(going, models.QuerySet) and going.model is ApiKey:
        others = others.exclude(pk__in=going.order_by().values("pk"))
    if not key.active or others.exists():
        return None
    number = Job.objects.filter(account_id=key.account_id).exclude(state__in=TERMINAL).count()
    if not number:
        return None
    return plural_phrase(
        "%(n)s job that is not over needs the key …%(last4)s, the last one of %(account)s. Add "
        "another key of the same Alibaba account first; or wait until the job has ended, or cancel "
        "it.",
        "%(n)s jobs that are not over need the key …%(last4)s, the last one of %(account)s. Add "
        "another key of the same Alibaba account first; or wait until the jobs have ended, or "
        "cancel them.",
        number,
        last4=key.last4,
        account=key.account,
    )
