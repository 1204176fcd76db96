"""Sentences in the language of the page."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import trans_real

from jobs.accounts import pauses
from jobs.catalogue.entries import EMO
from jobs.common.errors import Refused
from jobs.common.states import Code, State
from jobs.engine import expiry, transitions
from jobs.models import Account, Job, JobEvent, PauseState
from studio.common.translatable import (
    EMPTY,
    packed,
    phrase,
    plural_phrase,
    together,
    translated,
    unpacked,
)
from studio.models import Team, User
from tests import makers

ClientOf = Callable[[User], Client]
Learn = Callable[..., None]


# ── another language ──


@pytest.fixture
def learn(monkeypatch: pytest.MonkeyPatch) -> Learn:
    """Teach the site some German: learn({message: translation}), the translations of a plural as a
    tuple."""

    def teach(words: dict[str, str | tuple[str, str]]) -> None:
        book: Any = gettext.NullTranslations()
        book.plural = lambda n: int(n != 1)
        book._catalog = {}
        for message, said in words.items():
            if isinstance(said, str):
                book._catalog[message] = said
            else:
                book._catalog |= {(message, number): one for number, one in enumerate(said)}
        german = trans_real.DjangoTranslation("de")
        german._catalog.update(book)
        monkeypatch.setitem(trans_real._translations, "de", german)

    return teach


def in_german(client: Client, url: str) -> str:
    with translation.override("de"):
        return client.get(url).content.decode()


def test_messages_are_translated_before_they_are_filled_in(learn: Learn) -> None:
    learn(
        {
            "The file has %(size)s; at most "
            "%(most)s.": "Erlaubt: %(most)s; die Datei hat %(size)s.",
            "%(n)s MB": "%(n)s Megabyte",
            "%(n)s job waits": ("%(n)s Auftrag wartet", "%(n)s Aufträge warten"),
            "An old row.": "Eine alte Zeile.",
        }
    )
    said = phrase(
        "The file has %(size)s; at most %(most)s.", size=phrase("%(n)s MB", n=7), most="5"
    )
    with translation.override("de"):
        assert translated(said) == "Erlaubt: 5; die Datei hat 7 Megabyte."
        assert (
            translated(unpacked(packed(together(said, "An old row."))))
            == "Erlaubt: 5; die Datei hat 7 Megabyte. Eine alte Zeile."
        )
        assert [
            translated(plural_phrase("%(n)s job waits", "%(n)s jobs wait", n)) for n in (1, 2)
        ] == ["1 Auftrag wartet", "2 Aufträge warten"]
        assert (
            translated("An old row.") == translated(unpacked("An old row.")) == "Eine alte Zeile."
        )
        assert translated("") == translated(EMPTY) == ""  # and not the head of the catalogue
    assert translated(said) == "The file has 7 MB; at most 5."


@pytest.mark.parametrize(
    "broken",
    [
        "Die Datei hat %(groesse)s.",
        "Die Datei hat %(size)d.",
        "Die Datei hat %(size",
        "Zu 100 % %(size)s",
    ],
)
def test_a_broken_translation_falls_back_to_english(learn: Learn, broken: str) -> None:
    learn({"The file has %(size)s.": broken, "It is %(why)s": "Weil: %(why)s"})
    with translation.override("de"):
        assert translated(phrase("The file has %(size)s.", size="5 MB")) == "The file has 5 MB."
        assert (
            translated(phrase("It is %(why)s", why=phrase("The file has %(size)s.", size="5 MB")))
            == "Weil: The file has 5 MB."
        )


def test_a_job_tells_its_end_and_its_way_in_the_language_of_the_page(
    learn: Learn, client_of: ClientOf, owner: User, team: Team, account: Account
) -> None:
    learn(
        {
            "The dance template could not be made.": "Die Vorlage misslang.",
            "What came is not the whole video: it plays %(seconds)s s of the %(billed)s s that "
            "were billed.": "%(seconds)s von %(billed)s s sind da.",
            "Choose another video and run it again.": "Nimm ein anderes Video.",
            "Canceled by %(person)s before sending": "Vor dem Senden abgebrochen von %(person)s",
            "EMO": "ÄMO",
            "An event of before": "Ein altes Ereignis",
        }
    )
    cut = phrase(
        "What came is not the whole video: it plays %(seconds)s s of the %(billed)s s that were "
        "billed.",
        seconds="2.0",
        billed="4.0",
    )
    job = makers.job(team, owner, account=account)
    JobEvent.objects.create(team=team, job=job, new=State.QUEUED, text="An event of before")
    transitions.move(
        job,
        State.FAILED,
        phrase("Canceled by %(person)s before sending", person="Chidi & co"),
        code=Code.NO_TEMPLATE,
        sentence=together(phrase("The dance template could not be made."), cut),
        advice=phrase("Choose another video and run it again."),
    )
    client, page = client_of(owner), job.get_absolute_url()
    html = in_german(client, page)
    assert "Die Vorlage misslang. 2.0 von 4.0 s sind da." in html
    assert "Nimm ein anderes Video." in html
    assert "Vor dem Senden abgebrochen von Chidi &amp; co" in html
    assert "Ein altes Ereignis" in html
    assert "ÄMO (emo-v1)" in html
    assert "Die Vorlage misslang. 2.0 von 4.0 s sind da." in in_german(
        client, reverse("jobs:board", args=[team.slug])
    )
    html = client.get(page).content.decode()
    assert (
        "The dance template could not be made. What came is not the whole video: it plays 2.0 s of "
        "the 4.0 s that were billed." in html
    )


def test_limits_are_told_in_the_language_of_the_page(
    learn: Learn, client_of: ClientOf, creator: User, team: Team, account: Account
) -> None:
    learn(
        {
            "The picture is %(width)s × %(height)s px; the short side needs %(least)s px or more. "
            "Use a larger one.": ("Kurze Seite: %(least)s px, nicht %(width)s × %(height)s."),
            "%(least)s to %(most)s px": "%(least)s bis %(most)s px",
            "Portrait": "Bildnis",
            "%(what)s is missing. Choose a file.": "Es fehlt: %(what)s.",
        }
    )
    small = makers.asset(team, width=300, height=300)
    html = in_german(
        client_of(creator),
        f"{reverse('jobs:portrait', args=[team.slug])}?image_url={small.public_id}",
    )
    assert "Kurze Seite: 400 px, nicht 300 × 300." in html
    assert "400 bis 7000 px" in html
    assert "Bildnis" in html


def test_a_refused_wish_says_why_in_the_language_of_the_page(
    learn: Learn, client_of: ClientOf, owner: User, team: Team, account: Account
) -> None:
    learn(
        {
            "%(why)s: it takes no new jobs. Use another connection, or ask an admin of the team to "
            "open it under Connections.": "Zu: %(why)s.",
            "%(person)s lets %(name)s finish its queue and take nothing new, since "
            "%(time)s": "%(person)s leert %(name)s seit %(time)s",
            "Someone": "Jemand",
        }
    )
    job = makers.job(team, owner, account=account, state=State.FAILED)
    pauses.set_pause(account, PauseState.DRAINING, None)
    account.refresh_from_db()
    refusal = pauses.refuses(account, None, team)
    client = client_of(owner)
    with translation.override("de"):
        assert translated(refusal).startswith(f"Zu: Jemand leert {account.label} seit ")
        html = client.post(
            reverse("jobs:again", args=[team.slug, job.public_id]), follow=True
        ).content.decode()
    assert f"Zu: Jemand leert {account.label} seit " in html
    assert Refused(refusal, phrase("And more.")).sentence == f"{refusal} And more."


def test_mails_are_written_in_the_language_of_the_site(
    learn: Learn, owner: User, team: Team, account: Account, django_capture_on_commit_callbacks: Any
) -> None:
    learn(
        {
            "The video “%(title)s” may be in danger": (
                "„%(title)s“ ist in Gefahr",
                "%(n)s Videoe sind in Gefahr",
            ),
            "You get this because you are an owner or an admin of "
            "%(team)s.": "Weil dir %(team)s gehört.",
        }
    )
    jobs = [
        makers.job(team, owner, account=account, state=State.RUNNING, title="Mia") for _ in range(2)
    ]
    assert expiry._letter(State.RUNNING, 12, jobs[:1])[0] == "The video “Mia” may be in danger"
    assert expiry._letter(State.RUNNING, 12, jobs)[0] == "2 videos may be in danger"
    Job.objects.filter(pk=jobs[0].pk).update(submitted_at=jobs[0].created_at.replace(year=2020))
    with translation.override("de"), django_capture_on_commit_callbacks(execute=True):
        assert expiry.alarm() == 1
    (letter,) = mail.outbox
    assert letter.subject == "Footlight: „Mia“ ist in Gefahr"
    assert "Weil dir Studio North gehört." in letter.body


def test_the_catalogue_is_translated_where_it_is_shown(learn: Learn) -> None:
    learn({"All 3 styles": "Alle 3 Stile", "Portrait": "Bildnis"})
    with translation.override("de"):
        assert translated(EMO.parameter("style_level").every) == "Alle 3 Stile"
        assert translated(EMO.input("image_url").label) == "Bildnis"
