"""Keeping files and letting go of them: once per content and team, the file before its row, never a
row without its file."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studio.audit.events import Event
from studio.audit.trail import record
from studio.files import from_trash, removals
from studio.files.names import clean_name
from studio.media import Facts, MediaError, decoders
from studio.media.preparation import Prepared, sha256_of
from studio.models import Asset, Team, User
from studio.teams import quotas

log = logging.getLogger("footlight.file_store")

BLOCK = 1024 * 1024
Source: TypeAlias = "str | os.PathLike[str] | UploadedFile[Any]"


class InUse(Exception):
    """The file cannot be deleted. `jobs` are the rows that need it (jobs or templates); `str()` is
    a sentence that names them."""

    def __init__(self, asset: Asset, jobs: list[Any]) -> None:
        self.jobs = jobs
        named = [_used_by(job) for job in jobs[:3]]
        if len(jobs) > 3:
            more = len(jobs) - 3
            named.append(ngettext("%(n)s more", "%(n)s more", more) % {"n": more})
        super().__init__(
            _(
                "“%(name)s” stays: it is used by %(jobs)s, which could not be shown or made again "
                "without it."
            )
            % {"name": asset.name, "jobs": ", ".join(named)}
        )


def _used_by(row: Any) -> str:
    if hasattr(row, "title"):
        return _("job “%(title)s”") % {"title": row.title}
    return _("dance template “%(name)s”") % {"name": row}


# ── keeping ───────────────────────────────────────────────────────────────────────────────────────


def keep(
    source: Source,
    *,
    team: Team,
    owner: User | None,
    name: str,
    origin: str = Asset.Origin.UPLOAD,
    parent: Asset | None = None,
    recipe: dict[str, Any] | None = None,
    own: str = "",
) -> tuple[Asset, bool]:
    """Keep the file `source` for `team`; returns its asset and whether it is new.

    `source` is the path of a finished file, which stays where it is and belongs to the caller, or
    an uploaded file. An upload is stored without metadata, a picture upright; what we made
    ourselves (a result, or from `parent` by `recipe`) byte for byte. The same content is kept once
    per team, whatever it is called, and comes out of the trash when it lies there; a result has a
    row and a file of its own even so, and `own` (the public id of its job) tells it from the same
    video of another job. It is read in a decoder, in the name of `owner`. Raises MediaError with a
    sentence; then nothing was stored.
    """
    lineage = {"origin": origin, "parent": parent, "recipe": recipe or {}}
    result = origin == Asset.Origin.RESULT

    def known(digest: str) -> tuple[Asset, bool] | None:
        if result:
            made = _result(team, digest, own)
            return (made, False) if made is not None else None
        return _same_or_back(team, digest, owner, name, origin, parent, recipe or {})

    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="keep-") as folder:
        path, digest = received(source, Path(folder))
        if (found := known(digest)) is not None:
            return found
        if not result:  # before the work; what counts is asked with the row
            quotas.check_storage(team, owner, path.stat().st_size)
        ready = decoders.prepare(
            path,
            digest,
            Path(folder),
            clean=origin == Asset.Origin.UPLOAD,
            person=person_key(owner),
        )
        if not result and (found := known(ready.sha256)) is not None:
            return found
        stem = _stem(team, ready.sha256, own)
        return _store(
            ready, stem, source_sha256=digest, team=team, owner=owner, name=name, **lineage
        )


def keep_upload(sent: UploadedFile[Any], *, team: Team, owner: User) -> tuple[Asset, bool]:
    """`keep` a file that `owner` sent with a form of any page, counted as one of their uploads of
    the hour. MediaError as there, also when the hour is full."""
    quotas.count_upload(owner)
    return keep(sent, team=team, owner=owner, name=sent.name or "")


def person_key(user: User | None) -> str:
    """In whose name a decoder is asked: each person has one at a time."""
    return str(user.pk) if user is not None else ""


def received(source: Source, folder: Path) -> tuple[Path, str]:
    """The bytes as a file, and their sha256; what has no path yet is hashed while it is written."""
    if not isinstance(source, UploadedFile):
        return Path(source), sha256_of(source)
    if hasattr(source, "temporary_file_path"):
        path = Path(source.temporary_file_path())
        return path, sha256_of(path)
    digest, path = hashlib.sha256(), folder / "received"
    with path.open("wb") as out:
        for block in source.chunks(BLOCK):
            digest.update(block)
            out.write(block)
    return path, digest.hexdigest()


def _same(team: Team, digest: str) -> Asset | None:
    """The team's asset with this content, as it came in or as it is stored (somebody may upload
    what they downloaded here)."""
    return team.assets.filter(Q(source_sha256=digest) | Q(sha256=digest)).first()


def _same_or_back(
    team: Team,
    digest: str,
    owner: User | None,
    name: str,
    origin: str,
    parent: Asset | None,
    recipe: dict[str, object],
) -> tuple[Asset, bool] | None:
    """The team's file of this content, and whether it is new here because it lay in the trash."""
    if (here := _same(team, digest)) is not None:
        return here, False
    back = from_trash.bring_back(
        team, digest, owner, name, origin=origin, parent=parent, recipe=recipe
    )
    return (back, True) if back is not None else None


def _stem(team: Team, digest: str, own: str) -> str:
    """What the storage's names of this content begin with, those of thumbnails too."""
    return f"{team.pk}/{digest}-{own}" if own else f"{team.pk}/{digest}"


def _result(team: Team, digest: str, own: str) -> Asset | None:
    """The result of this job with this content, which an archive step that broke off has kept."""
    stem = _stem(team, digest, own)
    made = team.assets.filter(sha256=digest, origin=Asset.Origin.RESULT)
    return made.filter(file__startswith=f"{stem}.").first()


def _store(
    ready: Prepared,
    stem: str,
    *,
    source_sha256: str,
    team: Team,
    owner: User | None,
    name: str,
    **lineage: Any,
) -> tuple[Asset, bool]:
    facts = ready.facts
    stored, thumb = _put_both(ready, stem)
    try:
        with transaction.atomic():
            from_trash.require_parent(lineage["parent"])
            asset = Asset.objects.create(
                team=team,
                owner=owner,
                name=clean_name(name, facts.extension),
                file=stored,
                thumb=thumb,
                sha256=ready.sha256,
                source_sha256=source_sha256,
                peaks=ready.peaks,
                sound=ready.sound,
                **_fact_columns(facts),
                **lineage,
            )
            quotas.check_stored(asset)
            free = removals.take_back([stored, thumb])
    except MediaError:  # over a limit, or what it was made of was deleted meanwhile
        _drop_unnamed([stored, thumb])
        raise
    except IntegrityError:
        # Somebody else kept the same content in the meantime; the files are the same by name and
        # content.
        winner = _same(team, ready.sha256)
        if winner is None:
            raise
        return winner, False
    if free or removals.await_gone([stored, thumb]):
        _put_again(ready, stored, thumb)
    else:
        _rename(asset, ready, f"{stem}-{secrets.token_hex(4)}")
    return asset, True


def _put_both(ready: Prepared, stem: str) -> tuple[str, str]:
    """The names under which the file and its small picture are stored, "" for none."""
    thumb = put(ready.thumb, f"{stem}.thumb.webp", "image/webp") if ready.thumb else ""
    return put(ready.path, f"{stem}.{ready.facts.extension}", ready.facts.mime), thumb


def _rename(asset: Asset, ready: Prepared, stem: str) -> None:
    """Keep the content of `asset` under names that nobody removes."""
    asset.file, asset.thumb = _put_both(ready, stem)
    asset.save(update_fields=["file", "thumb"])


def _put_again(ready: Prepared, stored: str, thumb: str) -> None:
    """Between our look at the storage and our row, somebody may have deleted the last asset with
    this content and its files."""
    both = ((ready.path, stored, ready.facts.mime), (ready.thumb, thumb, "image/webp"))
    for path, name, mime in both:
        if path and path.exists() and not default_storage.exists(name):
            put(path, name, mime)


def _fact_columns(facts: Facts) -> dict[str, Any]:
    """What was measured, by column of Asset; names are cut to what the columns hold."""
    return {
        "kind": facts.kind,
        "format": facts.format[:8],
        "mime": facts.mime,
        "size": facts.size,
        "width": facts.width,
        "height": facts.height,
        "milliseconds": round(facts.seconds * 1000),
        "fps": facts.fps,
        "codec": facts.codec[:20],
        "audio_codec": facts.audio_codec[:20],
        "has_audio": facts.has_audio,
        "sound_milliseconds": round(facts.sound_seconds * 1000),
    }


class _Ready(File):  # type: ignore[type-arg]
    """A finished file of ours. Local storage moves it into place in one step, so a crash leaves all
    of it or nothing."""

    def __init__(self, file: Any, name: str, mime: str) -> None:
        super().__init__(file, name)
        self.path = file.name
        self.content_type = mime

    def temporary_file_path(self) -> str:
        return str(self.path)


def put(path: Path, name: str, mime: str) -> str:
    """Write once: the storage's name of the content of `path`, which is there whole when this
    returns."""
    size = path.stat().st_size
    if default_storage.exists(name):
        if default_storage.size(name) == size:
            return name
        log.warning("%s was left half written; it is written anew", name)
        default_storage.delete(name)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return default_storage.save(name, _Ready(file, name, mime))


# ── letting go ────────────────────────────────────────────────────────────────────────────────────


def every_asset() -> QuerySet[Asset]:
    """Files of all teams: for a signed link, where the signature and not a membership is the
    permission."""
    return Asset.objects.all()


def forget(asset: Asset) -> None:
    """Delete the asset and its files. Raises InUse, and changes nothing, while a job or a template
    needs it."""
    names = removals.names_of([asset])
    try:
        with transaction.atomic():
            about = {"kind": asset.kind, "sha256": asset.sha256}
            record(
                Event.FILE_DELETED,
                team=asset.team,
                person=asset.owner,
                about=asset.name,
                before=about,
            )
            asset.delete()
            removals.note(names)
    except ProtectedError as error:
        raise InUse(asset, _users(error.protected_objects)) from None
    # After the row, so that a crash leaves a file without a row and never the other way round.
    removals.work(names=names)


def _drop_unnamed(names: list[str]) -> None:
    """Delete those stored files that no row names."""
    removals.note(names)
    removals.work(names=names)


def users_of(asset: Asset) -> list[Any]:
    """The jobs and templates that keep `asset` from being deleted, newest first; empty when none
    does."""
    here = {"deletion": None, "erased_at": None}
    uses = asset.used_as.filter(**{f"job__{name}": value for name, value in here.items()})
    inputs = [use.job for use in uses.select_related("job__team").order_by("-id")]
    made_by = asset.made_by.filter(**here).select_related("team")
    return _users([*inputs, *made_by, *asset.templates.all()])


def _users(rows: Any) -> list[Any]:
    """Jobs and templates, each once; an input stands for its job."""
    found: dict[tuple[str, Any], Any] = {}
    for row in rows:
        user = getattr(row, "job", row)
        found.setdefault((user._meta.label, user.pk), user)
    return sorted(found.values(), key=lambda user: (user._meta.label, -user.pk))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def is_local(storage: Storage | None = None) -> bool:
    """Whether stored files lie on this machine's disk."""
    return isinstance(storage or default_storage, FileSystemStorage)


@contextmanager
def local_copy(asset: Asset) -> Iterator[Path]:
    """The path of the stored file, to read and not to change: the file itself on local storage,
    else a copy that is removed afterwards."""
    if is_local():
        yield Path(default_storage.path(str(asset.file.name)))
        return
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="copy-") as folder:
        path = Path(folder) / f"{asset.sha256[:16]}.{asset.extension}"
        with path.open("wb") as out:
            out.writelines(blocks(str(asset.file.name), 0, asset.size))
        yield path


def blocks(name: str, start: int, stop: int, size: int = 64 * 1024) -> Iterator[bytes]:
    """The bytes `start` up to, not including, `stop` of a stored file, in blocks of at most `size`;
    opens the file when first asked.

    Raises FileNotFoundError when it is not there. Closing the iterator closes the file.
    """
    if stop <= start:
        return
    bucket = getattr(default_storage, "bucket", None)
    if bucket is not None:
        # The storage's own file object fetches the whole object into memory before the first byte.
        body = bucket.Object(name).get(Range=f"bytes={start}-{stop - 1}")["Body"]
        try:
            yield from body.iter_chunks(size)
        finally:
            body.close()
        return
    with default_storage.open(name, "rb") as file:
        file.seek(start)
        left = stop - start
        while left > 0 and (block := file.read(min(size, left))):
            left -= len(block)
            yield block
