"""The admin: what every page of it has in common, and the people, teams and files of the site.

A full save could write an old status over a newer one, so every page saves only the columns that
were changed on it.

May import files and what is below it.
"""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from studio.admin import access, audit, files, people, trash, usage

__all__ = ["access", "audit", "files", "people", "trash", "usage"]

admin.site.site_header = _("Footlight admin")
admin.site.site_title = _("Footlight admin")
admin.site.index_title = _("Everything on this site")
