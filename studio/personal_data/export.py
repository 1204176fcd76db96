"""Everything that the site knows of a person, as one zip: lists as JSON, and the files themselves.

Rows are asked for a portion at a time and files read a block at a time, while the zip is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import TypeVar

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.http import StreamingHttpResponse
from zipstream.ng import ZipStream

from studio.audit import reading, words
from studio.audit.events import Event
from studio.audit.trail import record
from studio.files import file_store
from studio.models import Asset, AuditEntry, Collection, Consent, Membership, User
from studio.personal_data.parts import Row, Section, others

AT_ONCE = 500  # rows
_Model = TypeVar("_Model", bound=models.Model)


def download(person: User) -> StreamingHttpResponse:
    """The zip as an answer; that it was asked for stands in the trail."""
    with transaction.atomic():
        record(Event.PERSON_EXPORTED, person=person)
    headers = {
        "Content-Disposition": f'attachment; filename="footlight-person-{person.pk}.zip"',
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(blocks_of(person), content_type="application/zip", headers=headers)


def blocks_of(person: User) -> Iterator[bytes]:
    """The zip, a block at a time."""
    archive = ZipStream(sized=False)
    for section in [*_sections(person), *others().sections(person)]:
        archive.add(_json(section.portions), f"{section.name}.json")
    for asset in _files(person):
        name = str(asset.file.name)
        if default_storage.exists(name):
            inside = f"files/{asset.public_id}.{asset.extension}"
            archive.add(file_store.blocks(name, 0, asset.size), inside)
    yield from archive.finalize()


def portions(rows: models.QuerySet[_Model], row_of: Callable[[_Model], Row]) -> Iterator[list[Row]]:
    """`rows` in the order of their ids; nothing stays open in the database between two portions."""
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield [row_of(one) for one in some]
        last = some[-1].pk


def time(value: object) -> str:
    """A time as it stands in the lists; "" for none."""
    astimezone = getattr(value, "astimezone", None)
    return str(astimezone(UTC).isoformat()) if astimezone is not None else ""


def _json(rows: Iterable[list[Row]]) -> Iterator[bytes]:
    """One array, a row a line."""
    before = "[\n"
    for some in rows:
        for row in some:
            yield (before + json.dumps(row, ensure_ascii=False, default=str)).encode()
            before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _sections(person: User) -> list[Section]:
    entries = AuditEntry.objects.filter(copy=False)
    trail = reading.portions(entries, reading.Wanted(person.pk), AT_ONCE)
    teams = Membership.objects.filter(user=person).select_related("team")
    assets = Asset.objects.filter(owner=person).select_related("team")
    consents = Consent.objects.filter(by=person).select_related("asset")
    groups = Collection.objects.filter(owner=person).select_related("team")
    return [
        Section("profile", iter([[_profile(person)]])),
        Section("teams", portions(teams, _team)),
        Section("e-mail-addresses", portions(EmailAddress.objects.filter(user=person), _email)),
        Section("sign-ins", portions(UserSession.objects.filter(user=person), _sign_in)),
        Section("files", portions(assets, _asset)),
        Section("collections", portions(groups, _collection)),
        Section("likeness-consents", portions(consents, _consent)),
        Section("audit", ([_entry(one, person) for one in some] for some in trail)),
    ]


def _collection(collection: Collection) -> Row:
    return {"team": collection.team.name, "name": collection.name}


def _files(person: User) -> Iterator[Asset]:
    """Files of theirs in the teams that they are in: what they left with a team they left is the
    team's, and only listed."""
    mine = Membership.objects.filter(user=person).values("team")
    rows = Asset.objects.filter(owner=person, team__in=mine)
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield from some
        last = some[-1].pk


def _profile(person: User) -> Row:
    return {
        "id": person.pk,
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "joined": time(person.date_joined),
        "last_sign_in": time(person.last_login),
        "active": person.is_active,
        "staff": person.is_staff,
    }


def _team(row: Membership) -> Row:
    return {"team": row.team.name, "role": row.role, "since": time(row.created_at)}


def _email(row: EmailAddress) -> Row:
    return {"email": row.email, "confirmed": row.verified, "primary": row.primary}


def _sign_in(row: UserSession) -> Row:
    return {
        "browser": row.user_agent,
        "address": row.ip,
        "begun": time(row.created_at),
        "used": time(row.last_seen_at),
    }


def _asset(row: Asset) -> Row:
    return {
        "id": row.public_id,
        "team": row.team.name,
        "name": row.name,
        "kind": row.kind,
        "origin": row.origin,
        "bytes": row.size,
        "sha256": row.sha256,
        "created": time(row.created_at),
    }


def _consent(row: Consent) -> Row:
    return {"file": row.asset.public_id, "said": row.said, "at": time(row.at)}


def _entry(entry: AuditEntry, person: User) -> Row:
    """What was done by or to them; from where only when they did it."""
    own = entry.by_id in (person.pk, None)
    return {
        "at": time(entry.at),
        "event": entry.event,
        "what": words.sentence(entry),
        "team": entry.team_name,
        "before": _shown(entry.was),
        "after": _shown(entry.became),
        "address": entry.address if own else "",
        "sign_in": entry.sign_in if own else "",
    }


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    """Without what is the team's and says something about a key: its last four letters are for
    those who manage keys, wherever they stand."""
    return {name: value for name, value in values.items() if name != "last4"}
