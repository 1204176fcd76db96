"""Addresses of stored files that the outside can fetch, and for how long."""

from __future__ import annotations

import time
from enum import IntEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from studio.common.address_kind import address_kind, carried
from studio.files.file_store import is_local
from studio.models import Asset

SALT = "footlight.outside"
LOCAL_NAMES = ("local", "internal", "lan", "home", "test", "intranet", "corp")


class Expired(Exception):
    """The link was good and its time is over."""


class Reach(IntEnum):
    """From how far an address can be reached: this machine, its network, everywhere."""

    MACHINE = 0
    NETWORK = 1
    EVERYWHERE = 2


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


def public_url(asset: Asset, hours: float = settings.LINK_HOURS) -> str:
    """An address of the stored file that needs no sign-in and is good for at least `hours`; its
    path ends in the file's extension.

    A presigned address of the bucket, or a signed one of this site. Whether the outside reaches it
    is for `delivery` to say.
    """
    seconds = int(hours * 3600)
    if not is_local():
        return str(default_storage.url(asset.file.name, expire=seconds))  # type: ignore[call-arg]
    return settings.PUBLIC_URL + reverse(
        "outside_file",
        args=[_token(asset.public_id, int(time.time()) + seconds), outside_name(asset)],
    )


def outside_name(asset: Asset) -> str:
    """The last part of the signed address: says nothing about the file but its type."""
    return f"{asset.sha256[:16]}.{asset.extension}"


def _signer() -> Signer:
    return Signer(sep=".", salt=SALT)


def _token(public_id: str, expires: int) -> str:
    return _signer().sign(f"{public_id}-{expires:x}")


def asset_of(token: str) -> str:
    """The public id in a token of ours. Raises BadSignature for a token that is not ours, Expired
    for one whose time is over."""
    public_id, _, expires = _signer().unsign(token).rpartition("-")
    try:
        over = int(expires, 16) < time.time()
    except ValueError:
        raise BadSignature("no time in the token") from None
    if over:
        raise Expired
    return public_id


# ── who can fetch them ────────────────────────────────────────────────────────────────────────────


def reach(url: str) -> Reach:
    """How far the host of `url` is, judged by its name or number alone; nothing is asked of the
    network."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    address = carried(host)
    if address is None:
        if host == "localhost" or host.endswith(".localhost") or not host:
            return Reach.MACHINE
        inner = (
            "." not in host or host.rsplit(".", 1)[-1] in LOCAL_NAMES or host.endswith(".home.arpa")
        )
        return Reach.NETWORK if inner else Reach.EVERYWHERE
    if address.is_loopback or address.is_unspecified:
        return Reach.MACHINE
    return Reach.EVERYWHERE if address_kind(host) == "public" else Reach.NETWORK


def files_at() -> str:
    """The address that our links begin with: the bucket's endpoint, or this site's."""
    if is_local():
        return str(settings.PUBLIC_URL)
    return str(getattr(default_storage, "endpoint_url", None) or "https://s3.amazonaws.com")


def reachable_for(base_url: str) -> bool:
    """Whether the service at `base_url` can fetch our links: nobody reaches a host that is nearer
    to us than they are."""
    return reach(files_at()) >= reach(base_url)


def delivery(base_url: str) -> str:
    """How files get to the service at `base_url`: "public", it fetches our links, or "temporary",
    we upload to its own storage.

    MEDIA_DELIVERY decides; `auto` means public whenever the service can reach us.
    """
    if settings.MEDIA_DELIVERY != "auto":
        return str(settings.MEDIA_DELIVERY)
    return "public" if reachable_for(base_url) else "temporary"
