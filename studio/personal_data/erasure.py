"""Erasing a person, with a report of what is gone, and what stays and why.

The row of the person stays as a number: jobs, the ledger and the trail name it, and their sums must
go on being right. It has no name, no address, no password and no rights any more. Running jobs go
on; what they make is the team's.
"""

from __future__ import annotations

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q

from studio.audit.events import Event
from studio.audit.pseudonyms import pseudonym_of, replace_names
from studio.audit.trail import record
from studio.common.translatable import Sentence, phrase, plural_phrase
from studio.files import eraser
from studio.models import (
    Asset,
    Collection,
    Consent,
    Deletion,
    Edit,
    Erasure,
    Invitation,
    Mail,
    Membership,
    PersonUse,
    Role,
    SignUpLink,
    Team,
    User,
)
from studio.personal_data.parts import Outcome, others
from studio.teams import belongings, confirmed
from studio.teams.belongings import Fate

NOWHERE = "erased.invalid"  # RFC 2606: no mail ever goes there
# Apps that keep rows of how somebody signs in; theirs go whole.
_SIGN_IN_APPS = ("account", "usersessions", "mfa", "socialaccount")
_BROUGHT = (Asset.Origin.UPLOAD, Asset.Origin.EDIT)


class NotErasable(Exception):
    """Something must be done first; `sentences` say what."""

    def __init__(self, sentences: list[Sentence]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def reasons_against(person: User) -> list[Sentence]:
    """Why `person` cannot be erased now, and what to do about it; [] when they can be."""
    found = [
        phrase(
            "%(person)s is the last owner of %(team)s, where others work. Make somebody else an "
            "owner of it first, or remove the others.",
            person=person,
            team=team,
        )
        for team in _led_alone(person)
        if team.memberships.exclude(user=person).exists()
    ]
    if person.is_superuser and not _other_operators(person):
        found.append(
            phrase(
                "%(person)s is the last operator of this site. Make somebody else one first, with "
                "manage.py invite --operator.",
                person=person,
            )
        )
    return found


def is_erased(person: User) -> bool:
    return Erasure.objects.filter(person_id=person.pk).exists()


def erase(person: User, *, files: bool, by: User | None = None) -> list[Outcome]:
    """Erase `person`, with the files that they brought when `files`; a report. `by` is who does it,
    without it whoever asks.

    Files go first, each whole by itself: what is cut off in the middle is done again. Raises
    NotErasable, and has changed nothing then.
    """
    if reasons := reasons_against(person):
        raise NotErasable(reasons)
    report = _erase_files(person, by) if files else []
    with transaction.atomic():
        list(User.objects.select_for_update(no_key=True).filter(pk=person.pk))
        if reasons := reasons_against(person):
            raise NotErasable(reasons)
        addresses = _addresses(person)
        names = _names(person, addresses)
        word = pseudonym_of(person.pk)
        record(Event.PERSON_ERASED, by=by, person=person, after={"files": files})
        report += _settle_belongings(person, by or person, files=files)
        made = others().erase(person, names, word)
        report += _leave_teams(person)
        report += _erase_rows(person, addresses)
        report += made
        _empty_profile(person, word)
        entries = replace_names(person, addresses)
        report.append(_kept_in_trail(entries, word))
    return report


# ── files ──


def _erase_files(person: User, by: User | None) -> list[Outcome]:
    theirs = Asset.everything.filter(owner=person, origin__in=_BROUGHT)
    brought = list(theirs.filter(deletion=None).select_related("team").order_by("-pk"))
    gone = eraser.erase(brought, by, Deletion.Reason.ERASURE)
    kept = theirs.filter(deletion=None).count()
    report = [
        Outcome(
            plural_phrase(
                "%(n)s file that they brought is erased.",
                "%(n)s files that they brought are erased.",
                gone,
            ),
            stays=False,
        )
    ]
    if kept:
        report.append(
            Outcome(
                plural_phrase(
                    "%(n)s file stays, because a job that is not over needs it.",
                    "%(n)s files stay, because jobs that are not over need them.",
                    kept,
                ),
                stays=True,
            )
        )
    return report


# ── teams ──


def _led_alone(person: User) -> Iterable[Team]:
    """Teams of which they are the only owner who can still sign in."""
    mine = Membership.objects.filter(user=person, role=Role.OWNER).values("team")
    others = Membership.objects.filter(role=Role.OWNER, user__is_active=True)
    others = others.exclude(user=person)
    return Team.objects.filter(pk__in=mine).exclude(pk__in=others.values("team"))


def _settle_belongings(person: User, by: User, *, files: bool) -> list[Outcome]:
    """What becomes of what they have in teams where others are, as when they leave one: what waits
    is canceled, the rest is kept for the team in nobody's name. Of files that they brought, with
    `files`, is told already."""
    report: list[Outcome] = []
    for row in Membership.objects.filter(user=person).select_related("team"):
        if not row.team.memberships.exclude(user=person).exists():
            continue
        for kind in belongings.kinds():
            fate = Fate.CANCEL if Fate.CANCEL in kind.fates else Fate.KEEP
            told = kind.settle(row.team, person, fate, None, by)
            if not (files and kind.key == "files"):
                report += [Outcome(one, stays=fate == Fate.KEEP) for one in told]
    return report


def _leave_teams(person: User) -> list[Outcome]:
    """Out of every team in which somebody else is; a team that was theirs alone keeps their number
    as its owner, and nobody can open it."""
    report: list[Outcome] = []
    left = 0
    for row in Membership.objects.filter(user=person).select_related("team", "user"):
        if row.team.memberships.exclude(user=person).exists():
            record(Event.LEFT, team=row.team, person=person, before={"role": row.role})
            row.delete()
            left += 1
            continue
        report += others().close(row.team)
    if left:
        said = plural_phrase(
            "They are out of %(n)s team; what they made there is the team’s.",
            "They are out of %(n)s teams; what they made there is the teams’.",
            left,
        )
        report.insert(0, Outcome(said, stays=False))
    return report


# ── rows about them ──


def _addresses(person: User) -> list[str]:
    mine = EmailAddress.objects.filter(user=person).values_list("email", flat=True)
    return list(dict.fromkeys([person.email, *mine]))


def _names(person: User, addresses: list[str]) -> list[str]:
    """What they are called in what people read of jobs. A first name that somebody else has too
    stays: nobody can tell whose it is."""
    called = person.short_name
    namesakes = User.objects.filter(first_name__iexact=called).exclude(pk=person.pk)
    return addresses if namesakes.exists() else [called, *addresses]


def _erase_rows(person: User, addresses: list[str]) -> list[Outcome]:
    consents = Consent.objects.filter(by=person).delete()[0]
    Edit.objects.filter(owner=person).update(owner=None)
    Collection.objects.filter(owner=person, whole_team=False).delete()
    PersonUse.objects.filter(user=person).update(uploads=0, uploads_since=None)
    keys = UserSession.objects.filter(user=person).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    confirmed.end_sign_ins(person)
    for model in apps.get_models():
        if model._meta.app_label in _SIGN_IN_APPS:
            for field in model._meta.concrete_fields:
                if isinstance(field, models.ForeignKey) and field.related_model is User:
                    model._default_manager.filter(**{field.name: person}).delete()
    to = Q(pk__in=())
    invited = Q(used_by=person)
    for address in addresses:
        to |= Q(to__icontains=address)
        invited |= Q(email__iexact=address)
    mails = Mail.objects.filter(to).delete()[0]
    SignUpLink.objects.filter(invited).delete()
    Invitation.objects.filter(invited).delete()
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(person.pk)).update(
        object_repr=pseudonym_of(person.pk), change_message=""
    )
    return [
        Outcome(phrase("Name, e-mail addresses, password and rights are erased."), stays=False),
        Outcome(
            phrase("All sign-ins, second factors and tokens are ended and erased."), stays=False
        ),
        Outcome(
            plural_phrase(
                "%(n)s consent to use a likeness or voice is erased; whoever uses the file next is "
                "asked again.",
                "%(n)s consents to use a likeness or voice are erased; whoever uses the files next "
                "is asked again.",
                consents,
            ),
            stays=False,
        ),
        Outcome(
            plural_phrase(
                "%(n)s mail to them is erased.", "%(n)s mails to them are erased.", mails
            ),
            stays=False,
        ),
    ]


def _empty_profile(person: User, word: str) -> None:
    person.email = f"{word}@{NOWHERE}"
    person.first_name = person.last_name = ""
    person.is_active = person.is_staff = person.is_superuser = False
    person.last_login = None
    person.set_unusable_password()
    person.save(
        update_fields=[
            "email",
            "first_name",
            "last_name",
            "is_active",
            "is_staff",
            "is_superuser",
            "last_login",
            "password",
        ]
    )
    person.groups.clear()
    person.user_permissions.clear()


def _kept_in_trail(entries: int, word: str) -> Outcome:
    return Outcome(
        plural_phrase(
            "%(n)s entry of the audit trail stays, because a trail must be complete; it says "
            "“%(word)s” in place of the name.",
            "%(n)s entries of the audit trail stay, because a trail must be complete; they say "
            "“%(word)s” in place of the name.",
            entries,
            word=word,
        ),
        stays=True,
    )


def _other_operators(person: User) -> bool:
    active = User.objects.filter(is_superuser=True, is_active=True)
    return active.exclude(pk=person.pk).exists()
