"""Where files live: Django's STORAGES from one address. Read by settings, so nothing here may
import a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from botocore.config import Config


def storages(url: str, data_dir: Path) -> dict[str, Any]:
    """STORAGES for `url`: "" is local disk under `data_dir`/files;
    s3://[key:secret@]bucket?endpoint=&region=&style=.

    `style` is virtual (default, what Alibaba OSS wants) or path (MinIO). Raises
    ImproperlyConfigured with a sentence.
    """
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    if not url:
        local = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(data_dir / "files"), "base_url": None},
        }
        return {"default": local, "staticfiles": static}
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname:
        raise ImproperlyConfigured(
            f"STORAGE_URL begins with “{parts.scheme}”; use "
            "s3://bucket?endpoint=https://…&region=…, or leave it out for local files."
        )
    try:
        from botocore.config import Config
    except ImportError:
        raise ImproperlyConfigured(
            "STORAGE_URL needs the s3 extra: pip install -c constraints.txt -e '.[s3]'."
        ) from None
    options = _bucket(parts, dict(parse_qsl(parts.query)), Config)
    return {
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
        "staticfiles": static,
    }


def _bucket(parts: SplitResult, extra: dict[str, str], config: type[Config]) -> dict[str, Any]:
    """The options of django-storages for the bucket that an s3:// address names."""
    options: dict[str, Any] = {
        "bucket_name": parts.hostname,
        "querystring_auth": True,
        "querystring_expire": 26 * 3600,
        "file_overwrite": True,  # names hold the hash of the content
        "default_acl": None,
        # boto3 ≥ 1.36 sends checksums by default; OSS answers them with “aws-chunked encoding is
        # not supported”.
        "client_config": config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version="s3v4",
            s3={"addressing_style": extra.get("style", "virtual")},
        ),
    }
    if extra.get("endpoint"):
        options["endpoint_url"] = extra["endpoint"]
    if extra.get("region"):
        options["region_name"] = extra["region"]
    if parts.username:
        options["access_key"], options["secret_key"] = (
            unquote(parts.username),
            unquote(parts.password or ""),
        )
    return options
