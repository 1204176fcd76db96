"""An entry of the trail in words: what happened, what changed, and which way somebody came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studio.audit.events import Event
from studio.common import reader
from studio.common.formats import DASH, filesize_mb, ledger
from studio.models.audit import AuditEntry, Via
from studio.models.people import Role

_ERASED = re.compile(r"erased-(\d+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_NAMES: dict[str, str | Promise] = {
    "role": gettext_lazy("Role"),
    "turns": gettext_lazy("Priority share"),
    "waiting_limit": gettext_lazy("Waiting jobs per person"),
    "email": gettext_lazy("E-mail address"),
    "first_name": gettext_lazy("Name"),
    "name": gettext_lazy("Name"),
    "label": gettext_lazy("Name"),
    "model": gettext_lazy("Model"),
    "model_names": gettext_lazy("Names of models"),
    "last4": gettext_lazy("Key that ends with"),
    "place": gettext_lazy("Address of the service"),
    "region": gettext_lazy("Region"),
    "pause": gettext_lazy("What it sends"),
    "micros": gettext_lazy("Amount"),
    "currency": gettext_lazy("Currency"),
    "month": gettext_lazy("Month"),
    "way": gettext_lazy("Way"),
    "which": gettext_lazy("Which"),
    "task": gettext_lazy("Task"),
    "sent_again": gettext_lazy("Sent again"),
    "first": gettext_lazy("Before all others"),
    "operator": gettext_lazy("Operator"),
    "kind": gettext_lazy("Kind"),
    "files": gettext_lazy("Files"),
    "films": gettext_lazy("Videos"),
    "videos": gettext_lazy("Videos"),
    "bytes": gettext_lazy("Size"),
    "reason": gettext_lazy("Reason"),
    "remove_at": gettext_lazy("Erased for ever on"),
    "ends": gettext_lazy("Ends"),
    "expires_on": gettext_lazy("Expires on"),
    "download_allowed": gettext_lazy("Visitors may download"),
    "password_asked": gettext_lazy("Asks for a password"),
    "by mail": gettext_lazy("By mail"),
    "by domain": gettext_lazy("By mail domain"),
    "is_active": gettext_lazy("Active"),
    "is_staff": gettext_lazy("Staff"),
    "is_superuser": gettext_lazy("All rights on this site"),
    "rows": gettext_lazy("Rows"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value that changed; `was` or `became` is "" where there was none to tell of."""

    name: str
    was: str
    became: str


def sentence(entry: AuditEntry) -> str:
    """What happened, as one sentence without its full stop."""
    try:
        said = str(Event(entry.event).label)
    except ValueError:  # of a version that knew other events
        said = f"%(by)s: {entry.event} %(about)s"
    by, person = who(entry), shown_name(entry.person_name)
    both = "%(by)s" in said and "%(person)s" in said
    if both and entry.by_id is not None and entry.by_id == entry.person_id:
        person = _("their own account")
    about = f"“{entry.about}”" if entry.about else ""
    return (said % {"by": by, "person": person or _("somebody"), "about": about}).strip()


def who(entry: AuditEntry) -> str:
    """Who did it: a person, or what acted without one."""
    if entry.by_name:
        return shown_name(entry.by_name)
    if entry.via == Via.WORKER:
        return _("A worker")
    if entry.via == Via.COMMAND:
        if entry.through:
            return _("The command %(name)s") % {"name": entry.through}
        return _("Somebody at the console")
    return _("Somebody who was not signed in")


def shown_name(name: str) -> str:
    """A name as it stands in the trail; a pseudonym in words."""
    erased = _ERASED.fullmatch(name)
    return _("Erased person %(number)s") % {"number": erased[1]} if erased else name


def way(entry: AuditEntry) -> str:
    """Which way, from which address, in which sign-in."""
    parts = [str(Via(entry.via).label) if entry.via in Via.values else entry.via]
    if entry.through:
        parts.append(entry.through)
    if entry.address:
        parts.append(entry.address)
    if entry.sign_in:
        parts.append(_("sign-in %(mark)s") % {"mark": entry.sign_in[:6]})
    return ", ".join(parts)


def changes(entry: AuditEntry, zone: str = "") -> list[Change]:
    """The values that changed, in the order in which they were told. Moments on the clock of
    `zone`; without one, as a file is given them, as they are stored."""
    was, became = dict(entry.was), dict(entry.became)
    if zone:
        with reader.reading(replace(reader.reader(), zone=zone)):
            for values in (was, became):
                values.update({name: _on_the_clock(value) for name, value in values.items()})
    return [
        Change(
            str(_NAMES.get(name, name.replace("_", " "))),
            _value(name, was[name], was) if name in was else "",
            _value(name, became[name], became) if name in became else "",
        )
        for name in dict.fromkeys([*was, *became])
    ]


def change_text(change: Change) -> str:
    """“Role: Creator → Admin”."""
    told = " → ".join(part for part in (change.was, change.became) if part)
    return f"{change.name}: {told or DASH}"


def _on_the_clock(value: object) -> object:
    """A moment or day of the trail as its reader writes it; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        if _MOMENT.fullmatch(value):
            return reader.written(datetime.fromisoformat(value))
        if _DAY.fullmatch(value):
            return reader.written(date.fromisoformat(value), "day year")
    except ValueError:  # the forty-first of a month is a word like another
        return value
    return value


def _value(name: str, value: object, beside: Mapping[str, object]) -> str:
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "role" and value in Role.values:
        return str(Role(str(value)).label)
    if name == "bytes" and isinstance(value, int):
        return filesize_mb(value)
    if name.endswith("micros") and isinstance(value, int):
        return ledger(value, str(beside.get("currency") or "USD"))
    if isinstance(value, list):
        return ", ".join(_value("", one, {}) for one in value) or DASH
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value('', one, {})}" for key, one in value.items()) or DASH
    return str(value)
