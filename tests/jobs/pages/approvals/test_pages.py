"""Approval on the pages: the amount, the button that asks, the list, the page of one question, and
its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account, Budget, Job, JobSet, PendingOrder, Price
from studio.models import Asset, Membership, Role, Team, User
from studio.models.audit import AuditEntry
from tests import makers
from tests.html import parse

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
PRICE = 4 * 11_469  # of a video of 4 s
State = PendingOrder.State


@pytest.fixture
def files(team: Team, account: Account) -> dict[str, Asset]:
    picture, speech = makers.asset(team), makers.asset(team, "audio")
    makers.check(picture, account, answered_at=timezone.now())
    return {"image_url": picture, "audio_url": speech}


@pytest.fixture
def above(team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(approval_micros=PRICE - 1)


def form_of(html: str, selector: str = "#make") -> dict[str, str]:
    """The fields of a form as a browser sends them along."""
    rows = parse(html).all(f"{selector} input[type=hidden]")
    return {row["name"]: row.get("value") or "" for row in rows}


def portrait(team: Team) -> str:
    return reverse("jobs:portrait", args=[team.slug])


def draft(files: dict[str, Asset]) -> dict[str, str]:
    return {name: asset.public_id for name, asset in files.items()} | {"title": "Hello"}


def asked(client: Client, team: Team, files: dict[str, Asset]) -> PendingOrder:
    page = client.get(portrait(team), draft(files)).content.decode()
    answer = client.post(portrait(team), {**draft(files), **form_of(page), "do": "make"})
    pending = PendingOrder.objects.latest("id")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("jobs:approval", args=[team.slug, pending.public_id])
    return pending


def answer_url(pending: PendingOrder) -> str:
    return reverse("jobs:approval_answer", args=[pending.team.slug, pending.public_id])


def test_the_amount_is_set_by_who_sets_limits(
    team: Team, owner: User, admin: User, client_of: ClientOf
) -> None:
    place = reverse("jobs:approval_limit", args=[team.slug])
    form = {"kind": "amount", "amount": "0.05"}
    assert client_of(admin).post(place, form).status_code == 403
    browser = client_of(owner)
    assert browser.post(place, {"kind": "amount", "amount": ""}).status_code == 422
    assert browser.post(place, {"kind": "amount", "amount": "-1"}).status_code == 422
    browser.post(place, form)
    assert Team.objects.get(pk=team.pk).approval_micros == 50_000
    assert "$0.05" in browser.get(reverse("team_limits", args=[team.slug])).content.decode()
    browser.post(place, {"kind": "amount", "amount": "0"})
    assert Team.objects.get(pk=team.pk).approval_micros == 0
    browser.post(place, {"kind": "nothing", "amount": ""})
    assert Team.objects.get(pk=team.pk).approval_micros is None
    told = AuditEntry.objects.filter(event="money.approval-amount-changed").order_by("id")
    assert [row.after["above"] for row in told] == ["$0.050000", "$0.000000", "not set"]


def test_the_button_says_what_the_click_does(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    mine = parse(client_of(creator).get(portrait(team), draft(files)).content.decode())
    assert "Ask for approval" in mine.one("#generate").text
    assert "Who can: Aiko." in mine.one("#approval").text
    assert "Nothing is reserved or sent" in mine.one("#approval").text
    theirs = parse(client_of(owner).get(portrait(team), draft(files)).content.decode())
    assert "Generate" in theirs.one("#generate").text
    assert not theirs.has("#approval")


def test_a_click_asks_and_reserves_nothing(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    browser = client_of(creator)
    pending = asked(browser, team, files)
    assert (pending.owner, pending.quote_micros, Job.objects.count()) == (creator, PRICE, 0)
    assert [letter.to for letter in mail.outbox] == [[owner.email]]
    page = browser.get(reverse("jobs:approval", args=[team.slug, pending.public_id]))
    html = page.content.decode()
    assert "Who can answer: Aiko" in html
    assert "Approve and order" not in html
    assert "Withdraw" in html
    assert (
        pending.title in browser.get(reverse("team_approvals", args=[team.slug])).content.decode()
    )


def test_a_button_that_said_it_orders_never_asks(
    team: Team, creator: User, files: Any, client_of: ClientOf
) -> None:
    """The amount was set after the page was opened."""
    browser = client_of(creator)
    page = browser.get(portrait(team), draft(files)).content.decode()
    Team.objects.filter(pk=team.pk).update(approval_micros=0)
    answer = browser.post(portrait(team), {**draft(files), **form_of(page), "do": "make"})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "somebody has to approve it" in " ".join(
        one.text for one in parse(html).all(".notice.bad")
    )
    assert "Ask for approval" in parse(html).one("#generate").text
    assert (Job.objects.count(), PendingOrder.objects.count()) == (0, 0)
    browser.post(portrait(team), {**draft(files), **form_of(html), "do": "make"})
    assert PendingOrder.objects.count() == 1


def test_with_a_script_the_page_stays_and_says_that_it_asked(
    team: Team, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    browser = client_of(creator)
    page = browser.get(portrait(team), draft(files)).content.decode()
    form = {**draft(files), **form_of(page), "do": "make"}
    answer = browser.post(portrait(team), form, headers={"HX-Request": "true"})
    toast = parse(answer.content.decode()).one(".toast")
    assert "Asked for approval of “Hello”" in toast.text
    pending = PendingOrder.objects.get()
    undo = reverse("jobs:approval_withdraw", args=[team.slug, pending.public_id])
    assert toast.has(f'form[action="{undo}"]')
    assert browser.post(undo, headers={"HX-Request": "true"}).status_code == 200
    pending.refresh_from_db()
    assert pending.state == State.WITHDRAWN


def test_yes_from_the_page_orders(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    pending = asked(client_of(creator), team, files)
    browser = client_of(owner)
    place = reverse("jobs:approval", args=[team.slug, pending.public_id])
    html = browser.get(place).content.decode()
    assert (Job.objects.count(), PendingOrder.objects.get().state) == (0, State.OPEN)
    assert "$0.0459" in parse(html).one('button[value="approve"]').text
    sent = form_of(html, f'form[action="{answer_url(pending)}"]')
    answer = browser.post(answer_url(pending), {**sent, "do": "approve", "reason": ""})
    job = Job.objects.get()
    assert answer["Location"] == job.get_absolute_url()
    assert (job.owner, job.quote_micros) == (creator, PRICE)
    again = browser.post(answer_url(pending), {**sent, "do": "approve"})
    assert Job.objects.count() == 1
    assert again.status_code == 422
    assert "ordered already, by Aiko" in again.content.decode()
    assert "Approved by Aiko" in browser.get(place).content.decode()


def test_a_price_that_grew_asks_again(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    pending = asked(client_of(creator), team, files)
    browser = client_of(owner)
    place = reverse("jobs:approval", args=[team.slug, pending.public_id])
    html = browser.get(place).content.decode()
    Price.objects.filter(model="emo-v1").update(micros=20_000)
    sent = form_of(html, f'form[action="{answer_url(pending)}"]')
    answer = browser.post(answer_url(pending), {**sent, "do": "approve"})
    assert (answer.status_code, Job.objects.count()) == (422, 0)
    html = answer.content.decode()
    assert "The price is $0.0800 now, and the button said $0.0459" in html
    assert "another one than when it was asked for" in html
    sent = form_of(html, f'form[action="{answer_url(pending)}"]')
    browser.post(answer_url(pending), {**sent, "do": "approve"})
    assert Job.objects.get().quote_micros == 80_000


def test_no_needs_a_reason(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    pending = asked(client_of(creator), team, files)
    browser = client_of(owner)
    answer = browser.post(answer_url(pending), {"do": "decline", "reason": " "})
    assert answer.status_code == 422
    assert "Say why not" in answer.content.decode()
    browser.post(answer_url(pending), {"do": "decline", "reason": "Too long"})
    pending.refresh_from_db()
    assert (pending.state, pending.answer, Job.objects.count()) == (State.DECLINED, "Too long", 0)


def test_who_may_answer_and_who_may_withdraw(
    team: Team,
    creator: User,
    viewer: User,
    above: None,
    files: Any,
    client_of: ClientOf,
) -> None:
    pending = asked(client_of(creator), team, files)
    withdraw = reverse("jobs:approval_withdraw", args=[team.slug, pending.public_id])
    for who in (creator, viewer):
        assert client_of(who).post(answer_url(pending), {"do": "approve"}).status_code == 403
    other = User.objects.create_user("eve@example.com")
    Membership.objects.create(team=team, user=other, role=Role.CREATOR)
    assert client_of(other).post(withdraw).status_code == 403
    Membership.objects.filter(user=viewer).update(role=Role.BILLING)
    client_of(viewer).post(answer_url(pending), {"do": "approve"})
    assert Job.objects.get().owner == creator


def test_the_limits_left_stand_on_the_page(
    team: Team, owner: User, creator: User, above: None, files: Any, client_of: ClientOf
) -> None:
    pending = asked(client_of(creator), team, files)
    Budget.objects.create(team=team, member=creator, micros=20_000)
    place = reverse("jobs:approval", args=[team.slug, pending.public_id])
    html = " ".join(parse(client_of(owner).get(place).content.decode()).text.split())
    assert "Chidi’s limit in Studio North for a month" in html
    assert "A limit has no room for it now" in html
    answer = client_of(owner).post(answer_url(pending), {"do": "approve"})
    assert (answer.status_code, Job.objects.count()) == (422, 0)


# ── the other ways to order ──


def test_running_again_asks_first(
    team: Team, owner: User, creator: User, account: Account, above: None, client_of: ClientOf
) -> None:
    job = makers.job(team, creator, state="failed", account=account)
    picture = job.inputs.get(name="image_url").asset
    makers.check(picture, account, answered_at=timezone.now())
    browser = client_of(creator)
    html = browser.get(job.get_absolute_url()).content.decode()
    place = reverse("jobs:again", args=[team.slug, job.public_id])
    assert "Ask to run it again" in parse(html).one(f'form[action="{place}"]').text
    sent = form_of(html, f'form[action="{place}"]')
    answer = browser.post(place, {name: sent[name] for name in sent if name != "asks"})
    assert answer["Location"] == job.get_absolute_url()
    assert not PendingOrder.objects.exists()
    browser.post(place, sent)
    pending = PendingOrder.objects.get()
    client_of(owner).post(answer_url(pending), {"do": "approve"})
    assert Job.objects.latest("id").again_of == job


def test_running_a_set_again_asks_first(
    team: Team, owner: User, creator: User, account: Account, above: None, client_of: ClientOf
) -> None:
    made = JobSet.objects.create(team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many")
    for _n in range(2):
        job = makers.job(team, creator, state="failed", account=account, set=made)
        makers.check(job.inputs.get(name="image_url").asset, account, answered_at=timezone.now())
    browser = client_of(creator)
    place = reverse("jobs:set_again", args=[team.slug, made.public_id])
    html = browser.get(made.get_absolute_url()).content.decode()
    sent = form_of(html, f'form[action="{place}"]')
    assert "Ask to run the failed ones again" in parse(html).one(f'form[action="{place}"]').text
    browser.post(place, sent)
    pending = PendingOrder.objects.get()
    assert (pending.quote_micros, pending.videos, pending.title) == (2 * PRICE, 2, "Many")
    client_of(owner).post(answer_url(pending), {"do": "approve"})
    assert made.jobs.count() == 4


# ── what is left before the click ──


def test_the_create_page_shows_what_is_left_of_each_limit(
    team: Team, creator: User, files: Any, client_of: ClientOf
) -> None:
    browser = client_of(creator)
    place = portrait(team)
    assert not parse(browser.get(place, draft(files)).content.decode()).has("#limits-left")
    makers.job(team, creator)
    Budget.objects.create(team=team, micros=20 * 11_469)
    Budget.objects.create(team=team, of_each=True, period="day", micros=8 * 11_469)
    html = browser.get(place, draft(files)).content.decode()
    lines = parse(html).one("#limits-left")
    names, values = ([one.text for one in lines.all(tag)] for tag in ("dt", "dd"))
    assert names[0] == "You, today 50 % used stops first"
    assert values[0].replace("\N{NO-BREAK SPACE}", " ") == "$0.04 of $0.09 left, about 4 s of video"
    assert names[1].startswith("Team, ")
    assert "used" not in names[1]
    assert "about 16 s of video" in values[1].replace("\N{NO-BREAK SPACE}", " ")
