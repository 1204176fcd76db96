from django.urls import path

from jobs.views import adopt, board, create, fix, job, keys, playing, spend

app_name = "jobs"
urlpatterns = [
    path("", board.board, name="board"),
    path("jobs/<str:job>/", job.detail, name="job"),
    path("jobs/<str:job>/row/", board.row, name="row"),
    path("jobs/<str:job>/live/", job.live, name="job_live"),
    path("jobs/<str:job>/sound/", playing.sound, name="job_sound"),
    path("jobs/<str:job>/cancel/", job.cancel, name="cancel"),
    path("jobs/<str:job>/again/", job.again, name="again"),
    path("jobs/<str:job>/front/", job.front, name="front"),
    path("jobs/<str:job>/decide/", job.decide, name="decide"),
    path("adopt/", adopt.adopt, name="adopt"),
    path("make/portrait/", create.portrait, name="portrait"),
    path("make/dance/", create.dance, name="dance"),
    path("make/template/", create.template, name="template"),
    path("make/check/", create.check, name="check"),
    path("make/price/", create.price, name="price"),
    path("make/fix/", fix.fix, name="fix"),
    path("spend/", spend.spend, name="spend"),
    path("keys/", keys.keys, name="keys"),
    path("keys/accounts/new/", keys.new_account, name="account_new"),
    path("keys/accounts/<str:account>/", keys.account, name="account"),
    path("keys/accounts/<str:account>/gate/", keys.gate, name="account_gate"),
    path("keys/accounts/<str:account>/keys/", keys.new_key, name="key_new"),
    path("keys/accounts/<str:account>/keys/<int:key>/test/", keys.test_key, name="key_test"),
    path("keys/accounts/<str:account>/keys/<int:key>/retire/", keys.retire_key, name="key_retire"),
]
