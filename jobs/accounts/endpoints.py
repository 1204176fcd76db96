"""Addresses that an account may have: where its key will be sent, so anything that looks wrong is
refused (CONTRACT §14)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from jobs.common.address_check import resolve
from jobs.models import Account
from jobs.models.account import REGIONS
from studio.common.address_kind import address_kind
from studio.common.sentence_error import SentenceError
from studio.common.translatable import Sentence, phrase
from studio.models.people import User

API_PATH = "/api/v1"
_OFFICIAL = "aliyuncs.com"
SIMULATOR_KEYS = "sk-simulator-"  # as its keys begin; the real service knows none like that
SIMULATOR_KEY = f"{SIMULATOR_KEYS}demo"  # of the demo's account
WORKSPACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class KeyRefused(SentenceError):
    """A key, or the address it was to be used at, was not taken.

    `health` is what the service's refusal says about an account that uses the key; None when it
    says nothing.
    """

    def __init__(self, sentence: Sentence, health: Account.Health | None = None) -> None:
        super().__init__(sentence)
        self.health = health


def clean_address(given: str, region: str, by: User | None = None) -> str:
    """The base address that `given` means: "" (the region's own), a workspace id, or an http(s)
    address.

    Never one with credentials, a query or a fragment, never a metadata or link-local address, and
    plain http only to loopback and private networks. Looks the name up; one that does not resolve
    now passes. On a site that others reach (settings.STRICT) only staff, and commands (`by` None),
    may name an address that is not of the public network. KeyRefused otherwise.
    """
    given = given.strip()
    if not given:
        return ""
    if WORKSPACE_ID.fullmatch(given):
        # Only letters, digits, - and _: it becomes one label of the host name and can lead nowhere
        # else.
        return f"https://{given}.{region}.maas.aliyuncs.com{API_PATH}"
    parts = _read(given)
    _require_allowed(parts, by)
    address = f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/') or API_PATH}"
    if len(address) > 200:
        raise KeyRefused(
            phrase("The address is longer than 200 characters. Give scheme, host and path only.")
        )
    return address


def _read(given: str) -> SplitResult:
    """Scheme, host and path of `given`, or KeyRefused."""
    try:
        parts = urlsplit(given)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise KeyRefused(
            phrase(
                "This address cannot be read. It looks like https://dashscope.aliyuncs.com/api/v1."
            )
        ) from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\]", given):
        raise KeyRefused(
            phrase(
                "This is neither a workspace id nor an address. An address looks like "
                "https://dashscope.aliyuncs.com/api/v1."
            )
        )
    if "@" in parts.netloc or "?" in given or "#" in given:
        raise KeyRefused(
            phrase(
                "The address has a user, a query or a fragment in it. Give scheme, host and path "
                "only."
            )
        )
    return parts


def place_of(url: str) -> str:
    """Who answers at `url`, to be compared as a whole: scheme, host, port and path, or
    "aliyuncs.com <region>" for every host of the service in that region. "" when it cannot be
    read."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ""
    if parts.scheme == "https" and port == 443:
        for region, (_, own) in REGIONS.items():
            label, _, rest = host.partition(".")
            if host == urlsplit(own).hostname or (
                rest == f"{region}.maas.aliyuncs.com" and WORKSPACE_ID.fullmatch(label)
            ):
                return f"{_OFFICIAL} {region}"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port}{parts.path.rstrip('/')}" if host else ""


def is_official(url: str) -> bool:
    """Whether the real service answers at `url`."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return host == _OFFICIAL or host.endswith(f".{_OFFICIAL}")


def common_part(place: str) -> str:
    """What the address of every row at `place` has somewhere in it, in some case. More have."""
    if place.startswith(_OFFICIAL):
        return _OFFICIAL
    return urlsplit(place).hostname or ""


def may_be_private(address: str, by: User | None) -> bool:
    """Whether an account that `by` gives `address` may call into private networks from now on: the
    address leads there, and it is the word of staff or of a command, or the site is one that others
    do not reach."""
    return not _outsider(by) and "private" in _kinds(urlsplit(address).hostname or "")


def _outsider(by: User | None) -> bool:
    return settings.STRICT and by is not None and not by.is_staff


def _require_allowed(parts: SplitResult, by: User | None) -> None:
    """KeyRefused when the host leads where no account may be, now. That is judged again whenever a
    connection is made."""
    kinds = _kinds(parts.hostname or "")
    if _outsider(by) and kinds != {"public"}:
        # One sentence, which does not tell what there is inside our network.
        raise KeyRefused(
            phrase(
                "There is no such host in the public network; addresses in private networks are "
                "not open to connections of this site. Copy the address from the Model Studio "
                "console, or ask the staff of this site to enter it."
            )
        )
    if "never" in kinds:
        raise KeyRefused(
            phrase(
                "This address leads to a part of the network where no service can be. Copy the "
                "address from the Model Studio console."
            )
        )
    if parts.scheme == "http" and kinds != {"private"}:
        raise KeyRefused(
            phrase(
                "Over http anyone on the way can read the key. Use https; http is only for this "
                "machine and private networks."
            )
        )


def _kinds(host: str) -> set[str]:
    """The kinds of every address that `host` stands for now, however it is written; empty when the
    name does not resolve."""
    try:
        # No name is this machine to the resolver.
        return {address_kind(address) for address in resolve(host) if host}
    except (OSError, UnicodeError):
        return set()
