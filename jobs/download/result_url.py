"""Which addresses of strangers may be connected to: none inside our network, no cloud metadata."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from jobs.common import address_check
from jobs.download.errors import FetchError, ForbiddenAddress, Unreachable
from studio.common.address_kind import address_kind
from studio.common.translatable import phrase

_KEPT = "%!#$&'()*+,/:;=?@[]~"  # characters of an address that stay as they are


def split_url(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path with query) of `url`, ready to be sent. ForbiddenAddress when it is
    none that may be asked."""
    if any(char.isspace() or not char.isprintable() or char == "\\" for char in url):
        raise ForbiddenAddress(phrase("The video’s address holds characters that no address has."))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # UnicodeError is one
        raise ForbiddenAddress(phrase("The video’s address cannot be read.")) from None
    if parts.scheme not in ("http", "https"):
        raise ForbiddenAddress(phrase("The video’s address is neither http nor https."))
    if "@" in parts.netloc:
        raise ForbiddenAddress(phrase("The video’s address holds a name or a password."))
    if not host or port == 0:
        raise ForbiddenAddress(phrase("The video’s address names no host."))
    target = quote(parts.path or "/", safe=_KEPT) + (
        f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    )
    return parts.scheme, host.rstrip("."), port or (443 if parts.scheme == "https" else 80), target


def allowed_addresses(host: str, port: int, private_ok: bool) -> list[str]:
    """The addresses of `host`, all of which may be asked. ForbiddenAddress when one may not: honest
    names do not mix. Unreachable when it has none; with the same sentence, which does not tell
    what there is inside our network."""
    why = phrase(
        "Nothing can be fetched from the video’s host, %(host)s: there is no such host, or it is "
        "inside a private network.",
        host=host[:100],
    )
    try:
        return address_check.allowed_addresses(host, port, private_ok)
    except address_check.AddressRefused:
        raise ForbiddenAddress(why) from None
    except OSError:
        raise Unreachable(why) from None


def is_private_host(url: str) -> bool:
    """Whether the host of `url` is this machine or in a private network; False when nobody knows
    it."""
    try:
        _, host, port, _ = split_url(url)
        return {address_kind(address) for address in address_check.resolve(host, port)} == {
            "private"
        }
    except (FetchError, OSError, UnicodeError):
        return False
