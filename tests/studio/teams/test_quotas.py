"""What a team and a person may use: told in a sentence, shown on the team page, changed by the
operator, and never more, however many ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.models import Account
from studio.common import clock
from studio.files import edit_queue
from studio.files.file_store import forget, keep
from studio.models import Asset, Edit, PersonUse, Role, Team, TeamUse, User, usage
from studio.teams import quotas
from tests import files, makers

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


@pytest.fixture
def limits(settings: Any) -> dict[str, int | None]:
    settings.QUOTAS = dict.fromkeys(settings.QUOTAS)
    return settings.QUOTAS  # type: ignore[no-any-return]


def asset(team: Team, owner: User | None, size: int = 1000, **more: Any) -> Asset:
    made = makers.asset(team)
    Asset.objects.filter(pk=made.pk).delete()
    return Asset.objects.create(
        team=team,
        owner=owner,
        name="a.png",
        file=made.file,
        sha256=f"{Asset.objects.count()}-{size}-{team.pk}"[:64],
        size=size,
        kind="image",
        format="png",
        **more,
    )


def used(model: Any, **who: Any) -> tuple[int, int]:
    row = model.objects.filter(**who).first()
    return (row.stored_bytes, row.files) if row else (0, 0)


# ── the sums ──────────────────────────────────────────────────────────────────────────────────────


@examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["keep", "delete", "query", "team", "person"]),
            st.integers(0, 2),
            st.integers(0, 10**7),
        ),
        max_size=14,
    )
)
def test_the_sums_are_those_of_the_files(db: object, history: list[tuple[str, int, int]]) -> None:
    """Over any history of files, teams and people that come and go."""
    Team.objects.all().delete()
    User.objects.all().delete()
    for n, (what, who, size) in enumerate(history):
        user, _new = User.objects.get_or_create(email=f"{who}@example.com")
        team, _new = Team.objects.get_or_create(name=f"T{who % 2}", slug=f"t{who % 2}")
        there = Asset.objects.filter(team=team)
        if what == "keep":
            Asset.objects.create(
                team=team, owner=user if size % 5 else None, name="x", sha256=f"{n}", size=size
            )
        elif what == "delete" and there.exists():
            there.first().delete()  # type: ignore[union-attr]
        elif what == "query":
            there.filter(size__lt=size).delete()
        elif what == "team":
            team.delete()
        elif what == "person":
            user.delete()
    for team in Team.objects.all():
        sizes = list(team.assets.values_list("size", flat=True))
        assert used(TeamUse, team=team) == (sum(sizes), len(sizes))
    for user in User.objects.all():
        sizes = list(Asset.objects.filter(owner=user).values_list("size", flat=True))
        assert used(PersonUse, user=user) == (sum(sizes), len(sizes))


def test_a_recount_and_the_update_find_the_same(team: Team, creator: User) -> None:
    asset(team, creator, 1000), asset(team, None, 500)
    before = (used(TeamUse, team=team), used(PersonUse, user=creator))
    assert before == ((1500, 2), (1000, 1))
    TeamUse.objects.update(stored_bytes=7, files=7)
    PersonUse.objects.all().delete()
    assert usage.recount() == 2
    assert (used(TeamUse, team=team), used(PersonUse, user=creator)) == before
    TeamUse.objects.all().delete()
    PersonUse.objects.all().delete()
    import_module("studio.migrations.0008_quotas").count(apps, None)
    assert (used(TeamUse, team=team), used(PersonUse, user=creator)) == before


def test_asking_reads_two_rows_however_many_files_there_are(
    team: Team, creator: User, limits: dict[str, int | None]
) -> None:
    limits.update(STORAGE_PER_TEAM=10**12, STORAGE_PER_PERSON=10**12)
    for n in range(30):
        Asset.objects.create(team=team, owner=creator, name="x", sha256=f"{n}", size=1)
    with CaptureQueriesContext(connection) as queries:
        quotas.check_storage(team, creator, 5)
    assert len(queries) == 2
    assert not any("studio_asset" in query["sql"] for query in queries)


# ── storage ───────────────────────────────────────────────────────────────────────────────────────


def png(folder: Any, side: int = 400) -> Any:
    path = folder / f"{side}.png"
    path.write_bytes(files.png(side, side))
    return path


@pytest.mark.parametrize("whose", ["STORAGE_PER_TEAM", "STORAGE_PER_PERSON"])
def test_what_does_not_fit_is_refused_and_nothing_is_left(
    team: Team, creator: User, limits: dict[str, int | None], tmp_path: Any, whose: str
) -> None:
    path = png(tmp_path)
    limits[whose] = path.stat().st_size - 1
    with pytest.raises(quotas.OverQuota, match="does not fit"):
        keep(path, team=team, owner=creator, name="a.png")
    assert not Asset.objects.exists()
    assert not list((tmp_path / "files").rglob("*.png"))


def test_what_is_over_only_when_it_is_stored_is_taken_out_of_the_storage_again(
    team: Team, creator: User, limits: dict[str, int | None], tmp_path: Any, monkeypatch: Any
) -> None:
    """As when two files come at once and each alone would have fitted."""
    path = png(tmp_path)
    limits["STORAGE_PER_TEAM"] = path.stat().st_size - 1
    monkeypatch.setattr(quotas, "check_storage", lambda *_: None)
    with pytest.raises(quotas.OverQuota):
        keep(path, team=team, owner=creator, name="a.png")
    assert not Asset.objects.exists()
    assert used(TeamUse, team=team) == (0, 0)
    assert not [one for one in (tmp_path / "files").rglob("*") if one.is_file()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="threads share PostgreSQL; SQLite’s database in memory belongs to one connection",
)
def test_of_files_that_come_at_once_only_those_that_fit_are_kept(
    team: Team, creator: User, limits: dict[str, int | None]
) -> None:
    limits["STORAGE_PER_TEAM"] = 2500
    start = threading.Barrier(6)

    def store(n: int) -> bool:
        try:
            start.wait(20)
            with transaction.atomic():
                kept = Asset.objects.create(
                    team=team, owner=creator, name="x", sha256=f"{n}", size=1000
                )
                quotas.check_stored(kept)
        except quotas.OverQuota:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        fitted = list(pool.map(store, range(6)))
    assert sum(fitted) == 2
    assert used(TeamUse, team=team) == used(PersonUse, user=creator) == (2000, 2)


def test_room_that_is_made_is_room(
    team: Team, creator: User, limits: dict[str, int | None], tmp_path: Any
) -> None:
    limits["STORAGE_PER_TEAM"] = 40_000
    first, _new = keep(png(tmp_path), team=team, owner=creator, name="a.png")
    limits["STORAGE_PER_TEAM"] = first.size
    with pytest.raises(quotas.OverQuota):
        keep(png(tmp_path, 500), team=team, owner=creator, name="b.png")
    assert keep(png(tmp_path), team=team, owner=creator, name="again.png")[0] == first
    forget(first)
    limits["STORAGE_PER_TEAM"] = 40_000
    keep(png(tmp_path, 500), team=team, owner=creator, name="b.png")


def test_a_video_that_was_paid_is_kept_whatever_is_stored(
    team: Team, creator: User, limits: dict[str, int | None], tmp_path: Any
) -> None:
    limits.update(STORAGE_PER_TEAM=0, STORAGE_PER_PERSON=0)
    made, new = keep(
        png(tmp_path), team=team, owner=creator, name="a.png", origin=Asset.Origin.RESULT
    )
    assert new
    assert used(TeamUse, team=team) == (made.size, 1)


def test_the_operator_changes_it_for_one(
    client_of: Callable[[User], Client],
    team: Team,
    creator: User,
    limits: dict[str, int | None],
    tmp_path: Any,
) -> None:
    limits.update(STORAGE_PER_TEAM=0, STORAGE_PER_PERSON=0)
    desk = client_of(User.objects.create_superuser("root@example.com", "correct horse"))
    for row, kind in ((team, "team"), (creator, "user")):
        page = desk.get(reverse(f"admin:studio_{kind}_change", args=[row.pk]))
        form = page.context["adminform"].form
        data = {
            name: value
            for name, value in form.initial.items()
            if value is not None and not isinstance(value, list)
        }
        for formset in page.context["inline_admin_formsets"]:
            prefix = formset.formset.prefix
            data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
        data |= {"storage_limit_mb": 3}
        answer = desk.post(page.request["PATH_INFO"], data)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        row.refresh_from_db()
        assert row.storage_limit_mb == 3
    keep(png(tmp_path), team=team, owner=creator, name="a.png")


# ── uploads, edits, teams ─────────────────────────────────────────────────────────────────────────


def test_so_many_uploads_an_hour(
    creator: User, admin: User, limits: dict[str, int | None], monkeypatch: Any
) -> None:
    limits["UPLOADS_PER_HOUR"] = 3
    for _ in range(3):
        quotas.count_upload(creator)
    for _ in range(2):
        with pytest.raises(quotas.OverQuota, match="3 files in the last hour"):
            quotas.count_upload(creator)
    quotas.count_upload(admin)
    assert quotas.uploads_this_hour(creator) == 3
    PersonUse.objects.update(uploads_since=clock.now() - timedelta(minutes=61))
    assert quotas.uploads_this_hour(creator) == 0
    quotas.count_upload(creator)
    creator.uploads_per_hour = 0
    with pytest.raises(quotas.OverQuota):
        quotas.count_upload(creator)


@pytest.mark.parametrize("begun", ["never", "long ago"])
@pytest.mark.parametrize("nth", range(8))
def test_the_first_uploads_of_an_hour_come_two_at_once(
    creator: User, limits: dict[str, int | None], begun: str, nth: int
) -> None:
    """The second is counted between any two statements of the first."""
    limits["UPLOADS_PER_HOUR"] = 3
    if begun == "long ago":
        usage.begin(PersonUse(user=creator))
        PersonUse.objects.update(uploads=3, uploads_since=clock.now() - timedelta(hours=2))
    asked: list[str] = []

    def second(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if sql.startswith(("SAVEPOINT", "INSERT")):
            return answer  # what is written next is undone with it, as nobody else's row would be
        asked.append(sql)
        if len(asked) == nth + 1:
            quotas.count_upload(creator)
        return answer

    with connection.execute_wrapper(second):
        quotas.count_upload(creator)
    if len(asked) <= nth:
        quotas.count_upload(creator)
    assert quotas.uploads_this_hour(creator) == 2
    quotas.count_upload(creator)
    with pytest.raises(quotas.OverQuota):
        quotas.count_upload(creator)


def test_uploads_by_form_are_counted_too(
    client_of: Callable[[User], Client], creator: User, team: Team, limits: dict[str, int | None]
) -> None:
    limits["UPLOADS_PER_HOUR"] = 1
    client = client_of(creator)
    sent = [SimpleUploadedFile(f"{side}.png", files.png(side, side)) for side in (400, 500)]
    page = client.post(reverse("upload", args=[team.slug]), {"file": sent}, follow=True)
    assert "as many as one person may" in page.content.decode()
    assert Asset.objects.count() == 1


@pytest.mark.parametrize(
    ("page", "field"), [("jobs:portrait", "upload_image_url"), ("jobs:batch", "files")]
)
def test_files_that_come_with_a_create_page_are_uploads_too(
    client_of: Callable[[User], Client],
    creator: User,
    team: Team,
    account: Account,
    limits: dict[str, int | None],
    page: str,
    field: str,
) -> None:
    limits["UPLOADS_PER_HOUR"] = 1
    client, address = client_of(creator), reverse(page, args=[team.slug])
    for side in (400, 500):
        sent = SimpleUploadedFile(f"{side}.png", files.png(side, side))
        answer = client.post(address, {"do": "upload", field: sent}, follow=True)
    assert "as many as one person may" in answer.content.decode()
    assert team.assets.count() == quotas.uploads_this_hour(creator) == 1


def test_so_many_edits_in_line(team: Team, creator: User, limits: dict[str, int | None]) -> None:
    limits["EDITS_PER_PERSON"] = 2
    video = asset(team, creator)
    recipes = [{"do": "film", "start": n} for n in range(3)]
    first, _second = (edit_queue.ask(video, recipe, creator) for recipe in recipes[:2])
    with pytest.raises(quotas.OverQuota, match="2 videos of yours"):
        edit_queue.ask(video, recipes[2], creator)
    assert edit_queue.ask(video, recipes[0], creator) == first, "what waits already may be asked"
    Edit.objects.filter(pk=first.pk).update(state=Edit.State.DONE)
    edit_queue.ask(video, recipes[2], creator)


def test_so_many_teams_a_person(
    client_of: Callable[[User], Client], stranger: User, team: Team, limits: dict[str, int | None]
) -> None:
    limits["TEAMS_PER_PERSON"] = 2
    team.memberships.create(user=stranger, role=Role.ADMIN)
    client = client_of(stranger)
    assert client.post(reverse("team_new"), {"name": "Second"}).status_code == 302
    page = client.post(reverse("team_new"), {"name": "Third"})
    assert page.status_code == 400
    assert "You own 2 teams" in page.content.decode()
    assert not Team.objects.filter(name="Third").exists()


# ── the page ──────────────────────────────────────────────────────────────────────────────────────


def test_the_team_page_shows_each_limit_and_what_is_used(
    client_of: Callable[[User], Client], team: Team, viewer: User, limits: dict[str, int | None]
) -> None:
    limits.update(STORAGE_PER_TEAM=10 * MB, UPLOADS_PER_HOUR=7, TEAMS_PER_PERSON=0)
    asset(team, viewer, 10 * MB)
    text = client_of(viewer).get(reverse("team", args=[team.slug])).content.decode()
    assert text.count("10.0\xa0MB") == 3
    assert text.count("used up") == 2
    assert text.count("no limit") == 2
