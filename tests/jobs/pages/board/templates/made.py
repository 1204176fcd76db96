"""Templates and the dances that were made with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from jobs.common.states import State
from jobs.models import Account, Template
from jobs.pages.template_cards import TemplateCard, template_cards
from studio.models import Team, User
from tests import makers
from tests.html import parse

ClientOf = Callable[[User], Client]


MAKER, DANCE = "animate-anyone-template-gen2", "animate-anyone-gen2"


def links(page: Any) -> dict[str, str]:
    """Words of every button that is a link → where it leads."""
    return {link.text: link["href"] for link in parse(page).all("a.btn")}


def made(
    team: Team,
    by: User,
    account: Account,
    *,
    dances: int = 0,
    settled: int = 116_984,
    seconds: float = 10.2,
    **fields: Any,
) -> Template:
    """A template with the job that made it, and `dances` with it."""
    video = makers.asset(team, "video", milliseconds=round(seconds * 1000))
    row = makers.template(team, account, video, **fields)
    makers.job(
        team,
        by,
        MAKER,
        State.SUCCEEDED,
        account,
        template=row,
        files={"video_url": video},
        milliseconds=video.milliseconds,
        settled_micros=settled,
    )
    for _ in range(dances):
        makers.job(team, by, DANCE, account=account, template=row, milliseconds=video.milliseconds)
    return row


def entry(team: Team, row: Template) -> TemplateCard:
    rows = Template.objects.select_related("account", "asset").filter(pk=row.pk)
    return template_cards(team, list(rows))[0]
