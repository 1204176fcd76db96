"""The addresses that take a POST: how each is made to change something, and what the trail says
then; or why it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from jobs.common.states import Code, State
from jobs.models import Account, Job, JobSet, Preset
from studio.audit.events import Event
from studio.models import Team, User
from studio.teams import sign_up_links
from tests import makers, trash_doors
from tests.audit_orders import (
    approval_limit,
    approve,
    decline,
    set_go_on,
    set_rest_cancel,
    withdraw,
)
from tests.conftest import signed_in
from tests.service import Service, task

E = Event
TASK = "a8532587-fa8c-4ef8-82be-0c46e17950bd"
NEW_KEY = "sk-canary7f3acanary7f3acanary7f3a"
NEW_PASSWORD = "canary battery 7f3a"
MADE = "what is made stands in jobs, checks and the ledger, with who, when and for how much"
LOOKS = "it reads, or calls the service to look; nothing of the team's changes"
FILES = "a file says itself who brought it and when; nothing is taken away or changed"
WORDS = "words beside files, by which they are found; the files stay as they are"
# Addresses that take a POST and tell the trail nothing.
NOT_TOLD = {
    "shared": "a visitor gives the password of a link; nothing of the team's changes",
    "asset_hold": FILES,
    "asset_tags": WORDS,
    "file_tags": WORDS,
    "collection_fill": WORDS,
    "upload": FILES,
    "jobs:portrait": MADE,
    "jobs:dance": MADE,
    "jobs:template": MADE,
    "jobs:check": MADE,
    "jobs:price": LOOKS,
    "jobs:fix": FILES,
    "jobs:batch": MADE,
    "jobs:again": MADE,
    "jobs:many": "it cancels or makes again what is one's own; jobs and the ledger say so",
    "jobs:whole": MADE,
    "jobs:set_again": MADE,
    "jobs:set_pick": "which video of a set is liked best; the set says it",
    "jobs:ask_now": LOOKS,
    "account_reauthenticate": "it leads to the page that asks “Is it you?”",
    "mfa_reauthenticate": "it leads to the page that asks “Is it you?”",
    "mfa_reauthenticate_webauthn": "it leads to the page that asks “Is it you?”",
    "mfa_view_recovery_codes": LOOKS,
    "mfa_edit_webauthn": "a word that its owner calls a passkey by",
    "mfa_authenticate": "the second half of a sign-in, which is told by the signal of all of them",
    "mfa_login_webauthn": "a sign-in, which is told by the signal of all of them",
    "oidc_unlink": "it calls studio/teams/oidc_accounts.py, which tells it in its transaction",
    "invitation_switch": "it signs out, which is told, and leads on to the invitation",
    "oidc_begin": "it leads to another site; who comes back is told as a sign-in",
    "account_reset_password": "it asks for a mail; nothing changes until its link is used",
    "account_confirm_login_code": "signing in by a code is switched off",
    **dict.fromkeys(
        ("account_email_verification_sent", "account_inactive", "account_reset_password_done"),
        LOOKS,
    ),
    "account_reset_password_from_key_done": LOOKS,
}

# What these tell is tried where the steps are that lead to it.
TRIED_ELSEWHERE = {
    "confirm": ("test_factor_trail", E.CONFIRMED_AGAIN),
    "lost_factors": ("test_lost_factors", E.FACTORS_LOST),
    "mfa_activate_totp": ("test_factor_trail", E.SECOND_FACTOR_ADDED),
    "mfa_deactivate_totp": ("test_factor_trail", E.SECOND_FACTOR_REMOVED),
    "mfa_add_webauthn": ("test_factor_trail", E.SECOND_FACTOR_ADDED),
    "mfa_remove_webauthn": ("test_factor_trail", E.SECOND_FACTOR_REMOVED),
    "mfa_generate_recovery_codes": ("test_factor_trail", E.RECOVERY_CODES_MADE),
    "second_factor": ("test_required_factor", E.TEAM_CHANGED),
}


@dataclass
class World:
    """What the doors are tried with."""

    team: Team
    owner: User
    creator: User
    client: Client
    service: Service
    account: Account
    job: Job
    monkeypatch: pytest.MonkeyPatch
    more: dict[str, Any] = field(default_factory=dict)

    def post(self, door: str, *args: object, **data: object) -> Any:
        space = [] if door in WITHOUT_TEAM else [self.team.slug]
        return self.client.post(reverse(door, args=[*space, *args]), data)


WITHOUT_TEAM = ("team_new", "sign_ins", "personal_data")


def team_new(w: World) -> None:
    w.post("team_new", name="Second desk")


def sign_ins(w: World) -> None:
    w.post("sign_ins", end="others")


def turns(w: World) -> None:
    of_creator = w.team.memberships.get(user=w.creator).pk
    rows = {f"turns_{m.pk}": 1 for m in w.team.memberships.all()}
    w.post("jobs:turns", waiting_limit=50, **{**rows, f"turns_{of_creator}": 3})


def cancel(w: World) -> None:
    w.post("jobs:cancel", w.job.public_id)


def rename(w: World) -> None:
    w.post("jobs:rename", w.job.public_id, title="Another name")


def undo(w: World) -> None:
    w.post("jobs:undo", w.job.public_id)


def front(w: World) -> None:
    w.post("jobs:front", w.job.public_id)


def decide(w: World) -> None:
    Job.objects.filter(pk=w.job.pk).update(state=State.UNCERTAIN, code=Code.SEVERAL_TASKS)
    w.monkeypatch.setattr("jobs.engine.uncertain.candidates", lambda job: ["task-1"])
    w.post("jobs:decide", w.job.public_id, task="")


def adopt(w: World) -> None:
    w.service.gets.append(task(TASK, "RUNNING"))
    w.post("jobs:adopt", account=w.account.public_id, task_id=TASK, model="emo-v1")


def set_cancel(w: World) -> None:
    made = JobSet.objects.create(team=w.team, owner=w.creator, kind=JobSet.Kind.BATCH, title="Many")
    Job.objects.filter(pk=w.job.pk).update(set=made)
    w.post("jobs:set_cancel", made.public_id)


def preset_save(w: World) -> None:
    w.post("jobs:preset_save", job=w.job.public_id, preset_name="Front desk")


def preset_delete(w: World) -> None:
    made = Preset.objects.create(team=w.team, owner=w.creator, model="emo-v1", name="Old")
    w.post("jobs:preset_delete", made.public_id, model="emo-v1")


def job_share(w: World) -> None:
    video = makers.asset(w.team, "video", origin="result")
    Job.objects.filter(pk=w.job.pk).update(state=State.SUCCEEDED, result=video)
    w.post("jobs:job_share", w.job.public_id, title="For the client", ends="7")


def set_share(w: World) -> None:
    made = JobSet.objects.create(team=w.team, owner=w.creator, kind=JobSet.Kind.BATCH, title="Many")
    video = makers.asset(w.team, "video", origin="result")
    Job.objects.filter(pk=w.job.pk).update(set=made, state=State.SUCCEEDED, result=video)
    w.post("jobs:set_share", made.public_id, title="For the client", ends="7")


def share_change(w: World) -> None:
    link = makers.share_link(w.team, w.owner, w.job)
    w.post("jobs:share", link.public_id, title="Other words", ends="")


def share_revoke(w: World) -> None:
    w.post("jobs:share_revoke", makers.share_link(w.team, w.owner, w.job).public_id)


def template_name(w: World) -> None:
    w.post("jobs:template_detail", makers.template(w.team, w.account).public_id, name="Waltz")


def account_new(w: World) -> None:
    w.post("jobs:account_new", label="South", region="cn-beijing", secret=NEW_KEY)


def account_change(w: World) -> None:
    w.post("jobs:account", w.account.public_id, label="Renamed")


def limit(w: World) -> None:
    kinds = {"day_kind": "amount", "day_amount": "5", "month_kind": "nothing", "month_amount": ""}
    w.post("jobs:limit", "team", **kinds)


def limit_of_a_person(w: World) -> None:
    kinds = {"day_kind": "amount", "day_amount": "5", "month_kind": "nothing", "month_amount": ""}
    w.post("jobs:limit", str(w.team.memberships.get(user=w.creator).pk), **kinds)


def account_people(w: World) -> None:
    given = {"named_only": "on", "people": str(w.team.memberships.get(user=w.creator).pk)}
    w.post("jobs:account", w.account.public_id, label=w.account.label, **given)


def account_move(w: World) -> None:
    Job.objects.filter(pk=w.job.pk).update(state=State.CANCELED)
    w.post("jobs:account_move", w.account.public_id, region="ap-southeast-1", secret=NEW_KEY)


def account_remove(w: World) -> None:
    Job.objects.filter(pk=w.job.pk).update(state=State.CANCELED)
    w.post("jobs:account_remove", w.account.public_id)


def key_expiry(w: World) -> None:
    key = w.account.keys.get()
    w.post("jobs:key_expiry", w.account.public_id, key.pk, expires_on="2031-05-06")


def account_pause(w: World) -> None:
    w.post("jobs:account_pause", w.account.public_id, state="paused")


def key_new(w: World) -> None:
    w.post("jobs:key_new", w.account.public_id, secret=NEW_KEY)


def key_test(w: World) -> None:
    w.post("jobs:key_test", w.account.public_id, w.account.keys.get().pk)


def key_retire(w: World) -> None:
    Job.objects.filter(pk=w.job.pk).update(state=State.CANCELED)
    w.post("jobs:key_retire", w.account.public_id, w.account.keys.get().pk)


def login(w: World) -> None:
    Client().post(reverse("account_login"), {"login": w.owner.email, "password": "correct horse"})


def login_wrongly(w: World) -> None:
    Client().post(reverse("account_login"), {"login": w.owner.email, "password": NEW_PASSWORD})


def logout(w: World) -> None:
    w.client.post(reverse("account_logout"))


def signup(w: World) -> None:
    client = Client()
    client.get(sign_up_links.make("new@example.com").split("8000")[-1])
    client.post(reverse("account_signup"), {"email": "new@example.com", "password1": NEW_PASSWORD})


def password_change(w: World) -> None:
    given = {"oldpassword": "correct horse", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    w.client.post(reverse("account_change_password"), given)


def password_set(w: World) -> None:
    w.owner.set_unusable_password()
    w.owner.save(update_fields=["password"])
    w.client = signed_in(Client(), w.owner)
    given = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    w.client.post(reverse("account_set_password"), given)


def view_save(w: World) -> None:
    w.post("jobs:view_save", name="Failed", query="?outcome=failed", whole_team="1")


def view_rename(w: World) -> None:
    view = makers.saved_view(w.team, w.creator, whole_team=True)
    w.post("jobs:view_change", view.public_id, do="rename", name="Broken")


def view_delete(w: World) -> None:
    view = makers.saved_view(w.team, w.creator, whole_team=True)
    w.post("jobs:view_change", view.public_id, do="delete")


def password_reset(w: World) -> None:
    from jobs.management.commands.createteam import password_link

    client = Client()
    link = "/accounts/" + password_link(w.owner).split("/accounts/")[1]
    there = client.get(link)["Location"]
    client.post(there, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})


def email_add(w: World) -> None:
    w.client.post(reverse("account_email"), {"email": "second@example.com", "action_add": ""})


def email_remove(w: World) -> None:
    EmailAddress.objects.create(user=w.owner, email="old@example.com", verified=False)
    given = {"email": "old@example.com", "action_remove": ""}
    w.client.post(reverse("account_email"), given)


def email_confirm(w: World) -> None:
    from allauth.account.models import EmailConfirmationHMAC

    made = EmailAddress.objects.create(user=w.owner, email="old@example.com", verified=False)
    w.client.post(reverse("account_confirm_email", args=[EmailConfirmationHMAC(made).key]))


def erase_oneself(w: World) -> None:
    w.team.memberships.create(user=User.objects.create_user("eva@example.com"), role="owner")
    w.post("personal_data", do="erase", uploads="keep", email=w.owner.email)


def export_oneself(w: World) -> None:
    b"".join(w.post("personal_data", do="export").streaming_content)


DOORS: dict[str, list[tuple[Callable[[World], None], set[Event]]]] = {
    "team_new": [(team_new, {E.TEAM_MADE})],
    "sign_ins": [(sign_ins, {E.SIGN_INS_ENDED})],
    "jobs:turns": [(turns, {E.SHARES_CHANGED, E.TEAM_CHANGED})],
    **trash_doors.DOORS,
    "jobs:cancel": [(cancel, {E.JOB_CANCELED})],
    "jobs:undo": [(undo, {E.JOB_CANCELED})],
    "jobs:rename": [(rename, {E.JOB_RENAMED})],
    "jobs:front": [(front, {E.JOB_MOVED})],
    "jobs:decide": [(decide, {E.JOB_DECIDED})],
    "jobs:adopt": [(adopt, {E.JOB_ADOPTED})],
    "jobs:set_cancel": [(set_cancel, {E.JOB_CANCELED})],
    "jobs:set_go_on": [(set_go_on, {E.REST_WENT_ON})],
    "jobs:set_rest_cancel": [(set_rest_cancel, {E.REST_CANCELED})],
    "jobs:view_save": [(view_save, {E.VIEW_SAVED})],
    "jobs:view_change": [(view_rename, {E.VIEW_RENAMED}), (view_delete, {E.VIEW_DELETED})],
    "jobs:preset_save": [(preset_save, {E.PRESET_SAVED})],
    "jobs:preset_delete": [(preset_delete, {E.PRESET_DELETED})],
    "jobs:job_share": [(job_share, {E.SHARE_LINK_MADE})],
    "jobs:set_share": [(set_share, {E.SHARE_LINK_MADE})],
    "jobs:share": [(share_change, {E.SHARE_LINK_CHANGED})],
    "jobs:share_revoke": [(share_revoke, {E.SHARE_LINK_REVOKED})],
    "jobs:template_detail": [(template_name, {E.TEMPLATE_RENAMED})],
    "jobs:limit": [
        (limit, {E.LIMIT_CHANGED}),
        (limit_of_a_person, {E.MEMBER_LIMIT_CHANGED}),
    ],
    "jobs:approval_limit": [(approval_limit, {E.APPROVAL_AMOUNT_CHANGED})],
    "jobs:approval_answer": [(decline, {E.APPROVAL_DECLINED}), (approve, {E.APPROVED})],
    "jobs:approval_withdraw": [(withdraw, {E.APPROVAL_WITHDRAWN})],
    "jobs:account_new": [(account_new, {E.CONNECTION_ADDED})],
    "jobs:account": [
        (account_change, {E.CONNECTION_CHANGED}),
        (account_people, {E.CONNECTION_USERS_CHANGED}),
    ],
    "jobs:account_remove": [(account_remove, {E.CONNECTION_REMOVED})],
    "jobs:account_move": [(account_move, {E.CONNECTION_MOVED})],
    "jobs:key_expiry": [(key_expiry, {E.KEY_EXPIRY_NOTED})],
    "jobs:account_pause": [(account_pause, {E.CONNECTION_PAUSED})],
    "jobs:key_new": [(key_new, {E.KEY_ADDED})],
    "jobs:key_test": [(key_test, {E.KEY_TESTED})],
    "jobs:key_retire": [(key_retire, {E.KEY_RETIRED})],
    "personal_data": [
        (export_oneself, {E.PERSON_EXPORTED}),
        (erase_oneself, {E.PERSON_ERASED, E.LEFT}),
    ],
    "account_login": [(login, {E.SIGNED_IN}), (login_wrongly, {E.SIGN_IN_FAILED})],
    "account_logout": [(logout, {E.SIGNED_OUT})],
    "account_signup": [(signup, {E.SIGNED_UP, E.SIGNED_IN, E.ACCOUNT_LINK_MADE})],
    "account_change_password": [(password_change, {E.PASSWORD_CHANGED})],
    "account_set_password": [(password_set, {E.PASSWORD_CHANGED})],
    "account_reset_password_from_key": [(password_reset, {E.PASSWORD_CHANGED, E.SIGNED_IN})],
    "account_email": [(email_add, {E.EMAIL_ADDED}), (email_remove, {E.EMAIL_REMOVED})],
    "account_confirm_email": [(email_confirm, {E.EMAIL_CONFIRMED})],
}
