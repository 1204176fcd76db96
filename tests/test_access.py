"""Every address of the site, walked as nobody, as a stranger and as a viewer. A view without a mark
fails here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from jobs.models import Account, JobSet, Preset
from studio.models import Team, User
from studio.teams.access import MARK
from tests import makers

# What a name in an address stands for. A new name fails the walk until someone decides.
VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "team": lambda made: made["team"].slug,
    "asset": lambda made: made["asset"].public_id,
    "what": lambda made: "original",
    "job": lambda made: made["job"].public_id,
    "account": lambda made: made["account"].public_id,
    "key": lambda made: made["account"].key.pk,
    "template": lambda made: made["template"].public_id,
    "check": lambda made: made["check"].public_id,
    "jobset": lambda made: made["jobset"].public_id,
    "view": lambda made: made["view"].public_id,
    "collection": lambda made: made["collection"].public_id,
    "preset": lambda made: made["preset"].public_id,
    "share": lambda made: made["share"].public_id,
    "place": lambda made: 1,
    "invitation": lambda made: made["invitation"].public_id,
    "deletion": lambda made: made["deletion"].public_id,
    "member": lambda made: made["member"].pk,
    "domain": lambda made: 4711,
    "approval": lambda made: made["approval"].public_id,
    "whose": lambda made: made["whose"],
    "token": lambda made: "no-token",
    "name": lambda made: "x.jpg",
}
# Rooms of other packages: their own doors are theirs (sign-in pages, the admin behind its staff
# login).
FOREIGN = ("accounts/", "admin/")
# Pages of a team that read, or are about the viewer alone, although a form may post to them.
READ_ONLY_POSTS: set[str] = {"leave", "jobs:view_save", "jobs:view_change"}


def _walk(
    resolver: URLResolver, prefix: str = "", space: str = ""
) -> list[tuple[str, str, URLPattern]]:
    found = []
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if path.startswith(FOREIGN):
            continue
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            found += _walk(entry, path, inner)
        else:
            found.append((f"{space}{entry.name}", path, entry))
    return found


ADDRESSES = _walk(get_resolver())


@pytest.fixture
def made(team: Team, creator: User) -> dict[str, Any]:
    account: Account = makers.account(team)
    asset = makers.asset(team)
    return {
        "team": team,
        "whose": team.memberships.get(user=creator).pk,
        "account": account,
        "asset": asset,
        "job": makers.job(team, creator, account=account),
        "template": makers.template(team, account),
        "check": makers.check(asset, account),
        "jobset": JobSet.objects.create(
            team=team, owner=creator, kind=JobSet.Kind.BATCH, title="Many"
        ),
        "preset": Preset.objects.create(
            team=team, owner=creator, model="emo-v1", name="Front desk"
        ),
        "collection": makers.collection(team, creator, asset),
        "view": makers.saved_view(team, creator),
        "share": makers.share_link(team, creator),
        "invitation": makers.invitation(team, creator),
        "deletion": makers.deletion(team, creator),
        "member": team.memberships.get(user=creator),
        "approval": makers.pending_order(team, creator),
    }


def _address(name: str, entry: URLPattern, path: str, made: dict[str, Any]) -> str:
    names = [part.split(":")[-1].rstrip(">") for part in path.split("<")[1:]]
    names = [part.split(">")[0] for part in names]
    return reverse(name, kwargs={key: VALUES[key](made) for key in names})


def test_there_is_something_to_walk() -> None:
    assert len(ADDRESSES) > 20


@pytest.mark.parametrize(
    ("name", "path", "entry"), ADDRESSES, ids=[name for name, _, _ in ADDRESSES]
)
def test_every_view_wears_a_mark(name: str, path: str, entry: URLPattern) -> None:
    mark = getattr(entry.callback, MARK, "")
    assert mark, f"{name} ({path}) has no mark of studio.teams.access"
    assert ("<slug:team>" in path) == mark.startswith("team:"), (
        f"{name}: a team's address needs @team_page and only those have it"
    )


def test_nobody_is_sent_to_sign_in(made: dict[str, Any], client: Client) -> None:
    for name, path, entry in ADDRESSES:
        if getattr(entry.callback, MARK) == "public":
            continue
        answer = client.get(_address(name, entry, path, made))
        assert answer.status_code == 302, name
        assert answer["Location"].startswith(reverse("account_login")), name


def test_a_stranger_finds_nothing(
    made: dict[str, Any], stranger: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(stranger)
    for name, path, entry in ADDRESSES:
        if not getattr(entry.callback, MARK).startswith("team:"):
            continue
        address = _address(name, entry, path, made)
        assert client.get(address).status_code == 404, name
        assert client.post(address).status_code == 404, name


def test_a_viewer_writes_nothing(
    made: dict[str, Any], viewer: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(viewer)
    for name, path, entry in ADDRESSES:
        if not getattr(entry.callback, MARK).startswith("team:") or name in READ_ONLY_POSTS:
            continue
        assert client.post(_address(name, entry, path, made)).status_code == 403, name


def test_a_member_of_one_team_finds_nothing_of_another(
    made: dict[str, Any], stranger: User, client_of: Callable[[User], Client]
) -> None:
    """The ids of one team's things under another team's address: the views must start at
    request.team."""
    theirs = stranger.teams.get()
    client = client_of(stranger)
    for name, path, entry in ADDRESSES:
        if "<slug:team>" not in path or path.count("<") < 2:
            continue
        address = _address(name, entry, path, {**made, "team": theirs})
        assert client.get(address).status_code in (404, 405), name
        assert client.post(address).status_code in (404, 405), name
