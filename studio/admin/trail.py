"""What staff do in the admin, told to the trail in the transaction that does it: rows that are
added, changed and deleted, with the values of their form, and actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeAlias

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.forms import BaseForm, BaseModelFormSet, ModelForm
from django.http import HttpRequest

from studio.audit import values
from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import Membership, Team, User
from studio.teams import member_mail

Events: TypeAlias = tuple[Event, Event, Event]  # of a row that is added, changed, deleted
_ANY: Events = (Event.ROW_ADDED, Event.ROW_CHANGED, Event.ROW_DELETED)
_EVENTS: dict[type[models.Model], Events] = {
    Membership: (Event.ADDED, Event.ROLE_CHANGED, Event.REMOVED),
    User: (Event.PERSON_ADDED, Event.PERSON_CHANGED, Event.PERSON_DELETED),
    Team: (Event.TEAM_MADE, Event.TEAM_CHANGED, Event.TEAM_DELETED),
}
# Whose membership staff change hears of it, as from people of the team.
_MAILS: dict[Event, Callable[[Membership], None]] = {
    Event.ADDED: lambda row: member_mail.added(row.team, row.user, row.role, None),
    Event.ROLE_CHANGED: lambda row: member_mail.role_changed(row.team, row.user, row.role, None),
    Event.REMOVED: lambda row: member_mail.removed(row.team, row.user, None),
}
_OF_ALL_ROWS = "delete_selected"  # asks first; the rows are told when they go


def recorded_as(model: type[models.Model], added: Event, changed: Event, deleted: Event) -> None:
    """Rows of `model` have events of their own."""
    _EVENTS[model] = (added, changed, deleted)


class RecordedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page of the admin whose changes are in the trail. What it saves by itself, beside
    `save_model` and `save_formset`, it tells by itself."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            self.write_row(request, obj, form, change)
            record_saved(obj, form, change)

    def write_row(
        self, request: HttpRequest, obj: models.Model, form: BaseForm, change: bool
    ) -> None:
        obj.save()

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            record_deleted([obj])
            obj.delete()

    def delete_queryset(
        self, request: HttpRequest, queryset: models.QuerySet[models.Model]
    ) -> None:
        with transaction.atomic():
            record_deleted(queryset)
            queryset.delete()

    def get_actions(
        self, request: HttpRequest
    ) -> dict[str, tuple[Callable[..., str], str, str] | None]:
        return {
            name: found
            if found is None or name == _OF_ALL_ROWS
            else (_told(found[0], name), *found[1:])
            for name, found in super().get_actions(request).items()
        }


def _told(action: Callable[..., str], name: str) -> Callable[..., str]:
    """`action`, told before it begins: it may call out, so it runs in no transaction, and what it
    changes is told by what changes it."""

    @wraps(action)
    def inside(
        page: RecordedAdmin, request: HttpRequest, rows: models.QuerySet[models.Model]
    ) -> str:
        with transaction.atomic():
            chosen = [str(row.pk) for row in rows[: values.MOST]]
            about = f"{page.opts.verbose_name_plural}: {name}"
            record(Event.ACTION_RUN, about=about, after={"rows": chosen})
        return action(page, request, rows)

    return inside


def record_saved(row: models.Model, form: BaseForm, change: bool) -> None:
    """That `form` added or changed `row`, with the fields that it changed."""
    added, changed, _deleted = _EVENTS.get(type(row), _ANY)
    names = [name for name in form.changed_data if name in form.fields]
    after = {name: plain(form.cleaned_data.get(name)) for name in names}
    before = {name: _before(form, name) for name in names} if change else None
    if change and not names:
        return
    _tell(changed if change else added, row, before, after)


def record_formset(formset: BaseModelFormSet[models.Model, ModelForm[models.Model]]) -> None:
    """What a formset changes, before its rows are written."""
    for form in formset.forms:
        if form in formset.deleted_forms:
            if form.instance.pk:
                record_deleted([form.instance])
        elif form.has_changed():
            record_saved(form.instance, form, change=bool(form.instance.pk))


def record_deleted(rows: Iterable[models.Model]) -> None:
    for row in rows:
        _tell(_EVENTS.get(type(row), _ANY)[2], row, _columns(row), None)


def _tell(
    event: Event,
    row: models.Model,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    record(
        event,
        team=_team_of(row),
        person=_person_of(row),
        about=_name_of(row),
        before=before,
        after=after,
    )
    if isinstance(row, Membership) and event in _MAILS:
        _MAILS[event](row)


def _columns(row: models.Model) -> dict[str, object]:
    """What a row that goes said, without what is long."""
    found = {}
    for field in row._meta.concrete_fields:
        if field.primary_key or field.attname in row.get_deferred_fields():
            continue
        if isinstance(field, models.BinaryField | models.JSONField):
            continue
        found[field.name] = plain(getattr(row, field.attname))
    return found


def _before(form: BaseForm, name: str) -> object:
    value = form.initial.get(name, form.fields[name].initial)
    field = form.fields[name]
    rows = getattr(field, "queryset", None)
    if rows is not None and isinstance(value, int | str) and value != "":
        return plain(rows.model._default_manager.filter(pk=value).first())
    return plain(value)


def plain(value: object) -> object:
    """A value of a form or column as the trail takes it: rows by their names."""
    if isinstance(value, models.QuerySet):
        return [str(one) for one in value[: values.MOST]]
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    try:
        values.written("value", value)
    except TypeError:
        return str(value)
    return value


def _team_of(row: models.Model) -> Team | None:
    """The team that a row belongs to, itself or through its account."""
    if isinstance(row, Team):
        return row
    for holder in (row, getattr(row, "account", None)):
        team = getattr(holder, "team", None)
        if isinstance(team, Team):
            return team
    return None


def _person_of(row: models.Model) -> User | None:
    if isinstance(row, User):
        return row
    for name in ("user", "member", "owner"):
        found = getattr(row, name, None)
        if isinstance(found, User):
            return found
    return None


def _name_of(row: models.Model) -> str:
    """The kind of row and its name; for a row of a person no name, which stands apart."""
    kind = ContentType.objects.get_for_model(row).name
    if isinstance(row, User | Membership) or hasattr(row, "user"):
        return str(kind)
    return str(row) if isinstance(row, Team) else f"{kind}: {row}"
