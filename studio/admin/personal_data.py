"""The page on which staff give out what is stored of a person, and erase them."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from studio.admin.base import NOTHING, ChangedColumnsAdmin
from studio.common.translatable import translated
from studio.models import User
from studio.personal_data import erasure, export
from studio.personal_data.forms import EraseForm


class PersonalDataAdmin(ChangedColumnsAdmin):
    """Adds the page, and the link to it from the person's own; for who may delete users."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.personal_data)
        own = path("<path:object_id>/personal-data/", view, name="studio_user_personal_data")
        return [own, *super().get_urls()]

    def personal_data(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        person = self.get_object(request, object_id)
        if not isinstance(person, User):
            raise Http404("There is no such person.")
        if not self.has_delete_permission(request, person):
            raise PermissionDenied
        if request.method == "POST" and request.POST.get("do") == "export":
            return export.download(person)
        form = EraseForm(request.POST if request.method == "POST" else None, person=person)
        report: list[str] = []
        if request.method == "POST" and form.is_valid():
            try:
                done = erasure.erase(person, files=form.erases_files)
                report = [translated(one.sentence) for one in done]
            except erasure.NotErasable:
                pass  # the page says why
        reasons = [] if report else erasure.reasons_against(person)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Personal data"),
            "person": person,
            "form": form,
            "report": report,
            "reasons": [translated(reason) for reason in reasons],
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/studio/user/personal_data.html", context)

    @admin.display(description=_("personal data"))
    def personal_data_shown(self, person: User) -> SafeString | str:
        if person.pk is None or erasure.is_erased(person):
            return NOTHING
        url = reverse("admin:studio_user_personal_data", args=[person.pk])
        return format_html('<a href="{}">{}</a>', url, _("Export or erase"))
