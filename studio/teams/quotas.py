"""How much of the site a team and a person may use, and the sentence when it is all used.

A limit of a team or person is what the operator set for them in the admin, else that of the site
(settings.QUOTAS, from the environment); None is no limit. A video that a job has made is always
kept, whatever is stored: it is paid. What is stored is read from running sums
(studio/models/usage.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext as _

from studio.common import clock
from studio.common.formats import filesize_mb, storage_size
from studio.common.translatable import Sentence, phrase
from studio.media import MediaError
from studio.models import Asset, Edit, Membership, PersonUse, Role, Team, TeamUse, User
from studio.models.usage import begin

HOUR = timedelta(hours=1)
MB = 1024 * 1024
OPEN_EDITS = (Edit.State.WAITING, Edit.State.WORKING)


class OverQuota(MediaError):
    """What was asked for is over a limit; `sentence` says which, and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__("over-quota", sentence)


class HourFull(OverQuota):
    """The person has uploaded as many files in this hour as they may."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One line of the team page."""

    label: str
    used: str
    limit: str  # "" for none
    full: bool


# ── the limits ────────────────────────────────────────────────────────────────────────────────────


def team_storage(team: Team) -> int | None:
    """In bytes."""
    own = team.storage_limit_mb
    return own * MB if own is not None else settings.QUOTAS["STORAGE_PER_TEAM"]


def person_storage(user: User) -> int | None:
    """In bytes, of all teams together."""
    own = user.storage_limit_mb
    return own * MB if own is not None else settings.QUOTAS["STORAGE_PER_PERSON"]


def _of_person(user: User, column: str, name: str) -> int | None:
    own: int | None = getattr(user, column)
    return own if own is not None else settings.QUOTAS[name]


def uploads_per_hour(user: User) -> int | None:
    return _of_person(user, "uploads_per_hour", "UPLOADS_PER_HOUR")


def edits_in_line(user: User) -> int | None:
    return _of_person(user, "edits_in_line", "EDITS_PER_PERSON")


def teams_of_own(user: User) -> int | None:
    return _of_person(user, "teams_limit", "TEAMS_PER_PERSON")


# ── storage ───────────────────────────────────────────────────────────────────────────────────────


def check_storage(team: Team, user: User | None, size: int) -> None:
    """OverQuota when a file of `size` bytes would be more than the team or the person may store."""
    _check_storage(team, user, size, more=size)


def check_stored(asset: Asset) -> None:
    """The same for a file whose row has just been written, in its transaction: the sums are locked
    by that, so of two files at once only one takes the last place."""
    if asset.origin != Asset.Origin.RESULT:
        _check_storage(asset.team, asset.owner, asset.size, more=0)


def _check_storage(team: Team, user: User | None, size: int, *, more: int) -> None:
    most = team_storage(team)
    if most is not None and stored_by_team(team) + more > most:
        raise OverQuota(
            phrase(
                "This file (%(size)s) does not fit: %(team)s may store %(most)s. Delete files that "
                "are not needed, or ask the people who run this site for more.",
                size=filesize_mb(size),
                team=team.name,
                most=storage_size(most),
            )
        )
    most = person_storage(user) if user is not None else None
    if user is not None and most is not None and stored_by_person(user) + more > most:
        raise OverQuota(
            phrase(
                "This file (%(size)s) does not fit: you may store %(most)s in all your teams. "
                "Delete files of yours that are not needed, or ask the people who run this site "
                "for more.",
                size=filesize_mb(size),
                most=storage_size(most),
            )
        )


def team_line(team: Team) -> Quota:
    """What `team` stores, what lies in the trash included, and how much it may."""
    used, most = stored_by_team(team), team_storage(team)
    limit = storage_size(most) if most is not None else ""
    return Quota(_("Storage"), storage_size(used), limit, most is not None and used >= most)


def stored_by_team(team: Team) -> int:
    rows = TeamUse.objects.filter(team=team).values_list("stored_bytes", flat=True)
    return rows.first() or 0


def stored_by_person(user: User) -> int:
    rows = PersonUse.objects.filter(user=user).values_list("stored_bytes", flat=True)
    return rows.first() or 0


# ── uploads ───────────────────────────────────────────────────────────────────────────────────────


def count_upload(user: User) -> None:
    """Count an upload of `user`, whatever becomes of it; OverQuota when the hour is full."""
    most = uploads_per_hour(user)
    if most is None or _counted(user, most):
        return
    if most and not PersonUse.objects.filter(user=user).exists():
        begin(PersonUse(user=user))
    # Another upload may have written the row since, so it is asked again in any case.
    if _counted(user, most):
        return
    raise HourFull(
        phrase(
            "You have uploaded %(most)s files in the last hour, as many as one person may. Go on "
            "in a while, or ask the people who run this site for more.",
            most=most,
        )
    )


def _counted(user: User, most: int) -> bool:
    """Whether the row of `user` has room and counts one more now. One statement tells and writes
    it, since browsers send several files at once."""
    now = clock.now()
    over = Q(uploads_since=None) | Q(uploads_since__lte=now - HOUR)
    room = PersonUse.objects.filter(over | Q(uploads__lt=most), user=user)
    return most > 0 and bool(
        room.update(
            uploads=Case(When(over, then=Value(1)), default=F("uploads") + 1),
            uploads_since=Case(When(over, then=Value(now)), default=F("uploads_since")),
        )
    )


def uploads_this_hour(user: User) -> int:
    mine = PersonUse.objects.filter(user=user, uploads_since__gt=clock.now() - HOUR)
    return mine.values_list("uploads", flat=True).first() or 0


def uploads_left(user: User) -> int | None:
    """How many more files `user` may send in this hour; None without a limit."""
    most = uploads_per_hour(user)
    return None if most is None else max(0, most - uploads_this_hour(user))


def uploads_begin_anew(user: User) -> timedelta:
    """How long it is until the hour of `user` is over; an hour that begins with the next upload is
    a whole one."""
    now = clock.now()
    mine = PersonUse.objects.filter(user=user, uploads_since__gt=now - HOUR)
    since = mine.values_list("uploads_since", flat=True).first()
    return HOUR if since is None else since + HOUR - now


# ── edits and teams ───────────────────────────────────────────────────────────────────────────────


def open_edits(user: User) -> int:
    return Edit.objects.filter(owner=user, state__in=OPEN_EDITS).count()


def check_edits(user: User) -> None:
    """OverQuota when `user` has as many edits in line as one person may. In the transaction that
    writes the new one, so that of two at once only one takes the last place."""
    _one_at_a_time(user)
    most = edits_in_line(user)
    if most is not None and open_edits(user) >= most:
        raise OverQuota(
            phrase(
                "%(most)s videos of yours are being made over, as many as one person may have in "
                "line. Try again when one of them is ready.",
                most=most,
            )
        )


def owned_teams(user: User) -> int:
    return Membership.objects.filter(user=user, role=Role.OWNER).count()


def check_teams(user: User) -> None:
    """OverQuota when `user` owns as many teams as one person may. In the transaction that makes the
    new one, as above."""
    _one_at_a_time(user)
    most = teams_of_own(user)
    if most is not None and owned_teams(user) >= most:
        raise OverQuota(
            phrase(
                "You own %(most)s teams, as many as one person may. Ask the people who run this "
                "site for more, or have somebody else make it and take you in.",
                most=most,
            )
        )


def _one_at_a_time(user: User) -> None:
    """Until the end of the transaction; SQLite lets one write at a time anyway."""
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()


# ── what the team page shows ──────────────────────────────────────────────────────────────────────


def shown(team: Team, user: User) -> list[Quota]:
    return [
        _bytes(_("Storage of the team"), stored_by_team(team), team_storage(team)),
        _bytes(_("Your storage, in all teams"), stored_by_person(user), person_storage(user)),
        _number(
            _("Your uploads in the last hour"), uploads_this_hour(user), uploads_per_hour(user)
        ),
        _number(_("Your videos being made over"), open_edits(user), edits_in_line(user)),
        _number(_("Teams that you own"), owned_teams(user), teams_of_own(user)),
    ]


def _bytes(label: str, used: int, most: int | None) -> Quota:
    limit = "" if most is None else storage_size(most)
    return Quota(label, storage_size(used), limit, most is not None and used >= most)


def _number(label: str, used: int, most: int | None) -> Quota:
    limit = "" if most is None else f"{most:,}"
    return Quota(label, f"{used:,}", limit, most is not None and used >= most)
