"""The one change that the trail knows: who was erased is called by a pseudonym from then on.

The triggers (studio/models/audit.py) let nothing else through, and this only for people of whom an
`Erasure` stands in the database.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models, transaction
from django.db.models import Q

from studio.audit.events import Kind
from studio.models.audit import AuditEntry, Erasure
from studio.models.people import User


def pseudonym_of(person_id: int) -> str:
    """What stands for the person `person_id` once they are erased."""
    return f"erased-{person_id}"


def replace_names(person: User, addresses: Iterable[str]) -> int:
    """Note that `person` is erased, and take their name, their e-mail `addresses`, from where they
    came and the names of the files that they touched out of the trail. Ids, events, times and
    roles stay, so it still tells what one and the same person did. Answers how many entries were
    changed; a second time finds nothing to change.
    """
    word = pseudonym_of(person.pk)
    entries: models.QuerySet[AuditEntry] = models.QuerySet(AuditEntry)
    with transaction.atomic():
        Erasure.objects.get_or_create(person_id=person.pk, defaults={"pseudonym": word})
        own = entries.filter(by_id=person.pk).exclude(by_name=word)
        files = own.filter(kind=Kind.FILE)
        files.update(about="")
        changed = own.filter(person_id=None).update(
            by_name=word, address="", sign_in="", personal={}
        )
        changed += own.update(by_name=word, address="", sign_in="")
        about = entries.filter(person_id=person.pk).exclude(person_name=word)
        about.filter(by_id=None).update(address="", sign_in="")
        changed += about.update(person_name=word, personal={})
        invited = Q()
        for address in addresses:
            invited |= Q(person_name__iexact=address)
        if invited:
            named = entries.filter(invited, person_id=None)
            changed += named.update(person_name=word, personal={})
    return changed
