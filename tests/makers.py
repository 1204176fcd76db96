"""Plain makers of rows: what a test does not say is filled in here."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from jobs.billing import ledger, prices
from jobs.catalogue import entries
from jobs.common.states import State, group_of
from jobs.models import (
    Account,
    ApiKey,
    Attempt,
    Check,
    Job,
    JobInput,
    Lane,
    PendingOrder,
    SavedView,
    SharedVideo,
    ShareLink,
    Template,
)
from jobs.orders import trash
from studio.models import Asset, Collection, Consent, Deletion, Invitation, Role, Team, User

# A time as the pages show it; what is not today has its day before it, and a test may run at five
# to midnight.
CLOCK = r"(?:\d\d? [A-Z][a-z]{2} )?\d\d:\d\d"

_numbers = itertools.count(1)


def account(team: Team, url: str = "", label: str = "", key: str = "sk-test-0001") -> Account:
    made = Account.objects.create(
        team=team,
        label=label or f"North-{next(_numbers)}",
        base_url=url,
        private_network=url.startswith("http://"),  # as when staff enter it
        health=Account.Health.OK,
    )
    ApiKey.make(made, key).save()
    return made


def key(account: Account, secret: str) -> ApiKey:
    """One more key of `account`, the newest, without asking anybody."""
    made = ApiKey.make(account, secret)
    made.save()
    return made


def sent(job: Job, key: ApiKey, number: int = 1, **fields: Any) -> Attempt:
    """A submit of `job` with `key`."""
    fields.setdefault("began_at", timezone.now())
    return Attempt.objects.create(job=job, number=number, key=key, **fields)


def asset(
    team: Team,
    kind: str = "image",
    content: bytes | None = None,
    *,
    consent: bool = True,
    **fields: Any,
) -> Asset:
    """A row with a small file of arbitrary bytes; give `content` when the bytes matter. `consent`:
    somebody said that it may be used."""
    made = _asset(team, kind, content, **fields)
    made.save(force_insert=True)
    if consent:
        Consent.objects.create(asset=made, said="The team may use it.")
    return made


def _asset(team: Team, kind: str, content: bytes | None = None, **fields: Any) -> Asset:
    """The row, not yet in the database, with its file."""
    number = next(_numbers)
    content = content if content is not None else f"{kind} {number}".encode()
    extension, mime, form = {
        "image": ("jpg", "image/jpeg", "jpeg"),
        "audio": ("mp3", "audio/mpeg", "mp3"),
        "video": ("mp4", "video/mp4", "mp4"),
    }[kind]
    extension = fields.pop("extension", extension)
    sha = hashlib.sha256(content).hexdigest()
    name = default_storage.save(f"{team.pk}/{sha}.{extension}", ContentFile(content))
    values: dict[str, Any] = {
        "name": f"{kind}-{number}.{extension}",
        "format": form,
        "mime": mime,
        "size": len(content),
        "sha256": sha,
        "source_sha256": sha,
    }
    if kind in ("image", "video"):
        values |= {"width": 720, "height": 960}
    if kind in ("audio", "video"):
        values |= {"milliseconds": 4000, "peaks": [10, 60, 30] * 20 if kind == "audio" else []}
    if kind == "video":
        values |= {"fps": 30.0, "codec": "h264", "height": 1280}
    return Asset(team=team, kind=kind, file=name, **{**values, **fields})


def check(
    asset: Asset,
    account: Account,
    model: str = "emo-detect-v1",
    state: str = "passed",
    **fields: Any,
) -> Check:
    parameters = entries.clean_choices(entries.get(model), fields.pop("chosen", {}))
    facts = {"face_bbox": [200, 200, 400, 420], "ext_bbox": [60, 60, 660, 660], "humanoid": True}
    if model.startswith("animate"):
        facts = {"bodystyle": "full"}
    return Check.objects.create(
        team=asset.team,
        account=account,
        asset=asset,
        sha256=asset.sha256,
        model=model,
        parameters=parameters,
        choice=",".join(f"{k}={v}" for k, v in sorted(parameters.items())),
        state=state,
        facts=fields.pop("facts", facts if state == "passed" else {}),
        attempt=1,
        **fields,
    )


def template(team: Team, account: Account, video: Asset | None = None, **fields: Any) -> Template:
    video = video or asset(team, "video")
    number = next(_numbers)
    values = {
        "template_id": f"AACT.test.{number}",
        "name": f"Moves {number}",
        "milliseconds": video.milliseconds,
    }
    return Template.objects.create(
        team=team,
        account=account,
        asset=video,
        model="animate-anyone-template-gen2",
        **{**values, **fields},
    )


def deletion(team: Team, by: User, name: str = "") -> Deletion:
    """A picture in the trash, with its small picture."""
    lies = asset(team, owner=by, name=name or f"deleted-{next(_numbers)}.jpg")
    small = ContentFile(b"RIFF small WEBP")
    lies.thumb = default_storage.save(f"{team.pk}/{lies.sha256}.thumb.webp", small)
    lies.save(update_fields=["thumb"])
    (made,) = trash.delete_files(team, [lies], by, others=True).deletions
    return made


def invitation(team: Team, by: User, role: str = Role.VIEWER, **fields: Any) -> Invitation:
    """An open invitation whose link nobody knows, whether `by` may invite or not."""
    return Invitation.objects.create(
        team=team,
        team_name=team.name,
        made_by=by,
        role=role,
        digest=hashlib.sha256(f"invitation {next(_numbers)}".encode()).hexdigest(),
        expires_at=timezone.now() + timedelta(days=7),
        **fields,
    )


def share_link(team: Team, by: User, *jobs: Job, **fields: Any) -> ShareLink:
    """An open link that shows `jobs`, whether they have videos or not."""
    values: dict[str, Any] = {"title": f"Link {next(_numbers)}", **fields}
    ends = timezone.now() + timedelta(days=7)
    link = ShareLink.objects.create(team=team, made_by=by, expires_at=ends, **values)
    SharedVideo.objects.bulk_create(
        SharedVideo(link=link, job=job, place=place) for place, job in enumerate(jobs, 1)
    )
    return link


def collection(team: Team, owner: User, *assets: Asset, **fields: Any) -> Collection:
    made = Collection.objects.create(team=team, owner=owner, **{"name": "Spring"} | fields)
    made.assets.add(*assets)
    return made


def saved_view(team: Team, owner: User, name: str = "Failed", **fields: Any) -> SavedView:
    """A view of the jobs that failed."""
    query = fields.pop("query", "?outcome=failed")
    return SavedView.objects.create(team=team, owner=owner, name=name, query=query, **fields)


def pending_order(team: Team, owner: User, **fields: Any) -> PendingOrder:
    """A question for approval of one video of 4 s whose files are there."""
    files = fields.pop("files", None) or {
        "image_url": asset(team),
        "audio_url": asset(team, "audio"),
    }
    return PendingOrder.objects.create(
        team=team,
        owner=owner,
        wish={
            "single": True,
            "kind": "",
            "title": "",
            "key": "",
            "into": "",
            "orders": [
                {
                    "model": "emo-v1",
                    "files": {name: one.public_id for name, one in files.items()},
                    "names": {name: one.name for name, one in files.items()},
                    "chosen": {"ratio": "1:1"},
                    "template": "",
                    "template_video": "",
                    "account": "",
                    "title": "",
                    "key": "",
                    "again_of": "",
                    "full": None,
                }
            ],
        },
        **{
            "reason": PendingOrder.Reason.APPROVAL,
            "title": f"Question {next(_numbers)}",
            "videos": 1,
            "quote_micros": 45_876,
            "currency": team.currency,
            "created_at": timezone.now(),
            "expires_at": timezone.now() + timedelta(days=7),
            **fields,
        },
    )


def job(
    team: Team,
    owner: User,
    model: str = "emo-v1",
    state: str = State.QUEUED,
    account: Account | None = None,
    **fields: Any,
) -> Job:
    """A job row in any state with its hold in the ledger, without the runner."""
    account = account or team.accounts.first() or globals()["account"](team)
    spec = entries.get(model)
    lane, _ = Lane.objects.get_or_create(account=account, model=model)
    chosen = entries.clean_choices(spec, fields.pop("chosen", {}))
    variant = spec.variant_of(chosen)
    milliseconds = fields.pop("milliseconds", 4000)
    quote = prices.quote(spec, variant, Decimal(milliseconds) / 1000, currency=team.currency)
    files = fields.pop("files", None)
    if files and spec.kind is entries.Kind.TEMPLATE:
        fields["made_from"] = files[spec.inputs[0].name].sha256
    made = Job.objects.create(
        team=team,
        owner=owner,
        account=account,
        lane=lane,
        model=model,
        title=fields.pop("title", f"Take {next(_numbers)}"),
        parameters=chosen,
        state=state,
        group=group_of(state, fields.get("code", "")),
        variant=variant,
        milliseconds=milliseconds,
        price=quote.price,
        currency=quote.currency,
        quote_micros=quote.micros,
        **fields,
    )
    if not files:
        files = {i.name: _asset(team, i.kind) for i in spec.inputs_of("image", "audio", "video")}
        for one in files.values():  # not in bulk: what a team stores is summed when a row is saved
            one.save(force_insert=True)
        Consent.objects.bulk_create(
            Consent(asset=one, said="The team may use it.") for one in files.values()
        )
    JobInput.objects.bulk_create(
        JobInput(job=made, name=name, asset=one) for name, one in files.items()
    )
    with transaction.atomic():
        ledger.hold(made, quote, team, owner)
    return made
