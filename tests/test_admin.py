"""The admin: every page of every model opens, no secret is in any of them, and history cannot be
changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin as site_admin
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.billing import budget
from jobs.models import (
    Account,
    ApiKey,
    Attempt,
    Balance,
    Budget,
    Check,
    DayBalance,
    EventCursor,
    HoldDay,
    Job,
    JobEvent,
    JobInput,
    JobSet,
    KeyUse,
    Lane,
    LedgerEntry,
    LimitWarning,
    PendingOrder,
    Preset,
    Price,
    ReadyNotice,
    SavedView,
    SharedVideo,
    ShareLink,
    Template,
    TemporaryFile,
    WorkTime,
)
from studio.files.tags import give
from studio.models import (
    Asset,
    AuditEntry,
    Collection,
    Consent,
    Edit,
    Erasure,
    Invitation,
    JoinDomain,
    Mail,
    Membership,
    PersonUse,
    SignUpLink,
    Team,
    TeamUse,
    User,
)
from studio.models.tag import FileTag
from studio.models.trash import Deletion, FileRemoval
from tests import makers
from tests.html import parse

SECRET = "sk-very-secret-0042"
ClientOf = Callable[[User], Client]


@pytest.fixture
def staff(db: object) -> User:
    return User.objects.create_superuser("root@example.com", "correct horse", first_name="Root")


@pytest.fixture
def desk(staff: User, client_of: ClientOf) -> Client:
    return client_of(staff)


@pytest.fixture
def rows(team: Team, owner: User, creator: User) -> dict[type[models.Model], Any]:
    """A row of every model of ours."""
    account = makers.account(team, label="North-1", key=SECRET)
    job = makers.job(
        team,
        creator,
        account=account,
        title="Opening words",
        task_id="task-0815",
        request_id="req-4711",
    )
    share = makers.share_link(team, creator, job)
    check = makers.check(makers.asset(team), account, asked_by=creator, request_id="req-check")
    template = makers.template(team, account)
    picture = JobInput.objects.filter(job=job).earliest("id")
    return {
        AuditEntry: AuditEntry.objects.create(event="people.left", kind="people", via="page"),
        Erasure: Erasure.objects.create(person_id=0, pseudonym="erased-0"),
        User: creator,
        Team: team,
        Membership: creator.memberships.get(),
        Asset: picture.asset,
        Account: account,
        ApiKey: account.keys.get(),
        Lane: job.lane,
        TemporaryFile: TemporaryFile.objects.create(
            account=account,
            model="emo-v1",
            asset=picture.asset,
            url="oss://x/y",
            expires_at=timezone.now(),
        ),
        Job: job,
        Attempt: Attempt.objects.create(
            job=job, number=1, began_at=timezone.now(), task_id="task-0815", outcome="accepted"
        ),
        JobInput: picture,
        JobEvent: JobEvent.objects.create(
            team=team, job=job, old="", new="queued", text="Waiting for its turn"
        ),
        LedgerEntry: job.ledger.get(),
        Balance: team.balances.get(),
        DayBalance: DayBalance.objects.create(
            team=team, month=job.created_at.date().replace(day=1), day=job.created_at.date()
        ),
        Price: job.price,
        Check: check,
        Template: template,
        WorkTime: WorkTime.objects.create(
            service="dashscope.aliyuncs.com",
            model="emo-v1",
            variant="1:1",
            recent=[8.5],
            median=8.5,
            p90=12,
        ),
        Budget: Budget.objects.create(team=team, micros=10_000_000),
        HoldDay: team.hold_days.get(),
        KeyUse: KeyUse.objects.create(
            key=account.keys.get(), month=job.created_at.date().replace(day=1), currency="USD"
        ),
        LimitWarning: LimitWarning.objects.create(
            team=team,
            member=creator,
            period="day",
            begins=job.created_at.date(),
            micros=10_000_000,
            level=80,
            used=8_000_000,
        ),
        JobSet: JobSet.objects.create(team=team, owner=creator, kind="sweep", title="Three styles"),
        ShareLink: share,
        PendingOrder: PendingOrder.objects.create(
            team=team,
            owner=creator,
            reason=PendingOrder.Reason.APPROVAL,
            title="Ten at once",
            wish={},
            videos=10,
            quote_micros=4_700_000,
            currency="USD",
            created_at=timezone.now(),
        ),
        Deletion: Deletion.objects.create(
            team=team, by=creator, kind=Deletion.Kind.FILE, name="Old", remove_at=timezone.now()
        ),
        Collection: makers.collection(team, creator, picture.asset),
        FileTag: give(team, [picture.asset], "Desk")[0],
        FileRemoval: FileRemoval.objects.create(name="1/ab.jpg"),
        ReadyNotice: ReadyNotice.objects.create(
            team=team, user=creator, event=1, since=timezone.now()
        ),
        EventCursor: EventCursor.objects.create(name="ready-mail", event=4711),
        SharedVideo: share.videos.get(),
        SavedView: makers.saved_view(team, creator),
        Preset: Preset.objects.create(
            team=team, owner=creator, model="emo-v1", name="Calm", chosen={"style_level": "calm"}
        ),
        Edit: Edit.objects.create(
            team=team, asset=picture.asset, owner=creator, recipe={"do": "film"}, word="0" * 64
        ),
        Consent: Consent.objects.get_or_create(
            asset=picture.asset,
            defaults={"by": creator, "said": "The team may use this person’s likeness."},
        )[0],
        Mail: Mail.objects.create(to="x@example.com", subject="Hello", message=SECRET),
        UserSession: UserSession.objects.create(
            user=creator, ip="203.0.113.9", session_key=SECRET, user_agent="Firefox"
        ),
        TeamUse: TeamUse.objects.get_or_create(team=team)[0],
        PersonUse: PersonUse.objects.get_or_create(user=creator)[0],
        Invitation: makers.invitation(team, owner, note="Eva"),
        JoinDomain: team.join_domains.create(domain="example.org", set_by=owner),
        SignUpLink: SignUpLink.objects.create(
            digest="0" * 64, email="x@example.com", expires_at=timezone.now()
        ),
    }


def changelist(model: type[models.Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def change(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def add(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def text(response: Any) -> str:
    found = str(response.content.decode())
    token = ApiKey.objects.values_list("pk", flat=True)
    assert SECRET not in found
    for pk in token:
        assert ApiKey.objects.get(pk=pk).secret not in found
    return found


def test_every_model_of_ours_is_registered() -> None:
    ours = {
        model for label in ("studio", "jobs") for model in apps.get_app_config(label).get_models()
    }
    assert ours <= set(site_admin.site._registry)


def test_the_index_names_the_site(desk: Client, rows: Any) -> None:
    page = text(desk.get(reverse("admin:index")))
    assert "Footlight admin" in page
    assert "css/admin.css" in page


def test_the_index_shows_the_engine_above_the_tables(desk: Client, rows: Any) -> None:
    """Not a second #content-related, which Django's styles draw over the first."""
    page = parse(desk.get(reverse("admin:index")))
    ids = page.values("[id]", "id")
    assert sorted(ids) == sorted(set(ids))
    assert page.one("#content #engine").texts("a") == [
        "Forecasts and the truth",
        "Jobs that wait for a decision",
    ]


def test_every_page_opens(desk: Client, rows: dict[type[models.Model], Any]) -> None:
    """List, search, form for a new row and page of a row, of every model but the queues', which
    live in Redis."""
    seen = 0
    for model, its_admin in site_admin.site._registry.items():
        if model._meta.app_label == "django_rq":
            continue
        for query in ("?o=1", "?q=north+%C3%A9%27%22%3C"):
            found = desk.get(changelist(model, query))
            assert found.status_code == 200, (model, query)
            text(found)
        form = desk.get(add(model))
        assert form.status_code in (200, 403), model
        text(form)
        if model._meta.app_label in ("studio", "jobs", "usersessions"):
            assert its_admin.list_display != ("__str__",), model
            assert its_admin.search_fields, model
            page = desk.get(change(rows[model]))
            assert page.status_code == 200, model
            text(page)
            seen += 1
    assert seen == len(rows)


def test_filters_and_dates_open(desk: Client, rows: Any) -> None:
    """All filters of a list at once, with a day of the hierarchy: none of them may name a column
    that is not there."""
    for model, its_admin in site_admin.site._registry.items():
        if model not in rows:
            continue
        asked = {}
        for one in its_admin.list_filter:
            if isinstance(one, tuple):  # a field, and a filter of its own
                asked[f"{one[0]}__isempty"] = "0"
                continue
            if isinstance(one, type):  # a filter that is no column's
                asked[one.parameter_name] = getattr(rows[model], one.parameter_name)
                continue
            name = str(one)
            field = model._meta.get_field(name) if "__" not in name else None
            if field is None or not isinstance(field, models.DateField):
                asked[name if field is None else f"{name}__exact"] = (
                    "0" if field is None else str(getattr(rows[model], name) or 0)
                )
        if its_admin.date_hierarchy:
            asked[f"{its_admin.date_hierarchy}__year"] = str(timezone.now().year)
        response = desk.get(changelist(model), asked)
        assert response.status_code == 200, (model, asked)


@pytest.mark.parametrize(
    "query", ["Opening", "task-0815", "req-4711", "chidi@example", "Studio North"]
)
def test_a_job_is_found_by_what_people_have_at_hand(desk: Client, rows: Any, query: str) -> None:
    other = makers.job(rows[Team], rows[User], account=rows[Account], title="Another")
    Job.objects.filter(pk=other.pk).update(owner=User.objects.get(email="aiko@example.com"))
    assert "Opening words" in text(desk.get(changelist(Job, f"?q={query}")))


def test_a_job_page_links_to_what_belongs_to_it(desk: Client, rows: Any) -> None:
    page = text(desk.get(change(rows[Job])))
    for row in (rows[Account], rows[Team], rows[Lane], rows[Asset], rows[LedgerEntry]):
        assert change(row) in page, row
    assert "Waiting for its turn" in page
    assert "$0.045876" in page
    assert 'data-state="queued"' in page


def test_only_the_title_of_a_job_is_saved(desk: Client, rows: Any) -> None:
    """The engine moves the job while somebody has its page open: saving must not bring the old
    state back."""
    job = rows[Job]
    form = {
        "title": "Renamed",
        "state": "succeeded",
        "code": "x",
        "group": "3",
        "task_id": "stolen",
        "quote_micros": "0",
    }
    for prefix in ("inputs", "attempts", "ledger", "events"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    Job.objects.filter(pk=job.pk).update(state="running", group=1)
    assert desk.post(change(job), form).status_code == 302
    job.refresh_from_db()
    assert (job.title, job.state, job.group, job.task_id, job.quote_micros) == (
        "Renamed",
        "running",
        1,
        "task-0815",
        45_876,
    )


def test_saving_writes_only_changed_columns(
    desk: Client, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that happens between reading and writing the page survives, because its column is
    not written."""
    account = rows[Account]
    from jobs.admin.account import AccountAdmin
    from studio.admin.base import ChangedColumnsAdmin

    def late(self: Any, request: Any, obj: Any, form: Any, change: bool) -> None:
        Account.objects.filter(pk=obj.pk).update(health="arrears")
        ChangedColumnsAdmin.save_model(self, request, obj, form, change)

    monkeypatch.setattr(AccountAdmin, "save_model", late)
    form = {
        "label": "North-9",
        "model_names": "{}",
        "health": "ok",
        "health_text": "",
        "paused_until_0": "",
        "paused_until_1": "",
    }
    for prefix in ("keys", "lanes"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert desk.post(change(account), form).status_code == 302
    account.refresh_from_db()
    assert (account.label, account.health) == ("North-9", "arrears")


def test_unpausing_an_account_rings_its_lanes(desk: Client, rows: Any) -> None:
    account, lane = rows[Account], rows[Lane]
    later = timezone.now() + timedelta(hours=1)
    Account.objects.filter(pk=account.pk).update(paused_until=later, health="key")
    Lane.objects.filter(pk=lane.pk).update(next_visit_at=later)
    form = {
        "label": account.label,
        "model_names": "{}",
        "health": "ok",
        "health_text": "",
        "paused_until_0": "",
        "paused_until_1": "",
    }
    for prefix in ("keys", "lanes"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert (
        desk.post(change(account), {**form, "base_url": "https://evil.example"}).status_code == 302
    )
    account.refresh_from_db()
    lane.refresh_from_db()
    assert (account.health, account.paused_until, account.base_url) == ("ok", None, "")
    assert lane.next_visit_at < timezone.now()
    assert lane.wakeups >= 1


def test_lanes_are_visited_now(desk: Client, rows: Any) -> None:
    lane = rows[Lane]
    Lane.objects.filter(pk=lane.pk).update(next_visit_at=None)
    answer = desk.post(
        changelist(Lane), {"action": "visit_now", "_selected_action": [lane.pk]}, follow=True
    )
    assert "1 queue is visited now" in text(answer)
    lane.refresh_from_db()
    assert lane.next_visit_at is not None


def test_a_key_can_be_switched_off_but_not_read_or_added(desk: Client, rows: Any) -> None:
    key = rows[ApiKey]
    assert desk.get(add(ApiKey)).status_code == 403
    page = text(desk.get(change(key)))
    assert key.last4 in page
    assert key.fingerprint in page
    assert 'name="secret"' not in page
    Job.objects.filter(account=key.account).update(state="canceled")
    assert desk.post(change(key), {"secret": "sk-other"}).status_code == 302
    key = ApiKey.objects.get(pk=key.pk)
    assert (key.active, key.secret) == (False, SECRET)
    text(desk.get(reverse("admin:jobs_apikey_history", args=[key.pk])))


@pytest.mark.parametrize("model", [LedgerEntry, Balance, DayBalance, JobEvent, Price, Check, Job])
def test_history_is_not_changed_or_deleted(
    desk: Client, rows: Any, model: type[models.Model]
) -> None:
    row = rows[model]
    before = model._default_manager.filter(pk=row.pk).values().get()
    delete = reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[row.pk]
    )
    assert desk.post(delete, {"post": "yes"}).status_code == 403
    desk.post(
        changelist(model),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    if model is not Job:
        values = dict.fromkeys(before, "1")
        assert desk.post(change(row), values).status_code == 403
        if model is not Price:
            assert desk.post(add(model), values).status_code == 403
    else:
        assert desk.post(add(model), {}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_a_price_is_added_in_units_of_money(desk: Client, rows: Any) -> None:
    form = {
        "model": "emo-v1",
        "variant": "1:1",
        "region": "",
        "unit": "second",
        "currency": "USD",
        "amount": "0.012345",
        "effective_from": "2026-11-01",
        "source": "a letter",
    }
    assert "billed per" in text(desk.post(add(Price), {**form, "unit": "image"}))
    assert "may be 1:1, 3:4" in text(desk.post(add(Price), {**form, "variant": "4:3"}))
    assert desk.post(add(Price), form).status_code == 302
    assert Price.objects.get(source="a letter").micros == 12_345
    assert "already exists" in text(desk.post(add(Price), form)), "one price per day"


def test_a_limit_is_set_in_units_of_money(desk: Client, rows: Any, stranger: User) -> None:
    team, creator = rows[Team], rows[User]
    page = text(desk.get(add(Budget)))
    assert "0 stops everything" in page
    assert (
        desk.post(
            add(Budget), {"team": team.pk, "member": creator.pk, "amount": "0.75"}
        ).status_code
        == 302
    )
    mine = Budget.objects.get(member=creator)
    assert mine.micros == 750_000
    assert "is not in Studio North" in text(
        desk.post(add(Budget), {"team": team.pk, "member": stranger.pk, "amount": "1"})
    )
    assert "greater than or equal to 0" in text(
        desk.post(add(Budget), {"team": team.pk, "member": "", "amount": "-1"})
    )
    assert (
        desk.post(add(Budget), {"team": team.pk, "member": "", "amount": "1"}).status_code == 200
    ), "the team has a limit already"
    assert Budget.objects.count() == 2
    shown = text(desk.get(change(mine)))
    assert 'value="0.75"' in shown
    assert "USD" in shown
    assert (
        desk.post(change(mine), {"team": team.pk, "member": creator.pk, "amount": "0"}).status_code
        == 302
    )
    mine.refresh_from_db()
    assert mine.micros == 0
    assert budget.status(team, creator).left == 0
    listed = text(desk.get(changelist(Budget)))
    assert "$10.00" in listed
    assert "the whole team" in listed
    assert listed.count("$0.0459") == 2, "what the job holds counts for the team and for its owner"
    assert (
        desk.post(reverse("admin:jobs_budget_delete", args=[mine.pk]), {"post": "yes"}).status_code
        == 302
    )
    assert Budget.objects.count() == 1


def test_a_user_is_added_with_address_and_password(desk: Client, rows: Any) -> None:
    form = {
        "email": "New@Example.com",
        "usable_password": "true",
        "password1": "correct horse 9",
        "password2": "correct horse 9",
    }
    assert desk.post(add(User), form).status_code == 302
    user = User.objects.get(email="new@example.com")
    assert user.check_password("correct horse 9")
    assert "already" in text(desk.post(add(User), {**form, "email": "NEW@example.com"}))


def test_members_are_changed_on_the_team_page(desk: Client, rows: Any, staff: User) -> None:
    team, one = rows[Team], rows[Membership]
    form = {
        "name": team.name,
        "slug": team.slug,
        "waiting_limit": "100",
        "time_zone": "Europe/Berlin",
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": one.pk,
        "memberships-0-team": team.pk,
        "memberships-0-user": one.user_id,
        "memberships-0-role": "viewer",
        "memberships-0-turns": "3",
        "memberships-1-team": team.pk,
        "memberships-1-user": staff.pk,
        "memberships-1-role": "admin",
        "memberships-1-turns": "1",
    }
    assert desk.post(change(team), form).status_code == 302
    one.refresh_from_db()
    assert (one.role, one.turns) == ("viewer", 3)
    assert team.memberships.get(user=staff).role == "admin"


def test_a_thumbnail_is_shown_inside_the_page(desk: Client, rows: Any) -> None:
    from django.core.files.base import ContentFile

    asset = rows[Asset]
    asset.thumb.save("t.jpg", ContentFile(b"\xff\xd8\xff"), save=False)
    asset.save(update_fields=["thumb"])
    assert "data:image/jpeg;base64,/9j/" in text(desk.get(change(asset)))
    asset.thumb.storage.delete(asset.thumb.name)
    assert "not in the storage" in text(desk.get(change(asset)))


def test_without_the_key_of_the_secrets_the_pages_still_open(
    desk: Client, rows: Any, settings: Any
) -> None:
    from cryptography.fernet import Fernet

    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    for url in (changelist(ApiKey), change(rows[ApiKey]), change(rows[Account])):
        assert desk.get(url).status_code == 200, url


def test_members_have_no_way_in(rows: Any, owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)
    for url in (reverse("admin:index"), changelist(Job), change(rows[ApiKey])):
        assert client.get(url).status_code in (302, 403), url
    assert client.post(change(rows[ApiKey]), {}).status_code in (302, 403)
    assert ApiKey.objects.get(pk=rows[ApiKey].pk).active


def test_amounts_are_rounded_half_up_and_never_invented() -> None:
    from studio.admin.base import amount

    assert amount(None, "USD") == "—"
    assert "$0.4725" in amount(472_450, "USD")
    assert "−¥1.00" in amount(-1_000_000, "CNY", 2)


# ── the engine ──


def test_forecasts_are_scored_for_staff_and_linked_from_the_index(
    desk: Client, owner: User, client_of: ClientOf, rows: Any, team: Team
) -> None:
    url = reverse("admin:jobs_forecasts")
    assert url in text(desk.get(reverse("admin:index")))
    assert url in text(desk.get(reverse("admin:jobs_worktime_changelist")))
    assert "No video was finished in this time." in text(desk.get(url))
    now = timezone.now()
    for minutes in (9, 10, 15):
        job = makers.job(team, owner, state="succeeded", finished_at=now, provider_ended_at=now)
        Job.objects.filter(pk=job.pk).update(
            created_at=now - timedelta(minutes=10),
            forecast_ready_at=now - timedelta(minutes=10) + timedelta(minutes=minutes),
        )
    page = text(desk.get(url))
    assert "EMO (emo-v1)" in page
    assert '<span class="state" data-state="failed">67 %</span>' in page
    assert "80 %" in page
    assert client_of(owner).get(url).status_code == 302
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert client_of(User.objects.get(pk=owner.pk)).get(url).status_code == 403


def test_attempts_stand_on_the_page_of_their_job(desk: Client, rows: Any) -> None:
    page = text(desk.get(change(rows[Job])))
    assert "accepted by the service" in page
    assert change(rows[Attempt]) in page


def test_staff_decide_about_an_unclear_submit(
    desk: Client, owner: User, client_of: ClientOf, team: Team, creator: User
) -> None:
    job = makers.job(team, creator, state="uncertain", code="several-tasks", attempt=1)
    Attempt.objects.create(job=job, number=1, began_at=timezone.now(), outcome="uncertain")
    JobEvent.objects.create(
        team=team,
        job=job,
        new="uncertain",
        code="several-tasks",
        text="…",
        data={"candidates": ["task-one", "task-two"]},
    )
    url = reverse("admin:jobs_job_decide", args=[job.pk])
    assert url in text(desk.get(change(job)))
    page = text(desk.get(url))
    assert "Import task task-two" in page
    assert "about $0.0459" in page
    assert "$0.0459 more if one of them was" in page
    # looking decides nothing, nor does a task that is no candidate
    desk.post(url, {"task": "somebody-elses"})
    desk.post(url, {})
    job.refresh_from_db()
    assert job.state == "uncertain"
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert client_of(User.objects.get(pk=owner.pk)).post(url, {"task": "task-one"}).status_code in (
        302,
        403,
    )
    job.refresh_from_db()
    assert job.state == "uncertain"
    assert desk.post(url, {"task": "task-two"}).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.task_id, job.attempts.get().outcome) == (
        "running",
        "task-two",
        "chosen",
    )
    assert "nothing to decide" in text(desk.get(url, follow=True))
    assert url not in text(desk.get(change(job)))
