from django.urls import path

from jobs.pages.accounts import key_views
from jobs.pages.accounts import views as accounts_views
from jobs.pages.approvals import views as approval_views
from jobs.pages.board import (
    adopt_views,
    board_views,
    job_views,
    many_views,
    player_views,
    ready_views,
    saved_view_views,
    set_rest,
    set_views,
    template_views,
)
from jobs.pages.create import batch_views, fix_views, preset_views, try_views
from jobs.pages.create import views as create_views
from jobs.pages.limits import views as limits_views
from jobs.pages.shares import views as share_views
from jobs.pages.spending import views as spending_views
from jobs.pages.trash import delete_views, keep_views, trash_views

app_name = "jobs"
urlpatterns = [
    path("", board_views.board, name="board"),
    path("jobs.csv", many_views.listing, name="listing"),
    path("many/", many_views.many, name="many"),
    path("many/videos.zip", many_views.videos, name="many_videos"),
    path("views/", saved_view_views.save, name="view_save"),
    path("views/<str:view>/", saved_view_views.change, name="view_change"),
    path("jobs/<str:job>/", job_views.detail, name="job"),
    path("jobs/<str:job>/row/", board_views.row, name="row"),
    path("jobs/<str:job>/live/", job_views.live, name="job_live"),
    path("jobs/<str:job>/notice/", job_views.notice, name="notice"),
    path("jobs/<str:job>/sound/", player_views.sound, name="job_sound"),
    path("jobs/<str:job>/cancel/", job_views.cancel, name="cancel"),
    path("jobs/<str:job>/rename/", many_views.rename, name="rename"),
    path("jobs/<str:job>/undo/", job_views.undo, name="undo"),
    path("jobs/<str:job>/ask-now/", job_views.ask_now, name="ask_now"),
    path("jobs/<str:job>/again/", job_views.again, name="again"),
    path("jobs/<str:job>/whole/", job_views.whole, name="whole"),
    path("jobs/<str:job>/front/", job_views.front, name="front"),
    path("jobs/<str:job>/decide/", job_views.decide, name="decide"),
    path("jobs/<str:job>/ready/", ready_views.ready, name="job_ready"),
    path("jobs/<str:job>/share/", share_views.job, name="job_share"),
    path("jobs/<str:job>/delete/", delete_views.job, name="job_delete"),
    path("trash/", trash_views.page, name="trash"),
    path("trash/soon/", keep_views.going, name="going"),
    path("trash/keep/", keep_views.keep, name="keep"),
    path("trash/delete/", delete_views.several, name="delete_several"),
    path("trash/<str:deletion>/thumb", trash_views.thumb, name="trash_thumb"),
    path("adopt/", adopt_views.adopt, name="adopt"),
    path("sets/<str:jobset>/", set_views.page, name="set"),
    path("sets/<str:jobset>/notice/", set_views.notice, name="set_notice"),
    path("sets/<str:jobset>/pick/", set_views.pick, name="set_pick"),
    path("sets/<str:jobset>/cancel/", set_views.cancel, name="set_cancel"),
    path("sets/<str:jobset>/go-on/", set_rest.go_on, name="set_go_on"),
    path("sets/<str:jobset>/rest/cancel/", set_rest.cancel, name="set_rest_cancel"),
    path("sets/<str:jobset>/again/", set_views.again, name="set_again"),
    path("sets/<str:jobset>/films.zip", set_views.videos, name="set_films"),
    path("sets/<str:jobset>/share/", share_views.jobset, name="set_share"),
    path("shares/", share_views.shares, name="shares"),
    path("shares/<str:share>/", share_views.share, name="share"),
    path("shares/<str:share>/revoke/", share_views.revoke, name="share_revoke"),
    path("make/portrait/", create_views.portrait, name="portrait"),
    path("make/dance/", create_views.dance, name="dance"),
    path("make/template/", create_views.template, name="template"),
    path("make/try/", try_views.try_it, name="try_it"),
    path("make/check/", create_views.check, name="check"),
    path("make/price/", create_views.price, name="price"),
    path("make/fix/", fix_views.fix, name="fix"),
    path("make/batch/", batch_views.batch, name="batch"),
    path("make/presets/", preset_views.save, name="preset_save"),
    path("make/presets/<str:preset>/delete/", preset_views.delete, name="preset_delete"),
    path("templates/", template_views.templates, name="templates"),
    path("templates/<str:template>/", template_views.detail, name="template_detail"),
    path("spend/", spending_views.spend, name="spend"),
    path("team/turns/", limits_views.turns, name="turns"),
    path("team/limits/<str:whose>/", limits_views.limit, name="limit"),
    path("team/approval-limit/", limits_views.approval_limit, name="approval_limit"),
    path("team/approvals/<str:approval>/", approval_views.approval, name="approval"),
    path("team/approvals/<str:approval>/answer/", approval_views.answer, name="approval_answer"),
    path(
        "team/approvals/<str:approval>/withdraw/", approval_views.withdraw, name="approval_withdraw"
    ),
    path("keys/", accounts_views.keys, name="keys"),
    path("keys/accounts/new/", accounts_views.new_account, name="account_new"),
    path("keys/accounts/<str:account>/", accounts_views.account, name="account"),
    path("keys/accounts/<str:account>/move/", accounts_views.move, name="account_move"),
    path("keys/accounts/<str:account>/remove/", accounts_views.remove, name="account_remove"),
    path("keys/accounts/<str:account>/pause/", accounts_views.pause, name="account_pause"),
    path("keys/accounts/<str:account>/keys/", key_views.new_key, name="key_new"),
    path("keys/accounts/<str:account>/keys/<int:key>/test/", key_views.test_key, name="key_test"),
    path("keys/accounts/<str:account>/keys/<int:key>/expiry/", key_views.expiry, name="key_expiry"),
    path(
        "keys/accounts/<str:account>/keys/<int:key>/retire/",
        key_views.retire_key,
        name="key_retire",
    ),
]
