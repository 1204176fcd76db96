"""The trail: who did what to whom, from where. And who was erased, which alone lets a name in it be
replaced."""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from studio.common import clock
from studio.common.append_only import Guard
from studio.models.people import Team, User


class Via(models.TextChoices):
    """Which way somebody came."""

    PAGE = "page", _("on a page")
    UPLOAD = "upload", _("by an upload")
    ADMIN = "admin", _("in the admin")
    TOKEN = "token", _("with a token")
    COMMAND = "command", _("at the console")
    WORKER = "worker", _("by a worker")


_Row = TypeVar("_Row", bound=models.Model, covariant=True)


class AuditQuerySet(models.QuerySet[_Row]):
    """The database refuses it too; this says it earlier."""

    def update(self, **kwargs: object) -> int:
        raise ValidationError("Entries of the trail are never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise ValidationError("Entries of the trail are never deleted.")


class AuditEntry(models.Model):
    """One thing that somebody did. Only studio/audit/trail.py writes it, and only an erasure
    (studio/audit/pseudonyms.py) replaces names in it.

    An entry outlives its team and its people: the ids are no foreign keys of the database, and the
    names of that time stand beside them. `personal` has those values of before and after that say
    something about a person (an e-mail address); it can be emptied, `before` and `after` cannot.

    What concerns a person and no team, such as a sign-in, is written once for the site and once as
    a `copy` for every team that the person is in.
    """

    at = models.DateTimeField(_("when"), default=clock.now)
    event = models.CharField(_("event"), max_length=60)
    kind = models.CharField(_("kind"), max_length=20)
    team = models.ForeignKey(
        Team,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="audit",
    )
    team_name = models.CharField(_("name of the team"), max_length=80, blank=True)
    by = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    by_name = models.CharField(_("who"), max_length=400, blank=True)
    person = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    person_name = models.CharField(_("whom"), max_length=400, blank=True)
    about = models.CharField(_("what"), max_length=300, blank=True)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    personal = models.JSONField(_("personal values"), default=dict)
    via = models.CharField(_("way"), max_length=10, choices=Via.choices)
    through = models.CharField(_("command or token"), max_length=80, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    sign_in = models.CharField(_("sign-in"), max_length=16, blank=True)
    copy = models.BooleanField(_("copy for a team"), default=False)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = _("entry of the trail")
        verbose_name_plural = _("trail")
        indexes = (
            # Each filter of the page has one that ends with its order: a page costs the same
            # whatever lies before it.
            models.Index(fields=("team", "at", "id"), name="audit_team"),
            models.Index(fields=("team", "kind", "at", "id"), name="audit_team_kind"),
            models.Index(fields=("team", "by", "at", "id"), name="audit_team_by"),
            models.Index(fields=("team", "by", "kind", "at", "id"), name="audit_team_by_kind"),
            models.Index(fields=("team", "person", "at", "id"), name="audit_team_person"),
            models.Index(
                fields=("team", "person", "kind", "at", "id"), name="audit_team_person_kind"
            ),
            models.Index(fields=("at", "id"), name="audit_site"),
            models.Index(fields=("kind", "at", "id"), name="audit_site_kind"),
            models.Index(fields=("by", "at", "id"), name="audit_site_by"),
            models.Index(fields=("person", "at", "id"), name="audit_site_person"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.about}".strip()

    @property
    def was(self) -> dict[str, object]:
        """The values before, personal ones among them as long as they are kept."""
        return {**self.before, **self.personal.get("before", {})}

    @property
    def became(self) -> dict[str, object]:
        return {**self.after, **self.personal.get("after", {})}


class Erasure(models.Model):
    """Somebody was erased: their id, and the word that stands for them in the trail from then on.
    It is never changed or deleted."""

    person_id = models.BigIntegerField(_("person"), unique=True)
    pseudonym = models.CharField(_("pseudonym"), max_length=40, unique=True)
    at = models.DateTimeField(_("when"), default=clock.now)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return self.pseudonym


_FIXED = ("id", "at", "event", "kind", "team_name", "before", "after", "via", "through", "copy")
_FIXED_OR_EMPTY = ("about", "address", "sign_in")
_SAME_ID = "(OLD.{0} = NEW.{0} OR (OLD.{0} IS NULL AND NEW.{0} IS NULL))"
_PSEUDONYM = (
    "(OLD.{0}_name = NEW.{0}_name OR NEW.{0}_name = (SELECT e.pseudonym FROM studio_erasure e "
    "WHERE e.person_id = OLD.{0}_id){more})"
)
# A row changes only towards less, and only for somebody who was erased: a name becomes the word
# that stands for that person, what says more about them becomes empty, everything else stays.
_ALLOWED = " AND ".join(
    [
        *(f'OLD."{name}" = NEW."{name}"' for name in _FIXED),
        *(f"(OLD.{name} = NEW.{name} OR NEW.{name} = '')" for name in _FIXED_OR_EMPTY),
        "(OLD.personal = NEW.personal OR NEW.personal = '{}')",
        *(_SAME_ID.format(name) for name in ("team_id", "by_id", "person_id")),
        _PSEUDONYM.format("by", more=""),
        # An invitation names an address that is nobody's yet.
        _PSEUDONYM.format(
            "person",
            more=" OR (OLD.person_id IS NULL AND EXISTS (SELECT 1 FROM studio_erasure f "
            "WHERE f.pseudonym = NEW.person_name))",
        ),
        "EXISTS (SELECT 1 FROM studio_erasure g WHERE g.person_id IN (OLD.by_id, OLD.person_id) "
        "OR (OLD.person_id IS NULL AND g.pseudonym = NEW.person_name))",
    ]
)
GUARDS = (
    Guard(
        "audit_is_append_only",
        "studio_auditentry",
        "Entries of the trail are never changed or deleted.",
        _ALLOWED,
    ),
    Guard("erasures_are_append_only", "studio_erasure", "Erasures are never changed or deleted."),
)
