"""Put a job's files where the service can fetch them, and build the fields of the request."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from jobs.accounts import rate_limit
from jobs.accounts.clients import client_for
from jobs.models import Account, Job, TemporaryFile
from studio.common import clock
from studio.files import file_store, links
from studio.models import Asset

# The service's own storage keeps a file for 48 h; a task may wait 3 h there before it fetches.
TEMPORARY_HOURS = 48
SAFE_HOURS = 4


def address(asset: Asset, account: Account, model: str) -> str:
    """An address of `asset` that `account`'s service can fetch for `model` now and for the next
    hours.

    May upload (WireError); doing it again is harmless: the copy is used again while it lives.
    """
    if links.delivery(account.url) == "public":
        url = links.public_url(asset)
        if url:
            return url
    now = clock.now()
    copy = TemporaryFile.objects.filter(
        account=account, model=model, asset=asset, expires_at__gt=now + timedelta(hours=SAFE_HOURS)
    ).first()
    if copy is not None:
        return copy.url
    client = client_for(account)
    rate_limit.take(account.root_id, "upload")
    # The service forbids to overwrite, so a name is never used twice, not even after an upload that
    # was cut.
    policy = client.policy(account.deployed(model))
    with file_store.local_copy(asset) as path, path.open("rb") as file:
        url = client.upload(policy, file, f"{secrets.token_hex(16)}.{asset.extension}", asset.mime)
    TemporaryFile.objects.update_or_create(
        account=account,
        model=model,
        asset=asset,
        defaults={"url": url, "expires_at": now + timedelta(hours=TEMPORARY_HOURS)},
    )
    return url


def inputs_for(job: Job) -> dict[str, Any]:
    """Every field of `input` for the job's submit. KeyError when the job lacks one (it was made
    wrongly)."""
    files = {row.name: row.asset for row in job.inputs.select_related("asset")}
    inputs: dict[str, Any] = {}
    for field in job.spec.inputs:
        if field.kind == "box":
            if job.check_used is None:
                raise KeyError(f"{job.model} needs {field.name} from a check")
            inputs[field.name] = job.check_used.facts[field.from_check]
        elif field.kind == "template":
            if job.template is None:
                raise KeyError(f"{job.model} needs a template")
            inputs[field.name] = job.template.template_id
        else:
            inputs[field.name] = address(files[field.name], job.account, job.model)
    return inputs
