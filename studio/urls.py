"""Every address of the site. The team is in the address, so a page says by itself whose it is."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.utils.module_loading import import_string

from studio.admin.base import page_of_row
from studio.files import (
    collection_views,
    hold_views,
    known_views,
    line_views,
    name_views,
    tag_views,
    team_picture,
)
from studio.files import views as files_views
from studio.personal_data import views as personal_data_views
from studio.site_pages import bad_request, health, icon, parts
from studio.teams import (
    accept_views,
    audit_views,
    invitation_views,
    join_domain_views,
    join_views,
    member_views,
    profile_views,
    required_factor_views,
    sign_ins,
)
from studio.teams import views as teams_views

handler400 = bad_request.bad_request
urlpatterns = [
    path("", teams_views.home, name="home"),
    path("teams/", teams_views.teams, name="teams"),
    path("teams/join/<int:domain>/", join_domain_views.join, name="join_by_domain"),
    path("teams/new/", teams_views.new, name="team_new"),
    path("favicon.ico", icon.favicon, name="favicon"),
    path("profile/", profile_views.profile, name="profile"),
    path("sign-ins/", sign_ins.sign_ins, name="sign_ins"),
    path("personal-data/", personal_data_views.personal_data, name="personal_data"),
    path("join/<str:token>/", join_views.join, name="join"),
    path("join-team/<str:token>/", accept_views.opened, name="invitation_link"),
    path("invitations/<str:invitation>/", accept_views.invitation, name="invitation"),
    path("invitations/<str:invitation>/switch/", accept_views.switch, name="invitation_switch"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("parts", parts.parts, name="parts"),
    path("metrics", import_string("jobs.pages.metrics.views.metrics"), name="metrics"),
    path("accounts/", include("studio.teams.sign_in_urls")),
    path(
        "admin/r/<path:content_type_id>/<path:object_id>/",
        admin.site.admin_view(page_of_row),
        name="admin_page_of_row",
    ),
    # Staff sign in where everybody does, with the same limits of tries.
    path("admin/login/", secure_admin_login(admin.site.login)),
    path("admin/", admin.site.urls),
    path("s/<str:token>/", import_string("jobs.pages.shares.visitor_views.page"), name="shared"),
    path(
        "s/<str:token>/<int:place>/<str:what>",
        import_string("jobs.pages.shares.visitor_views.file"),
        name="shared_file",
    ),
    path("m/<str:token>/<str:name>", files_views.outside, name="outside_file"),
    path("t/<slug:team>/team/", teams_views.people, name="team"),
    path("t/<slug:team>/team/second-factor/", required_factor_views.page, name="second_factor"),
    path("t/<slug:team>/team/leave/", member_views.leave, name="leave"),
    path("t/<slug:team>/team/hand-over/", member_views.transfer, name="transfer"),
    path("t/<slug:team>/team/people/<int:member>/role/", member_views.role, name="member_role"),
    path("t/<slug:team>/team/people/<int:member>/remove/", member_views.remove, name="remove"),
    path("t/<slug:team>/team/domains/", join_domain_views.domains, name="domains"),
    path("t/<slug:team>/team/invite/", invitation_views.invite, name="invite"),
    path(
        "t/<slug:team>/team/invitations/<str:invitation>/renew/",
        invitation_views.renew,
        name="invitation_renew",
    ),
    path(
        "t/<slug:team>/team/invitations/<str:invitation>/revoke/",
        invitation_views.revoke,
        name="invitation_revoke",
    ),
    path(
        "t/<slug:team>/team/settings/",
        import_string("jobs.pages.team.settings_views.settings"),
        name="team_settings",
    ),
    path(
        "t/<slug:team>/team/delete/",
        import_string("jobs.pages.team.closing_views.page"),
        name="team_delete",
    ),
    path("t/<slug:team>/team/picture/", team_picture.picture, name="team_picture"),
    path("t/<slug:team>/team/audit/", audit_views.audit, name="team_audit"),
    path(
        "t/<slug:team>/team/limits/",
        import_string("jobs.pages.limits.views.page"),
        name="team_limits",
    ),
    path(
        "t/<slug:team>/team/approvals/",
        import_string("jobs.pages.approvals.views.approvals"),
        name="team_approvals",
    ),
    path("t/<slug:team>/library/", files_views.library, name="library"),
    path("t/<slug:team>/library/upload/", files_views.upload, name="upload"),
    path("t/<slug:team>/library/line/", line_views.line, name="file_line"),
    path("t/<slug:team>/library/known/", known_views.known, name="file_known"),
    path("t/<slug:team>/library/collections/", collection_views.new, name="collection_new"),
    path("t/<slug:team>/library/collections/fill/", collection_views.fill, name="collection_fill"),
    path(
        "t/<slug:team>/library/collections/<str:collection>/",
        collection_views.change,
        name="collection",
    ),
    path("t/<slug:team>/library/tags/", tag_views.several, name="file_tags"),
    path("t/<slug:team>/library/<str:asset>/", files_views.detail, name="asset"),
    path("t/<slug:team>/library/<str:asset>/tags/", tag_views.one, name="asset_tags"),
    path(
        "t/<slug:team>/library/<str:asset>/delete/",
        import_string("jobs.pages.trash.delete_views.file"),
        name="asset_delete",
    ),
    path("t/<slug:team>/library/<str:asset>/name/", name_views.rename, name="asset_name"),
    path("t/<slug:team>/library/<str:asset>/hold/", hold_views.hold, name="asset_hold"),
    path("t/<slug:team>/files/<str:asset>/<str:what>", files_views.inside, name="asset_file"),
    path("t/<slug:team>/", include("jobs.urls")),
]
