"""Uploads as plain ASGI: a raw PUT, hashed while it is written, so that a file of any size costs
two megabytes of memory.

PUT /upload/<team>/?name=<file name> with the file as the body. Answers JSON: 201 (new) or 200 (was
here already) with the asset, or {"error": sentence, "reason": word} with 400, 401, 403, 404, 405,
413, 415, 429, 500 or 503; the word tells whether another try may help
(static/js/files/one_file.js). The session cookie and the CSRF header say who asks.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.translation import gettext as _

from studio.audit.origin import Origin, acting, sign_in_mark
from studio.common.formats import filesize_mb
from studio.common.translatable import translated
from studio.files.file_store import keep, person_key
from studio.media import MediaError, decoders
from studio.models import Asset, Membership, Team, User
from studio.models.audit import Via
from studio.teams import quotas
from studio.teams.access import membership_of, not_allowed
from studio.teams.permissions import Permission, allows
from studio.web.answers import Gone, Refused, answer, drain
from studio.web.asgi_types import Receive, Scope, Send
from studio.web.bodies import (
    BUFFER,
    asking_place,
    declared_length,
    parts,
    unfinished_upload,
    upload_place,
)

log = logging.getLogger("footlight.uploads")

T = TypeVar("T")

ADDRESS = re.compile(r"/upload/([-\w]+)/?", re.ASCII)
STATUS = {
    "empty": 400,
    "broken": 400,
    "too-large-picture": 413,
    "too-long": 413,
    "too-heavy": 413,
    "unknown-type": 415,
    "not-supported": 415,
    "no-stream": 415,
    "over-quota": 429,
    "decoder-lost": 503,
    "decoder-busy": 503,
}
# What waits for a decoder waits without a thread; these hash, store and write rows.
_keep_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="keep")
_io_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="upload")


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who uploads, and to which team."""

    user: User
    team: Team
    origin: Origin


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application behind /upload/."""
    more: list[tuple[bytes, bytes]] = []
    try:
        status, said = await _answer(scope, receive)
    except Refused as refusal:
        await drain(receive)
        status = refusal.status
        said = {"error": str(refusal), "reason": refusal.reason}
        more.append((b"connection", b"close"))
    except Gone:
        return
    if status == 405:
        more.append((b"allow", b"PUT"))
    await answer(send, status, json.dumps(said).encode(), b"application/json", *more)


async def _answer(scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
    found = ADDRESS.fullmatch(scope["path"])
    if not found:
        raise Refused(404, _("There is nothing at this address."))
    if scope["method"] != "PUT":
        raise Refused(405, _("A file is uploaded here with PUT."))
    async with asking_place(scope):
        sender = await _in_thread(_io_threads, _sender, scope, found.group(1))
    declared = declared_length(scope)
    if declared is not None and declared > settings.UPLOAD_MAX_BYTES:
        raise Refused(413, too_large())
    name = parse_qs(
        scope["query_string"].decode("latin-1"), encoding="utf-8", errors="replace"
    ).get("name", [""])[0]
    await _in_thread(_io_threads, _count, sender, declared or 0)
    with unfinished_upload(sender.user.pk):
        with upload_place(sender.user.pk):
            path = await _received(receive)
        try:
            async with decoders.turn_async(person_key(sender.user), name):
                with acting(sender.origin):
                    return await _in_thread(_keep_threads, _keep, path, sender, name)
        finally:
            os.unlink(path)


async def _received(receive: Receive) -> str:
    """The path of a new file with the body in it; nothing stays of one that did not come whole."""
    handle, path = tempfile.mkstemp(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="upload-")
    try:
        with os.fdopen(handle, "wb") as out:
            await _receive_into(out, receive)
    except BaseException:
        os.unlink(path)
        raise
    return path


async def _receive_into(out: io.BufferedWriter, receive: Receive) -> None:
    """Write the body as it comes. Raises Gone when the client leaves, Refused above the limit and
    when it comes too slowly."""
    loop, total, gathered = asyncio.get_running_loop(), 0, bytearray()
    async for part in parts(receive):
        total += len(part)
        if total > settings.UPLOAD_MAX_BYTES:
            raise Refused(413, too_large())
        gathered += part
        if len(gathered) >= BUFFER:
            await loop.run_in_executor(_io_threads, out.write, bytes(gathered))
            gathered.clear()
    if gathered:
        await loop.run_in_executor(_io_threads, out.write, bytes(gathered))


# ── in threads, because the database is ───────────────────────────────────────────────────────────


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[..., T], *args: Any) -> T:
    """Run `work` in `pool`. Its database connection is closed afterwards: an upload is rare, a
    connection is not free."""

    def run() -> T:
        try:
            return work(*args)
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, run)


class _Csrf(CsrfViewMiddleware):
    """Django's own check, which answers with the reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _sender(scope: Scope, slug: str) -> _Sender:
    """Who asks, or Refused: 400, 401, 403 or 404."""
    # Without the query, which ASGIRequest fails to read when it holds bytes that are no UTF-8.
    request = ASGIRequest({**scope, "query_string": b""}, io.BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        raise Refused(400, _("This site does not answer to that host name.")) from None
    engine = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise Refused(401, _("You are signed out; sign in again and upload the file once more."))
    csrf = _Csrf(lambda _request: HttpResponse())
    csrf.process_request(request)
    if csrf.process_view(request, lambda _request: HttpResponse(), (), {}):
        raise Refused(
            403,
            _("The page is too old to upload from; load it again and upload the file once more."),
        )
    try:
        membership: Membership = membership_of(user, slug)
    except Http404:
        raise Refused(404, _("No team of yours is at this address.")) from None
    except PermissionDenied as error:  # a second factor is required here
        raise Refused(403, str(error)) from None
    if not allows(membership.role, Permission.MAKE, membership.team):
        raise Refused(403, not_allowed(membership, Permission.MAKE))
    address = (scope.get("client") or ("", 0))[0]  # the visitor's own: studio/web/visitors.py
    mark = sign_in_mark(request.session.session_key)
    return _Sender(user, membership.team, Origin(Via.UPLOAD, "", user, address, mark))


def _count(sender: _Sender, size: int) -> None:
    """Before a byte of the file is taken: whether one more of this size may come."""
    try:
        quotas.count_upload(sender.user)
        quotas.check_storage(sender.team, sender.user, size)
    except quotas.OverQuota as error:
        reason = "hour-full" if isinstance(error, quotas.HourFull) else ""
        raise Refused(STATUS[error.code], translated(error.sentence), reason) from None


def _keep(path: str, sender: _Sender, name: str) -> tuple[int, dict[str, Any]]:
    try:
        asset, new = keep(path, team=sender.team, owner=sender.user, name=name)
    except MediaError as error:
        said = {"error": translated(error.sentence), "reason": error.code}
        return STATUS.get(error.code, 400), said
    except Exception:
        log.exception("an upload to %s could not be kept", sender.team.slug)
        return 500, {
            "error": _(
                "The file arrived and could not be stored; nothing was kept. Upload it again in a "
                "minute."
            )
        }
    return 201 if new else 200, described(asset, sender.team, new)


def described(asset: Asset, team: Team, new: bool) -> dict[str, Any]:
    """What a page is told of a file: ids and addresses, and the facts that limits are tested
    against."""

    def file(what: str) -> str:
        return reverse("asset_file", args=[team.slug, asset.public_id, what])

    return {
        "asset": asset.public_id,
        "name": asset.name,
        "kind": asset.kind,
        "new": new,
        "url": reverse("asset", args=[team.slug, asset.public_id]),
        "file": file("original"),
        "thumb": file("thumb") if asset.thumb else "",
        "peaks": asset.peaks,
        "facts": asset.facts.as_dict(),
    }


def too_large() -> str:
    """The sentence for a file above settings.UPLOAD_MAX_BYTES."""
    return _(
        "The file is larger than %(size)s, the most that is taken; cut it or save it smaller."
    ) % {"size": filesize_mb(settings.UPLOAD_MAX_BYTES)}
