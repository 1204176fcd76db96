"""What a person takes along: everything of theirs, nothing of anybody else's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import Asset, AuditEntry, Consent, Team, User
from tests import makers

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db


def stored(asset: Asset, content: bytes) -> Asset:
    storage = asset.file.storage
    name = str(asset.file.name)
    if storage.exists(name):
        storage.delete(name)
    storage.save(name, ContentFile(content))
    Asset.objects.filter(pk=asset.pk).update(size=len(content))
    return asset


def zip_of(client: Client) -> zipfile.ZipFile:
    answer = client.post(reverse("personal_data"), {"do": "export"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(archive.read(f"{name}.json"))
    return found


def test_it_has_all_of_theirs_and_nothing_of_others(
    team: Team, owner: User, creator: User, stranger: User, client_of: ClientOf
) -> None:
    job = makers.job(team, creator, title="Opening words")
    makers.job(team, owner, title="Secret of the owner")
    own = stored(makers.asset(team, owner=creator, name="me.png"), b"mine")
    makers.asset(team, owner=owner, name="other.png")
    left = stored(makers.asset(stranger.teams.get(), owner=creator, name="left.png"), b"theirs")
    Consent.objects.update_or_create(asset=own, defaults={"by": creator, "said": "I agreed."})
    with transaction.atomic():
        record(Event.ROLE_CHANGED, team=team, by=owner, person=creator, after={"role": "creator"})
        record(Event.TEAM_CHANGED, team=team, by=owner, after={"name": "Secret of the owner"})
    archive = zip_of(client_of(creator))
    assert archive.testzip() is None
    assert rows(archive, "profile")[0]["email"] == creator.email
    assert [row["team"] for row in rows(archive, "teams")] == ["Studio North"]
    assert [row["id"] for row in rows(archive, "jobs")] == [job.public_id]
    assert [row["said"] for row in rows(archive, "likeness-consents")] == ["I agreed."]
    assert {row["name"] for row in rows(archive, "files")} == {"me.png", "left.png"}
    assert archive.read(f"files/{own.public_id}.{own.extension}") == b"mine"
    assert not [name for name in archive.namelist() if left.public_id in name]
    assert [row["kind"] for row in rows(archive, "ledger")] == ["hold"]
    events = [row["event"] for row in rows(archive, "audit")]
    assert events[:1] == [Event.PERSON_EXPORTED]
    assert Event.ROLE_CHANGED in events
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Secret of the owner" not in everything
    assert b"other.png" not in everything


def test_portions_make_no_difference(
    team: Team, creator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        makers.asset(team, owner=creator, name=f"{number}.png")
    monkeypatch.setattr("studio.personal_data.export.AT_ONCE", 2)
    archive = zip_of(client_of(creator))
    assert {row["name"] for row in rows(archive, "files")} == {f"{n}.png" for n in range(5)}
    assert rows(archive, "checks") == []


def test_a_command_writes_it_for_its_reader_alone(creator: User, tmp_path: Path) -> None:
    path = tmp_path / "chidi.zip"
    call_command("exportperson", creator.email, "--to", str(path), stdout=io.StringIO())
    assert path.stat().st_mode & 0o777 == 0o600
    assert rows(zipfile.ZipFile(path), "profile")[0]["email"] == creator.email
    assert AuditEntry.objects.filter(event=Event.PERSON_EXPORTED, copy=False).count() == 1
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("exportperson", creator.email, "--to", str(path))
    with pytest.raises(CommandError, match="nobody"):
        call_command("exportperson", "nobody@example.com", "--to", str(path))
