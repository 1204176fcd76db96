"""What happens to everything in a team that is deleted, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.common.states import TERMINAL, Group, State
from jobs.models import ApiKey
from studio.common import clock
from studio.models import Team


@dataclass(frozen=True)
class Fates:
    """At once, after 30 days, and what stays."""

    at_once: list[str]
    later: list[str]
    stays: list[str]


def about(team: Team) -> Fates:
    return Fates(_at_once(team), _later(team), _stays())


def _at_once(team: Team) -> list[str]:
    open_jobs = team.jobs.exclude(state__in=TERMINAL)
    waiting = open_jobs.filter(state=State.QUEUED).count()
    sent = open_jobs.exclude(state=State.QUEUED).count()
    said = [
        _(
            "Nobody orders, uploads, invites, shares or connects anything here any more; everybody "
            "can still look and download."
        )
    ]
    if waiting:
        said.append(
            ngettext(
                "%(n)s job that waits is canceled, which is free.",
                "%(n)s jobs that wait are canceled, which is free.",
                waiting,
            )
            % {"n": waiting}
        )
    if sent:
        said.append(
            ngettext(
                "%(n)s job was sent already and is paid: it goes on, and its video is saved.",
                "%(n)s jobs were sent already and are paid: they go on, and their videos are "
                "saved.",
                sent,
            )
            % {"n": sent}
        )
    links = team.share_links.filter(revoked_at=None, expires_at__gt=clock.now()).count()
    if links:
        said.append(
            ngettext(
                "%(n)s share link shows nothing any more.",
                "%(n)s share links show nothing any more.",
                links,
            )
            % {"n": links}
        )
    invited = team.invitations.filter(used_at=None, revoked_at=None).count()
    if invited:
        said.append(
            ngettext(
                "%(n)s invitation cannot be taken.", "%(n)s invitations cannot be taken.", invited
            )
            % {"n": invited}
        )
    said.append(_("Nobody can answer what waits for approval. All owners are told by mail."))
    return said


def _later(team: Team) -> list[str]:
    files = team.assets.count()
    jobs = team.jobs.exclude(group=Group.DELETED).count()
    people = team.memberships.count()
    keys = ApiKey.objects.filter(account__team=team).count()
    return [
        ngettext("%(n)s person leaves it.", "%(n)s people leave it.", people) % {"n": people},
        ngettext(
            "%(n)s file or video is erased for ever, with consent and checks, and what lies in the "
            "trash.",
            "%(n)s files and videos are erased for ever, with consent and checks, and what lies in "
            "the trash.",
            files,
        )
        % {"n": files},
        ngettext(
            "%(n)s job loses its name, choices and files.",
            "%(n)s jobs lose their names, choices and files.",
            jobs,
        )
        % {"n": jobs},
        ngettext(
            "%(n)s key is erased here. Delete it at the service too.",
            "%(n)s keys are erased here. Delete them at the service too.",
            keys,
        )
        % {"n": keys},
        _(
            "Limits, presets, questions for approval, invitations and share links are gone. What "
            "is still at the service then is waited for first."
        ),
    ]


def _stays() -> list[str]:
    return [
        _("The ledger stays, because what was paid must add up."),
        _("The audit trail stays, with the name of the team; the operator can read it."),
        _("Backups of the site hold what was erased for as long as they are kept."),
    ]
