"""The form without a script: what is more than one form may hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studio.models import Team, User

pytestmark = pytest.mark.django_db


def test_more_files_than_a_form_may_hold_are_told(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    """The way without a script; the pages with one send each file by itself."""
    many = [SimpleUploadedFile(f"{number}.png", b"not one") for number in range(101)]
    door = reverse("upload", args=[team.slug])
    answer = client_of(creator).post(door, {"file": many})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "more than 100 files" in page
    assert "Choose fewer" in page
    assert not team.assets.exists()
    ok = client_of(creator).post(door, {"file": many[:100]})
    assert ok.status_code == 302


def test_more_fields_than_a_form_may_hold_are_told(
    team: Team, creator: User, client_of: Callable[[User], Client]
) -> None:
    door = reverse("jobs:delete_several", args=[team.slug])
    answer = client_of(creator).post(door, {f"field{number}": "1" for number in range(1001)})
    assert answer.status_code == 400
    assert "more than the site takes at once" in answer.content.decode()
