"""Every address of the site. The team is in the address, so a page says by itself whose it is."""

from django.contrib import admin
from django.urls import include, path
from django.utils.module_loading import import_string

from studio.views import assets, health, parts, team

urlpatterns = [
    path("", team.home, name="home"),
    path("teams/new/", team.new, name="team_new"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("parts", parts.parts, name="parts"),
    path("metrics", import_string("jobs.views.metrics.metrics"), name="metrics"),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("m/<str:token>/<str:name>", assets.outside, name="outside_file"),
    path("t/<slug:team>/team/", team.people, name="team"),
    path("t/<slug:team>/library/", assets.library, name="library"),
    path("t/<slug:team>/library/upload/", assets.upload, name="upload"),
    path("t/<slug:team>/library/<str:asset>/", assets.detail, name="asset"),
    path("t/<slug:team>/library/<str:asset>/delete/", assets.delete, name="asset_delete"),
    path("t/<slug:team>/files/<str:asset>/<str:what>", assets.inside, name="asset_file"),
    path("t/<slug:team>/", include("jobs.urls")),
]
