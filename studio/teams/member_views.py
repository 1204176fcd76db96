"""One person of a team: another role, removing, leaving, and handing the team over."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from studio.common.translatable import translated
from studio.models import Membership, Role, User
from studio.teams import belongings, members
from studio.teams.access import TeamRequest, team_page
from studio.teams.belongings import Fate
from studio.teams.members import NotChanged
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first


class GoingForm(forms.Form):
    """What becomes of each kind of what somebody has in the team; `heir` gets what is handed
    over."""

    def __init__(self, data: Mapping[str, object] | None = None, *, going: Membership) -> None:
        super().__init__(data)
        self.held = belongings.held_by(going.team, going.user)
        others = going.team.memberships.exclude(pk=going.pk).filter(user__is_active=True)
        self.heirs = {str(one.pk): one.user for one in others.select_related("user")}
        for kind, _number in self.held:
            self.fields[f"fate-{kind.key}"] = forms.ChoiceField(
                label=str(kind.label),
                choices=[
                    (fate.value, fate.label)
                    for fate in kind.fates
                    if fate != Fate.TRANSFER or self.heirs
                ],
                initial=kind.fates[0],
            )
        if self.held and self.heirs:
            self.fields["heir"] = forms.ChoiceField(
                label=gettext_lazy("Hand over to"),
                required=False,
                choices=[("", gettext_lazy("nobody")), *self._names()],
            )

    def _names(self) -> list[tuple[str, str]]:
        return [(key, f"{user.short_name} ({user.email})") for key, user in self.heirs.items()]

    @property
    def rows(self) -> list[tuple[forms.BoundField, int]]:
        return [(self[f"fate-{kind.key}"], number) for kind, number in self.held]

    @property
    def heir_field(self) -> forms.BoundField | None:
        return self["heir"] if "heir" in self.fields else None

    @property
    def fates(self) -> dict[str, Fate]:
        return {kind.key: Fate(self.cleaned_data[f"fate-{kind.key}"]) for kind, _n in self.held}

    @property
    def heir(self) -> User | None:
        return self.heirs.get(self.cleaned_data.get("heir") or "")

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        wanted = [
            name
            for name, value in cleaned.items()
            if name.startswith("fate-") and value == Fate.TRANSFER
        ]
        if wanted and not cleaned.get("heir") and "heir" not in self.errors:
            self.add_error("heir", _("Choose who gets what is handed over."))
        return cleaned


class TransferForm(forms.Form):
    """Who becomes an owner, and the role that who hands over keeps."""

    def __init__(self, data: Mapping[str, object] | None = None, *, mine: Membership) -> None:
        super().__init__(data)
        others = mine.team.memberships.exclude(pk=mine.pk).filter(user__is_active=True)
        self.others = {str(one.pk): one for one in others.select_related("user")}
        self.fields["to"] = forms.ChoiceField(
            label=gettext_lazy("New owner"),
            choices=[
                (key, f"{one.user.short_name} ({one.user.email}), {one.get_role_display()}")
                for key, one in self.others.items()
            ],
            error_messages={"required": gettext_lazy("Choose who becomes an owner.")},
        )
        self.fields["role"] = forms.ChoiceField(
            label=gettext_lazy("Your role afterwards"),
            choices=[(Role.OWNER.value, gettext_lazy("Owner too")), *Role.choices[1:]],
            initial=Role.ADMIN,
        )


@team_page(read=Permission.MANAGE_PEOPLE, write=Permission.MANAGE_PEOPLE)
@confirm_first
@require_POST
def role(request: TeamRequest, member: int) -> HttpResponse:
    """Give a person of the team another role."""
    there = _member(request, member)
    before, name = there.role, there.user.short_name
    try:
        after = members.change_role(request.team, request.user, there, request.POST.get("role", ""))
    except NotChanged as error:
        messages.error(request, translated(error.sentence))
    else:
        if after.role == before:
            messages.info(request, _("Nothing has changed."))
        else:
            messages.success(
                request,
                _("%(person)s is %(role)s now. It counts from their next click.")
                % {"person": name, "role": Role(after.role).label},
            )
    return redirect("team", request.team.slug)


@team_page(read=Permission.MANAGE_PEOPLE, write=Permission.MANAGE_PEOPLE)
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: TeamRequest, member: int) -> HttpResponse:
    """Asks what becomes of what the person has here, then takes them out of the team."""
    return _going(request, _member(request, member))


@team_page(write=Permission.SEE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: TeamRequest) -> HttpResponse:
    """The same for oneself."""
    return _going(request, _member(request, request.membership.pk))


@team_page(read=Permission.DELETE_TEAM, write=Permission.DELETE_TEAM)
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: TeamRequest) -> HttpResponse:
    """An owner makes somebody else an owner, and keeps which role they want."""
    posted = request.POST if request.method == "POST" else None
    form = TransferForm(posted, mine=request.membership)
    status = 200 if posted is None else 422
    if posted is not None and form.is_valid():
        to, mine = form.others[form.cleaned_data["to"]], form.cleaned_data["role"]
        try:
            members.transfer(request.team, request.user, to, mine)
        except NotChanged as error:
            form.add_error(None, translated(error.sentence))
        else:
            messages.success(
                request,
                _("%(person)s is an owner of %(team)s now and is told so; you are %(role)s.")
                % {
                    "person": to.user.short_name,
                    "team": request.team,
                    "role": Role(mine).label,
                },
            )
            return redirect("team", request.team.slug)
    context = {"nav": "team", "form": form}
    return render(request, "studio/teams/transfer.html", context, status=status)


def _going(request: TeamRequest, going: Membership) -> HttpResponse:
    posted = request.POST if request.method == "POST" and "sure" in request.POST else None
    form = GoingForm(posted, going=going)
    refused = ""
    you = going.user_id == request.user.pk
    if posted is not None and form.is_valid():
        fates, heir, person = form.fates, form.heir, going.user
        try:
            members.remove(request.team, request.user, going)
        except NotChanged as error:
            refused = translated(error.sentence)
        else:
            return _gone(request, person, fates, heir)
    context = {"nav": "team", "form": form, "going": going, "you": you, "refused": refused}
    status = 200 if request.method in ("GET", "HEAD") else 422
    return render(request, "studio/teams/going.html", context, status=status)


def _gone(
    request: TeamRequest, person: User, fates: dict[str, Fate], heir: User | None
) -> HttpResponse:
    """They are out; now what they had is settled, and what became of it is told."""
    told = belongings.settle(request.team, person, fates, heir, request.user)
    you = person.pk == request.user.pk
    first = (
        _("You have left %(team)s.") % {"team": request.team}
        if you
        else _("%(person)s is not in the team any more.") % {"person": person.short_name}
    )
    messages.success(request, " ".join([first, *(translated(sentence) for sentence in told)]))
    return redirect("home") if you else redirect("team", request.team.slug)


def _member(request: TeamRequest, member: int) -> Membership:
    found: Membership | None = (
        request.team.memberships.select_related("user", "team").filter(pk=member).first()
    )
    if found is None:
        raise Http404("This person is not in the team.")
    return found
