"""Read the environment, and refuse nonsense with a sentence that says what to do.

Settings read nothing that is not in `VARIABLES` (studio/config/variables.py).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_email_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

from studio.common.client_address import Network, networks
from studio.config.variables import VARIABLES

_NAMES = {variable.name for variable in VARIABLES}

env = Env()


def _known(name: str) -> str:
    if name not in _NAMES:
        raise ImproperlyConfigured(f"{name} is read but not listed in studio/config/variables.py.")
    return name


def text(name: str, default: str = "") -> str:
    return str(env.str(_known(name), default)).strip()


def flag(name: str, default: bool = False) -> bool:
    try:
        return bool(env.bool(_known(name), default))
    except EnvError:
        raise ImproperlyConfigured(f"{name} is “{os.environ[name]}”; set it to 1 or 0.") from None


def number(name: str, default: int, least: int = 1) -> int:
    """A whole number from `least`."""
    value = text(name) or str(default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", value) or int(value) < least:
        raise ImproperlyConfigured(f"{name} is “{value}”; it must be a whole number from {least}.")
    return int(value)


def words(name: str) -> list[str]:
    return [word.strip() for word in text(name).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default) or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is “{value}”; it may be {', '.join(allowed)}.")
    return value


def address(name: str, default: str = "") -> str:
    """An http(s) address without a trailing slash; "" when unset and without default."""
    value = (text(name, default) or default).rstrip("/")
    if value:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImproperlyConfigured(
                f"{name} is “{value}”; it must be an address that begins with http:// or https://."
            )
    return value


def trusted_proxies() -> tuple[Network, ...]:
    """The networks whose `X-Forwarded-For` is believed; none unless they are named."""
    try:
        return networks(words("TRUSTED_PROXIES"))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES holds “{error}”; it may hold addresses and networks such as "
            "127.0.0.1 or 10.0.0.0/8 (with the bits after the mask at 0), with commas."
        ) from None


SIZES = {"MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def size(name: str, default: str) -> int | None:
    """Bytes of something like `500 MB`; None for `none`."""
    value = text(name, default) or default
    found = re.fullmatch(r"(\d{1,9})\s*(MB|GB|TB)", value.upper())
    if found:
        return int(found[1]) * SIZES[found[2]]
    if value.lower() != "none":
        raise ImproperlyConfigured(
            f"{name} is “{value}”; it may be a size such as 500 MB, 20 GB or 1 TB, or none."
        )
    return None


def number_or_none(name: str, default: str) -> int | None:
    """A whole number from 0; None for `none`."""
    value = text(name, default) or default
    if re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if value.lower() != "none":
        raise ImproperlyConfigured(f"{name} is “{value}”; it may be a whole number, or none.")
    return None


def redis_prefix(secret_key: str) -> str:
    """What the names of this site in Redis begin with; the same in every process of the site."""
    value = text("REDIS_PREFIX")
    if value and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value):
        raise ImproperlyConfigured(
            f"REDIS_PREFIX is “{value}”; it may have letters, digits, dashes and underscores, at "
            "most 40."
        )
    made = hmac.new(secret_key.encode(), b"redis", hashlib.sha256).hexdigest()[:10]
    return value or f"footlight-{made}"


def database(default: str) -> dict[str, Any]:
    try:
        return dict(env.dj_db_url(_known("DATABASE_URL"), default))
    except (EnvError, ValueError) as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read ({error}); use something like "
            "postgres://user:password@host/name."
        ) from None


MAIL_KINDS = ("smtp", "smtp+tls", "smtp+ssl", "submission", "console")


def email() -> dict[str, Any]:
    """Django's EMAIL_* settings of EMAIL_URL. `smtp+tls` is STARTTLS (port 587 unless it says
    another), `smtp+ssl` is TLS from the first byte (465)."""
    value = text("EMAIL_URL")
    kind, separator, rest = value.partition(":")
    if value and (not separator or kind.lower() not in MAIL_KINDS):
        raise ImproperlyConfigured(
            f"EMAIL_URL begins with “{kind}”, which sends no mail; it may begin with "
            f"{', '.join(MAIL_KINDS)}, such as smtp+tls://user:password@host:587."
        )
    secure = {"smtp+tls": ("tls", 587), "smtp+ssl": ("ssl", 465)}.get(kind.lower())
    try:
        if secure is None:
            found = dict(env.dj_email_url(_known("EMAIL_URL"), "console:"))
        else:
            found = dict(dj_email_url.parse(f"submission:{rest}"))
            found["EMAIL_PORT"] = urlsplit(value).port or secure[1]
            found["EMAIL_USE_TLS"] = secure[0] == "tls"
            found["EMAIL_USE_SSL"] = secure[0] == "ssl"
    except (EnvError, ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            f"EMAIL_URL cannot be read ({error}); use something like "
            "smtp+tls://user:password@host:587."
        ) from None
    if value and kind.lower() != "console" and not found.get("EMAIL_HOST"):
        raise ImproperlyConfigured(
            "EMAIL_URL names no mail server; use something like smtp+tls://user:password@host:587."
        )
    return found


def sign_up(strict: bool, mail: bool) -> str:
    """Who may make an account: everybody (`open`), who has a link (`invited`) or nobody
    (`closed`). On a strict site everybody only when addresses can be confirmed by mail."""
    value = choice("SIGNUP", "invited" if strict else "open", ("open", "invited", "closed"))
    if value == "open" and strict and not mail:
        raise ImproperlyConfigured(
            "SIGNUP is “open”, but without a mail server in EMAIL_URL nobody can confirm an "
            "address, and anybody could take somebody else’s. Set EMAIL_URL, or SIGNUP=invited."
        )
    return value


def site_keys(data_dir: Path, strict: bool) -> tuple[str, list[str]]:
    """(SECRET_KEY, FIELD_KEYS): from the environment, else made once and kept in
    `data_dir`/keys.json (mode 600).

    A strict site must bring both: keys that lie beside the data protect nothing there.
    """
    secret, fields = text("SECRET_KEY"), words("FIELD_KEYS")
    for key in fields:
        try:
            Fernet(key.encode())
        except ValueError:
            raise ImproperlyConfigured(
                "FIELD_KEYS holds something that is no Fernet key; `FIELD_KEYS= ALLOWED_HOSTS= "
                "python manage.py makekeys` prints a new one."
            ) from None
    if secret and fields:
        return secret, fields
    if strict:
        missing = " and ".join(
            name for name, value in (("SECRET_KEY", secret), ("FIELD_KEYS", fields)) if not value
        )
        raise ImproperlyConfigured(
            f"{missing} must be set because ALLOWED_HOSTS is; `ALLOWED_HOSTS= python manage.py "
            "makekeys` prints both."
        )
    path = data_dir / "keys.json"
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_KEYS": [Fernet.generate_key().decode()],
        }
        kept = _keep(path, kept)
    except ValueError:
        raise ImproperlyConfigured(
            f"{path} is damaged. Restore it from a backup: without it the stored API keys cannot "
            "be read."
        ) from None
    return secret or kept["SECRET_KEY"], fields or kept["FIELD_KEYS"]


def _keep(path: Path, kept: dict[str, Any]) -> dict[str, Any]:
    """Write `kept` unless another process was first; what stands in the file afterwards is
    returned."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(kept, out)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, path)  # whole or not at all, and the first one wins
    except FileExistsError:
        kept = json.loads(path.read_text())
    finally:
        draft.unlink()
    return kept


def running_stack(data_dir: Path) -> dict[str, str]:
    """Addresses of the embedded stack that `dev` wrote down (redis, modelstudio, web), so that
    other commands find it."""
    try:
        found = json.loads((data_dir / "run" / "stack.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
