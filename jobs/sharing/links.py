"""Share links: what they show, and whether they are open now.

`opened` is the one guard: the page, the small pictures, the files and their parts all come through
it, so none of them answers when another would not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.common.errors import Refused
from jobs.common.open_team import require_open
from jobs.common.states import Group, State
from jobs.models import Job, SharedVideo, ShareLink
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.translatable import Sentence, phrase
from studio.models.people import Team, User

_SIGNER = Signer(sep=".", salt="footlight.share")
MOST_VIDEOS = 200  # of one link
LONGEST = timedelta(days=365)


class Closed(models.TextChoices):
    """Why a link shows nothing."""

    UNKNOWN = "unknown", _("There is no such link")
    EXPIRED = "expired", _("This link has ended")
    REVOKED = "revoked", _("This link was taken back")
    FORBIDDEN = "forbidden", _("This link shows nothing at the moment")
    EMPTY = "empty", _("What this link showed is deleted")


class NotOpen(Exception):
    """The link shows nothing; `why` says which sentence the page has."""

    def __init__(self, why: Closed) -> None:
        super().__init__(why.label)
        self.why = why


@dataclass(frozen=True)
class Terms:
    """How a link is to be: `ends` within a year from now; `password` "" asks for none."""

    title: str
    ends: datetime
    download_allowed: bool
    password: str = ""


# ── the address ───────────────────────────────────────────────────────────────────────────────────


def token_of(link: ShareLink) -> str:
    """The last part of the address: the public id and its signature of 256 bits."""
    return _SIGNER.sign(link.public_id)


def url_of(link: ShareLink) -> str:
    """The whole address, to be given away."""
    return str(settings.PUBLIC_URL) + reverse("shared", args=[token_of(link)])


def opened(token: str) -> ShareLink:
    """The link of the address, with its team, when it shows something now. NotOpen otherwise; the
    password is asked by the page (jobs/pages/shares/visitor.py)."""
    try:
        public_id = _SIGNER.unsign(token)
    except BadSignature:
        raise NotOpen(Closed.UNKNOWN) from None
    found = ShareLink.objects.select_related("team").filter(public_id=public_id).first()
    if found is None:
        raise NotOpen(Closed.UNKNOWN)
    why = closed(found)
    if why is not None:
        raise NotOpen(why)
    return found


def closed(link: ShareLink) -> Closed | None:
    """Why `link` (with `team`) shows nothing now; None when it is open."""
    if link.revoked_at is not None:
        return Closed.REVOKED
    if link.expires_at <= timezone.now():
        return Closed.EXPIRED
    allowed = link.team.sharing_allowed and not link.team.is_closed
    return None if allowed else Closed.FORBIDDEN


def shown(link: ShareLink) -> models.QuerySet[SharedVideo]:
    """The videos that `link` shows, in their order, with job and file. What was deleted since is
    not among them."""
    return (
        link.videos.filter(job__result__isnull=False, job__team=link.team_id)
        .filter(job__result__deletion=None)
        .exclude(job__group=Group.DELETED)
        .select_related("job", "job__result", "job__template__asset")
        .order_by("place")
    )


def viewed(link: ShareLink) -> None:
    """Somebody opened the page."""
    now = timezone.now()
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, viewed_at=now)


# ── making and changing ───────────────────────────────────────────────────────────────────────────


def sharable(jobs: models.QuerySet[Job]) -> models.QuerySet[Job]:
    """Those of `jobs` that have a video to show."""
    done = jobs.filter(state=State.SUCCEEDED, result__isnull=False)
    return done.exclude(group=Group.DELETED)


def make(team: Team, by: User, jobs: Iterable[Job], terms: Terms, *, click: str = "") -> ShareLink:
    """A link that shows `jobs` of `team`; a `click` that comes again gets the link that it made.
    Refused when the team forbids sharing, or there is nothing, or too much, to show."""
    some = list(jobs)
    require_open(team)
    if not team.sharing_allowed:
        raise Refused(forbidden(team))
    if not some:
        raise Refused(
            phrase("There is no finished video to share yet. Share it when the first one is ready.")
        )
    if len(some) > MOST_VIDEOS:
        raise Refused(
            phrase(
                "These are %(n)s videos; one link shows at most %(most)s. Share them in parts.",
                n=len(some),
                most=MOST_VIDEOS,
            )
        )
    try:
        with transaction.atomic():
            link = ShareLink.objects.create(
                team=team,
                made_by=by,
                title=terms.title,
                password=make_password(terms.password) if terms.password else "",
                download_allowed=terms.download_allowed,
                expires_at=min(terms.ends, timezone.now() + LONGEST),
                click=click,
            )
            SharedVideo.objects.bulk_create(
                SharedVideo(link=link, job=job, place=place) for place, job in enumerate(some, 1)
            )
            told = {"films": len(some), **_values(link)}
            record(Event.SHARE_LINK_MADE, team=team, by=by, about=link.title, after=told)
    except IntegrityError:
        before = team.share_links.filter(click=click).first() if click else None
        if before is None:
            raise
        return before
    return link


def change(link: ShareLink, by: User, terms: Terms, *, new_password: bool) -> bool:
    """Give `link` other terms; the password only with `new_password` ("" takes it away). Whether
    anything changed. Refused when it was taken back meanwhile."""
    with transaction.atomic():
        row = ShareLink.objects.select_for_update().get(pk=link.pk)
        if row.revoked_at is not None:
            raise Refused(_taken_back())
        before = _values(row) | {"title": row.title}
        row.title, row.download_allowed = terms.title, terms.download_allowed
        row.expires_at = min(terms.ends, timezone.now() + LONGEST)
        columns = ["title", "download_allowed", "expires_at"]
        if new_password:
            row.password = make_password(terms.password) if terms.password else ""
            columns.append("password")
        row.save(update_fields=columns)
        after = _values(row) | {"title": row.title}
        if new_password and terms.password:
            before["password_changed"], after["password_changed"] = False, True
        entry = record(
            Event.SHARE_LINK_CHANGED,
            team=row.team,
            by=by,
            about=row.title,
            before=before,
            after=after,
        )
    return entry is not None


def revoke(link: ShareLink, by: User) -> bool:
    """End `link` for ever; False when it was ended already."""
    with transaction.atomic():
        ended = ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if ended:
            record(Event.SHARE_LINK_REVOKED, team=link.team, by=by, about=link.title)
    return bool(ended)


def forbidden(team: Team) -> Sentence:
    """Why nothing is shared, as a sentence."""
    return phrase(
        "%(team)s does not share videos by link. An owner or admin can allow it in the settings of "
        "the team.",
        team=team.name,
    )


def _taken_back() -> Sentence:
    return phrase("This link was taken back meanwhile, and cannot be changed. Make a new one.")


def _values(link: ShareLink) -> dict[str, object]:
    """What the trail is told; no secret."""
    return {
        "ends": link.expires_at.isoformat(timespec="minutes"),
        "download_allowed": link.download_allowed,
        "password_asked": bool(link.password),
    }
