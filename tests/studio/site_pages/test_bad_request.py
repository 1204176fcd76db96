"""A request that cannot be read is answered with a page, which says why where that is known."""

from __future__ import annotations

from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studio.models import Team, User
from tests import files


def test_a_form_of_too_many_files_says_how_many_it_may_have(
    team: Team, creator: User, settings: LazySettings
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    client = Client()
    client.force_login(creator)
    sent = [SimpleUploadedFile(f"{n}.png", files.png(20, 20)) for n in range(3)]
    answer = client.post(reverse("upload", args=[team.slug]), {"files": sent})
    assert answer.status_code == 400
    assert "holds more than 2 files" in answer.content.decode()
    assert not team.assets.exists()


def test_a_form_of_too_many_fields_says_so(
    team: Team, creator: User, settings: LazySettings
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 5
    client = Client()
    client.force_login(creator)
    answer = client.post(reverse("upload", args=[team.slug]), {f"field{n}": "1" for n in range(9)})
    assert answer.status_code == 400
    assert "more than the site takes at once" in answer.content.decode()


def test_an_address_that_is_not_the_sites_gets_the_page_and_nothing_is_read(
    creator: User, settings: LazySettings
) -> None:
    """The page itself must not ask for what was wrong with the request."""
    settings.ALLOWED_HOSTS = ["footlight.example"]
    settings.DEBUG = False
    client = Client(raise_request_exception=True, HTTP_HOST="elsewhere.example")
    client.force_login(creator)
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(reverse("account_login"))
    assert answer.status_code == 400
    assert "This request makes no sense to us" in answer.content.decode()
    assert "elsewhere.example" not in answer.content.decode()
    assert len(asked) == 0
