"""The pages of the RQ queues, which django-rq brings: for staff with its permission only, and an
entry or worker that is not there is not found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path
from django.utils.translation import gettext as _
from django_rq import stats_views
from django_rq.admin import QueueAdmin
from django_rq.models import Dashboard
from django_rq.urls import get_admin_urlpatterns
from redis.exceptions import RedisError
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError

log = logging.getLogger("footlight.queues")
Page = Callable[..., HttpResponse]
# What django-rq raises when an address names a queue, an entry or a worker that is not there.
_NOT_THERE = (
    NoSuchJobError,
    InvalidJobOperation,
    DeserializationError,
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
    ImproperlyConfigured,
    NoReverseMatch,
)

admin.site.unregister(Dashboard)


@admin.register(Dashboard)
class QueuesAdmin(QueueAdmin):
    """One permission (`django_rq.admin`) for looking and for emptying. django-rq itself lets every
    member of the staff do both."""

    def _may(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("django_rq.admin"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """django-rq's pages and no doors of its own: their tokens and figures are those of
        `/metrics`."""
        guard = self._guarded
        return [
            path("", guard(stats_views.stats), name="django_rq_dashboard_changelist"),
            path("stats.json", guard(stats_views.stats_json), name="django_rq_home_json"),
            path("metrics", guard(_figures), name="django_rq_metrics"),
            *get_admin_urlpatterns(name_prefix="django_rq_", view_wrapper=guard),
        ]

    def _guarded(self, view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            request.current_app = self.admin_site.name
            if not self._may(request):
                raise PermissionDenied
            try:
                return view(request, *args, **kwargs)
            except RedisError as error:
                log.warning("the queues cannot be shown: %s", error)
                told = _("Redis does not answer, so the queues cannot be shown. Try it later.")
                messages.error(request, told)
                return redirect("admin:index")
            except _NOT_THERE as error:
                log.info("nothing of the queues is at %s: %r", request.path, error)
                raise Http404("Nothing of the queues is at this address.") from None

        return self.admin_site.admin_view(guarded)


def _figures(request: HttpRequest) -> HttpResponse:
    return redirect("metrics")
